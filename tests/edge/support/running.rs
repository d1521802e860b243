//! The built binary, started on free ports with a configuration of the test's own.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::clients::{Answer, curl};

/// The program under test.
pub(crate) fn rempart() -> Command {
    Command::new(env!("CARGO_BIN_EXE_rempart"))
}

/// An edge on a directory of its own, with much to say.
fn run(directory: &Path) -> Command {
    let mut command = rempart();
    command
        .args(["--log", "debug,hyper=info,h2=info,rustls=info", "run", "--config"])
        .arg(directory);
    command
}

/// An edge to come: `edge().tenant("library", upstream, "").start()`.
pub(crate) fn edge() -> Builder {
    Builder {
        vendor: String::new(),
        tenants: Vec::new(),
        environment: Vec::new(),
    }
}

pub(crate) struct Builder {
    vendor: String,
    tenants: Vec<(String, String)>,
    environment: Vec<(String, String)>,
}

impl Builder {
    /// A tenant `NAME` with the host `NAME.localhost`, this upstream, and more lines for its file.
    pub(crate) fn tenant(self, name: &str, upstream: SocketAddr, more: &str) -> Self {
        self.tenant_with(name, upstream, "", more)
    }

    /// As [`tenant`](Self::tenant), with lines for the top of its file, such as `preset = "php"`.
    pub(crate) fn tenant_with(mut self, name: &str, upstream: SocketAddr, top: &str, more: &str) -> Self {
        let mut file = format!("hosts = [\"{name}.localhost\"]\n{top}\n[upstream]\nurl = \"http://{upstream}\"\n");
        let _ = writeln!(file, "{more}");
        self.tenants.push((name.to_owned(), file));
        self
    }

    /// More lines for `rempart.toml`, as sections of their own.
    pub(crate) fn vendor(mut self, more: &str) -> Self {
        self.vendor.push_str(more);
        self.vendor.push('\n');
        self
    }

    /// A variable of the edge's environment.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes the files without starting anything.
    pub(crate) fn write(&self) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("tenants.d")).unwrap();
        let vendor = format!(
            "[listen]\nhttps = \"127.0.0.1:0\"\nhttp = \"127.0.0.1:0\"\nworkers = 2\n\n\
             [state]\ndirectory = \"state\"\n\n[development]\ncertificates = true\n\n{}",
            self.vendor
        );
        fs::write(directory.path().join("rempart.toml"), vendor).unwrap();
        for (name, file) in &self.tenants {
            fs::write(directory.path().join(format!("tenants.d/{name}.toml")), file).unwrap();
        }
        directory
    }

    /// Starts the edge and waits until it serves.
    pub(crate) fn start(self) -> Running {
        let directory = self.write();
        self.start_in(directory)
    }

    /// The same with a root secret that other edges have too.
    pub(crate) fn start_with_root(self, secret: &[u8]) -> Running {
        let directory = self.write();
        let state = directory.path().join("state");
        fs::create_dir(&state).unwrap();
        let key = state.join("root.key");
        fs::write(&key, secret).unwrap();
        fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
        self.start_in(directory)
    }

    fn start_in(self, directory: tempfile::TempDir) -> Running {
        let mut command = run(directory.path());
        command.envs(self.environment);
        Running::start(command, directory)
    }
}

/// A running edge; killed when dropped.
pub(crate) struct Running {
    child: Child,
    log: Arc<Mutex<Log>>,
    directory: Arc<tempfile::TempDir>,
    https: u16,
    http: u16,
}

