//! What one tenant holds of each kind, and what was said to it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Weak};

use crate::adaptive::Gate;
use crate::busy::Busy;
use crate::division::Claim;
use crate::networks::Networks;
use crate::shares::Inner;
use crate::{Kind, SharesPolicy};

/// All that is counted for one tenant. Every worker's handle and every version of its policy have the same.
pub(crate) struct Account {
    pub(crate) name: Arc<str>,
    /// Unique among all accounts that ever were.
    pub(crate) number: u64,
    stakes: [Stake; Kind::ALL.len()],
    pub(crate) networks: Networks,
    pub(crate) busy: Busy,
    pub(crate) gate: Gate,
    shares: Weak<Inner>,
}

/// What one tenant holds of one kind. On cache lines of its own: two tenants never write the same.
#[repr(align(64))]
#[derive(Default)]
pub(crate) struct Stake {
    in_use: AtomicU32,
    /// How many of it wait. Written under the lot's lock.
    pub(crate) waiting: AtomicU32,
    weight: AtomicU32,
    /// What is guaranteed by a number; zero when it goes by weight.
    explicit: AtomicU32,
    /// When it was last served of those who wait, as a running number.
    pub(crate) served: AtomicU64,
    pub(crate) waited: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) too_long: AtomicU64,
    pub(crate) crowded: AtomicU64,
}

impl Account {
    pub(crate) fn new(name: Arc<str>, number: u64, policy: &SharesPolicy, shares: Weak<Inner>) -> Self {
        Self {
            name,
            number,
            stakes: Default::default(),
            networks: Networks::new(SHARDS),
            busy: Busy::default(),
            gate: Gate::new(policy.adaptive.clone()),
            shares,
        }
    }

    pub(crate) const fn stake(&self, kind: Kind) -> &Stake {
        &self.stakes[kind.index()]
    }

    /// What it is given is what its policy says, from now on.
    pub(crate) fn claim(&self, shares: &Inner, policy: Option<&SharesPolicy>) {
        for kind in Kind::ALL {
            let claim = policy.map_or(Claim::NONE, |policy| policy.claim(kind));
            shares.lot(kind).claim(self.stake(kind), claim);
        }
        if let Some(policy) = policy {
            self.gate.follow(&policy.adaptive);
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if let Some(shares) = self.shares.upgrade() {
            self.claim(&shares, None);
            shares.forget(&self.name);
        }
    }
}

impl Stake {
    pub(crate) fn in_use(&self) -> u32 {
        self.in_use.load(SeqCst)
    }

    /// One more, if there are fewer than `guaranteed`. In one step: a tenant that has used up its guarantee is never seen to
    /// hold more than it does, which could make another of its requests wait for nothing.
    pub(crate) fn enter_below(&self, guaranteed: u32) -> bool {
        let mut in_use = self.in_use.load(SeqCst);
        while in_use < guaranteed {
            match self.in_use.compare_exchange_weak(in_use, in_use + 1, SeqCst, SeqCst) {
                Ok(_) => return true,
                Err(now) => in_use = now,
            }
        }
        false
    }

    pub(crate) fn enter(&self) {
        self.in_use.fetch_add(1, SeqCst);
    }

    pub(crate) fn exit(&self) {
        self.in_use.fetch_sub(1, SeqCst);
    }

    pub(crate) fn claimed(&self) -> Claim {
        Claim {
            weight: self.weight.load(SeqCst),
            explicit: self.explicit.load(SeqCst),
        }
    }

    pub(crate) fn set_claim(&self, claim: Claim) {
        self.weight.store(claim.weight, SeqCst);
        self.explicit.store(claim.explicit, SeqCst);
    }
}

/// Of a tenant's table of networks. Few: ten thousand tenants have them.
const SHARDS: usize = 4;
