//! The two places of a rate limit in a stack: above what is costly, and below what knows whose session it is.

use http::{request, response};
use rempart_guard::{Enforcement, Findings, Verdict, WaitingGuard};

use crate::answered::{Due, Passed, Reached};
use crate::state::Asked;
use crate::{RateLimit, RateLimitRefusal};

/// The upper place of a [`RateLimit`], above everything that costs.
///
/// Without a quota per session or account it does everything, and there is no [`Below`]. With one it only looks, at the quotas
/// that need no session and as far as this machine knows, and refuses for those that are used up: a flood ends here, and
/// whatever else goes on is charged to all of its quotas at once further in. What something between the two answers is charged
/// with that answer, so that nothing is tried for free.
#[derive(Clone, Debug)]
pub struct Above(RateLimit);

/// The lower place of a [`RateLimit`], directly above the application and below whatever opens sessions.
///
/// All is charged here or nothing is, in one round trip when the counts are shared.
#[derive(Clone, Debug)]
pub struct Below(RateLimit);

impl RateLimit {
    /// The guard for the upper place.
    #[must_use]
    pub fn above(&self) -> Above {
        Above(self.clone())
    }

    /// The guard for the lower place, when the policy has a quota that needs one.
    #[must_use]
    pub fn below(&self) -> Option<Below> {
        self.policy().needs_session().then(|| Below(self.clone()))
    }

    fn look(&self, head: &request::Parts) -> Result<Passed, RateLimitRefusal> {
        let state = &self.0;
        let mut asked = Asked::of(state.client(head)?, &head.method);
        state.ask(head, |quota| !quota.per.needs_session(), &mut asked)?;
        if asked.asks.is_empty() {
            return Ok(Passed::default());
        }
        // It waits further in, or not at all.
        asked.turns.clear();
        if state.policy.enforcement == Enforcement::Enforce {
            let taken = state.look(&asked);
            if !taken.passes {
                state.settle(&asked, &taken)?;
            }
        }
        let reached = head.extensions.get::<Reached>().cloned().unwrap_or_default();
        let due = Due::unless_reached(state, &asked.asks, asked.is_safe, reached);
        Ok(Passed {
            due: Some(due),
            ..Passed::default()
        })
    }
}

impl WaitingGuard for Above {
    const FEATURE: &'static str = RateLimit::FEATURE;
    type Ticket = Passed;
    type Refusal = RateLimitRefusal;

    fn mark(&self, head: &mut request::Parts) {
        if self.0.policy().needs_session() {
            head.extensions.insert(Reached::default());
        }
    }

    fn check(&self, head: &mut request::Parts, _: &mut Findings) -> Verdict<Passed, RateLimitRefusal> {
        match self.0.policy().needs_session() {
            true => Verdict::Now(self.0.look(head)),
            false => self.0.measure(head, |_| true),
        }
    }

    fn amend(&self, passed: Passed, head: &mut response::Parts, findings: &mut Findings) {
        passed.amend(&self.0.0, head, findings);
    }
}

impl WaitingGuard for Below {
    const FEATURE: &'static str = RateLimit::FEATURE;
    type Ticket = Passed;
    type Refusal = RateLimitRefusal;

    fn mark(&self, head: &mut request::Parts) {
        if let Some(reached) = head.extensions.get::<Reached>() {
            reached.reach();
        }
    }

    fn check(&self, head: &mut request::Parts, _: &mut Findings) -> Verdict<Passed, RateLimitRefusal> {
        self.0.measure(head, |_| true)
    }

    fn amend(&self, passed: Passed, head: &mut response::Parts, findings: &mut Findings) {
        passed.amend(&self.0.0, head, findings);
    }
}
