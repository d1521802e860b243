//! The script beside the counts of one node: the same questions at the same times have the same answers.

use std::sync::Arc;
use std::time::Duration;

use governor::clock::FakeRelativeClock;
use proptest::prelude::*;
use rempart_counts::{Ask, Counts, Key, Limit, Operation, Rate, Room, SharedAsk, SharedStanding, Taken, Taking};
use tokio::runtime::Runtime;

use self::server::Server;
use crate::batch::{Batch, Request, of_tenant};
use crate::link::Link;
use crate::script::TAKE;
use crate::{RedisPolicy, RedisSettings};

#[path = "../tests/server/mod.rs"]
mod server;

/// A server that is asked at times of our own.
struct Store {
    runtime: Runtime,
    link: Link,
    tenant: Arc<str>,
}

impl Store {
    fn of(server: &Server) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let policy = RedisPolicy::try_from(RedisSettings::at(server.url())).unwrap();
        let link = runtime.block_on(Link::connect(&policy)).unwrap();
        Self {
            runtime,
            link,
            tenant: of_tenant("rempart", "daycare"),
        }
    }

    /// Several requests in one call.
    fn take(&mut self, requests: Vec<Vec<SharedAsk>>, now: u64) -> Vec<Vec<SharedStanding>> {
        let request = |asks| Request {
            tenant: Arc::clone(&self.tenant),
            asks,
            is_waited_for: true,
        };
        let requests: Vec<_> = requests.into_iter().map(request).collect();
        let batch = Batch::of(&requests);
        let call = TAKE.call(&mut self.link, |script| batch.command(script, Some(now)));
        batch.answers(self.runtime.block_on(call).unwrap()).unwrap()
    }

    fn take_one(&mut self, ask: SharedAsk, now: u64) -> SharedStanding {
        self.take(vec![vec![ask]], now)[0][0]
    }
}

const RATES: [&str; 6] = [
    "10/s",
    "5/15m burst 3",
    "300/m burst 40",
    "7/h burst 9",
    "3/s burst 2",
    "1/h burst 50",
];

fn limits() -> Vec<Limit> {
    let limit = |(index, rate): (usize, &&str)| Limit {
        name: format!("limit{index}").into(),
        rate: rate.parse().unwrap(),
        room: Room::For(4_096),
    };
    RATES.iter().enumerate().map(limit).collect()
}

fn shared(limits: &[Limit], ask: &Ask) -> SharedAsk {
    SharedAsk {
        limit: Arc::clone(&limits[ask.limit].name),
        rate: limits[ask.limit].rate,
        key: ask.key,
        cost: ask.cost,
        operation: ask.operation,
    }
}

fn operations() -> impl Strategy<Value = Operation> {
    let patience = prop_oneof![Just(0_u64), 0..5_000_u64, 0..5_000_000_u64];
    prop_oneof![
        6 => patience.prop_map(|milliseconds| Operation::Charge { patience: Duration::from_millis(milliseconds) }),
        1 => Just(Operation::Look),
        2 => Just(Operation::Force),
        1 => Just(Operation::Refund),
        1 => Just(Operation::Clear),
    ]
}

fn asks() -> impl Strategy<Value = Ask> {
    let cost = prop_oneof![8 => 0_u32..4, 2 => 0_u32..60, 1 => 0_u32..2_000];
    (0..RATES.len(), 0_u128..3, cost, operations()).prop_map(|(limit, key, cost, operation)| Ask {
        limit,
        // As of a hash: the tables of one node look at some of the bits only.
        key: Key::new((key + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)),
        cost,
        operation,
    })
}

/// Requests that come together, and how many microseconds later the next do.
fn moments() -> impl Strategy<Value = Vec<(Vec<Vec<Ask>>, u64)>> {
    let gap = prop_oneof![Just(0_u64), 0..400_000_u64, 0..100_000_000_u64, 0..90_000_000_000_u64];
    let requests = prop::collection::vec(prop::collection::vec(asks(), 1..6), 1..4);
    prop::collection::vec((requests, gap), 1..30)
}

fn on_one_node(counts: &Counts, asks: &[Ask]) -> Taken {
    match counts.take(asks) {
        Taking::Now(taken) => taken,
        Taking::Later(_) => panic!("nobody else is to be asked"),
    }
}

/// Of a key that is asked for twice only what is done last says how it stands in the end: what is certain is done first.
fn in_the_end(standings: &[(bool, Duration)], asks: &[Ask]) -> Vec<(bool, Option<Duration>)> {
    let turn = |index: usize| {
        let is_certain = matches!(
            asks[index].operation,
            Operation::Force | Operation::Refund | Operation::Clear
        );
        (!is_certain, index)
    };
    let is_last = |index: usize| {
        let same = |other: &usize| (asks[*other].limit, asks[*other].key) == (asks[index].limit, asks[index].key);
        (0..asks.len()).filter(same).all(|other| turn(other) <= turn(index))
    };
    let standings = standings.iter().enumerate();
    let one =
        |(index, (is_refused, full_in)): (usize, &(bool, Duration))| (*is_refused, is_last(index).then_some(*full_in));
    standings.map(one).collect()
}

