//! Which counts a try is measured against, and what each outcome does to them.

use std::time::Duration;

use rempart_counts::{Ask, Operation, Rate, Standing, Taken};

use crate::LoginPolicy;
use crate::limits::{
    ACCOUNT, CHARGE, CODE, IN_FLIGHT, KNOWN, MOST_IN_FLIGHT, NETWORK, PAIR, PASSWORD, PROGRAM, RESET, SEEN, SESSION,
    SLOW, SPREAD, UNFINISHED, ask,
};
use crate::policy::Purpose;
use crate::refusal::What;
use crate::subject::Subject;

/// What the counts know of where a try comes from.
pub(crate) struct Place {
    /// Whether the account has logged in from this network within the last month.
    pub(crate) is_known: bool,
    /// Whether many accounts have failed in this network, or by this kind of program.
    pub(crate) is_stuffed: bool,
    /// Whether those who are known in this network have failed too often together.
    pub(crate) is_used_up: bool,
}

/// One try's way through the counts.
#[derive(Default)]
pub(crate) struct Plan {
    asks: Vec<Ask>,
    reasons: Vec<What>,
    /// What a failure costs besides what has been charged already.
    failed: Vec<Ask>,
    /// And if it is the account's first here.
    failed_first: Vec<Ask>,
    /// What a success sets back.
    succeeded: Vec<Ask>,
    /// What the first success of the account in this network gives back, and what knows that it is the first.
    seen: Option<Ask>,
    gives: Vec<Ask>,
    /// Whether failures are told to be many accounts'.
    pub(crate) is_stuffed: bool,
}

impl Plan {
    pub(crate) fn of(policy: &LoginPolicy, subject: &Subject, place: &Place) -> Self {
        let mut plan = Self::default();
        match subject.purpose {
            Purpose::Login => plan.login(policy, subject, place),
            Purpose::Code => plan.code(subject, place),
            Purpose::Reset => plan.reset(subject),
        }
        plan
    }

    /// Who is known by the browser has a count of their own, and no other. Who is known by the network shares what others
    /// who are known there share. A stranger shares with strangers everywhere.
    fn login(&mut self, policy: &LoginPolicy, subject: &Subject, place: &Place) {
        self.own(policy, subject);
        self.gives(subject);
        let account = subject.account.as_ref();
        if account.is_some_and(|account| account.own.is_some()) {
            return;
        }
        if place.is_known {
            self.resident(subject, place);
        } else {
            self.stranger(subject, place);
        }
    }

    /// What the account and the session have for themselves.
    fn own(&mut self, policy: &LoginPolicy, subject: &Subject) {
        if let Some(account) = &subject.account {
            let pair = account.own.unwrap_or(account.here);
            self.reserve(What::Pair, ask(PAIR, pair, CHARGE));
            self.succeeded.push(ask(PAIR, pair, Operation::Clear));
            self.succeeded.push(ask(SLOW, account.here, Operation::Clear));
            self.succeeded.push(ask(KNOWN, account.here, Operation::Force));
            self.seen = Some(ask(SEEN, account.here, CHARGE));
            if policy.has_codes() {
                self.reserve(What::Unfinished, ask(UNFINISHED, account.unfinished, CHARGE));
            }
        }
        if let Some(session) = subject.session {
            self.reserve(What::Session, ask(SESSION, session, CHARGE));
        }
    }

    fn gives(&mut self, subject: &Subject) {
        let network = [
            (NETWORK, subject.strangers),
            (NETWORK, subject.residents),
            (SPREAD, subject.strangers),
        ];
        let program = subject.program.map(|key| (PROGRAM, key));
        let password = subject.password.iter();
        let password = password.flat_map(|password| [(PASSWORD, password.everywhere), (PASSWORD, password.here)]);
        let gives = network.into_iter().chain(program).chain(password);
        self.gives
            .extend(gives.map(|(limit, key)| ask(limit, key, Operation::Refund)));
    }

