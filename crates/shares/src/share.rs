use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;

use http::Request;
use rempart_guard::{ClientAddr, Enforcement};

use crate::account::Account;
use crate::admission::{Holding, Place};
use crate::networks::{NetworkFull, NetworkKey};
use crate::refusal::{NoTurn, Of};
use crate::shares::Inner;
use crate::turn::{self, Turn};
use crate::usage::TenantUsage;
use crate::{Admission, Kind, Permit, Priority, ShareRefusal, SharesPolicy, Waiting};

/// One tenant's share, as one worker sees it: everything is counted together, but a clone for a worker of its own
/// ([`on_worker`](Self::on_worker)) writes nothing for each request that another worker's requests write too, save what
/// the tenant itself has in use.
#[derive(Clone)]
pub struct TenantShare(Arc<Handle>);

pub(crate) struct Handle {
    pub(crate) shares: Arc<Inner>,
    pub(crate) account: Arc<Account>,
    pub(crate) policy: Arc<SharesPolicy>,
    pub(crate) worker: usize,
    /// Whether those who come are many clients each, so that none of them has the bounds of one.
    many: bool,
}

impl TenantShare {
    pub(crate) fn new(shares: Arc<Inner>, account: Arc<Account>, policy: SharesPolicy) -> Self {
        Self(Arc::new(Handle {
            shares,
            account,
            policy: Arc::new(policy),
            worker: 0,
            many: false,
        }))
    }

    /// The same share for this worker, by its number.
    #[must_use]
    pub fn on_worker(&self, worker: usize) -> Self {
        let Handle {
            shares,
            account,
            policy,
            ..
        } = &*self.0;
        Self(Arc::new(Handle {
            shares: Arc::clone(shares),
            account: Arc::clone(account),
            policy: Arc::clone(policy),
            worker,
            many: false,
        }))
    }

    /// The same share for connections from the vendor's own proxies: each of them is as many clients as stand behind it, and
    /// has no bounds of one client.
    #[must_use]
    pub fn of_many(&self) -> Self {
        let Handle {
            shares,
            account,
            policy,
            worker,
            ..
        } = &*self.0;
        Self(Arc::new(Handle {
            shares: Arc::clone(shares),
            account: Arc::clone(account),
            policy: Arc::clone(policy),
            worker: *worker,
            many: true,
        }))
    }

    /// The same share under a new policy: what is in use and who waits still count. What is new in how much the tenant is
    /// given takes effect with [`claim`](Self::claim).
    #[must_use]
    pub fn with_policy(&self, policy: SharesPolicy) -> Self {
        Self(Arc::new(Handle {
            shares: Arc::clone(&self.0.shares),
            account: Arc::clone(&self.0.account),
            policy: Arc::new(policy),
            worker: self.0.worker,
            many: self.0.many,
        }))
    }

