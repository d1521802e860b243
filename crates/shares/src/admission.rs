use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::line::Ticket;
use crate::networks::NetworkKey;
use crate::share::Handle;
use crate::turn::{Host, NoTurn, Turn};
use crate::{Kind, ShareRefusal};

/// What a tenant's share says to one more request, connection or handshake.
#[must_use = "what is admitted is counted until its permit is dropped"]
pub enum Admission {
    /// It may begin.
    Now(Permit),
    /// It has to wait for its turn, at most for the tenant's `max_wait`.
    Later(Waiting),
    /// It may not.
    Refused(ShareRefusal),
    /// It may begin because the tenant's shares are only reported: under `enforce` it would have had to wait, or would have
    /// been refused.
    Reported(Permit, ShareRefusal),
}

impl Admission {
    /// Waits for the end of it.
    ///
    /// # Errors
    ///
    /// A refusal, at once or after the wait. What is only reported is no refusal, and nothing is said about it here.
    pub async fn decided(self) -> Result<Permit, ShareRefusal> {
        match self {
            Self::Now(permit) | Self::Reported(permit, _) => Ok(permit),
            Self::Later(waiting) => waiting.await,
            Self::Refused(refusal) => Err(refusal),
        }
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(_) => f.write_str("Admission::Now"),
            Self::Later(_) => f.write_str("Admission::Later"),
            Self::Refused(refusal) => write!(f, "Admission::Refused({refusal})"),
            Self::Reported(_, refusal) => write!(f, "Admission::Reported({refusal})"),
        }
    }
}

/// A part of a tenant's share, in use until this is dropped.
#[must_use = "what is admitted is counted until its permit is dropped"]
pub struct Permit {
    /// `None` when nothing is counted, because the tenant's shares are off.
    held: Option<Holding>,
}

impl Permit {
    pub(crate) const fn of_nothing() -> Self {
        Self { held: None }
    }

    pub(crate) const fn new(held: Holding) -> Self {
        Self { held: Some(held) }
    }

    /// Gives the tenant's share back before the permit is dropped. What the client's network holds stays counted: a
    /// handshake that is computed takes nobody's time any more and is still one of its client's.
    pub fn give_back(&mut self) {
        if let Some(held) = &mut self.held {
            held.give_back();
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.held.as_ref().map(|held| held.place.kind);
        f.debug_tuple("Permit").field(&kind).finish()
    }
}

/// One thing in use, and one of its client's network's.
pub(crate) struct Holding {
    place: Place,
    counted: bool,
}

impl Holding {
    /// Of what was counted already.
    pub(crate) const fn new(place: Place) -> Self {
        Self { place, counted: true }
    }

    fn give_back(&mut self) {
        if std::mem::take(&mut self.counted) {
            let Place { handle, kind, .. } = &self.place;
            handle.shares.lot(*kind).exit(&handle.account, handle.worker);
        }
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// Whose it is; counted for the client's network while this is there.
pub(crate) struct Place {
    pub(crate) handle: Arc<Handle>,
    pub(crate) kind: Kind,
    /// `None` when its network holds too much, and that is only reported.
    pub(crate) network: Option<NetworkKey>,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(network) = self.network {
            self.handle.account.networks.give(self.kind, network);
        }
    }
}

/// A turn to come. Dropped before it comes, it leaves nothing behind.
#[must_use = "a future does nothing unless it is polled"]
pub struct Waiting(pub(crate) Turn<Place>);

impl Future for Waiting {
    type Output = Result<Permit, ShareRefusal>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Needed when the turn does not come, and by then its host is gone.
        let host = self.0.host().map(|place| (Arc::clone(&place.handle), place.kind));
        let (handle, kind) = host.expect("a turn comes once");
        Poll::Ready(ready!(Pin::new(&mut self.0).poll(cx)).map_err(|why| handle.no_turn(kind, why == NoTurn::TooLong)))
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").finish_non_exhaustive()
    }
}

impl Host for Place {
    type Permit = Permit;

    fn leave(&self, ticket: Ticket) -> bool {
        self.handle.shares.lot(self.kind).leave(&self.handle.account, ticket)
    }

    fn permit(self) -> Permit {
        Permit::new(Holding::new(self))
    }
}
