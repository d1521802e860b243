//! One kind of thing that there is a limited number of, and whose turn it is.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::account::{Account, Stake};
use crate::credits::Credits;
use crate::division::{Claim, Division};
use crate::line::{Line, LineFull, Outcome, Ticket};
use crate::{Kind, Priority};

/// All there is of one kind, and those who wait for it.
///
/// While nobody waits, nothing here is locked: a tenant's own count and a worker's own credits decide. The lock is taken to
/// begin to wait, and whenever something is given back while somebody waits.
pub(crate) struct Lot {
    kind: Kind,
    credits: Credits,
    division: Division,
    /// Counted up *before* whoever waits looks for credits once more, and read *after* a credit was given back: so either
    /// the one sees the credit or the other sees him waiting.
    waiting: AtomicUsize,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    members: HashMap<u64, Member>,
    /// The same tenants, the one whose turn it is first.
    order: BTreeSet<Rank>,
    tickets: u64,
    served: u64,
}

/// A tenant of whom somebody waits.
struct Member {
    account: Arc<Account>,
    rank: Rank,
    line: Line,
}

/// Least load by weight first; of equals, who was served the longest ago.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    load: u64,
    served: u64,
    number: u64,
}

/// Somebody whose waiting has an end, to be told once the lock is open.
enum Word {
    Granted(Arc<Account>, oneshot::Sender<Outcome>),
    Displaced(oneshot::Sender<Outcome>),
}

type Words = Vec<Word>;

impl Lot {
    pub(crate) fn new(kind: Kind, capacity: u32, workers: usize) -> Self {
        Self {
            kind,
            credits: Credits::new(capacity, workers),
            division: Division::new(capacity),
            waiting: AtomicUsize::new(0),
            queue: Mutex::default(),
        }
    }

    pub(crate) fn capacity(&self) -> u32 {
        self.division.capacity()
    }

    /// How many are in use by all.
    pub(crate) fn in_use(&self) -> u32 {
        u32::try_from(i64::from(self.capacity()) - self.credits.free()).unwrap_or(0)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }

    pub(crate) fn guaranteed(&self, stake: &Stake) -> u32 {
        self.division.guaranteed(stake.claimed())
    }

    /// One more for this tenant, if it need not wait: below its guarantee always, above it while there is enough for all
    /// and nobody waits.
    pub(crate) fn enter(&self, account: &Account, worker: usize) -> bool {
        let stake = account.stake(self.kind);
        if stake.waiting.load(SeqCst) == 0 && stake.enter_below(self.guaranteed(stake)) {
            self.credits.take_anyway(worker);
            return true;
        }
        if self.waiting.load(SeqCst) == 0 && self.credits.take(worker) {
            stake.enter();
            return true;
        }
        false
    }

    /// One more, whatever there is.
    pub(crate) fn enter_anyway(&self, account: &Account, worker: usize) {
        account.stake(self.kind).enter();
        self.credits.take_anyway(worker);
    }

    /// Begins to wait, behind all who go before. Of one tenant no more wait than `most`.
    pub(crate) fn wait(
        &self,
        account: &Arc<Account>,
        worker: usize,
        priority: Priority,
        most: u32,
    ) -> Result<(Ticket, oneshot::Receiver<Outcome>), LineFull> {
        let mut words = Words::new();
        let mut queue = self.lock();
        let stake = account.stake(self.kind);
        if self.is_crowded(stake) {
            return Err(LineFull);
        }
        let number = queue.next_ticket();
        let ticket = Ticket { priority, number };
        let joined = queue.line(account, self.kind, most)?.join(ticket, most)?;
        match joined.displaced {
            Some(displaced) => words.push(Word::Displaced(displaced)),
            None => self.count_in(stake),
        }
        self.serve(&mut queue, account, worker, &mut words);
        drop(queue);
        self.tell(words, worker);
        Ok((ticket, joined.outcome))
    }

    /// Stops waiting; false when it was served already, or displaced.
    pub(crate) fn leave(&self, account: &Account, ticket: Ticket) -> bool {
        let mut queue = self.lock();
        let Some(member) = queue.members.get_mut(&account.number) else {
            return false;
        };
        let left = member.line.leave(ticket);
        if left {
            self.count_out(account.stake(self.kind));
            queue.tidy(account.number);
        }
        left
    }

    /// One less: it has ended.
    pub(crate) fn exit(&self, account: &Arc<Account>, worker: usize) {
        account.stake(self.kind).exit();
        self.credits.give(worker, self.waiting.load(SeqCst) > 0);
        if self.waiting.load(SeqCst) > 0 {
            let mut words = Words::new();
            self.serve(&mut self.lock(), account, worker, &mut words);
            self.tell(words, worker);
        }
    }

    /// Another claim of this tenant. Everybody's guarantee changes with it, and those who wait are looked at anew.
    pub(crate) fn claim(&self, stake: &Stake, claim: Claim) {
        let old = stake.claimed();
        if old != claim {
            stake.set_claim(claim);
            self.division.replace(old, claim);
            self.look_anew();
        }
    }

