//! Where counts are kept: a table whose size is fixed when it is made, whoever comes.
//!
//! # Bounds
//!
//! A table takes 16 bytes a place and not one more, ever: eight for a mark (48 bits of the key's hash, so the table holds no
//! addresses, and 16 that say when the shared store was heard about it) and eight for the theoretical arrival time. The
//! memory is taken page by page (4 KiB) as keys come, because most tables of a vendor with thousands of tenants are empty.
//! Two live keys share a count when they fall into the same set and their marks agree: a probability of 2⁻⁴⁸ for each pair
//! in a set. As keys are SipHash with a secret, nobody can look for such a pair, nor choose where a key falls.
//!
//! # What happens when it is full
//!
//! The table is 16 shards, each a lock around pages of 32 sets of eight places. A key may stand in two sets of its page,
//! and a new key goes to the one with more room (Azar, Broder, Karlin and Upfal, *Balanced allocations*, 1994). That is why
//! a table of the default size that is three quarters full turns away less than one key in a thousand (one in 4,000 on
//! average), and one that is two thirds full less than one in 10,000. A check looks at sixteen places at most:
//!
//! 1. A key that is there is used where it is.
//! 2. A new key takes a place that is free, or whose bucket has filled up again: such a state is the same as none.
//! 3. A live key is never moved out, so nobody's count is reset by a flood.
//! 4. A new key that finds sixteen live ones has no place of its own. All such keys of a shard share one bucket with the
//!    rate of a single key, so that together they get what 16 keys would get. Nothing is given back to that bucket.
//!
//! Nothing is swept in the background: a place is reclaimed when somebody needs it.

#[cfg(test)]
mod tests;

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::{Key, Room, TableSize};

/// The tables of one limit.
pub(crate) struct Tables {
    /// What is counted here; with a shared store, what it said last.
    pub(crate) known: Table,
    /// What was counted here while the store was away, and it has not been told.
    apart: OnceLock<Table>,
    room: Room,
}

impl Tables {
    pub(crate) fn with_room(room: Room) -> Self {
        Self {
            known: Table::with_room(room),
            apart: OnceLock::new(),
            room,
        }
    }

    /// The counts that the store has not been told, made when the store is away for the first time.
    pub(crate) fn apart(&self) -> &Table {
        self.apart.get_or_init(|| Table::with_room(self.room))
    }

    /// The same, if there are any.
    pub(crate) fn apart_if_any(&self) -> Option<&Table> {
        self.apart.get()
    }

    pub(crate) fn size<'a>(&self, limit: &'a str) -> TableSize<'a> {
        let all = || std::iter::once(&self.known).chain(self.apart.get());
        TableSize {
            limit,
            places: self.known.places(),
            bytes: all().map(Table::bytes).sum(),
            overflowed: all().map(Table::overflowed).sum(),
        }
    }
}

/// Counts of one limit.
pub(crate) struct Table {
    shards: Box<[Shard]>,
    layout: Layout,
}

impl Table {
    fn with_room(room: Room) -> Self {
        let (shards, layout) = match room {
            Room::For(keys) => (SHARDS, Layout::with_room_for(keys)),
            Room::One => (1, Layout { pages: 0, sets: 0 }),
        };
        Self {
            shards: (0..shards).map(|_| Shard::new(layout)).collect(),
            layout,
        }
    }

    /// The shard that a key falls into.
    pub(crate) fn shard(&self, key: Key) -> usize {
        // There is a power of two of them, at most sixteen.
        (high(key) >> 60) as usize & (self.shards.len() - 1)
    }

