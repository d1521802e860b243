//! Redis servers of the tests' own: each on a free port, in a directory that goes with it, ended by its process.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test file uses some of it"
)]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rempart_counts::{Key, Operation, SharedAsk};
use rempart_redis::{RedisPolicy, RedisSettings, SharedState, StoreEvent};
use tempfile::TempDir;

/// `redis-server`, while it is held.
pub struct Server {
    process: Child,
    pub port: u16,
    arguments: Vec<String>,
    directory: TempDir,
    /// What `redis-cli` needs to be let in.
    login: Vec<String>,
}

impl Server {
    pub fn start() -> Self {
        Self::with(&[])
    }

    pub fn with(arguments: &[&str]) -> Self {
        Self::prepared(
            free_port(),
            |_| arguments.iter().map(ToString::to_string).collect(),
            &[],
        )
    }

    /// With arguments that name files in its directory, and those of `redis-cli`.
    pub fn prepared(port: u16, arguments: impl FnOnce(&Path) -> Vec<String>, login: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let arguments = arguments(directory.path());
        let mut server = Self {
            process: spawn(port, &arguments, directory.path()),
            port,
            arguments,
            directory,
            login: login.iter().map(ToString::to_string).collect(),
        };
        server.until_it_answers();
        server
    }

    /// One that reads its configuration from a file, as Sentinel must: it writes there too.
    pub fn sentinel(port: u16, arguments: impl FnOnce(&Path) -> Vec<String>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let arguments = arguments(directory.path());
        let process = Command::new(program())
            .args(&arguments)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is missing: `apt-get install redis-server`");
        let mut server = Self {
            process,
            port,
            arguments,
            directory,
            login: Vec::new(),
        };
        server.until_it_answers();
        server
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// On the same port, with nothing in it.
    pub fn start_again(&mut self) {
        self.process = spawn(self.port, &self.arguments, self.directory.path());
        self.until_it_answers();
    }

    pub fn stall(&self) {
        self.signal("-STOP");
    }

    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let process = self.process.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &process])
                .status()
                .unwrap()
                .success()
        );
    }

    pub fn cli(&self, arguments: &[&str]) -> String {
        let mut cli = Command::new("redis-cli");
        cli.args(["-p", &self.port.to_string()])
            .args(&self.login)
            .args(arguments);
        let output = cli.env("REDISCLI_AUTH", "").env_remove("REDISCLI_AUTH").output();
        let output = output.expect("redis-cli is missing: `apt-get install redis-tools`");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// How often a command was called.
    pub fn calls(&self, command: &str) -> u64 {
        let stats = self.cli(&["INFO", "commandstats"]);
        let name = format!("cmdstat_{command}:calls=");
        let line = stats.lines().find_map(|line| line.strip_prefix(&name));
        line.map_or(0, |rest| rest.split(',').next().unwrap().parse().unwrap())
    }

    fn until_it_answers(&mut self) {
        until("redis-server answers", || {
            if let Some(status) = self.process.try_wait().unwrap() {
                panic!("redis-server has ended at once: {status}");
            }
            self.cli(&["PING"]) == "PONG"
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// `redis-server`, or what `REMPART_TEST_REDIS` names, such as `valkey-server`.
fn program() -> String {
    std::env::var("REMPART_TEST_REDIS").unwrap_or_else(|_| "redis-server".to_owned())
}

fn spawn(port: u16, arguments: &[String], directory: &Path) -> Child {
    let log = std::fs::File::create(directory.join("log")).unwrap();
    Command::new(program())
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
        .args(arguments)
        .stdout(log)
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server is missing: `apt-get install redis-server`")
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits for what must come to pass.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "in vain: {what}");
        sleep(Duration::from_millis(10));
    }
}

/// A node of an edge, and what it was told of the store.
pub struct Node {
    pub state: Arc<SharedState>,
    pub events: Arc<Mutex<Vec<StoreEvent>>>,
}

impl Node {
    pub fn open(settings: RedisSettings) -> Self {
        let events = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&events);
        let policy = RedisPolicy::try_from(settings).unwrap();
        let state = SharedState::open(policy, move |event| heard.lock().unwrap().push(event)).unwrap();
        Self { state, events }
    }

    /// One that has found its store.
    pub fn there(settings: RedisSettings) -> Self {
        let node = Self::open(settings);
        until("the store is found", || node.state.is_there());
        node
    }

    pub fn of(server: &Server) -> Self {
        Self::there(settings(server))
    }

    pub fn aways(&self) -> Vec<String> {
        let error = |event: &StoreEvent| match event {
            StoreEvent::Away { error } => Some(error.clone()),
            _ => None,
        };
        self.events.lock().unwrap().iter().filter_map(error).collect()
    }
}

/// With a deadline that a busy machine keeps: what is tested is seldom how fast it is.
pub fn settings(server: &Server) -> RedisSettings {
    RedisSettings {
        timeout: "1s".to_owned(),
        ..RedisSettings::at(server.url())
    }
}

pub fn ask(limit: &str, rate: &str, key: u128, cost: u32, operation: Operation) -> SharedAsk {
    SharedAsk {
        limit: limit.into(),
        rate: rate.parse().unwrap(),
        key: Key::new(key),
        cost,
        operation,
    }
}

pub fn charge(rate: &str, key: u128) -> SharedAsk {
    ask("client", rate, key, 1, Operation::CHARGE)
}

pub fn file(directory: &Path, name: &str, content: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

/// The rights that the documentation asks for.
pub const RIGHTS: &str = "~rempart:* -@all +eval +evalsha +time +mget +set +del +xadd +xtrim +xrange +pexpire";

/// An authority, and a server's certificate by it for 127.0.0.1 and localhost.
pub fn certificates(directory: &Path) {
    file(directory, "names", "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
    for line in [
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority",
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out request.pem -subj /CN=redis",
        "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out certificate.pem -days 2 -extfile names",
    ] {
        let mut openssl = Command::new("openssl");
        let output = openssl.args(line.split(' ')).current_dir(directory).output();
        let output = output.expect("openssl is missing: `apt-get install openssl`");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// What a server needs to speak TLS, with certificates in its directory when there are none.
pub fn tls_arguments(directory: &Path, port: u16) -> Vec<String> {
    if !directory.join("ca.pem").exists() {
        certificates(directory);
    }
    let path = |name: &str| directory.join(name).display().to_string();
    let arguments = [
        ["--tls-port".to_owned(), port.to_string()],
        ["--tls-cert-file".to_owned(), path("certificate.pem")],
        ["--tls-key-file".to_owned(), path("key.pem")],
        ["--tls-ca-cert-file".to_owned(), path("ca.pem")],
        ["--tls-auth-clients".to_owned(), "no".to_owned()],
    ];
    arguments.concat()
}