    fn resident(&mut self, subject: &Subject, place: &Place) {
        match &subject.account {
            // One of them guesses: the others can still log in, with a try or two each.
            Some(account) if place.is_used_up => {
                self.failed.push(ask(NETWORK, subject.residents, Operation::Force));
                self.reserve(What::Pair, ask(SLOW, account.here, CHARGE));
            }
            _ => self.look(What::Network, ask(NETWORK, subject.residents, Operation::Look)),
        }
        if let Some(password) = &subject.password {
            self.look(What::Password, ask(PASSWORD, password.here, Operation::Look));
        }
    }

    fn stranger(&mut self, subject: &Subject, place: &Place) {
        if let Some(account) = &subject.account {
            self.reserve(What::Account, ask(ACCOUNT, account.everywhere, CHARGE));
        }
        self.is_stuffed = place.is_stuffed;
        let cost = if place.is_stuffed { STUFFING_COSTS } else { 1 };
        let look = ask(NETWORK, subject.strangers, Operation::Look);
        self.look(What::Network, Ask { cost, ..look });
        if let Some(password) = &subject.password {
            self.look(What::Password, ask(PASSWORD, password.everywhere, Operation::Look));
        }
        self.failed_first.push(ask(SPREAD, subject.strangers, Operation::Force));
        self.failed_first
            .extend(subject.program.map(|key| ask(PROGRAM, key, Operation::Force)));
    }

    fn code(&mut self, subject: &Subject, place: &Place) {
        self.reserve(What::Code, ask(CODE, subject.code, CHARGE));
        self.succeeded.push(ask(CODE, subject.code, Operation::Clear));
        if let Some(coded) = subject.coded {
            self.reserve(What::Code, ask(CODE, coded, CHARGE));
            self.succeeded.push(ask(CODE, coded, Operation::Clear));
            self.succeeded.push(ask(UNFINISHED, coded, Operation::Clear));
        }
        let network = if place.is_known {
            subject.residents
        } else {
            subject.strangers
        };
        self.look(What::Network, ask(NETWORK, network, Operation::Look));
    }

    fn reset(&mut self, subject: &Subject) {
        if let Some(account) = &subject.account {
            self.reserve(What::Reset, ask(RESET, account.everywhere, CHARGE));
        }
        self.look(What::Network, ask(NETWORK, subject.strangers, Operation::Look));
    }

    /// Charged now, so that a hundred tries at once do not all find the last place free.
    fn reserve(&mut self, what: What, ask: Ask) {
        self.asks.push(ask);
        self.reasons.push(what);
    }

    /// Charged when it has failed, since many who share it succeed at once; how many are under way is bounded instead.
    fn look(&mut self, what: What, look: Ask) {
        self.reserve(what, look);
        let operation = Operation::Force;
        self.failed.push(Ask { operation, ..look });
        self.reserve(What::InFlight, ask(IN_FLIGHT, look.key, CHARGE));
    }

    pub(crate) fn asks(&self) -> &[Ask] {
        &self.asks
    }

    /// Which limit refuses: one that is the account's own before one that others share, and of several the longest.
    pub(crate) fn refused_by(&self, taken: &Taken) -> (What, Duration) {
        let refused = self.reasons.iter().zip(&taken.standings);
        let refused = refused.filter(|(_, standing)| standing.is_refused);
        let worst = refused.max_by_key(|(what, standing)| (**what != What::InFlight, !what.is_shared(), standing.wait));
        worst.map_or((What::InFlight, BUSY), |(what, standing)| (*what, standing.wait))
    }

    /// Whether more are under way at once than could fail. Four times as many may be: most succeed.
    pub(crate) fn is_crowded(&self, taken: &Taken) -> bool {
        let mut pairs = self.asks.iter().zip(&taken.standings);
        let mut last: Option<&Standing> = None;
        pairs.any(|(ask, standing)| {
            let looked = last.replace(standing);
            let under_way = MOST_IN_FLIGHT.saturating_sub(standing.remaining);
            ask.limit == IN_FLIGHT && looked.is_some_and(|looked| under_way > looked.remaining.saturating_mul(4).max(1))
        })
    }

