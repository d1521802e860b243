//! What a worker serves from: a table that never changes, and is replaced whole.
//!
//! A reload builds a new [`Table`] for every worker and puts it into the worker's [`Seat`]. Nothing is told to anybody: a
//! connection compares the seat's number with its own before each request and takes the new table when they differ. So a
//! request is answered by one stack from beginning to end, the one that stood when its head was read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rempart_guard::{Reporter, TrustedProxies};
use rempart_headers::Headers;
use rempart_shares::TenantShare;
use rempart_tenant::{Tenant, Tenants};
use rempart_tls::Sites;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::pool::Pool;
use crate::served::Served;
use crate::stack::TenantStack;
use crate::tunnel::Tunnels;
use crate::upstream::Upstream;

/// Everything that one worker serves from, at one time.
pub(crate) struct Table {
    pub(crate) shared: Arc<Shared>,
    pub(crate) sites: Arc<Sites<Tenant>>,
    /// By [`Tenant::index`].
    pub(crate) doors: Vec<Arc<Door>>,
}

/// What the front knows, and what no tenant owns. Each worker has its own copy, so that the count of its users is not
/// shared between cores.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) tenants: Tenants,
    pub(crate) trusted_proxies: TrustedProxies,
    pub(crate) reporter: Reporter,
    /// How long a drain may take.
    pub(crate) drain: Duration,
}

/// One tenant's stack on one worker. Stays the same object for as long as the tenant does.
pub(crate) struct Door {
    pub(crate) served: Arc<Served>,
    /// Cloned by each connection.
    pub(crate) stack: TenantStack,
    pub(crate) hardening: Option<Arc<Headers>>,
    /// Whether a request carries its client's fingerprint, and its JA4: what nobody looks at is not put there.
    pub(crate) needs_fingerprint: bool,
    pub(crate) needs_ja4: bool,
    /// Whether somebody wants to know how many bytes of answers have left.
    pub(crate) counts_bytes: bool,
    /// This worker's handle to the tenant's part of the edge.
    pub(crate) share: TenantShare,
    /// This worker's connections to the tenant's application.
    pub(crate) pool: Arc<Pool>,
}

impl Door {
    /// Builds a tenant's stack on a worker. Connections to the application are taken over from the door that this one
    /// replaces when they lead to the same place under the same limits.
    pub(crate) fn new(
        served: &Arc<Served>,
        (seat, worker): (&Seat, usize),
        removed: &CancellationToken,
        replaces: Option<&Self>,
    ) -> Arc<Self> {
        let policy = &served.config.upstream;
        let kept = replaces.map(|door| &door.pool).filter(|pool| pool.policy() == policy);
        let pool = kept.map_or_else(|| Arc::new(Pool::new(policy.clone())), Arc::clone);
        let tunnels = Tunnels::new(seat.tasks.clone(), removed.clone());
        let share = served.controls.share().on_worker(worker);
        let upstream = Upstream::new(
            Arc::clone(&pool),
            share.clone(),
            served.controls.reporter().clone(),
            tunnels,
        );
        Arc::new(Self {
            stack: served.controls.stack(upstream, worker),
            hardening: served.controls.hardening(),
            needs_fingerprint: served.controls.needs_fingerprint(),
            needs_ja4: served.controls.needs_ja4(),
            counts_bytes: served.controls.counts_bytes(),
            share,
            served: Arc::clone(served),
            pool,
        })
    }
}

/// Where a worker finds its table.
pub(crate) struct Seat {
    table: Mutex<Arc<Table>>,
    number: AtomicU64,
    /// Tables that were here, until nobody else holds them.
    old: Mutex<Vec<Arc<Table>>>,
    /// Connections and tunnels that are open on this worker.
    pub(crate) tasks: TaskTracker,
}

impl Seat {
    pub(crate) fn new(table: Table) -> Self {
        Self {
            table: Mutex::new(Arc::new(table)),
            number: AtomicU64::new(0),
            old: Mutex::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// Puts another table here, and leaves the old one to those who hold it.
    pub(crate) fn put(&self, table: Table) {
        let old = std::mem::replace(&mut *lock(&self.table), Arc::new(table));
        self.number.fetch_add(1, Ordering::Release);
        lock(&self.old).push(old);
    }

    /// Takes old tables to pieces that no connection holds any more. Somebody beside the workers has to call this now and
    /// then: with thousands of tenants it takes longer than a visitor should wait, and the last connection that lets go of a
    /// table would do it on its worker.
    pub(crate) fn clear_away(&self) {
        let (unused, held) = std::mem::take(&mut *lock(&self.old))
            .into_iter()
            .partition(|table| Arc::strong_count(table) == 1);
        lock(&self.old).extend::<Vec<_>>(held);
        drop::<Vec<_>>(unused);
    }

    /// The table as it is now, and its number.
    pub(crate) fn table(&self) -> (Arc<Table>, u64) {
        // The number is read first: a table that is newer than its number is only looked at once more.
        let number = self.number();
        (Arc::clone(&lock(&self.table)), number)
    }

    /// The number of the table that is here.
    pub(crate) fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        Table {
            shared: Arc::new(Shared {
                tenants: Tenants::builder().build(),
                trusted_proxies: TrustedProxies::none(),
                reporter: Reporter::silent(),
                drain: Duration::ZERO,
            }),
            sites: Arc::new(Sites::builder().build()),
            doors: Vec::new(),
        }
    }

    #[test]
    fn an_old_table_is_cleared_away_once_nobody_holds_it() {
        let seat = Seat::new(table());
        let (held, number) = seat.table();
        let old = Arc::downgrade(&held);
        seat.put(table());
        assert_ne!(seat.number(), number);
        seat.clear_away();
        drop(held);
        assert!(old.upgrade().is_some(), "the last who let go did not pay for it");
        seat.clear_away();
        assert!(old.upgrade().is_none());
        assert!(seat.table().0.doors.is_empty(), "the one in use stays");
    }
}
