use std::sync::atomic::Ordering;

use proptest::prelude::*;

use super::model::{answer, three_nodes};
use super::*;
use crate::Standings;

const MILLISECOND: Duration = Duration::from_millis(1);

#[test]
fn three_nodes_together_admit_what_one_does() {
    let ([a, b, c], model, clock) = three_nodes(&[per_key("1/m burst 3")]);
    assert!([&a, &b, &c].iter().all(|node| answer(node.take(&[one(0, 1)])).passes));
    assert!([&a, &b, &c].iter().all(|node| !answer(node.take(&[one(0, 1)])).passes));
    assert_eq!(
        model.trips(),
        5,
        "a round trip for each, but for the one that was told that it was the last"
    );
    clock.advance(Duration::from_secs(60));
    assert!(answer(b.take(&[one(0, 1)])).passes && !answer(a.take(&[one(0, 1)])).passes);
}

#[test]
fn who_is_known_to_be_used_up_costs_one_round_trip_a_second() {
    let ([node, other, _], model, clock) = three_nodes(&[per_key("1/h burst 1"), per_key("1/h burst 5")]);
    assert!(answer(node.take(&[one(0, 1)])).passes);
    for _ in 0..1_000 {
        let refused = now(node.take(&[one(1, 1), one(0, 1)]));
        assert_eq!(
            refused.standings.iter().map(|s| s.is_refused).collect::<Vec<_>>(),
            [false, true]
        );
        assert_eq!(refused.standings[1].wait.as_secs(), 3_600);
    }
    assert_eq!(model.trips(), 1);
    clock.advance(Duration::from_secs(1));
    assert!((0..1_000).all(|_| !answer(node.take(&[one(0, 1)])).passes));
    assert_eq!(model.trips(), 2);
    assert!(!answer(other.take(&[one(0, 1)])).passes);
    assert_eq!(model.trips(), 3, "another node has to learn it");
}

#[test]
fn a_success_on_another_node_is_seen_within_a_second_whoever_asks_meanwhile() {
    let ([node, other, _], _, clock) = three_nodes(&[per_key("1/d burst 1"), per_key("1/d burst 1")]);
    let (account, stranger) = (one(0, 1), one(1, 2));
    assert!(answer(node.take(&[account, stranger])).passes);
    other.put(&[ask(0, 1, 0, Operation::Clear)]);
    assert!(!answer(node.take(&[account])).passes, "it has not heard yet");
    for _ in 0..100 {
        clock.advance(10 * MILLISECOND);
        // Is refused for a limit of its own, and does not keep alive what is remembered about the other.
        assert!(!answer(node.take(&[stranger, account])).passes);
    }
    assert!(answer(node.take(&[account])).passes);
}

#[test]
fn what_is_counted_after_the_fact_is_known_here_at_once_and_told() {
    let ([node, other, _], model, _) = three_nodes(&[per_key("1/d burst 2")]);
    assert!(answer(node.take(&[one(0, 1)])).passes);
    node.put(&[ask(0, 1, 1, Operation::Force)]);
    assert!(!now(node.take(&[one(0, 1)])).passes);
    assert!(!answer(other.take(&[one(0, 1)])).passes);
    node.put(&[ask(0, 1, 1, Operation::Refund)]);
    assert!(answer(node.take(&[one(0, 1)])).passes);
    assert_eq!(model.puts.load(Ordering::Relaxed), 2);
    node.put(&[one(0, 1)]);
    assert_eq!(model.puts.load(Ordering::Relaxed), 2, "a charge is no certain thing");
}

#[test]
fn what_is_done_in_any_case_is_told_when_this_node_refuses() {
    let ([node, other, _], ..) = three_nodes(&[per_key("1/d burst 1"), per_key("1/d burst 1")]);
    assert!(answer(node.take(&[one(0, 1)])).passes);
    assert!(!now(node.take(&[one(0, 1), ask(1, 1, 1, Operation::Force)])).passes);
    assert!(!answer(other.take(&[one(1, 1)])).passes);
}

#[test]
fn all_keys_of_one_bucket_are_one_in_the_store_too() {
    let ([a, b, _], ..) = three_nodes(&[limit("all", "1/d burst 2", Room::One)]);
    assert!(answer(a.take(&[one(0, 1)])).passes && answer(b.take(&[one(0, 2)])).passes);
    assert!(!answer(b.take(&[one(0, 3)])).passes);
}

