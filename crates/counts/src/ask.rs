use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::{Key, Rate, Standings};

/// A rate, and for how many keys there is room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its name. Unique within [`Counts`](crate::Counts): by it a table is found again under new limits.
    pub name: Arc<str>,
    /// How often.
    pub rate: Rate,
    /// How many keys have a place of their own.
    pub room: Room,
}

/// How many keys have a place of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// So many; a key that finds none shares a bucket with all that find none.
    For(u32),
    /// All keys share one bucket.
    One,
}

/// One limit that a request is measured against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The index of the limit.
    pub limit: usize,
    /// What is counted.
    pub key: Key,
    /// How much: 1 for a request, 5 for a search, 1400 for so many bytes. More than the burst is as much as the burst when
    /// it is decided whether there is enough, and all of it is charged.
    pub cost: u32,
    /// What is to be done.
    pub operation: Operation,
}

/// What is done with a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Charges when all limits of the request agree; refuses when there is not enough.
    Charge {
        /// For how long the request would rather wait than be refused. Zero for not at all.
        patience: Duration,
    },
    /// Refuses when there is not enough, and charges nothing.
    Look,
    /// Charges in any case, below nothing too: what has been counted after the fact. Never refuses. At most a whole burst is
    /// owed, so that nobody waits for longer than it takes to fill the bucket twice.
    Force,
    /// Gives back. Never more than a full bucket.
    Refund,
    /// Fills the bucket: a success resets. Cost and room do not matter.
    Clear,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Whether all limits agreed, and were charged.
    pub passes: bool,
    /// For each ask, in order, how the bucket stands now.
    pub standings: Standings,
}

/// How one bucket stands, after it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether this limit refused.
    pub is_refused: bool,
    /// Whether the key shares its bucket because there was no room.
    pub is_crowded: bool,
    /// How much is left.
    pub remaining: u64,
    /// When refused: how long until there is enough. When passed with patience: how long to wait before going on. Else how
    /// long until there is one more.
    pub wait: Duration,
    /// How long until the bucket is full: `full_in` ÷ the rate's interval is how much was used.
    pub full_in: Duration,
}

/// What became of a request, or will.
#[expect(
    clippy::large_enum_variant,
    reason = "the answer that is there at once is the usual one, and takes no memory"
)]
pub enum Taking {
    /// It is known.
    Now(Taken),
    /// The shared store is asked.
    Later(Pin<Box<dyn Future<Output = Taken> + Send>>),
}

impl Taking {
    /// The answer, once it is there.
    pub async fn taken(self) -> Taken {
        match self {
            Self::Now(taken) => taken,
            Self::Later(taken) => taken.await,
        }
    }
}

impl fmt::Debug for Taking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(taken) => f.debug_tuple("Now").field(taken).finish(),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}
