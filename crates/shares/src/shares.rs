use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rempart_guard::ClientAddr;

use crate::account::Account;
use crate::lot::Lot;
use crate::share::TenantShare;
use crate::strangers::{StrangerPermit, Strangers};
use crate::usage::{TenantUsage, Total};
use crate::{CapacityPolicy, Kind, ShareRefusal, SharesPolicy};

/// All that the tenants of one edge share: one for the whole process. A clone is the same.
///
/// See the [crate's documentation](crate) for the rule.
#[derive(Clone)]
pub struct Shares(Arc<Inner>);

pub(crate) struct Inner {
    workers: NonZeroUsize,
    lots: [Lot; Kind::ALL.len()],
    pub(crate) strangers: Strangers,
    /// Only looked into at load and by whoever asks how it stands, never for a request.
    accounts: Mutex<HashMap<Arc<str>, Weak<Account>>>,
    numbers: AtomicU64,
}

impl Shares {
    /// Shares a capacity between tenants who are served by so many threads.
    #[must_use]
    pub fn new(policy: &CapacityPolicy, workers: NonZeroUsize) -> Self {
        Self(Arc::new(Inner {
            workers,
            lots: Kind::ALL.map(|kind| Lot::new(kind, policy.of(kind, workers), workers.get())),
            strangers: Strangers::new(policy, workers),
            accounts: Mutex::default(),
            numbers: AtomicU64::new(0),
        }))
    }

    /// The share of a tenant. What the name had before it still has, with what is in use of it; a new name claims its part
    /// at once, and gives it back when the last handle and the last permit are gone.
    pub fn tenant(&self, name: impl Into<Arc<str>>, policy: SharesPolicy) -> TenantShare {
        let name = name.into();
        let mut accounts = self.0.accounts();
        if let Some(account) = accounts.get(&name).and_then(Weak::upgrade) {
            return TenantShare::new(Arc::clone(&self.0), account, policy);
        }
        let number = self.0.numbers.fetch_add(1, Relaxed);
        let account = Account::new(Arc::clone(&name), number, &policy, Arc::downgrade(&self.0));
        let account = Arc::new(account);
        accounts.insert(name, Arc::downgrade(&account));
        drop(accounts);
        account.claim(&self.0, Some(&policy));
        TenantShare::new(Arc::clone(&self.0), account, policy)
    }

    /// A connection that has not said yet whose it is. It is counted until the permit is dropped: when its tenant is known
    /// and its own share takes over, or when it is closed.
    ///
    /// When there are as many as may be, the oldest is told to give way ([`StrangerPermit::gives_way`]).
    ///
    /// # Errors
    ///
    /// There are as many as may be from one client's network: the connection is to be closed.
    pub fn stranger(&self, client: ClientAddr) -> Result<StrangerPermit, ShareRefusal> {
        StrangerPermit::new(&self.0, client)
    }

    /// Another capacity, while it runs. What is in use stays in use; what is beyond a smaller one is not lent anew.
    pub fn resize(&self, policy: &CapacityPolicy) {
        for kind in Kind::ALL {
            self.0.lot(kind).resize(policy.of(kind, self.0.workers));
        }
        self.0.strangers.resize(policy, self.0.workers);
    }

    /// How much there is of a kind, how much of it is in use and how many wait.
    #[must_use]
    pub fn total(&self, kind: Kind) -> Total {
        let lot = self.0.lot(kind);
        Total {
            capacity: lot.capacity(),
            in_use: lot.in_use(),
            waiting: lot.waiting(),
        }
    }

    /// How every tenant stands, by name.
    #[must_use]
    pub fn usage(&self) -> Vec<TenantUsage> {
        // Counted after the lock is open: the last of a tenant's may be dropped here, and takes it too.
        let accounts: Vec<_> = self.0.accounts().values().filter_map(Weak::upgrade).collect();
        let mut usage: Vec<_> = accounts
            .iter()
            .map(|account| TenantUsage::of(&self.0, account))
            .collect();
        usage.sort_by(|one, other| one.tenant.cmp(&other.tenant));
        usage
    }
}

impl Inner {
    pub(crate) const fn lot(&self, kind: Kind) -> &Lot {
        &self.lots[kind.index()]
    }

    /// A tenant's last handle is gone.
    pub(crate) fn forget(&self, name: &str) {
        let mut accounts = self.accounts();
        if accounts.get(name).is_some_and(|account| account.strong_count() == 0) {
            accounts.remove(name);
        }
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<Arc<str>, Weak<Account>>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(Kind::ALL.map(|kind| (kind, self.total(kind))))
            .finish()
    }
}
