use std::borrow::Cow;
use std::ops::Range;

use rempart_guard::{EdgeSession, EdgeSessions};

use crate::host::AskedHost;
use crate::jar::SealedJar;
use crate::label::Label;

/// What a request showed, kept for its answer.
#[derive(Debug, Default)]
pub struct ShownCookies {
    pub(crate) host: AskedHost,
    pub(crate) sessions: Vec<ShownSession>,
    /// The values of the sessions, one behind the other.
    pub(crate) values: Vec<u8>,
    pub(crate) stale: Vec<Stale>,
    pub(crate) jar: Option<SealedJar>,
}

/// A session that opened.
#[derive(Debug)]
pub(crate) struct ShownSession {
    pub(crate) edge: EdgeSession,
    pub(crate) label: Label,
    /// The host that the cookie is for, with all below it, when it has a `Domain`.
    pub(crate) domain: Option<String>,
    /// Where the value stands.
    pub(crate) value: Range<usize>,
    /// Whether it came under an old name.
    pub(crate) is_old: bool,
    /// Whether it is to be sealed anew, because the name, the version or the key is an old one.
    pub(crate) moves: bool,
}

/// A cookie under an old name, which is to be deleted.
#[derive(Debug)]
pub(crate) struct Stale {
    pub(crate) outside: Vec<u8>,
    pub(crate) path: Option<Cow<'static, [u8]>>,
    pub(crate) domain: Option<String>,
}

impl ShownCookies {
    /// Of a request without cookies.
    pub(crate) fn at(host: AskedHost) -> Self {
        Self {
            host,
            ..Self::default()
        }
    }

    /// The session that came under the application's name.
    pub(crate) fn session(&self, name: &[u8]) -> Option<&ShownSession> {
        self.sessions
            .iter()
            .find(|session| session.edge.cookie.as_bytes() == name)
    }

    /// The value of a session as the application wrote it.
    pub(crate) fn value(&self, session: &ShownSession) -> &[u8] {
        &self.values[session.value.clone()]
    }

    /// The sessions, for who watches over them.
    pub(crate) fn edge_sessions(&self) -> Option<EdgeSessions> {
        let all = || self.sessions.iter().map(|session| session.edge.clone()).collect();
        (!self.sessions.is_empty()).then(|| EdgeSessions(all()))
    }

    /// Whether the answer has nothing to put right.
    pub(crate) fn is_settled(&self) -> bool {
        self.stale.is_empty() && !self.sessions.iter().any(|session| session.moves)
    }
}
