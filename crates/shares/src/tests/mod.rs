//! The rule as it is seen from outside, by a clock that stands still until it is told to go.

mod clients;
mod cost;
mod fairness;
mod interleaved;
mod layer;
mod reload;
mod simulation;
mod threads;
mod upstream;

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroUsize;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use rempart_guard::ClientAddr;
use tokio::task::coop::unconstrained;

use crate::*;

const WORKERS: NonZeroUsize = NonZeroUsize::new(2).unwrap();

/// An edge with room for so many requests and connections.
fn shares(requests: u32) -> Shares {
    let settings = CapacitySettings {
        requests: Some(requests),
        connections: Some(requests),
        ..CapacitySettings::default()
    };
    Shares::new(&settings.try_into().unwrap(), WORKERS)
}

fn policy(toml: &str) -> SharesPolicy {
    toml::from_str::<SharesSettings>(toml).unwrap().try_into().unwrap()
}

fn capacity(toml: &str) -> CapacityPolicy {
    toml::from_str::<CapacitySettings>(toml).unwrap().try_into().unwrap()
}

fn tenants<const N: usize>(shares: &Shares, names: [&str; N], toml: &str) -> [TenantShare; N] {
    names.map(|name| shares.tenant(name, policy(toml)))
}

/// A client of its own for each number.
fn client(number: u32) -> ClientAddr {
    ClientAddr::new(IpAddr::V4(Ipv4Addr::from_bits(0x0A00_0000 + number)))
}

/// One request of a client that has no other.
fn ask(share: &TenantShare) -> Admission {
    use std::sync::atomic::{AtomicU32, Ordering};
    static CLIENTS: AtomicU32 = AtomicU32::new(1 << 16);
    share.request(Priority::new(3), client(CLIENTS.fetch_add(1, Ordering::Relaxed)))
}

fn now(admission: Admission) -> Permit {
    match admission {
        Admission::Now(permit) => permit,
        other => panic!("not at once: {other:?}"),
    }
}

fn later(admission: Admission) -> Waiting {
    match admission {
        Admission::Later(waiting) => waiting,
        other => panic!("not later: {other:?}"),
    }
}

/// As many as are admitted at once.
fn fill(share: &TenantShare) -> Vec<Permit> {
    let share = share.with_policy(SharesPolicy {
        max_waiting: 0,
        ..share.policy().clone()
    });
    let mut permits = Vec::new();
    while let Admission::Now(permit) = ask(&share) {
        permits.push(permit);
    }
    permits
}

/// Whether its turn has come.
fn turn(waiting: &mut Waiting) -> Option<Result<Permit, ShareRefusal>> {
    // However many are asked in one go.
    match pin!(unconstrained(waiting)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(decided) => Some(decided),
        Poll::Pending => None,
    }
}

/// Whether its turn has come; what it is given is kept.
fn served(waiting: &mut Waiting, kept: &mut Vec<Permit>) -> bool {
    let before = kept.len();
    kept.extend(turn(waiting).map(Result::unwrap));
    kept.len() > before
}

fn usage(share: &TenantShare) -> Usage {
    *share.usage().of_kind(Kind::Requests)
}

/// Nothing is left of anything.
#[track_caller]
fn assert_at_rest(shares: &Shares) {
    for kind in Kind::ALL {
        let Total { in_use, waiting, .. } = shares.total(kind);
        assert_eq!((in_use, waiting), (0, 0), "{kind}");
    }
    for tenant in shares.usage() {
        assert!(
            tenant.kinds.iter().all(|usage| (usage.in_use, usage.waiting) == (0, 0)),
            "{tenant:?}"
        );
        assert_eq!((tenant.clients, tenant.upstream), (0, [0, 0]), "{tenant:?}");
    }
}
