//! How a request is charged where several nodes share the counts.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use crate::charge::{Seen, Terms, certain, charge};
use crate::counts::State;
use crate::gcra::{Bucket, nanoseconds};
use crate::store::Spot;
use crate::{Ask, Key, Operation, Room, SharedAsk, SharedCounts, SharedStanding, Standing, Taken, Taking};

/// The counts of a node, and the store that it shares with others.
#[derive(Clone)]
pub(crate) struct Together {
    state: Arc<State>,
    store: Arc<dyn SharedCounts>,
}

impl Together {
    pub(crate) fn new(state: &Arc<State>, store: &Arc<dyn SharedCounts>) -> Self {
        Self {
            state: Arc::clone(state),
            store: Arc::clone(store),
        }
    }

    pub(crate) fn take(self, asks: &[Ask]) -> Taking {
        let now = self.state.now();
        if !self.store.is_there() {
            return Taking::Now(self.charge_apart(asks, now));
        }
        if let Some(refused) = self.refuse_as_known(asks, now) {
            self.put_at(&certain(asks), now);
            return Taking::Now(refused);
        }
        let debts = Debts::of(self.clone(), asks, now);
        let mut question = debts.asks();
        question.extend(asks.iter().map(|ask| self.shared_ask(ask)));
        let answer = self.store.take(question);
        let asks = asks.to_vec();
        Taking::Later(Box::pin(async move {
            match answer.await {
                Ok(stands) if stands.len() == debts.len() + asks.len() => self.hear(&asks, &stands[debts.len()..], now),
                _ => {
                    debts.put_back();
                    self.charge_apart(&asks, self.state.now())
                }
            }
        }))
    }

    /// Counts what is done in any case, here and there.
    pub(crate) fn put(&self, asks: &[Ask]) {
        self.put_at(asks, self.state.now());
    }

    fn put_at(&self, asks: &[Ask], now: u64) {
        if asks.is_empty() {
            return;
        }
        if !self.store.is_there() {
            self.charge_apart(asks, now);
            return;
        }
        charge(&self.state.rules, asks, &Terms::of_one(now));
        self.store.put(asks.iter().map(|ask| self.shared_ask(ask)).collect());
    }

    /// Refuses what the store is known to refuse, as it was heard to less than a second ago. Of those who find that it was
    /// longer ago one asks again, and the others go on with what is known.
    fn refuse_as_known(&self, asks: &[Ask], now: u64) -> Option<Taken> {
        let gives = |ask: &Ask| matches!(ask.operation, Operation::Refund | Operation::Clear);
        if asks.iter().any(gives) {
            return None;
        }
        let known: SmallVec<[Known; 16]> = asks.iter().map(|ask| self.known(ask, now)).collect();
        if known.iter().any(|known| known.is_refused && !known.is_old) {
            let standing = |(ask, known): (&Ask, &Known)| {
                let stand = SharedStanding {
                    is_refused: known.is_refused && !known.is_old,
                    full_in: Duration::from_nanos(known.tat.saturating_sub(now)),
                };
                self.standing(ask, stand, now, false)
            };
            return Some(Taken {
                passes: false,
                standings: asks.iter().zip(&known).map(standing).collect(),
            });
        }
        for (ask, known) in asks.iter().zip(&known) {
            if known.is_refused {
                self.remember(ask, known.tat, now);
            }
        }
        None
    }

    /// How an ask stands as far as this node knows.
    fn known(&self, ask: &Ask, now: u64) -> Known {
        let rule = &self.state.rules[ask.limit];
        let sets = rule.tables.known.lock_for(ask.key);
        let spot = rule.tables.known.find(&sets, ask.key, now);
        if spot == Spot::Crowd {
            return Known::default();
        }
        let (tat, weight) = (sets.tat(spot), rule.bucket.weight(ask.cost, NonZeroU32::MIN));
        let short = rule.bucket.short(weight, tat, now);
        Known {
            tat,
            is_refused: !ask.operation.is_certain() && short > ask.operation.patience(),
            is_old: moment(now).wrapping_sub(sets.heard(spot)) >= OLD,
        }
    }

    /// Remembers what was heard, where there is room for it.
    fn remember(&self, ask: &Ask, tat: u64, then: u64) {
        let table = &self.state.rules[ask.limit].tables.known;
        let mut sets = table.lock_for(ask.key);
        match table.find(&sets, ask.key, then) {
            Spot::Crowd => {}
            Spot::Free(_) if tat <= then => {}
            spot => sets.hear(spot, ask.key, tat, moment(then)),
        }
    }

    /// Remembers what the store said to what was asked `then`. It spoke later than that, so that what is remembered is never
    /// more than what was used.
    fn hear(&self, asks: &[Ask], stands: &[SharedStanding], then: u64) -> Taken {
        let passes = !stands.iter().any(|stand| stand.is_refused);
        let pairs = || asks.iter().zip(stands);
        for (ask, stand) in pairs() {
            self.remember(ask, then.saturating_add(nanoseconds(stand.full_in)), then);
        }
        Taken {
            passes,
            standings: pairs()
                .map(|(ask, stand)| self.standing(ask, *stand, then, passes))
                .collect(),
        }
    }

