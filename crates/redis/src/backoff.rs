use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

/// How long to wait before the store is tried again: twice as long each time, and never as long as another node.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// The time until the next try: between half of 100 ms, 200 ms … 5 s and all of it.
    pub(crate) fn next(&mut self) -> Duration {
        let most = (FIRST * 2u32.saturating_pow(self.tries)).min(LAST);
        self.tries = (self.tries + 1).min(16);
        let jitter = u32::try_from(random() % 1_024).unwrap_or_default();
        most / 2 + most / 2 * jitter / 1_024
    }

    /// Begins anew when it went well for long enough since then: a store that comes and goes is not tried ever faster.
    pub(crate) fn went_well_since(&mut self, since: Instant) {
        if since.elapsed() >= WELL {
            self.tries = 0;
        }
    }
}

/// 64 bits that another node does not have.
pub(crate) fn random() -> u64 {
    // The standard library's keys come from the system's random source, once a thread, and are counted up from there.
    RandomState::new().build_hasher().finish()
}

const FIRST: Duration = Duration::from_millis(100);
const LAST: Duration = Duration::from_secs(5);
const WELL: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_is_tried_less_and_less_often_and_at_least_every_five_seconds() {
        let mut backoff = Backoff::default();
        for most in [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000] {
            let wait = backoff.next().as_millis();
            assert!((most / 2..=most).contains(&wait), "{wait} of {most}");
        }
        backoff.went_well_since(Instant::now());
        assert!(backoff.next() > LAST / 3, "it has not been well for long");
    }

    #[test]
    fn two_nodes_do_not_come_back_at_the_same_moment() {
        let waits: std::collections::HashSet<_> = (0..32).map(|_| Backoff { tries: 9 }.next()).collect();
        assert!(waits.len() > 16, "{waits:?}");
    }
}
