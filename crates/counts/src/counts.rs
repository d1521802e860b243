use std::fmt;
use std::sync::{Arc, LazyLock};

use governor::clock::{Clock, DefaultClock, Reference};

use crate::charge::{Rule, Terms, certain, charge};
use crate::gcra::Bucket;
use crate::store::Tables;
use crate::together::Together;
use crate::{Ask, Limit, SharedCounts, Taking};

/// The limits of one tenant with their counts. A clone shares the counts.
///
/// # What is charged
///
/// All that one [`take`](Self::take) asks is charged, or nothing of it is. `Force`, `Refund` and `Clear` are done first and
/// in any case. Then the others are decided in order, each as if those before it were charged already, so that a key may
/// be asked twice.
///
/// # Locks
///
/// While a request is measured, it holds the lock of one shard of each table that it asks (of two, when two of its keys fall
/// into two), for some tens of nanoseconds each and never across an await. They are taken in an order that is the same for
/// all requests, those of the stack before a reload included.
///
/// # When a table is full
///
/// A key that is there keeps its place and its count as long as its bucket is not full again: nobody is moved out, and a
/// flood of keys resets nobody. A new key that finds no place shares a bucket with others (16 of them in each table, with
/// the rate of one key each), and the price is paid by keys that come new during the flood. A table that is three
/// quarters full turns away less than one new key in a thousand.
///
/// # Several nodes
///
/// With [`SharedCounts`] the answer is the store's; see [`shared`](Self::shared).
#[derive(Clone)]
pub struct Counts(Arc<State>);

impl Counts {
    /// Starts to count.
    #[must_use]
    pub fn new(limits: Vec<Limit>) -> Self {
        // Asking the processor what clock it has takes longer than all the rest, and the answer is always the same.
        static CLOCK: LazyLock<DefaultClock> = LazyLock::new(DefaultClock::default);
        Self::with_clock(limits, CLOCK.clone())
    }

    /// Starts to count by a clock of your own, such as governor's `FakeRelativeClock` in a test.
    pub fn with_clock(limits: Vec<Limit>, clock: impl Clock + Send + Sync + 'static) -> Self {
        let start = clock.now();
        let now = Arc::new(move || clock.now().duration_since(start).as_u64());
        Self(Arc::new(State::new(limits, now, None, |_| None)))
    }

    /// The same counts in common with other nodes.
    ///
    /// # Local refusals
    ///
    /// The tables remember for each key what the store said last. Buckets only fill with time, so a key that is known to be
    /// used up is refused without asking; and as another node may have given something back, nobody is refused for more
    /// than a second on what is remembered: then one request asks again, and the others go on with what is remembered until
    /// it knows. A key that finds no place in a full table is asked for each time.
    ///
    /// # While the store is away
    ///
    /// The node counts alone, from where the bucket stood when it was last told. Each request costs as many times more as there
    /// are [`nodes`](SharedCounts::nodes), so that all nodes together admit the rate. No burst is too small for one request
    /// on each node. Nobody is made to wait for the store.
    ///
    /// # When it is back
    ///
    /// What a key was charged alone is told to the store together with the key's next request, in the same round trip and
    /// before it, divided by the number of nodes again. So nobody gets a fresh bucket, and nobody's count is told without
    /// being asked for: there is no burst of messages. What is not asked for again fades as buckets fill. A refund or a
    /// success while the store was away holds on this node only.
    #[must_use]
    pub fn shared(self, store: Arc<dyn SharedCounts>) -> Self {
        self.stored(Some(store))
    }

    /// The same counts on this node alone.
    #[must_use]
    pub fn unshared(self) -> Self {
        self.stored(None)
    }

    /// The same counts under new limits: a limit that is equal keeps its table, so that saving a file gives nobody a fresh
    /// start. The shared store stays.
    #[must_use]
    pub fn with_limits(&self, limits: Vec<Limit>) -> Self {
        self.rebuilt(limits, self.0.store.clone())
    }

