//! Where counts are kept: a table whose size is fixed when it is made, whoever comes.
//!
//! # Bounds
//!
//! A table with room for *n* keys takes 16 bytes a key and not one more, ever: eight for a tag (64 bits of a keyed hash of
//! the key, so the table holds no addresses) and eight for the theoretical arrival time. The memory is reserved at once
//! and touched as keys come. Two live keys share a tag, and so a count, with a probability of 2⁻⁶⁴ for each pair; as the
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
            self.find(&sets.words, tag, hash, now)
        };
        Place { sets, tag, spot }
    }

    /// How many keys have a place of their own when all are taken.
    pub(crate) fn places(&self) -> usize {
        self.shards.len() * self.sets_per_shard as usize * WAYS
    }

    /// The bytes of all places.
    pub(crate) fn bytes(&self) -> usize {
        self.shards.iter().map(|shard| size_of_val(&*shard.lock().words)).sum()
    }

    /// How many requests were charged to a bucket that is shared for want of room.
    pub(crate) fn overflowed(&self) -> u64 {
        self.shards.iter().map(|shard| shard.lock().overflowed).sum()
    }

    fn find(&self, words: &[u64], tag: u64, hash: u64, now: u64) -> Spot {
        let one = Set::at(words, self.scale(hash >> 30));
        if let Some(known) = one.known(tag) {
            return known;
        }
        let other = Set::at(words, self.scale(hash));
        if let Some(known) = other.known(tag) {
            return known;
        }
        let (one, other) = (one.room(now), other.room(now));
        match if other.count > one.count {
            other.first
        } else {
            one.first
        } {
            Some(index) => Spot::Free(index),
            None => Spot::Shared,
        }
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
            Spot::Known(index) => self.sets.words[index + WAYS],
            Spot::Free(_) => 0,
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
            Spot::Known(index) | Spot::Free(index) => {
                self.sets.words[index] = self.tag;
                self.sets.words[index + WAYS] = tat;
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
        let words = vec![0; sets as usize * 2 * WAYS].into_boxed_slice();
        Self(Mutex::new(Sets {
            words,
            shared: 0,
            overflowed: 0,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Sets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Sets {
    /// Set after set: eight tags (zero for a place never used), then eight times.
    words: Box<[u64]>,
    /// The time of the bucket of those who have no place.
    shared: u64,
    overflowed: u64,
}

/// Where a key stands: an index is that of its tag.
#[derive(Clone, Copy)]
enum Spot {
    Known(usize),
    Free(usize),
    Shared,
}

struct Set<'a> {
    start: usize,
    tags: &'a [u64],
    tats: &'a [u64],
}

struct Room {
    count: usize,
    first: Option<usize>,
}

impl<'a> Set<'a> {
    fn at(words: &'a [u64], set: usize) -> Self {
        let start = set * 2 * WAYS;
        let (tags, tats) = words[start..start + 2 * WAYS].split_at(WAYS);
        Self { start, tags, tats }
    }

    fn known(&self, tag: u64) -> Option<Spot> {
        self.tags
            .iter()
            .position(|there| *there == tag)
            .map(|way| Spot::Known(self.start + way))
    }

    /// The places that are free or full again. A place never used has the time zero, which has always passed.
    fn room(&self, now: u64) -> Room {
        let mut room = Room { count: 0, first: None };
        for way in (0..WAYS).rev().filter(|way| self.tats[*way] <= now) {
            room = Room {
                count: room.count + 1,
                first: Some(self.start + way),
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
        assert_eq!((table.places(), table.bytes()), (65_536, 1_048_576));
        charge(&table, &hasher, 0..1_000_000);
        assert_eq!((table.places(), table.bytes()), (65_536, 1_048_576));
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
