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
    let (mut guards, mut seats) = (Guards::new(), Seats::new());
    lock(rules, asks, terms, &mut guards, &mut seats);
    let mut round = Round {
        rules,
        asks,
        terms,
        guards: &mut guards,
        seats: &mut seats,
    };
    let passes = round.charge();
    // What is told is worked out when others may go on.
    guards.clear();
    let standing = |(ask, (_, seat)): (&Ask, &(usize, Seat<'_>))| seat.standing(&rules[ask.limit], ask, terms.now);
    Taken {
        passes,
        standings: asks.iter().zip(&seats).map(standing).collect(),
    }
}

fn charge_one(rule: &Rule, ask: &Ask, terms: &Terms<'_>) -> Taken {
    let mut seat = Seat::new(rule, ask, terms);
    let mut sets = seat.table.lock_for(ask.key);
    seat.find(&sets, ask.key, terms, 0);
    if ask.operation.is_certain() {
        seat.do_certainly(&mut sets, rule.bucket, ask, terms.now);
    } else {
        seat.decide(&mut sets, rule.bucket, ask, terms.now, true);
        seat.settle(&mut sets);
    }
    drop(sets);
    Taken {
        passes: !seat.is_refused,
        standings: Standings::from(seat.standing(rule, ask, terms.now)),
    }
}

/// The locks of one request.
type Guards<'a> = SmallVec<[MutexGuard<'a, Sets>; INLINE]>;

/// For each ask which of the locks is its own, and where it stands.
type Seats<'a> = SmallVec<[(usize, Seat<'a>); INLINE]>;

/// Takes the locks in the order of the tables' addresses, which is the same for all who share them. What it fills is large,
/// and stays where it is.
fn lock<'a>(rules: &'a [Rule], asks: &[Ask], terms: &Terms<'_>, guards: &mut Guards<'a>, seats: &mut Seats<'a>) {
    let mut order: SmallVec<[_; INLINE]> = SmallVec::new();
    for (index, ask) in asks.iter().enumerate() {
        let rule = &rules[ask.limit];
        let seat = Seat::new(rule, ask, terms);
        let shard = seat.table.shard(ask.key);
        order.push((Arc::as_ptr(&rule.tables).addr(), shard, index));
        seats.push((0, seat));
    }
    order.sort_unstable();
    let mut last = None;
    for &(address, shard, index) in &order {
        let (guard, seat) = &mut seats[index];
        if last != Some((address, shard)) {
            guards.push(seat.table.lock(shard));
            last = Some((address, shard));
        }
        *guard = guards.len() - 1;
    }
}

/// One request, with all that it asks locked.
struct Round<'a, 'b> {
    rules: &'a [Rule],
    asks: &'a [Ask],
    terms: &'a Terms<'a>,
    guards: &'b mut [MutexGuard<'a, Sets>],
    seats: &'b mut [(usize, Seat<'a>)],
}

impl Round<'_, '_> {
    /// What is done in any case first, then what all have to agree on.
    fn charge(&mut self) -> bool {
        let (asks, now, mut passes) = (self.asks, self.terms.now, true);
        let certain = |ask: &Ask| ask.operation.is_certain();
        for (index, ask) in asks.iter().enumerate().filter(|(_, ask)| certain(ask)) {
            let bucket = self.find(index);
            let (guard, seat) = &mut self.seats[index];
            seat.do_certainly(&mut self.guards[*guard], bucket, ask, now);
        }
        for (index, ask) in asks.iter().enumerate().filter(|(_, ask)| !certain(ask)) {
            let bucket = self.find(index);
            let (guard, seat) = &mut self.seats[index];
            seat.decide(&mut self.guards[*guard], bucket, ask, now, passes);
            passes &= !seat.is_refused;
        }
        if passes {
            for (guard, seat) in &*self.seats {
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

    #[inline]
    fn find(&mut self, index: usize) -> Bucket {
        let ask = &self.asks[index];
        let (guard, seat) = &mut self.seats[index];
        seat.find(&self.guards[*guard], ask.key, self.terms, index);
        self.rules[ask.limit].bucket
    }
}

/// Where one ask stands.
struct Seat<'a> {
    table: &'a Table,
    weight: u64,
    spot: Spot,
    tat: u64,
    short: u64,
    is_refused: bool,
    /// What stood there before it was charged, if it was.
    before: Option<Place>,
}

impl<'a> Seat<'a> {
    fn new(rule: &'a Rule, ask: &Ask, terms: &Terms<'_>) -> Self {
        Self {
            table: (terms.table)(&rule.tables),
            weight: rule.bucket.weight(ask.cost, terms.times),
            spot: Spot::Crowd,
            tat: 0,
            short: 0,
            is_refused: false,
            before: None,
        }
    }

    /// Finds the place of the ask with this index, and how its bucket stands.
    fn find(&mut self, sets: &Sets, key: Key, terms: &Terms<'_>, index: usize) {
        self.spot = self.table.find(sets, key, terms.now);
        let floor = terms.floors.get(index).copied().unwrap_or(0);
        self.tat = sets.tat(self.spot).max(floor);
    }

    fn do_certainly(&mut self, sets: &mut Sets, bucket: Bucket, ask: &Ask, now: u64) {
        let is_crowded = matches!(self.spot, Spot::Crowd);
        let next = match ask.operation {
            Operation::Force => bucket.forced(self.weight, self.tat, now),
            // What is shared for want of room was charged by others too, and what is gone is full.
            _ if is_crowded || self.tat <= now => return,
            Operation::Refund => Bucket::refunded(self.weight, self.tat),
            _ => 0,
        };
        sets.overflowed += u64::from(is_crowded);
        if next > now || !matches!(self.spot, Spot::Free(_)) {
            sets.charge(self.spot, ask.key, next);
        }
        self.tat = next;
    }

    /// Says whether there is enough; if so, and all others pass so far, it is charged for now.
    fn decide(&mut self, sets: &mut Sets, bucket: Bucket, ask: &Ask, now: u64, passes: bool) {
        self.short = bucket.short(self.weight, self.tat, now);
        self.is_refused = self.short > 0 && self.short > ask.operation.patience();
        let is_charge = matches!(ask.operation, Operation::Charge { .. });
        if passes && is_charge && !self.is_refused && self.weight > 0 {
            self.tat = Bucket::charged(self.weight, self.tat, now);
            self.before = Some(sets.charge(self.spot, ask.key, self.tat));
        }
    }

    /// Nobody refused.
    fn settle(&self, sets: &mut Sets) {
        if self.before.is_some() && matches!(self.spot, Spot::Crowd) {
            sets.overflowed += 1;
        }
    }

    fn standing(&self, rule: &Rule, ask: &Ask, now: u64) -> Standing {
        let seen = Seen {
            short: self.short,
            is_refused: self.is_refused,
            is_crowded: matches!(self.spot, Spot::Crowd),
        };
        seen.standing(rule.bucket.level(self.tat, now), ask.operation)
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
        let waits = self.is_refused || !operation.is_impatient();
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

    /// Whether it would not wait at all.
    const fn is_impatient(self) -> bool {
        !matches!(self, Self::Charge { patience } if !patience.is_zero())
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
