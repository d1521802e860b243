//! `cargo xtask bench edge`: what hardening costs, next to a bare proxy, nginx and HAProxy.
//!
//! All targets run side by side, each with one worker pinned to the same core, and take turns in
//! rounds of a fixed number of requests, so that a slow minute of the machine hits all of them. What
//! is compared is the processor time of the whole process tree per request, which is steadier than
//! requests a second: on a small machine the load generator often saturates first.

mod cases;
mod certificate;
pub(crate) mod config;
pub(crate) mod cookies;
mod cores;
mod cpu;
mod edge;
mod haproxy;
pub(crate) mod limits;
mod load;
mod nginx;
mod process;
mod report;
mod rounds;
pub(crate) mod rush;
mod targets;
mod verify;

use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Args;

use self::cases::Case;
use self::certificate::Certificate;
use self::cores::Cores;
use self::process::Running;
use self::targets::{Kind, Site, Target};
use crate::debian::{self, Program};
use crate::workspace;

/// Compares processor time per operation, in interleaved rounds on pinned cores.
///
/// Debian's nginx and HAProxy do the same job: TLS 1.3, two hosts routed to an upstream over
/// kept-alive connections, a rate limit per client that never refuses, hardening headers, cookie
/// flags. Nothing here fails by timing; it fails when something could not be run or measured.
#[derive(Args)]
pub(crate) struct Options {
    /// Rounds that count, per case and target; one more warms up.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Only these cases (repeatable).
    #[arg(long, value_name = "CASE")]
    only: Vec<Case>,
    /// Only these targets (repeatable).
    #[arg(long, value_name = "TARGET")]
    target: Vec<Kind>,
    /// Three short rounds: to see that everything runs, not to quote.
    #[arg(long)]
    quick: bool,
    /// A built `rempart` to measure; otherwise the workspace's is built.
    #[arg(long, value_name = "PATH")]
    edge: Option<PathBuf>,
}

impl Options {
    fn rounds(&self) -> u32 {
        if self.quick { 3 } else { self.rounds }
    }

    fn cases(&self) -> Vec<Case> {
        chosen(&self.only, &Case::ALL)
    }

    fn targets(&self) -> Vec<Kind> {
        chosen(&self.target, &Kind::ALL)
    }
}

fn chosen<T: Copy + PartialEq>(wanted: &[T], all: &[T]) -> Vec<T> {
    all.iter()
        .copied()
        .filter(|one| wanted.is_empty() || wanted.contains(one))
        .collect()
}

/// Runs the benchmark and prints its report.
pub(crate) fn run(options: &Options) -> ExitCode {
    match measure(options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask bench edge: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Answers whether every target could be measured in every case.
fn measure(options: &Options) -> io::Result<bool> {
    debian::ensure(&PROGRAMS)?;
    let bench = Bench::prepare(options)?;
    let cases = options.cases();
    for target in &bench.targets {
        for case in &cases {
            verify::answers_rightly(target, *case, &bench.site)?;
        }
    }
    println!("every target answers as it should; {}", bench.cores);
    let mut all = Vec::new();
    for case in cases {
        let measured = rounds::run(case, options, &bench)?;
        print!("{}", report::table(&measured));
        all.push(measured);
    }
    print!("\n{}", report::aims(&all));
    Ok(all.iter().all(rounds::Measured::is_complete))
}

/// All that runs while we measure; dropping it ends it.
struct Bench {
    targets: Vec<Target>,
    site: Site,
    cores: Cores,
    handshakes: PathBuf,
    _upstream: Running,
}

impl Bench {
    fn prepare(options: &Options) -> io::Result<Self> {
        let kinds = options.targets();
        let binaries = build(&kinds, options.edge.is_some())?;
        let cores = Cores::choose()?;
        let folder = tempfile::Builder::new().prefix("rempart-bench-").tempdir()?;
        let site = Site {
            certificate: Certificate::make(folder.path(), targets::HOSTS.map(|(_, host)| host))?,
            upstream: free_port()?,
            edge: options.edge.clone().unwrap_or(binaries.join("rempart")),
            floor: binaries.join("rempart-bench-floor"),
            folder,
        };
        let upstream = targets::start_upstream(&binaries, &site, &cores)?;
        let targets = kinds
            .into_iter()
            .map(|kind| Target::start(kind, &site, &cores))
            .collect::<io::Result<_>>()?;
        Ok(Self {
            targets,
            site,
            cores,
            handshakes: binaries.join("rempart-bench-handshakes"),
            _upstream: upstream,
        })
    }
}

fn build(kinds: &[Kind], has_edge: bool) -> io::Result<PathBuf> {
    let is_edge = |kind: &Kind| matches!(kind, Kind::EdgeOff | Kind::EdgeOn);
    let mut packages = vec!["rempart-bench-floor"];
    if !has_edge && kinds.iter().any(is_edge) {
        packages.push("rempart");
    }
    workspace::build_release(&packages)
}

/// Starts the application behind whatever is measured, on no core of its own.
fn start_application(programs: &Path, port: u16, folder: &Path) -> io::Result<Running> {
    let mut command = Command::new(programs.join("rempart-bench-upstream"));
    command.arg(format!("127.0.0.1:{port}"));
    Running::start_anywhere("upstream", folder, &command)?.listens_on(port)
}

/// A port of the loopback address that nobody listens on. Everything under test shares ports with
/// `SO_REUSEPORT`: on a fixed port, what an earlier run left behind would take part of the load.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

const PROGRAMS: [Program; 7] = [
    Program::new("nginx", "nginx"),
    Program::new("haproxy", "haproxy"),
    Program::new("h2load", "nghttp2-client"),
    Program::new("curl", "curl"),
    Program::new("openssl", "openssl"),
    Program::new("setpriv", "util-linux"),
    Program::new("taskset", "util-linux"),
];
