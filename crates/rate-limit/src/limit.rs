use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock;
use http::{request, response};
use rempart_counts::{Counts, Keys, SharedCounts, Taken, Taking};
use rempart_guard::{Findings, Reporter, Verdict, WaitingGuard, WaitingGuardLayer, WaitingGuarded};
use tower_layer::Layer;

use crate::answered::Passed;
use crate::policy::QuotaPolicy;
use crate::queue::Queue;
use crate::state::{Asked, State, limits};
use crate::{RateLimitPolicy, RateLimitRefusal};

/// The limits of one tenant with their counts. A clone shares the counts, so that several workers count together.
///
/// # What is charged
///
/// A request is measured against every quota whose routes it takes, and charged to all of them or to none: one that is
/// refused costs the client nothing. What is counted with the answer is charged when the answer is there.
///
/// # Where it stands
///
/// Alone it does everything in one place, which must be below whatever opens the cookies when a quota is per session or
/// account. A stack that would rather end a flood before that has two places: [`above`](Self::above) and
/// [`below`](Self::below).
#[derive(Clone)]
pub struct RateLimit(pub(crate) Arc<State>);

impl RateLimit {
    /// Starts to count under this policy.
    #[must_use]
    pub fn new(policy: RateLimitPolicy) -> Self {
        let counts = Counts::new(limits(&policy));
        Self::of(policy, counts)
    }

    /// Starts to count by a clock of your own, such as governor's `FakeRelativeClock` in a test. It does not move the time for
    /// which a request waits, which is tokio's.
    pub fn with_clock<C>(policy: RateLimitPolicy, clock: C) -> Self
    where
        C: Clock<Instant: Send + Sync> + Send + Sync + 'static,
    {
        let counts = Counts::with_clock(limits(&policy), clock);
        Self::of(policy, counts)
    }

    fn of(policy: RateLimitPolicy, counts: Counts) -> Self {
        let queues = policy.quotas.iter().map(|_| Queue::default()).collect();
        Self(Arc::new(State::new(policy, counts, Keys::random(), queues)))
    }

    /// The same limits, counted in common with the other machines that use this store. `secret` is the same on all of them and
    /// nobody else's, such as one derived from the tenant's key: under it addresses and names are hashed before they leave.
    ///
    /// What has been counted so far on this machine begins anew, and nothing does under a later
    /// [`with_policy`](Self::with_policy) that did not before.
    #[must_use]
    pub fn sharing_counts(&self, store: Arc<dyn SharedCounts>, secret: [u8; 16]) -> Self {
        let counts = self.0.counts.clone().shared(store);
        self.counting(counts, Keys::of_secret(secret))
    }

    /// The same limits, counted on this machine alone.
    #[must_use]
    pub fn not_sharing(&self) -> Self {
        let counts = self.0.counts.clone().unshared();
        self.counting(counts, self.0.keys.clone())
    }

    fn counting(&self, counts: Counts, keys: Keys) -> Self {
        let State { policy, queues, .. } = &*self.0;
        Self(Arc::new(State::new(policy.clone(), counts, keys, queues.clone())))
    }

    /// The same limits under a new policy: a quota that is counted as before (same name, rate, `per` and `count`, same
    /// prefixes and room) keeps its counts, so that saving a file gives nobody a fresh start.
    #[must_use]
    pub fn with_policy(&self, policy: RateLimitPolicy) -> Self {
        let State {
            counts,
            keys,
            queues,
            policy: old,
            ..
        } = &*self.0;
        let queue = |quota: &QuotaPolicy| {
            let same = old.quotas.iter().position(|old| old.name == quota.name);
            same.map(|same| queues[same].clone()).unwrap_or_default()
        };
        let queues = policy.quotas.iter().map(queue).collect();
        let counts = counts.with_limits(limits(&policy));
        Self(Arc::new(State::new(policy, counts, keys.clone(), queues)))
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &RateLimitPolicy {
        &self.0.policy
    }

    /// The tables that hold the counts, one for each quota in the policy's order.
    pub fn tables(&self) -> impl Iterator<Item = TableSize<'_>> {
        let State {
            policy, counts, queues, ..
        } = &*self.0;
        let tables = counts.tables().zip(policy.quotas()).zip(queues);
        tables.map(|((table, quota), queue)| TableSize {
            quota: quota.name(),
            places: table.places,
            bytes: table.bytes,
            overflowed: table.overflowed,
            waiting: queue.len(),
        })
    }

