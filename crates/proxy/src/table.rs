//! What a worker serves from: a table that never changes, and is replaced whole.
//!
//! A reload builds a new [`Table`] for every worker and puts it into the worker's [`Seat`]. Nothing is told to anybody: a
//! connection compares the seat's number with its own before each request and takes the new table when they differ. So a
//! request is answered by one stack from beginning to end, the one that stood when its head was read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rempart_guard::{Reporter, TrustedProxies};
use rempart_headers::Headers;
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
    /// This worker's connections to the tenant's application.
    pub(crate) pool: Arc<Pool>,
}

impl Door {
    /// Builds a tenant's stack on a worker. Connections to the application are taken over from the door that this one
    /// replaces when they lead to the same place under the same limits.
    pub(crate) fn new(
        served: &Arc<Served>,
        seat: &Seat,
        removed: &CancellationToken,
        replaces: Option<&Self>,
    ) -> Arc<Self> {
        let policy = &served.config.upstream;
        let kept = replaces.map(|door| &door.pool).filter(|pool| pool.policy() == policy);
        let pool = kept.map_or_else(|| Arc::new(Pool::new(policy.clone())), Arc::clone);
        let tunnels = Tunnels::new(seat.tasks.clone(), removed.clone());
        let upstream = Upstream::new(Arc::clone(&pool), served.controls.reporter().clone(), tunnels);
        Arc::new(Self {
            stack: served.controls.stack(upstream),
            hardening: served.controls.hardening(),
            served: Arc::clone(served),
            pool,
        })
    }
}

/// Where a worker finds its table.
pub(crate) struct Seat {
    table: Mutex<Arc<Table>>,
    number: AtomicU64,
    /// Connections and tunnels that are open on this worker.
    pub(crate) tasks: TaskTracker,
}

impl Seat {
    pub(crate) fn new(table: Table) -> Self {
        Self {
            table: Mutex::new(Arc::new(table)),
            number: AtomicU64::new(0),
            tasks: TaskTracker::new(),
        }
    }

    /// Puts another table here, and leaves the old one to those who hold it.
    pub(crate) fn put(&self, table: Table) {
        let old = std::mem::replace(
            &mut *self.table.lock().unwrap_or_else(PoisonError::into_inner),
            Arc::new(table),
        );
        self.number.fetch_add(1, Ordering::Release);
        drop(old);
    }

    /// The table as it is now, and its number.
    pub(crate) fn table(&self) -> (Arc<Table>, u64) {
        // The number is read first: a table that is newer than its number is only looked at once more.
        let number = self.number();
        (
            Arc::clone(&self.table.lock().unwrap_or_else(PoisonError::into_inner)),
            number,
        )
    }

    /// The number of the table that is here.
    pub(crate) fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }
}
