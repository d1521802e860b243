//! Waiting for a turn, for a bounded time, without a trace when the one who waits goes away.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep};

use crate::line::{Outcome, Ticket};

/// Where somebody waits.
pub(crate) trait Host: Unpin {
    /// What a turn is.
    type Permit;

    /// Gives up a place in the line; false when it is no longer there.
    fn leave(&self, ticket: Ticket) -> bool;

    /// What was counted as granted, in a form that gives it back when it is dropped.
    fn permit(self) -> Self::Permit;
}

/// A turn to come. Dropped before that, it gives up its place, or gives back what it was granted in the same moment.
pub(crate) struct Turn<H: Host> {
    host: Option<H>,
    ticket: Ticket,
    outcome: oneshot::Receiver<Outcome>,
    limit: Pin<Box<Sleep>>,
}

impl<H: Host> Turn<H> {
    /// Waits until the time is over. It comes from [`limit`], before there is a ticket: without a runtime that panics.
    pub(crate) fn new(host: H, ticket: Ticket, outcome: oneshot::Receiver<Outcome>, limit: Pin<Box<Sleep>>) -> Self {
        Self {
            host: Some(host),
            ticket,
            outcome,
            limit,
        }
    }

    pub(crate) const fn host(&self) -> Option<&H> {
        self.host.as_ref()
    }

    fn end(&mut self, outcome: Outcome) -> Result<H::Permit, NoTurn> {
        let host = self.host.take().expect("a turn comes once");
        match outcome {
            Outcome::Granted => Ok(host.permit()),
            Outcome::Displaced => Err(NoTurn::Displaced),
        }
    }
}

/// The longest that somebody may wait.
pub(crate) fn limit(longest: Duration) -> Pin<Box<Sleep>> {
    Box::pin(sleep(longest))
}

/// Why a turn does not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoTurn {
    Displaced,
    TooLong,
}

impl<H: Host> Future for Turn<H> {
    type Output = Result<H::Permit, NoTurn>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(outcome) = Pin::new(&mut self.outcome).poll(cx) {
            // The line itself is gone only when all who could serve it are.
            return Poll::Ready(self.end(outcome.unwrap_or(Outcome::Displaced)));
        }
        if self.limit.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        let host = self.host.as_ref().expect("a turn comes once");
        if host.leave(self.ticket) {
            self.host = None;
            return Poll::Ready(Err(NoTurn::TooLong));
        }
        // Its turn came in the same moment, and the word of it is on its way from another thread.
        Poll::Pending
    }
}

impl<H: Host> Drop for Turn<H> {
    fn drop(&mut self) {
        let Some(host) = self.host.take() else { return };
        if host.leave(self.ticket) {
            return;
        }
        // Once it is closed, what was not sent never will be: then whoever granted it takes it back.
        self.outcome.close();
        if self.outcome.try_recv() == Ok(Outcome::Granted) {
            drop(host.permit());
        }
    }
}
