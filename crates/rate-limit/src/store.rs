//! Where counts are kept: a table whose size is fixed when it is made, whoever comes.
//!
//! # Bounds
//!
//! A table with room for *n* keys takes 16 bytes a key and not one more, ever: eight for a tag (64 bits of a keyed hash of
//! the key, so the table holds no addresses) and eight for the theoretical arrival time. The memory is taken page by page
//! as keys come, because most tables of a vendor with thousands of tenants are empty. Two live keys share a tag, and so a count, with a probability of 2⁻⁶⁴ for each pair; as the
//! hash is SipHash with keys from the system, nobody can look for such a pair, nor choose where a key falls.
//!
//! # What happens when it is full
//!
//! The table is 16 shards, each a lock around sets of eight places. A key may stand in two sets of its shard, and a new
//! key goes to the one with more room (Azar, Broder, Karlin and Upfal, *Balanced allocations*, 1994). That is why a table
//! of the default size that is three quarters full turns away less than one key in a thousand. A check looks at sixteen
//! places at most:
//!
//! 1. A key that is there is used where it is.
//! 2. A new key takes a place that is free, or whose bucket has filled up again: such a state is the same as none.
//! 3. A live key is never moved out, so nobody's count is reset by a flood.
//! 4. A new key that finds sixteen live ones has no place of its own. All such keys of a shard share one bucket with the
//!    quota of a single client, so that together they get what 16 clients would get.
//!
//! Nothing is swept in the background: a place is reclaimed when somebody needs it.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The counts of one quota.
pub(crate) struct Table {
    shards: Box<[Shard]>,
    sets_per_shard: u64,
}

impl Table {
    /// A table with room for at least so many keys, rounded up to a multiple of 128.
    pub(crate) fn with_room_for(keys: u32) -> Self {
        let sets_per_shard = u64::from(keys).div_ceil((SHARDS * WAYS) as u64).max(1);
        Self {
            shards: (0..SHARDS).map(|_| Shard::with_sets(sets_per_shard)).collect(),
            sets_per_shard,
        }
    }

    /// A table without places: every key shares one bucket.
    pub(crate) fn shared() -> Self {
        Self {
            shards: std::iter::once(Shard::with_sets(0)).collect(),
            sets_per_shard: 0,
        }
    }

    /// The place of the key with this hash. Holds the lock of one shard until it is dropped.
    pub(crate) fn place(&self, hash: u64, now: u64) -> Place<'_> {
        let shard = (hash >> 60) as usize % self.shards.len();
        let sets = self.shards[shard].0.lock().unwrap_or_else(PoisonError::into_inner);
        let tag = hash.max(1);
        let spot = if self.sets_per_shard == 0 {
            Spot::Shared
        } else {
            self.find(&sets, tag, hash, now)
        };
        Place { sets, tag, spot }
    }

    /// How many keys have a place of their own when all are taken.
    pub(crate) fn places(&self) -> usize {
        self.shards.len() * self.sets_per_shard as usize * WAYS
    }

    /// The bytes of the places that there is memory for.
    pub(crate) fn bytes(&self) -> usize {
        let of_shard = |shard: &Shard| {
            shard
                .lock()
                .pages
                .iter()
                .map(|page| size_of_val(&**page))
                .sum::<usize>()
        };
        self.shards.iter().map(of_shard).sum()
    }

    /// How many requests were charged to a bucket that is shared for want of room.
    pub(crate) fn overflowed(&self) -> u64 {
        self.shards.iter().map(|shard| shard.lock().overflowed).sum()
    }

    fn find(&self, sets: &Sets, tag: u64, hash: u64, now: u64) -> Spot {
        let (one, other) = (self.scale(hash >> 30), self.scale(hash));
        for set in [one, other] {
            if let Some(way) = sets.at(set).known(tag) {
                return Spot::Known(set, way);
            }
        }
        let [in_one, in_other] = [one, other].map(|set| sets.at(set).room(now));
        let (set, room) = if in_other.count > in_one.count {
            (other, in_other)
        } else {
            (one, in_one)
        };
        room.first.map_or(Spot::Shared, |way| Spot::Free(set, way))
    }

    /// Thirty bits of the hash, spread evenly over the sets of a shard.
    fn scale(&self, bits: u64) -> usize {
        (((bits & ((1 << 30) - 1)) * self.sets_per_shard) >> 30) as usize
    }
}

