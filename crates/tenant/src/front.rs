//! Which host a request is for, when there are four places that can say so.

use std::fmt;
use std::sync::Arc;

use http::header::HOST;
use http::{HeaderMap, Uri};

use crate::{Host, TenantRefusal};

/// The server name of the TLS handshake (RFC 6066 section 3): an extension of every request of that connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerName(pub Arc<str>);

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The one authority that a request names: `:authority` or an absolute URI, and `Host`, which must not disagree.
///
/// # Errors
///
/// No host, more than one, or two that differ. An HTTP/2 request may have a `Host` beside `:authority`; it must be the
/// same (RFC 9113 section 8.3.1).
pub fn authority<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Result<&'a str, TenantRefusal> {
    let mut lines = headers.get_all(HOST).iter();
    let host = lines.next();
    if lines.next().is_some() {
        return Err(TenantRefusal::Repeated);
    }
    let host = match host.map(|value| value.to_str()) {
        None => None,
        Some(Ok(text)) => Some(text),
        Some(Err(_)) => {
            return Err(TenantRefusal::Invalid(
                String::from("(not ASCII)"),
                crate::HostError::Letter,
            ));
        }
    };
    match (uri.authority().map(http::uri::Authority::as_str), host) {
        (None, None) => Err(TenantRefusal::Missing),
        (Some(one), None) | (None, Some(one)) => Ok(one),
        (Some(line), Some(host)) if line.eq_ignore_ascii_case(host) => Ok(line),
        (Some(line), Some(host)) => Err(TenantRefusal::Disagrees(line.to_owned(), host.to_owned())),
    }
}

/// The host of an authority, as it is compared.
pub(crate) fn host(authority: &str) -> Result<Host, TenantRefusal> {
    Host::of_authority(authority).map_err(|error| TenantRefusal::Invalid(authority.to_owned(), error))
}
