//! Who wants to log in, and with what: read out of a request in every form in which applications take it.

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Uri};

use crate::account::normalise;
use crate::{form, json, multipart};

/// What a request says. It lives until it is hashed.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct Credentials {
    /// The account's one name.
    pub(crate) account: Option<String>,
    /// The password, as it was written.
    pub(crate) password: Option<Vec<u8>>,
    /// Whether the request names two accounts or two passwords: which of them the application takes cannot be known.
    pub(crate) is_ambiguous: bool,
}

impl Credentials {
    /// Reads a request that logs in, with a body of so many bytes at most.
    ///
    /// Beside the body the query is read, since there are applications that take both. The type that the request gives to its
    /// body is believed first, and when nothing is found in it, the others are tried: there are applications that read JSON
    /// whatever it is called. HTTP Basic is read when there is nothing else: beside a form it is a door of its own.
    pub(crate) fn read(names: &Names, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Self {
        let mut found = Found::new(names);
        if let Some(query) = uri.query() {
            form::read(query.as_bytes(), &mut found);
        }
        let mut types = headers.get_all(CONTENT_TYPE).iter();
        let media = types.next().map_or(&b""[..], |value| value.as_bytes());
        found.credentials.is_ambiguous |= types.next().is_some();
        let before = found.count;
        let kind = Kind::of(media);
        kind.read_declared(media, body, &mut found);
        if found.count == before {
            for other in [Kind::Json, Kind::Form].into_iter().filter(|other| *other != kind) {
                other.read(media, body, &mut found);
            }
        }
        if found.count == 0 {
            basic(headers, &mut found);
        }
        found.credentials
    }
}

/// The names of the fields, in lower case: to ASP.NET `Username` is `username`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) accounts: Vec<String>,
    pub(crate) passwords: Vec<String>,
}

/// What has been found so far.
pub(crate) struct Found<'a> {
    names: &'a Names,
    credentials: Credentials,
    count: usize,
}

impl<'a> Found<'a> {
    fn new(names: &'a Names) -> Self {
        Self {
            names,
            credentials: Credentials::default(),
            count: 0,
        }
    }

    /// Whether anybody asks for a field of this name.
    pub(crate) fn wants(&self, name: &[u8]) -> bool {
        let name = canonical(name);
        let Names { accounts, passwords } = self.names;
        accounts.contains(&name) || passwords.contains(&name)
    }

    /// Takes a field, if it is one of those that are asked for.
    pub(crate) fn take(&mut self, name: &[u8], value: &[u8]) {
        let name = canonical(name);
        if self.names.accounts.contains(&name) {
            self.account(value);
        }
        if self.names.passwords.contains(&name) {
            self.password(value);
        }
    }

    /// The request can be read in two ways.
    pub(crate) const fn doubt(&mut self) {
        self.credentials.is_ambiguous = true;
    }

    fn account(&mut self, written: &[u8]) {
        if let Some(account) = normalise(written) {
            self.count += 1;
            let known = self.credentials.account.get_or_insert_with(|| account.clone());
            self.credentials.is_ambiguous |= *known != account;
        }
    }

    fn password(&mut self, written: &[u8]) {
        if !written.is_empty() {
            self.count += 1;
            let known = self.credentials.password.get_or_insert_with(|| written.to_vec());
            self.credentials.is_ambiguous |= known != written;
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Form,
    Multipart,
    Json,
    Other,
}

impl Kind {
    fn of(media: &[u8]) -> Self {
        let essence = media.split(|byte| *byte == b';').next().unwrap_or_default();
        let essence = essence.trim_ascii().to_ascii_lowercase();
        match essence.as_slice() {
            b"application/x-www-form-urlencoded" => Self::Form,
            b"multipart/form-data" => Self::Multipart,
            json if json == b"application/json" || json.ends_with(b"+json") => Self::Json,
            _ => Self::Other,
        }
    }

    fn read(self, media: &[u8], body: &[u8], found: &mut Found<'_>) {
        match self {
            Self::Form => form::read(body, found),
            Self::Multipart => multipart::read(media, body, found),
            Self::Json => {
                json::read(body, found);
            }
            Self::Other => {}
        }
    }

    /// Reads what the request itself says to be of this kind. There are parsers that forgive comments, single quotes or two
    /// hundred brackets, and servers that read a form in EBCDIC: what they would find then is not found here.
    fn read_declared(self, media: &[u8], body: &[u8], found: &mut Found<'_>) {
        if multipart::parameters(media, b"charset").any(|charset| !is_known(&charset)) {
            found.doubt();
        }
        match self {
            Self::Json if !body.is_empty() && !json::read(body, found) => found.doubt(),
            Self::Json => {}
            other => other.read(media, body, found),
        }
    }
}

/// The character sets in which the letters of ASCII are what they are in ASCII.
fn is_known(charset: &[u8]) -> bool {
    const KNOWN: [&[u8]; 6] = [
        b"utf-8",
        b"utf8",
        b"us-ascii",
        b"iso-8859-1",
        b"iso-8859-15",
        b"windows-1252",
    ];
    KNOWN.iter().any(|known| known.eq_ignore_ascii_case(charset))
}

/// PHP takes spaces in front of a name away, and a zero byte with all that follows.
fn canonical(name: &[u8]) -> String {
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    String::from_utf8_lossy(name[..end].trim_ascii()).to_lowercase()
}

/// `Authorization: Basic` (RFC 7617 section 2).
fn basic(headers: &HeaderMap, found: &mut Found<'_>) {
    for value in headers.get_all(AUTHORIZATION) {
        let Some((scheme, rest)) = value.to_str().ok().and_then(|value| value.trim().split_once(' ')) else {
            continue;
        };
        if !scheme.eq_ignore_ascii_case("basic") {
            continue;
        }
        let decoded = base64_simd::STANDARD.decode_to_vec(rest.trim());
        let decoded = decoded.or_else(|_| base64_simd::STANDARD_NO_PAD.decode_to_vec(rest.trim()));
        let Ok(decoded) = decoded else { continue };
        if let Some(colon) = decoded.iter().position(|byte| *byte == b':') {
            found.account(&decoded[..colon]);
            found.password(&decoded[colon + 1..]);
        }
    }
}

#[cfg(test)]
mod tests;
