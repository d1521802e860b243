//! Counts in common with other machines, against a store of a few lines.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::atomic::AtomicBool;

use rempart_counts::{Away, Operation, SharedAsk, SharedCounts, SharedStanding};

use super::*;

/// A store whose clock stands still: for each limit and key how much was used.
#[derive(Debug, Default)]
struct Store {
    used: Mutex<HashMap<(Arc<str>, u128), u32>>,
    is_away: AtomicBool,
    trips: AtomicU32,
}

impl SharedCounts for Store {
    fn take(&self, asks: Vec<SharedAsk>) -> Pin<Box<dyn Future<Output = Result<Vec<SharedStanding>, Away>> + Send>> {
        self.trips.fetch_add(1, Ordering::Relaxed);
        let standings = self.decide(&asks);
        Box::pin(async move { Ok(standings) })
    }

    fn put(&self, asks: Vec<SharedAsk>) {
        self.decide(&asks);
    }

    fn is_there(&self) -> bool {
        !self.is_away.load(Ordering::Relaxed)
    }

    fn nodes(&self) -> NonZeroU32 {
        NonZeroU32::new(2).unwrap()
    }
}

impl Store {
    fn decide(&self, asks: &[SharedAsk]) -> Vec<SharedStanding> {
        let mut used = self.used.lock().unwrap();
        let of = |ask: &SharedAsk| (Arc::clone(&ask.limit), ask.key.bits());
        let refused: Vec<_> = asks
            .iter()
            .map(|ask| {
                let after = used.get(&of(ask)).copied().unwrap_or_default() + ask.cost;
                ask.operation != Operation::Force && after > ask.rate.burst()
            })
            .collect();
        let passes = !refused.contains(&true);
        let charges = |ask: &&SharedAsk| match ask.operation {
            Operation::Force => true,
            Operation::Charge { .. } => passes,
            _ => false,
        };
        for ask in asks.iter().filter(charges) {
            *used.entry(of(ask)).or_default() += ask.cost;
        }
        let standing = |(ask, is_refused): (&SharedAsk, bool)| SharedStanding {
            is_refused,
            full_in: ask.rate.interval() * used.get(&of(ask)).copied().unwrap_or_default(),
        };
        asks.iter().zip(refused).map(standing).collect()
    }
}

const TWO: &str = "[quotas.client]\nrate = \"5/h\"\n[quotas.all]\nrate = \"1000/h\"\nper = \"tenant\"";

/// A machine that uses the store.
fn node(store: &Arc<Store>, toml: &str) -> Site {
    let site = Site::new(toml);
    let store: Arc<dyn SharedCounts> = Arc::clone(store) as _;
    Site {
        limit: site.limit.sharing_counts(store, [7; 16]),
        clock: site.clock,
    }
}

async fn ask(site: &Site, client: &str) -> bool {
    let mut head = request(client, "/").into_parts().0;
    match site.limit.check(&mut head, &mut Findings::default()) {
        Verdict::Now(decision) => decision.is_ok(),
        Verdict::Later(deciding) => deciding.await.is_ok(),
    }
}

async fn passes(site: &Site, client: &str, requests: usize) -> usize {
    let mut passed = 0;
    for _ in 0..requests {
        passed += usize::from(ask(site, client).await);
    }
    passed
}

#[tokio::test]
async fn two_machines_together_admit_what_one_would() {
    let store = Arc::new(Store::default());
    let (one, other) = (node(&store, TWO), node(&store, TWO));
    assert_eq!(passes(&one, HOME, 3).await + passes(&other, HOME, 9).await, 5);
    assert_eq!(passes(&one, AWAY, 9).await, 5);
}

#[tokio::test]
async fn all_quotas_of_a_request_are_one_round_trip_and_a_flood_is_none() {
    let store = Arc::new(Store::default());
    let site = node(&store, TWO);
    assert_eq!(passes(&site, HOME, 5).await, 5);
    assert_eq!(store.trips.load(Ordering::Relaxed), 5);
    assert_eq!(passes(&site, HOME, 100).await, 0);
    assert!(
        store.trips.load(Ordering::Relaxed) <= 6,
        "what is known to be used up is not asked for"
    );
}

#[tokio::test]
async fn while_the_store_is_away_each_machine_admits_its_share() {
    let store = Arc::new(Store::default());
    let (one, other) = (node(&store, TWO), node(&store, TWO));
    store.is_away.store(true, Ordering::Relaxed);
    let admitted = passes(&one, HOME, 50).await + passes(&other, HOME, 50).await;
    assert!(
        (2..=6).contains(&admitted),
        "never unlimited, and never nothing: {admitted}"
    );
}

#[tokio::test]
async fn a_reload_stays_with_the_store_and_its_keys() {
    let store = Arc::new(Store::default());
    let site = node(&store, TWO);
    assert_eq!(passes(&site, HOME, 9).await, 5);
    let reloaded = Site {
        limit: site.limit.with_policy(policy(&TWO.replace("1000/h", "900/h"))),
        clock: site.clock.clone(),
    };
    assert_eq!(passes(&reloaded, HOME, 9).await, 0);
    assert_eq!(
        passes(&node(&store, TWO), HOME, 9).await,
        0,
        "another machine knows it too"
    );
}

#[tokio::test]
async fn what_failed_is_told_to_the_store() {
    let store = Arc::new(Store::default());
    let failures = "[quotas.a]\nrate = \"2/h\"\ncount = \"failures\"";
    let (one, other) = (node(&store, failures), node(&store, failures));
    for site in [&one, &other] {
        let mut head = request(HOME, "/").into_parts().0;
        let Verdict::Later(deciding) = site.limit.check(&mut head, &mut Findings::default()) else {
            panic!("the store is not asked")
        };
        let passed = deciding.await.unwrap();
        let mut answer = Response::builder().status(500).body(()).unwrap().into_parts().0;
        site.limit.amend(passed, &mut answer, &mut Findings::default());
    }
    assert_eq!((ask(&one, HOME).await, ask(&other, HOME).await), (false, false));
}

#[tokio::test]
async fn the_upper_place_asks_no_store() {
    let store = Arc::new(Store::default());
    let site = node(
        &store,
        "[quotas.client]\nrate = \"2/h\"\n[quotas.person]\nrate = \"9/h\"\nper = \"session\"",
    );
    let (above, below) = (site.limit.above(), site.limit.below().unwrap());
    let mut head = with(HOME, "/", session(1)).into_parts().0;
    for _ in 0..2 {
        above.mark(&mut head);
        let _looked = now(above.check(&mut head, &mut Findings::default())).unwrap();
        below.mark(&mut head);
        let Verdict::Later(deciding) = below.check(&mut head, &mut Findings::default()) else {
            panic!("the store is not asked")
        };
        deciding.await.unwrap();
    }
    let trips = store.trips.load(Ordering::Relaxed);
    assert_eq!(trips, 2);
    assert!(
        now(above.check(&mut head, &mut Findings::default())).is_err(),
        "known to be used up"
    );
    assert_eq!(store.trips.load(Ordering::Relaxed), trips);
}
