//! A rush on one of three tenants: the flood itself, the neighbours who go on as ever, and the applications behind.
//!
//! Everything is bounded in number and time, and only ever goes to the loopback address.

mod application;
mod client;
mod drip;
mod flood;
mod steady;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::flood::Flood;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A rush on one tenant, and those beside it.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answers every path with 1 KiB once it has read the whole request, and after a while.
    Application {
        /// Where it listens.
        listen: SocketAddr,
        /// How long an answer takes, in milliseconds.
        #[arg(long, default_value_t = 0)]
        delay: u64,
    },
    /// Asks each host at a steady rate until standard input ends, then prints a line for each request.
    Steady {
        #[command(flatten)]
        server: Server,
        /// The hosts.
        #[arg(long = "host", required = true)]
        hosts: Vec<String>,
        /// Requests in a second for each host.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(10..=1_000))]
        rate: u32,
    },
    /// Floods one host for a while, and prints what became of it.
    Flood(Flood),
}

/// Who is asked.
#[derive(Args, Clone)]
struct Server {
    /// The server, at a loopback address.
    #[arg(long, value_parser = loopback)]
    connect: SocketAddr,
    /// The issuer's certificate, as PEM.
    #[arg(long)]
    issuer: PathBuf,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(error.as_ref()),
    }
}

fn run(command: Command) -> Result<(), BoxError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        match command {
            Command::Application { listen, delay } => application::serve(listen, Duration::from_millis(delay)).await,
            Command::Steady { server, hosts, rate } => steady::run(&server, &hosts, rate).await,
            Command::Flood(flood) => flood.run().await,
        }
    });
    // What is still in flight is given up, not waited for.
    runtime.shutdown_background();
    outcome
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|error| format!("{error}"))?;
    match address {
        SocketAddr::V4(address) if address.ip().is_loopback() => Ok(address.into()),
        _ => Err("a flood goes to 127.0.0.0/8 and nowhere else".to_owned()),
    }
}

/// One of the addresses of the loopback network: whoever is there is another client.
const fn address(net: u8, host: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, net, host)
}

#[expect(clippy::print_stderr, reason = "the one message of a command-line program")]
fn complain(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("rempart-bench-rush: {error}");
    ExitCode::FAILURE
}