#[test]
fn the_script_decides_as_the_counts_of_one_node_do() {
    let server = Server::start();
    let mut case = 0;
    let run = |moments: Vec<(Vec<Vec<Ask>>, u64)>| {
        case += 1;
        let mut store = Store::of(&server);
        store.tenant = of_tenant("rempart", &format!("case{case}"));
        let (limits, clock) = (limits(), FakeRelativeClock::default());
        let counts = Counts::with_clock(limits.clone(), clock.clone());
        let mut now = NOW;
        for (requests, gap) in moments {
            let local: Vec<_> = requests.iter().map(|asks| on_one_node(&counts, asks)).collect();
            let asked = requests
                .iter()
                .map(|asks| asks.iter().map(|ask| shared(&limits, ask)).collect());
            let stored = store.take(asked.collect(), now);
            for ((local, stored), asks) in local.iter().zip(&stored).zip(&requests) {
                let local: Vec<_> = local
                    .standings
                    .iter()
                    .map(|one| (one.is_refused, one.full_in))
                    .collect();
                let stored: Vec<_> = stored.iter().map(|one| (one.is_refused, one.full_in)).collect();
                prop_assert_eq!(in_the_end(&local, asks), in_the_end(&stored, asks), "{:?}", asks);
            }
            now += gap;
            clock.advance(Duration::from_micros(gap));
        }
        Ok(())
    };
    let config = ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let cell = std::cell::RefCell::new(run);
    runner.run(&moments(), |moments| (cell.borrow_mut())(moments)).unwrap();
}

/// In November 2026.
const NOW: u64 = 1_795_000_000_000_000;

fn charge(rate: &str, cost: u32) -> SharedAsk {
    SharedAsk {
        limit: "client".into(),
        rate: rate.parse().unwrap(),
        key: Key::new(1),
        cost,
        operation: Operation::CHARGE,
    }
}

#[test]
fn a_clock_that_is_set_back_makes_nobody_wait_longer() {
    let server = Server::start();
    let mut store = Store::of(&server);
    let hour = 3_600_000_000;
    assert!(!store.take_one(charge("1/h", 1), NOW).is_refused);
    let refused = store.take_one(charge("1/h", 1), NOW - 24 * hour);
    assert!(refused.is_refused);
    assert_eq!(refused.full_in, Duration::from_secs(3_600));
    assert!(store.take_one(charge("1/h", 1), NOW - 23 * hour - 1).is_refused);
    assert!(!store.take_one(charge("1/h", 1), NOW - 23 * hour).is_refused);
}

#[test]
fn a_quota_of_a_year_is_counted_in_microseconds_and_never_admits_more() {
    let server = Server::start();
    let mut store = Store::of(&server);
    let rate: Rate = "7/365d burst 7".parse().unwrap();
    for used in 1..=7_u32 {
        let standing = store.take_one(charge("7/365d burst 7", 1), NOW);
        assert!(!standing.is_refused);
        let exact = rate.interval() * used;
        assert!(
            standing.full_in >= exact && standing.full_in - exact < Duration::from_micros(8),
            "{standing:?}"
        );
    }
    assert!(store.take_one(charge("7/365d burst 7", 1), NOW).is_refused);
}

#[test]
fn a_key_that_is_no_bucket_is_a_full_one() {
    let server = Server::start();
    let mut store = Store::of(&server);
    let key = format!("{}client:1-3600s-1:{:032x}", store.tenant, 1);
    for nonsense in ["", "nonsense", "-1 -1", "1 2 3"] {
        server.cli(&["SET", &key, nonsense]);
        assert!(!store.take_one(charge("1/h", 1), NOW).is_refused, "{nonsense:?}");
        assert!(store.take_one(charge("1/h", 1), NOW).is_refused);
    }
    server.cli(&["DEL", &key]);
    server.cli(&["LPUSH", &key, "list"]);
    assert!(!store.take_one(charge("1/h", 1), NOW).is_refused);
}

mod arithmetic {
    use super::*;
    use crate::arithmetic::{Step, Unit};

    proptest! {
        /// Whatever a rate, a cost and a patience are, all numbers are exact as doubles, and rounding is never in favour of
        /// whoever asks.
        #[test]
        fn every_number_is_one_that_the_script_can_count_with(
            count in 1_u32..2_000_000,
            seconds in prop_oneof![1_u64..100_000, 1_u64..31_622_400],
            burst in prop_oneof![1_u32..1_000, 1_u32..=u32::MAX],
            cost in prop_oneof![0_u32..1_000, 0..=u32::MAX],
            operation in operations(),
        ) {
            let rate = Rate::new(count.try_into().unwrap(), Duration::from_secs(seconds), burst.try_into().unwrap());
            let Ok(rate) = rate else { return Ok(()) };
            let ask = SharedAsk { limit: "client".into(), rate, key: Key::new(0), cost, operation };
            let step = Step::of(&ask);
            const EXACT: u64 = 1 << 53;
            prop_assert!(step.refuses_above.unwrap_or(0) <= EXACT);
            prop_assert!(step.adds.unsigned_abs() <= EXACT && step.most <= EXACT);
            let one = Step::of(&SharedAsk { cost: 1, operation: Operation::Force, ..ask });
            let interval = Unit::of(rate).duration(one.adds.unsigned_abs());
            prop_assert!(interval >= rate.interval());
            prop_assert!(interval <= rate.interval() + rate.interval() / 1_000);
        }
    }
}
