//! A try that is under way: whatever becomes of it, the counts hear of it.

use std::time::Duration;

use crate::LoginGuard;
use crate::outcome::Outcome;
use crate::plan::Plan;

/// A try between its beginning and its outcome. One that is dropped after it has been sent is a failure: whoever hangs up
/// does not guess for free. One that is dropped before has tried nothing.
pub(crate) struct Turn {
    guard: LoginGuard,
    plan: Plan,
    /// How long it has to wait before it is sent.
    pub(crate) delay: Duration,
    is_first: bool,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Begun,
    Sent,
    Over,
}

impl Turn {
    pub(crate) const fn new(guard: LoginGuard, plan: Plan, (delay, is_first): (Duration, bool)) -> Self {
        Self {
            guard,
            plan,
            delay,
            is_first,
            stage: Stage::Begun,
        }
    }

    /// The application hears of it from now on.
    pub(crate) const fn send(&mut self) {
        self.stage = Stage::Sent;
    }

    /// Whether a failure is told to be one of many accounts'.
    pub(crate) const fn is_stuffed(&self) -> bool {
        self.plan.is_stuffed
    }

    /// Tells the counts what became of it.
    pub(crate) async fn end(mut self, outcome: Outcome) {
        self.stage = Stage::Over;
        let counts = self.guard.counts();
        match outcome {
            Outcome::Failed => counts.put(&self.plan.failed(self.is_first)),
            Outcome::Unjudged => counts.put(&self.plan.given_back()),
            Outcome::Succeeded => {
                counts.put(&self.plan.succeeded());
                if let Some((seen, gives)) = self.plan.seen()
                    && self.guard.take(&[seen]).await.passes
                {
                    counts.put(gives);
                }
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        match self.stage {
            Stage::Begun => self.guard.counts().put(&self.plan.given_back()),
            Stage::Sent => self.guard.counts().put(&self.plan.failed(self.is_first)),
            Stage::Over => {}
        }
    }
}
