use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What has happened since the store was opened, for whoever measures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Whether it is there, as far as is known.
    pub is_there: bool,
    /// Calls of the script that were answered.
    pub round_trips: u64,
    /// Requests that were in them, and what was counted after a response. Divided by `round_trips`, how many share a call.
    pub requests: u64,
    /// Limits that they asked for.
    pub asks: u64,
    /// The most requests that one call has held.
    pub largest_batch: u64,
    /// How often it went away.
    pub failures: u64,
    /// Requests that were told that it is away.
    pub unanswered: u64,
    /// What was counted after a response and not told, because the store was away or its queue was full.
    pub dropped: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) is_there: AtomicBool,
    pub(crate) round_trips: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) asks: AtomicU64,
    pub(crate) largest_batch: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) unanswered: AtomicU64,
    pub(crate) dropped: AtomicU64,
}

impl Counters {
    pub(crate) fn is_there(&self) -> bool {
        self.is_there.load(Ordering::Acquire)
    }

    pub(crate) fn note_call(&self, requests: usize, asks: usize) {
        let requests = requests as u64;
        add(&self.round_trips, 1);
        add(&self.requests, requests);
        add(&self.asks, asks as u64);
        self.largest_batch.fetch_max(requests, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> StoreStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StoreStats {
            is_there: self.is_there(),
            round_trips: read(&self.round_trips),
            requests: read(&self.requests),
            asks: read(&self.asks),
            largest_batch: read(&self.largest_batch),
            failures: read(&self.failures),
            unanswered: read(&self.unanswered),
            dropped: read(&self.dropped),
        }
    }
}

pub(crate) fn add(counter: &AtomicU64, number: u64) {
    counter.fetch_add(number, Ordering::Relaxed);
}
