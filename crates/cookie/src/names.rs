//! Which cookie is a session, and which only looks like one.

use http::HeaderValue;

use crate::seal::Sealer;

/// The cookies that hold a session.
#[derive(Debug)]
pub(crate) struct SessionNames(Vec<SessionName>);

/// One of them, with all that depends on its name only.
#[derive(Debug)]
pub(crate) struct SessionName {
    pub(crate) name: String,
    /// What its sealed values are bound to.
    pub(crate) binding: Vec<u8>,
    /// The `Set-Cookie` that deletes it.
    pub(crate) deletion: HeaderValue,
    canonical: Vec<u8>,
}

/// What a name in a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The session of this index.
    Session(usize),
    /// Not the session, but some application would take it for one.
    LookAlike(usize),
    /// Anything else.
    Other,
}

impl SessionNames {
    pub(crate) fn new(names: impl IntoIterator<Item = (String, HeaderValue)>, sealer: &Sealer) -> Self {
        let with_binding = |(name, deletion): (String, HeaderValue)| SessionName {
            binding: sealer.binding(&name),
            canonical: canonical(name.as_bytes()).collect(),
            name,
            deletion,
        };
        Self(names.into_iter().map(with_binding).collect())
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn exactly(&self, name: &[u8]) -> Option<&SessionName> {
        self.0.iter().find(|session| session.name.as_bytes() == name)
    }

    pub(crate) fn at(&self, index: usize) -> &SessionName {
        &self.0[index]
    }

    /// What a pair of a `Cookie` line is. Its parts between commas count too: servers that still read RFC 2965 see a
    /// cookie in each.
    pub(crate) fn kind_of_pair(&self, pair: &[u8]) -> Kind {
        let kind = self.kind(name_of(pair));
        if kind != Kind::Other || !pair.contains(&b',') {
            return kind;
        }
        let hidden = pair
            .split(|byte| *byte == b',')
            .skip(1)
            .map(|part| self.kind(name_of(part)));
        hidden.fold(Kind::Other, |found, kind| match kind {
            Kind::Session(index) | Kind::LookAlike(index) => Kind::LookAlike(index),
            Kind::Other => found,
        })
    }

    fn kind(&self, name: &[u8]) -> Kind {
        if let Some(index) = self.0.iter().position(|session| session.name.as_bytes() == name) {
            return Kind::Session(index);
        }
        let looks_like = |session: &SessionName| {
            name.len() >= session.canonical.len() && canonical(name).eq(session.canonical.iter().copied())
        };
        self.0.iter().position(looks_like).map_or(Kind::Other, Kind::LookAlike)
    }
}

/// The name of a pair. A pair without `=` is all name, for that is how some servers read it.
fn name_of(pair: &[u8]) -> &[u8] {
    pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii()
}

/// A name as the most forgiving applications read it: ASP.NET without regard to case; PHP with `.` and spaces turned to
/// `_` and cut at `[`; old PHP (CVE-2020-7070) with percent-encoding undone and cut at NUL.
fn canonical(name: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = name;
    let decoded = std::iter::from_fn(move || {
        let (byte, after) = match rest {
            [b'%', high, low, after @ ..] => match hex(*high).zip(hex(*low)) {
                Some((high, low)) => (high * 16 + low, after),
                None => (b'%', &rest[1..]),
            },
            [byte, after @ ..] => (*byte, after),
            [] => return None,
        };
        rest = after;
        Some(byte)
    });
    decoded
        .skip_while(|byte| *byte == b' ')
        .take_while(|byte| !matches!(byte, 0 | b'['))
        .map(|byte| match byte {
            b'.' | b' ' | b'+' => b'_',
            byte => byte.to_ascii_lowercase(),
        })
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}
