use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use governor::clock::Clock;
use http::request;
use rempart_counts::{Ask, Counts, Keys, Operation, SharedCounts, TableSize, Taken, Taking};
use rempart_guard::Downstream;

use crate::credentials::Credentials;
use crate::plan::{Place, Plan};
use crate::policy::Purpose;
use crate::refusal::{LoginsUsedUp, What};
use crate::subject::Subject;
use crate::turn::Turn;
use crate::{LoginKeys, LoginPolicy, Then, limits};

/// The counts of one tenant's logins. A clone shares them, so that several workers count together.
#[derive(Clone)]
pub struct LoginGuard(Arc<State>);

impl LoginGuard {
    /// Starts to count under this policy.
    #[must_use]
    pub fn new(policy: LoginPolicy, keys: LoginKeys) -> Self {
        let counts = Counts::new(limits::of(&policy));
        Self::with_counts(policy, keys, counts)
    }

    /// Starts to count by a clock of your own, such as governor's `FakeRelativeClock` in a test.
    pub fn with_clock<C>(policy: LoginPolicy, keys: LoginKeys, clock: C) -> Self
    where
        C: Clock<Instant: Send + Sync> + Send + Sync + 'static,
    {
        let counts = Counts::with_clock(limits::of(&policy), clock);
        Self::with_counts(policy, keys, counts)
    }

    /// The same counts, in common with other nodes or on this one alone. All nodes need the same [`LoginKeys`].
    #[must_use]
    pub fn sharing(&self, store: Option<Arc<dyn SharedCounts>>) -> Self {
        let counts = match store {
            Some(store) => self.0.counts.clone().shared(store),
            None => self.0.counts.clone().unshared(),
        };
        self.rebuilt(self.0.policy.clone(), self.0.keys.clone(), counts)
    }

    /// The same counts under a new policy: every limit whose rate and room stay keeps its counts, so that saving a file gives
    /// nobody a fresh start.
    #[must_use]
    pub fn with_policy(&self, policy: LoginPolicy, keys: LoginKeys) -> Self {
        let counts = self.0.counts.with_limits(limits::of(&policy));
        self.rebuilt(policy, keys, counts)
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &LoginPolicy {
        &self.0.policy
    }

    /// The tables that hold the counts.
    pub fn tables(&self) -> impl Iterator<Item = TableSize<'_>> {
        self.0.counts.tables()
    }

