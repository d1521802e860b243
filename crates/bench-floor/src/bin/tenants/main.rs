//! The clients of a vendor with thousands of tenants: makes their certificates, asks all of them, keeps up a bounded load,
//! and watches for the moment at which a change is served.

mod ask;
mod certificates;
mod client;
mod load;
mod watch;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Parser, Subcommand};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The clients of a vendor with thousands of tenants, whose hosts are `t00000.localhost` and so on.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Makes a certificate of its own for each tenant, from one issuer.
    Certificates {
        /// Where they go: `issuer.pem`, and `t00000.pem` with `t00000.key` for each.
        folder: PathBuf,
        /// How many.
        count: usize,
    },
    /// Asks each tenant once, on a new connection, and prints `done=N failed=N`.
    Ask(Server),
    /// Asks at a steady rate until standard input ends, then prints a line for each request.
    Load {
        #[command(flatten)]
        server: Server,
        /// Requests in a second.
        #[arg(long, default_value_t = 300)]
        rate: u32,
    },
    /// Asks one tenant over and over, each time on a new connection, and prints a line whenever the answer is another.
    Watch {
        #[command(flatten)]
        server: Server,
        /// Which tenant.
        #[arg(long)]
        tenant: usize,
    },
}

/// Who is asked.
#[derive(Args)]
struct Server {
    /// The server.
    #[arg(long)]
    connect: SocketAddr,
    /// The issuer's certificate, as PEM.
    #[arg(long)]
    issuer: PathBuf,
    /// How many tenants there are.
    #[arg(long)]
    tenants: usize,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(error.as_ref()),
    }
}

fn run(command: Command) -> Result<(), BoxError> {
    let asking = match command {
        Command::Certificates { folder, count } => return certificates::make(&folder, count),
        asking => asking,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match asking {
            Command::Certificates { .. } => Ok(()),
            Command::Ask(server) => ask::run(server).await,
            Command::Load { server, rate } => load::run(server, rate).await,
            Command::Watch { server, tenant } => watch::run(server, tenant).await,
        }
    })
}

/// A tenant's name, which is its host's first label.
fn name(tenant: usize) -> String {
    format!("t{tenant:05}")
}

/// The time that all processes of the machine agree on, in microseconds since 1970.
fn now() -> u128 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_micros())
}

#[expect(clippy::print_stderr, reason = "the one message of a command-line program")]
fn complain(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("rempart-bench-tenants: {error}");
    ExitCode::FAILURE
}
