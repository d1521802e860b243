//! One request's way: host to upstream, there and back.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{Either, Empty};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HOST, HeaderValue};
use hyper::http::uri::PathAndQuery;
use hyper::{Request, Response, StatusCode, Uri, Version};

use crate::pool::{Pool, Pooled};

/// The upstreams of one worker, by host.
pub(crate) struct Routes(HashMap<String, Pool>);

/// The upstream's body, or none.
pub(crate) type Answer = Response<Either<Pooled, Empty<Bytes>>>;

impl Routes {
    pub(crate) fn new(upstreams: HashMap<String, SocketAddr>) -> Self {
        Self(
            upstreams
                .into_iter()
                .map(|(host, upstream)| (host, Pool::new(upstream)))
                .collect(),
        )
    }

    /// Forwards a request to the upstream of its host: 404 without one, 502 when it fails.
    pub(crate) async fn relay(&self, mut request: Request<Incoming>) -> Result<Answer, Infallible> {
        let Some(pool) = host(&request).and_then(|host| self.0.get(host)) else {
            return Ok(empty(StatusCode::NOT_FOUND));
        };
        prepare(&mut request);
        let Ok(mut response) = pool.send(request).await else {
            return Ok(empty(StatusCode::BAD_GATEWAY));
        };
        response.headers_mut().remove(CONNECTION);
        Ok(response.map(Either::Left))
    }
}

/// The host a request names, without its port: `:authority` of HTTP/2, `Host` of HTTP/1.1.
fn host(request: &Request<Incoming>) -> Option<&str> {
    let authority = match request.uri().authority() {
        Some(authority) => authority.as_str(),
        None => request.headers().get(HOST)?.to_str().ok()?,
    };
    authority.split(':').next()
}

/// Turns what came in, over either protocol, into an HTTP/1.1 request in origin form.
fn prepare(request: &mut Request<Incoming>) {
    if let Some(authority) = request.uri().authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        request.headers_mut().insert(HOST, host);
        let path = request.uri().path_and_query().cloned();
        *request.uri_mut() = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    }
    *request.version_mut() = Version::HTTP_11;
    request.headers_mut().remove(CONNECTION);
}

fn empty(status: StatusCode) -> Answer {
    let mut response = Response::new(Either::Right(Empty::new()));
    *response.status_mut() = status;
    response
}
