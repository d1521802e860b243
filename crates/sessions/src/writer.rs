use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};

use rempart_guard::SessionId;

use crate::ended::Why;
use crate::moment::{Moment, after, is_before};
use crate::place::Place;
use crate::policy::Role;
use crate::table::{Dead, Entry, Limits, Marks, Table};

/// Changes who is logged in, one after the other: logins, logouts, kills. A plain request waits for none of them but for the
/// few nanoseconds that its own number takes.
pub(crate) struct Writer<'a> {
    table: &'a Table,
    marks: MutexGuard<'a, Marks>,
    /// Whether other nodes are told.
    tells: bool,
}

/// A session under a new number.
#[derive(Clone, Debug)]
pub(crate) struct Renewal {
    pub(crate) id: SessionId,
    pub(crate) began: Moment,
    pub(crate) role: Role,
    pub(crate) with: SessionId,
    /// When it was learned; else it is that of the old number.
    pub(crate) account: Option<Arc<str>>,
    pub(crate) place: Place,
}

impl<'a> Writer<'a> {
    pub(crate) const fn new(table: &'a Table, marks: MutexGuard<'a, Marks>) -> Self {
        let tells = true;
        Self { table, marks, tells }
    }

    /// The same, of what other nodes know.
    pub(crate) const fn silent(mut self) -> Self {
        self.tells = false;
        self
    }

    /// Gives a session another number, and ends the one that it had. Two answers to the same number agree on its successor, so
    /// that one login never leaves two numbers for one session. `None` when the old number has ended meanwhile.
    pub(crate) fn renew(
        &mut self,
        (old, old_began): (SessionId, Moment),
        new: Renewal,
        limits: Limits,
        now: Moment,
    ) -> Option<(SessionId, Moment)> {
        if is_before(old_began, self.table.all.load(Ordering::Acquire)) {
            return None;
        }
        let (id, began) = (new.id, new.began);
        let mut shard = self.table.shard(old);
        if let Some(dead) = shard.dead.get(&old) {
            return match dead.why {
                Why::Renewed(successor) => successor,
                _ => None,
            };
        }
        let known = shard.live.remove(&old);
        let why = Why::Renewed(Some((id, began)));
        let floor = shard.bury(old, Dead { at: now, why }, limits, now);
        drop(shard);
        self.table.raise(floor);
        self.table.tell_of(old, why, now);
        let account = new.account.clone().or_else(|| known?.account);
        self.enter(Renewal { account, ..new }, limits, now);
        self.table.note_change();
        Some((id, began))
    }

    /// Notes a session that is new.
    pub(crate) fn enter(&mut self, new: Renewal, limits: Limits, now: Moment) {
        let entry = Entry {
            began: new.began,
            seen: now,
            role: new.role,
            with: new.with,
            account: new.account,
            place: new.place,
            moved: 0,
            told: false,
        };
        self.table.note_role(new.role);
        self.table.shard(new.id).enter(new.id, entry, limits, now);
    }

    /// When something begins that is to outlive every kill so far.
    pub(crate) fn beginning(&self, account: Option<&Arc<str>>, now: Moment) -> Moment {
        let all = after(now, self.table.all.load(Ordering::Acquire));
        let mark = account.and_then(|account| self.marks.accounts.get(account));
        all.max(after(now, mark.copied().unwrap_or_default()))
    }

    /// Ends a number.
    pub(crate) fn end(&mut self, id: SessionId, why: Why, limits: Limits, now: Moment) {
        let mut shard = self.table.shard(id);
        // Whoever has its successor has it from this one: the first reason stays.
        if shard.dead.contains_key(&id) {
            return;
        }
        let floor = shard.bury(id, Dead { at: now, why }, limits, now);
        drop(shard);
        self.table.raise(floor);
        self.table.note_change();
        if self.tells {
            self.table.tell_of(id, why, now);
        }
    }

    /// Ends a session and what comes with it.
    pub(crate) fn end_with(&mut self, id: SessionId, why: Why, limits: Limits, now: Moment) {
        self.end(id, why, limits, now);
        if !self.table.has_beside.load(Ordering::Acquire) {
            return;
        }
        let mut beside = Vec::new();
        self.table.each_live(limits, now, |other, entry| {
            if entry.with == id && other != id {
                beside.push(other);
            }
        });
        beside.into_iter().for_each(|other| self.end(other, why, limits, now));
    }

    /// The sessions of an account that live, the oldest first.
    pub(crate) fn of_account(&self, account: &str, limits: Limits, now: Moment) -> Vec<SessionId> {
        let mut found = Vec::new();
        self.table.each_live(limits, now, |id, entry| {
            if entry.role == Role::Session && entry.account.as_deref() == Some(account) {
                found.push((entry.began, id));
            }
        });
        found.sort_unstable();
        found.into_iter().map(|(_, id)| id).collect()
    }

    /// Ends every session that began up to now; how many of them were in the table.
    pub(crate) fn kill_all(&mut self, limits: Limits, now: Moment) -> usize {
        let mut number = 0;
        self.table.each_live(limits, now, |_, entry| {
            number += usize::from(entry.role == Role::Session)
        });
        self.table.all.fetch_max(now, Ordering::AcqRel);
        self.table.note_change();
        if self.tells {
            self.table.tell_of_all(now);
        }
        number
    }

    /// Ends every session of an account, also those that are only learned to be its later.
    pub(crate) fn kill_account(&mut self, account: &str, limits: Limits, now: Moment) -> usize {
        let sessions = self.of_account(account, limits, now);
        sessions
            .iter()
            .for_each(|id| self.end_with(*id, Why::Killed, limits, now));
        let marks = &mut self.marks.accounts;
        marks.retain(|_, mark| now.saturating_sub(*mark) <= limits.absolute);
        marks.insert(account.into(), now);
        // No kill is forgotten for want of room: rather all end that are as old as the oldest that would be.
        while marks.len() > MOST_ACCOUNTS {
            let oldest = marks
                .iter()
                .min_by_key(|(_, mark)| **mark)
                .map(|(account, mark)| (Arc::clone(account), *mark));
            let Some((account, mark)) = oldest else { break };
            marks.remove(&account);
            self.table.all.fetch_max(mark, Ordering::AcqRel);
        }
        self.table.note_change();
        if self.tells {
            self.table.tell_of_account(account, now);
        }
        sessions.len()
    }
}

/// Accounts whose sessions were ended, and whose other sessions may still come to light.
const MOST_ACCOUNTS: usize = 4_096;
