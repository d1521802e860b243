use std::sync::atomic::Ordering;

use proptest::prelude::*;

use super::model::{Model, answer, three_nodes};
use super::*;

fn admitted(node: &Counts, key: u64, tries: usize) -> usize {
    (0..tries).filter(|_| answer(node.take(&[one(0, key)])).passes).count()
}

#[test]
fn while_the_store_is_away_each_node_admits_its_share_and_nobody_waits_for_it() {
    let (nodes, model, clock) = three_nodes(&[per_key("3/m burst 9")]);
    model.goes_away();
    for node in &nodes {
        let shares = (0..20).filter(|_| now(node.take(&[one(0, 1)])).passes).count();
        assert_eq!(shares, 3);
    }
    clock.advance(Duration::from_secs(59));
    assert_eq!(
        nodes.each_ref().map(|node| admitted(node, 1, 20)),
        [0; 3],
        "one a minute on each"
    );
    clock.advance(Duration::from_secs(1));
    assert_eq!(nodes.each_ref().map(|node| admitted(node, 1, 20)), [1; 3]);
    assert_eq!(model.trips(), 0);
}

#[test]
fn no_burst_is_too_small_for_one_request_on_each_node_and_then_the_rate_holds() {
    let (nodes, model, clock) = three_nodes(&[per_key("1/m burst 1")]);
    model.goes_away();
    assert_eq!(nodes.each_ref().map(|node| admitted(node, 1, 20)), [1; 3]);
    clock.advance(Duration::from_secs(179));
    assert_eq!(nodes.each_ref().map(|node| admitted(node, 1, 20)), [0; 3]);
    clock.advance(Duration::from_secs(1));
    assert_eq!(nodes.each_ref().map(|node| admitted(node, 1, 20)), [1; 3]);
}

#[test]
fn who_was_used_up_is_used_up_when_the_store_goes_away() {
    let ([node, ..], model, clock) = three_nodes(&[per_key("1/m burst 3")]);
    assert_eq!(admitted(&node, 1, 9), 3);
    model.goes_away();
    assert_eq!(admitted(&node, 1, 9), 0);
    clock.advance(Duration::from_secs(179));
    assert_eq!(admitted(&node, 1, 9), 0, "three nodes share one a minute");
    clock.advance(Duration::from_secs(1));
    assert_eq!(admitted(&node, 1, 9), 1);
}

#[test]
fn a_store_that_gives_no_answer_is_away() {
    let ([node, ..], model, _) = three_nodes(&[per_key("1/m burst 9")]);
    model.is_mute.store(true, Ordering::Relaxed);
    assert_eq!(admitted(&node, 1, 20), 3);
    assert_eq!(model.trips(), 20);
}

#[test]
fn nobody_gets_a_fresh_bucket_when_the_store_comes_back() {
    let (nodes, model, _) = three_nodes(&[per_key("1/d burst 9")]);
    model.goes_away();
    assert_eq!(nodes.each_ref().map(|node| admitted(node, 1, 9)), [3; 3]);
    model.comes_back();
    // Each tells what it had admitted, in the same round trip: after the first the store knows of three, and so on.
    assert_eq!(admitted(&nodes[0], 1, 9), 6, "of nine, three are told");
    assert_eq!(admitted(&nodes[1], 1, 9), 0);
    assert_eq!(admitted(&nodes[2], 1, 9), 0);
    assert_eq!(model.trips(), 6 + 1 + 1, "and nobody asks to be refused");
    let standing = answer(nodes[2].take(&[one(0, 1)])).standings[0];
    assert_eq!(
        standing.full_in,
        Duration::from_secs(15 * 86_400),
        "what each admitted is counted once"
    );
}

#[test]
fn what_was_known_before_is_not_told_again() {
    let ([node, other, _], model, _) = three_nodes(&[per_key("1/d burst 9")]);
    assert_eq!(admitted(&node, 1, 3), 3);
    model.goes_away();
    assert_eq!(admitted(&node, 1, 9), 2, "of six a third");
    model.comes_back();
    let standing = answer(node.take(&[ask(0, 1, 1, Operation::Look)])).standings[0];
    assert_eq!(standing.remaining, 9 - 3 - 2);
    let standing = answer(other.take(&[ask(0, 1, 1, Operation::Look)])).standings[0];
    assert_eq!(standing.remaining, 9 - 3 - 2);
}

