use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Extensions, Request, Response, request};
use pin_project_lite::pin_project;
use rempart_guard::{Action, Downstream, Enforcement, Refusal, Reporter};
use tower_layer::Layer;
use tower_service::Service;

use crate::{Admission, Held, Permit, ShareRefusal, TenantShare, Waiting};

/// The layer of a [`TenantShare`]: a request goes on when its tenant's share has room for it, perhaps after a wait, and is
/// in use until the last of its answer's body.
///
/// It stands below what tells how urgent a request is (the route map) and what turns floods away for less (quotas).
#[derive(Clone)]
pub struct ConcurrencySharesLayer(Arc<Control>);

struct Control {
    share: TenantShare,
    reporter: Reporter,
}

impl ConcurrencySharesLayer {
    /// Admits as the share's policy says, and tells `reporter`.
    #[must_use]
    pub fn new(share: TenantShare, reporter: Reporter) -> Self {
        Self(Arc::new(Control { share, reporter }))
    }
}

impl<S> Layer<S> for ConcurrencySharesLayer {
    type Service = ConcurrencyShares<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ConcurrencyShares {
            control: Arc::clone(&self.0),
            inner,
        }
    }
}

/// The service of a [`ConcurrencySharesLayer`].
#[derive(Clone)]
pub struct ConcurrencyShares<S> {
    control: Arc<Control>,
    inner: S,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ConcurrencyShares<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    ResBody: From<Bytes>,
{
    type Response = Response<Held<ResBody>>;
    type Error = S::Error;
    type Future = SharesFuture<S, ReqBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let admission = self.control.admission(&request);
        let state = match admission {
            Admission::Now(permit) | Admission::Reported(permit, _) => State::Passing {
                inner: self.inner.call(request),
                permit: Some(permit),
            },
            Admission::Refused(refusal) => State::Refused {
                refusal: Some(self.control.refused(refusal, request)),
            },
            Admission::Later(turn) => {
                // The one that is ready goes on waiting; a clone of it is not ready (`tower::Service::poll_ready`).
                let clone = self.inner.clone();
                let waits = Waits {
                    control: Arc::clone(&self.control),
                    inner: mem::replace(&mut self.inner, clone),
                    turn,
                    request: Some(request),
                };
                State::Waiting { waits: Box::new(waits) }
            }
        };
        SharesFuture { state }
    }
}

impl Control {
    fn admission<B>(&self, request: &Request<B>) -> Admission {
        let share = &self.share;
        if !share.policy().enforcement().is_on() {
            return Admission::Now(Permit::of_nothing());
        }
        match Downstream::of(request.extensions()) {
            // It is our wiring that is wrong; what is only reported refuses nobody.
            Err(wiring) if share.policy().enforcement() == Enforcement::Report => {
                self.record(&wiring.into(), request.extensions());
                Admission::Now(Permit::of_nothing())
            }
            Err(wiring) => Admission::Refused(wiring.into()),
            Ok(downstream) => {
                let admission = share.request(share.priority(request), downstream.client);
                if let Admission::Reported(_, refusal) = &admission {
                    self.record(refusal, request.extensions());
                }
                admission
            }
        }
    }

    fn record(&self, refusal: &ShareRefusal, extensions: &Extensions) {
        let (downstream, enforcement) = (extensions.get().copied(), self.share.policy().enforcement());
        let code = refusal.code();
        self.reporter
            .record(FEATURE, code, Action::Refuse, enforcement, downstream, refusal);
    }

    /// The refusal with what its answer has to look like.
    fn refused<B>(&self, refusal: ShareRefusal, request: Request<B>) -> Box<(ShareRefusal, request::Parts)> {
        let (head, _) = request.into_parts();
        self.record(&refusal, &head.extensions);
        Box::new((refusal, head))
    }
}

pin_project! {
    /// The answer to come from a [`ConcurrencyShares`] service.
    pub struct SharesFuture<S: Service<Request<B>>, B> {
        #[pin]
        state: State<S, B, S::Future>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, F> {
        Waiting { waits: Box<Waits<S, B>> },
        Passing { #[pin] inner: F, permit: Option<Permit> },
        Refused { refusal: Option<Box<(ShareRefusal, request::Parts)>> },
    }
}

struct Waits<S, B> {
    control: Arc<Control>,
    turn: Waiting,
    inner: S,
    request: Option<Request<B>>,
}

impl<S, ReqBody, ResBody> Future for SharesFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: From<Bytes>,
{
    type Output = Result<Response<Held<ResBody>>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut this = self.as_mut().project();
            let next = match this.state.as_mut().project() {
                StateProjection::Passing { inner, permit } => {
                    let answer = ready!(inner.poll(cx))?;
                    return Poll::Ready(Ok(answer.map(|body| Held::new(body, permit.take()))));
                }
                StateProjection::Refused { refusal } => {
                    let (refusal, head) = *refusal.take().expect("a future is not polled after it was ready");
                    let number = head.extensions.get().map(|downstream: &Downstream| downstream.request);
                    return Poll::Ready(Ok(refusal.rejection().answer(&head.headers, number)));
                }
                StateProjection::Waiting { waits } => {
                    let decided = ready!(Pin::new(&mut waits.turn).poll(cx));
                    let request = waits.request.take().expect("a turn comes once");
                    match decided {
                        Ok(permit) => State::Passing {
                            inner: waits.inner.call(request),
                            permit: Some(permit),
                        },
                        Err(refusal) => State::Refused {
                            refusal: Some(waits.control.refused(refusal, request)),
                        },
                    }
                }
            };
            this.state.set(next);
        }
    }
}

impl fmt::Debug for ConcurrencySharesLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConcurrencySharesLayer").field(&self.0.share).finish()
    }
}

impl<S: fmt::Debug> fmt::Debug for ConcurrencyShares<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConcurrencyShares")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<S: Service<Request<B>>, B> fmt::Debug for SharesFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharesFuture").finish_non_exhaustive()
    }
}

/// The control's name in decisions.
const FEATURE: &str = "shares";