    /// Claims what this policy says in place of what the tenant claimed before. Everybody's guarantee follows.
    pub fn claim(&self) {
        self.0.account.claim(&self.0.shares, Some(&self.0.policy));
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &SharesPolicy {
        &self.0.policy
    }

    /// One more request in flight, of this client.
    pub fn request(&self, priority: Priority, client: ClientAddr) -> Admission {
        self.admit(Kind::Requests, priority, client)
    }

    /// How urgent a request is, as the policy says.
    #[must_use]
    pub fn priority<B>(&self, request: &Request<B>) -> Priority {
        let policy = &self.0.policy;
        policy.priority_of(request.method(), request.uri(), request.extensions())
    }

    /// One more connection of this client.
    pub fn connection(&self, client: ClientAddr) -> Admission {
        self.admit(Kind::Connections, Priority::FIRST, client)
    }

    /// One more handshake of this client. See [`handshake_turn`](Self::handshake_turn).
    pub fn handshake(&self, client: ClientAddr) -> Admission {
        self.admit(Kind::Handshakes, Priority::FIRST, client)
    }

    /// Waits for a turn to compute a handshake, and then for one round of the worker's other tasks.
    ///
    /// A handshake is processor time, most of it in one piece between the client's first message and the answer to it. So a
    /// turn is meant for that piece: [`Permit::give_back`] when the answer is written, and the permit itself is dropped at the
    /// handshake's end, because until then it is one of its client's network's. A turn lasts a round of the scheduler at
    /// least, and a worker therefore computes no more of them in a round than there are turns: the requests of all tenants
    /// go on between them, however many clients shake hands at once, and whoever has nothing else to do shakes hands at full
    /// speed.
    ///
    /// # Errors
    ///
    /// No turn in time: the connection is to be closed before anything is computed for it.
    pub async fn handshake_turn(&self, client: ClientAddr) -> Result<Permit, ShareRefusal> {
        let permit = self.handshake(client).decided().await?;
        // The first until the network was looked at, which tokio does every few tasks; the second behind all that is ready then.
        tokio::task::yield_now().await;
        back_of_the_queue().await;
        Ok(permit)
    }

    /// Adds to the time that the tenant's application was kept busy, of a request that went past
    /// [`upstream`](Self::upstream).
    pub fn upstream_time(&self, time: Duration) {
        self.0.account.busy.add(time);
    }

    /// How the tenant stands.
    #[must_use]
    pub fn usage(&self) -> TenantUsage {
        TenantUsage::of(&self.0.shares, &self.0.account)
    }

    pub(crate) const fn handle(&self) -> &Arc<Handle> {
        &self.0
    }

    fn admit(&self, kind: Kind, priority: Priority, client: ClientAddr) -> Admission {
        match self.0.policy.enforcement() {
            Enforcement::Enforce => self.enforced(kind, priority, client).unwrap_or_else(Admission::Refused),
            Enforcement::Report => self.reported(kind, client),
            Enforcement::Off => Admission::Now(Permit::of_nothing()),
        }
    }

    fn enforced(&self, kind: Kind, priority: Priority, client: ClientAddr) -> Result<Admission, ShareRefusal> {
        let handle = &self.0;
        let place = self.place(kind, client)?;
        let lot = handle.shares.lot(kind);
        if lot.enter(&handle.account, handle.worker) {
            return Ok(Admission::Now(Permit::new(Holding::new(place))));
        }
        let policy = &handle.policy;
        if policy.most_waiting() == 0 {
            return Err(handle.no_turn(kind, false));
        }
        let limit = turn::limit(policy.max_wait);
        let joined = lot.wait(&handle.account, handle.worker, priority, policy.most_waiting());
        let (ticket, outcome) = joined.map_err(|_| handle.no_turn(kind, false))?;
        let turn = Turn::new(place, ticket, outcome, limit);
        Ok(Admission::Later(Waiting(turn)))
    }

    fn reported(&self, kind: Kind, client: ClientAddr) -> Admission {
        let (handle, lot) = (&self.0, self.0.shares.lot(kind));
        let (place, crowded) = match self.place(kind, client) {
            Ok(place) => (place, None),
            Err(refusal) => (self.placed(kind, None), Some(refusal)),
        };
        let entered = lot.enter(&handle.account, handle.worker);
        if !entered {
            lot.enter_anyway(&handle.account, handle.worker);
        }
        let permit = Permit::new(Holding::new(place));
        match crowded.or_else(|| (!entered).then(|| handle.no_turn(kind, false))) {
            None => Admission::Now(permit),
            Some(refusal) => Admission::Reported(permit, refusal),
        }
    }

    /// One more for the client's network.
    fn place(&self, kind: Kind, client: ClientAddr) -> Result<Place, ShareRefusal> {
        let Handle { account, policy, .. } = &*self.0;
        let (network, most) = (
            client.network(policy.ipv4_prefix, policy.ipv6_prefix),
            policy.per_client(kind),
        );
        match account.networks.take(kind, network, most) {
            Ok(key) => Ok(self.placed(kind, Some(key))),
            Err(NetworkFull) => {
                account.stake(kind).crowded.fetch_add(1, Relaxed);
                Err(ShareRefusal::Client { network, kind, most })
            }
        }
    }

    fn placed(&self, kind: Kind, network: Option<NetworkKey>) -> Place {
        Place {
            handle: Arc::clone(&self.0),
            kind,
            network,
        }
    }
}

impl Handle {
    /// Counts and tells that there is no turn.
    pub(crate) fn no_turn(&self, kind: Kind, too_long: bool) -> ShareRefusal {
        let stake = self.account.stake(kind);
        let counter = if too_long { &stake.too_long } else { &stake.refused };
        counter.fetch_add(1, Relaxed);
        ShareRefusal::NoTurn(Box::new(NoTurn {
            tenant: Arc::clone(&self.account.name),
            of: Of::Edge(kind),
            in_use: stake.in_use(),
            share: self.shares.lot(kind).guaranteed(stake),
            too_long,
            wait: self.policy.retry_after(),
        }))
    }
}

/// Lets all tasks that are ready go first.
async fn back_of_the_queue() {
    let mut first = true;
    poll_fn(|cx| match std::mem::take(&mut first) {
        true => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        false => Poll::Ready(()),
    })
    .await;
}

impl fmt::Debug for TenantShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantShare")
            .field("tenant", &self.0.account.name)
            .field("policy", &self.0.policy)
            .finish_non_exhaustive()
    }
}
