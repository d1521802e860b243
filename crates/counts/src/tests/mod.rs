//! Each limit refuses, and lets pass what it should; alone, together with others, and while those are away.

mod alone;
mod away;
mod model;
mod together;

use std::time::Duration;

use governor::clock::FakeRelativeClock;

use crate::{Ask, Counts, Key, Limit, Operation, Room, Taken, Taking};

fn limit(name: &str, rate: &str, room: Room) -> Limit {
    Limit {
        name: name.into(),
        rate: rate.parse().unwrap(),
        room,
    }
}

fn per_key(rate: &str) -> Limit {
    limit(rate, rate, Room::For(1_000))
}

fn counts(limits: &[Limit]) -> (Counts, FakeRelativeClock) {
    let clock = FakeRelativeClock::default();
    (Counts::with_clock(limits.to_vec(), clock.clone()), clock)
}

/// One request of the key with this number.
fn one(limit: usize, key: u64) -> Ask {
    ask(limit, key, 1, Operation::CHARGE)
}

fn ask(limit: usize, key: u64, cost: u32, operation: Operation) -> Ask {
    Ask {
        limit,
        key: spread(key),
        cost,
        operation,
    }
}

/// A key as a hash would make it.
fn spread(number: u64) -> Key {
    let half = |number: u64| {
        u128::from(
            (number + 1)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29)
                .wrapping_mul(0xbf58_476d_1ce4_e5b9),
        )
    };
    Key::new((half(number) << 64) | half(number + 0x1234_5678))
}

fn patient(seconds: u64) -> Operation {
    Operation::Charge {
        patience: Duration::from_secs(seconds),
    }
}

/// What is answered at once.
fn now(taking: Taking) -> Taken {
    match taking {
        Taking::Now(taken) => taken,
        Taking::Later(_) => panic!("the store is asked"),
    }
}

fn passes(counts: &Counts, asks: &[Ask]) -> bool {
    now(counts.take(asks)).passes
}
