//! `cargo xtask bench rush`: three tenants on one server, one of them flooded at twenty times its share. What do the other two
//! notice?
//!
//! The neighbours ask at a steady pace that is fixed beforehand, over connections that stay and over new ones, and every
//! request is counted. The servers take turns, round by round; in each turn quiet and flood take turns, so that the machine's
//! slow minutes are in both. Server and clients have a core each, and on the clients' core the neighbours and their
//! application go before the flood and what it floods (real-time priority, where that is allowed): what the flood's own programs do to the neighbours'
//! times all the same is measured, too, by flooding another server that is not on the neighbours' way.

mod clients;
mod edge;
mod haproxy;
mod nginx;
mod report;
mod rounds;
mod scene;
mod servers;
mod share;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use std::{fs, io};

use clap::Args;

use self::clients::Flood;
use self::scene::{Precedence, SLOW, Scene};
use self::servers::Kind;
use self::share::{CLIENT, Share};
use super::chosen;
use crate::debian::{self, Program};
use crate::workspace;

/// Floods one of three tenants, and measures what the other two notice: requests lost, and the 99th percentile.
///
/// Debian's nginx (`limit_req`, `limit_conn`) and HAProxy (stick-tables, queues) do the same job. A neighbour's lost request
/// fails the command; a slow one does not.
#[derive(Args)]
pub(crate) struct Options {
    /// Seconds of each flood.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Rounds, of which medians are printed.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Only these floods (repeatable).
    #[arg(long, value_name = "FLOOD")]
    only: Vec<Flood>,
    /// Only these servers (repeatable).
    #[arg(long, value_name = "SERVER")]
    server: Vec<Kind>,
    /// How many times its share the flooded tenant is asked for.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=40))]
    times: u32,
    /// Requests in a second of each neighbour.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(10..=1_000))]
    rate: u32,
    /// A file for every request of the neighbours, a line each: server, flood or `quiet`, milliseconds since the flood
    /// began, milliseconds that it took, `kept` or `new`, and `ok` or why it was lost.
    #[arg(long, value_name = "PATH")]
    requests: Option<PathBuf>,
    /// A built `rempart` to measure; otherwise the workspace's is built.
    #[arg(long, value_name = "PATH")]
    edge: Option<PathBuf>,
    /// The folder of built benchmark programs; otherwise the workspace's are built.
    #[arg(long, value_name = "PATH")]
    programs: Option<PathBuf>,
}

impl Options {
    fn floods(&self) -> Vec<Flood> {
        chosen(&self.only, &Flood::ALL)
    }

    fn servers(&self) -> Vec<Kind> {
        chosen(&self.server, &Kind::ALL)
    }

    fn flood(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.clamp(0.5, 60.0))
    }

    fn quiet(&self) -> Duration {
        self.flood().mul_f64(0.3)
    }
}

/// Runs the benchmark and prints its report.
pub(crate) fn run(options: &Options) -> ExitCode {
    match measure(options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask bench rush: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Answers whether the edge lost none of the neighbours' requests.
fn measure(options: &Options) -> io::Result<bool> {
    debian::ensure(&PROGRAMS)?;
    let scene = prepare(options)?;
    print!("{}", conditions(options, &scene));
    let mut all = Vec::new();
    for round in 1..=options.rounds {
        for server in options.servers() {
            println!("round {round} of {}: {server}", options.rounds);
            all.push(rounds::turn(server, options, &scene)?);
        }
    }
    if let Some(path) = &options.requests {
        fs::write(path, report::requests(&all))?;
    }
    print!("{}", report::tables(&all, &options.floods(), &options.servers()));
    print!("{}", report::aims(&all, &options.floods()));
    let mut floods = all
        .iter()
        .filter(|one| one.server == Kind::Rempart)
        .flat_map(|one| &one.floods);
    Ok(floods.all(|flooding| flooding.lost.is_empty()))
}

fn prepare(options: &Options) -> io::Result<Scene> {
    let programs = match &options.programs {
        Some(programs) => programs.canonicalize()?,
        None => workspace::build_release(&["rempart-bench-floor"])?,
    };
    let edge = match &options.edge {
        Some(edge) => edge.canonicalize()?,
        None => workspace::build_release(&["rempart"])?.join("rempart"),
    };
    Scene::prepare(edge, programs)
}

fn conditions(options: &Options, scene: &Scene) -> String {
    let (share, flood) = (Share::OF_A_TENANT, Share::OF_A_TENANT.times(options.times));
    let first = match scene.precedence {
        Precedence::Given => "the neighbours' clients and application go first there (chrt --rr 2)",
        Precedence::NotAllowed => "nobody goes first there: real-time priority is not allowed",
    };
    format!(
        "{}; {first}\na tenant's share: {share}; an address: {} requests a second\nthe flood, {} times that from 39 addresses: {flood}; its application takes {SLOW} ms\nthe neighbours: two tenants, {} requests a second each, one in ten on a new connection, half over HTTP/2\n",
        scene.cores, CLIENT.0, options.times, options.rate
    )
}

const PROGRAMS: [Program; 7] = [
    Program::new("nginx", "nginx"),
    Program::new("haproxy", "haproxy"),
    Program::new("openssl", "openssl"),
    Program::new("setpriv", "util-linux"),
    Program::new("taskset", "util-linux"),
    Program::new("prlimit", "util-linux"),
    Program::new("chrt", "util-linux"),
];
