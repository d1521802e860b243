use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn who_has_used_up_the_burst_is_refused_until_there_is_more() {
    let (counts, clock) = counts(&[per_key("1/s burst 3")]);
    assert!((0..3).all(|_| passes(&counts, &[one(0, 1)])));
    let refused = now(counts.take(&[one(0, 1)]));
    let standing = refused.standings[0];
    assert!(!refused.passes && standing.is_refused && !standing.is_crowded);
    assert_eq!(
        (standing.remaining, standing.wait, standing.full_in),
        (0, SECOND, 3 * SECOND)
    );
    assert!(passes(&counts, &[one(0, 2)]), "another key's bucket is another");
    clock.advance(SECOND);
    let taken = now(counts.take(&[one(0, 1)]));
    assert!(taken.passes);
    assert_eq!((taken.standings[0].remaining, taken.standings[0].wait), (0, SECOND));
}

#[test]
fn what_one_limit_refuses_is_charged_to_no_other() {
    let (counts, _) = counts(&[per_key("1/s burst 9"), per_key("1/s burst 1")]);
    assert!(passes(&counts, &[one(0, 1), one(1, 2)]));
    for _ in 0..20 {
        let refused = now(counts.take(&[one(0, 1), one(1, 2)]));
        assert_eq!((refused.passes, refused.standings[0].remaining), (false, 8));
        assert_eq!(
            refused.standings.iter().map(|s| s.is_refused).collect::<Vec<_>>(),
            [false, true]
        );
    }
    assert!(!passes(&counts, &[one(1, 2), one(0, 1)]), "in whatever order");
    assert!((0..8).all(|_| passes(&counts, &[one(0, 1)])));
    assert!(!passes(&counts, &[one(0, 1)]));
}

#[test]
fn one_limit_may_be_asked_for_two_keys_and_for_one_key_twice() {
    let (counts, _) = counts(&[per_key("1/s burst 2")]);
    for key in 0..200 {
        assert!(passes(&counts, &[one(0, 2 * key), one(0, 2 * key + 1)]));
    }
    assert!(passes(&counts, &[one(0, 1_000), one(0, 1_000)]));
    assert!(!passes(&counts, &[one(0, 1_000)]), "both were charged");
    assert!(passes(&counts, &[one(0, 0)]));
    assert!(!passes(&counts, &[one(0, 1), one(0, 1)]), "there is one left, not two");
    assert!(passes(&counts, &[one(0, 1)]));
}

#[test]
fn what_costs_more_needs_more() {
    let (counts, clock) = counts(&[per_key("1/s burst 10")]);
    let search = ask(0, 1, 4, Operation::CHARGE);
    assert_eq!(now(counts.take(&[search])).standings[0].remaining, 6);
    assert!(passes(&counts, &[search]));
    let refused = now(counts.take(&[search])).standings[0];
    assert_eq!(
        (refused.remaining, refused.wait),
        (2, 2 * SECOND),
        "two are left, and two are missing"
    );
    assert!(passes(&counts, &[one(0, 1)]), "what costs less still passes");
    clock.advance(3 * SECOND);
    assert!(passes(&counts, &[search]));
}

#[test]
fn more_than_the_burst_passes_only_when_the_bucket_is_full() {
    let (counts, clock) = counts(&[per_key("1/s burst 10")]);
    let huge = ask(0, 1, 30, Operation::CHARGE);
    assert!(passes(&counts, &[one(0, 1)]));
    assert!(!passes(&counts, &[huge]));
    clock.advance(SECOND);
    assert!(passes(&counts, &[huge]));
    let standing = now(counts.take(&[one(0, 1)])).standings[0];
    assert_eq!((standing.is_refused, standing.wait), (true, 21 * SECOND));
}

#[test]
fn who_would_rather_wait_is_refused_only_when_it_takes_too_long() {
    let (counts, clock) = counts(&[per_key("1/s burst 2")]);
    let patient = ask(0, 1, 1, patient(3));
    let waits = || now(counts.take(&[patient])).standings[0].wait.as_secs();
    assert_eq!([waits(), waits(), waits(), waits(), waits()], [0, 0, 1, 2, 3]);
    let refused = now(counts.take(&[patient])).standings[0];
    assert_eq!(
        (refused.is_refused, refused.wait, refused.full_in),
        (true, 4 * SECOND, 5 * SECOND)
    );
    assert!(!passes(&counts, &[one(0, 1)]), "who has no patience stands behind them");
    clock.advance(SECOND);
    assert_eq!(waits(), 3);
}

