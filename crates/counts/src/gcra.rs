//! The arithmetic of one bucket: governor's generic cell rate algorithm on a time that is passed in.
//!
//! The whole state is one number, the *theoretical arrival time* (ITU-T I.371 appendix I calls it TAT): when the bucket
//! will be full again, in nanoseconds since the counts began. A time that has passed, zero included, is a full bucket:
//! such a state is the same as none, and may be forgotten without anybody's count being reset.
//!
//! For charges without patience it is what governor's `check` and `check_n` compute, and a test holds it to that. Governor
//! itself is not asked, because it knows no patience, no debt and no refund.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::Rate;

/// The bucket of a rate: how long one request takes to come back, and how long all of the burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bucket {
    interval: u64,
    full: u64,
}

impl Bucket {
    pub(crate) fn of(rate: Rate) -> Self {
        let interval = nanoseconds(rate.interval());
        Self {
            interval,
            full: interval * u64::from(rate.burst()),
        }
    }

    /// How much time so much is worth, when each counts so many times.
    pub(crate) fn weight(self, cost: u32, times: NonZeroU32) -> u64 {
        let once = self.interval.saturating_mul(u64::from(cost));
        once.saturating_mul(u64::from(times.get())).min(HEAVIEST)
    }

    /// How many requests so much time is worth, rounded up.
    pub(crate) fn worth(self, time: u64, times: NonZeroU32) -> u32 {
        let one = self.interval.saturating_mul(u64::from(times.get()));
        u32::try_from(time.div_ceil(one)).unwrap_or(u32::MAX)
    }

    /// How long until there is enough. More than the burst is as much as the burst.
    pub(crate) fn short(self, weight: u64, tat: u64, now: u64) -> u64 {
        (tat.saturating_sub(now) + weight.min(self.full)).saturating_sub(self.full)
    }

    pub(crate) fn charged(weight: u64, tat: u64, now: u64) -> u64 {
        tat.max(now) + weight
    }

    /// Charged in any case. No more than a whole burst is owed, but what is owed already stays.
    pub(crate) fn forced(self, weight: u64, tat: u64, now: u64) -> u64 {
        Self::charged(weight, tat, now).min(now + 2 * self.full).max(tat)
    }

    pub(crate) fn refunded(weight: u64, tat: u64) -> u64 {
        tat.saturating_sub(weight)
    }

    pub(crate) fn level(self, tat: u64, now: u64) -> Level {
        let debt = tat.saturating_sub(now);
        let available = self.full.saturating_sub(debt);
        let owed = debt.saturating_sub(self.full);
        Level {
            remaining: available / self.interval,
            next: Duration::from_nanos(owed + self.interval - available % self.interval),
            full_in: Duration::from_nanos(debt),
        }
    }
}

/// How full a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level {
    /// What would be admitted now.
    pub(crate) remaining: u64,
    /// The time within which no more than that would be: until there is one more.
    pub(crate) next: Duration,
    /// The time until it is full.
    pub(crate) full_in: Duration,
}

