use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use pin_project_lite::pin_project;
use rempart_guard::{Action, Downstream, Enforcement, Refusal, Reporter};
use tower_service::Service;

use crate::{Host, ServerName, Tenant, TenantRefusal, Tenants};

/// One stack per tenant: finds the tenant of each request and hands the request to that tenant's stack.
///
/// With a [`ServerName`] among the request's extensions, it must be of the same tenant as the request's host.
pub struct TenantStacks<S> {
    shared: Arc<Shared<S>>,
}

impl<S> TenantStacks<S> {
    /// Builds each tenant's stack once, with everything that stack owns. Refusals of the front go to `reporter`.
    pub fn new(tenants: Tenants, reporter: Reporter, mut stack: impl FnMut(&Tenant) -> S) -> Self {
        let stacks = tenants.all().iter().map(&mut stack).collect();
        Self {
            shared: Arc::new(Shared {
                tenants,
                reporter,
                stacks,
            }),
        }
    }

    /// Who is who.
    #[must_use]
    pub fn tenants(&self) -> &Tenants {
        &self.shared.tenants
    }

    /// One tenant's stack; `None` for a tenant of other [`Tenants`] than these, such as those of before a reload.
    #[must_use]
    pub fn of(&self, tenant: &Tenant) -> Option<&S> {
        let ours = self.shared.tenants.all().get(tenant.index())?;
        (ours == tenant).then(|| &self.shared.stacks[tenant.index()])
    }

    fn route<B>(&self, request: &Request<B>) -> Result<&S, TenantRefusal> {
        let Shared { tenants, stacks, .. } = &*self.shared;
        let asked = tenants.of_request(request.uri(), request.headers())?;
        if let Some(ServerName(name)) = request.extensions().get() {
            let unknown = || TenantRefusal::Unknown(name.to_string());
            let host: Host = name.parse().map_err(|_| unknown())?;
            let connection = tenants.of_host(&host).ok_or_else(unknown)?;
            tenants.agrees(connection, request.version(), request.uri(), request.headers())?;
        }
        Ok(&stacks[asked.index()])
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for TenantStacks<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    ResBody: From<Bytes>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = StackFuture<S, Request<ReqBody>, ResBody>;

    /// Always ready: which stack has to be ready is known only with the request, and the future waits for it.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        match self.route(&request) {
            Ok(stack) => StackFuture {
                state: State::Waiting {
                    stack: stack.clone(),
                    request: Some(request),
                },
            },
            Err(refusal) => {
                let rejection = refusal.rejection();
                let downstream = Downstream::of(request.extensions()).ok();
                let code = rejection.code();
                self.shared.reporter.record(
                    FEATURE,
                    code,
                    Action::Refuse,
                    Enforcement::Enforce,
                    downstream,
                    &refusal,
                );
                let number = downstream.map(|downstream| downstream.request);
                StackFuture {
                    state: State::Refused {
                        answer: Some(rejection.answer(request.headers(), number)),
                    },
                }
            }
        }
    }
}

/// The control's name in decisions.
const FEATURE: &str = "tenant";

pin_project! {
    /// The answer to come from a tenant's stack.
    pub struct StackFuture<S: Service<R>, R, B> {
        #[pin]
        state: State<S, R, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S: Service<R>, R, B> {
        Waiting { stack: S, request: Option<R> },
        Called { #[pin] answer: S::Future },
        Refused { answer: Option<Response<B>> },
    }
}

impl<S, R, B> Future for StackFuture<S, R, B>
where
    S: Service<R, Response = Response<B>>,
{
    type Output = Result<Response<B>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let answer = match state.as_mut().project() {
                StateProjection::Called { answer } => return answer.poll(cx),
                StateProjection::Refused { answer } => {
                    return Poll::Ready(Ok(answer.take().expect("a future is not polled after it was ready")));
                }
                StateProjection::Waiting { stack, request } => {
                    std::task::ready!(stack.poll_ready(cx))?;
                    stack.call(request.take().expect("the request waits until its stack is ready"))
                }
            };
            state.set(State::Called { answer });
        }
    }
}

struct Shared<S> {
    tenants: Tenants,
    reporter: Reporter,
    stacks: Vec<S>,
}

impl<S> Clone for TenantStacks<S> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S> fmt::Debug for TenantStacks<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantStacks")
            .field("tenants", &self.shared.tenants.all())
            .finish_non_exhaustive()
    }
}

impl<S: Service<R>, R, B> fmt::Debug for StackFuture<S, R, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StackFuture")
    }
}
