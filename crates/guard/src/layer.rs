use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response, request};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::{Action, Downstream, Enforcement, Findings, Guard, Refusal, Reporter, SentBytes};

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
        match control.decide(verdict, &head, downstream) {
            Ok(amendment) => ResponseFuture::passing(self.inner.call(Request::from_parts(head, body)), amendment),
            Err(answer) => ResponseFuture::refused(answer),
        }
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
pub(crate) struct Amendment<G: Guard> {
    control: Arc<Control<G>>,
    ticket: G::Ticket,
    downstream: Option<Downstream>,
}

impl<G: Guard> Amendment<G> {
    pub(crate) fn apply<B>(self, answer: Response<B>) -> Response<B> {
        let Self {
            control,
            ticket,
            downstream,
        } = self;
        let (mut head, body) = answer.into_parts();
        let mut findings = Findings::default();
        match control.enforcement {
            Enforcement::Report => {
                let mut copy = head.clone();
                control.guard.amend(ticket, &mut copy, &mut findings);
                // Who only listens changes nothing.
                SentBytes::carry(&mut copy.extensions, &mut head.extensions);
            }
            _ => control.guard.amend(ticket, &mut head, &mut findings),
        }
        control.record_all(&mut findings, downstream);
        Response::from_parts(head, body)
    }
}

pub(crate) struct Control<G> {
    pub(crate) guard: G,
    pub(crate) enforcement: Enforcement,
    pub(crate) reporter: Reporter,
}

impl<G: Guard> Control<G> {
    /// What a decision leaves for the answer of a request that goes on, or the answer that is the end of it.
    pub(crate) fn decide<B: From<Bytes>>(
        self: &Arc<Self>,
        decision: Result<G::Ticket, G::Refusal>,
        head: &request::Parts,
        downstream: Option<Downstream>,
    ) -> Result<Option<Amendment<G>>, Response<B>> {
        let refusal = match decision {
            Ok(ticket) => {
                let control = Arc::clone(self);
                return Ok(Some(Amendment {
                    control,
                    ticket,
                    downstream,
                }));
            }
            Err(refusal) => refusal,
        };
        let rejection = refusal.rejection();
        self.record(rejection.code(), Action::Refuse, downstream, &refusal);
        match self.enforcement {
            Enforcement::Enforce => {
                let request_id = downstream.map(|downstream| downstream.request);
                Err(rejection.answer(&head.headers, request_id))
            }
            _ => Ok(None),
        }
    }

    pub(crate) fn record_all(&self, findings: &mut Findings, downstream: Option<Downstream>) {
        if findings.is_empty() {
            return;
        }
        for (action, code, evidence) in findings.drain() {
            self.record(code, action, downstream, evidence);
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
