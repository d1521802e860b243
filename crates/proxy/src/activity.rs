use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What one connection is doing: how many requests have begun on it, and how many are over, their answers' bodies included.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    begun: AtomicU64,
    over: AtomicU64,
    outdated: AtomicBool,
}

impl Activity {
    /// How many requests have begun.
    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Notes that nothing more can be asked on this connection: its tenant is gone.
    pub(crate) fn outdate(&self) {
        self.outdated.store(true, Ordering::Relaxed);
    }

    /// Whether nothing more can be asked.
    pub(crate) fn is_outdated(&self) -> bool {
        self.outdated.load(Ordering::Relaxed)
    }

    /// Whether every request is over.
    pub(crate) fn is_idle(&self) -> bool {
        self.begun() == self.over.load(Ordering::Relaxed)
    }
}

/// A request that has begun. Dropped when it is over: with the last of its answer's body, or when its client is gone.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Activity>);

impl InFlight {
    pub(crate) fn begin(activity: &Arc<Activity>) -> Self {
        activity.begun.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(activity))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.over.fetch_add(1, Ordering::Relaxed);
    }
}
