use std::fmt;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::{Key, Operation, Rate};

/// Counts of one tenant that several nodes have in common.
///
/// # The arithmetic
///
/// It is that of [`Counts`](crate::Counts), with the store's clock. A bucket is one number, the time when it will be full
/// again. With *debt* = how long that is from now (zero when it has passed), *t* = [`Rate::interval`], *full* = *t* × burst:
///
/// - [`Force`](Operation::Force): debt becomes debt + cost × *t*, but no more than 2 × *full* (and never less than it was).
/// - [`Refund`](Operation::Refund): debt becomes debt − cost × *t*, but no less than zero.
/// - [`Clear`](Operation::Clear): debt becomes zero.
/// - [`Charge`](Operation::Charge) refuses when debt + min(cost × *t*, *full*) − *full* > patience. Else debt becomes
///   debt + cost × *t*.
/// - [`Look`](Operation::Look) refuses as a charge without patience does, and changes nothing.
///
/// Of one list `Force`, `Refund` and `Clear` are done first, in order and in any case. Then the others are decided in
/// order, each as if those before it were charged already, and charged if none refuses. So a key may stand in a list twice.
pub trait SharedCounts: fmt::Debug + Send + Sync + 'static {
    /// Asks all of them at once: charged are all or none. For each, in order, how its bucket stands once the request is
    /// charged or refused. `Err` is that the store gave no answer within its deadline, and then nothing is known about what
    /// was charged.
    fn take(&self, asks: Vec<SharedAsk>) -> Pin<Box<dyn Future<Output = Result<Vec<SharedStanding>, Away>> + Send>>;

    /// Tells the store, without waiting for an answer: what was counted after a response. Dropped when the store is away or
    /// its queue is full.
    fn put(&self, asks: Vec<SharedAsk>);

    /// Whether the store is there, as far as is known: while it is not, nobody is made to wait for it.
    fn is_there(&self) -> bool;

    /// How many nodes share the counts: while the store is away each admits what is left divided by this.
    fn nodes(&self) -> NonZeroU32;
}

/// One limit of a request, for the shared store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedAsk {
    /// The name of the limit: part of the key in the store.
    pub limit: Arc<str>,
    /// Its rate: part of the key in the store too, so that a changed rate begins anew on all nodes.
    pub rate: Rate,
    /// What is counted.
    pub key: Key,
    /// How much.
    pub cost: u32,
    /// What is to be done.
    pub operation: Operation,
}

/// How one bucket of the shared store stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedStanding {
    /// Whether this limit refused.
    pub is_refused: bool,
    /// The time until the bucket is full again: the *debt* above.
    pub full_in: Duration,
}

/// The shared store gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the shared store is away")]
pub struct Away;
