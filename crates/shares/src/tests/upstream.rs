//! The limit of an application: found out from a simulated one that is known, and at work.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// An application with so many places, each of which takes so many microseconds for an answer, give or take a fifth.
struct Application {
    places: usize,
    takes: u64,
    clock: u64,
    /// When each that is being answered began to be sent, by when it ends.
    busy: BinaryHeap<Reverse<(u64, u64)>>,
    queue: VecDeque<u64>,
    random: u64,
}

impl Application {
    fn new(places: usize, takes: u64) -> Self {
        let (busy, queue) = Default::default();
        Self {
            places,
            takes,
            clock: 0,
            busy,
            queue,
            random: 7,
        }
    }

    /// Lets it answer for so many seconds while as many as the limit allows are with it, but never more than `most`.
    fn run(&mut self, limit: &mut AdaptiveLimit, seconds: u64, most: usize) {
        let start = Instant::now();
        let until = self.clock + seconds * 1_000_000;
        while self.clock < until {
            while self.busy.len() + self.queue.len() < (limit.limit() as usize).min(most) {
                self.queue.push_back(self.clock);
                self.begin();
            }
            let Some(Reverse((ends, sent))) = self.busy.pop() else {
                break;
            };
            let in_flight = 1 + self.busy.len() + self.queue.len();
            self.clock = ends;
            self.begin();
            let taken = Sample::Answered(Duration::from_micros(ends - sent));
            limit.sample(start + Duration::from_micros(ends), in_flight as u32, taken);
        }
    }

    fn begin(&mut self) {
        while self.busy.len() < self.places
            && let Some(sent) = self.queue.pop_front()
        {
            self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let about = self.takes * 4 / 5 + (self.random >> 33) % (self.takes * 2 / 5).max(1);
            self.busy.push(Reverse((self.clock + about, sent)));
        }
    }
}

fn adaptive(min: u32, max: u32) -> AdaptivePolicy {
    AdaptivePolicy {
        min,
        max,
        ..AdaptivePolicy::default()
    }
}

/// What it comes to rest at, under a load that lasts.
fn expected(places: usize) -> std::ops::RangeInclusive<u32> {
    let places = places as f64;
    (places * 1.2) as u32..=(places * 1.7 + 2.0 * places.sqrt() + 8.0) as u32
}

#[test]
fn it_finds_what_an_application_can_do_and_stays_there() {
    for places in [10, 100] {
        let (mut limit, mut application) = (AdaptiveLimit::new(adaptive(4, 1_000)), Application::new(places, 20_000));
        application.run(&mut limit, 20, usize::MAX);
        for _ in 0..8 {
            application.run(&mut limit, 10, usize::MAX);
            // Twice a minute it is small for some tenths of a second.
            if !expected(places).contains(&limit.limit()) {
                application.run(&mut limit, 1, usize::MAX);
            }
            assert!(expected(places).contains(&limit.limit()), "{places}: {}", limit.limit());
        }
    }
}

#[test]
fn a_quick_application_is_given_all_it_may_have() {
    let (mut limit, mut application) = (AdaptiveLimit::new(adaptive(4, 300)), Application::new(10_000, 20_000));
    application.run(&mut limit, 10, usize::MAX);
    assert_eq!(limit.limit(), 300);
}

#[test]
fn an_application_that_breaks_down_and_recovers_has_its_limit_back() {
    let (mut limit, mut application) = (AdaptiveLimit::new(adaptive(4, 1_000)), Application::new(100, 20_000));
    application.run(&mut limit, 20, usize::MAX);
    application.places = 5;
    application.run(&mut limit, 20, usize::MAX);
    assert!(limit.limit() <= 25, "{}", limit.limit());
    application.places = 100;
    application.run(&mut limit, 40, usize::MAX);
    assert!(expected(100).contains(&limit.limit()), "{}", limit.limit());
}

#[test]
fn an_application_that_has_become_slower_in_itself_has_its_limit_back() {
    let (mut limit, mut application) = (AdaptiveLimit::new(adaptive(4, 1_000)), Application::new(50, 20_000));
    application.run(&mut limit, 20, usize::MAX);
    application.takes = 100_000;
    application.run(&mut limit, 90, usize::MAX);
    assert!(expected(50).contains(&limit.limit()), "{}", limit.limit());
}

#[test]
fn with_little_to_do_nothing_is_learned() {
    let (mut limit, mut application) = (AdaptiveLimit::new(adaptive(40, 1_000)), Application::new(2, 20_000));
    application.run(&mut limit, 100, 15);
    assert_eq!(limit.limit(), 40, "15 are in flight where 40 may be");
}

