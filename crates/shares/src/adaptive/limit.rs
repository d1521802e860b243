use std::time::{Duration, Instant};

use rempart_guard::Enforcement;

/// How the limit of an application is found out. Made of [`AdaptiveSettings`](crate::AdaptiveSettings), which has the
/// reader's part of it.
#[derive(Clone, Debug, PartialEq)]
pub struct AdaptivePolicy {
    /// Whether what is beyond the limit waits, is only told, or nothing is found out.
    pub enforcement: Enforcement,
    /// The limit is never smaller; at least one.
    pub min: u32,
    /// The limit is never larger.
    pub max: u32,
    /// How many times as long as with little to do an answer may take: at least one.
    pub tolerance: f64,
    /// How many requests may wait inside the application for the next free place there, so that there is one when it is
    /// free; the square root of the limit where that is more.
    pub allowance: u32,
    /// How much of the way to a smaller limit is gone at once, above zero and at most one.
    pub smoothing: f64,
}

impl Default for AdaptivePolicy {
    fn default() -> Self {
        Self {
            enforcement: Enforcement::Off,
            min: 8,
            max: 512,
            tolerance: 1.5,
            allowance: 4,
            smoothing: 0.5,
        }
    }
}

/// Finds out how many requests at once an application answers well: the limit grows while answers take about as long as
/// with little to do, and shrinks when they take longer, because then they wait inside it.
///
/// It is the gradient algorithm of Netflix's *concurrency-limits* (`Gradient2Limit`; Landau, Thurston and Bozarth,
/// *Performance Under Load*, 2018): with the time `t` of an answer now and the time `t₀` with little to do, the next limit is
/// `limit × min(1, max(½, tolerance × t₀ / t)) + allowance`. Three things are different, each for a reason:
///
/// - **`t` is the median of a window** of a tenth of a second and ten answers at least. A download or a long poll among
///   quick answers says nothing about load.
/// - **`t₀` is the least that was seen, and measured anew twice a minute**: the limit is quartered until the queue inside the
///   application is empty and a window of requests that were sent since says what an answer takes now, for some tenths of a
///   second. (Envoy's adaptive concurrency filter does the like.) An average over the long term would follow an overload
///   that lasts, and the limit with it. And an application that has become slower in itself gets its limit back.
/// - **Failures shrink it too**: a window with a request that timed out costs a tenth.
///
/// Under a load that lasts, the limit comes to rest near `tolerance` times what the application can do at once, plus the
/// allowance. While fewer than half of it are in flight, nothing is learned: times then say nothing about the limit.
///
/// ```
/// use std::time::{Duration, Instant};
/// use rempart_shares::{AdaptiveLimit, AdaptivePolicy, Sample};
///
/// let mut limit = AdaptiveLimit::new(AdaptivePolicy { min: 4, max: 100, ..AdaptivePolicy::default() });
/// let mut now = Instant::now();
/// for _ in 0..1_000 {
///     now += Duration::from_millis(10);
///     // It answers in 20 ms however many are in flight.
///     limit.sample(now, limit.limit(), Sample::Answered(Duration::from_millis(20)));
/// }
/// assert_eq!(limit.limit(), 100);
/// ```
#[derive(Clone, Debug)]
pub struct AdaptiveLimit {
    policy: AdaptivePolicy,
    limit: f64,
    /// What an answer takes with little to do, in seconds.
    base: Option<f64>,
    window: Window,
    /// When it is to be measured what an answer takes with little to do.
    due: Option<Instant>,
    phase: Phase,
}

/// What came of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    /// The head of the answer came this long after the last byte of the request was sent.
    Answered(Duration),
    /// The application gave no answer in time, or took no connection.
    Overloaded,
}

impl AdaptiveLimit {
    /// Begins with a small limit: twenty, or the nearest that the policy allows.
    #[must_use]
    pub fn new(policy: AdaptivePolicy) -> Self {
        let mut limit = Self {
            policy,
            limit: FIRST,
            base: None,
            window: Window::default(),
            due: None,
            phase: Phase::Learning,
        };
        limit.set(FIRST);
        limit
    }