/// A duration in nanoseconds. Whatever is longer than 584 years is 584 years.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The most that one request is charged, ten years: so that no sum overflows.
const HEAVIEST: u64 = 10 * 366 * 86_400 * 1_000_000_000;

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;
    use governor::middleware::StateInformationMiddleware;
    use governor::{Quota, RateLimiter};
    use proptest::prelude::*;

    use super::*;

    const ONCE: NonZeroU32 = NonZeroU32::MIN;

    fn bucket(text: &str) -> Bucket {
        Bucket::of(text.parse().unwrap())
    }

    fn seconds(seconds: u64) -> u64 {
        seconds * 1_000_000_000
    }

    /// Charges without patience, when there is enough.
    fn take(bucket: Bucket, cost: u32, tat: u64, now: u64) -> Option<u64> {
        let weight = bucket.weight(cost, ONCE);
        (bucket.short(weight, tat, now) == 0).then(|| Bucket::charged(weight, tat, now))
    }

    #[test]
    fn the_burst_is_admitted_and_the_next_request_waits_for_one_interval() {
        let bucket = bucket("5/15m burst 3");
        let mut tat = 0;
        for remaining in [2, 1, 0] {
            tat = take(bucket, 1, tat, 0).unwrap();
            let level = bucket.level(tat, 0);
            assert_eq!((level.remaining, level.next.as_secs()), (remaining, 180));
        }
        assert_eq!(take(bucket, 1, tat, 0), None);
        assert_eq!(bucket.short(bucket.weight(1, ONCE), tat, 0), seconds(180));
        assert_eq!(take(bucket, 1, tat, seconds(180) - 1), None);
        assert!(take(bucket, 1, tat, seconds(180)).is_some());
    }

    #[test]
    fn a_bucket_that_is_full_again_is_the_same_as_none() {
        let (bucket, now) = (bucket("300/m burst 40"), seconds(1_000));
        assert_eq!(take(bucket, 1, now, now), take(bucket, 1, 0, now));
        assert_eq!(take(bucket, 1, 17, now), take(bucket, 1, 0, now));
    }

    #[test]
    fn no_more_than_a_whole_burst_is_owed_by_force_and_what_is_owed_stays() {
        let (bucket, now) = (bucket("1/s burst 3"), seconds(100));
        let forced = bucket.forced(bucket.weight(1_000, ONCE), 0, now);
        assert_eq!(forced, now + seconds(6));
        assert_eq!(bucket.level(forced, now).next, Duration::from_secs(4));
        let owing = now + seconds(60);
        assert_eq!(bucket.forced(bucket.weight(1, ONCE), owing, now), owing);
    }

    #[test]
    fn more_than_the_burst_needs_a_full_bucket_and_is_charged_whole() {
        let (bucket, now) = (bucket("1/s burst 3"), seconds(100));
        assert_eq!(take(bucket, 10, now + 1, now), None);
        assert_eq!(take(bucket, 10, now, now), Some(now + seconds(10)));
    }

    #[test]
    fn no_number_overflows() {
        let (slow, fast) = (bucket("1/366d"), bucket("1000000/s"));
        for bucket in [slow, fast] {
            let heavy = bucket.weight(u32::MAX, NonZeroU32::MAX);
            let tat = bucket.forced(heavy, Bucket::charged(heavy, 0, seconds(1)), seconds(1));
            assert!(bucket.short(heavy, tat, 0) > 0);
            assert_eq!(bucket.level(tat, 0).remaining, 0);
            assert!(bucket.worth(tat, ONCE) > 0);
        }
    }

    proptest! {
        /// The promise of a rate, in every window of every sequence: what was charged less what was given back is at most
        /// burst + elapsed × count ÷ period.
        #[test]
        fn no_window_admits_more_than_the_burst_and_what_the_time_allows(
            count in 1u32..2_000,
            period in prop::sample::select(vec![1u64, 60, 900, 86_400]),
            burst in 1u32..50,
            steps in prop::collection::vec((0u64..2_000_000_000, 1u32..9, prop::sample::select(vec![true, true, false])), 1..150),
        ) {
            let rate = Rate::new(count.try_into().unwrap(), Duration::from_secs(period), burst.try_into().unwrap());
            let Ok(rate) = rate else { return Ok(()) };
            let bucket = Bucket::of(rate);
            let (mut tat, mut now, mut charges, mut given_back) = (0, 0, Vec::new(), 0);
            for (gap, cost, charges_more) in steps {
                now += gap;
                if charges_more {
                    let cost = cost.min(burst);
                    if let Some(next) = take(bucket, cost, tat, now) {
                        tat = next;
                        charges.push((now, i128::from(cost)));
                    }
                } else if let Some((_, cost)) = charges.iter().filter(|(_, cost)| *cost > 0).nth(given_back).copied() {
                    given_back += 1;
                    tat = Bucket::refunded(bucket.weight(u32::try_from(cost).unwrap(), ONCE), tat);
                    charges.push((now, -cost));
                }
            }
            for (first, (start, _)) in charges.iter().enumerate() {
                let mut sum = 0;
                for (end, cost) in &charges[first..] {
                    sum += cost;
                    let earned = i128::from(end - start) * i128::from(count) / i128::from(period) / 1_000_000_000;
                    prop_assert!(sum <= i128::from(burst) + earned);
                }
            }
        }

        /// Ours is governor's arithmetic: who is admitted, what is left, and how long to wait.
        #[test]
        fn what_we_decide_and_say_is_what_governor_does(
            text in prop::sample::select(vec!["10/s", "5/15m burst 3", "300/m burst 40", "7/h burst 9", "1/d"]),
            steps in prop::collection::vec((0u64..600_000_000_000, 1u32..12), 1..80),
        ) {
            let rate: Rate = text.parse().unwrap();
            let (bucket, clock) = (Bucket::of(rate), FakeRelativeClock::default());
            let governor = RateLimiter::direct_with_clock(Quota::from(rate), clock.clone()).with_middleware::<StateInformationMiddleware>();
            let (mut tat, mut now) = (0, 0);
            for (gap, cost) in steps {
                now += gap;
                clock.advance(Duration::from_nanos(gap));
                let taken = take(bucket, cost, tat, now);
                let verdict = if cost == 1 {
                    governor.check()
                } else if let Ok(verdict) = governor.check_n(cost.try_into().unwrap()) {
                    verdict
                } else {
                    prop_assert!(cost > rate.burst());
                    continue;
                };
                match verdict {
                    Ok(snapshot) => {
                        prop_assert!(taken.is_some());
                        tat = taken.unwrap_or(tat);
                        prop_assert_eq!(u64::from(snapshot.remaining_burst_capacity()), bucket.level(tat, now).remaining);
                    }
                    Err(not_until) => {
                        prop_assert_eq!(taken, None);
                        let short = Duration::from_nanos(bucket.short(bucket.weight(cost, ONCE), tat, now));
                        prop_assert_eq!(not_until.wait_time_from(governor::clock::Clock::now(&clock)), short);
                    }
                }
            }
        }

        /// Who waits as told goes on when there is enough: a window that begins with a full bucket and counts each request
        /// when it goes on admits no more than without patience, and nobody waits longer than they have patience.
        #[test]
        fn who_waits_goes_on_when_there_is_enough(
            patience in 0u64..5_000_000_000,
            steps in prop::collection::vec((0u64..700_000_000, 1u32..4), 1..100),
        ) {
            let bucket = bucket("3/s burst 4");
            let (mut tat, mut now, mut strict) = (0, 0, 0);
            for (gap, cost) in steps {
                now += gap;
                let weight = bucket.weight(cost, ONCE);
                let short = bucket.short(weight, tat, now);
                if short > patience {
                    continue;
                }
                tat = Bucket::charged(weight, tat, now);
                strict = take(bucket, cost, strict, now + short).unwrap();
                prop_assert!(tat - now <= bucket.full + patience);
            }
        }
    }
}
