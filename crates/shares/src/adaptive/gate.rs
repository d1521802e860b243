//! The limit of one application at work: who is with it, and who waits before it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::Priority;
use crate::adaptive::{AdaptiveLimit, AdaptivePolicy, Sample};
use crate::line::{Line, LineFull, Outcome, Ticket};

/// One for a tenant, all workers together: they ask the same application.
pub(crate) struct Gate(Mutex<State>);

struct State {
    limit: AdaptiveLimit,
    in_flight: u32,
    waiting: u32,
    line: Line,
    tickets: u64,
}

impl Gate {
    pub(crate) fn new(policy: AdaptivePolicy) -> Self {
        Self(Mutex::new(State {
            limit: AdaptiveLimit::new(policy),
            in_flight: 0,
            waiting: 0,
            line: Line::default(),
            tickets: 0,
        }))
    }

    /// The limit, when it is found out at all.
    pub(crate) fn limit(&self) -> Option<u32> {
        let state = self.lock();
        state.limit.policy().enforcement.is_on().then(|| state.limit.limit())
    }

    /// How many are in flight, and how many wait.
    pub(crate) fn load(&self) -> [u32; 2] {
        let state = self.lock();
        [state.in_flight, state.waiting]
    }

    pub(crate) fn follow(&self, policy: &AdaptivePolicy) {
        let mut state = self.lock();
        if state.limit.policy() != policy {
            state.limit.follow(policy.clone());
            self.serve(state);
        }
    }

    /// It is another application now: what is known about the limit is of no use.
    pub(crate) fn forget(&self) {
        let mut state = self.lock();
        state.limit = AdaptiveLimit::new(state.limit.policy().clone());
        self.serve(state);
    }

    /// One more, if there is room and nobody waits.
    pub(crate) fn enter(&self) -> bool {
        let mut state = self.lock();
        let room = state.line.is_empty() && state.in_flight < state.limit.limit();
        state.in_flight += u32::from(room);
        room
    }

    /// One more, whatever the limit is.
    pub(crate) fn enter_anyway(&self) {
        self.lock().in_flight += 1;
    }

    /// Begins to wait.
    pub(crate) fn wait(&self, priority: Priority, most: u32) -> Result<(Ticket, oneshot::Receiver<Outcome>), LineFull> {
        let mut state = self.lock();
        state.tickets += 1;
        let number = state.tickets;
        let ticket = Ticket { priority, number };
        let joined = state.line.join(ticket, most)?;
        state.waiting += u32::from(joined.displaced.is_none());
        self.serve(state);
        if let Some(displaced) = joined.displaced {
            // Whoever is gone already need not be told.
            let _ = displaced.send(Outcome::Displaced);
        }
        Ok((ticket, joined.outcome))
    }

    /// Stops waiting; false when there is an outcome.
    pub(crate) fn leave(&self, ticket: Ticket) -> bool {
        let mut state = self.lock();
        let left = state.line.leave(ticket);
        state.waiting -= u32::from(left);
        left
    }

    /// One less.
    pub(crate) fn exit(&self) {
        let mut state = self.lock();
        state.in_flight -= 1;
        self.serve(state);
    }

    pub(crate) fn sample(&self, now: Instant, sample: Sample) {
        let mut state = self.lock();
        let in_flight = state.in_flight;
        state.limit.sample(now.into_std(), in_flight, sample);
        self.serve(state);
    }

    /// Gives turns while there is room. Told once the lock is open; whoever has gone away meanwhile gives his turn back.
    fn serve(&self, mut state: MutexGuard<'_, State>) {
        let mut granted = Vec::new();
        while state.in_flight < state.limit.limit() {
            let Some(sender) = state.line.next() else { break };
            state.in_flight += 1;
            state.waiting -= 1;
            granted.push(sender);
        }
        drop(state);
        for sender in granted {
            if sender.send(Outcome::Granted).is_err() {
                self.exit();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
