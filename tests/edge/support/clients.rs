//! curl, openssl and Python's standard library: clients that know nothing of ours.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

/// An answer as curl printed it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In the order in which they came, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// The one value of a header; fails when there are several.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let values = self.all(name);
        assert!(values.len() <= 1, "{name} came {} times: {values:?}", values.len());
        values.first().copied()
    }

    /// Every value of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// Parses the last head and the body of `curl -i`. Interim answers and proxies' answers before it are left out.
    pub(crate) fn parse(text: &str) -> Self {
        let mut rest = text;
        loop {
            let (head, body) = rest
                .split_once("\r\n\r\n")
                .unwrap_or_else(|| panic!("no answer in {text:?}"));
            let mut lines = head.lines();
            let status: u16 = lines
                .next()
                .and_then(|line| line.split(' ').nth(1))
                .and_then(|code| code.parse().ok())
                .unwrap();
            if (100..200).contains(&status) && status != 101 {
                rest = body;
                continue;
            }
            let header = |line: &str| {
                line.split_once(':')
                    .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            };
            return Self {
                status,
                headers: lines.filter_map(header).collect(),
                body: body.to_owned(),
            };
        }
    }
}

/// Runs curl with `-s -i` and these arguments, and parses what it prints. Fails when curl does.
pub(crate) fn curl<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Answer {
    let output = Command::new("curl")
        .args(["-s", "-S", "-i", "--max-time", "30"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "curl: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Answer::parse(&String::from_utf8_lossy(&output.stdout))
}

/// Runs curl as [`curl`] does, with an input for `-T -` or `-d @-`.
pub(crate) fn curl_with<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>, input: &[u8]) -> Answer {
    let output = run(
        Command::new("curl")
            .args(["-s", "-S", "-i", "--max-time", "30"])
            .args(arguments),
        input,
    );
    assert!(
        output.status.success(),
        "curl: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Answer::parse(&String::from_utf8_lossy(&output.stdout))
}

/// Runs openssl with an input, and gives what it said.
pub(crate) fn openssl(arguments: &[&str], input: &[u8]) -> Output {
    run(Command::new("openssl").args(arguments), input)
}

/// Runs a Python program with arguments; it fails the test when it fails. Names below `localhost` are this machine, as
/// RFC 6761 section 6.3 has it and curl does by itself.
pub(crate) fn python(program: &str, arguments: &[&str]) -> String {
    let program = format!(
        "import socket\n_resolve = socket.getaddrinfo\n\
         socket.getaddrinfo = lambda host, *more, **named: \
         _resolve('127.0.0.1' if str(host).endswith('.localhost') else host, *more, **named)\n{program}"
    );
    let output = run(Command::new("python3").arg("-").args(arguments), program.as_bytes());
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "python: {stdout}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    stdout
}

fn run(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read its input to the end closes it; that is no failure.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}