    /// How many requests may be in flight.
    #[must_use]
    pub const fn limit(&self) -> u32 {
        self.limit as u32
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &AdaptivePolicy {
        &self.policy
    }

    /// Goes on under another policy with what is known.
    pub fn follow(&mut self, policy: AdaptivePolicy) {
        self.policy = policy;
        self.set(self.limit);
    }

    /// Learns from one request that was given an answer, or none, when so many were in flight, itself among them.
    pub fn sample(&mut self, now: Instant, in_flight: u32, sample: Sample) {
        self.due.get_or_insert(now + FIRST_MEASURE);
        if let (Phase::Measuring { since, .. }, Sample::Answered(time)) = (self.phase, sample)
            && now.checked_sub(time).is_some_and(|sent| sent < since)
        {
            // It stood in the queue that has emptied meanwhile.
            return;
        }
        self.window.add(now, in_flight, sample);
        if let Some(seen) = self.window.end(now) {
            self.learn(now, seen);
        }
    }

    fn learn(&mut self, now: Instant, seen: Seen) {
        match self.phase {
            Phase::Learning => self.follow_gradient(now, seen),
            Phase::Emptying { before, until } if seen.in_flight <= self.limit() => {
                let since = now;
                self.phase = Phase::Measuring { before, until, since };
            }
            Phase::Measuring { before, .. } if seen.median.is_some() => {
                self.base = seen.median.map(|median| median.max(SHORTEST));
                self.go_on(now, before);
            }
            // What is in flight does not end, or fails. It is tried again the next time.
            Phase::Emptying { before, until } | Phase::Measuring { before, until, .. } => {
                if seen.overloaded {
                    self.go_on(now, before * LOSS);
                } else if now >= until {
                    self.go_on(now, before);
                }
            }
        }
    }

    fn follow_gradient(&mut self, now: Instant, seen: Seen) {
        if seen.overloaded {
            self.set(self.limit * LOSS);
        }
        let Some(median) = seen.median.map(|median| median.max(SHORTEST)) else {
            return;
        };
        let base = self.base.map_or(median, |base| base.min(median));
        self.base = Some(base);
        let is_due = self.due.is_some_and(|due| now >= due);
        let little = f64::from(seen.in_flight) * 2.0 < self.limit;
        match (little, is_due) {
            // With little to do, what an answer takes is what it takes with little to do.
            (true, true) => (self.base, self.due) = (Some(median), Some(now + MEASURE)),
            (false, true) => {
                let (before, until) = (self.limit, now + LONGEST_MEASURE);
                self.phase = Phase::Emptying { before, until };
                self.set(self.limit / 4.0);
            }
            (false, false) if !seen.overloaded => self.step(base, median),
            (true | false, false) => {}
        }
    }

    /// Goes on with the limit that was there before it was measured.
    fn go_on(&mut self, now: Instant, limit: f64) {
        (self.due, self.phase) = (Some(now + MEASURE), Phase::Learning);
        self.set(limit);
    }

    fn step(&mut self, base: f64, median: f64) {
        let gradient = (self.policy.tolerance * base / median).clamp(0.5, 1.0);
        let allowance = f64::from(self.policy.allowance).max(self.limit.sqrt());
        let next = self.limit.mul_add(gradient, allowance);
        let smoothing = if next < self.limit { self.policy.smoothing } else { 1.0 };
        self.set((next - self.limit).mul_add(smoothing, self.limit));
    }

    fn set(&mut self, limit: f64) {
        let least = f64::from(self.policy.min.max(1));
        self.limit = limit.clamp(least, f64::from(self.policy.max).max(least));
    }
}

/// What the limit is being used for. While it is measured what an answer takes, it is small, and what it was is kept.
#[derive(Clone, Copy, Debug)]
enum Phase {
    Learning,
    Emptying {
        before: f64,
        until: Instant,
    },
    Measuring {
        before: f64,
        until: Instant,
        since: Instant,
    },
}

/// The answers of some time.
#[derive(Clone, Debug, Default)]
struct Window {
    begun: Option<Instant>,
    /// Seconds. Of very many the last ones.
    times: Vec<f64>,
    answers: usize,
    in_flight: u32,
    overloaded: bool,
}

/// What a window came to.
#[derive(Clone, Copy)]
struct Seen {
    median: Option<f64>,
    in_flight: u32,
    overloaded: bool,
}

impl Window {
    fn add(&mut self, now: Instant, in_flight: u32, sample: Sample) {
        self.begun.get_or_insert(now);
        self.in_flight = self.in_flight.max(in_flight);
        let Sample::Answered(time) = sample else {
            self.overloaded = true;
            return;
        };
        let time = time.as_secs_f64();
        if self.times.len() < MOST_TIMES {
            self.times.push(time);
        } else {
            self.times[self.answers % MOST_TIMES] = time;
        }
        self.answers += 1;
    }

    /// What was seen, when that is enough; then another begins.
    fn end(&mut self, now: Instant) -> Option<Seen> {
        let begun = self.begun?;
        if now.saturating_duration_since(begun) < WINDOW || (self.answers < LEAST_ANSWERS && !self.overloaded) {
            return None;
        }
        let median = (self.answers >= LEAST_ANSWERS).then(|| {
            let middle = self.times.len() / 2;
            *self.times.select_nth_unstable_by(middle, f64::total_cmp).1
        });
        let seen = Seen {
            median,
            in_flight: self.in_flight,
            overloaded: self.overloaded,
        };
        self.times.clear();
        (self.begun, self.answers, self.in_flight, self.overloaded) = (None, 0, 0, false);
        Some(seen)
    }
}

const FIRST: f64 = 20.0;

/// How long answers are collected for at least, and how many.
const WINDOW: Duration = Duration::from_millis(100);
const LEAST_ANSWERS: usize = 10;

/// Of more the last ones are kept.
const MOST_TIMES: usize = 128;

/// How often it is measured what an answer takes with little to do.
const MEASURE: Duration = Duration::from_secs(30);
const FIRST_MEASURE: Duration = Duration::from_secs(2);

/// How long that may take.
const LONGEST_MEASURE: Duration = Duration::from_secs(3);

/// What a failure leaves of the limit.
const LOSS: f64 = 0.9;

/// An answer that takes less, in seconds, is as good as one that takes this: between some microseconds and some more there
/// is no load to be seen.
const SHORTEST: f64 = 0.000_5;