    /// Measures a request against the quotas that `is_meant` means, charges it, and makes it wait if it is to.
    pub(crate) fn measure(
        &self,
        head: &request::Parts,
        is_meant: impl Fn(&QuotaPolicy) -> bool,
    ) -> Verdict<Passed, RateLimitRefusal> {
        let state = &self.0;
        let client = match state.client(head) {
            Ok(client) => client,
            Err(refusal) => return Verdict::Now(Err(refusal)),
        };
        let mut asked = Asked::of(client, &head.method);
        match state.ask(head, is_meant, &mut asked) {
            Ok(()) if asked.asks.is_empty() => return Verdict::Now(Ok(Passed::default())),
            Ok(()) => {}
            Err(refusal) => return Verdict::Now(Err(refusal)),
        }
        match state.counts.take(&asked.asks) {
            // By reference: it is large.
            Taking::Now(ref taken) => match state.settle(&asked, taken) {
                Err(refusal) => Verdict::Now(Err(refusal)),
                Ok((passed, Duration::ZERO)) => Verdict::Now(Ok(state.go_on(&asked, passed))),
                Ok((passed, wait)) => Verdict::later(wait_and_go_on(Arc::clone(state), asked, passed, wait)),
            },
            Taking::Later(taking) => Verdict::later(settle_later(Arc::clone(state), asked, taking)),
        }
    }
}

async fn settle_later(
    state: Arc<State>,
    asked: Asked,
    taking: impl Future<Output = Taken>,
) -> Result<Passed, RateLimitRefusal> {
    let (passed, wait) = state.settle(&asked, &taking.await)?;
    wait_and_go_on(state, asked, passed, wait).await
}

/// A client that goes away meanwhile stays charged: so a crowd that does not wait for its turn takes nobody else's.
async fn wait_and_go_on(
    state: Arc<State>,
    asked: Asked,
    passed: Passed,
    wait: Duration,
) -> Result<Passed, RateLimitRefusal> {
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    Ok(state.go_on(&asked, passed))
}

impl WaitingGuard for RateLimit {
    const FEATURE: &'static str = "rate_limit";
    type Ticket = Passed;
    type Refusal = RateLimitRefusal;

    fn check(&self, head: &mut request::Parts, _: &mut Findings) -> Verdict<Passed, RateLimitRefusal> {
        self.measure(head, |_| true)
    }

    fn amend(&self, passed: Passed, head: &mut response::Parts, findings: &mut Findings) {
        passed.amend(&self.0, head, findings);
    }
}

impl fmt::Debug for RateLimit {
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
    /// How many keys can have a place of their own at once. None for a quota that all clients share.
    pub places: usize,
    /// The bytes of memory that it has taken so far: 16 for each of its places at most, and as much again once a shared store
    /// was away.
    pub bytes: usize,
    /// How many requests were admitted on the shared count of clients without a place: more than a few mean a flood from
    /// many networks, or a `max_keys` that is too small. Zero for a quota that all clients share by intention.
    pub overflowed: u64,
    /// How many requests wait for it now.
    pub waiting: u32,
}

/// The layer of a [`RateLimit`]: refuses with 429 what goes beyond the policy.
///
/// A clone shares the counts, so putting it on several routers of one application does not multiply the limit.
#[derive(Clone, Debug)]
pub struct RateLimitLayer(WaitingGuardLayer<RateLimit>);

impl RateLimitLayer {
    /// Limits under this policy, with the enforcement that stands in it, and tells `reporter`.
    #[must_use]
    pub fn new(policy: RateLimitPolicy, reporter: Reporter) -> Self {
        Self::sharing(&RateLimit::new(policy), reporter)
    }

    /// Limits with counts that others use too: the other workers, or the stack that this one replaces.
    #[must_use]
    pub fn sharing(limit: &RateLimit, reporter: Reporter) -> Self {
        let enforcement = limit.policy().enforcement();
        Self(WaitingGuardLayer::new(limit.clone(), enforcement, reporter))
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = WaitingGuarded<RateLimit, S>;

    fn layer(&self, inner: S) -> Self::Service {
        self.0.layer(inner)
    }
}