    /// How many logins are made to wait at this moment.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        self.0.waiting.load(Ordering::Relaxed)
    }

    pub(crate) fn keys(&self) -> &LoginKeys {
        &self.0.keys
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.0.counts
    }

    /// All that a request says of who tries to log in.
    pub(crate) fn subject(
        &self,
        purpose: Purpose,
        request: (&request::Parts, Downstream),
        credentials: &Credentials,
        now: SystemTime,
    ) -> Subject {
        let State {
            policy, keys, keyed, ..
        } = &*self.0;
        Subject::of((policy, keys, keyed), purpose, request, credentials, now)
    }

    /// Lets a try begin, and says how long it has to wait for that; or says which limit is used up.
    pub(crate) async fn begin(&self, subject: &Subject) -> Begun {
        let place = self.place(subject).await;
        let plan = Plan::of(self.policy(), subject, &place);
        let taken = self.take(plan.asks()).await;
        if !taken.passes {
            return self.refused(subject, &place, &plan, &taken).await;
        }
        if plan.is_crowded(&taken) {
            self.counts().put(&plan.given_back());
            return Begun::Busy;
        }
        let delay = plan.delay(self.policy(), &taken);
        let is_first = plan.is_first(self.policy(), &taken);
        Begun::Turn(Turn::new(self.clone(), plan, (delay, is_first)))
    }

    /// A turn for a try that should have been refused: under `report`.
    pub(crate) async fn begin_anyway(&self, subject: &Subject) -> Turn {
        let place = self.place(subject).await;
        let plan = Plan::of(self.policy(), subject, &place).without_reservation();
        Turn::new(self.clone(), plan, (Duration::ZERO, false))
    }

    /// A place among those who wait; `None` when all are taken.
    pub(crate) fn wait(&self) -> Option<Waiting> {
        let waiting = &self.0.waiting;
        let most = self.0.policy.max_waiting;
        let room = |now: u32| (now < most).then_some(now + 1);
        waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).ok()?;
        Some(Waiting(Arc::clone(waiting)))
    }

    pub(crate) async fn take(&self, asks: &[Ask]) -> Taken {
        match self.0.counts.take(asks) {
            Taking::Now(taken) => taken,
            Taking::Later(taken) => taken.await,
        }
    }

    /// What the counts know of where a try comes from.
    async fn place(&self, subject: &Subject) -> Place {
        let known = subject.account.as_ref().map(|account| account.here);
        let looks = [
            (limits::KNOWN, known),
            (limits::PROGRAM, subject.program),
            (limits::SPREAD, Some(subject.strangers)),
            (limits::NETWORK, Some(subject.residents)),
        ];
        let asks: Vec<Ask> = looks
            .iter()
            .filter_map(|(limit, key)| Some(limits::ask(*limit, (*key)?, Operation::Look)))
            .collect();
        let taken = self.take(&asks).await;
        // Whoever has no room of their own has the bucket of a crowd, which says nothing of them.
        let is_used = |limit: usize| {
            let mut standings = asks.iter().zip(&taken.standings);
            standings.any(|(ask, standing)| ask.limit == limit && standing.is_refused && !standing.is_crowded)
        };
        Place {
            is_known: is_used(limits::KNOWN),
            is_stuffed: is_used(limits::PROGRAM) || is_used(limits::SPREAD),
            is_used_up: is_used(limits::NETWORK),
        }
    }

    /// A try that may go on no further, or only to be asked for more.
    async fn refused(&self, subject: &Subject, place: &Place, plan: &Plan, taken: &Taken) -> Begun {
        let (what, wait) = plan.refused_by(taken);
        let used_up = LoginsUsedUp {
            what,
            is_stuffing: place.is_stuffed,
            account: subject.short(),
            network: subject.network,
            wait,
        };
        match what {
            What::InFlight => return Begun::Busy,
            // What is refused for its password costs the network it comes from: there they are many.
            What::Password => self.counts().put(&plan.sprayed()),
            _ => {}
        }
        if what.is_shared() && subject.purpose == Purpose::Login && self.policy().then == Then::StepUp {
            let plan = Plan::of(self.policy(), subject, place).for_step_up();
            let taken = self.take(plan.asks()).await;
            if taken.passes {
                let delay = plan.delay(self.policy(), &taken);
                let turn = Turn::new(self.clone(), plan, (delay, false));
                return Begun::SteppedUp(turn, used_up);
            }
        }
        Begun::Refused(used_up)
    }

    fn with_counts(policy: LoginPolicy, keys: LoginKeys, counts: Counts) -> Self {
        Self(Arc::new(State {
            keyed: Keys::of_secret(keys.counting()),
            policy,
            keys,
            counts,
            waiting: Arc::default(),
        }))
    }

    fn rebuilt(&self, policy: LoginPolicy, keys: LoginKeys, counts: Counts) -> Self {
        Self(Arc::new(State {
            keyed: Keys::of_secret(keys.counting()),
            policy,
            keys,
            counts,
            waiting: Arc::clone(&self.0.waiting),
        }))
    }
}

impl fmt::Debug for LoginGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginGuard")
            .field("policy", &self.0.policy)
            .finish_non_exhaustive()
    }
}

struct State {
    policy: LoginPolicy,
    keys: LoginKeys,
    keyed: Keys,
    counts: Counts,
    waiting: Arc<AtomicU32>,
}

/// What becomes of a try.
pub(crate) enum Begun {
    /// It goes on.
    Turn(Turn),
    /// It goes on, and the application is told to ask for more.
    SteppedUp(Turn, LoginsUsedUp),
    /// Too many are under way at once: soon there is room again.
    Busy,
    /// It ends here.
    Refused(LoginsUsedUp),
}

/// One that waits. Makes room when it is dropped.
pub(crate) struct Waiting(Arc<AtomicU32>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