    /// How long the try waits: for its account's failures here, and for those of strangers everywhere.
    pub(crate) fn delay(&self, policy: &LoginPolicy, taken: &Taken) -> Duration {
        let failures = |limit, rate| self.failures(taken, limit, rate);
        let here =
            failures(PAIR, policy.limits.account_network).map(|failures| steps(failures, policy.free_failures, 1));
        let everywhere = failures(ACCOUNT, policy.limits.account)
            .map(|failures| steps(failures, policy.free_failures.saturating_add(5), 5));
        let steps = here.max(everywhere).unwrap_or(0);
        match steps.checked_sub(1) {
            None => Duration::ZERO,
            Some(doublings) => Duration::from_secs(1 << doublings.min(10)).min(policy.max_delay),
        }
    }

    /// Whether no failure of the account stands here.
    pub(crate) fn is_first(&self, policy: &LoginPolicy, taken: &Taken) -> bool {
        self.failures(taken, PAIR, policy.limits.account_network) == Some(0)
    }

    /// How many there were before this try. A bucket of a crowd does not say whose they were.
    fn failures(&self, taken: &Taken, limit: usize, rate: Rate) -> Option<u32> {
        let mut pairs = self.asks.iter().zip(&taken.standings);
        let (_, standing) = pairs.find(|(ask, _)| ask.limit == limit)?;
        let used = standing.full_in.as_nanos().div_ceil(rate.interval().as_nanos().max(1));
        let used = u32::try_from(used).unwrap_or(u32::MAX);
        (!standing.is_crowded).then(|| used.saturating_sub(1))
    }

    /// All that was charged, back.
    pub(crate) fn given_back(&self) -> Vec<Ask> {
        let charged = self.asks.iter().filter(|ask| ask.operation == CHARGE);
        charged.map(|ask| refund(*ask)).collect()
    }

    /// After a failure: what is under way no longer, and what it costs.
    pub(crate) fn failed(&self, is_first: bool) -> Vec<Ask> {
        let first = self.failed_first.iter().filter(|_| is_first);
        self.unused()
            .chain(self.failed.iter().copied())
            .chain(first.copied())
            .collect()
    }

    /// After a success: all that was charged, but for a login that a code may have to follow.
    pub(crate) fn succeeded(&self) -> Vec<Ask> {
        let charged = self.given_back().into_iter().filter(|ask| ask.limit != UNFINISHED);
        charged.chain(self.succeeded.iter().copied()).collect()
    }

    /// What tells whether it is the account's first success here for long, and what that gives back to those who share.
    pub(crate) fn seen(&self) -> Option<(Ask, &[Ask])> {
        Some((self.seen?, &self.gives))
    }

    /// What a try costs that is refused for its password.
    pub(crate) fn sprayed(&self) -> Vec<Ask> {
        let network = self.failed.iter().filter(|ask| ask.limit == NETWORK);
        network.chain(&self.failed_first).copied().collect()
    }

    /// Nothing is charged before the answer; a failure costs all the same.
    pub(crate) fn without_reservation(self) -> Self {
        self.only(|_| false)
    }

    /// Only what the account has for itself is charged.
    pub(crate) fn for_step_up(self) -> Self {
        self.only(|what| !what.is_shared() && what != What::InFlight)
    }

    fn only(mut self, keeps: impl Fn(What) -> bool) -> Self {
        let pairs = self.asks.into_iter().zip(self.reasons);
        (self.asks, self.reasons) = pairs.filter(|(_, what)| keeps(*what)).unzip();
        self
    }

    /// What a failure has not used: a place among those under way, and a login that a code would have to follow.
    fn unused(&self) -> impl Iterator<Item = Ask> {
        let unused = self
            .asks
            .iter()
            .filter(|ask| matches!(ask.limit, IN_FLIGHT | UNFINISHED));
        unused.map(|ask| refund(*ask))
    }
}

/// A network in which, or by a program of which, many accounts fail pays so much for each.
const STUFFING_COSTS: u32 = 5;

/// When nothing says how long.
const BUSY: Duration = Duration::from_secs(5);

fn refund(ask: Ask) -> Ask {
    Ask {
        operation: Operation::Refund,
        ..ask
    }
}

/// How many steps of delay there are after so many failures, of which some are free.
const fn steps(failures: u32, free: u32, each: u32) -> u32 {
    match failures.checked_sub(free) {
        Some(beyond) => beyond / each + 1,
        None => 0,
    }
}