    /// Another capacity.
    pub(crate) fn resize(&self, capacity: u32) {
        let old = self.division.resize(capacity);
        if old != capacity {
            self.credits.resize(old, capacity);
            self.look_anew();
        }
    }

    /// Whether there is no room for this tenant to wait. It is divided as what is waited for: there is some for all, and for
    /// each what he is guaranteed of it.
    fn is_crowded(&self, stake: &Stake) -> bool {
        let each = match self.kind {
            Kind::Requests | Kind::Connections => 1,
            // They are few because each is short: many may wait for a moment.
            Kind::Handshakes => 256,
        };
        let room = |of: u32| of.saturating_mul(each);
        self.waiting() >= room(self.capacity()) as usize && stake.waiting.load(SeqCst) >= room(self.guaranteed(stake))
    }

    fn look_anew(&self) {
        if self.waiting.load(SeqCst) == 0 {
            return;
        }
        let mut words = Words::new();
        let mut queue = self.lock();
        let accounts: Vec<_> = queue
            .members
            .values()
            .map(|member| Arc::clone(&member.account))
            .collect();
        for account in accounts {
            self.serve(&mut queue, &account, 0, &mut words);
        }
        drop(queue);
        self.tell(words, 0);
    }

    /// Gives turns to whom they belong, after something has changed for one tenant.
    fn serve(&self, queue: &mut Queue, changed: &Account, worker: usize, words: &mut Words) {
        queue.rank(changed.number, self.kind);
        let stake = changed.stake(self.kind);
        while queue.members.contains_key(&changed.number) && stake.enter_below(self.guaranteed(stake)) {
            self.credits.take_anyway(worker);
            self.grant(queue, changed.number, words);
        }
        while let Some(first) = queue.order.first().map(|rank| rank.number) {
            if !self.credits.take(worker) {
                return;
            }
            queue.members[&first].account.stake(self.kind).enter();
            self.grant(queue, first, words);
        }
    }

    /// The turn of one who waits for this tenant, which is counted already.
    fn grant(&self, queue: &mut Queue, number: u64, words: &mut Words) {
        queue.served += 1;
        let served = queue.served;
        let member = queue
            .members
            .get_mut(&number)
            .expect("a tenant in the order is a member");
        let sender = member.line.next().expect("a member is one of whom somebody waits");
        let stake = member.account.stake(self.kind);
        stake.served.store(served, Relaxed);
        self.count_out(stake);
        words.push(Word::Granted(Arc::clone(&member.account), sender));
        queue.rank(number, self.kind);
        queue.tidy(number);
    }

    /// Tells those whose waiting has an end. Whoever has gone away meanwhile does not need his turn.
    fn tell(&self, words: Words, worker: usize) {
        for word in words {
            match word {
                Word::Displaced(sender) => drop(sender.send(Outcome::Displaced)),
                Word::Granted(account, sender) => {
                    if sender.send(Outcome::Granted).is_err() {
                        self.exit(&account, worker);
                    }
                }
            }
        }
    }

    fn count_in(&self, stake: &Stake) {
        stake.waiting.fetch_add(1, SeqCst);
        stake.waited.fetch_add(1, Relaxed);
        self.waiting.fetch_add(1, SeqCst);
    }

    fn count_out(&self, stake: &Stake) {
        stake.waiting.fetch_sub(1, SeqCst);
        self.waiting.fetch_sub(1, SeqCst);
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    const fn next_ticket(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }

    /// The line of a tenant, which becomes a member when it is none.
    fn line(&mut self, account: &Arc<Account>, kind: Kind, most: u32) -> Result<&mut Line, LineFull> {
        if most == 0 {
            return Err(LineFull);
        }
        let member = self.members.entry(account.number).or_insert_with(|| {
            let rank = Rank::of(account, kind);
            self.order.insert(rank);
            Member {
                account: Arc::clone(account),
                rank,
                line: Line::default(),
            }
        });
        Ok(&mut member.line)
    }

    /// Puts a member where it belongs by now.
    fn rank(&mut self, number: u64, kind: Kind) {
        if let Some(member) = self.members.get_mut(&number) {
            let rank = Rank::of(&member.account, kind);
            if rank != member.rank {
                self.order.remove(&member.rank);
                self.order.insert(rank);
                member.rank = rank;
            }
        }
    }

    /// A tenant of whom nobody waits is no member.
    fn tidy(&mut self, number: u64) {
        if self.members.get(&number).is_some_and(|member| member.line.is_empty()) {
            let member = self.members.remove(&number);
            member.map(|member| self.order.remove(&member.rank));
        }
    }
}

impl Rank {
    fn of(account: &Account, kind: Kind) -> Self {
        let stake = account.stake(kind);
        let recently = match kind {
            Kind::Requests => account.busy.average(Instant::now()),
            Kind::Connections | Kind::Handshakes => 0.0,
        };
        let load = f64::from(stake.in_use()) + recently;
        Self {
            load: (load * PARTS) as u64 / u64::from(stake.claimed().weight.max(1)),
            served: stake.served.load(Relaxed),
            number: account.number,
        }
    }
}

/// Parts that a load of one is counted in.
const PARTS: f64 = 65_536.0;
