//! The counts alone.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::Instant;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use rempart_counts::{Ask, Counts, Keys, Limit, Operation, Rate, Room, Taking};

use crate::rounds::{Random, address, compare, print, resident};

/// Never used up: what passes is measured.
pub(crate) const RATE: &str = "1000000/h";

pub(crate) fn hashing() {
    let (keys, mut random) = (Keys::random(), Random(1));
    let name = |text: &'static str| text.to_owned();
    compare(
        "making a key",
        &mut [
            (
                name("of an IPv6 address"),
                Box::new(move || {
                    black_box(keys.key(&[&random.client(1_000_000).to_be_bytes()]));
                }),
            ),
            (name("of a network, a session and a name"), {
                let (keys, mut random) = (Keys::random(), Random(1));
                Box::new(move || {
                    let client = random.client(1_000_000).to_be_bytes();
                    black_box(keys.key(&[&client[..8], b"0123456789abcdef", b"login"]));
                })
            }),
        ],
    );
}

pub(crate) fn checks(clients: u64) {
    let before = resident();
    let ours = Ours::new(1, clients * 3 / 2);
    ours.fill(clients);
    let with_ours = resident();
    let governor = governor();
    (0..clients).for_each(|client| assert!(governor.check_key(&address(client)).is_ok()));
    let with_governor = resident();
    let (mut random, mut same) = (Random(1), Random(1));
    compare(
        &format!("one limit, {clients} clients in random order"),
        &mut [
            (
                "governor".into(),
                Box::new(move || {
                    assert!(governor.check_key(&random.client(clients)).is_ok());
                }),
            ),
            (
                "ours".into(),
                Box::new(move || assert!(ours.passes(same.client(clients)))),
            ),
        ],
    );
    if clients >= 100_000 {
        let each = |bytes: u64| bytes / clients;
        println!(
            "  bytes a client: governor {}, ours {} (aim 64)",
            each(with_governor - with_ours),
            each(with_ours - before)
        );
    }
}

/// Two threads in one table, on clients of their own choice.
pub(crate) fn two_threads() {
    println!("\none limit, 100000 clients, ns a check on each of two threads");
    let (ours, governor) = (Ours::new(1, 133_333), governor());
    ours.fill(100_000);
    let (mut of_governor, mut of_ours) = (Vec::new(), Vec::new());
    for round in 0..301 {
        of_governor.push(on_both(round, |client| governor.check_key(&client).is_ok()));
        of_ours.push(on_both(round, |client| ours.passes(client)));
    }
    let base = print("governor", of_governor, None);
    print("ours", of_ours, Some(base));
}

fn on_both(round: u64, passes: impl Fn(u128) -> bool + Sync) -> f64 {
    const CHECKS: u32 = 2_000;
    let (barrier, passes) = (Barrier::new(2), &passes);
    let run = |seed: u64| {
        let mut random = Random(2 * round + seed);
        barrier.wait();
        let begun = Instant::now();
        (0..CHECKS).for_each(|_| assert!(passes(random.client(100_000))));
        begun.elapsed().as_secs_f64() * 1e9 / f64::from(CHECKS)
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| run(0));
        (run(1) + other.join().unwrap()) / 2.0
    })
}

pub(crate) struct Ours {
    pub(crate) counts: Counts,
    pub(crate) keys: Keys,
}

impl Ours {
    pub(crate) fn new(limits: usize, room: u64) -> Self {
        let limit = |index: usize| Limit {
            name: format!("limit{index}").into(),
            rate: RATE.parse().unwrap(),
            room: Room::For(u32::try_from(room).unwrap()),
        };
        Self {
            counts: Counts::new((0..limits).map(limit).collect()),
            keys: Keys::random(),
        }
    }

    /// With clients that stay.
    pub(crate) fn fill(&self, clients: u64) {
        for client in 0..clients {
            let key = self.keys.key(&[&address(client).to_be_bytes()]);
            let limits = 0..self.counts.limits().len();
            let force = |limit| Ask {
                limit,
                key,
                cost: 100_000,
                operation: Operation::Force,
            };
            self.counts.put(&limits.map(force).collect::<Vec<_>>());
        }
    }

    pub(crate) fn passes(&self, client: u128) -> bool {
        let key = self.keys.key(&[&client.to_be_bytes()]);
        let ask = |limit| Ask {
            limit,
            key,
            cost: 1,
            operation: Operation::CHARGE,
        };
        let taking = match self.counts.limits().len() {
            1 => self.counts.take(&[ask(0)]),
            _ => self.counts.take(&[0, 1, 2, 3, 4].map(ask)),
        };
        matches!(black_box(taking), Taking::Now(taken) if taken.passes)
    }
}

pub(crate) fn governor() -> DefaultKeyedRateLimiter<u128> {
    RateLimiter::dashmap(Quota::from(RATE.parse::<Rate>().unwrap()))
}