/// A place in a table, held until it is dropped: nobody else can charge the same key meanwhile.
pub(crate) struct Place<'a> {
    sets: MutexGuard<'a, Sets>,
    tag: u64,
    spot: Spot,
}

impl Place<'_> {
    /// The theoretical arrival time that stands here; zero for a key that is new.
    pub(crate) fn tat(&self) -> u64 {
        match self.spot {
            Spot::Known(set, way) => self.sets.at(set).tats[way],
            Spot::Free(..) => 0,
            Spot::Shared => self.sets.shared,
        }
    }

    /// Whether the key has no place of its own.
    pub(crate) const fn is_shared(&self) -> bool {
        matches!(self.spot, Spot::Shared)
    }

    /// Writes the new time down and lets go.
    pub(crate) fn charge(mut self, tat: u64) {
        match self.spot {
            Spot::Known(set, way) | Spot::Free(set, way) => {
                let set = self.sets.at_mut(set);
                (set.tags[way], set.tats[way]) = (self.tag, tat);
            }
            Spot::Shared => {
                self.sets.shared = tat;
                self.sets.overflowed += 1;
            }
        }
    }
}

/// Sixteen shards keep eight workers out of each other's way; more would only let more through when a table is full.
const SHARDS: usize = 16;
/// Places in a set: the tags of a set are one cache line and the times the next.
const WAYS: usize = 8;

/// On a cache line of its own, so that two workers in two shards do not slow each other down.
#[repr(align(64))]
struct Shard(Mutex<Sets>);

