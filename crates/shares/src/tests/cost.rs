//! What a decision costs. Run by hand: `cargo test --release -p rempart-shares -- --ignored --nocapture what_it_costs`.

use std::time::{Duration, Instant};

use super::*;

/// So few that many of the rounds are not interrupted by anybody; the best of them is told.
const TIMES: u32 = 20_000;

fn each(what: &str, mut run: impl FnMut()) {
    let mut least = Duration::MAX;
    for _ in 0..100 {
        let begun = Instant::now();
        (0..TIMES).for_each(|_| run());
        least = least.min(begun.elapsed());
    }
    println!("{what}: {:.1} ns", least.as_nanos() as f64 / f64::from(TIMES));
}

#[test]
#[ignore = "measures"]
fn what_it_costs() {
    let shares = shares(4_096);
    let toml = "max_in_flight_per_client = 1000000\nguaranteed = 1000";
    let [library] = tenants(&shares, ["library"], toml);
    let others: Vec<_> = (0..10_000)
        .map(|number| shares.tenant(format!("t{number}"), policy("")))
        .collect();
    each("a request below its guarantee, and its end", || {
        drop(now(library.request(Priority::FIRST, client(1))));
    });
    let held: Vec<_> = (0..1).map(|_| now(ask(&others[7]))).collect();
    each("a request above its guarantee, and its end", || {
        drop(now(others[7].request(Priority::FIRST, client(1))));
    });
    drop(held);
    let mut who = 0;
    each("a request of one of ten thousand tenants, and its end", || {
        who = (who + 7_919) % others.len();
        drop(now(others[who].request(Priority::FIRST, client(1))));
    });
    each("an application's place, with its times, and its end", || {
        let place = library.upstream(Priority::FIRST);
        if let Poll::Ready(Ok(mut place)) = pin!(place).poll(&mut Context::from_waker(Waker::noop())) {
            place.sent();
            place.answered();
        }
    });
    std::thread::scope(|scope| {
        for (worker, other) in others.iter().enumerate().take(2) {
            let (share, other) = (library.on_worker(worker), other.on_worker(worker));
            scope.spawn(move || {
                each("two threads, the same tenant", || {
                    drop(now(share.request(Priority::FIRST, client(worker as u32))))
                });
                each("two threads, a tenant each", || {
                    drop(now(other.request(Priority::FIRST, client(1))))
                });
            });
        }
    });
}

#[test]
fn a_tenant_takes_less_than_a_kibibyte() {
    assert!(
        size_of::<crate::account::Account>() <= 800,
        "{}",
        size_of::<crate::account::Account>()
    );
}
