//! An example as a process of its own, and curl before it.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

/// A running example; killed when dropped.
pub(crate) struct Example {
    child: Child,
    /// `http://127.0.0.1:PORT`
    pub(crate) base: String,
    /// Where its temporary files go, which it cannot remove when it is killed.
    _temporary: tempfile::TempDir,
}

impl Example {
    pub(crate) fn start(name: &str) -> Self {
        Self::start_and_read(name, 1).0
    }

    /// Also gives the first lines that the example prints.
    pub(crate) fn start_and_read(name: &str, lines: usize) -> (Self, Vec<String>) {
        Self::start_with(name, &[], lines)
    }

    /// With options, and gives the first lines that the example prints.
    pub(crate) fn start_with(name: &str, options: &[&str], lines: usize) -> (Self, Vec<String>) {
        let temporary = tempfile::tempdir().unwrap();
        let mut command = Command::new(path(name));
        command.env("TMPDIR", temporary.path()).args(options);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let printed = BufReader::new(child.stdout.take().unwrap()).lines().take(lines);
        let printed: Vec<_> = printed.map(Result::unwrap).collect();
        let base = printed.first().and_then(|line| line.strip_prefix("listening on "));
        let base = base.unwrap_or_else(|| panic!("{name} said {printed:?}")).to_owned();
        let example = Self {
            child,
            base,
            _temporary: temporary,
        };
        (example, printed)
    }

    pub(crate) fn curl(&self, path: &str, arguments: &[&str]) -> Answer {
        curl(&format!("{}{path}", self.base), arguments)
    }

    /// Asks for another host's page, at the same address.
    pub(crate) fn curl_host(&self, host: &str, path: &str, arguments: &[&str]) -> Answer {
        let header = format!("Host: {host}");
        self.curl(path, &[&["-H", &header], arguments].concat())
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Cargo builds the examples before the tests of their package, and puts them beside: `target/PROFILE/deps/run-HASH` is
/// this test, `target/PROFILE/examples/NAME` an example.
pub(crate) fn path(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let example = profile.join("examples").join(name);
    assert!(
        example.is_file(),
        "{} is not built: run `cargo build -p rempart-example-layers --examples`",
        example.display()
    );
    example
}

/// An answer as curl printed it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The one value of a header; fails when there are several.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(':'));
        let mut values = fields
            .filter(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim());
        let value = values.next();
        assert_eq!(values.next(), None, "a second {name}");
        value
    }

    /// The cookie that was set, as a browser sends it back: name and value.
    pub(crate) fn cookie(&self) -> String {
        self.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
    }
}

fn curl(url: &str, arguments: &[&str]) -> Answer {
    let output = run_curl(url, arguments);
    assert!(
        output.status.success(),
        "curl {url}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

pub(crate) fn run_curl(url: &str, arguments: &[&str]) -> Output {
    let fixed = ["-s", "-S", "-i", "--max-time", "30", "--noproxy", "*", url];
    Command::new("curl")
        .args(fixed)
        .args(arguments)
        .output()
        .expect("curl is installed")
}
