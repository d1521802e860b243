//! A request that is counted on this node allocates nothing.

use rempart_counts::{Ask, Counts, Keys, Limit, Operation, Room, Taking};

#[test]
fn a_request_that_is_counted_here_allocates_nothing() {
    let limit = |index: usize| Limit {
        name: format!("limit{index}").into(),
        rate: "1000/s burst 50".parse().unwrap(),
        room: if index == 3 { Room::One } else { Room::For(1_000) },
    };
    let (counts, keys) = (Counts::new((0..16).map(limit).collect()), Keys::random());
    let asks = |client: &[u8]| -> [Ask; 16] {
        std::array::from_fn(|limit| Ask {
            limit,
            key: keys.key(&[b"client", client]),
            cost: 1,
            operation: Operation::CHARGE,
        })
    };
    let take = |client: &[u8]| match counts.take(&asks(client)) {
        Taking::Now(taken) => taken.passes,
        Taking::Later(_) => false,
    };
    assert!(take(b"192.0.2.1"), "the first takes the pages of the tables");
    let mut passed = 0;
    let counted = allocation_counter::measure(|| passed = (0..49).filter(|_| take(b"192.0.2.1")).count());
    assert_eq!((counted.count_total, passed), (0, 49));
    let refused = allocation_counter::measure(|| assert!((0..1_000).any(|_| !take(b"192.0.2.1"))));
    assert_eq!(refused.count_total, 0, "and so does one that is refused");
}