#[test]
fn who_looks_is_refused_and_charges_nothing() {
    let (counts, _) = counts(&[per_key("1/m burst 2")]);
    let look = ask(0, 1, 1, Operation::Look);
    assert!((0..10).all(|_| passes(&counts, &[look])));
    assert_eq!(counts.tables().map(|table| table.bytes).sum::<usize>(), 0);
    assert!(passes(&counts, &[one(0, 1), one(0, 1)]));
    assert!(!passes(&counts, &[look]));
    assert!(!passes(&counts, &[one(0, 2), look]), "and refuses the rest with it");
    assert_eq!(
        now(counts.take(&[ask(0, 2, 1, Operation::Look)])).standings[0].remaining,
        2
    );
}

#[test]
fn what_is_counted_after_the_fact_is_owed_up_to_a_whole_burst() {
    let (counts, clock) = counts(&[per_key("1/s burst 5")]);
    counts.put(&[ask(0, 1, 1_000_000, Operation::Force)]);
    let standing = now(counts.take(&[one(0, 1)])).standings[0];
    assert_eq!(
        (standing.is_refused, standing.wait, standing.full_in),
        (true, 6 * SECOND, 10 * SECOND)
    );
    clock.advance(6 * SECOND);
    assert!(passes(&counts, &[one(0, 1)]));
}

#[test]
fn what_is_done_in_any_case_is_done_when_the_rest_is_refused() {
    let (counts, _) = counts(&[per_key("1/m burst 1"), per_key("1/m burst 4")]);
    assert!(passes(&counts, &[one(0, 1)]));
    assert!(!passes(&counts, &[one(0, 1), ask(1, 1, 3, Operation::Force)]));
    assert!(passes(&counts, &[one(1, 1)]) && !passes(&counts, &[one(1, 1)]));
    assert!(!passes(&counts, &[one(0, 1), ask(1, 1, 1, Operation::Clear)]));
    assert!(passes(&counts, &[ask(1, 1, 4, Operation::CHARGE)]));
    assert!(
        passes(&counts, &[one(0, 1), ask(0, 1, 0, Operation::Clear)]),
        "and it is done first"
    );
}

#[test]
fn no_more_is_given_back_than_makes_a_full_bucket() {
    let (counts, clock) = counts(&[per_key("1/m burst 3")]);
    let refund = |cost| counts.put(&[ask(0, 1, cost, Operation::Refund)]);
    refund(100);
    assert_eq!(
        counts.tables().map(|table| table.bytes).sum::<usize>(),
        0,
        "nothing is there to give back to"
    );
    assert!(passes(&counts, &[ask(0, 1, 3, Operation::CHARGE)]));
    refund(1);
    assert!(passes(&counts, &[one(0, 1)]) && !passes(&counts, &[one(0, 1)]));
    refund(100);
    assert!((0..3).all(|_| passes(&counts, &[one(0, 1)])));
    assert!(!passes(&counts, &[one(0, 1)]));
    clock.advance(Duration::from_secs(3_600));
    refund(100);
    assert!((0..3).all(|_| passes(&counts, &[one(0, 1)])));
    assert!(!passes(&counts, &[one(0, 1)]));
}

#[test]
fn a_success_resets() {
    let (counts, _) = counts(&[per_key("1/d burst 3")]);
    counts.put(&[ask(0, 1, 9, Operation::Force), ask(0, 2, 9, Operation::Force)]);
    assert!(!passes(&counts, &[one(0, 1)]));
    counts.put(&[ask(0, 1, 0, Operation::Clear)]);
    assert!(passes(&counts, &[ask(0, 1, 3, Operation::CHARGE)]));
    assert!(!passes(&counts, &[one(0, 2)]), "for one key only");
}

#[test]
fn a_limit_with_one_bucket_counts_all_keys_together() {
    let (counts, _) = counts(&[limit("all", "1/m burst 2", Room::One)]);
    assert!(passes(&counts, &[one(0, 1)]) && passes(&counts, &[one(0, 2)]));
    let refused = now(counts.take(&[one(0, 3)])).standings[0];
    assert!(refused.is_refused && !refused.is_crowded);
    counts.put(&[ask(0, 4, 1, Operation::Refund)]);
    assert!(passes(&counts, &[one(0, 5)]));
    let sizes: Vec<_> = counts
        .tables()
        .map(|table| (table.places, table.bytes, table.overflowed))
        .collect();
    assert_eq!(sizes, [(0, 0, 0)]);
}

