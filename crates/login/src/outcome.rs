//! What an answer says about the login that it answers.

use http::header::CONTENT_ENCODING;
use http::{Method, StatusCode, response};
use rempart_guard::RoutePath;

use crate::LoginPolicy;
use crate::marks::target;
use crate::matcher::Matcher;

/// What became of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The application took the password.
    Succeeded,
    /// It did not.
    Failed,
    /// It was not asked: there was no answer of its own.
    Unjudged,
}

/// An answer that is being read.
pub(crate) struct Reading<'a> {
    policy: &'a LoginPolicy,
    method: &'a Method,
    path: &'a str,
    status: StatusCode,
    target: Option<String>,
    head_succeeded: bool,
    failed: Vec<Matcher>,
    succeeded: Vec<Matcher>,
}

impl<'a> Reading<'a> {
    /// Begins with the head, which may say it all.
    pub(crate) fn of(
        policy: &'a LoginPolicy,
        (method, path): (&'a Method, &'a str),
        head: &response::Parts,
    ) -> Result<Self, Outcome> {
        if policy.failed.match_head(path, head) {
            return Err(Outcome::Failed);
        }
        let is_encoded = head
            .headers
            .get_all(CONTENT_ENCODING)
            .iter()
            .any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
        let reading = Self {
            policy,
            method,
            path,
            status: head.status,
            target: target(path, &head.headers).filter(|_| head.status.is_redirection()),
            head_succeeded: policy.succeeded.match_head(path, head),
            failed: policy.failed.matchers(),
            succeeded: policy.succeeded.matchers(),
        };
        let is_known = reading.failed.is_empty() && (reading.succeeded.is_empty() || reading.head_succeeded);
        match (is_known, is_encoded) {
            (true, _) => Err(reading.end(true)),
            (false, true) => Err(reading.end(false)),
            (false, false) => Ok(reading),
        }
    }

    /// Reads on. Says what it is as soon as it is known.
    pub(crate) fn read(&mut self, piece: &[u8]) -> Option<Outcome> {
        // Each of them reads every piece, whatever the others find.
        let found = |matchers: &mut [Matcher]| {
            matchers.iter_mut().for_each(|matcher| {
                matcher.read(piece);
            });
            matchers.iter().any(Matcher::is_found)
        };
        if found(&mut self.failed) {
            return Some(Outcome::Failed);
        }
        let succeeded = found(&mut self.succeeded) || self.head_succeeded;
        (succeeded && self.failed.is_empty()).then_some(Outcome::Succeeded)
    }

    /// What it is when no more is read: because there is no more, or because it cannot be read to its end.
    pub(crate) fn end(&self, is_whole: bool) -> Outcome {
        if self.head_succeeded || self.succeeded.iter().any(Matcher::is_found) {
            return Outcome::Succeeded;
        }
        match self.status {
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                return Outcome::Unjudged;
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => return Outcome::Failed,
            status if status.is_server_error() => return Outcome::Failed,
            _ => {}
        }
        match (self.policy.succeeded.is_empty(), self.policy.failed.is_empty()) {
            // Whoever says how a success looks has said what is none.
            (false, _) => Outcome::Failed,
            // Whoever says how a failure looks has said what is none, if all of the answer could be read.
            (true, false) if is_whole => Outcome::Succeeded,
            (true, _) => self.by_custom(),
        }
    }

    /// As most applications do it: they lead elsewhere when they are content.
    fn by_custom(&self) -> Outcome {
        let Some(target) = &self.target else {
            return Outcome::Failed;
        };
        let path = target.split('?').next().unwrap_or_default();
        let leads_back = path == self.path || self.policy.leads_back(self.method, &RoutePath::new(path));
        if leads_back {
            Outcome::Failed
        } else {
            Outcome::Succeeded
        }
    }
}

#[cfg(test)]
mod tests;
