//! The workspace's own commands: `cargo xtask test` and `cargo xtask bench edge`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program speaks to the person who started it"
)]

mod bench;
mod debian;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The workspace's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Xtask {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Checks everything a change must pass: format, lints, tests, doctests, documentation.
    Test,
    /// Measures.
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Subcommand)]
enum Bench {
    /// Compares the edge, bare and hardened, with a bare proxy, nginx and HAProxy.
    Edge(bench::Options),
}

fn main() -> ExitCode {
    match Xtask::parse().command {
        Command::Test => test::run(),
        Command::Bench(Bench::Edge(options)) => bench::run(&options),
    }
}
