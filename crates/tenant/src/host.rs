//! Host names as they are compared: lower-case, without port, and nothing that two parsers could read in two ways.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// A host name in the form in which it is compared: lower-case ASCII (RFC 1123 section 2.1, RFC 5891 for others in their
/// `xn--` form), at most 253 bytes, no trailing dot. An address literal is a host too (`[2001:db8::1]`, `192.0.2.1`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host(Box<str>);

impl Host {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is an address and not a name.
    #[must_use]
    pub fn is_address(&self) -> bool {
        self.0.starts_with('[') || self.0.parse::<std::net::Ipv4Addr>().is_ok()
    }

    /// Takes the host out of an authority (`Host`, `:authority`): without its port.
    ///
    /// # Errors
    ///
    /// Anything that is not exactly a host and perhaps a port: user information, an empty host, a port that is no number.
    pub fn of_authority(authority: &str) -> Result<Self, HostError> {
        let (host, port) = split_port(authority)?;
        if port.is_some_and(|port| !is_port(port)) {
            return Err(HostError::Port);
        }
        host.parse()
    }
}

/// Why a text is no host name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Nothing there.
    #[error("the host is empty")]
    Empty,
    /// A letter that no host name has.
    #[error("a host name holds letters, digits, `-`, `_` and `.` only; write other letters in their xn-- form")]
    Letter,
    /// Labels of 1 to 63 bytes that do not begin or end with a hyphen, 253 bytes in all.
    #[error("a label of a host name has 1 to 63 letters and no hyphen at its ends; the whole name has at most 253")]
    Label,
    /// A port that is no number.
    #[error("the port is not a number from 0 to 65535")]
    Port,
    /// `*` anywhere but as the whole first label.
    #[error("`*` can only be the whole first label of a name with two more, as in `*.example.org`")]
    Wildcard,
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        if let Some(literal) = text.strip_prefix('[') {
            let address = literal
                .strip_suffix(']')
                .and_then(|literal| literal.parse::<std::net::Ipv6Addr>().ok());
            return address
                .map(|address| Self(format!("[{address}]").into()))
                .ok_or(HostError::Letter);
        }
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() {
            return Err(HostError::Empty);
        }
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        if !text.bytes().all(letters) {
            return Err(HostError::Letter);
        }
        let good = |label: &str| (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-');
        if text.len() > 253 || !text.split('.').all(good) {
            return Err(HostError::Label);
        }
        Ok(Self(text.to_ascii_lowercase().into()))
    }
}

impl Borrow<str> for Host {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A host as a tenant's file claims it: one name, or `*.example.org` for every name one label below.
///
/// An exact name goes before a wildcard. A wildcard never covers two labels, like a certificate's (RFC 6125 section 6.4.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostPattern {
    /// Exactly this host.
    Exact(Host),
    /// Every host one label below this one.
    OneBelow(Host),
}

impl FromStr for HostPattern {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        match text.strip_prefix("*.") {
            Some(parent) if parent.contains('*') => Err(HostError::Wildcard),
            Some(parent) => {
                let parent: Host = parent.parse()?;
                if parent.is_address() || !parent.as_str().contains('.') {
                    return Err(HostError::Wildcard);
                }
                Ok(Self::OneBelow(parent))
            }
            None if text.contains('*') => Err(HostError::Wildcard),
            None => text.parse().map(Self::Exact),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(host) => host.fmt(f),
            Self::OneBelow(parent) => write!(f, "*.{parent}"),
        }
    }
}

impl JsonSchema for HostPattern {
    fn schema_name() -> Cow<'static, str> {
        "HostPattern".into()
    }

    fn inline_schema() -> bool {
        true
    }

    /// What is said of a host's length is left to [`FromStr`].
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": concat!(
                r"^(\[[0-9A-Fa-f:.]+\]",
                r"|(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?)$",
            ),
            "examples": ["library.example", "*.library.example"],
            "x-form": "host",
        })
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), HostError> {
    if authority.starts_with('[') {
        let end = authority.find(']').ok_or(HostError::Letter)? + 1;
        let (host, rest) = authority.split_at(end);
        return match rest {
            "" => Ok((host, None)),
            rest => rest
                .strip_prefix(':')
                .map(|port| (host, Some(port)))
                .ok_or(HostError::Letter),
        };
    }
    Ok(match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    })
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}
