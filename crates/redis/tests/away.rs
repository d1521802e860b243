//! A store that is killed, stalls, or was never there: nobody waits for it, and it is found again.

#![allow(clippy::unwrap_used)]

mod server;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rempart_counts::{Away, Operation, SharedCounts};
use rempart_redis::{RedisSettings, StoreEvent};
use server::{Node, Server, ask, charge, free_port, settings, until};

/// How long it takes until it is known that the store is away.
async fn refused_after(counts: &Arc<dyn SharedCounts>) -> Duration {
    let begun = Instant::now();
    assert_eq!(counts.take(vec![charge("10/h", 1)]).await, Err(Away));
    assert!(!counts.is_there(), "whoever was not answered finds it away");
    begun.elapsed()
}

/// The deadline, and what a machine that does ten other things may add.
const AT_MOST: Duration = Duration::from_millis(400);
const AT_ONCE: Duration = Duration::from_millis(20);

#[tokio::test]
async fn a_store_that_is_killed_keeps_nobody_and_is_found_again() {
    let mut server = Server::start();
    let node = Node::of(&server);
    let counts = node.state.tenant("daycare");
    counts.take(vec![charge("10/h", 1)]).await.unwrap();
    server.kill();
    let first = refused_after(&counts).await;
    assert!(first < AT_MOST, "{first:?}");
    let next = refused_after(&counts).await;
    assert!(next < AT_ONCE, "{next:?}");
    server.start_again();
    until("it is found again", || counts.is_there());
    assert_eq!(server.calls("eval"), 1, "a new server is told the script");
    counts.take(vec![charge("10/h", 1)]).await.unwrap();
    let events = node.events.lock().unwrap();
    assert!(
        matches!(events.as_slice(), [StoreEvent::Back { .. }, StoreEvent::Away { .. }, StoreEvent::Back { after }] if !after.is_zero()),
        "{events:?}"
    );
    let stats = node.state.stats();
    assert_eq!((stats.failures, stats.unanswered), (1, 2), "{stats:?}");
}

#[tokio::test]
async fn a_store_that_stalls_keeps_nobody_longer_than_the_deadline() {
    let server = Server::start();
    let node = Node::there(RedisSettings {
        timeout: "50ms".into(),
        ..settings(&server)
    });
    let counts = node.state.tenant("daycare");
    server.stall();
    let waiting: Vec<_> = (0..500).map(|_| counts.take(vec![charge("10/h", 1)])).collect();
    let begun = Instant::now();
    for answer in waiting {
        assert_eq!(answer.await, Err(Away));
    }
    let all = begun.elapsed();
    assert!(all < AT_MOST, "{all:?} for those that asked before it was known");
    let next = refused_after(&counts).await;
    assert!(next < AT_ONCE, "{next:?}");
    counts.put(vec![ask("client", "10/h", 1, 1, Operation::Force)]);
    assert_eq!(node.state.stats().dropped, 1);
    server.go_on();
    until("it is found again", || counts.is_there());
    let aways = node.aways();
    assert!(aways[0].contains("no answer within 50 ms"), "{aways:?}");
}

#[test]
fn nobody_asks_and_still_it_is_known_that_the_store_is_gone() {
    let mut server = Server::start();
    let node = Node::of(&server);
    server.kill();
    until("it is noticed", || !node.state.is_there());
    assert_eq!(node.aways().len(), 1);
}

#[test]
fn while_it_is_away_it_is_tried_by_one_probe_at_a_time_and_told_once() {
    let server = Server::start();
    let address = server.url();
    server.stall();
    let node = Node::open(RedisSettings {
        timeout: "50ms".into(),
        ..RedisSettings::at(address)
    });
    until("it is known to be away", || node.aways().len() == 1);
    std::thread::sleep(Duration::from_millis(500));
    server.go_on();
    until("it is found", || node.state.is_there());
    assert_eq!(node.aways().len(), 1);
    let connections = || server.cli(&["CLIENT", "LIST"]).lines().count();
    until("the probes are gone", || connections() == 2);
}

#[tokio::test]
async fn a_store_that_was_never_there_is_no_reason_not_to_start() {
    let port = free_port();
    let node = Node::open(RedisSettings::at(format!("redis://127.0.0.1:{port}")));
    let counts = node.state.tenant("daycare");
    assert!(refused_after(&counts).await < AT_ONCE);
    until("it is told", || node.aways().len() == 1);
    let server = Server::prepared(port, |_| Vec::new(), &[]);
    until("it is found", || counts.is_there());
    counts.take(vec![charge("10/h", 1)]).await.unwrap();
    drop(server);
}

#[tokio::test]
async fn a_store_that_may_not_write_is_away() {
    let server = Server::start();
    let node = Node::of(&server);
    let counts = node.state.tenant("daycare");
    server.cli(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    refused_after(&counts).await;
    let aways = node.aways();
    assert!(aways[0].to_lowercase().contains("noreplicas"), "{aways:?}");
    std::thread::sleep(Duration::from_millis(400));
    assert!(!counts.is_there(), "the probe writes too");
    server.cli(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
    until("it is found again", || counts.is_there());
}
