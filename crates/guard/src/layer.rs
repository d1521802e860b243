use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::{Action, Downstream, Enforcement, Findings, Guard, Refusal, Reporter};

/// Makes a layer of a [`Guard`]. The body of the answer is anything that can be made of [`Bytes`]: axum's `Body`,
/// `Full<Bytes>`, or a body of your own.
pub struct GuardLayer<G>(Arc<Control<G>>);

impl<G: Guard> GuardLayer<G> {
    /// A layer that applies `guard` as `enforcement` says and tells `reporter`.
    pub fn new(guard: G, enforcement: Enforcement, reporter: Reporter) -> Self {
        Self(Arc::new(Control {
            guard,
            enforcement,
            reporter,
        }))
    }
}

impl<G, S> Layer<S> for GuardLayer<G> {
    type Service = Guarded<G, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Guarded {
            control: Arc::clone(&self.0),
            inner,
        }
    }
}

/// The service of a [`GuardLayer`].
pub struct Guarded<G, S> {
    control: Arc<Control<G>>,
    inner: S,
}

impl<G, S, ReqBody, ResBody> Service<Request<ReqBody>> for Guarded<G, S>
where
    G: Guard,
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: From<Bytes>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<G, S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let control = &self.control;
        if !control.enforcement.is_on() {
            return ResponseFuture::passing(self.inner.call(request), None);
        }
        let (mut head, body) = request.into_parts();
        let downstream = head.extensions.get::<Downstream>().copied();
        control.guard.mark(&mut head);
        let mut findings = Findings::default();
        let verdict = match control.enforcement {
            // In report mode the guard works on a copy, whatever it changes is thrown away.
            Enforcement::Report => control.guard.check(&mut head.clone(), &mut findings),
            _ => control.guard.check(&mut head, &mut findings),
        };
        control.record_all(&mut findings, downstream);
        let ticket = match verdict {
            Ok(ticket) => Some(Amendment {
                control: Arc::clone(control),
                ticket,
                downstream,
            }),
            Err(refusal) => {
                let rejection = refusal.rejection();
                control.record(rejection.code(), Action::Refuse, downstream, &refusal);
                if control.enforcement == Enforcement::Enforce {
                    let request_id = downstream.map(|downstream| downstream.request);
                    return ResponseFuture::refused(rejection.answer(&head.headers, request_id));
                }
                None
            }
        };
        ResponseFuture::passing(self.inner.call(Request::from_parts(head, body)), ticket)
    }
}

pin_project! {
    /// The answer to come from a [`Guarded`] service.
    pub struct ResponseFuture<G: Guard, F, B> {
        #[pin]
        state: State<G, F, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<G: Guard, F, B> {
        Passing { #[pin] inner: F, ticket: Option<Amendment<G>> },
        Refused { answer: Option<Response<B>> },
    }
}

impl<G: Guard, F, B> ResponseFuture<G, F, B> {
    fn passing(inner: F, ticket: Option<Amendment<G>>) -> Self {
        Self {
            state: State::Passing { inner, ticket },
        }
    }

    fn refused(answer: Response<B>) -> Self {
        Self {
            state: State::Refused { answer: Some(answer) },
        }
    }
}

impl<G, F, B, E> Future for ResponseFuture<G, F, B>
where
    G: Guard,
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Refused { answer } => {
                Poll::Ready(Ok(answer.take().expect("a future is not polled after it was ready")))
            }
            StateProjection::Passing { inner, ticket } => {
                let answer = ready!(inner.poll(cx))?;
                Poll::Ready(Ok(match ticket.take() {
                    Some(amendment) => amendment.apply(answer),
                    None => answer,
                }))
            }
        }
    }
}

/// What a passed check leaves for the answer.
struct Amendment<G: Guard> {
    control: Arc<Control<G>>,
    ticket: G::Ticket,
    downstream: Option<Downstream>,
}

impl<G: Guard> Amendment<G> {
    fn apply<B>(self, answer: Response<B>) -> Response<B> {
        let Self {
            control,
            ticket,
            downstream,
        } = self;
        let (mut head, body) = answer.into_parts();
        let mut findings = Findings::default();
        match control.enforcement {
            Enforcement::Report => control.guard.amend(ticket, &mut head.clone(), &mut findings),
            _ => control.guard.amend(ticket, &mut head, &mut findings),
        }
        control.record_all(&mut findings, downstream);
        Response::from_parts(head, body)
    }
}

struct Control<G> {
    guard: G,
    enforcement: Enforcement,
    reporter: Reporter,
}

impl<G: Guard> Control<G> {
    fn record_all(&self, findings: &mut Findings, downstream: Option<Downstream>) {
        if findings.is_empty() {
            return;
        }
        for (code, evidence) in findings.drain() {
            self.record(code, Action::Repair, downstream, evidence);
        }
    }

    fn record(&self, code: &'static str, action: Action, downstream: Option<Downstream>, evidence: impl fmt::Display) {
        self.reporter
            .record(G::FEATURE, code, action, self.enforcement, downstream, evidence);
    }
}

impl<G> Clone for GuardLayer<G> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<G: Guard> fmt::Debug for GuardLayer<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GuardLayer({}: {})", G::FEATURE, self.0.enforcement)
    }
}

impl<G, S: Clone> Clone for Guarded<G, S> {
    fn clone(&self) -> Self {
        Self {
            control: Arc::clone(&self.control),
            inner: self.inner.clone(),
        }
    }
}

impl<G: Guard, S: fmt::Debug> fmt::Debug for Guarded<G, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded")
            .field("feature", &G::FEATURE)
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<G: Guard, F, B> fmt::Debug for ResponseFuture<G, F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("feature", &G::FEATURE)
            .finish_non_exhaustive()
    }
}
