//! Several workers at once, on several threads: what the atomics promise.

use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::timeout;

use super::*;

const THREADS: usize = 4;

/// Runs the same on several threads, each with a runtime of its own.
fn on_threads<F: Future<Output = ()>>(run: impl Fn(usize) -> F + Sync) {
    std::thread::scope(|scope| {
        for worker in 0..THREADS {
            let run = &run;
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_time()
                    .build()
                    .unwrap();
                runtime.block_on(run(worker));
            });
        }
    });
}

#[test]
fn no_wake_up_is_lost_and_the_ceiling_holds() {
    let shares = shares(16);
    let toml = "max_wait = \"1m\"\nmax_waiting = 1000\nguaranteed = 3\nmax_in_flight_per_client = 1000000";
    let tenants = tenants(&shares, ["library", "city", "daycare"], toml);
    let in_use = AtomicI64::new(0);
    on_threads(|worker| {
        let (tenants, in_use) = (&tenants, &in_use);
        async move {
            let each = (0..6).map(|task| {
                let share = tenants[task % 3].on_worker(worker);
                async move {
                    for round in 0..1_000_u32 {
                        let permit = share
                            .request(Priority::new((round % 3) as u8), client(task as u32))
                            .decided()
                            .await;
                        let permit = permit.expect("a turn comes within a minute");
                        // 16 lent at most, and what is guaranteed; one more for each thread that looks in the same moment.
                        let now = in_use.fetch_add(1, SeqCst) + 1;
                        assert!(now <= 16 + 9 + THREADS as i64, "{now}");
                        yield_now().await;
                        in_use.fetch_sub(1, SeqCst);
                        drop(permit);
                    }
                }
            });
            join(each).await;
        }
    });
    assert_at_rest(&shares);
    assert_eq!(fill(&tenants[0]).len(), 16);
}

#[test]
fn who_goes_away_in_any_moment_leaves_nothing_behind() {
    let shares = shares(16);
    let toml = "max_wait = \"2ms\"\nmax_waiting = 20\nmax_in_flight_per_client = 1000000";
    let tenants = tenants(&shares, ["library", "city", "daycare"], toml);
    on_threads(|worker| {
        let tenants = &tenants;
        async move {
            let each = (0..12).map(|task| {
                let share = tenants[task % 3].on_worker(worker);
                async move {
                    for round in 0..300_u64 {
                        let patience = Duration::from_micros(round * 37 % 3_000);
                        let admission = share.request(Priority::FIRST, client(task as u32));
                        if let Ok(Ok(permit)) = timeout(patience, admission.decided()).await {
                            (0..round % 4).for_each(|_| std::hint::spin_loop());
                            yield_now().await;
                            drop(permit);
                        }
                    }
                }
            });
            join(each).await;
        }
    });
    assert_at_rest(&shares);
    assert_eq!(fill(&tenants[1]).len(), 16);
}

/// Runs futures side by side on one task.
async fn join(futures: impl Iterator<Item = impl Future<Output = ()>>) {
    let mut futures: Vec<_> = futures.map(Box::pin).collect();
    std::future::poll_fn(|cx| {
        futures.retain_mut(|future| future.as_mut().poll(cx).is_pending());
        if futures.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}
