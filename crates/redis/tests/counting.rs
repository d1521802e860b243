//! What is counted in common, how often the server is asked for it, and what it keeps.

#![allow(clippy::unwrap_used)]

mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rempart_counts::{Operation, SharedCounts};
use rempart_redis::RedisSettings;
use server::{Node, Server, ask, charge, free_port, settings, until};
use tokio::task::JoinSet;

async fn passes(counts: &Arc<dyn SharedCounts>, rate: &str, key: u128) -> bool {
    let standings = counts.take(vec![charge(rate, key)]).await.unwrap();
    !standings[0].is_refused
}

/// Asks so often at once on each of the counts, and says how many passed.
async fn storm(counts: &[Arc<dyn SharedCounts>], times: usize, rate: &'static str) -> usize {
    let mut asking = JoinSet::new();
    for _ in 0..times {
        for counts in counts {
            let counts = Arc::clone(counts);
            asking.spawn(async move { passes(&counts, rate, 7).await });
        }
    }
    asking.join_all().await.into_iter().filter(|passed| *passed).count()
}

#[tokio::test]
async fn three_nodes_admit_what_one_would() {
    let server = Server::start();
    let nodes = [(); 3].map(|()| Node::of(&server));
    let counts = nodes.each_ref().map(|node| node.state.tenant("daycare"));
    assert_eq!(storm(&counts, 200, "100/h").await, 100);
    assert_eq!(storm(&counts, 50, "100/h").await, 0);
}

#[tokio::test]
async fn three_nodes_admit_no_more_than_the_burst_and_what_the_time_allows() {
    let server = Server::start();
    let nodes = [(); 3].map(|()| Node::of(&server));
    let counts = nodes.each_ref().map(|node| node.state.tenant("daycare"));
    let begun = Instant::now();
    let mut admitted = 0;
    while begun.elapsed() < Duration::from_secs(1) {
        admitted += storm(&counts, 20, "500/s burst 20").await;
    }
    let most = 20.0 + begun.elapsed().as_secs_f64() * 500.0;
    assert!(admitted as f64 <= most, "{admitted} of {most}");
    assert!(admitted > 200, "{admitted}: it refuses what it should admit");
}

#[tokio::test]
async fn one_tenants_count_is_not_anothers() {
    let server = Server::start();
    let node = Node::of(&server);
    let (one, other) = (node.state.tenant("daycare"), node.state.tenant("library"));
    assert!(passes(&one, "1/h", 1).await);
    assert!(!passes(&one, "1/h", 1).await);
    assert!(passes(&other, "1/h", 1).await);
    assert!(passes(&one, "1/h", 2).await, "nor is one key's");
    assert!(passes(&one, "2/h", 1).await, "a changed rate begins anew");
}

#[tokio::test]
async fn a_request_is_charged_to_all_of_its_limits_or_to_none() {
    let server = Server::start();
    let counts = Node::of(&server).state.tenant("daycare");
    let both = || {
        vec![
            ask("wide", "10/h", 1, 1, Operation::CHARGE),
            ask("narrow", "1/h", 1, 1, Operation::CHARGE),
        ]
    };
    let refused = |standings: &[rempart_counts::SharedStanding]| -> Vec<bool> {
        standings.iter().map(|standing| standing.is_refused).collect()
    };
    assert_eq!(refused(&counts.take(both()).await.unwrap()), [false, false]);
    let second = counts.take(both()).await.unwrap();
    assert_eq!(refused(&second), [false, true]);
    assert!(second[0].full_in <= Duration::from_secs(360), "{second:?}");
}

#[tokio::test]
async fn a_request_is_one_round_trip() {
    let server = Server::start();
    let node = Node::of(&server);
    let counts = node.state.tenant("daycare");
    let (before, told) = (server.calls("evalsha"), server.calls("eval"));
    for key in 0..50 {
        let five = (0..5).map(|limit| ask(&format!("limit{limit}"), "10/s", key, 1, Operation::CHARGE));
        counts.take(five.collect()).await.unwrap();
    }
    assert_eq!(server.calls("evalsha") - before, 50);
    assert_eq!(
        (server.calls("eval"), told),
        (1, 1),
        "the script is told once, when the store is found"
    );
    let stats = node.state.stats();
    assert_eq!(
        (stats.round_trips, stats.requests, stats.asks, stats.largest_batch),
        (50, 50, 250, 1)
    );
}