    fn standing(&self, ask: &Ask, stand: SharedStanding, now: u64, passes: bool) -> Standing {
        let bucket = self.state.rules[ask.limit].bucket;
        let weight = bucket.weight(ask.cost, NonZeroU32::MIN);
        let tat = now.saturating_add(nanoseconds(stand.full_in));
        let is_charged = passes && matches!(ask.operation, Operation::Charge { .. });
        let before = if is_charged { tat.saturating_sub(weight) } else { tat };
        let short = bucket.short(weight, before, now);
        let seen = Seen {
            short: if stand.is_refused { short.max(1) } else { short },
            is_refused: stand.is_refused,
            is_crowded: false,
        };
        seen.standing(bucket.level(tat, now), ask.operation)
    }

    /// Counts on this node alone: from where a bucket was known to stand, and as many times more as there are nodes.
    fn charge_apart(&self, asks: &[Ask], now: u64) -> Taken {
        let floors: SmallVec<[u64; 16]> = asks.iter().map(|ask| self.known_tat(ask, now)).collect();
        let terms = Terms {
            now,
            times: self.store.nodes(),
            table: |tables| tables.apart(),
            floors: &floors,
        };
        let taken = charge(&self.state.rules, asks, &terms);
        for (ask, standing) in asks.iter().zip(&taken.standings) {
            if matches!(ask.operation, Operation::Refund | Operation::Clear) && !standing.is_crowded {
                self.lower(ask, now + nanoseconds(standing.full_in), now);
            }
        }
        taken
    }

    fn known_tat(&self, ask: &Ask, now: u64) -> u64 {
        let table = &self.state.rules[ask.limit].tables.known;
        let sets = table.lock_for(ask.key);
        match table.find(&sets, ask.key, now) {
            Spot::Crowd => 0,
            spot => sets.tat(spot),
        }
    }

    /// What is given back while the store is away is not taken back by what it said before.
    fn lower(&self, ask: &Ask, tat: u64, now: u64) {
        let table = &self.state.rules[ask.limit].tables.known;
        let mut sets = table.lock_for(ask.key);
        let spot = table.find(&sets, ask.key, now);
        if matches!(spot, Spot::Known(_) | Spot::One) && sets.tat(spot) > tat {
            sets.charge(spot, ask.key, tat);
        }
    }

    fn shared_ask(&self, ask: &Ask) -> SharedAsk {
        let limit = &self.state.limits[ask.limit];
        SharedAsk {
            limit: Arc::clone(&limit.name),
            rate: limit.rate,
            key: match limit.room {
                Room::For(_) => ask.key,
                Room::One => Key::new(0),
            },
            cost: ask.cost,
            operation: ask.operation,
        }
    }
}

/// What this node knows about the bucket of an ask.
#[derive(Clone, Copy, Default)]
struct Known {
    tat: u64,
    is_refused: bool,
    is_old: bool,
}

/// What keys were charged while the store was away, on the way to the store.
struct Debts {
    together: Together,
    debts: Vec<Debt>,
}

struct Debt {
    ask: Ask,
    /// How much of the bucket's time it is, as this node counted it.
    time: u64,
}

impl Debts {
    /// Takes out what was counted apart for the keys that are asked.
    fn of(together: Together, asks: &[Ask], now: u64) -> Self {
        let debt = |ask: &Ask| {
            let table = together.state.rules[ask.limit].tables.apart_if_any()?;
            let base = together.known_tat(ask, now).max(now);
            let mut sets = table.lock_for(ask.key);
            let spot = table.find(&sets, ask.key, now);
            let time = sets.tat(spot).saturating_sub(base);
            if time == 0 || spot == Spot::Crowd {
                return None;
            }
            sets.charge(spot, ask.key, 0);
            Some(Debt { ask: *ask, time })
        };
        let debts = asks.iter().filter_map(debt).collect();
        Self { together, debts }
    }

    fn len(&self) -> usize {
        self.debts.len()
    }

    /// As the store is told: each request once again.
    fn asks(&self) -> Vec<SharedAsk> {
        let nodes = self.together.store.nodes();
        let ask = |Debt { ask, time }: &Debt| SharedAsk {
            cost: self.together.state.rules[ask.limit].bucket.worth(*time, nodes),
            operation: Operation::Force,
            ..self.together.shared_ask(ask)
        };
        self.debts.iter().map(ask).collect()
    }

    /// They could not be told. When the client goes away before it is known, they are taken as told: whoever hangs up again
    /// and again must not have them counted again and again.
    fn put_back(self) {
        let now = self.together.state.now();
        for Debt { ask, time } in &self.debts {
            let floor = self.together.known_tat(ask, now);
            let table = self.together.state.rules[ask.limit].tables.apart();
            let mut sets = table.lock_for(ask.key);
            let spot = table.find(&sets, ask.key, now);
            let tat = Bucket::charged(*time, sets.tat(spot).max(floor), now);
            sets.charge(spot, ask.key, tat);
        }
    }
}

/// A time in the units in which it is remembered when the store was heard: 2²⁷ ns, an eighth of a second.
const fn moment(now: u64) -> u16 {
    (now >> 27) as u16
}

/// From this age on, what was heard refuses nobody: 7 × 2²⁷ ns are 0.94 s.
const OLD: u16 = 7;
