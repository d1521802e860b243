use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How a request's body is coming along, for whoever waits for its answer: an application cannot begin before the client
/// has ended, and a client that sends slowly is not an application that answers late.
#[derive(Debug)]
pub(crate) struct Upload {
    begun: Instant,
    /// Milliseconds from the beginning to the last piece.
    last: AtomicU64,
    whole: AtomicBool,
}

impl Upload {
    pub(crate) fn begin() -> Self {
        Self {
            begun: Instant::now(),
            last: AtomicU64::new(0),
            whole: AtomicBool::new(false),
        }
    }

    /// Another piece came, or the end.
    pub(crate) fn progress(&self, whole: bool) {
        let since = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(since, Ordering::Relaxed);
        self.whole.store(whole, Ordering::Relaxed);
    }

    /// Whether the end has come.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole.load(Ordering::Relaxed)
    }

    /// How long nothing has come.
    pub(crate) fn quiet_for(&self) -> Duration {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        self.begun.elapsed().saturating_sub(last)
    }
}