#[test]
fn what_could_not_be_told_is_told_the_next_time() {
    let ([node, ..], model, _) = three_nodes(&[per_key("1/d burst 9")]);
    model.goes_away();
    assert_eq!(admitted(&node, 1, 2), 2);
    model.comes_back();
    model.is_mute.store(true, Ordering::Relaxed);
    let look = ask(0, 1, 1, Operation::Look);
    assert_eq!(
        answer(node.take(&[look])).standings[0].remaining,
        9 - 6,
        "away again: two cost six"
    );
    model.is_mute.store(false, Ordering::Relaxed);
    assert_eq!(answer(node.take(&[look])).standings[0].remaining, 9 - 2);
    assert_eq!(
        answer(node.take(&[look])).standings[0].remaining,
        9 - 2,
        "and only once"
    );
}

#[test]
fn who_hangs_up_has_nothing_counted_twice() {
    let ([node, ..], model, _) = three_nodes(&[per_key("1/d burst 9")]);
    model.goes_away();
    assert_eq!(admitted(&node, 1, 2), 2);
    model.comes_back();
    let look = ask(0, 1, 1, Operation::Look);
    (0..9).for_each(|_| drop(node.take(&[look])));
    assert_eq!(answer(node.take(&[look])).standings[0].remaining, 9 - 2);
}

#[test]
fn nothing_is_told_that_nobody_asks_for_again() {
    let ([node, ..], model, _) = three_nodes(&[per_key("1/d burst 9")]);
    model.goes_away();
    for key in 0..500 {
        assert!(passes(&node, &[one(0, key)]));
    }
    model.comes_back();
    assert_eq!((model.trips(), model.puts.load(Ordering::Relaxed)), (0, 0));
    assert!(answer(node.take(&[one(0, 1)])).passes);
    assert_eq!(model.trips(), 1);
}

#[test]
fn a_success_while_the_store_is_away_holds_here() {
    let ([node, ..], model, _) = three_nodes(&[per_key("1/d burst 3")]);
    assert_eq!(admitted(&node, 1, 9), 3);
    model.goes_away();
    assert_eq!(admitted(&node, 1, 9), 0);
    node.put(&[ask(0, 1, 0, Operation::Clear)]);
    assert_eq!(admitted(&node, 1, 9), 1);
    node.put(&[ask(0, 1, 1, Operation::Refund)]);
    assert_eq!(
        admitted(&node, 1, 9),
        1,
        "what is given back is worth as much as it cost"
    );
    node.put(&[ask(0, 1, 9, Operation::Force)]);
    node.put(&[ask(0, 1, 1, Operation::Refund)]);
    assert_eq!(admitted(&node, 1, 9), 0, "what was counted beyond it stays");
}

#[test]
fn a_full_table_is_strict_while_the_store_is_away() {
    let ([node, ..], model, _) = three_nodes(&[limit("small", "1/d burst 3", Room::For(1))]);
    model.goes_away();
    let passed = (0..10_000).filter(|key| passes(&node, &[one(0, *key)])).count();
    assert!(passed <= 128 + 16, "{passed}");
    assert_eq!(node.tables().map(|table| table.bytes).sum::<usize>(), 2_048);
}

/// For each step: how long after the one before, on which node, and whether the store comes or goes first.
type Steps = Vec<(u64, usize, bool)>;

fn run(nodes: &[Counts; 3], model: &Model, clock: &FakeRelativeClock, steps: &Steps) -> (u64, u64, u64) {
    let (mut admitted, mut elapsed, mut outages) = (0, 0, 0);
    for (gap, node, toggles) in steps {
        clock.advance(Duration::from_millis(*gap));
        elapsed += gap;
        if *toggles {
            let was_there = model.is_there.fetch_xor(true, Ordering::Relaxed);
            outages += u64::from(was_there);
        }
        admitted += u64::from(answer(nodes[*node].take(&[one(0, 1)])).passes);
    }
    (admitted, elapsed, outages)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Over-admission: none while the store is there; for each time that it is away no more than one local share a node.
    #[test]
    fn no_more_than_a_local_share_of_each_node_is_admitted_beyond_the_limit(
        burst in 1u64..12,
        steps in prop::collection::vec((prop::sample::select(vec![0u64, 0, 1, 150, 900, 4_000]), 0usize..3, prop::bool::weighted(0.06)), 1..250),
    ) {
        let (nodes, model, clock) = three_nodes(&[per_key(&format!("1/s burst {burst}"))]);
        let (admitted, elapsed, outages) = run(&nodes, &model, &clock, &steps);
        let share = (burst / 3).max(1);
        let bound = burst + elapsed / 1_000 + outages * 3 * share;
        prop_assert!(admitted <= bound, "{admitted} of {bound}");
    }
}