#[test]
fn no_answer_at_all_shrinks_it() {
    let (mut limit, start) = (AdaptiveLimit::new(adaptive(4, 1_000)), Instant::now());
    let first = limit.limit();
    for tenth in 0..100 {
        limit.sample(start + Duration::from_millis(tenth * 60), first, Sample::Overloaded);
    }
    assert_eq!(limit.limit(), 4);
}

#[test]
fn a_long_poll_among_quick_answers_changes_nothing() {
    let (mut limit, start) = (AdaptiveLimit::new(adaptive(4, 100)), Instant::now());
    for number in 0..2_000_u64 {
        let taken = if number % 5 == 0 { 30_000 } else { 20 };
        let now = start + Duration::from_millis(number * 10);
        limit.sample(now, limit.limit(), Sample::Answered(Duration::from_millis(taken)));
    }
    assert_eq!(limit.limit(), 100);
}

proptest! {
    #[test]
    fn it_is_never_out_of_its_bounds(
        min in 1_u32..50,
        more in 0_u32..500,
        samples in prop::collection::vec((0_u64..400, 0_u32..1_000, prop::option::of(0_u64..5_000_000)), 1..200),
    ) {
        let mut limit = AdaptiveLimit::new(adaptive(min, min + more));
        let mut now = Instant::now();
        for (passed, in_flight, taken) in samples {
            now += Duration::from_millis(passed);
            let sample = taken.map_or(Sample::Overloaded, |taken| Sample::Answered(Duration::from_micros(taken)));
            limit.sample(now, in_flight, sample);
            prop_assert!((min..=min + more).contains(&limit.limit()));
        }
    }
}

const ENFORCED: &str = "max_waiting = 3\nmax_wait = \"1s\"\n[adaptive]\nenforcement = \"enforce\"\nmin = 4\nmax = 4";

#[tokio::test(start_paused = true)]
async fn a_slow_application_is_given_its_limit_and_the_rest_waits_or_is_refused() {
    let shares = shares(16);
    let [library] = tenants(&shares, ["library"], ENFORCED);
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(library.upstream(Priority::FIRST).await.unwrap());
    }
    assert_eq!(
        (library.usage().upstream_limit, library.usage().upstream),
        (Some(4), [4, 0])
    );
    let four = [(); 4].map(|()| library.upstream(Priority::FIRST));
    let [one, two, three, four] = four;
    let began = tokio::time::Instant::now();
    let (one, two, three, four, ()) = tokio::join!(one, two, three, four, async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        held.pop();
    });
    let codes = [one, two, three, four].map(|decided| decided.err().map(|refusal| refusal.code()));
    let too_long = Some("upstream_wait_too_long");
    assert_eq!(codes, [None, too_long, too_long, Some("upstream_share_used_up")]);
    assert_eq!(began.elapsed(), Duration::from_secs(1));
    held.clear();
    assert_at_rest(&shares);
}

#[tokio::test(start_paused = true)]
async fn who_goes_away_before_his_application_leaves_nothing_behind() {
    let shares = shares(16);
    let [library] = tenants(&shares, ["library"], ENFORCED);
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(library.upstream(Priority::FIRST).await.unwrap());
    }
    let mut gone = Box::pin(library.upstream(Priority::FIRST));
    let mut served = Box::pin(library.upstream(Priority::FIRST));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(gone.as_mut().poll(&mut cx).is_pending() && served.as_mut().poll(&mut cx).is_pending());
    drop(gone);
    assert_eq!(library.usage().upstream, [4, 1]);
    held.pop();
    drop(served);
    held.clear();
    assert_at_rest(&shares);
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_is_busy_until_the_end_of_its_answer() {
    let shares = shares(16);
    let [library] = tenants(&shares, ["library"], "");
    let mut permit = library.upstream(Priority::FIRST).await.unwrap();
    tokio::time::advance(Duration::from_secs(5)).await;
    permit.sent();
    tokio::time::advance(Duration::from_secs(2)).await;
    permit.answered();
    tokio::time::advance(Duration::from_secs(1)).await;
    drop(permit);
    assert_eq!(library.usage().upstream_time, Duration::from_secs(3));
    assert_eq!(
        library.usage().upstream_limit,
        None,
        "nothing is found out unless it is asked for"
    );
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_only_reported_lets_pass() {
    let shares = shares(16);
    let [library] = tenants(&shares, ["library"], &ENFORCED.replace("\"enforce\"", "\"report\""));
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(library.upstream(Priority::FIRST).await.unwrap());
    }
    assert!(held[3].reported().is_none());
    assert_eq!(held[4].reported().unwrap().code(), "upstream_share_used_up");
}
