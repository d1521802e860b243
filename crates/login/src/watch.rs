//! A login's way to the application: read, measured, slowed, and sent.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::ACCEPT_ENCODING;
use http::{HeaderMap, HeaderValue, Method, Request, Response, request};
use http_body::Body;
use rempart_guard::{Action, Downstream, Enforcement, Refusal, Reporter};
use tokio::time::{Instant, sleep, timeout};
use tower_service::Service;

use crate::body::ReadTo;
use crate::credentials::Credentials;
use crate::guard::Begun;
use crate::outcome::Outcome;
use crate::policy::{Breached, Purpose};
use crate::refusal::{LoginsUsedUp, What};
use crate::subject::Subject;
use crate::turn::Turn;
use crate::{LoginBody, LoginGuard, LoginRefusal, breached};

/// A guard, and who is told of it.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) guard: LoginGuard,
    pub(crate) reporter: Reporter,
}

/// A login that may go on.
struct Admitted {
    turn: Turn,
    subject: Subject,
    /// How often its password has been seen elsewhere.
    breached: Option<u64>,
}

/// What was asked, for the answer.
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) sent: Instant,
    pub(crate) downstream: Option<Downstream>,
    pub(crate) breached: Option<u64>,
}

impl Watch {
    /// What an application believes of these headers, no client may write.
    pub(crate) fn take_away(&self, headers: &mut HeaderMap) {
        let policy = self.guard.policy();
        headers.remove(&policy.step_up_header);
        if let Some(breached) = &policy.breached {
            headers.remove(&breached.header);
        }
    }

    /// The whole way of a request to one of the routes.
    pub(crate) async fn login<S, A, B>(
        self: Arc<Self>,
        purpose: Purpose,
        mut inner: S,
        request: Request<A>,
    ) -> Result<Response<LoginBody<B>>, S::Error>
    where
        S: Service<Request<LoginBody<A>>, Response = Response<B>>,
        A: Body<Data = Bytes> + Unpin,
        B: Body<Data = Bytes> + Unpin,
    {
        let (mut head, body) = request.into_parts();
        let mut body = LoginBody::unread(body);
        match self.admit(purpose, &mut head, &mut body).await {
            Ok(admitted) => self.exchange(admitted, inner, Request::from_parts(head, body)).await,
            Err(refusal) => match self.refuse(&refusal, &head) {
                Some(answer) => Ok(answer),
                None => Ok(inner
                    .call(Request::from_parts(head, body))
                    .await?
                    .map(LoginBody::unread)),
            },
        }
    }

    /// The answer that a refusal is, where it is more than told.
    fn refuse<B: Body>(&self, refusal: &LoginRefusal, head: &request::Parts) -> Option<Response<LoginBody<B>>> {
        let downstream = Downstream::of(&head.extensions).ok();
        let rejection = refusal.rejection();
        self.tell(rejection.code(), Action::Refuse, downstream, refusal);
        let number = downstream.map(|downstream| downstream.request);
        self.is_enforced().then(|| rejection.answer(&head.headers, number))
    }

    /// Asks the application, and learns from its answer.
    async fn exchange<S, A, B>(
        &self,
        admitted: Admitted,
        mut inner: S,
        request: Request<LoginBody<A>>,
    ) -> Result<Response<LoginBody<B>>, S::Error>
    where
        S: Service<Request<LoginBody<A>>, Response = Response<B>>,
        A: Body,
        B: Body<Data = Bytes> + Unpin,
    {
        let Admitted { mut turn, subject, .. } = admitted;
        let asked = Asked {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            sent: Instant::now(),
            downstream: Downstream::of(request.extensions()).ok(),
            breached: admitted.breached,
        };
        turn.send();
        let answer = match inner.call(request).await {
            Ok(answer) => answer,
            Err(error) => {
                turn.end(Outcome::Unjudged).await;
                return Err(error);
            }
        };
        let (mut head, body) = answer.into_parts();
        let mut body = LoginBody::unread(body);
        let outcome = self.judge(subject.purpose, &asked, &head, &mut body).await;
        self.note(outcome, &turn, &subject, &asked);
        turn.end(outcome).await;
        match outcome {
            Outcome::Failed => self.even_out(asked.sent, &mut body).await,
            Outcome::Succeeded if subject.purpose == Purpose::Login => self.remember(subject, &mut head),
            _ => {}
        }
        Ok(Response::from_parts(head, body))
    }

