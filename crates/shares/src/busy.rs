//! How long a tenant has kept its application busy.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The upstream time of one tenant: how long its requests were on their way to its application and back.
///
/// Busy seconds per second are requests at once, on the average (Little's law), and so can be added to requests in flight.
#[derive(Default)]
pub(crate) struct Busy {
    /// Microseconds, of all requests that have ended.
    total: AtomicU64,
    /// The same, but of each request the last [`WINDOW`] at most: what it was before that is no matter of *recently*.
    recent: AtomicU64,
    average: Mutex<Option<Average>>,
}

impl Busy {
    /// Adds the time of a request that has ended.
    pub(crate) fn add(&self, time: Duration) {
        self.total.fetch_add(micros(time), Relaxed);
        self.recent.fetch_add(micros(time.min(WINDOW)), Relaxed);
    }

    /// All of it.
    pub(crate) fn total(&self) -> Duration {
        Duration::from_micros(self.total.load(Relaxed))
    }

    /// Busy seconds per second, over about the last [`WINDOW`]. Only those who wait are asked for it.
    pub(crate) fn average(&self, now: Instant) -> f64 {
        let recent = self.recent.load(Relaxed);
        let mut average = self.average.lock().unwrap_or_else(PoisonError::into_inner);
        let average = average.get_or_insert(Average {
            seen: 0,
            at: now,
            value: 0.0,
        });
        let passed = now.saturating_duration_since(average.at);
        let decay = (-passed.as_secs_f64() / WINDOW.as_secs_f64()).exp();
        let added = recent.wrapping_sub(average.seen) as f64 / micros(WINDOW) as f64;
        *average = Average {
            seen: recent,
            at: average.at.max(now),
            value: average.value.mul_add(decay, added),
        };
        average.value
    }
}

struct Average {
    seen: u64,
    at: Instant,
    value: f64,
}

/// What *recently* is.
const WINDOW: Duration = Duration::from_secs(10);

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_requests_at_once_are_ten_busy_seconds_per_second() {
        let (busy, start) = (Busy::default(), Instant::now());
        busy.average(start);
        let mut average = 0.0;
        for tenth in 1..=1_000 {
            busy.add(Duration::from_secs(1));
            average = busy.average(start + Duration::from_millis(tenth * 100));
        }
        assert!((9.5..=10.6).contains(&average), "{average}");
        assert_eq!(busy.total(), Duration::from_secs(1_000));
        let later = busy.average(start + Duration::from_secs(160));
        assert!(later < 0.1, "{later}");
    }

    #[test]
    fn a_request_of_an_hour_counts_as_one_request() {
        let (busy, start) = (Busy::default(), Instant::now());
        busy.average(start);
        busy.add(Duration::from_secs(3_600));
        assert!(busy.average(start) <= 1.0);
        assert_eq!(busy.total(), Duration::from_secs(3_600));
    }
}
