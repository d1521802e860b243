//! Which cookie is a session, which is called something else outside, and which only looks like one of them.

use std::sync::Arc;

use crate::pattern::NamePattern;
use crate::prefix::Prefix;
use crate::rules::Rules;

/// The cookies that hold a session, and what all are called outside.
#[derive(Debug)]
pub(crate) struct Names {
    sessions: Vec<SessionName>,
    /// What a session is called outside, unless a rule says otherwise.
    prefix: Prefix,
    pub(crate) rules: Rules,
}

/// One of them, or several whose names begin alike.
#[derive(Debug)]
pub(crate) struct SessionName {
    pub(crate) pattern: NamePattern,
    /// The name, when there is only one.
    shared: Option<Arc<str>>,
    /// The name, or its beginning.
    canonical: Vec<u8>,
}

/// What a name in a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A session, under the name that it has outside now; `inner` bytes from its end are the application's name.
    Session { index: usize, inner: usize },
    /// The same under a name that it had outside before.
    OldSession { index: usize, inner: usize },
    /// Not the session, but some application would take it for one.
    LookAlike(usize),
    /// Another cookie that is called something else outside; so many bytes from its end are the application's name.
    Renamed(usize),
    /// The same without the prefix that it has outside.
    Bare,
    /// One that a rule drops.
    Unwanted,
    /// Anything else.
    Other,
}

impl Names {
    pub(crate) fn new(sessions: impl IntoIterator<Item = String>, prefix: Prefix, rules: Rules) -> Self {
        let session = |name| {
            let pattern = NamePattern::new(name);
            SessionName {
                canonical: canonical(pattern.beginning().as_bytes()).collect(),
                shared: (!pattern.is_open()).then(|| pattern.as_str().into()),
                pattern,
            }
        };
        Self {
            sessions: sessions.into_iter().map(session).collect(),
            prefix,
            rules,
        }
    }

    /// Whether every cookie comes in as it is.
    pub(crate) const fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.rules.is_empty()
    }

    /// The session that an application sets under this name.
    pub(crate) fn of(&self, name: &[u8]) -> Option<&SessionName> {
        self.sessions.iter().find(|session| session.pattern.takes(name))
    }

    /// Whether it is a session, or looks like one.
    pub(crate) fn is_session(&self, name: &[u8]) -> bool {
        self.of(name).is_some()
            || self
                .sessions
                .iter()
                .any(|session| session.looks_like(name, prefix_in(name)))
    }

    /// The name of a session of this index as a tenant's file writes it.
    pub(crate) fn written(&self, index: usize) -> &str {
        self.sessions[index].pattern.as_str()
    }

    /// One of the names of the session of this index.
    pub(crate) fn shared(&self, index: usize, name: &[u8]) -> Arc<str> {
        let shared = self.sessions[index].shared.clone();
        shared.unwrap_or_else(|| String::from_utf8_lossy(name).into())
    }

    /// What an application's cookie is called outside.
    pub(crate) fn prefix(&self, name: &[u8]) -> Prefix {
        let ruled = self.rules.first(name, |says| says.prefix);
        let prefix = ruled.unwrap_or_else(|| match self.of(name) {
            Some(_) => self.prefix,
            None => Prefix::None,
        });
        prefix.of(name)
    }

    /// What a pair of a `Cookie` line is. Its parts between commas count too: servers that still read RFC 2965 see a
    /// cookie in each.
    pub(crate) fn kind_of_pair(&self, pair: &[u8]) -> Kind {
        if self.is_empty() {
            return Kind::Other;
        }
        let kind = self.kind(name_of(pair));
        // One that may go on hides no less behind a comma than any other.
        let goes_on = matches!(kind, Kind::Other | Kind::Renamed(_) | Kind::Bare);
        if !goes_on || !pair.contains(&b',') {
            return kind;
        }
        // What stands before the first comma is the name itself, unless the comma is in it.
        let skipped = usize::from(!name_of(pair).contains(&b','));
        let hidden = pair
            .split(|byte| *byte == b',')
            .skip(skipped)
            .map(|part| self.kind(name_of(part)));
        hidden.fold(kind, |found, kind| match kind {
            Kind::Session { index, .. } | Kind::OldSession { index, .. } | Kind::LookAlike(index) => {
                Kind::LookAlike(index)
            }
            Kind::Unwanted | Kind::Bare => Kind::Unwanted,
            Kind::Renamed(_) | Kind::Other => found,
        })
    }

    fn kind(&self, name: &[u8]) -> Kind {
        let (prefix, inner) = Prefix::split(name);
        let whole = self.sessions.iter().position(|session| session.pattern.takes(name));
        if let Some(index) = whole {
            let inner = name.len();
            return match self.prefix(name) {
                Prefix::None => Kind::Session { index, inner },
                _ => Kind::OldSession { index, inner },
            };
        }
        if prefix != Prefix::None
            && let Some(index) = self.sessions.iter().position(|session| session.pattern.takes(inner))
        {
            let same = self.prefix(inner) == prefix;
            let inner = inner.len();
            return match same {
                true => Kind::Session { index, inner },
                false => Kind::OldSession { index, inner },
            };
        }
        let skipped = prefix_in(name);
        if let Some(index) = self
            .sessions
            .iter()
            .position(|session| session.looks_like(name, skipped))
        {
            return Kind::LookAlike(index);
        }
        self.kind_of_other(name, prefix, inner)
    }

    /// A cookie that is no session.
    fn kind_of_other(&self, name: &[u8], prefix: Prefix, inner: &[u8]) -> Kind {
        if self.rules.is_empty() {
            return Kind::Other;
        }
        let is_renamed = prefix != Prefix::None && self.prefix(inner) == prefix;
        let known = if is_renamed { inner } else { name };
        match self.rules.first(known, |says| says.drop) {
            Some(true) => Kind::Unwanted,
            _ if is_renamed => Kind::Renamed(inner.len()),
            _ if self.prefix(name) != Prefix::None => Kind::Bare,
            _ => Kind::Other,
        }
    }
}

