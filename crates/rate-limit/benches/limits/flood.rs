//! Ten million hostile clients.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use governor::clock::FakeRelativeClock;
use rempart_counts::{Counts, Keys, Limit, Room};

use crate::counts::Ours;
use crate::rounds::{address, resident};

/// Ten million hostile clients, each with one request, while honest ones go on.
pub(crate) fn flood() {
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
