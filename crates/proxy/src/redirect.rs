//! The plain HTTP port: sends known hosts to HTTPS and says nothing else.

use std::convert::Infallible;

use http::header::LOCATION;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use rempart_guard::{Action, ClientAddr, Downstream, Enforcement, Refusal, Rejection, RequestIds};
use rempart_tenant::{Host, authority};

use crate::Body;
use crate::table::Shared;

/// Answers one plain request: `308` to the same host and path over HTTPS (RFC 9110 section 15.4.9, so that a method is
/// kept), or the refusal of a host that nobody has.
pub(crate) fn redirect(
    shared: &Shared,
    ids: &RequestIds,
    client: ClientAddr,
    https_port: u16,
    request: &Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let refusal = match shared.tenants.of_request(request.uri(), request.headers()) {
        Ok(_) => return Ok(found(https_port, request).unwrap_or_else(|| bad_request(request))),
        Err(refusal) => refusal,
    };
    let (rejection, id) = (refusal.rejection(), ids.next_id());
    let downstream = Some(Downstream { client, request: id });
    shared.reporter.record(
        "tenant",
        rejection.code(),
        Action::Refuse,
        Enforcement::Enforce,
        downstream,
        &refusal,
    );
    Ok(rejection.answer(request.headers(), Some(id)))
}

/// The host is written as it was read, not as it was sent: nothing of the client's goes into `Location` but a path.
fn found(https_port: u16, request: &Request<Incoming>) -> Option<Response<Body>> {
    let host = Host::of_authority(authority(request.uri(), request.headers()).ok()?).ok()?;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let path = if path.starts_with('/') { path } else { "/" };
    let port = if https_port == 443 {
        String::new()
    } else {
        format!(":{https_port}")
    };
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::PERMANENT_REDIRECT;
    answer.headers_mut().insert(
        LOCATION,
        HeaderValue::try_from(format!("https://{host}{port}{path}")).ok()?,
    );
    Some(answer)
}

fn bad_request(request: &Request<Incoming>) -> Response<Body> {
    Rejection::new(StatusCode::BAD_REQUEST, "host_invalid").answer(request.headers(), None)
}