#[test]
fn a_full_table_makes_no_count_of_the_store_less_exact() {
    let ([node, ..], ..) = three_nodes(&[limit("small", "1/d burst 2", Room::For(1))]);
    for key in 0..2_000 {
        let taken = answer(node.take(&[one(0, key)]));
        assert!(taken.passes && !taken.standings[0].is_crowded);
    }
    assert!((0..2_000).all(|key| answer(node.take(&[one(0, key)])).passes));
    assert!((0..2_000).all(|key| !answer(node.take(&[one(0, key)])).passes));
}

#[test]
fn counts_begin_to_be_shared_and_are_no_longer_without_a_fresh_start() {
    let ([node, ..], _, _) = three_nodes(&[per_key("1/d burst 2")]);
    assert!(answer(node.take(&[one(0, 1), one(0, 1)])).passes);
    let alone = node.unshared();
    assert!(!passes(&alone, &[one(0, 1)]));
}

/// Steps of a test: how long after the one before, on which node, and what is asked.
fn steps(operations: Vec<Operation>) -> impl Strategy<Value = Vec<(u64, usize, Vec<Ask>)>> {
    let ask = (0usize..3, 0u64..3, 0u32..5, prop::sample::select(operations));
    let asks = prop::collection::vec(
        ask.prop_map(|(limit, key, cost, operation)| self::ask(limit, key, cost, operation)),
        1..4,
    );
    let gap = prop::sample::select(vec![
        0u64,
        1,
        1_000_000,
        200_000_000,
        999_999_999,
        3_000_000_000,
        40_000_000_000,
    ]);
    prop::collection::vec((gap, 0usize..3, asks), 1..60)
}

fn limits() -> [Limit; 3] {
    [
        per_key("1/s burst 4"),
        limit("all", "3/m burst 6", Room::One),
        per_key("7/m burst 2"),
    ]
}

fn are_distinct(asks: &[Ask]) -> bool {
    let is_new = |(index, ask): (usize, &Ask)| asks[..index].iter().all(|other| other.limit != ask.limit);
    asks.iter().enumerate().all(is_new)
}

/// An answer without what a node does not know when it refuses without asking: how the other limits stand.
fn told(taken: &Taken) -> (bool, Option<&Standings>) {
    (taken.passes, taken.passes.then_some(&taken.standings))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn one_node_with_the_store_decides_as_one_without(
        steps in steps(vec![Operation::CHARGE, Operation::CHARGE, patient(2), Operation::Look, Operation::Force, Operation::Refund, Operation::Clear]),
    ) {
        let ([node, ..], _, clock) = three_nodes(&limits());
        let alone = Counts::with_clock(limits().to_vec(), clock.clone());
        for (gap, _, asks) in steps {
            clock.advance(Duration::from_nanos(gap));
            let (together, alone) = (answer(node.take(&asks)), now(alone.take(&asks)));
            if are_distinct(&asks) {
                prop_assert_eq!(told(&together), told(&alone));
            } else {
                prop_assert_eq!(together.passes, alone.passes);
            }
        }
    }

    #[test]
    fn three_nodes_with_the_store_decide_as_one_without(
        steps in steps(vec![Operation::CHARGE, Operation::CHARGE, patient(2), Operation::Look, Operation::Force]),
    ) {
        let (nodes, _, clock) = three_nodes(&limits());
        let alone = Counts::with_clock(limits().to_vec(), clock.clone());
        for (gap, node, asks) in steps {
            clock.advance(Duration::from_nanos(gap));
            let (together, alone) = (answer(nodes[node].take(&asks)), now(alone.take(&asks)));
            if are_distinct(&asks) {
                prop_assert_eq!(told(&together), told(&alone));
            } else {
                prop_assert_eq!(together.passes, alone.passes);
            }
        }
    }

    /// With what is given back too, when nobody asks again before the second is over in which a node may not have heard.
    #[test]
    fn three_nodes_decide_as_one_when_there_is_time_to_hear(
        steps in steps(vec![Operation::CHARGE, patient(2), Operation::Force, Operation::Refund, Operation::Clear]),
    ) {
        let (nodes, _, clock) = three_nodes(&limits());
        let alone = Counts::with_clock(limits().to_vec(), clock.clone());
        for (gap, node, asks) in steps {
            clock.advance(Duration::from_nanos(gap + 1_000_000_000));
            prop_assert_eq!(answer(nodes[node].take(&asks)).passes, now(alone.take(&asks)).passes);
        }
    }
}
