//! Three nodes with counts of their own beside the store, as an edge has them: how much is admitted in all.

#![allow(clippy::unwrap_used)]

mod server;

use std::time::Duration;

use rempart_counts::{Ask, Counts, Key, Limit, Operation, Room, Taking};
use rempart_redis::RedisSettings;
use server::{Node, Server, settings, until};

const KEY: Key = Key::new(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);

/// Three nodes that share one limit.
fn three(server: &Server, rate: &str) -> Vec<(Node, Counts)> {
    let node = |_| {
        let node = Node::there(RedisSettings {
            nodes: 3,
            timeout: "200ms".into(),
            ..settings(server)
        });
        let limit = Limit {
            name: "client".into(),
            rate: rate.parse().unwrap(),
            room: Room::For(1_024),
        };
        let counts = Counts::new(vec![limit]).shared(node.state.tenant("daycare"));
        (node, counts)
    };
    (0..3).map(node).collect()
}

/// Asks so often on each node in turns, and says how many pass.
async fn admitted(nodes: &[(Node, Counts)], times: usize) -> usize {
    let ask = Ask {
        limit: 0,
        key: KEY,
        cost: 1,
        operation: Operation::CHARGE,
    };
    let mut admitted = 0;
    for _ in 0..times {
        for (_, counts) in nodes {
            let taken = match counts.take(&[ask]) {
                Taking::Now(taken) => taken,
                Taking::Later(taking) => taking.await,
            };
            admitted += usize::from(taken.passes);
        }
    }
    admitted
}

#[tokio::test]
async fn while_the_store_is_there_three_nodes_admit_the_limit_and_not_one_more() {
    let server = Server::start();
    let nodes = three(&server, "90/d");
    assert_eq!(admitted(&nodes, 60).await, 90);
    assert_eq!(admitted(&nodes, 60).await, 0);
}

#[tokio::test]
async fn who_is_over_the_limit_costs_no_round_trip() {
    let server = Server::start();
    let nodes = three(&server, "9/d");
    admitted(&nodes, 6).await;
    let before = server.calls("evalsha");
    assert_eq!(admitted(&nodes, 300).await, 0);
    let calls = server.calls("evalsha") - before;
    assert!(calls < 30, "{calls} calls for 900 requests");
}

#[tokio::test]
async fn while_the_store_is_away_each_node_admits_its_share_at_most() {
    for is_killed in [true, false] {
        let mut server = Server::start();
        let nodes = three(&server, "90/d");
        let together = admitted(&nodes, 10).await;
        assert_eq!(together, 30);
        if is_killed {
            server.kill();
        } else {
            server.stall();
        }
        let alone = admitted(&nodes, 100).await;
        assert!((1..=90).contains(&alone), "{alone} beside the {together} before");
        assert!(together + alone <= 90 + 90, "one share each at most");
        assert_eq!(admitted(&nodes, 100).await, 0, "never unlimited");
        if is_killed {
            server.start_again();
        } else {
            server.go_on();
        }
        until("it is found again", || {
            nodes.iter().all(|(node, _)| node.state.is_there())
        });
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let after = admitted(&nodes, 100).await;
        let most = if is_killed { 90 } else { 60 };
        assert!(
            after <= most,
            "{after} after {together} and {alone}, killed: {is_killed}"
        );
    }
}
