//! What is counted of a request, as a key.

use std::net::IpAddr;

use http::{HeaderName, Method, request};
use rempart_counts::{Key, Keys};
use rempart_guard::{Account, ClientNetwork, EdgeSessions, Ja4, RouteClass};

use crate::{Part, Per};

/// Who asks, and how.
pub(crate) struct Caller<'a> {
    head: &'a request::Parts,
    network: [u8; 17],
    class: Option<RouteClass>,
}

impl<'a> Caller<'a> {
    pub(crate) fn new(head: &'a request::Parts, client: ClientNetwork, class: Option<RouteClass>) -> Self {
        Self {
            head,
            network: bytes_of(client),
            class,
        }
    }

    /// The key of what it shares with others under `per`.
    pub(crate) fn key(&self, keys: &Keys, per: &Per) -> Key {
        let mut parts: [&[u8]; 2 * Per::MOST_PARTS] = [b""; 2 * Per::MOST_PARTS];
        let mut length = 0;
        for part in per.parts() {
            // What is not there is the client's network, which can look like nothing else.
            let (kind, value) = self.part(part).unwrap_or((b"n", &self.network));
            parts[length..length + 2].copy_from_slice(&[kind, value]);
            length += 2;
        }
        keys.key(&parts[..length])
    }

    fn part(&self, part: &Part) -> Option<(&'static [u8], &[u8])> {
        let extensions = &self.head.extensions;
        Some(match part {
            Part::Client => (b"c", &self.network),
            Part::Account => (b"a", extensions.get::<Account>()?.0.as_bytes()),
            Part::Session => (b"s", self.session()?),
            Part::Ja4 => (b"j", extensions.get::<Ja4>()?.as_str().as_bytes()),
            Part::Header(name) => (b"h", self.header(name)?),
            Part::Method => (b"m", self.method().as_bytes()),
            Part::Class => (b"r", self.class.map_or("", RouteClass::as_str).as_bytes()),
        })
    }

    /// Of several sessions that whose cookie's name comes first, so that the order in which they are shown is no other key.
    fn session(&self) -> Option<&[u8]> {
        let EdgeSessions(all) = self.head.extensions.get()?;
        let first = all.iter().min_by(|one, other| one.cookie.cmp(&other.cookie))?;
        Some(&first.id.0)
    }

    /// Exactly one line that says something.
    fn header(&self, name: &HeaderName) -> Option<&[u8]> {
        let mut lines = self.head.headers.get_all(name).iter();
        let line = lines.next()?.as_bytes();
        (lines.next().is_none() && !line.is_empty()).then_some(line)
    }

    /// A method that somebody has made up is no other than one that somebody else has.
    fn method(&self) -> &str {
        let method = &self.head.method;
        let is_known = [
            Method::GET,
            Method::POST,
            Method::HEAD,
            Method::PUT,
            Method::DELETE,
            Method::OPTIONS,
            Method::PATCH,
            Method::CONNECT,
            Method::TRACE,
        ]
        .contains(method);
        if is_known { method.as_str() } else { "" }
    }
}

/// IPv4 as it is mapped into IPv6 (RFC 4291 section 2.5.5.2), which no IPv6 client has, and the length of the prefix.
fn bytes_of(client: ClientNetwork) -> [u8; 17] {
    let bits = match client.address() {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    };
    let mut bytes = [0; 17];
    bytes[..16].copy_from_slice(&bits.to_be_bytes());
    bytes[16] = client.prefix();
    bytes
}