#[tokio::test]
async fn requests_in_flight_share_a_round_trip_whichever_tenant_they_are_of() {
    let server = Server::start();
    let node = Node::of(&server);
    let before = server.calls("evalsha");
    let counts = ["daycare", "library", "clinic"].map(|tenant| node.state.tenant(tenant));
    assert_eq!(storm(&counts, 400, "1000/h").await, 1_200);
    let calls = server.calls("evalsha") - before;
    let stats = node.state.stats();
    assert!(calls <= 60, "{calls} calls for 1200 requests: {stats:?}");
    assert_eq!(stats.requests, 1_200);
    assert!(stats.round_trips <= calls, "{calls}: {stats:?}");
    assert!(stats.largest_batch >= 64, "{stats:?}");
}

#[tokio::test]
async fn a_script_that_the_server_has_forgotten_is_told_again() {
    let server = Server::start();
    let node = Node::of(&server);
    let counts = node.state.tenant("daycare");
    assert!(passes(&counts, "2/h", 1).await);
    server.cli(&["SCRIPT", "FLUSH"]);
    assert!(passes(&counts, "2/h", 1).await);
    assert!(!passes(&counts, "2/h", 1).await);
    assert_eq!(node.aways(), [""; 0]);
}

#[tokio::test]
async fn a_bucket_that_is_full_again_leaves_nothing_behind() {
    let server = Server::start();
    let counts = Node::of(&server).state.tenant("daycare");
    let keys = |pattern: &str| server.cli(&["--scan", "--pattern", pattern]).lines().count();
    for key in 0..20 {
        assert!(passes(&counts, "10/s", key).await);
        assert!(passes(&counts, "1/h", key).await);
    }
    assert_eq!(keys("rempart:{daycare}:client:1-3600s-1:*"), 20);
    until("the short ones expire", || keys("rempart:{d*") == 20);
    let kept = server.cli(&["--scan", "--pattern", "rempart:*:0000000000000000000000000000000a"]);
    let rest: u64 = server.cli(&["PTTL", &kept]).parse().unwrap();
    assert!((3_590_000..=3_600_000).contains(&rest), "{kept}: {rest}");
    let clear = vec![ask("client", "1/h", 10, 0, Operation::Clear)];
    counts.take(clear).await.unwrap();
    assert_eq!(keys("rempart:{d*"), 19);
}

#[tokio::test]
async fn what_is_counted_after_the_fact_is_counted_for_all() {
    let server = Server::start();
    let nodes = [(); 2].map(|()| Node::of(&server));
    let [one, other] = nodes.each_ref().map(|node| node.state.tenant("daycare"));
    one.put(vec![ask("client", "3/h", 1, 3, Operation::Force)]);
    until("it is counted", || nodes[0].state.stats().requests == 1);
    assert!(!passes(&other, "3/h", 1).await);
    one.put(Vec::new());
    assert_eq!(other.take(Vec::new()).await.unwrap().len(), 0);
    assert_eq!(nodes[0].state.stats().requests, 1, "nothing is not sent");
}

#[tokio::test]
async fn what_finds_no_room_in_the_queue_is_dropped_and_counted() {
    let server = Server::start();
    let node = Node::of(&server);
    let counts = node.state.tenant("daycare");
    server.stall();
    for key in 0..40_000 {
        counts.put(vec![ask("client", "10/h", key, 1, Operation::Force)]);
    }
    let stats = node.state.stats();
    server.go_on();
    assert!(stats.is_there && stats.dropped > 20_000, "{stats:?}");
}

#[test]
fn every_runtime_may_ask_even_one_without_a_clock() {
    let server = Server::start();
    let node = Node::of(&server);
    let admitted = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let counts = node.state.tenant("daycare");
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                let passed = runtime.block_on(storm(&[counts], 100, "150/h"));
                admitted.fetch_add(passed as u64, Ordering::Relaxed);
            });
        }
    });
    assert_eq!(admitted.into_inner(), 150);
}

#[tokio::test]
async fn a_socket_in_the_file_system_does_as_well() {
    let server = Server::prepared(
        free_port(),
        |directory| {
            vec![
                "--unixsocket".into(),
                directory.join("redis.sock").display().to_string(),
            ]
        },
        &[],
    );
    let url = format!("unix://{}?db=3", server.path().join("redis.sock").display());
    let node = Node::there(RedisSettings {
        url: Some(url),
        prefix: "other".into(),
        ..settings(&server)
    });
    assert!(passes(&node.state.tenant("daycare"), "1/h", 1).await);
    assert!(server.cli(&["-n", "3", "KEYS", "other:*"]).contains("{daycare}"));
}

#[test]
fn its_threads_end_with_the_last_handle() {
    let server = Server::start();
    let connections = || server.cli(&["CLIENT", "LIST"]).lines().count();
    let node = Node::of(&server);
    node.state.listen(|_| ()).unwrap();
    until("both are connected", || connections() == 3);
    let counts = node.state.tenant("daycare");
    drop(node);
    assert!(counts.is_there(), "a tenant's counts are a handle too");
    drop(counts);
    until("both are gone", || connections() == 1);
}
