//! Fields that belong to one connection and go no further (RFC 9110 section 7.6.1), and those that name the client.

use std::net::IpAddr;

use http::header::{CONNECTION, HeaderName, HeaderValue, TE, UPGRADE};
use http::{HeaderMap, Version};

/// What the connection says about every request that comes over it: ready-made, because it does not change.
#[derive(Debug)]
pub(crate) struct Provenance {
    /// The peer's address as it is appended to `X-Forwarded-For`.
    peer: HeaderValue,
    /// The port the client connected to.
    port: HeaderValue,
}

impl Provenance {
    pub(crate) fn new(peer: IpAddr, port: u16) -> Self {
        let peer = HeaderValue::try_from(peer.to_canonical().to_string()).expect("an address is visible ASCII");
        Self {
            peer,
            port: HeaderValue::from(port),
        }
    }

    /// Drops what the client says about itself and says afresh what the connection knows. Only a trusted proxy's
    /// `X-Forwarded-For` stays, with the proxy's own address appended.
    pub(crate) fn stamp(&self, headers: &mut HeaderMap, trusted: bool, host: Option<HeaderValue>) {
        let chain = trusted.then(|| chain(headers, &self.peer)).flatten();
        drop_claims(headers);
        headers.insert(X_FORWARDED_FOR, chain.unwrap_or_else(|| self.peer.clone()));
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static("https"));
        headers.insert(X_FORWARDED_PORT, self.port.clone());
        if let Some(host) = host {
            headers.insert(X_FORWARDED_HOST, host);
        }
    }
}

/// Whether a request asks to leave HTTP/1.1 (RFC 9110 section 7.8) for something that is not HTTP again.
///
/// An upgrade to `h2c` or to TLS would open a second way to the application, past every control.
pub(crate) fn wants_upgrade(headers: &HeaderMap) -> bool {
    let Some(protocol) = headers.get(UPGRADE) else {
        return false;
    };
    let mut protocols = protocol
        .as_bytes()
        .split(|byte| matches!(byte, b',' | b'/'))
        .map(<[u8]>::trim_ascii);
    let is_http = |name: &[u8]| {
        [&b"h2c"[..], b"h2", b"http", b"tls"]
            .iter()
            .any(|http| name.eq_ignore_ascii_case(http))
    };
    !protocols.any(is_http) && connection_options(headers).any(|option| option.eq_ignore_ascii_case("upgrade"))
}

/// Drops the fields of one connection, and those that `Connection` names, from a request that stays or leaves HTTP.
///
/// `Transfer-Encoding` goes too: the framing is made afresh from what was parsed. `TE: trailers` stays, because the edge
/// does pass trailers on. `Proxy` goes because CGI turns it into `HTTP_PROXY` (CVE-2016-5385).
pub(crate) fn canonical(headers: &mut HeaderMap, version: Version) {
    let upgrade = (version == Version::HTTP_11 && wants_upgrade(headers))
        .then(|| headers.get(UPGRADE).cloned())
        .flatten();
    strip(headers);
    if let Some(protocol) = upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, protocol);
    }
}

/// Drops the fields of one connection from a request or an answer.
pub(crate) fn strip(headers: &mut HeaderMap) {
    // Looked at first: whoever sends `TE` names it in `Connection` as well (RFC 9110 section 10.1.4).
    let trailers = headers.get(TE).is_some_and(wants_trailers);
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = connection_options(headers)
            .filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
            .collect();
        for name in named.iter().filter(|name| !PROTECTED.contains(name)) {
            headers.remove(name);
        }
        headers.remove(CONNECTION);
    }
    // One walk over the few fields there are costs less than nine look-ups of fields that are almost never there.
    if headers.keys().any(is_hop_by_hop) {
        remove_all(headers, is_hop_by_hop);
    }
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
}

/// `trailers` among the codings of a `TE` field; the others are the connection's.
fn wants_trailers(te: &HeaderValue) -> bool {
    let mut codings = te.as_bytes().split(|byte| *byte == b',');
    codings.any(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"trailers"))
}

/// The fields by which proxies say who the client is: de facto ones, and RFC 7239's.
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "te" | "proxy"
            | "http2-settings"
            | "expect"
            | "upgrade"
            | "keep-alive"
            | "proxy-connection"
            | "transfer-encoding"
            | "proxy-authenticate"
            | "proxy-authorization"
    )
}

/// What `Connection` cannot take away, whoever names it there: the application decides by these.
static PROTECTED: [HeaderName; 8] = [
    http::header::HOST,
    http::header::COOKIE,
    http::header::AUTHORIZATION,
    http::header::CONTENT_LENGTH,
    http::header::CONTENT_TYPE,
    http::header::SET_COOKIE,
    http::header::ORIGIN,
    http::header::STRICT_TRANSPORT_SECURITY,
];

fn connection_options(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(CONNECTION).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

/// The chain of a trusted proxy, with the proxy itself appended.
fn chain(headers: &HeaderMap, peer: &HeaderValue) -> Option<HeaderValue> {
    let mut chain = Vec::new();
    for line in headers.get_all(X_FORWARDED_FOR) {
        chain.extend_from_slice(line.as_bytes());
        chain.extend_from_slice(b", ");
    }
    if chain.is_empty() {
        return None;
    }
    chain.extend_from_slice(peer.as_bytes());
    HeaderValue::from_bytes(&chain).ok()
}

/// Drops every field in which a client could claim to be somebody else.
fn drop_claims(headers: &mut HeaderMap) {
    if headers.keys().any(is_claim) {
        remove_all(headers, is_claim);
    }
}

fn is_claim(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.starts_with("x-forwarded")
        || matches!(
            name,
            "forwarded"
                | "x-real-ip"
                | "x-client-ip"
                | "x-cluster-client-ip"
                | "x-original-forwarded-for"
                | "x-request-id"
                | "true-client-ip"
                | "cf-connecting-ip"
                | "fastly-client-ip"
        )
}

fn remove_all(headers: &mut HeaderMap, which: fn(&HeaderName) -> bool) {
    let names: Vec<_> = headers.keys().filter(|name| which(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}
