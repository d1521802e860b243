use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response, request, response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::layer::{Amendment, Control};
use crate::{Downstream, Enforcement, Findings, Guard, Refusal, Reporter};

/// A control that may have to wait before it decides: for a store on another machine, or for a turn.
///
/// Like a [`Guard`], it says what it finds and does not know its [`Enforcement`]. What can be decided at once is, and then
/// costs what a guard costs; only what cannot is awaited, in a box.
pub trait WaitingGuard: Send + Sync + 'static {
    /// The name of the control, in the word of the tenant's file.
    const FEATURE: &'static str;

    /// What a passing check hands to the amendment of the answer.
    type Ticket: Send + 'static;

    /// Why a request is refused.
    type Refusal: Refusal + 'static;

    /// As [`Guard::mark`].
    fn mark(&self, head: &mut request::Parts) {
        let _ = head;
    }

    /// Decides about a request, now or later, and may change its head now.
    fn check(&self, head: &mut request::Parts, findings: &mut Findings) -> Verdict<Self::Ticket, Self::Refusal>;

    /// Changes the head of the answer to a request that passed. By default nothing.
    fn amend(&self, ticket: Self::Ticket, head: &mut response::Parts, findings: &mut Findings) {
        let _ = (ticket, head, findings);
    }
}

/// What a [`WaitingGuard`] decides, or when.
pub enum Verdict<T, R> {
    /// It is decided.
    Now(Result<T, R>),
    /// It will be. When the client goes away before that, the future is dropped.
    Later(Deciding<T, R>),
}

/// A decision to come.
pub type Deciding<T, R> = Pin<Box<dyn Future<Output = Result<T, R>> + Send>>;

impl<T, R> Verdict<T, R> {
    /// Of a future.
    pub fn later(decision: impl Future<Output = Result<T, R>> + Send + 'static) -> Self {
        Self::Later(Box::pin(decision))
    }
}

impl<T, R> fmt::Debug for Verdict<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Now(Ok(_)) => "Verdict::Now(Ok)",
            Self::Now(Err(_)) => "Verdict::Now(Err)",
            Self::Later(_) => "Verdict::Later",
        })
    }
}

/// Makes a layer of a [`WaitingGuard`], as [`GuardLayer`](crate::GuardLayer) does of a [`Guard`].
pub struct WaitingGuardLayer<G>(Arc<Control<Waits<G>>>);

impl<G: WaitingGuard> WaitingGuardLayer<G> {
    /// A layer that applies `guard` as `enforcement` says and tells `reporter`.
    pub fn new(guard: G, enforcement: Enforcement, reporter: Reporter) -> Self {
        Self(Arc::new(Control {
            guard: Waits(guard),
            enforcement,
            reporter,
        }))
    }
}

impl<G, S> Layer<S> for WaitingGuardLayer<G> {
    type Service = WaitingGuarded<G, S>;

    fn layer(&self, inner: S) -> Self::Service {
        WaitingGuarded {
            control: Arc::clone(&self.0),
            inner,
        }
    }
}

/// The service of a [`WaitingGuardLayer`].
pub struct WaitingGuarded<G, S> {
    control: Arc<Control<Waits<G>>>,
    inner: S,
}

impl<G, S, ReqBody, ResBody> Service<Request<ReqBody>> for WaitingGuarded<G, S>
where
    G: WaitingGuard,
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    ResBody: From<Bytes>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = WaitingFuture<G, S, ReqBody, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let control = &self.control;
        if !control.enforcement.is_on() {
            return WaitingFuture::passing(self.inner.call(request), None);
        }
        let (mut head, body) = request.into_parts();
        let downstream = head.extensions.get::<Downstream>().copied();
        let guard = &control.guard.0;
        guard.mark(&mut head);
        let mut findings = Findings::default();
        let verdict = match control.enforcement {
            Enforcement::Report => guard.check(&mut head.clone(), &mut findings),
            _ => guard.check(&mut head, &mut findings),
        };
        control.record_all(&mut findings, downstream);
        match verdict {
            Verdict::Now(decision) => match control.decide(decision, &head, downstream) {
                Ok(amendment) => WaitingFuture::passing(self.inner.call(Request::from_parts(head, body)), amendment),
                Err(answer) => WaitingFuture::refused(answer),
            },
            Verdict::Later(verdict) => {
                // The one that is ready goes on waiting; a clone of it is not ready (`tower::Service::poll_ready`).
                let clone = self.inner.clone();
                let inner = mem::replace(&mut self.inner, clone);
                let waiting = Waiting {
                    control: Arc::clone(control),
                    verdict,
                    inner,
                    request: Some(Request::from_parts(head, body)),
                };
                WaitingFuture {
                    state: State::Waiting { waiting },
                }
            }
        }
    }
}

