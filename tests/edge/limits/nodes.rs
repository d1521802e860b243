//! Three edges before one Redis: one limit, whoever is asked.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::{Browser, Running, Stub, edge, site};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Debian's redis-server, on a free port.
struct Redis {
    child: Child,
    port: u16,
    directory: tempfile::TempDir,
}

impl Redis {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let directory = tempfile::tempdir().unwrap();
        let mut redis = Self {
            child: serve(port, directory.path()),
            port,
            directory,
        };
        redis.wait();
        redis
    }

    fn wait(&mut self) {
        let begun = Instant::now();
        while !self.said(&["PING"]).contains("PONG") {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "redis-server does not answer"
            );
            sleep(Duration::from_millis(20));
        }
    }

    fn said(&self, command: &[&str]) -> String {
        let output = Command::new("redis-cli")
            .args(["-p", &self.port.to_string()])
            .args(command)
            .output()
            .expect("redis-cli is installed by `cargo xtask test`");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn again(&mut self) {
        self.child = serve(self.port, self.directory.path());
        self.wait();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(port: u16, directory: &std::path::Path) -> Child {
    Command::new("redis-server")
        .args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ])
        .arg("--dir")
        .arg(directory)
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server is installed by `cargo xtask test`")
}

/// Three edges with one root secret, before the same application.
fn nodes(redis: &Redis, upstream: std::net::SocketAddr, lines: &str) -> Vec<Running> {
    let vendor = format!(
        "[state.redis]\nurl = \"redis://127.0.0.1:{}\"\nnodes = 3\ntimeout = \"500ms\"\n",
        redis.port
    );
    let secret = [7_u8; 32];
    let nodes: Vec<Running> = (0..3)
        .map(|_| {
            let builder = edge().vendor(&vendor).tenant("library", upstream, lines);
            builder.start_with_root(&secret)
        })
        .collect();
    for node in &nodes {
        node.wait_for_log("store_back");
    }
    nodes
}

fn count(nodes: &[Running], requests: usize) -> usize {
    let asked = (0..requests).map(|number| nodes[number % nodes.len()].get("library", "/").status);
    let asked: Vec<u16> = asked.collect();
    assert!(asked.iter().all(|status| [200, 429].contains(status)), "{asked:?}");
    asked.iter().filter(|status| **status == 200).count()
}

#[test]
fn three_edges_admit_together_what_one_would() {
    let (redis, upstream) = (Redis::start(), Stub::fixed(OK));
    let nodes = nodes(
        &redis,
        upstream.address,
        "[rate_limit.quotas.client]\nrate = \"12/h\"\n",
    );
    assert_eq!(count(&nodes, 30), 12);
    let keys = redis.said(&["KEYS", "*"]);
    assert!(
        keys.contains("library") && !keys.contains("127.0.0.1"),
        "no address leaves the edge: {keys}"
    );
    assert!(
        redis
            .said(&["TTL", keys.lines().next().unwrap()])
            .trim()
            .parse::<i64>()
            .unwrap()
            > 0,
        "{keys}"
    );
}

#[test]
fn while_redis_is_away_each_edge_admits_its_share_and_says_so() {
    let (mut redis, upstream) = (Redis::start(), Stub::fixed(OK));
    let nodes = nodes(
        &redis,
        upstream.address,
        "[rate_limit.quotas.client]\nrate = \"12/h\"\n",
    );
    redis.kill();
    let admitted = count(&nodes, 30);
    assert!(
        (1..=12).contains(&admitted),
        "{admitted} of 30: at most a third of the limit at each of three"
    );
    for node in &nodes {
        node.wait_for_log("store_away");
    }
    redis.again();
    let begun = Instant::now();
    while nodes.iter().any(|node| node.log().matches("store_back").count() < 2) {
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", nodes[0].log());
        sleep(Duration::from_millis(50));
    }
    let more = count(&nodes, 30);
    assert!(
        admitted + more <= 12 + 3,
        "{admitted} while it was away, and {more} since: nobody has a fresh start"
    );
}

#[test]
fn a_redis_that_stalls_holds_nobody_up() {
    let (redis, upstream) = (Redis::start(), Stub::fixed(OK));
    let nodes = nodes(
        &redis,
        upstream.address,
        "[rate_limit.quotas.client]\nrate = \"300/h\"\n",
    );
    redis.signal("STOP");
    let begun = Instant::now();
    assert!(count(&nodes, 30) >= 1);
    let taken = begun.elapsed();
    redis.signal("CONT");
    assert!(taken < Duration::from_secs(20), "{taken:?}");
    nodes[0].wait_for_log("store_away");
}

#[test]
fn wrong_pins_at_three_edges_are_those_of_one_guesser() {
    let (redis, library) = (Redis::start(), site("library"));
    let lines = "[login]\nroutes = [\"POST /login\"]\naccount_fields = [\"card\"]\npassword_fields = [\"pin\"]\n\
                 failed = { status = [401] }\nmax_delay = \"0s\"\n";
    let nodes = nodes(&redis, library.address, lines);
    let alone: Vec<u16> = (0..24)
        .map(|pin| {
            let fields = ["-d", "card=29001000000017", "-d", &format!("pin={pin:04}")];
            nodes[pin % 3].curl("library", "/login", &fields).status
        })
        .collect();
    let tried = alone.iter().filter(|status| **status == 401).count();
    assert!((3..=12).contains(&tried), "{alone:?}");
}

#[test]
fn who_is_logged_out_at_one_edge_is_out_at_all_of_them() {
    let (redis, library) = (Redis::start(), site("library"));
    let lines = "[cookies]\nsession = [\"PHPSESSID\"]\n[sessions]\ncookie = \"PHPSESSID\"\nlogin = [\"POST /login\"]\n\
                 logout = [\"POST /logout\"]\n";
    let nodes = nodes(&redis, library.address, lines);
    let patron = Browser::new(&nodes[0]);
    patron.get("library", "/login");
    let login = [("card", "29001000000017"), ("pin", "4821")];
    assert_eq!(patron.post("library", "/login", &login).status, 303);
    let cookie = patron.cookie("__Host-PHPSESSID").unwrap();
    let is_in = |node: &Running| {
        let answer = node.curl("library", "/account", &["-b", &format!("__Host-PHPSESSID={cookie}")]);
        answer.status == 200
    };
    assert!(nodes.iter().all(is_in), "one secret: a seal of one edge opens at all");
    let said = nodes[1].rempart(&["session", "kill", "--tenant", "library", "--all"]);
    assert_eq!(said.status, Some(0), "{said:?}");
    let begun = Instant::now();
    while nodes.iter().any(is_in) {
        assert!(begun.elapsed() < Duration::from_secs(10), "it goes on at another edge");
        sleep(Duration::from_millis(50));
    }
    let told = redis.said(&["--raw", "KEYS", "*"]);
    assert!(!told.contains("29001000000017"));
}
