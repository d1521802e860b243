//! More servers than one: Sentinel and Redis Cluster.

#![allow(clippy::unwrap_used)]

mod server;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rempart_counts::SharedCounts;
use rempart_redis::RedisSettings;
use server::{Node, RIGHTS, Server, charge, file, free_port, tls_arguments, until};

async fn passes(counts: &Arc<dyn SharedCounts>, rate: &str, key: u128) -> bool {
    !counts.take(vec![charge(rate, key)]).await.unwrap()[0].is_refused
}

fn sentinel(master: u16) -> Server {
    let port = free_port();
    let arguments = |directory: &Path| {
        let mut watched = format!("sentinel monitor mymaster 127.0.0.1 {master} 1\n");
        writeln!(watched, "sentinel down-after-milliseconds mymaster 500").unwrap();
        writeln!(watched, "sentinel failover-timeout mymaster 1500").unwrap();
        vec![
            file(directory, "sentinel.conf", &watched).display().to_string(),
            "--sentinel".to_owned(),
        ]
    };
    Server::sentinel(port, arguments)
}

/// One that follows another, or none, and knows our user.
fn with_user(rights: &str, arguments: &[&str]) -> Server {
    let user = format!("rempart on >hunter2 {RIGHTS} {rights}");
    let user: Vec<_> = user.split_whitespace().collect();
    Server::with(&[&["--repl-diskless-sync-delay", "0", "--user"], &user[..], arguments].concat())
}

fn as_user(directory: &Path) -> RedisSettings {
    RedisSettings {
        user: Some("rempart".into()),
        password_file: Some(file(directory, "password", "hunter2")),
        timeout: "1s".into(),
        ..RedisSettings::default()
    }
}

#[tokio::test]
async fn sentinel_names_the_new_master_and_the_counts_are_there() {
    let mut master = with_user("+role", &[]);
    let replica = with_user("+role", &["--replicaof", "127.0.0.1", &master.port.to_string()]);
    let sentinel = sentinel(master.port);
    let nodes = [(); 2].map(|()| {
        Node::there(RedisSettings {
            sentinels: vec!["redis://127.0.0.1:1".into(), sentinel.url()],
            master: Some("mymaster".into()),
            ..as_user(replica.path())
        })
    });
    let counts = nodes.each_ref().map(|node| node.state.tenant("daycare"));
    assert!(passes(&counts[0], "1/h", 1).await);
    until("it is replicated", || {
        replica.cli(&["KEYS", "rempart:{daycare}:*"]).contains("client")
    });
    let port = replica.port.to_string();
    until("the replica is known", || {
        sentinel.cli(&["SENTINEL", "REPLICAS", "mymaster"]).contains(&port)
    });
    master.kill();
    until("it is noticed", || nodes.iter().all(|node| !node.state.is_there()));
    until("the new master is found", || {
        nodes.iter().all(|node| node.state.is_there())
    });
    assert!(!passes(&counts[1], "1/h", 1).await, "what was used up is used up");
    assert!(passes(&counts[1], "1/h", 2).await);
    assert!(replica.cli(&["ROLE"]).starts_with("master"));
}

#[tokio::test]
async fn a_replica_is_no_store() {
    let master = Server::start();
    let replica = Server::with(&["--replicaof", "127.0.0.1", &master.port.to_string()]);
    until("it follows", || replica.cli(&["ROLE"]).contains("connected"));
    let node = Node::open(RedisSettings::at(replica.url()));
    until("it is told", || !node.aways().is_empty());
    let error = node.aways().remove(0);
    assert!(error.to_uppercase().contains("READ"), "{error}");
    assert!(!node.state.is_there());
}

/// Three masters that share the keys.
fn cluster(start: impl Fn(&[&str]) -> Server, create: &[&str], port: impl Fn(usize, &Server) -> u16) -> Vec<Server> {
    let server = |_| {
        let bus = free_port().to_string();
        let node = [
            "--cluster-enabled",
            "yes",
            "--cluster-port",
            &bus,
            "--cluster-node-timeout",
            "2000",
        ];
        start(&node)
    };
    let servers: Vec<_> = (0..3).map(server).collect();
    let address = |(index, server)| format!("127.0.0.1:{}", port(index, server));
    let addresses: Vec<_> = servers.iter().enumerate().map(address).collect();
    let mut cli = Command::new("redis-cli");
    cli.args(create)
        .args(["--cluster", "create"])
        .args(&addresses)
        .arg("--cluster-yes");
    let output = cli.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    for server in &servers {
        until("the cluster is formed", || {
            server.cli(&["CLUSTER", "INFO"]).contains("cluster_state:ok")
        });
    }
    servers
}

#[tokio::test]
async fn a_cluster_is_spoken_to_with_tls_at_each_of_its_nodes() {
    let directory = tempfile::tempdir().unwrap();
    let ports = [free_port(), free_port(), free_port()];
    let next = std::cell::Cell::new(0);
    let start = |arguments: &[&str]| {
        let port = ports[next.replace(next.get() + 1)];
        let tls = tls_arguments(directory.path(), port);
        let tls: Vec<_> = tls.iter().map(String::as_str).collect();
        Server::with(&[&["--tls-cluster", "yes"], arguments, &tls].concat())
    };
    let authority = directory.path().join("ca.pem");
    let create = ["--tls", "--cacert", authority.to_str().unwrap()];
    let servers = cluster(start, &create, |index, _| ports[index]);
    let node = Node::there(RedisSettings {
        cluster: vec![format!("rediss://127.0.0.1:{}", ports[0])],
        ca_file: Some(authority.clone()),
        timeout: "1s".into(),
        ..RedisSettings::default()
    });
    for number in 0..12 {
        let counts = node.state.tenant(&format!("tenant{number}"));
        assert!(passes(&counts, "1/h", 1).await);
        assert!(!passes(&counts, "1/h", 1).await);
    }
    let in_use = |server: &&Server| server.cli(&["DBSIZE"]) != "0";
    assert_eq!(servers.iter().filter(in_use).count(), 3);
}

#[tokio::test]
async fn in_a_cluster_each_tenant_is_in_one_place_and_all_nodes_find_it() {
    let directory = tempfile::tempdir().unwrap();
    let start = |arguments: &[&str]| with_user("+cluster|slots", arguments);
    let mut servers = cluster(start, &[], |_, server| server.port);
    let nodes = [0, 1].map(|first: usize| {
        Node::there(RedisSettings {
            cluster: vec![servers[first].url()],
            ..as_user(directory.path())
        })
    });
    let tenants: Vec<_> = (0..24).map(|number| format!("tenant{number}")).collect();
    let mut asking = tokio::task::JoinSet::new();
    for tenant in &tenants {
        for node in &nodes {
            for _ in 0..10 {
                let counts = node.state.tenant(tenant);
                asking.spawn(async move { passes(&counts, "7/h", 1).await });
            }
        }
    }
    let admitted = asking.join_all().await.into_iter().filter(|passed| *passed).count();
    assert_eq!(admitted, 7 * tenants.len());
    for server in &servers {
        assert!(
            server.cli(&["KEYS", "rempart:*:client:*"]).lines().count() > 1,
            "all of them are used"
        );
    }
    servers[2].kill();
    until("it is noticed", || nodes.iter().all(|node| !node.state.is_there()));
    servers[2].start_again();
    until("it is found again", || nodes.iter().all(|node| node.state.is_there()));
    for tenant in &tenants {
        passes(&nodes[0].state.tenant(tenant), "7/h", 2).await;
    }
    assert!(nodes[0].aways().len() < 8, "{:?}", nodes[0].aways());
}
