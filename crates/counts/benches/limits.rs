//! What a limit costs, beside bare governor with its `DashMap` store: `cargo xtask bench limits`.
//!
//! All cases of a block take turns in short rounds, so that a slow moment of the machine hits each of them; medians and the
//! spread of the middle half are printed, in nanoseconds. Every check reads the clock and hashes the client's address; ours
//! to 128 bits, as a key that other nodes could share. Nothing here fails by timing.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use governor::clock::FakeRelativeClock;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use rempart_counts::{Ask, Counts, Keys, Limit, Operation, Rate, Room, Taking};

/// Never used up: what passes is measured.
const RATE: &str = "1000000/h";

fn main() {
    hashing();
    for clients in [1_000, 100_000, 1_000_000] {
        checks(clients);
    }
    five_quotas();
    two_threads();
    flood();
}

fn hashing() {
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

fn checks(clients: u64) {
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

fn five_quotas() {
    let (ours, governors) = (Ours::new(5, 4_000), [(); 5].map(|()| governor()));
    ours.fill(1_000);
    let (mut random, mut same) = (Random(1), Random(1));
    compare(
        "five quotas of one request, 1000 clients (aim 500 ns)",
        &mut [
            (
                "governor, one after the other".into(),
                Box::new(move || {
                    let client = random.client(1_000);
                    assert!(governors.iter().all(|governor| governor.check_key(&client).is_ok()));
                }),
            ),
            (
                "ours, all or none".into(),
                Box::new(move || assert!(ours.passes(same.client(1_000)))),
            ),
        ],
    );
}

/// Two threads in one table, on clients of their own choice.
fn two_threads() {
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

/// Ten million hostile clients, each with one request, while honest ones go on.
fn flood() {
    println!("\n{HOSTILE} hostile clients against a table for 65536, beside {HONEST} honest ones");
    let (quiet, flooded) = (for_flood(), for_flood());
    let before_any = resident();
    let full = |client: &u64| flooded.passes(address(*client));
    let newcomers = (HONEST..FULL).filter(full).count();
    let before = resident();
    let of_quiet = honest(&quiet, &AtomicBool::new(true));
    let is_over = AtomicBool::new(false);
    let (passed, of_flooded) = std::thread::scope(|scope| {
        let flood = scope.spawn(|| {
            let passed = (FULL..HOSTILE).filter(full).count();
            is_over.store(true, Ordering::Relaxed);
            passed
        });
        let honest = honest(&flooded, &is_over);
        (flood.join().unwrap(), honest)
    });
    let (after, table) = (resident(), flooded.counts.tables().next().unwrap().bytes);
    let kib = |bytes: u64| bytes / 1024;
    println!(
        "  memory of the process, KiB: {} before, {} with a full table, {} after",
        kib(before_any),
        kib(before),
        kib(after)
    );
    println!(
        "  the table: {} KiB; of the first {FULL} clients {newcomers} passed, of all after them {passed}",
        table / 1024
    );
    let same = of_flooded
        .decided
        .iter()
        .zip(&of_quiet.decided)
        .filter(|(one, other)| one == other);
    println!(
        "  honest decisions: {} of {} as without the flood",
        same.count(),
        of_quiet.decided.len()
    );
    for (name, honest) in [("quiet", of_quiet), ("flooded", of_flooded)] {
        let at = |part: f64| honest.time(part);
        println!("  honest check, {name}: median {} ns, p99 {} ns", at(0.5), at(0.99));
    }
}

const HONEST: u64 = 500;
const FULL: u64 = 300_000;
const HOSTILE: u64 = 10_000_000;

/// Time stands still, so that nothing fills up again. The honest clients were there before.
fn for_flood() -> Ours {
    let limit = Limit {
        name: "client".into(),
        rate: "5/h burst 100".parse().unwrap(),
        room: Room::For(65_536),
    };
    let ours = Ours {
        counts: Counts::with_clock(vec![limit], FakeRelativeClock::default()),
        keys: Keys::random(),
    };
    assert!((0..HONEST).all(|client| ours.passes(address(client))));
    ours
}

/// What the honest are told, and how often a check took so many nanoseconds.
struct Honest {
    decided: Vec<bool>,
    times: Vec<u64>,
}

/// Each asks more often than it may, and then goes on until the flood is over.
fn honest(ours: &Ours, is_over: &AtomicBool) -> Honest {
    const DECIDED: u64 = HONEST * 200;
    let (mut decided, mut times) = (Vec::new(), vec![0; 1_000_000]);
    for request in 0.. {
        if request >= DECIDED && is_over.load(Ordering::Relaxed) {
            break;
        }
        let begun = Instant::now();
        let passes = ours.passes(address(request % HONEST));
        let nanoseconds = begun.elapsed().as_nanos() as usize;
        times[nanoseconds.min(999_999)] += 1;
        if request < DECIDED {
            decided.push(passes);
        }
    }
    Honest { decided, times }
}

impl Honest {
    fn time(&self, part: f64) -> usize {
        let all: u64 = self.times.iter().sum();
        let mut below = 0;
        let reaches = |count: &u64| {
            below += count;
            below as f64 >= all as f64 * part
        };
        self.times.iter().position(reaches).unwrap()
    }
}

struct Ours {
    counts: Counts,
    keys: Keys,
}

impl Ours {
    fn new(limits: usize, room: u64) -> Self {
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
    fn fill(&self, clients: u64) {
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

    fn passes(&self, client: u128) -> bool {
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

fn governor() -> DefaultKeyedRateLimiter<u128> {
    RateLimiter::dashmap(Quota::from(RATE.parse::<Rate>().unwrap()))
}

/// What is measured, and its name.
type Case = (String, Box<dyn FnMut()>);

/// Takes turns in short rounds, and prints each beside the first.
fn compare(title: &str, cases: &mut [Case]) {
    const OPERATIONS: u32 = 1_000;
    println!("\n{title}");
    let mut rounds = vec![Vec::new(); cases.len()];
    for _ in 0..1_001 {
        for ((_, run), rounds) in cases.iter_mut().zip(&mut rounds) {
            let begun = Instant::now();
            (0..OPERATIONS).for_each(|_| run());
            rounds.push(begun.elapsed().as_secs_f64() * 1e9 / f64::from(OPERATIONS));
        }
    }
    let mut base = None;
    for ((name, _), rounds) in cases.iter().zip(rounds) {
        let median = print(name, rounds, base);
        base.get_or_insert(median);
    }
}

fn print(name: &str, mut rounds: Vec<f64>, base: Option<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    let at = |part: usize| rounds[rounds.len() * part / 4];
    let beside = base.map_or_else(String::new, |base| format!("  {:.2}×", at(2) / base));
    println!("  {name:<40} {:>6.0} ns  ({:.0} to {:.0}){beside}", at(2), at(1), at(3));
    at(2)
}

/// An address as it comes from anywhere.
fn address(client: u64) -> u128 {
    (0x2001_0db8 << 96) | u128::from(Random(client).next()) << 32
}

/// SplitMix64: reproducible, and cheap beside what is measured.
struct Random(u64);

impl Random {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn client(&mut self, of: u64) -> u128 {
        address(((u128::from(self.next()) * u128::from(of)) >> 64) as u64)
    }
}

/// The memory of this process, in bytes.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .unwrap_or(0);
    pages * 4_096
}