#[test]
fn an_ask_for_nothing_is_refused_only_when_something_is_owed() {
    let (counts, _) = counts(&[per_key("1/m burst 2")]);
    let nothing = ask(0, 1, 0, Operation::CHARGE);
    assert!(passes(&counts, &[one(0, 1), one(0, 1), nothing]));
    counts.put(&[one_force()]);
    assert!(!passes(&counts, &[nothing]));
    assert!(passes(&counts, &[]), "who asks nothing passes");
}

fn one_force() -> Ask {
    ask(0, 1, 1, Operation::Force)
}

#[test]
fn keys_that_find_no_place_share_the_buckets_of_sixteen_and_nobody_in_the_table_loses_a_count() {
    let (counts, _) = counts(&[limit("small", "1/d burst 2", Room::For(128))]);
    let used_up: Vec<u64> = (0..50)
        .filter(|key| passes(&counts, &[one(0, *key), one(0, *key)]))
        .collect();
    assert!(used_up.len() > 40);
    let flood = (1_000..20_000).filter(|key| passes(&counts, &[one(0, *key)])).count();
    assert!(flood <= 128 - used_up.len() + 2 * 16, "{flood} passed");
    assert!(used_up.iter().all(|key| !passes(&counts, &[one(0, *key)])));
    let newcomer = now(counts.take(&[one(0, 50_000)])).standings[0];
    assert!(newcomer.is_refused && newcomer.is_crowded);
    counts.put(&[
        ask(0, 50_000, 9, Operation::Refund),
        ask(0, 50_000, 0, Operation::Clear),
    ]);
    assert!(
        !passes(&counts, &[one(0, 50_000)]),
        "one of the crowd cannot free the others"
    );
    let size = counts.tables().next().unwrap();
    assert_eq!((size.limit, size.places, size.bytes), ("small", 128, 2_048));
    assert!((1..=32).contains(&size.overflowed), "{} were charged", size.overflowed);
}

#[test]
fn threads_on_one_key_never_get_more_than_the_burst() {
    let (counts, _) = counts(&[per_key("1/d burst 100"), limit("all", "1/m burst 70", Room::One)]);
    let admitted = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let (counts, admitted) = (&counts, &admitted);
            scope.spawn(move || {
                for round in 0..500 {
                    // Two keys of one limit, in either order: nobody waits for anybody forever.
                    let (one_key, other) = if (thread + round) % 2 == 0 { (1, 2) } else { (2, 1) };
                    let asks = [one(1, 9), one(0, one_key), ask(0, other, 1, Operation::Look)];
                    admitted.fetch_add(usize::from(passes(counts, &asks)), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(admitted.into_inner(), 70);
}

#[test]
fn nobody_gets_a_fresh_start_from_a_reload() {
    let (daily, hourly) = (per_key("1/d burst 2"), per_key("1/h burst 2"));
    let (old, _) = counts(&[daily.clone(), hourly.clone()]);
    assert!(passes(&old, &[one(0, 1), one(0, 1), one(1, 1), one(1, 1)]));
    let changed = Limit {
        rate: "2/h burst 2".parse().unwrap(),
        ..hourly
    };
    let new = old.with_limits(vec![changed, daily]);
    assert!(
        !passes(&new, &[one(1, 1)]),
        "it is counted as before, wherever it stands"
    );
    assert!(passes(&new, &[one(0, 1)]), "another rate is another limit");
    assert!(passes(&new, &[one(1, 2), one(1, 2)]));
    assert!(!passes(&old, &[one(0, 2)]), "the stack before it counts with it");
    assert_eq!(new.limits()[0].rate.to_string(), "2/h");
}

#[test]
fn the_stacks_before_and_after_a_reload_do_not_wait_for_each_other_forever() {
    let limits: Vec<Limit> = ["1/d burst 9", "1/h burst 9", "1/m burst 9"].map(per_key).into();
    let (old, _) = counts(&limits);
    let new = old.with_limits(limits.into_iter().rev().collect());
    let done = Arc::new(AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for counts in [&old, &new] {
            let done = Arc::clone(&done);
            scope.spawn(move || {
                for key in 0..5_000 {
                    let _ = counts.take(&[one(0, key % 3), one(1, key % 3), one(2, key % 3)]);
                }
                done.fetch_add(1, Ordering::Relaxed);
            });
        }
    });
    assert_eq!(done.load(Ordering::Relaxed), 2);
}
