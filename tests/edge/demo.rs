//! `rempart demo`, as somebody sees it who pastes what it prints.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{curl, rempart};

/// The line after which decisions come.
const LAST: &str = "Ctrl-C ends the demo.";

/// A running demo in a directory of its own; killed when dropped.
struct Demo {
    child: Child,
    said: Arc<Mutex<String>>,
    directory: tempfile::TempDir,
    ports: [u16; 5],
}

impl Demo {
    /// Starts one on free ports and waits until it has said its welcome.
    fn start() -> Self {
        Self::start_in("demo")
    }

    fn start_in(folder: &str) -> Self {
        // Another test may take a port between here and the demo's start; the demo then ends and others are tried.
        for _ in 0..10 {
            let mut demo = Self::spawn(folder, free_ports());
            if demo.wait_for(LAST).is_ok() {
                return demo;
            }
        }
        panic!("the demo found no ports");
    }

    fn spawn(folder: &str, ports: [u16; 5]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut child = command(directory.path(), folder, ports)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (lines, kept) = (BufReader::new(child.stdout.take().unwrap()).lines(), Arc::clone(&said));
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut kept = kept.lock().unwrap();
                kept.push_str(&line);
                kept.push('\n');
            }
        });
        Self {
            child,
            said,
            directory,
            ports,
        }
    }

    fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Waits for words; `Err` when the demo ended without them.
    fn wait_for(&mut self, words: &str) -> Result<(), ExitStatus> {
        let begun = Instant::now();
        while !self.said().contains(words) {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Err(status);
            }
            assert!(begun.elapsed() < PATIENCE, "no {words:?} in:\n{}", self.said());
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// The printed command lines with their titles, as they were printed.
    fn commands(&self) -> Vec<(String, String)> {
        let said = self.said();
        let lines: Vec<_> = said.lines().collect();
        let numbered = |line: &str| {
            let line = line.strip_prefix("  ")?;
            line.strip_prefix(|c: char| c.is_ascii_digit())?
                .strip_prefix(". ")
                .map(str::to_owned)
        };
        let pairs = lines.windows(2);
        pairs
            .filter_map(|pair| Some((numbered(pair[0])?, pair[1].strip_prefix("     ")?.to_owned())))
            .collect()
    }

    /// Runs a printed command as a person would, in the directory where the demo was started.
    fn paste(&self, command: &str) -> String {
        let Output { status, stdout, stderr } = Command::new("sh")
            .args(["-c", command])
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&stderr);
        assert!(status.success() && stderr.is_empty(), "{command}\n{status}: {stderr}");
        String::from_utf8(stdout).unwrap()
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    fn sites(&self) -> impl Iterator<Item = SocketAddr> {
        self.ports[2..]
            .iter()
            .copied()
            .map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
    }

    /// Waits until nobody listens where the sites were.
    fn assert_sites_are_gone(&self) {
        let begun = Instant::now();
        for address in self.sites() {
            while TcpStream::connect(address).is_ok() {
                assert!(begun.elapsed() < PATIENCE, "{address} still answers");
                thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn each_printed_command_shows_what_its_title_says() {
    let mut demo = Demo::start();
    let commands = demo.commands();
    assert_eq!(commands.len(), 5, "{}", demo.said());
    let titled = |number: usize, words: &[&str]| {
        let (title, command) = &commands[number - 1];
        assert!(words.iter().all(|word| title.contains(word)), "{title}");
        command
    };

    let said = demo.paste(titled(1, &["sealed", "Secure", "HttpOnly", "SameSite"]));
    let cookie = said.trim().to_lowercase();
    assert!(
        cookie.starts_with("set-cookie: __host-phpsessid=") && said.lines().count() == 1,
        "{said}"
    );
    for attribute in ["; secure", "; httponly", "; samesite=lax"] {
        assert!(cookie.contains(attribute), "{said}");
    }

    let said = demo.paste(titled(2, &["library", "city", "421"]));
    assert!(
        said.trim() == "HTTP/2 421" || said.starts_with("HTTP/1.1 421"),
        "{said}"
    );
    assert_eq!(demo.wait_for("refused tenant/host_misdirected"), Ok(()));

    let said = demo.paste(titled(3, &["401", "429", "303"]));
    let codes: Vec<_> = said.split_whitespace().collect();
    let (guesses, [neighbour]) = codes.split_at(8) else {
        panic!("{said}");
    };
    assert!(
        guesses.iter().all(|code| ["401", "429"].contains(code)) && guesses.is_sorted(),
        "{said}"
    );
    assert!(
        guesses[0] == "401" && guesses[7] == "429" && *neighbour == "303",
        "{said}"
    );
    assert_eq!(demo.wait_for("library refused login/login_refused"), Ok(()));

    let said = demo.paste(titled(4, &["403", "cookie_foreign_tenant"]));
    assert!(
        said.contains("\"status\":403") && said.contains("\"code\":\"cookie_foreign_tenant\""),
        "{said}"
    );
    assert_eq!(demo.wait_for("city refused cookies/cookie_foreign_tenant"), Ok(()));

    let said = demo.paste(titled(5, &["without the edge", "banners"]));
    assert!(said.contains("Server: Apache/2.4.10 (Debian)\r\n"), "{said}");
    let cookie = said
        .lines()
        .find(|line| line.starts_with("Set-Cookie: PHPSESSID="))
        .unwrap();
    assert!(cookie.ends_with("; path=/"), "{cookie}");

    let said = demo.said();
    let decisions = said.split(LAST).nth(1).unwrap();
    assert_eq!(
        decisions.matches(" refused ").count(),
        2 + codes.iter().filter(|code| **code == "429").count(),
        "a line for each refusal and none for what was not refused: {decisions}"
    );
}

#[test]
fn the_commands_can_be_pasted_whatever_the_directory_is_called() {
    let demo = Demo::start_in("l'été (2); $HOME & co");
    for (title, command) in demo.commands() {
        assert!(!demo.paste(&command).is_empty(), "{title}");
    }
}

#[test]
fn the_accounts_it_names_open_the_sites() {
    let demo = Demo::start();
    let said = demo.said();
    let ca = demo.directory.path().join("demo/vendor/state/development-ca/ca.pem");
    for (site, fields) in [
        ("library", ["card", "pin"]),
        ("city", ["user", "password"]),
        ("daycare", ["user", "password"]),
    ] {
        let address = format!("https://{site}.localhost:{}/", demo.ports[0]);
        let after = said.split(&address).nth(1).unwrap().trim_start();
        let words: Vec<_> = after.strip_prefix("log in at ").unwrap().split_whitespace().collect();
        let path = if site == "city" { "/intranet/login" } else { words[0] };
        let url = format!("{}{path}", address.trim_end_matches('/'));
        let form = [2, 4].map(|at| words[at]);
        let form = format!("{}={}&{}={}", fields[0], form[0], fields[1], form[1]);
        let entered = curl(["--cacert", ca.to_str().unwrap(), "-d", &form, &url]);
        assert!([302, 303].contains(&entered.status), "{site}: {entered:?}");
        assert!(
            !entered.header("location").unwrap().contains("login"),
            "{site}: {entered:?}"
        );
    }
}

#[test]
fn plain_http_is_sent_to_https() {
    let demo = Demo::start();
    let answer = curl([format!("http://library.localhost:{}/search?q=a", demo.ports[1])]);
    assert_eq!(answer.status, 308);
    let there = format!("https://library.localhost:{}/search?q=a", demo.ports[0]);
    assert_eq!(answer.header("location"), Some(there.as_str()));
}

#[test]
fn it_can_be_asked_as_any_edge() {
    let demo = Demo::start();
    let mut command = rempart();
    command
        .args(["tenant", "list", "--config", "demo/vendor"])
        .current_dir(demo.directory.path());
    let output = command.env_remove("REMPART_SOCKET").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let states: Vec<_> = text
        .lines()
        .map(|line| line.split_whitespace().nth(1).unwrap())
        .collect();
    assert_eq!(states, ["current"; 3], "{output:?}");
}

#[test]
fn a_signal_ends_it_and_the_sites_with_it() {
    for signal in ["TERM", "INT"] {
        let mut demo = Demo::start();
        demo.signal(signal);
        let status = demo.child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{signal}: {status}");
        demo.assert_sites_are_gone();
        assert!(demo.said().contains("The demo has ended."), "{}", demo.said());
    }
}

#[test]
fn the_sites_end_even_when_the_demo_is_killed() {
    let mut demo = Demo::start();
    demo.signal("KILL");
    assert!(!demo.child.wait().unwrap().success());
    demo.assert_sites_are_gone();
}

#[test]
fn a_second_demo_says_what_is_in_use() {
    let demo = Demo::start();
    let free = free_ports();
    let with = |positions: &[usize]| {
        let mut ports = free;
        for position in positions {
            ports[*position] = demo.ports[*position];
        }
        let elsewhere = tempfile::tempdir().unwrap();
        let output = command(elsewhere.path(), "demo", ports)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{positions:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    for (positions, option) in [
        (vec![0, 1, 2, 3, 4], "--https"),
        (vec![3], "--site-ports"),
        (vec![0], "--https"),
        (vec![1], "--http"),
    ] {
        let said = with(&positions);
        let address = format!("127.0.0.1:{}", demo.ports[positions[0]]);
        assert!(said.starts_with("error: ") && said.lines().count() == 1, "{said}");
        assert!(said.contains(&format!("{address}: it is in use")), "{said}");
        assert!(said.contains(option), "{said}");
    }
}

#[test]
fn the_files_that_somebody_changed_stay_as_they_are() {
    let mut demo = Demo::start();
    let file = demo.directory.path().join("demo/vendor/tenants.d/library.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let changed = text.replace("free_failures = 3", "free_failures = 2");
    assert_ne!(changed, text);
    std::fs::write(&file, &changed).unwrap();
    demo.signal("TERM");
    demo.child.wait().unwrap();
    demo.assert_sites_are_gone();
    let mut again = command(demo.directory.path(), "demo", demo.ports);
    let mut again = again.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(again.stdout.take().unwrap()).lines();
    let ready = lines.any(|line| line.unwrap().contains(LAST));
    let ended = again.kill().and_then(|()| again.wait());
    assert!(ready && ended.is_ok(), "it did not start again");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), changed);
}

#[test]
fn the_ports_are_taken_as_the_help_shows_them() {
    let help = rempart().args(["demo", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let example = help.lines().find(|line| line.contains("--site-ports 9")).unwrap();
    let shown = example.split("--site-ports ").nth(1).unwrap();
    let directory = tempfile::tempdir().unwrap();
    // A port that is taken ends the demo where it has understood its ports, before it starts anything.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut command = rempart();
    let output = command
        .current_dir(directory.path())
        .args(["demo", "--site-ports", &shown.replacen("9201", &port, 1)])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("127.0.0.1:{port}: it is in use")), "{said}");
}

/// The demo's command line.
fn command(directory: &Path, folder: &str, [https, http, sites @ ..]: [u16; 5]) -> Command {
    let mut command = rempart();
    command.current_dir(directory).args(["demo", "--directory", folder]);
    command.args([
        "--https",
        &format!("127.0.0.1:{https}"),
        "--http",
        &format!("127.0.0.1:{http}"),
    ]);
    command.arg("--site-ports").args(sites.map(|port| port.to_string()));
    command
}

fn free_ports() -> [u16; 5] {
    let listeners = [(); 5].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