impl SessionName {
    /// `prefix` bytes of what is read from the name may be a prefix.
    fn looks_like(&self, name: &[u8], prefix: usize) -> bool {
        let like = |skipped: usize| {
            let (read, wanted) = (canonical(name).skip(skipped), self.canonical.iter().copied());
            match self.pattern.is_open() {
                false => read.eq(wanted),
                true => read.take(self.canonical.len()).eq(wanted),
            }
        };
        name.len() >= self.canonical.len() && (like(0) || (prefix > 0 && like(prefix)))
    }
}

/// How many bytes of what applications read from a name are a prefix: some read `..Host-x` as `__Host-x` (CVE-2022-31629).
fn prefix_in(name: &[u8]) -> usize {
    if canonical(name).next() != Some(b'_') {
        return 0;
    }
    let begins = |prefix: &&&[u8]| canonical(name).take(prefix.len()).eq(prefix.iter().copied());
    let found = [b"__host-".as_slice(), b"__secure-"];
    found.iter().find(begins).map_or(0, |prefix| prefix.len())
}

/// The name of a pair. A pair without `=` is all name, for that is how some servers read it.
pub(crate) fn name_of(pair: &[u8]) -> &[u8] {
    pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii()
}

/// A name as the most forgiving applications read it: ASP.NET without regard to case; PHP with `.` and spaces turned to
/// `_` and cut at `[`; old PHP (CVE-2020-7070) with percent-encoding undone and cut at NUL.
fn canonical(name: &[u8]) -> impl Iterator<Item = u8> {
    decoded(name)
        .skip_while(|byte| *byte == b' ')
        .take_while(|byte| !matches!(byte, 0 | b'['))
        .map(|byte| match byte {
            b'.' | b' ' | b'+' => b'_',
            byte => byte.to_ascii_lowercase(),
        })
}

/// Text with percent-encoding undone, once. What is no escape stays.
pub(crate) fn decoded(text: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = text;
    std::iter::from_fn(move || {
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
    })
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}
