use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use rempart_guard::{Enforcement, Reporter, RoutePath};
use tower_layer::Layer;
use tower_service::Service;

use crate::watch::Watch;
use crate::{LoginBody, LoginGuard};

/// Slows and refuses logins that guess. It stands where sessions are open, next to the application.
///
/// A clone shares the counts. The service inside gets requests, and the one outside answers, with [`LoginBody`]s.
#[derive(Clone, Debug)]
pub struct LoginGuardLayer(Arc<Watch>);

impl LoginGuardLayer {
    /// Guards with counts that others use too: the other workers, or the stack that this one replaces.
    #[must_use]
    pub fn new(guard: LoginGuard, reporter: Reporter) -> Self {
        Self(Arc::new(Watch { guard, reporter }))
    }
}

impl<S> Layer<S> for LoginGuardLayer {
    type Service = LoginGuarded<S>;

    fn layer(&self, inner: S) -> LoginGuarded<S> {
        LoginGuarded {
            watch: Arc::clone(&self.0),
            inner,
        }
    }
}

/// The service of a [`LoginGuardLayer`].
#[derive(Clone)]
pub struct LoginGuarded<S> {
    watch: Arc<Watch>,
    inner: S,
}

impl<S, A, B> Service<Request<A>> for LoginGuarded<S>
where
    S: Service<Request<LoginBody<A>>, Response = Response<B>, Error: Send, Future: Send> + Clone + Send + 'static,
    A: Body<Data = Bytes, Error: Send> + Unpin + Send + 'static,
    B: Body<Data = Bytes, Error: Send> + Unpin + Send + 'static,
{
    type Response = Response<LoginBody<B>>;
    type Error = S::Error;
    type Future = LoginFuture<S::Future, B, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<A>) -> Self::Future {
        let policy = self.watch.guard.policy();
        if policy.enforcement() == Enforcement::Enforce {
            self.watch.take_away(request.headers_mut());
        }
        let purpose = policy.enforcement().is_on().then(|| {
            let path = RoutePath::from(request.uri());
            policy.purpose(request.method(), &path)
        });
        let Some(purpose) = purpose.flatten() else {
            let inner = self.inner.call(request.map(LoginBody::unread));
            return LoginFuture {
                state: State::Passing { inner },
            };
        };
        // The one that is ready goes on waiting; a clone of it is not ready (`tower::Service::poll_ready`).
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        let watched = Arc::clone(&self.watch).login(purpose, inner, request);
        LoginFuture {
            state: State::Watched {
                watched: Box::pin(watched),
            },
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for LoginGuarded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginGuarded")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// The answer to come from a [`LoginGuarded`] service. Only that of a login is in a box.
    pub struct LoginFuture<F, B: Body, E> {
        #[pin]
        state: State<F, B, E>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, B: Body, E> {
        Passing { #[pin] inner: F },
        Watched { watched: Watched<B, E> },
    }
}

type Watched<B, E> = Pin<Box<dyn Future<Output = Result<Response<LoginBody<B>>, E>> + Send>>;

impl<F, B, E> Future for LoginFuture<F, B, E>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<LoginBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Passing { inner } => Poll::Ready(Ok(ready!(inner.poll(cx))?.map(LoginBody::unread))),
            StateProjection::Watched { watched } => watched.as_mut().poll(cx),
        }
    }
}

impl<F, B: Body, E> fmt::Debug for LoginFuture<F, B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginFuture").finish_non_exhaustive()
    }
}
