//! Who is logged in, as far as it is known: a table of the numbers of sessions, whose size is bounded whoever comes. The clock
//! is passed in.
//!
//! # What happens when it is full
//!
//! The table is a convenience, not the judge of last resort: that is the time in the seal, which an answer renews each time a
//! quarter of the idle limit has passed. A number that has no place in the table is idle by its seal; a number that has one is
//! idle by when it was last seen, which is never earlier. So having no place never lengthens a session: there is nothing to be
//! gained by a flood that fills the table, and no lease to be had by being moved out of it.
//!
//! 1. A number that is there is never moved out while it lives, save one without an account for one that has just logged in.
//! 2. A new number takes a free place, or that of one that has ended; a shard is looked through for those once a second.
//! 3. One that finds no place is judged by its seal, is not listed, and is not found by the name of its account.
//!
//! Numbers that were ended before their time are kept until every cookie with them would be idle by its seal. When there are
//! more than there is room for, the oldest are forgotten and a floor is raised instead: whatever has no place in the table and
//! was sealed before it has ended. So what was ended stays ended, at the price that others may end early.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rempart_guard::{EdgeSession, SessionId};

use crate::ended::{Ended, Why};
use crate::moment::{Moment, is_before, moment};
use crate::place::{Moved, Place};
use crate::policy::Role;
use crate::revocation::Teller;
use crate::writer::Writer;

/// The sessions of one tenant, shared by its workers.
pub(crate) struct Table {
    shards: Box<[Mutex<Shard>]>,
    /// What began before has ended.
    pub(crate) all: AtomicU64,
    /// What has no place and was sealed before has ended.
    pub(crate) floor: AtomicU64,
    /// Since when sessions are watched: nobody is idle by a time before.
    pub(crate) watched: AtomicU64,
    /// When the table was made.
    pub(crate) started: Moment,
    /// Since when every session that came back has had a place: of those, what is not known of them is not so.
    whole: AtomicU64,
    /// Whether there was ever a cookie beside a session: else none ends with one.
    pub(crate) has_beside: AtomicBool,
    /// Whether something that must last was changed since it was last kept.
    pub(crate) changed: AtomicBool,
    /// Taken by whoever ends or renews sessions, one at a time; no plain request does.
    marks: Mutex<Marks>,
    /// Who tells other nodes.
    pub(crate) teller: OnceLock<Teller>,
}

/// What of the policy a session is measured by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) idle: u64,
    pub(crate) absolute: u64,
    /// Under `report` nothing ends, so a session that would have is told once and goes on.
    pub(crate) is_enforced: bool,
}

/// A number that was shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a> {
    pub(crate) session: &'a EdgeSession,
    pub(crate) role: Role,
    /// The number of the session that came with it, or its own.
    pub(crate) with: SessionId,
    pub(crate) place: Place,
}

/// One session that lives.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) began: Moment,
    pub(crate) seen: Moment,
    pub(crate) role: Role,
    /// The session that it ends with.
    pub(crate) with: SessionId,
    pub(crate) account: Option<Arc<str>>,
    pub(crate) place: Place,
    /// When it was last told that it moved.
    pub(crate) moved: Moment,
    /// Whether it was told, under `report`, that it would have expired.
    pub(crate) told: bool,
}

/// A number that was ended before its time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dead {
    pub(crate) at: Moment,
    pub(crate) why: Why,
}

/// What ends sessions whose numbers need not be known.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// Sessions of the account that began before.
    pub(crate) accounts: BTreeMap<Arc<str>, Moment>,
}

/// What became of an account that an answer has named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Learned {
    /// It was known.
    Nothing,
    /// Nobody knows what was known of it before: it is older than the table, or had no place in it.
    Again,
    /// Somebody has logged in: the session had no account, or another.
    Login,
    /// The account's sessions were ended, and this one is one of them.
    Killed,
}