impl Running {
    /// Starts a command that runs an edge, and waits until it serves.
    pub(super) fn start(mut command: Command, directory: impl Into<Arc<tempfile::TempDir>>) -> Self {
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let log = Arc::new(Mutex::new(Log::default()));
        let (lines, kept) = (BufReader::new(child.stderr.take().unwrap()).lines(), Arc::clone(&log));
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut kept = kept.lock().unwrap();
                kept.text.push_str(&line);
                kept.text.push('\n');
            }
            kept.lock().unwrap().ended = true;
        });
        let mut running = Self {
            child,
            log,
            directory: directory.into(),
            https: 0,
            http: 0,
        };
        running.https = running.port("serving HTTPS");
        running.http = running.port("redirecting HTTP");
        running
    }

    /// Ends this edge, and starts another on what it leaves.
    pub(crate) fn restart(mut self) -> Self {
        self.signal("TERM");
        assert!(self.wait().success(), "{}", self.log());
        self.again()
    }

    /// Starts another on what this one, which has ended, leaves.
    pub(crate) fn again(&self) -> Self {
        Self::start(run(self.directory()), Arc::clone(&self.directory))
    }

    /// The directory of its configuration.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Replaces a file of its configuration, such as `tenants.d/city.toml`, as careful programs do.
    pub(crate) fn rewrite(&self, file: &str, text: &str) {
        let path = self.directory().join(file);
        let beside = path.with_extension("beside");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, path).unwrap();
    }

    /// Runs another command of the program on the same configuration.
    pub(crate) fn rempart(&self, arguments: &[&str]) -> Said {
        let mut command = rempart();
        command.args(arguments).arg("--config").arg(self.directory());
        let output = command.env_remove("REMPART_SOCKET").output().unwrap();
        Said {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The port that the log names beside these words.
    pub(crate) fn port(&mut self, words: &str) -> u16 {
        let line = self.wait_for_log(words);
        let address = line.split("address=127.0.0.1:").nth(1).unwrap();
        address
            .chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>()
            .parse()
            .unwrap()
    }

    /// The first line of the log with these words, once it is there: a line is read here some time after the answer it
    /// belongs to.
    pub(crate) fn wait_for_log(&self, words: &str) -> String {
        let begun = Instant::now();
        loop {
            let Log { text, ended } = self.log.lock().unwrap().clone();
            if let Some(line) = text.lines().find(|line| line.contains(words)) {
                return line.to_owned();
            }
            assert!(!ended && begun.elapsed() < PATIENCE, "no {words:?} in the log:\n{text}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Everything logged so far, to show and to look for what must not be there. What must be is awaited with
    /// [`wait_for_log`](Self::wait_for_log).
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().text.clone()
    }

    /// The process' number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn https_port(&self) -> u16 {
        self.https
    }

    pub(crate) fn http_port(&self) -> u16 {
        self.http
    }

    /// The development CA's certificate.
    pub(crate) fn ca(&self) -> PathBuf {
        // Said after the listeners are, which is what a test has waited for.
        let begun = Instant::now();
        let line = loop {
            let log = self.log();
            if let Some(line) = log.lines().find(|line| line.contains("development certificates")) {
                break line.to_owned();
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "no development CA: {log}");
            thread::sleep(Duration::from_millis(5));
        };
        let path = line.split("ca=").nth(1).unwrap();
        path.split_whitespace().next().unwrap().into()
    }

    /// The address of a page of a tenant.
    pub(crate) fn url(&self, tenant: &str, path: &str) -> String {
        format!("https://{tenant}.localhost:{}{path}", self.https)
    }

    /// Asks for a page of a tenant with curl, trusting the development CA and nothing else.
    pub(crate) fn get(&self, tenant: &str, path: &str) -> Answer {
        self.curl(tenant, path, &[])
    }

    /// As [`get`](Self::get), with more arguments for curl.
    pub(crate) fn curl(&self, tenant: &str, path: &str, arguments: &[&str]) -> Answer {
        let (ca, url) = (self.ca(), self.url(tenant, path));
        let fixed = ["--cacert", ca.to_str().unwrap(), &url];
        curl(fixed.iter().chain(arguments))
    }

    /// Sends a signal by name (`TERM`, `INT`, `HUP`).
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.pid().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Waits for the process to end, and for the last line of its log.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            match self.child.try_wait().unwrap() {
                Some(status) if self.log.lock().unwrap().ended => return status,
                _ => {}
            }
            assert!(begun.elapsed() < PATIENCE, "the edge does not end:\n{}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// What an edge has logged, and whether it can still log more.
#[derive(Clone, Default)]
struct Log {
    text: String,
    ended: bool,
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
