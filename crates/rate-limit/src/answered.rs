//! What a request that passes leaves for its answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::response;
use rempart_counts::{Ask, Operation};
use rempart_guard::{Findings, SentBytes};
use smallvec::SmallVec;

use crate::state::State;
use crate::volume::units_of;
use crate::{Count, RateLimitFields};

/// What a request that passed has left for its answer: what the client is told, and what is counted of the answer.
#[derive(Debug, Default)]
pub struct Passed {
    pub(crate) fields: Option<RateLimitFields>,
    /// Boxed, because most requests have none.
    pub(crate) due: Option<Box<Due>>,
    /// The quota that the request waited for, and how long.
    pub(crate) waited: Option<(usize, Duration)>,
}

impl Passed {
    pub(crate) fn amend(mut self, state: &State, head: &mut response::Parts, findings: &mut Findings) {
        if let Some((quota, waited)) = self.waited {
            let quota = &state.policy.quotas[quota];
            let evidence = format!(
                "quota {} ({}): waited {:.1} s",
                quota.name,
                quota.rate,
                waited.as_secs_f64()
            );
            findings.note("quota_delayed", evidence);
        }
        if let Some(due) = self.due.take() {
            due.answer(head);
        }
        if let Some(fields) = self.fields {
            fields.add_to(&mut head.headers);
        }
    }
}

/// What is charged when the answer is there. A request that is dropped before has had none.
#[derive(Debug)]
pub(crate) struct Due {
    state: Arc<State>,
    asks: Asks,
    /// Whether the method promises to change nothing (RFC 9110 section 9.2.1).
    is_safe: bool,
    /// Whether somebody further in charges the request; if nobody has by the time of the answer, it is charged then.
    reached: Option<Reached>,
    is_answered: bool,
}

/// What a request is measured against, in the order of the quotas.
pub(crate) type Asks = SmallVec<[Ask; 16]>;

impl Due {
    /// What the answer to a request that was charged decides, if anything.
    pub(crate) fn of(state: &Arc<State>, asks: &[Ask], is_safe: bool) -> Option<Box<Self>> {
        let after = |ask: &&Ask| !state.policy.quotas[ask.limit].count.is_before();
        let asks: Asks = asks.iter().filter(after).copied().collect();
        (!asks.is_empty()).then(|| Box::new(Self::new(state, asks, is_safe, None)))
    }

    /// The same of a request that is charged further in, or else when it is answered before it gets there.
    pub(crate) fn unless_reached(state: &Arc<State>, asks: &[Ask], is_safe: bool, reached: Reached) -> Box<Self> {
        Box::new(Self::new(state, asks.into(), is_safe, Some(reached)))
    }

    fn new(state: &Arc<State>, asks: Asks, is_safe: bool, reached: Option<Reached>) -> Self {
        Self {
            state: Arc::clone(state),
            asks,
            is_safe,
            reached,
            is_answered: false,
        }
    }

    fn answer(mut self, head: &mut response::Parts) {
        self.is_answered = true;
        if self.reached.as_ref().is_some_and(Reached::is_reached) {
            return;
        }
        let status = head.status;
        self.charge(|count| count.takes(status) || count.is_before());
        let bytes: Asks = self
            .asks
            .iter()
            .filter(|ask| *self.count(ask) == Count::Bytes)
            .copied()
            .collect();
        if !bytes.is_empty() {
            let state = Arc::clone(&self.state);
            SentBytes::listen(&mut head.extensions, move |sent| charge_bytes(&state, bytes, sent));
        }
    }

    fn count(&self, ask: &Ask) -> &Count {
        &self.state.policy.quotas[ask.limit].count
    }

    fn charge(&self, is_due: impl Fn(&Count) -> bool) {
        let due = self.asks.iter().filter(|ask| is_due(self.count(ask)));
        let forced: Asks = due.copied().map(force).collect();
        if !forced.is_empty() {
            self.state.counts.put(&forced);
        }
    }
}

impl Drop for Due {
    /// Nobody waits for the answer any more. What may have been done has been tried; what was only looked for has not been
    /// found. A request that has not got to where it is charged has cost what it met before.
    fn drop(&mut self) {
        match &self.reached {
            _ if self.is_answered => {}
            Some(reached) if reached.is_reached() => {}
            Some(_) => self.charge(Count::is_before),
            None if self.is_safe => {}
            None => self.charge(Count::takes_abandoned),
        }
    }
}

fn charge_bytes(state: &State, mut asks: Asks, sent: u64) {
    asks.iter_mut().for_each(|ask| ask.cost = units_of(sent));
    let forced: Asks = asks.into_iter().filter(|ask| ask.cost > 0).map(force).collect();
    if !forced.is_empty() {
        state.counts.put(&forced);
    }
}

fn force(ask: Ask) -> Ask {
    Ask {
        operation: Operation::Force,
        ..ask
    }
}

/// Whether a request got to where it is charged: an extension that the two places of a stack share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reached(Arc<AtomicBool>);

impl Reached {
    pub(crate) fn reach(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_reached(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
