use std::fmt;
use std::hash::RandomState;
use std::sync::{Arc, LazyLock};

use governor::clock::{Clock, DefaultClock};
use http::{request, response};
use rempart_guard::{Downstream, Findings, Guard, GuardLayer, Reporter};
use tower_layer::Layer;

use crate::policy::{Per, QuotaPolicy};
use crate::state::{Rule, State, Tally};
use crate::{RateLimitFields, RateLimitPolicy, RateLimitRefusal};

/// The limits of one tenant with their counts. A clone shares the counts, so that several workers count together.
///
/// # What is charged
///
/// A request is measured against every quota whose routes it takes, and charged to all of them or to none: one that is
/// refused costs the client nothing. All the locks of one request (one shard of each quota) are held while it is
/// measured, for some tens of nanoseconds and never across an await, always in the same order.
pub struct RateLimit<C: Clock = DefaultClock>(Arc<State<C>>);

impl RateLimit {
    /// Starts to count under this policy.
    #[must_use]
    pub fn new(policy: RateLimitPolicy) -> Self {
        // Asking the processor what clock it has takes longer than all the rest, and the answer is always the same.
        static CLOCK: LazyLock<DefaultClock> = LazyLock::new(DefaultClock::default);
        Self::with_clock(policy, CLOCK.clone())
    }
}

impl<C: Clock> RateLimit<C> {
    /// Starts to count by a clock of your own, such as governor's `FakeRelativeClock` in a test.
    pub fn with_clock(policy: RateLimitPolicy, clock: C) -> Self {
        let start = clock.now();
        Self(Arc::new(State::new(policy, clock, start, RandomState::new(), |_| None)))
    }

    /// The same limits under a new policy: a quota that is counted as before (same name, rate and `per`, same prefixes and
    /// room) keeps its counts, so that saving a file gives nobody a fresh start.
    #[must_use]
    pub fn with_policy(&self, policy: RateLimitPolicy) -> Self
    where
        C: Clone,
    {
        let State {
            clock, start, hasher, ..
        } = &*self.0;
        let same_keys = policy.keying == self.0.policy.keying;
        let kept = |quota: &QuotaPolicy| {
            let old = self
                .0
                .rules
                .iter()
                .zip(&self.0.policy.quotas)
                .find(|(_, old)| old.counts_like(quota));
            old.filter(|_| same_keys).map(|(rule, _)| Arc::clone(&rule.table))
        };
        Self(Arc::new(State::new(
            policy,
            clock.clone(),
            *start,
            hasher.clone(),
            kept,
        )))
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &RateLimitPolicy {
        &self.0.policy
    }

    /// The tables that hold the counts, one for each quota in the policy's order.
    pub fn tables(&self) -> impl Iterator<Item = TableSize<'_>> {
        self.0
            .rules
            .iter()
            .zip(self.0.policy.quotas())
            .map(|(Rule { table, .. }, quota)| TableSize {
                quota: quota.name(),
                places: table.places(),
                bytes: table.bytes(),
                overflowed: if quota.per == Per::Client {
                    table.overflowed()
                } else {
                    0
                },
            })
    }
}

impl<C: Clock + Send + Sync + 'static> Guard for RateLimit<C> {
    const FEATURE: &'static str = "rate_limit";
    type Ticket = Option<RateLimitFields>;
    type Refusal = RateLimitRefusal;

    fn check(&self, head: &mut request::Parts, _: &mut Findings) -> Result<Self::Ticket, RateLimitRefusal> {
        let downstream = Downstream::of(&head.extensions).map_err(|_| RateLimitRefusal::NoDownstream)?;
        let state = &*self.0;
        let matched = state.matched(head);
        let keying = state.policy.keying;
        let client = downstream.client.network(keying.ipv4_prefix, keying.ipv6_prefix);
        let mut tally = Tally::new(state.hash(client), state.now());
        let passes = state.charge(matched, true, &mut tally);
        let fields = state
            .policy
            .headers
            .then(|| state.listing.fields(matched, &tally.levels))
            .flatten();
        if passes {
            Ok(fields)
        } else {
            Err(Box::new(state.used_up(client, &tally, fields)).into())
        }
    }

    fn amend(&self, fields: Self::Ticket, head: &mut response::Parts, _: &mut Findings) {
        if let Some(fields) = fields {
            fields.add_to(&mut head.headers);
        }
    }
}

impl<C: Clock> Clone for RateLimit<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C: Clock> fmt::Debug for RateLimit<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("policy", &self.0.policy)
            .finish_non_exhaustive()
    }
}

/// The size of the table of one quota: bounded, whoever comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableSize<'a> {
    /// The name of the quota.
    pub quota: &'a str,
    /// How many clients can have a place of their own at once. None for a quota that all clients share.
    pub places: usize,
    /// The bytes of memory that it has taken so far: 16 for each of its places at most.
    pub bytes: usize,
    /// How many requests were admitted on the shared count of clients without a place: more than a few mean a flood from
    /// many networks, or a `max_keys` that is too small. Zero for a quota that all clients share by intention.
    pub overflowed: u64,
}

/// The layer of a [`RateLimit`]: refuses with 429 what goes beyond the policy.
///
/// A clone shares the counts, so putting it on several routers of one application does not multiply the limit.
#[derive(Clone, Debug)]
pub struct RateLimitLayer<C: Clock + Send + Sync + 'static = DefaultClock>(GuardLayer<RateLimit<C>>);

impl RateLimitLayer {
    /// Limits under this policy, with the enforcement that stands in it, and tells `reporter`.
    #[must_use]
    pub fn new(policy: RateLimitPolicy, reporter: Reporter) -> Self {
        Self::sharing(&RateLimit::new(policy), reporter)
    }
}

impl<C: Clock + Send + Sync + 'static> RateLimitLayer<C> {
    /// Limits with counts that others use too: the other workers, or the stack that this one replaces.
    #[must_use]
    pub fn sharing(limit: &RateLimit<C>, reporter: Reporter) -> Self {
        Self(GuardLayer::new(limit.clone(), limit.policy().enforcement(), reporter))
    }
}

impl<C: Clock + Send + Sync + 'static, S> Layer<S> for RateLimitLayer<C> {
    type Service = rempart_guard::Guarded<RateLimit<C>, S>;

    fn layer(&self, inner: S) -> Self::Service {
        self.0.layer(inner)
    }
}
