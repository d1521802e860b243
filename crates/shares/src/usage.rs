use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::Kind;
use crate::account::Account;
use crate::shares::Inner;

/// How one tenant stands. Its numbers are read one after the other, while requests come and go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantUsage {
    /// Who.
    pub tenant: Arc<str>,
    /// By [`Kind::ALL`].
    pub kinds: [Usage; Kind::ALL.len()],
    /// How many client networks hold something of it.
    pub clients: usize,
    /// How long its application was kept busy in all, by requests that have ended.
    pub upstream_time: Duration,
    /// How many requests its application is given at once, when that is found out ([`AdaptiveSettings`](crate::AdaptiveSettings)).
    pub upstream_limit: Option<u32>,
    /// How many it has been given, and how many wait for it.
    pub upstream: [u32; 2],
}

/// How one tenant stands with one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many are in use.
    pub in_use: u32,
    /// How many the tenant is guaranteed.
    pub guaranteed: u32,
    /// How many wait.
    pub waiting: u32,
    /// How many have had to wait so far.
    pub waited: u64,
    /// How many were refused at once, because as many waited as may, or gave way to somebody more urgent.
    pub refused: u64,
    /// How many were refused after they had waited for as long as may be.
    pub waited_too_long: u64,
    /// How many were refused because their client's network held too much.
    pub client_refused: u64,
}

impl Usage {
    /// How many of those in use are lent.
    #[must_use]
    pub const fn borrowed(&self) -> u32 {
        self.in_use.saturating_sub(self.guaranteed)
    }
}

/// How much there is of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// In all.
    pub capacity: u32,
    /// In use by all tenants. It may be more than the capacity: see the [crate's documentation](crate).
    pub in_use: u32,
    /// How many wait, of all tenants.
    pub waiting: usize,
}

impl TenantUsage {
    /// How it stands with one kind.
    #[must_use]
    pub const fn of_kind(&self, kind: Kind) -> &Usage {
        &self.kinds[kind.index()]
    }

    pub(crate) fn of(shares: &Inner, account: &Account) -> Self {
        let kinds = Kind::ALL.map(|kind| {
            let stake = account.stake(kind);
            let read = |counter: &AtomicU64| counter.load(Relaxed);
            Usage {
                in_use: stake.in_use(),
                guaranteed: shares.lot(kind).guaranteed(stake),
                waiting: stake.waiting.load(Relaxed),
                waited: read(&stake.waited),
                refused: read(&stake.refused),
                waited_too_long: read(&stake.too_long),
                client_refused: read(&stake.crowded),
            }
        });
        Self {
            tenant: Arc::clone(&account.name),
            kinds,
            clients: account.networks.len(),
            upstream_time: account.busy.total(),
            upstream_limit: account.gate.limit(),
            upstream: account.gate.load(),
        }
    }
}
