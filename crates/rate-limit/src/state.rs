use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use governor::Quota;
use governor::clock::{Clock, Reference};
use http::request;
use rempart_guard::{ClientNetwork, RoutePath};

use crate::fields::Listing;
use crate::gcra::{Level, Measure};
use crate::matched::Matched;
use crate::policy::{Per, QuotaPolicy};
use crate::refusal::Counted;
use crate::store::Table;
use crate::{QuotaUsedUp, RateLimitFields, RateLimitPolicy};

/// The policy and the counts, and how a request is measured against all its quotas at once.
pub(crate) struct State<C: Clock> {
    pub(crate) policy: RateLimitPolicy,
    pub(crate) rules: Vec<Rule>,
    pub(crate) listing: Listing,
    /// SipHash with keys from the system: a client cannot choose which place of a table it takes.
    pub(crate) hasher: RandomState,
    pub(crate) clock: C,
    pub(crate) start: C::Instant,
}

impl<C: Clock> State<C> {
    pub(crate) fn new(
        policy: RateLimitPolicy,
        clock: C,
        start: C::Instant,
        hasher: RandomState,
        kept: impl Fn(&QuotaPolicy) -> Option<Arc<Table>>,
    ) -> Self {
        let table = |quota: &QuotaPolicy| match quota.per {
            Per::Client => Table::with_room_for(policy.keying.max_keys),
            Per::Tenant => Table::shared(),
        };
        let rule = |quota: &QuotaPolicy| Rule {
            quota: quota.rate.into(),
            table: kept(quota).unwrap_or_else(|| Arc::new(table(quota))),
        };
        let rules = policy.quotas.iter().map(rule).collect();
        let listing = Listing::new(&policy.quotas);
        Self {
            policy,
            rules,
            listing,
            hasher,
            clock,
            start,
        }
    }

    pub(crate) fn matched(&self, head: &request::Parts) -> Matched {
        let path = RoutePath::from(&head.uri);
        Matched::of(
            (0..)
                .zip(&self.policy.quotas)
                .filter(|(_, quota)| quota.applies(&head.method, &path))
                .map(|(index, _)| index),
        )
    }

    /// IPv4 as it is mapped into IPv6 (RFC 4291 section 2.5.5.2), which no IPv6 client has.
    pub(crate) fn hash(&self, client: ClientNetwork) -> u64 {
        let bits = match client.address() {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits(),
        };
        self.hasher.hash_one(bits)
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.now().duration_since(self.start).as_u64()
    }

    /// Measures the rest of the quotas while holding the place of the first, and charges them all on the way back if all
    /// agree. Says whether they did.
    pub(crate) fn charge(&self, mut matched: Matched, passes_so_far: bool, tally: &mut Tally) -> bool {
        let Some(index) = matched.next() else {
            return passes_so_far;
        };
        let Rule { quota, table } = &self.rules[index];
        let place = table.place(tally.hash, tally.now);
        let measure = Measure::take(*quota, place.tat(), tally.now);
        let all_pass = self.charge(matched, passes_so_far && measure.charged.is_some(), tally);
        let refused_as = measure
            .charged
            .is_none()
            .then(|| self.counted(index, place.is_shared()));
        if let (Some(tat), true) = (measure.charged, all_pass) {
            place.charge(tat);
        }
        tally.note(index, measure.level(*quota, all_pass), refused_as);
        all_pass
    }

    fn counted(&self, index: usize, shared: bool) -> Counted {
        match (self.policy.quotas[index].per, shared) {
            (Per::Tenant, _) => Counted::Together,
            (Per::Client, true) => Counted::Crowded,
            (Per::Client, false) => Counted::Alone,
        }
    }

    pub(crate) fn used_up(&self, client: ClientNetwork, tally: &Tally, fields: Option<RateLimitFields>) -> QuotaUsedUp {
        let (index, counted) = tally
            .worst
            .expect("a request that does not pass was refused by a quota");
        let QuotaPolicy { name, rate, .. } = &self.policy.quotas[index];
        QuotaUsedUp {
            quota: Arc::clone(name),
            rate: *rate,
            client,
            counted,
            wait: tally.levels[index].wait,
            fields,
        }
    }
}

/// A quota as governor knows it, and its counts.
pub(crate) struct Rule {
    pub(crate) quota: Quota,
    pub(crate) table: Arc<Table>,
}

/// One request on its way through the quotas.
pub(crate) struct Tally {
    hash: u64,
    now: u64,
    pub(crate) levels: [Level; RateLimitPolicy::MAX_QUOTAS],
    /// Of the quotas that are used up, the one that takes the longest to recover.
    worst: Option<(usize, Counted)>,
}

impl Tally {
    pub(crate) fn new(hash: u64, now: u64) -> Self {
        let none = Level {
            remaining: 0,
            wait: Duration::ZERO,
        };
        Self {
            hash,
            now,
            levels: [none; RateLimitPolicy::MAX_QUOTAS],
            worst: None,
        }
    }

    fn note(&mut self, index: usize, level: Level, refused_as: Option<Counted>) {
        self.levels[index] = level;
        if let Some(counted) = refused_as
            && self.worst.is_none_or(|(worst, _)| self.levels[worst].wait < level.wait)
        {
            self.worst = Some((index, counted));
        }
    }
}
