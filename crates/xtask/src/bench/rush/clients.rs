//! The neighbours' requests, and the flood.

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::ValueEnum;

use super::scene::{RUSH, Scene, Tenant, Turn};
use super::share::Share;

/// What a flood does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Flood {
    /// Requests over kept HTTP/1.1 connections.
    H1,
    /// Requests over HTTP/2, many at a time on each of few connections.
    H2,
    /// HTTP/2 requests that are taken back in the same breath.
    Resets,
    /// Whole handshakes on new connections, and nothing after them.
    Handshakes,
    /// Connections that say nothing, half a ClientHello, or a whole one and no more.
    HalfOpen,
    /// Requests whose bodies come a byte a second.
    SlowBodies,
    /// All of it at once, and as much in all as one alone.
    Together,
}

impl Flood {
    pub(crate) const ALL: [Self; 7] = [
        Self::H1,
        Self::H2,
        Self::Resets,
        Self::Handshakes,
        Self::HalfOpen,
        Self::SlowBodies,
        Self::Together,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::H1 => "h1",
            Self::H2 => "h2",
            Self::Resets => "resets",
            Self::Handshakes => "handshakes",
            Self::HalfOpen => "half-open",
            Self::SlowBodies => "slow-bodies",
            Self::Together => "together",
        }
    }

    /// Floods, for so long.
    ///
    /// # Errors
    ///
    /// When it could not.
    pub(crate) fn run(self, scene: &Scene, port: u16, size: Share, length: Duration) -> io::Result<Flooded> {
        let size = match self {
            Self::Together => size.among(4, 2),
            _ => size,
        };
        let mut command = Command::new(scene.program(RUSH));
        command.arg("flood").arg(format!("--host={}", Tenant::Library.host()));
        for kind in self.parts() {
            command.arg(format!("--kind={}", kind.name()));
        }
        command
            .arg(format!("--millis={}", length.as_millis()))
            .arg(format!("--requests={}", size.requests))
            .arg(format!("--in-flight={}", size.in_flight))
            .arg(format!("--handshakes={}", size.handshakes))
            .arg(format!("--connections={}", size.connections));
        let output = scene.client(Turn::Later, port, &mut command).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        Flooded::read(&said, length).ok_or_else(|| io::Error::other(format!("the flood failed:\n{said}{complaint}")))
    }

    const fn parts(self) -> &'static [Self] {
        match self {
            Self::H1 => &[Self::H1],
            Self::H2 => &[Self::H2],
            Self::Resets => &[Self::Resets],
            Self::Handshakes => &[Self::Handshakes],
            Self::HalfOpen => &[Self::HalfOpen],
            Self::SlowBodies => &[Self::SlowBodies],
            Self::Together => Self::ALL.split_at(6).0,
        }
    }
}

/// What became of a flood, in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Flooded {
    /// Requests that were sent.
    pub(crate) asked: f64,
    /// Those that got their page.
    pub(crate) admitted: f64,
    /// New connections that were tried.
    pub(crate) tried: f64,
    /// Those that the server took.
    pub(crate) connected: f64,
}

impl Flooded {
    fn read(said: &str, length: Duration) -> Option<Self> {
        let count = |name: &str| {
            let mut pairs = said.split_whitespace().filter_map(|pair| pair.split_once('='));
            let (_, value) = pairs.find(|(its, _)| *its == name)?;
            Some(value.parse::<f64>().ok()? / length.as_secs_f64())
        };
        Some(Self {
            asked: count("asked")?,
            admitted: count("admitted")?,
            tried: count("tried")?,
            connected: count("connected")?,
        })
    }
}

/// The neighbours' requests, which go on until they are told to end.
pub(crate) struct Steady {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Steady {
    /// Begins, once the connections that stay are open.
    ///
    /// # Errors
    ///
    /// When they could not be opened.
    pub(crate) fn begin(scene: &Scene, port: u16, rate: u32) -> io::Result<Self> {
        let mut command = Command::new(scene.program(RUSH));
        command.arg("steady").arg(format!("--rate={rate}"));
        for tenant in Tenant::NEIGHBOURS {
            command.arg(format!("--host={}", tenant.host()));
        }
        let mut child = scene.client(Turn::First, port, &mut command).spawn()?;
        let said = child
            .stdout
            .take()
            .ok_or_else(|| io::Error::other("no standard output"))?;
        let mut steady = Self {
            child,
            said: BufReader::new(said),
        };
        let mut line = String::new();
        steady.said.read_line(&mut line)?;
        if line.trim() == "ready" {
            return Ok(steady);
        }
        Err(io::Error::other("the neighbours could not connect"))
    }

    /// Ends, and answers with every request.
    ///
    /// # Errors
    ///
    /// When what it said cannot be read.
    pub(crate) fn end(mut self) -> io::Result<Vec<Request>> {
        drop(self.child.stdin.take());
        let mut said = String::new();
        self.said.read_to_string(&mut said)?;
        said.lines()
            .map(|line| Request::read(line).ok_or_else(|| io::Error::other(format!("unreadable: {line}"))))
            .collect()
    }
}

impl Drop for Steady {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().ok();
    }
}

/// One request of a neighbour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// When it was due: microseconds since 1970.
    pub(crate) due: u64,
    /// From then to the end of its answer: microseconds.
    pub(crate) took: u64,
    /// Whether its connection was there before.
    pub(crate) kept: bool,
    /// Why it was lost.
    pub(crate) lost: Option<String>,
}

impl Request {
    /// For whoever looks at each: when it was due after something began, and how long it took, in milliseconds.
    pub(crate) fn line(&self, began: u64) -> String {
        let milliseconds = |micros: u64| micros as f64 / 1_000.0;
        let (due, took) = (milliseconds(self.due.saturating_sub(began)), milliseconds(self.took));
        let kind = if self.kept { "kept" } else { "new" };
        format!("{due:.3} {took:.3} {kind} {}", self.lost.as_deref().unwrap_or("ok"))
    }

    fn read(line: &str) -> Option<Self> {
        let [due, took, _host, kind, outcome] = line.split(' ').collect::<Vec<_>>().try_into().ok()?;
        Some(Self {
            due: due.parse().ok()?,
            took: took.parse().ok()?,
            kept: kind == "kept",
            lost: (outcome != "ok").then(|| outcome.replace('_', " ")),
        })
    }
}

/// Microseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_a_flood_is_read_by_name() {
        let said = "asked=10 admitted=4 refused=6 broken=0 tried=2 connected=1\n";
        let flooded = Flooded {
            asked: 5.0,
            admitted: 2.0,
            tried: 1.0,
            connected: 0.5,
        };
        assert_eq!(Flooded::read(said, Duration::from_secs(2)), Some(flooded));
        assert_eq!(Flooded::read("asked=10", Duration::from_secs(2)), None);
    }

    #[test]
    fn a_request_that_was_lost_says_why() {
        let read = Request::read("5 7 1 kept status_503,_9_bytes").unwrap();
        assert_eq!((read.due, read.took, read.kept), (5, 7, true));
        assert_eq!(read.lost.as_deref(), Some("status 503, 9 bytes"));
        assert_eq!(Request::read("5 7 2 new ok").unwrap().lost, None);
        assert_eq!(Request::read("5 7 2 new"), None);
    }

    #[test]
    fn all_at_once_is_each_of_the_others() {
        assert_eq!(Flood::Together.parts(), &Flood::ALL[..6]);
        for flood in &Flood::ALL[..6] {
            assert_eq!(flood.parts(), [*flood]);
        }
    }
}