impl Table {
    pub(crate) fn new(now: Moment) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            all: AtomicU64::new(0),
            floor: AtomicU64::new(0),
            watched: AtomicU64::new(now),
            started: now,
            whole: AtomicU64::new(now),
            has_beside: AtomicBool::new(false),
            changed: AtomicBool::new(true),
            marks: Mutex::default(),
            teller: OnceLock::new(),
        }
    }

    /// Judges a session that was shown, and notes that it was seen.
    pub(crate) fn judge(&self, shown: Shown<'_>, limits: Limits, now: Moment) -> Result<Option<Moved>, Ended> {
        let EdgeSession { id, sealed, began, .. } = shown.session;
        let (sealed, began) = (moment(*sealed), moment(*began));
        let mut shard = self.shard(*id);
        if let Some(dead) = shard.dead.get(id) {
            return Err(dead.why.ended(dead.at, now));
        }
        if is_before(began, self.all.load(Ordering::Acquire)) {
            shard.live.remove(id);
            return Err(Ended::Killed);
        }
        self.note_role(shown.role);
        let known = shard.live.get(id).map(|entry| (entry.seen, entry.told));
        if known.is_none() && sealed <= self.floor.load(Ordering::Acquire) {
            return Err(Ended::Idle(now.saturating_sub(sealed)));
        }
        let (seen, told) = known.unwrap_or_default();
        let ended = self.ended(began, seen.max(sealed), limits, now);
        let ended = ended.filter(|ended| limits.is_enforced || !(told && matches!(ended, Ended::Expired(_))));
        if limits.is_enforced
            && let Some(ended) = ended
        {
            shard.live.remove(id);
            return Err(ended);
        }
        let moved = shard.see(shown, began, limits, now);
        if known.is_none() && !shard.live.contains_key(id) {
            self.whole.fetch_max(now, Ordering::AcqRel);
        }
        match ended {
            Some(ended) => {
                let entry = shard.live.get_mut(id);
                entry
                    .into_iter()
                    .for_each(|entry| entry.told |= matches!(ended, Ended::Expired(_)));
                Err(ended)
            }
            None => Ok(moved),
        }
    }

    /// Whether a limit in time has passed.
    pub(crate) fn ended(&self, began: Moment, last: Moment, limits: Limits, now: Moment) -> Option<Ended> {
        let age = now.saturating_sub(began);
        // While nothing is enforced no seal is renewed, and its time says nothing.
        let watched = match limits.is_enforced {
            true => self.watched.load(Ordering::Relaxed),
            false => self.started,
        };
        let rest = now.saturating_sub(last.max(watched));
        match (age > limits.absolute, rest > limits.idle) {
            (true, _) => Some(Ended::Expired(age)),
            (false, true) => Some(Ended::Idle(rest)),
            (false, false) => None,
        }
    }

    /// Whether a number was ended while a request with it was under way.
    pub(crate) fn was_ended(&self, id: SessionId, began: Moment) -> bool {
        self.shard(id).dead.contains_key(&id) || is_before(began, self.all.load(Ordering::Acquire))
    }

    /// Notes whose session it is.
    pub(crate) fn learn(&self, id: SessionId, began: Moment, account: &Arc<str>) -> Learned {
        let is_listed = match self.shard(id).live.get(&id) {
            None => false,
            Some(entry) if entry.account.as_ref() == Some(account) => return Learned::Nothing,
            Some(entry) if entry.account.is_some() => return Learned::Login,
            Some(_) => true,
        };
        if is_listed && began / 1_000 >= self.whole.load(Ordering::Acquire) / 1_000 {
            // It was nobody's so far.
            return Learned::Login;
        }
        let mark = self.marks().accounts.get(account).copied();
        if mark.is_some_and(|mark| is_before(began, mark)) {
            return Learned::Killed;
        }
        self.own(id, account);
        Learned::Again
    }

    /// Whose session it is, when that is known and it was not ended from outside.
    pub(crate) fn account(&self, id: SessionId) -> Option<Arc<str>> {
        let shard = self.shard(id);
        let entry = shard.live.get(&id)?;
        let is_over = is_before(entry.began, self.all.load(Ordering::Acquire));
        entry.account.clone().filter(|_| !is_over)
    }

    /// Notes whose session it is, whatever was known.
    pub(crate) fn own(&self, id: SessionId, account: &Arc<str>) {
        let mut shard = self.shard(id);
        let entry = shard.live.get_mut(&id);
        entry
            .into_iter()
            .for_each(|entry| entry.account = Some(Arc::clone(account)));
    }

    /// To end and to renew sessions: nobody else does meanwhile.
    pub(crate) fn writer(&self) -> Writer<'_> {
        Writer::new(self, self.marks())
    }

    /// Every session that lives.
    pub(crate) fn each_live(&self, limits: Limits, now: Moment, mut each: impl FnMut(SessionId, &Entry)) {
        let all = self.all.load(Ordering::Acquire);
        for shard in &self.shards {
            let shard = lock(shard);
            let live = shard.live.iter().filter(|(_, entry)| {
                !is_before(entry.began, all) && self.ended(entry.began, entry.seen, limits, now).is_none()
            });
            live.for_each(|(id, entry)| each(*id, entry));
        }
    }

    /// Every number that was ended before its time.
    pub(crate) fn each_dead(&self, mut each: impl FnMut(SessionId, Dead)) {
        for shard in &self.shards {
            lock(shard).dead.iter().for_each(|(id, dead)| each(*id, *dead));
        }
    }

    pub(crate) fn marks(&self) -> MutexGuard<'_, Marks> {
        lock(&self.marks)
    }

    pub(crate) fn shard(&self, id: SessionId) -> MutexGuard<'_, Shard> {
        lock(&self.shards[usize::from(id.0[15]) % SHARDS])
    }

    /// Ends whatever has no place and was sealed up to then.
    pub(crate) fn raise(&self, floor: Option<Moment>) {
        if let Some(floor) = floor {
            self.floor.fetch_max(floor, Ordering::AcqRel);
        }
    }

    pub(crate) fn note_role(&self, role: Role) {
        if role == Role::Beside && !self.has_beside.load(Ordering::Relaxed) {
            self.has_beside.store(true, Ordering::Release);
        }
    }

    pub(crate) fn note_change(&self) {
        self.changed.store(true, Ordering::Release);
    }
}