pin_project! {
    /// The answer to come from a [`WaitingGuarded`] service.
    pub struct WaitingFuture<G: WaitingGuard, S, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<G, S, ReqBody, S::Future, ResBody>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<G: WaitingGuard, S, ReqBody, F, ResBody> {
        Waiting { waiting: Waiting<G, S, ReqBody> },
        Passing { #[pin] inner: F, amendment: Option<Amendment<Waits<G>>> },
        Refused { answer: Option<Response<ResBody>> },
    }
}

struct Waiting<G: WaitingGuard, S, ReqBody> {
    control: Arc<Control<Waits<G>>>,
    verdict: Deciding<G::Ticket, G::Refusal>,
    inner: S,
    request: Option<Request<ReqBody>>,
}

impl<G: WaitingGuard, S, ReqBody, ResBody> WaitingFuture<G, S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>>,
{
    const fn passing(inner: S::Future, amendment: Option<Amendment<Waits<G>>>) -> Self {
        Self {
            state: State::Passing { inner, amendment },
        }
    }

    const fn refused(answer: Response<ResBody>) -> Self {
        Self {
            state: State::Refused { answer: Some(answer) },
        }
    }
}

impl<G, S, ReqBody, ResBody> Future for WaitingFuture<G, S, ReqBody, ResBody>
where
    G: WaitingGuard,
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: From<Bytes>,
{
    type Output = Result<Response<ResBody>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut this = self.as_mut().project();
            let next = match this.state.as_mut().project() {
                StateProjection::Refused { answer } => {
                    return Poll::Ready(Ok(answer.take().expect("a future is not polled after it was ready")));
                }
                StateProjection::Passing { inner, amendment } => {
                    let answer = ready!(inner.poll(cx))?;
                    return Poll::Ready(Ok(match amendment.take() {
                        Some(amendment) => amendment.apply(answer),
                        None => answer,
                    }));
                }
                StateProjection::Waiting { waiting } => {
                    let decision = ready!(waiting.verdict.as_mut().poll(cx));
                    let request = waiting.request.take().expect("a verdict comes once");
                    let (head, body) = request.into_parts();
                    let downstream = head.extensions.get::<Downstream>().copied();
                    match waiting.control.decide(decision, &head, downstream) {
                        Ok(amendment) => State::Passing {
                            inner: waiting.inner.call(Request::from_parts(head, body)),
                            amendment,
                        },
                        Err(answer) => State::Refused { answer: Some(answer) },
                    }
                }
            };
            this.state.set(next);
        }
    }
}

/// A waiting guard as what amends answers and is reported.
pub(crate) struct Waits<G>(G);

impl<G: WaitingGuard> Guard for Waits<G> {
    const FEATURE: &'static str = G::FEATURE;
    type Ticket = G::Ticket;
    type Refusal = G::Refusal;

    /// Never asked: [`WaitingGuarded`] asks the guard itself, which may have to wait.
    fn check(&self, _: &mut request::Parts, _: &mut Findings) -> Result<G::Ticket, G::Refusal> {
        unreachable!("a waiting guard is asked by its own service")
    }

    fn amend(&self, ticket: G::Ticket, head: &mut response::Parts, findings: &mut Findings) {
        self.0.amend(ticket, head, findings);
    }
}

/// A guard whose state is shared is a guard.
impl<G: WaitingGuard> WaitingGuard for Arc<G> {
    const FEATURE: &'static str = G::FEATURE;
    type Ticket = G::Ticket;
    type Refusal = G::Refusal;

    fn mark(&self, head: &mut request::Parts) {
        G::mark(self, head);
    }

    fn check(&self, head: &mut request::Parts, findings: &mut Findings) -> Verdict<G::Ticket, G::Refusal> {
        G::check(self, head, findings)
    }

    fn amend(&self, ticket: Self::Ticket, head: &mut response::Parts, findings: &mut Findings) {
        G::amend(self, ticket, head, findings);
    }
}

impl<G> Clone for WaitingGuardLayer<G> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<G: WaitingGuard> fmt::Debug for WaitingGuardLayer<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WaitingGuardLayer({}: {})", G::FEATURE, self.0.enforcement)
    }
}

impl<G, S: Clone> Clone for WaitingGuarded<G, S> {
    fn clone(&self) -> Self {
        Self {
            control: Arc::clone(&self.control),
            inner: self.inner.clone(),
        }
    }
}

impl<G: WaitingGuard, S: fmt::Debug> fmt::Debug for WaitingGuarded<G, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitingGuarded")
            .field("feature", &G::FEATURE)
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<G: WaitingGuard, S: Service<Request<A>>, A, B> fmt::Debug for WaitingFuture<G, S, A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitingFuture")
            .field("feature", &G::FEATURE)
            .finish_non_exhaustive()
    }
}