    pub(crate) fn lock(&self, shard: usize) -> MutexGuard<'_, Sets> {
        self.shards[shard].lock()
    }

    /// The shard of a key, locked.
    pub(crate) fn lock_for(&self, key: Key) -> MutexGuard<'_, Sets> {
        self.lock(self.shard(key))
    }

    /// Where a key stands, in the locked sets of its shard.
    #[inline]
    pub(crate) fn find(&self, sets: &Sets, key: Key, now: u64) -> Spot {
        if self.layout.pages == 0 {
            return Spot::One;
        }
        let (page, one, other) = self.layout.sets_of(key);
        let there = sets.page(page);
        let of = |set: usize| there.get(set).unwrap_or(&NEVER_USED);
        let (in_one, in_other) = (of(one), of(other));
        let spot = |set: usize, way: usize| Way::new(page, set, way);
        let (known, known_other) = (in_one.known(tag(key)), in_other.known(tag(key)));
        if known < WAYS {
            return Spot::Known(spot(one, known));
        }
        if known_other < WAYS {
            return Spot::Known(spot(other, known_other));
        }
        let (room, other_room) = (in_one.room(now), in_other.room(now));
        let (set, room) = if other_room.count_ones() > room.count_ones() {
            (other, other_room)
        } else {
            (one, room)
        };
        match room {
            0 => Spot::Crowd,
            room => Spot::Free(spot(set, room.trailing_zeros() as usize)),
        }
    }

    /// How many keys have a place of their own when all are taken.
    pub(crate) fn places(&self) -> usize {
        self.shards.len() * (self.layout.pages * self.layout.sets) as usize * WAYS
    }

    /// The bytes of the places that there is memory for.
    pub(crate) fn bytes(&self) -> usize {
        let of_shard = |shard: &Shard| {
            let sets = shard.lock();
            sets.pages.iter().map(|page| size_of_val(&**page)).sum::<usize>()
        };
        self.shards.iter().map(of_shard).sum()
    }

    /// How many requests were charged to a bucket that is shared for want of room.
    pub(crate) fn overflowed(&self) -> u64 {
        self.shards.iter().map(|shard| shard.lock().overflowed).sum()
    }
}

/// How many pages of memory a shard has, and how many sets each of them.
#[derive(Clone, Copy)]
struct Layout {
    pages: u32,
    sets: u32,
}

impl Layout {
    /// Room for at least so many keys in all shards: as many whole sets, in pages that are all of one size.
    fn with_room_for(keys: u32) -> Self {
        let sets = keys.div_ceil((SHARDS * WAYS) as u32).max(1);
        let pages = sets.div_ceil(PAGE);
        Self {
            pages,
            sets: sets.div_ceil(pages),
        }
    }

    /// The page of a key, and its two sets there: close to each other, so that one page of memory is looked up and not two.
    fn sets_of(self, key: Key) -> (usize, usize, usize) {
        // Four bits have said the shard. Of the others 32 say the page, and the high ones of 28 and of 14 the sets.
        let bits = high(key);
        let scale = |bits: u64, to: u32| ((bits & 0xffff_ffff) * u64::from(to)) >> 32;
        let sets = u64::from(self.sets);
        let one = scale(bits << 4, self.sets);
        let other = one + 1 + scale(bits << 18, self.sets.saturating_sub(1));
        let other = if other < sets { other } else { other - sets };
        (scale(bits >> 28, self.pages) as usize, one as usize, other as usize)
    }
}

/// Where a key falls is said by one half of it.
const fn high(key: Key) -> u64 {
    (key.bits() >> 64) as u64
}

/// By what it is known is said by the other. The low bits of a mark are left free.
const fn tag(key: Key) -> u64 {
    key.bits() as u64 & !HEARD
}

/// The bits of a mark that say when the store was heard. They come round again after 2.4 hours, so that who asks then may be
/// refused for another second on what was heard before.
const HEARD: u64 = 0xffff;

/// Sixteen shards keep eight workers out of each other's way; more would only let more through when a table is full.
const SHARDS: usize = 16;
/// Places in a set: the marks of a set are one cache line and the times the next.
const WAYS: usize = 8;

/// On a cache line of its own, so that two workers in two shards do not slow each other down.
#[repr(align(64))]
struct Shard(Mutex<Sets>);