impl Shard {
    fn with_sets(sets: u64) -> Self {
        Self(Mutex::new(Sets {
            pages: Box::default(),
            count: sets as usize,
            shared: 0,
            overflowed: 0,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Sets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Sets {
    /// All sets, page by page. None of a page is there before one of its places is charged, and no page before the first.
    pages: Box<[Box<[Set]>]>,
    count: usize,
    /// The time of the bucket of those who have no place.
    shared: u64,
    overflowed: u64,
}

impl Sets {
    fn at(&self, set: usize) -> &Set {
        let page = self.pages.get(set / PAGE);
        page.and_then(|page| page.get(set % PAGE)).unwrap_or(&NEVER_USED)
    }

    fn at_mut(&mut self, set: usize) -> &mut Set {
        if self.pages.is_empty() {
            self.pages = vec![Box::default(); self.count.div_ceil(PAGE)].into_boxed_slice();
        }
        let page = &mut self.pages[set / PAGE];
        if page.is_empty() {
            let before = set / PAGE * PAGE;
            *page = vec![NEVER_USED; PAGE.min(self.count - before)].into_boxed_slice();
        }
        &mut page[set % PAGE]
    }
}

/// Sets in a page of memory: 4 KiB.
const PAGE: usize = 32;

/// Where a key stands: which set, and which place in it.
#[derive(Clone, Copy)]
enum Spot {
    Known(usize, usize),
    Free(usize, usize),
    Shared,
}

/// Eight places. A tag is zero in a place never used, and its time is too, which has always passed.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Set {
    tags: [u64; WAYS],
    tats: [u64; WAYS],
}

const NEVER_USED: Set = Set {
    tags: [0; WAYS],
    tats: [0; WAYS],
};

struct Room {
    count: usize,
    first: Option<usize>,
}

impl Set {
    fn known(&self, tag: u64) -> Option<usize> {
        self.tags.iter().position(|there| *there == tag)
    }

    /// The places that are free or full again.
    fn room(&self, now: u64) -> Room {
        let mut room = Room { count: 0, first: None };
        for way in (0..WAYS).rev().filter(|way| self.tats[*way] <= now) {
            room = Room {
                count: room.count + 1,
                first: Some(way),
            };
        }
        room
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};

    use super::*;

    const LIVE: u64 = 1_000;

    /// Charges so many new keys that stay live, and counts those that found no place.
    fn fill(table: &Table, hasher: &RandomState, keys: std::ops::Range<u64>) -> usize {
        let places = keys.map(|key| table.place(hasher.hash_one(key), 0));
        places.filter(|place| place.is_shared()).count()
    }

    fn charge(table: &Table, hasher: &RandomState, keys: std::ops::Range<u64>) -> usize {
        let mut shared = 0;
        for key in keys {
            let place = table.place(hasher.hash_one(key), 0);
            shared += usize::from(place.is_shared());
            place.charge(LIVE);
        }
        shared
    }

    #[test]
    fn a_table_takes_sixteen_bytes_a_key_whoever_comes() {
        let (table, hasher) = (Table::with_room_for(65_536), RandomState::new());
        charge(&table, &hasher, 0..1_000_000);
        assert_eq!((table.places(), table.bytes()), (65_536, 1_048_576));
        charge(&table, &hasher, 1_000_000..2_000_000);
        assert_eq!((table.places(), table.bytes()), (65_536, 1_048_576));
    }

    #[test]
    fn a_table_that_nobody_comes_to_takes_nothing() {
        let (table, hasher) = (Table::with_room_for(65_536), RandomState::new());
        assert_eq!(fill(&table, &hasher, 0..1_000), 0);
        assert_eq!((table.places(), table.bytes()), (65_536, 0));
        charge(&table, &hasher, 0..1);
        assert_eq!(table.bytes(), 4_096);
        let odd = Table::with_room_for(128 * 33);
        charge(&odd, &hasher, 0..1_000_000);
        assert_eq!(odd.bytes(), 128 * 33 * 16, "its last pages are shorter");
    }

    #[test]
    fn a_table_three_quarters_full_turns_away_less_than_one_in_a_thousand() {
        let (table, hasher) = (Table::with_room_for(65_536), RandomState::new());
        let turned_away = charge(&table, &hasher, 0..49_152);
        assert!(turned_away < 49, "{turned_away} of 49152");
    }

    #[test]
    fn a_live_key_is_never_moved_out() {
        let (table, hasher) = (Table::with_room_for(1_024), RandomState::new());
        charge(&table, &hasher, 0..500);
        let has_place = |key: &u64| !table.place(hasher.hash_one(key), 0).is_shared();
        let held: Vec<_> = (0..500_u64).filter(has_place).collect();
        assert!(held.len() > 450);
        charge(&table, &hasher, 1_000..100_000);
        assert!(
            held.iter()
                .all(|key| has_place(key) && table.place(hasher.hash_one(key), 0).tat() == LIVE)
        );
        assert!(table.overflowed() > 90_000);
    }

    #[test]
    fn a_place_whose_bucket_is_full_again_is_given_to_the_next() {
        let (table, hasher) = (Table::with_room_for(128), RandomState::new());
        charge(&table, &hasher, 0..10_000);
        assert!(fill(&table, &hasher, 20_000..20_100) > 90, "full of live keys");
        let later = (20_000..20_100_u64).filter(|key| table.place(hasher.hash_one(key), LIVE).is_shared());
        assert_eq!(later.count(), 0);
    }

    #[test]
    fn a_place_that_is_not_charged_is_not_taken() {
        let (table, hasher) = (Table::with_room_for(128), RandomState::new());
        assert_eq!(fill(&table, &hasher, 0..10_000), 0);
    }

    #[test]
    fn a_table_without_places_is_one_bucket() {
        let (table, hasher) = (Table::shared(), RandomState::new());
        table.place(hasher.hash_one(1), 0).charge(LIVE);
        assert_eq!(table.place(hasher.hash_one(2), 0).tat(), LIVE);
        assert_eq!(table.bytes(), 0);
    }
}
