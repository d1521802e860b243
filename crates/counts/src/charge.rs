//! How one request is charged to all that it asks, or to nothing.

use std::num::NonZeroU32;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use smallvec::SmallVec;

use crate::gcra::{Bucket, Level, nanoseconds};
use crate::store::{Place, Sets, Spot, Table, Tables};
use crate::{Ask, Key, Operation, Standing, Standings, Taken};

/// The arithmetic of a limit, and its counts.
pub(crate) struct Rule {
    pub(crate) bucket: Bucket,
    pub(crate) tables: Arc<Tables>,
}

/// By what a request is charged.
pub(crate) struct Terms<'a> {
    /// The one reading of the clock.
    pub(crate) now: u64,
    /// How many times each cost counts.
    pub(crate) times: NonZeroU32,
    /// Which of the tables of a limit.
    pub(crate) table: fn(&Tables) -> &Table,
    /// For each ask a time before which its bucket is not full, whatever the table says. May be shorter than the asks.
    pub(crate) floors: &'a [u64],
}

impl Terms<'_> {
    /// Those of a node without others.
    pub(crate) fn of_one(now: u64) -> Self {
        Self {
            now,
            times: NonZeroU32::MIN,
            table: |tables| &tables.known,
            floors: &[],
        }
    }
}

/// Charges `asks` as [`Counts`](crate::Counts) says.
pub(crate) fn charge(rules: &[Rule], asks: &[Ask], terms: &Terms<'_>) -> Taken {
    if let [ask] = asks {
        return charge_one(&rules[ask.limit], ask, terms);
    }
    let mut round = Round {
        rules,
        asks,
        terms,
        guards: SmallVec::new(),
        seats: SmallVec::new(),
    };
    round.lock();
    let passes = round.charge();
    Taken {
        passes,
        standings: round.standings(),
    }
}

fn charge_one(rule: &Rule, ask: &Ask, terms: &Terms<'_>) -> Taken {
    let table = (terms.table)(&rule.tables);
    let mut sets = table.lock_for(ask.key);
    let mut seat = Seat::new(rule, ask, terms.times);
    seat.find(table, &sets, terms, 0);
    if ask.operation.is_certain() {
        seat.do_certainly(&mut sets, terms.now);
    } else {
        seat.decide(&mut sets, terms.now, true);
        seat.settle(&mut sets);
    }
    Taken {
        passes: !seat.is_refused,
        standings: Standings::from(seat.standing(terms.now)),
    }
}

/// One request, with all that it asks locked.
struct Round<'a> {
    rules: &'a [Rule],
    asks: &'a [Ask],
    terms: &'a Terms<'a>,
    guards: SmallVec<[MutexGuard<'a, Sets>; INLINE]>,
    /// For each ask which of the locks is its own, and where it stands.
    seats: SmallVec<[(usize, Seat); INLINE]>,
}

impl<'a> Round<'a> {
    /// Takes the locks in the order of the tables' addresses, which is the same for all who share them.
    fn lock(&mut self) {
        let mut order: SmallVec<[_; INLINE]> = SmallVec::new();
        for (index, ask) in self.asks.iter().enumerate() {
            let rule = &self.rules[ask.limit];
            order.push((
                Arc::as_ptr(&rule.tables).addr(),
                self.table(index).shard(ask.key),
                index,
            ));
            self.seats.push((0, Seat::new(rule, ask, self.terms.times)));
        }
        order.sort_unstable();
        let mut last = None;
        for (address, shard, index) in order {
            if last != Some((address, shard)) {
                let guard = self.table(index).lock(shard);
                self.guards.push(guard);
                last = Some((address, shard));
            }
            self.seats[index].0 = self.guards.len() - 1;
        }
    }

    /// What is done in any case first, then what all have to agree on.
    fn charge(&mut self) -> bool {
        let now = self.terms.now;
        let mut passes = true;
        for certain in [true, false] {
            for index in 0..self.asks.len() {
                if self.asks[index].operation.is_certain() != certain {
                    continue;
                }
                self.find(index);
                let (guard, seat) = &mut self.seats[index];
                let sets = &mut self.guards[*guard];
                if certain {
                    seat.do_certainly(sets, now);
                } else {
                    seat.decide(sets, now, passes);
                    passes &= !seat.is_refused;
                }
            }
        }
        if passes {
            for (guard, seat) in &self.seats {
                seat.settle(&mut self.guards[*guard]);
            }
        } else {
            self.undo();
        }
        passes
    }

    /// Takes back what was charged for now, in reverse, and looks where all stand then.
    fn undo(&mut self) {
        for (guard, seat) in self.seats.iter().rev() {
            if let Some(before) = seat.before {
                self.guards[*guard].put_back(seat.spot, before);
            }
        }
        for index in 0..self.asks.len() {
            self.find(index);
        }
    }

