//! `cargo xtask bench config`: what thousands of tenants cost, in time and memory, and what a change costs those who are
//! being served.
//!
//! Each tenant has a file, a certificate and a key of its own. The edge and nginx take turns, round by round, so that a slow
//! minute of the machine hits both. Neither is pinned: a start may use all cores, and has to share them with the clients as
//! it does in life.

mod clients;
mod edge;
mod fleet;
mod memory;
mod nginx;
mod report;
mod rounds;
mod sample;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use self::fleet::Fleet;
use self::rounds::Bench;
use super::process::Running;
use super::{free_port, start_application};
use crate::debian::{self, Program};
use crate::workspace;

/// Measures thousands of tenants: start, memory for each, a change to one, a change to all; under load, with every failed
/// request counted.
///
/// A failed request fails the command; a slow one does not.
#[derive(Args)]
pub(crate) struct Options {
    /// How many tenants.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(20..=20_000))]
    tenants: u32,
    /// Rounds, of which medians are printed.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Requests in a second while the configuration changes.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    rate: u32,
    /// Leave nginx out.
    #[arg(long)]
    without_nginx: bool,
    /// A built `rempart` to measure; otherwise the workspace's is built.
    #[arg(long, value_name = "PATH")]
    edge: Option<PathBuf>,
    /// The folder of built benchmark programs; otherwise the workspace's are built.
    #[arg(long, value_name = "PATH")]
    programs: Option<PathBuf>,
}

/// Runs the benchmark and prints its report.
pub(crate) fn run(options: &Options) -> ExitCode {
    match measure(options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask bench config: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Answers whether not one request failed.
fn measure(options: &Options) -> io::Result<bool> {
    debian::ensure(&PROGRAMS)?;
    let (bench, _application) = prepare(options)?;
    let (mut edge, mut nginx) = (Vec::new(), Vec::new());
    for round in 1..=options.rounds {
        println!("round {round} of {}", options.rounds);
        edge.push(edge::round(&bench)?);
        if !options.without_nginx {
            nginx.push(nginx::round(&bench)?);
        }
    }
    print!("\n{}", report::table(&bench.fleet, &edge, &nginx));
    print!("\n{}", report::aims(&edge));
    Ok(report::has_no_failure(&edge))
}

fn prepare(options: &Options) -> io::Result<(Bench, Running)> {
    let programs = match &options.programs {
        Some(programs) => programs.canonicalize()?,
        None => workspace::build_release(&["rempart-bench-floor"])?,
    };
    let edge = match &options.edge {
        Some(edge) => edge.canonicalize()?,
        None => workspace::build_release(&["rempart"])?.join("rempart"),
    };
    let folder = tempfile::Builder::new().prefix("rempart-bench-").tempdir()?;
    let (port, application) = (free_port()?, free_port()?);
    let running = start_application(&programs, application, folder.path())?;
    println!("making {} tenants …", options.tenants);
    let fleet = Fleet::make(folder, &programs, options.tenants as usize, application)?;
    Ok((
        Bench {
            fleet,
            programs,
            edge,
            port,
            rate: options.rate,
        },
        running,
    ))
}

const PROGRAMS: [Program; 2] = [Program::new("nginx", "nginx"), Program::new("setpriv", "util-linux")];
