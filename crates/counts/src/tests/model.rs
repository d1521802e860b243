use std::collections::HashMap;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use governor::clock::{Clock, FakeRelativeClock};

use super::*;
use crate::{Away, Rate, SharedAsk, SharedCounts, SharedStanding};

type Id = (Arc<str>, Rate, Key);

/// A shared store in memory, written as [`SharedCounts`] says and as simply as can be.
#[derive(Debug)]
pub(super) struct Model {
    clock: FakeRelativeClock,
    full_at: Mutex<HashMap<Id, u128>>,
    /// Whether the nodes know that it is away.
    pub(super) is_there: AtomicBool,
    /// Whether it gives no answer, which nobody knows before asking.
    pub(super) is_mute: AtomicBool,
    pub(super) trips: AtomicUsize,
    pub(super) puts: AtomicUsize,
}

impl Model {
    pub(super) fn new(clock: &FakeRelativeClock) -> Arc<Self> {
        Arc::new(Self {
            clock: clock.clone(),
            full_at: Mutex::default(),
            is_there: AtomicBool::new(true),
            is_mute: AtomicBool::new(false),
            trips: AtomicUsize::new(0),
            puts: AtomicUsize::new(0),
        })
    }

    pub(super) fn goes_away(&self) {
        self.is_there.store(false, Ordering::Relaxed);
    }

    pub(super) fn comes_back(&self) {
        self.is_there.store(true, Ordering::Relaxed);
    }

    pub(super) fn trips(&self) -> usize {
        self.trips.load(Ordering::Relaxed)
    }

    fn decide(&self, asks: &[SharedAsk]) -> Vec<SharedStanding> {
        let now = u128::from(self.clock.now().as_u64());
        let mut kept = self.full_at.lock().unwrap();
        let id = |ask: &SharedAsk| -> Id { (Arc::clone(&ask.limit), ask.rate, ask.key) };
        for ask in asks {
            let (cost, full) = sizes(ask);
            let full_at = kept.entry(id(ask)).or_default();
            let debt = full_at.saturating_sub(now);
            let next = match ask.operation {
                Operation::Force => (debt + cost).min(2 * full).max(debt),
                Operation::Refund => debt.saturating_sub(cost),
                Operation::Clear => 0,
                Operation::Charge { .. } | Operation::Look => debt,
            };
            *full_at = now + next;
        }
        let mut trial = kept.clone();
        let mut refused = vec![false; asks.len()];
        for (ask, refused) in asks.iter().zip(&mut refused) {
            let (cost, full) = sizes(ask);
            let debt = trial[&id(ask)].saturating_sub(now);
            let missing = (debt + cost.min(full)).saturating_sub(full);
            let (patience, charge) = match ask.operation {
                Operation::Charge { patience } => (patience.as_nanos(), cost),
                Operation::Look => (0, 0),
                _ => continue,
            };
            *refused = missing > patience;
            if !*refused {
                trial.insert(id(ask), now + debt + charge);
            }
        }
        if !refused.contains(&true) {
            *kept = trial;
        }
        let full_in = |ask: &SharedAsk| u64::try_from(kept[&id(ask)].saturating_sub(now)).unwrap();
        let standing = |(ask, is_refused): (&SharedAsk, bool)| SharedStanding {
            is_refused,
            full_in: Duration::from_nanos(full_in(ask)),
        };
        asks.iter().zip(refused).map(standing).collect()
    }
}

impl SharedCounts for Model {
    fn take(&self, asks: Vec<SharedAsk>) -> Pin<Box<dyn Future<Output = Result<Vec<SharedStanding>, Away>> + Send>> {
        self.trips.fetch_add(1, Ordering::Relaxed);
        let is_there = self.is_there() && !self.is_mute.load(Ordering::Relaxed);
        let answer = if is_there { Ok(self.decide(&asks)) } else { Err(Away) };
        Box::pin(async { answer })
    }

    fn put(&self, asks: Vec<SharedAsk>) {
        self.puts.fetch_add(1, Ordering::Relaxed);
        if self.is_there() {
            self.decide(&asks);
        }
    }

    fn is_there(&self) -> bool {
        self.is_there.load(Ordering::Relaxed)
    }

    fn nodes(&self) -> NonZeroU32 {
        NonZeroU32::new(3).unwrap()
    }
}

/// The answer, now or from the model, which has it at once.
pub(super) fn answer(taking: Taking) -> Taken {
    match taking {
        Taking::Now(taken) => taken,
        Taking::Later(mut later) => match later.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(taken) => taken,
            Poll::Pending => panic!("the model has its answers at once"),
        },
    }
}

/// Three nodes with one clock.
pub(super) fn three_nodes(limits: &[Limit]) -> ([Counts; 3], Arc<Model>, FakeRelativeClock) {
    let clock = FakeRelativeClock::default();
    let model = Model::new(&clock);
    let node = || {
        let store: Arc<dyn SharedCounts> = Arc::<Model>::clone(&model);
        Counts::with_clock(limits.to_vec(), clock.clone()).shared(store)
    };
    (std::array::from_fn(|_| node()), model, clock)
}

fn sizes(ask: &SharedAsk) -> (u128, u128) {
    let interval = ask.rate.interval().as_nanos();
    (interval * u128::from(ask.cost), interval * u128::from(ask.rate.burst()))
}
