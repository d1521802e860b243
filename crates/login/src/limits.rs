//! What is counted, and how often each may be.

use std::sync::Arc;

use rempart_counts::{Ask, Key, Limit, Operation, Rate, Room};

use crate::LoginPolicy;
use crate::policy::Limits;

/// Where each limit stands in [`of`].
pub(crate) const PAIR: usize = 0;
pub(crate) const ACCOUNT: usize = 1;
pub(crate) const NETWORK: usize = 2;
pub(crate) const SESSION: usize = 3;
pub(crate) const PASSWORD: usize = 4;
pub(crate) const PROGRAM: usize = 5;
pub(crate) const CODE: usize = 6;
pub(crate) const RESET: usize = 7;
/// Logins under way: charged while one is, and given back. Fills up by itself, should a node end in between.
pub(crate) const IN_FLIGHT: usize = 8;
/// A success marks its account and network for a month: whoever finds the bucket not full has been here.
pub(crate) const KNOWN: usize = 9;
/// The first success of an account in a network within half a day.
pub(crate) const SEEN: usize = 10;
/// Accounts that have failed in one network.
pub(crate) const SPREAD: usize = 11;
/// Passwords that were right and that no code has followed.
pub(crate) const UNFINISHED: usize = 12;
/// Of one account in a network that knows it, while others there have used up what those who are known there share.
pub(crate) const SLOW: usize = 13;

/// How many logins of one network, or with one password, may be under way at once.
pub(crate) const MOST_IN_FLIGHT: u64 = 128;

/// All limits of a policy. Their names are no names of quotas, with which they may share a store.
pub(crate) fn of(policy: &LoginPolicy) -> Vec<Limit> {
    let Limits {
        account_network,
        account,
        network,
        session,
        password,
        fingerprint,
        code,
        reset,
    } = policy.limits;
    let fixed = |text: &str| text.parse::<Rate>().expect("the rate is one of ours");
    let limit = |(name, rate): (&str, Rate)| Limit {
        name: Arc::from(format!("login.{name}")),
        rate,
        room: Room::For(policy.keying.max_keys),
    };
    let limits = [
        ("account_network", account_network),
        ("account", account),
        ("network", network),
        ("session", session),
        ("password", password),
        ("fingerprint", fingerprint),
        ("code", code),
        ("reset", reset),
        ("in_flight", fixed("128/m burst 128")),
        ("known", fixed("1/30d burst 1")),
        ("seen", fixed("1/12h burst 1")),
        ("spread", fixed("20/h burst 20")),
        ("unfinished", fixed("60/h burst 30")),
        ("slow", fixed("1/h burst 2")),
    ];
    limits.into_iter().map(limit).collect()
}

pub(crate) const fn ask(limit: usize, key: Key, operation: Operation) -> Ask {
    Ask {
        limit,
        key,
        cost: 1,
        operation,
    }
}

/// Charges at once or not at all.
pub(crate) const CHARGE: Operation = Operation::Charge {
    patience: std::time::Duration::ZERO,
};