    /// The limits, in the order of their indices.
    #[must_use]
    pub fn limits(&self) -> &[Limit] {
        &self.0.limits
    }

    /// The tables that hold the counts, in the order of the limits.
    pub fn tables(&self) -> impl Iterator<Item = TableSize<'_>> {
        let pairs = self.0.limits.iter().zip(&self.0.rules);
        pairs.map(|(limit, rule)| rule.tables.size(&limit.name))
    }

    /// Measures a request and charges it to all limits that it asks, or to none.
    ///
    /// # Panics
    ///
    /// When an ask names a limit that is not there.
    #[must_use]
    pub fn take(&self, asks: &[Ask]) -> Taking {
        match &self.0.store {
            Some(store) if !asks.is_empty() => Together::new(&self.0, store).take(asks),
            _ => Taking::Now(charge(&self.0.rules, asks, &self.0.terms())),
        }
    }

    /// Counts after the fact, without waiting for anybody: `Force`, `Refund` and `Clear`. Others are passed over.
    ///
    /// # Panics
    ///
    /// When an ask names a limit that is not there.
    pub fn put(&self, asks: &[Ask]) {
        let certain = certain(asks);
        if certain.is_empty() {
            return;
        }
        match &self.0.store {
            None => {
                charge(&self.0.rules, &certain, &self.0.terms());
            }
            Some(store) => Together::new(&self.0, store).put(&certain),
        }
    }

    fn stored(self, store: Option<Arc<dyn SharedCounts>>) -> Self {
        self.rebuilt(self.0.limits.clone(), store)
    }

    fn rebuilt(&self, limits: Vec<Limit>, store: Option<Arc<dyn SharedCounts>>) -> Self {
        let State { limits: old, rules, .. } = &*self.0;
        let kept = |limit: &Limit| {
            let same = old.iter().position(|old| old == limit)?;
            Some(Arc::clone(&rules[same].tables))
        };
        Self(Arc::new(State::new(limits, Arc::clone(&self.0.now), store, kept)))
    }
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counts")
            .field("limits", &self.0.limits)
            .field("store", &self.0.store)
            .finish_non_exhaustive()
    }
}

/// The size of the table of one limit: bounded, whoever comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableSize<'a> {
    /// The name of the limit.
    pub limit: &'a str,
    /// How many keys can have a place of their own at once. None for a limit with [`Room::One`](crate::Room::One).
    pub places: usize,
    /// The bytes of memory that it has taken so far.
    pub bytes: usize,
    /// How many requests were charged to a bucket that is shared for want of room: more than a few mean a flood of keys, or
    /// too little room. Zero for a limit with [`Room::One`](crate::Room::One).
    pub overflowed: u64,
}

/// The limits, their tables, the clock and the shared store.
pub(crate) struct State {
    pub(crate) limits: Vec<Limit>,
    pub(crate) rules: Vec<Rule>,
    now: Arc<dyn Fn() -> u64 + Send + Sync>,
    store: Option<Arc<dyn SharedCounts>>,
}

impl State {
    fn new(
        limits: Vec<Limit>,
        now: Arc<dyn Fn() -> u64 + Send + Sync>,
        store: Option<Arc<dyn SharedCounts>>,
        kept: impl Fn(&Limit) -> Option<Arc<Tables>>,
    ) -> Self {
        let rule = |limit: &Limit| Rule {
            bucket: Bucket::of(limit.rate),
            tables: kept(limit).unwrap_or_else(|| Arc::new(Tables::with_room(limit.room))),
        };
        Self {
            rules: limits.iter().map(rule).collect(),
            limits,
            now,
            store,
        }
    }

    /// Nanoseconds since the counts began.
    pub(crate) fn now(&self) -> u64 {
        (self.now)()
    }

    fn terms(&self) -> Terms<'static> {
        Terms::of_one(self.now())
    }
}
