//! The workspace's own commands: `cargo xtask test`, `bench`, `fuzz` and `conformance`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program speaks to the person who started it"
)]

mod bench;
mod conformance;
mod debian;
mod fuzz;
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
    /// Looks for texts that make the loader of the configuration, or the cookies' guard, do what it must not.
    Fuzz(fuzz::Options),
    /// Asks others, who never heard of us, what they make of what we send.
    #[command(subcommand)]
    Conformance(conformance::Conformance),
}

#[derive(Subcommand)]
enum Bench {
    /// Compares the edge, bare and hardened, with a bare proxy, nginx and HAProxy.
    Edge(bench::Options),
    /// Measures thousands of tenants: start, memory, a change to one and to all.
    Config(bench::config::Options),
    /// Floods one of three tenants, and measures the other two, beside nginx and HAProxy.
    Rush(bench::rush::Options),
    /// Measures sealing and opening cookies beside the private jar of the `cookie` crate.
    Cookies,
    /// Measures counting a request against its limits, beside bare governor.
    Limits,
}

fn main() -> ExitCode {
    match Xtask::parse().command {
        Command::Test => test::run(),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Conformance(what) => conformance::run(what),
        Command::Bench(Bench::Edge(options)) => bench::run(&options),
        Command::Bench(Bench::Config(options)) => bench::config::run(&options),
        Command::Bench(Bench::Rush(options)) => bench::rush::run(&options),
        Command::Bench(Bench::Cookies) => bench::cookies::run(),
        Command::Bench(Bench::Limits) => bench::limits::run(),
    }
}