    /// Reads a request and waits for its turn, and tells the application what it is to know.
    async fn admit<A>(
        &self,
        purpose: Purpose,
        head: &mut request::Parts,
        body: &mut LoginBody<A>,
    ) -> Result<Admitted, LoginRefusal>
    where
        A: Body<Data = Bytes> + Unpin,
    {
        let downstream = Downstream::of(&head.extensions).map_err(|_| LoginRefusal::NoDownstream)?;
        let credentials = self.credentials(head, body).await?;
        if credentials.is_ambiguous {
            return Err(LoginRefusal::Ambiguous);
        }
        let subject = self
            .guard
            .subject(purpose, (head, downstream), &credentials, SystemTime::now());
        if subject.account.is_none() && purpose != Purpose::Code {
            let evidence = "no account was found in the request: it is counted by its network";
            self.tell("login_unread", Action::Notice, Some(downstream), evidence);
        }
        let turn = self.turn(&subject, head, downstream).await?;
        let breached = self.look_up(purpose, credentials, head, downstream).await;
        if self.is_enforced() && self.guard.policy().reads_bodies() {
            head.headers
                .insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        Ok(Admitted {
            turn,
            subject,
            breached,
        })
    }

    async fn credentials<A>(&self, head: &request::Parts, body: &mut LoginBody<A>) -> Result<Credentials, LoginRefusal>
    where
        A: Body<Data = Bytes> + Unpin,
    {
        if body.size_hint().lower() > MOST_ASKED as u64 {
            return Err(LoginRefusal::TooLarge);
        }
        let read = timeout(PATIENCE, body.read(MOST_ASKED, |_| false)).await;
        match read.map_err(|_| LoginRefusal::Stalled)? {
            ReadTo::Bound => return Err(LoginRefusal::TooLarge),
            ReadTo::Error => return Err(LoginRefusal::Broken),
            ReadTo::End | ReadTo::Enough => {}
        }
        let names = &self.guard.policy().names;
        Ok(Credentials::read(names, &head.uri, &head.headers, &body.known()))
    }

    /// A turn, when it has come.
    async fn turn(
        &self,
        subject: &Subject,
        head: &mut request::Parts,
        downstream: Downstream,
    ) -> Result<Turn, LoginRefusal> {
        let policy = self.guard.policy();
        let until = Instant::now() + policy.max_delay.max(BUSY);
        let turn = loop {
            match self.guard.begin(subject).await {
                Begun::Turn(turn) => break turn,
                Begun::SteppedUp(turn, used_up) => {
                    self.tell("login_stepped_up", Action::Repair, Some(downstream), &used_up);
                    if self.is_enforced() {
                        let reason = HeaderValue::from_static(used_up.code());
                        head.headers.insert(policy.step_up_header.clone(), reason);
                    }
                    break turn;
                }
                Begun::Busy if self.is_enforced() && Instant::now() < until => {
                    let _waiting = self.wait(subject, AGAIN)?;
                    sleep(AGAIN).await;
                }
                Begun::Busy if self.is_enforced() => return Err(self.used_up(subject, What::InFlight, BUSY)),
                Begun::Busy => return Ok(self.guard.begin_anyway(subject).await),
                Begun::Refused(used_up) if self.is_enforced() => return Err(Box::new(used_up).into()),
                Begun::Refused(used_up) => {
                    self.tell(used_up.code(), Action::Refuse, Some(downstream), &used_up);
                    return Ok(self.guard.begin_anyway(subject).await);
                }
            }
        };
        self.delay(turn, subject, downstream).await
    }

    async fn delay(&self, turn: Turn, subject: &Subject, downstream: Downstream) -> Result<Turn, LoginRefusal> {
        if turn.delay.is_zero() {
            return Ok(turn);
        }
        let Shown { account, network } = Shown::of(subject);
        let evidence = format!("{account} from {network} waits for {} s", turn.delay.as_secs());
        self.tell("login_delayed", Action::Repair, Some(downstream), evidence);
        if self.is_enforced() {
            let _waiting = self.wait(subject, turn.delay)?;
            sleep(turn.delay).await;
        }
        Ok(turn)
    }

    fn wait(&self, subject: &Subject, delay: Duration) -> Result<crate::guard::Waiting, LoginRefusal> {
        self.guard
            .wait()
            .ok_or_else(|| self.used_up(subject, What::Waiting, delay))
    }

    fn used_up(&self, subject: &Subject, what: What, wait: Duration) -> LoginRefusal {
        let used_up = LoginsUsedUp {
            what,
            is_stuffing: false,
            account: subject.short(),
            network: subject.network,
            wait,
        };
        Box::new(used_up).into()
    }

    /// Whether the password is known elsewhere, for the application to say something about it.
    async fn look_up(
        &self,
        purpose: Purpose,
        credentials: Credentials,
        head: &mut request::Parts,
        downstream: Downstream,
    ) -> Option<u64> {
        let Breached { directory, header } = self.guard.policy().breached.as_ref()?;
        let password = credentials.password.filter(|_| purpose == Purpose::Login)?;
        let directory = directory.clone();
        let seen = tokio::task::spawn_blocking(move || breached::seen(&directory, &password)).await;
        let seen = match seen.map_err(std::io::Error::other).flatten() {
            Ok(seen) => seen?,
            Err(error) => {
                let evidence = format_args!("a range file cannot be read: {error}");
                self.tell("password_ranges_unread", Action::Notice, Some(downstream), evidence);
                return None;
            }
        };
        if self.is_enforced() {
            head.headers.insert(header.clone(), HeaderValue::from(seen));
        }
        Some(seen)
    }

    pub(crate) fn is_enforced(&self) -> bool {
        self.guard.policy().enforcement() == Enforcement::Enforce
    }

    pub(crate) fn tell(
        &self,
        code: &'static str,
        action: Action,
        downstream: Option<Downstream>,
        evidence: impl fmt::Display,
    ) {
        let enforcement = self.guard.policy().enforcement();
        self.reporter
            .record(FEATURE, code, action, enforcement, downstream, evidence);
    }
}

/// The control's name in decisions.
const FEATURE: &str = "login";

/// How much of a request is read.
const MOST_ASKED: usize = 64 << 10;
/// How long a client may take to send its password.
const PATIENCE: Duration = Duration::from_secs(30);
/// How soon one that found too many under way tries again, and for how long at least.
const AGAIN: Duration = Duration::from_millis(200);
const BUSY: Duration = Duration::from_secs(2);

/// How a try is shown to an operator.
pub(crate) struct Shown {
    pub(crate) account: String,
    pub(crate) network: rempart_guard::ClientNetwork,
}

impl Shown {
    pub(crate) fn of(subject: &Subject) -> Self {
        let account = subject.short().map(|account| format!("account #{account}"));
        Self {
            account: account.unwrap_or_else(|| "an unknown account".to_owned()),
            network: subject.network,
        }
    }
}
