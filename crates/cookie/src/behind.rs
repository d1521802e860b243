//! What is put behind the application's own `Set-Cookie` lines: what was ordered, what is to be put right, and what handlers
//! have set.

use std::fmt::Write as _;

use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue, response};
use rempart_guard::{EdgeSession, SessionId};

use crate::CookiePolicy;
use crate::attributes::Asked;
use crate::caching;
use crate::label::{Label, seconds};
use crate::outgoing::Answer;
use crate::prefix::Prefix;
use crate::shown::ShownSession;

impl Answer<'_> {
    /// What whoever watches over sessions has ordered. No cache may keep such an answer for somebody else.
    pub(crate) fn obey(&mut self, head: &mut response::Parts) {
        let mut lines = Vec::new();
        for edge in self.renewals() {
            let name = edge.cookie.as_bytes();
            if !self.is_set(name)
                && !self.is_ended(name)
                && let Some(session) = self.shown.session(name)
            {
                lines.extend(self.again(session, edge));
            }
        }
        for name in self.ends() {
            let shown = self.shown.session(name);
            let prefix = self.policy.names.prefix(name);
            let outside = [prefix.as_str().as_bytes(), name].concat();
            let path = self.policy.path(name, prefix).map(str::as_bytes);
            let path = path.or(shown.and_then(|session| session.label.path.as_deref()));
            let domain = shown
                .and_then(|session| session.domain.as_deref())
                .filter(|_| prefix != Prefix::Host);
            lines.extend(self.policy.deletion(&outside, path, domain));
        }
        if !lines.is_empty() && caching::is_shared(head) {
            caching::forbid(&mut head.headers);
        }
        append(&mut head.headers, lines);
    }

    /// Sessions under old names, of version 1 or sealed with a previous key get what they would get now, and cookies under old
    /// names go. Not in an answer that a cache may keep: the next one will do.
    pub(crate) fn put_right(&self, head: &mut response::Parts) {
        if self.shown.is_settled() || caching::is_shared(head) {
            return;
        }
        let mut lines = Vec::new();
        for session in self.shown.sessions.iter().filter(|session| session.moves) {
            let name = session.edge.cookie.as_bytes();
            let is_done = self.is_set(name)
                || self.is_ended(name)
                || self.is_left(name)
                || self.renewals().any(|edge| edge.cookie == session.edge.cookie);
            if !is_done && !deletes(&head.headers, self.policy, name) {
                lines.extend(self.again(session, &session.edge));
            }
        }
        for stale in &self.shown.stale {
            lines.extend(
                self.policy
                    .deletion(&stale.outside, stale.path.as_deref(), stale.domain.as_deref()),
            );
        }
        append(&mut head.headers, lines);
    }

    /// The cookie of a session that the application does not set, as it would set it now.
    fn again(&self, session: &ShownSession, edge: &EdgeSession) -> Option<HeaderValue> {
        let (name, now) = (edge.cookie.as_bytes(), seconds(self.now));
        let prefix = self.policy.names.prefix(name);
        let path = self.policy.path(name, prefix).map(str::as_bytes);
        let path = path.or(session.label.path.as_deref()).unwrap_or(b"/");
        let domain = session.domain.as_deref().filter(|_| prefix != Prefix::Host);
        let label = Label {
            sealed: now,
            began: seconds(edge.began),
            id: edge.id,
            has_domain: domain.is_some(),
            path: Some(path.to_vec().into()),
            ..session.label.clone()
        };
        let mut line = [prefix.as_str().as_bytes(), name, b"="].concat();
        let host = domain.unwrap_or(self.host.as_str());
        let ends = label.ends;
        let sealer = &self.policy.sealer;
        sealer
            .seal((name, host), &label, self.shown.value(session), self.now, &mut line)
            .ok()?;
        line.extend_from_slice(b"; Path=");
        line.extend_from_slice(path);
        let mut more = String::new();
        if let Some(ends) = ends {
            let _ = write!(more, "; Max-Age={}", ends.saturating_sub(now));
        }
        if let Some(domain) = domain {
            let _ = write!(more, "; Domain={domain}");
        }
        line.extend_from_slice(more.as_bytes());
        self.finish(name, &Asked::default(), line)
    }

    /// What handlers have set and removed in their jar: sealed, and theirs alone.
    pub(crate) fn add_own(&mut self, headers: &mut HeaderMap) {
        let Some(jar) = &self.shown.jar else { return };
        let mut lines = Vec::new();
        for (name, value, lifetime) in jar.changes() {
            let prefix = Prefix::Host.of(name.as_bytes());
            let outside = [prefix.as_str(), &name].concat().into_bytes();
            let Some(value) = value else {
                lines.extend(self.policy.deletion(&outside, None, None));
                continue;
            };
            lines.extend(self.own((&name, prefix), &value, lifetime));
        }
        append(headers, lines);
    }

    fn own(&mut self, (name, prefix): (&str, Prefix), value: &str, lifetime: Option<u64>) -> Option<HeaderValue> {
        let now = seconds(self.now);
        let lifetime = lifetime.map(|seconds| seconds.min(self.policy.max_age));
        let label = Label {
            sealed: now,
            began: now,
            id: SessionId([0; 16]),
            ends: lifetime.map(|seconds| now.saturating_add(seconds)),
            has_domain: false,
            path: Some(b"/".into()),
        };
        let mut line = [prefix.as_str(), name, "="].concat().into_bytes();
        self.seal((name.as_bytes(), prefix), label, value.as_bytes(), None, &mut line)?;
        line.extend_from_slice(b"; Path=/");
        if let Some(seconds) = lifetime {
            line.extend_from_slice(format!("; Max-Age={seconds}").as_bytes());
        }
        self.finish(name.as_bytes(), &Asked::default(), line)
    }
}

/// Whether an answer deletes the session of this name itself.
fn deletes(headers: &HeaderMap, policy: &CookiePolicy, name: &[u8]) -> bool {
    let outside = [policy.names.prefix(name).as_str().as_bytes(), name, b"="].concat();
    headers
        .get_all(SET_COOKIE)
        .iter()
        .any(|line| line.as_bytes().starts_with(&outside))
}

fn append(headers: &mut HeaderMap, lines: Vec<HeaderValue>) {
    for line in lines {
        headers.append(SET_COOKIE, line);
    }
}
