//! The arithmetic of one quota for one key: governor's generic cell rate algorithm on a time that is passed in.
//!
//! The whole state is one number, the *theoretical arrival time* (ITU-T I.371 appendix I calls it TAT): when the bucket
//! will be full again, in nanoseconds since the limiter began. A time that has passed, zero included, is a full bucket:
//! such a state is the same as none, and may be forgotten without anybody's count being reset.

use std::cell::Cell;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, RateLimiter, StateStore};
use governor::{NotUntil, Quota};

/// What a quota says about one request of one key, before anything is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Measure {
    /// The theoretical arrival time once this request is charged; `None` when the quota is used up.
    pub(crate) charged: Option<u64>,
    /// The theoretical arrival time if it is not.
    pub(crate) uncharged: u64,
    now: u64,
}

impl Measure {
    /// Asks governor about a request at `now` (nanoseconds since the limiter began) for a key in the state `tat`.
    pub(crate) fn take(quota: Quota, tat: u64, now: u64) -> Self {
        let limiter: Limiter = RateLimiter::new(quota, Slot(Cell::new(tat)), Reading(Cell::new(0)));
        limiter.clock().0.set(now);
        let verdict: Result<(), NotUntil<Nanos>> = limiter.check();
        let charged = verdict.is_ok().then(|| limiter.into_state_store().0.get());
        Self {
            charged,
            uncharged: tat,
            now,
        }
    }

    /// What is left for this key, given whether the request was charged in the end.
    pub(crate) fn level(&self, quota: Quota, was_charged: bool) -> Level {
        let tat = self.charged.filter(|_| was_charged).unwrap_or(self.uncharged);
        let interval = nanoseconds(quota.replenish_interval());
        let full = interval.saturating_mul(u64::from(quota.burst_size().get()));
        let available = full.saturating_sub(tat.saturating_sub(self.now));
        let remaining = available / interval;
        let wait = (remaining + 1) * interval - available;
        Level {
            remaining,
            wait: Duration::from_nanos(wait),
        }
    }
}

/// How much of a quota is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level {
    /// Requests that would be admitted now.
    pub(crate) remaining: u64,
    /// The time within which no more than these would be: until there is one more.
    pub(crate) wait: Duration,
}

/// A duration as governor counts it. Whatever is longer than 584 years is 584 years.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

type Limiter = RateLimiter<NotKeyed, Slot, Reading, NoOpMiddleware<Nanos>>;

/// The state of one key as governor's store, on the stack: whether it is written to the table is decided when all quotas
/// of the request have spoken.
struct Slot(Cell<u64>);

impl StateStore for Slot {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let tat = self.0.get();
        let (outcome, next) = decide((tat != 0).then(|| Nanos::from(tat)))?;
        self.0.set(next.as_u64());
        Ok(outcome)
    }
}

/// One reading of the clock, shared by all quotas of a request.
struct Reading(Cell<u64>);

impl Clock for Reading {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.0.get())
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;
    use governor::middleware::StateInformationMiddleware;
    use proptest::prelude::*;

    use super::*;
    use crate::Rate;

    fn quota(text: &str) -> Quota {
        text.parse::<Rate>().unwrap().into()
    }

    #[test]
    fn the_burst_is_admitted_and_the_next_request_waits_for_one_interval() {
        let quota = quota("5/15m burst 3");
        let mut tat = 0;
        for remaining in [2, 1, 0] {
            let measure = Measure::take(quota, tat, 0);
            assert_eq!(
                measure.level(quota, true),
                Level {
                    remaining,
                    wait: Duration::from_secs(180)
                }
            );
            tat = measure.charged.unwrap();
        }
        let refused = Measure::take(quota, tat, 0);
        assert_eq!(refused.charged, None);
        assert_eq!(
            refused.level(quota, false),
            Level {
                remaining: 0,
                wait: Duration::from_secs(180)
            }
        );
        let later = nanoseconds(Duration::from_secs(180));
        assert_eq!(Measure::take(quota, tat, later - 1).charged, None);
        assert!(Measure::take(quota, tat, later).charged.is_some());
    }

    #[test]
    fn a_bucket_that_is_full_again_is_the_same_as_none() {
        let quota = quota("300/m burst 40");
        let now = nanoseconds(Duration::from_secs(1_000));
        assert_eq!(
            Measure::take(quota, now, now).charged,
            Measure::take(quota, 0, now).charged
        );
        assert_eq!(
            Measure::take(quota, 17, now).charged,
            Measure::take(quota, 0, now).charged
        );
    }

    proptest! {
        /// The promise of a rate, in every window of every sequence: at most burst + elapsed × count ÷ period.
        #[test]
        fn no_window_admits_more_than_the_burst_and_what_the_time_allows(
            count in 1u32..2_000,
            period in prop::sample::select(vec![1u64, 60, 900, 86_400]),
            burst in 1u32..50,
            gaps in prop::collection::vec(0u64..2_000_000_000, 1..200),
        ) {
            let rate = Rate::new(count.try_into().unwrap(), Duration::from_secs(period), burst.try_into().unwrap());
            let Ok(rate) = rate else { return Ok(()) };
            let (mut tat, mut now, mut admitted) = (0, 0, Vec::new());
            for gap in gaps {
                now += gap;
                if let Some(next) = Measure::take(rate.into(), tat, now).charged {
                    tat = next;
                    admitted.push(now);
                }
            }
            for (first, start) in admitted.iter().enumerate() {
                for (last, end) in admitted.iter().enumerate().skip(first) {
                    let earned = u128::from(end - start) * u128::from(count) / Duration::from_secs(period).as_nanos();
                    prop_assert!((last - first + 1) as u128 <= u128::from(burst) + earned);
                }
            }
        }

        /// Our reading of what is left is governor's own, and the wait we tell is the wait that governor means.
        #[test]
        fn what_we_say_is_left_is_what_governor_says(
            text in prop::sample::select(vec!["10/s", "5/15m burst 3", "300/m burst 40", "7/h burst 9"]),
            gaps in prop::collection::vec(0u64..600_000_000_000, 1..60),
        ) {
            let quota = quota(text);
            let clock = FakeRelativeClock::default();
            let governor = RateLimiter::direct_with_clock(quota, clock.clone()).with_middleware::<StateInformationMiddleware>();
            let (mut tat, mut now) = (0, 0);
            for gap in gaps {
                now += gap;
                clock.advance(Duration::from_nanos(gap));
                let measure = Measure::take(quota, tat, now);
                let level = measure.level(quota, true);
                match governor.check() {
                    Ok(snapshot) => {
                        prop_assert_eq!(u64::from(snapshot.remaining_burst_capacity()), level.remaining);
                        tat = measure.charged.unwrap();
                    }
                    Err(not_until) => {
                        prop_assert_eq!(measure.charged, None);
                        prop_assert_eq!(not_until.wait_time_from(clock.now()), level.wait);
                    }
                }
            }
        }
    }
}