impl Shard {
    fn new(layout: Layout) -> Self {
        Self(Mutex::new(Sets {
            pages: Box::default(),
            layout,
            shared: NOBODY,
            overflowed: 0,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Sets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The counts of one shard, while they are locked.
pub(crate) struct Sets {
    /// All sets, page by page. None of a page is there before one of its places is charged, and no page before the first.
    pages: Box<[Box<[Set]>]>,
    layout: Layout,
    /// The bucket of those who have no place, or of all.
    shared: Place,
    /// How many requests were charged to it for want of a place.
    pub(crate) overflowed: u64,
}

impl Sets {
    /// The theoretical arrival time that stands there; zero for a key that is new.
    #[inline]
    pub(crate) fn tat(&self, spot: Spot) -> u64 {
        match spot {
            Spot::Known(way) => self.at(way).tat,
            Spot::Free(_) => 0,
            Spot::Crowd | Spot::One => self.shared.tat,
        }
    }

    /// Writes down the time of a key, and says what stood there before.
    #[inline]
    pub(crate) fn charge(&mut self, spot: Spot, key: Key, tat: u64) -> Place {
        let (mark, time) = match spot {
            Spot::Known(at) | Spot::Free(at) => self.at_mut(at),
            Spot::Crowd | Spot::One => (&mut self.shared.mark, &mut self.shared.tat),
        };
        let before = Place {
            mark: *mark,
            tat: *time,
        };
        *time = tat;
        if matches!(spot, Spot::Free(_)) {
            *mark = tag(key);
        }
        before
    }

    /// Writes down the time of a key, and when the store was heard about it.
    pub(crate) fn hear(&mut self, spot: Spot, key: Key, tat: u64, heard: u16) {
        let mark = tag(key) | u64::from(heard);
        self.put_back(spot, Place { mark, tat });
    }

    /// When the store was heard about the key.
    pub(crate) fn heard(&self, spot: Spot) -> u16 {
        (self.place(spot).mark & HEARD) as u16
    }

    fn place(&self, spot: Spot) -> Place {
        match spot {
            Spot::Known(way) | Spot::Free(way) => self.at(way),
            Spot::Crowd | Spot::One => self.shared,
        }
    }

    /// Writes down what stood there before.
    pub(crate) fn put_back(&mut self, spot: Spot, place: Place) {
        match spot {
            Spot::Known(at) | Spot::Free(at) => {
                let (mark, tat) = self.at_mut(at);
                (*mark, *tat) = (place.mark, place.tat);
            }
            Spot::Crowd | Spot::One => self.shared = place,
        }
    }

    fn at(&self, at: Way) -> Place {
        let (set, way) = (self.page(at.page()).get(at.set()), at.way());
        set.map_or(NOBODY, |set| Place {
            mark: set.marks[way],
            tat: set.tats[way],
        })
    }

    #[inline]
    fn at_mut(&mut self, at: Way) -> (&mut u64, &mut u64) {
        let (set, way) = (&mut self.page_mut(at.page())[at.set()], at.way());
        (&mut set.marks[way], &mut set.tats[way])
    }

    /// The sets of a page; none before the first is used.
    fn page(&self, page: usize) -> &[Set] {
        self.pages.get(page).map_or(&[], |page| &**page)
    }

    fn page_mut(&mut self, page: usize) -> &mut [Set] {
        if self.pages.is_empty() {
            self.pages = vec![Box::default(); self.layout.pages as usize].into_boxed_slice();
        }
        let page = &mut self.pages[page];
        if page.is_empty() {
            *page = vec![NEVER_USED; self.layout.sets as usize].into_boxed_slice();
        }
        page
    }
}

/// Sets in a page of memory: 4 KiB.
const PAGE: u32 = 32;

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spot {
    /// It is there.
    Known(Way),
    /// It can be.
    Free(Way),
    /// With all that have no place.
    Crowd,
    /// With all, by intention.
    One,
}

/// Which page of the shard, which set of the page, and which place in it. One number, because a processor that reads at once
/// what it has just written in pieces has to wait: three bits for the place, five for the set, and the page above them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way(u32);

impl Way {
    /// The most keys that a table can be asked to have room for are 2³², in 2²⁰ pages of each shard.
    const fn new(page: usize, set: usize, way: usize) -> Self {
        Self((page as u32) << 8 | (set as u32) << 3 | way as u32)
    }

    const fn page(self) -> usize {
        (self.0 >> 8) as usize
    }

    const fn set(self) -> usize {
        (self.0 >> 3) as usize % PAGE as usize
    }

    const fn way(self) -> usize {
        self.0 as usize % WAYS
    }
}

/// What stands in one place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    mark: u64,
    tat: u64,
}

const NOBODY: Place = Place { mark: 0, tat: 0 };

/// Eight places. A mark is zero in a place never used, and its time is too, which has always passed. Processors fetch two
/// lines that are aligned like this together.
#[derive(Clone, Copy)]
#[repr(align(128))]
struct Set {
    marks: [u64; WAYS],
    tats: [u64; WAYS],
}

static NEVER_USED: Set = Set {
    marks: [0; WAYS],
    tats: [0; WAYS],
};

impl Set {
    /// The place of a key, or past the last.
    fn known(&self, tag: u64) -> usize {
        let mut found = WAYS;
        for (way, mark) in self.marks.iter().enumerate() {
            found = if mark & !HEARD == tag { way } else { found };
        }
        found
    }

    /// The places that are free or full again, a bit for each.
    fn room(&self, now: u64) -> u8 {
        let mut room = 0;
        for (way, tat) in self.tats.iter().enumerate() {
            room |= u8::from(*tat <= now) << way;
        }
        room
    }
}