/// A part of the table under a lock of its own, so that workers seldom wait for each other.
#[derive(Default)]
pub(crate) struct Shard {
    pub(crate) live: HashMap<SessionId, Entry, Numbers>,
    pub(crate) dead: HashMap<SessionId, Dead, Numbers>,
    swept: Moment,
}

impl Shard {
    /// Notes that a session was seen, and where.
    fn see(&mut self, shown: Shown<'_>, began: Moment, limits: Limits, now: Moment) -> Option<Moved> {
        let id = shown.session.id;
        if let Some(entry) = self.live.get_mut(&id) {
            entry.seen = entry.seen.max(now);
            entry.with = shown.with;
            let moved = entry.place.moves_to(shown.place);
            let is_news = moved.is_some() && now >= entry.moved.saturating_add(MOVES_APART);
            if is_news {
                entry.moved = now;
            }
            return moved.filter(|_| is_news);
        }
        let entry = Entry {
            began,
            seen: now,
            role: shown.role,
            with: shown.with,
            account: None,
            place: shown.place,
            moved: 0,
            told: false,
        };
        self.enter(id, entry, limits, now);
        None
    }

    /// Gives a number a place, when there is one.
    pub(crate) fn enter(&mut self, id: SessionId, entry: Entry, limits: Limits, now: Moment) {
        if self.live.len() >= LIVE && now >= self.swept.saturating_add(SWEEPS_APART) {
            self.swept = now;
            let has_ended = |entry: &Entry| {
                now.saturating_sub(entry.seen) > limits.idle || now.saturating_sub(entry.began) > limits.absolute
            };
            self.live.retain(|_, entry| !has_ended(entry));
        }
        if self.live.len() >= LIVE && entry.account.is_some() {
            let stranger = self.live.iter().find(|(_, entry)| entry.account.is_none());
            let stranger = stranger.map(|(id, _)| *id);
            stranger.and_then(|id| self.live.remove(&id));
        }
        if self.live.len() < LIVE {
            self.live.insert(id, entry);
        }
    }

    /// Keeps a number as one that was ended. What has to be forgotten for it gives the floor that takes its place.
    pub(crate) fn bury(&mut self, id: SessionId, dead: Dead, limits: Limits, now: Moment) -> Option<Moment> {
        self.live.remove(&id);
        let mut floor = None;
        if self.dead.len() >= DEAD {
            let kept = limits.idle.saturating_add(MARGIN);
            let is_past = |dead: &Dead| now.saturating_sub(dead.at) > kept;
            floor = self
                .dead
                .values()
                .filter(|dead| is_past(dead))
                .map(|dead| dead.at)
                .max();
            self.dead.retain(|_, dead| !is_past(dead));
        }
        if self.dead.len() >= DEAD {
            let mut ages: Vec<Moment> = self.dead.values().map(|dead| dead.at).collect();
            ages.sort_unstable();
            // Some at once, so that not every one that is ended looks through all of them.
            let last = ages[DEAD / 8];
            self.dead.retain(|_, dead| dead.at > last);
            floor = floor.max(Some(last));
        }
        self.dead.insert(id, dead);
        floor
    }
}

/// Numbers of sessions are random, and nobody chooses one: they are their own hash.
#[derive(Default)]
pub(crate) struct OwnHash(u64);

pub(crate) type Numbers = BuildHasherDefault<OwnHash>;

impl Hasher for OwnHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let (first, rest) = bytes.split_first_chunk().unwrap_or((&[0; 8], bytes));
        self.0 ^= u64::from_le_bytes(*first) ^ rest.len() as u64;
    }

    fn write_usize(&mut self, _: usize) {}
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sixteen keep eight workers out of each other's way.
pub(crate) const SHARDS: usize = 16;
/// Sessions in a shard: 65,536 in all.
pub(crate) const LIVE: usize = 4_096;
/// Numbers in a shard that were ended before their time: 16,384 in all.
pub(crate) const DEAD: usize = 1_024;
/// A cookie may still be sealed by a worker while its number is ended by another.
pub(crate) const MARGIN: u64 = 60_000;
const SWEEPS_APART: u64 = 1_000;
/// A session that is used at two places tells so once in a while and not at each request.
const MOVES_APART: u64 = 60_000;
