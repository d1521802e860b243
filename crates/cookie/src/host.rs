//! Which host a request is for, as sealed values are bound to it.

use std::str;

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderValue, request};

/// Where a request says it, kept for its answer without a copy.
#[derive(Clone, Debug, Default)]
pub(crate) enum AskedHost {
    #[default]
    Nowhere,
    Line(Authority),
    Field(HeaderValue),
}

impl AskedHost {
    /// The request line's or `:authority`, else `Host`. Whether they agree, and whose host it is, is not asked here.
    pub(crate) fn of(head: &request::Parts) -> Self {
        match (head.uri.authority(), head.headers.get(HOST)) {
            (Some(authority), _) => Self::Line(authority.clone()),
            (None, Some(field)) => Self::Field(field.clone()),
            (None, None) => Self::Nowhere,
        }
    }

    /// The name as it is compared.
    pub(crate) fn name(&self) -> HostName {
        let text = match self {
            Self::Nowhere => "",
            Self::Line(authority) => authority.as_str(),
            Self::Field(field) => field.to_str().unwrap_or_default(),
        };
        HostName::of(text)
    }
}

/// A host in small letters, without port and last dot. Empty when nobody says one.
pub(crate) struct HostName {
    bytes: [u8; LONGEST],
    length: usize,
}

impl HostName {
    pub(crate) fn of(authority: &str) -> Self {
        let authority = authority.rsplit('@').next().unwrap_or_default();
        let name = match authority.find(']') {
            Some(end) => &authority[..=end],
            None => authority.split(':').next().unwrap_or_default(),
        };
        let name = name.strip_suffix('.').unwrap_or(name).as_bytes();
        let mut host = Self {
            bytes: [0; LONGEST],
            length: 0,
        };
        if name.len() <= LONGEST {
            host.length = name.len();
            host.bytes[..name.len()].copy_from_slice(name);
            host.bytes[..name.len()].make_ascii_lowercase();
        }
        host
    }

    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

/// Whether a cookie with this `Domain` reaches the host (RFC 6265 section 5.1.3).
pub(crate) fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|above| above.ends_with('.'))
}

/// Bytes of the longest name (RFC 1035 section 2.3.4).
const LONGEST: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_compared_without_its_port_and_in_small_letters() {
        for (authority, name) in [
            ("Library.Example:8443", "library.example"),
            ("library.example.", "library.example"),
            ("[2001:DB8::1]:443", "[2001:db8::1]"),
            ("user@library.example", "library.example"),
            ("", ""),
        ] {
            assert_eq!(HostName::of(authority).as_str(), name);
        }
        assert_eq!(HostName::of(&"a".repeat(254)).as_str(), "");
    }

    #[test]
    fn a_host_is_below_a_domain_at_a_dot() {
        assert!(is_below("www.library.example", "library.example"));
        assert!(!is_below("xlibrary.example", "library.example"));
        assert!(!is_below("library.example", "library.example"));
    }
}
