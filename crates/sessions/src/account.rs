//! The header in which the application says whose session it is: read inside, gone outside.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, HeaderName, Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

/// The account that an answer names: exactly one, of at most 128 letters that can be shown. Taken out of the answer.
pub(crate) fn take(headers: &mut HeaderMap, name: &HeaderName) -> Option<Arc<str>> {
    let account = {
        let mut named = headers.get_all(name).iter();
        match (named.next(), named.next()) {
            (Some(account), None) => std::str::from_utf8(account.as_bytes())
                .ok()
                .map(str::trim)
                .map(Arc::from),
            _ => None,
        }
    };
    headers.remove(name);
    let is_shown =
        |account: &Arc<str>| (1..=LONGEST).contains(&account.chars().count()) && !account.contains(char::is_control);
    account.filter(is_shown)
}

const LONGEST: usize = 128;

/// Takes the header out of every answer, whatever else is switched off: it stands directly outside the control.
#[derive(Clone, Debug)]
pub struct AccountHeaderLayer(HeaderName);

impl AccountHeaderLayer {
    /// Of this name: that of [`SessionsPolicy::account_header`](crate::SessionsPolicy::account_header).
    #[must_use]
    pub const fn new(name: HeaderName) -> Self {
        Self(name)
    }
}

impl<S> Layer<S> for AccountHeaderLayer {
    type Service = WithoutAccountHeader<S>;

    fn layer(&self, inner: S) -> Self::Service {
        WithoutAccountHeader {
            name: self.0.clone(),
            inner,
        }
    }
}

/// The service of an [`AccountHeaderLayer`].
#[derive(Clone, Debug)]
pub struct WithoutAccountHeader<S> {
    name: HeaderName,
    inner: S,
}

impl<S, A, B> Service<Request<A>> for WithoutAccountHeader<S>
where
    S: Service<Request<A>, Response = Response<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = WithoutAccountHeaderFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        WithoutAccountHeaderFuture {
            inner: self.inner.call(request),
            name: self.name.clone(),
        }
    }
}

pin_project! {
    /// The answer to come from a [`WithoutAccountHeader`].
    #[derive(Debug)]
    pub struct WithoutAccountHeaderFuture<F> {
        #[pin]
        inner: F,
        name: HeaderName,
    }
}

impl<F, B, E> Future for WithoutAccountHeaderFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut answer = ready!(this.inner.poll(cx))?;
        answer.headers_mut().remove(&*this.name);
        Poll::Ready(Ok(answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(values: &[&str]) -> Option<String> {
        let name = HeaderName::from_static("x-account");
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(&name, value.parse().unwrap());
        }
        let account = take(&mut headers, &name);
        assert!(headers.is_empty());
        account.map(|account| account.to_string())
    }

    #[test]
    fn an_account_is_one_name_that_can_be_shown() {
        assert_eq!(taken(&[" mairesse "]).as_deref(), Some("mairesse"));
        assert_eq!(taken(&[]), None);
        assert_eq!(taken(&["one", "other"]), None, "two say nothing");
        assert_eq!(taken(&[""]), None);
        assert_eq!(taken(&["a\tb"]), None);
        assert_eq!(taken(&[&"x".repeat(129)]), None);
    }
}