    fn standings(&self) -> Standings {
        let seats = self.seats.iter().map(|(_, seat)| seat);
        seats.map(|seat| seat.standing(self.terms.now)).collect()
    }

    fn find(&mut self, index: usize) {
        let table = self.table(index);
        let (guard, seat) = &mut self.seats[index];
        seat.find(table, &self.guards[*guard], self.terms, index);
    }

    fn table(&self, index: usize) -> &'a Table {
        let rule = &self.rules[self.asks[index].limit];
        (self.terms.table)(&rule.tables)
    }
}

/// Where one ask stands.
struct Seat {
    bucket: Bucket,
    key: Key,
    operation: Operation,
    weight: u64,
    spot: Spot,
    tat: u64,
    short: u64,
    is_refused: bool,
    /// What stood there before it was charged, if it was.
    before: Option<Place>,
}

impl Seat {
    fn new(rule: &Rule, ask: &Ask, times: NonZeroU32) -> Self {
        Self {
            bucket: rule.bucket,
            key: ask.key,
            operation: ask.operation,
            weight: rule.bucket.weight(ask.cost, times),
            spot: Spot::Crowd,
            tat: 0,
            short: 0,
            is_refused: false,
            before: None,
        }
    }

    /// Finds the place of the ask with this index, and how its bucket stands.
    fn find(&mut self, table: &Table, sets: &Sets, terms: &Terms<'_>, index: usize) {
        self.spot = table.find(sets, self.key, terms.now);
        let floor = terms.floors.get(index).copied().unwrap_or(0);
        self.tat = sets.tat(self.spot).max(floor);
    }

    fn do_certainly(&mut self, sets: &mut Sets, now: u64) {
        let is_crowded = matches!(self.spot, Spot::Crowd);
        let next = match self.operation {
            Operation::Force => self.bucket.forced(self.weight, self.tat, now),
            // What is shared for want of room was charged by others too, and what is gone is full.
            _ if is_crowded || self.tat <= now => return,
            Operation::Refund => Bucket::refunded(self.weight, self.tat),
            _ => 0,
        };
        sets.overflowed += u64::from(is_crowded);
        if next > now || !matches!(self.spot, Spot::Free(_)) {
            sets.charge(self.spot, self.key, next);
        }
        self.tat = next;
    }

    /// Says whether there is enough; if so, and all others pass so far, it is charged for now.
    fn decide(&mut self, sets: &mut Sets, now: u64, passes: bool) {
        self.short = self.bucket.short(self.weight, self.tat, now);
        self.is_refused = self.short > self.operation.patience();
        let is_charge = matches!(self.operation, Operation::Charge { .. });
        if passes && is_charge && !self.is_refused && self.weight > 0 {
            self.before = Some(sets.place(self.spot));
            self.tat = Bucket::charged(self.weight, self.tat, now);
            sets.charge(self.spot, self.key, self.tat);
        }
    }

    /// Nobody refused.
    fn settle(&self, sets: &mut Sets) {
        if self.before.is_some() && matches!(self.spot, Spot::Crowd) {
            sets.overflowed += 1;
        }
    }

    fn standing(&self, now: u64) -> Standing {
        let seen = Seen {
            short: self.short,
            is_refused: self.is_refused,
            is_crowded: matches!(self.spot, Spot::Crowd),
        };
        seen.standing(self.bucket.level(self.tat, now), self.operation)
    }
}

/// What an ask met.
pub(crate) struct Seen {
    pub(crate) short: u64,
    pub(crate) is_refused: bool,
    pub(crate) is_crowded: bool,
}

impl Seen {
    pub(crate) fn standing(&self, level: Level, operation: Operation) -> Standing {
        let waits = self.is_refused || operation.patience() > 0;
        Standing {
            is_refused: self.is_refused,
            is_crowded: self.is_crowded,
            remaining: level.remaining,
            wait: if waits {
                Duration::from_nanos(self.short)
            } else {
                level.next
            },
            full_in: level.full_in,
        }
    }
}

impl Operation {
    /// Charges when there is enough now.
    pub const CHARGE: Self = Self::Charge {
        patience: Duration::ZERO,
    };

    /// Whether it is done in any case.
    pub(crate) const fn is_certain(self) -> bool {
        matches!(self, Self::Force | Self::Refund | Self::Clear)
    }

    /// In nanoseconds.
    pub(crate) fn patience(self) -> u64 {
        match self {
            Self::Charge { patience } => nanoseconds(patience),
            _ => 0,
        }
    }
}

/// What is done in any case.
pub(crate) fn certain(asks: &[Ask]) -> SmallVec<[Ask; INLINE]> {
    asks.iter().filter(|ask| ask.operation.is_certain()).copied().collect()
}

/// So many asks need no memory of their own.
const INLINE: usize = 16;
