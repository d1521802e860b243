//! `cargo xtask test`: everything a change must pass, in the order that fails fastest.

use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::debian::{self, Program};
use crate::workspace::{self, find_program};

/// Runs every step and stops at the first that fails, with the command that repeats it.
pub(crate) fn run() -> ExitCode {
    if let Err(error) = debian::ensure(&PROGRAMS) {
        eprintln!("xtask: {error}");
        return ExitCode::FAILURE;
    }
    let started = Instant::now();
    for step in steps() {
        if !step.passes() {
            eprintln!("\n✗ {}. To repeat it:\n    {}", step.name, step.as_typed());
            return ExitCode::FAILURE;
        }
    }
    println!("\n✓ all passed in {:.1} s", started.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}

/// What the end-to-end tests speak to the binary with, the applications behind it that are real, what checks the systemd
/// unit, and the store that nodes share.
const PROGRAMS: [Program; 8] = [
    Program::new("chromium", "chromium"),
    Program::new("curl", "curl"),
    Program::new("openssl", "openssl"),
    Program::new("python3", "python3"),
    Program::new("php", "php-cli"),
    Program::new("django-admin", "python3-django"),
    Program::new("systemd-analyze", "systemd"),
    // It is Sentinel too, and brings redis-cli.
    Program::new("redis-server", "redis-server"),
];

/// One command, as it is typed after `cargo`, and its name in the log.
struct Step {
    name: &'static str,
    arguments: &'static str,
    environment: Option<(&'static str, &'static str)>,
}

/// The cheap checks first; the binaries before the tests that start them.
fn steps() -> [Step; 6] {
    [
        Step::new("format", "fmt --all --check"),
        Step::new("lints", "clippy --workspace --all-targets --locked -- --deny warnings"),
        Step::new("build", "build --workspace --all-targets --locked"),
        Step::new("tests", test_command(find_program("cargo-nextest").is_some())),
        Step::new("doctests", "test --doc --workspace --locked"),
        Step {
            environment: Some(("RUSTDOCFLAGS", "-D warnings")),
            ..Step::new("documentation", "doc --workspace --no-deps --locked")
        },
    ]
}

/// nextest runs the tests faster and apart from each other; cargo runs the same ones. Benchmarks are built with the rest and
/// run by `cargo xtask bench` only.
fn test_command(has_nextest: bool) -> &'static str {
    if has_nextest {
        "nextest run --workspace --lib --bins --tests --examples --locked"
    } else {
        "test --workspace --lib --bins --tests --examples --locked"
    }
}

impl Step {
    fn new(name: &'static str, arguments: &'static str) -> Self {
        Self {
            name,
            arguments,
            environment: None,
        }
    }

    fn passes(&self) -> bool {
        println!("\n── {}: {}", self.name, self.as_typed());
        let started = Instant::now();
        let passed = match self.command().status() {
            Ok(status) => status.success(),
            Err(error) => {
                eprintln!("{error}");
                false
            }
        };
        let seconds = started.elapsed().as_secs_f64();
        println!("── {}: {seconds:.1} s", self.name);
        passed
    }

    fn command(&self) -> Command {
        let arguments: Vec<_> = self.arguments.split(' ').collect();
        let mut command = workspace::cargo(&arguments);
        command.envs(self.environment);
        command
    }

    fn as_typed(&self) -> String {
        let environment = match self.environment {
            Some((name, value)) => format!("{name}=\"{value}\" "),
            None => String::new(),
        };
        format!("{environment}cargo {}", self.arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_that_resolves_dependencies_keeps_the_lock() {
        let keeps_the_lock = |step: &Step| step.arguments.starts_with("fmt") || step.arguments.contains("--locked");
        assert!(steps().iter().all(keeps_the_lock));
        assert!(test_command(true).contains("--locked"));
        assert!(test_command(false).contains("--locked"));
    }

    #[test]
    fn warnings_in_the_documentation_are_errors() {
        let steps = steps();
        let documentation = &steps[5];
        assert_eq!(
            documentation.as_typed(),
            "RUSTDOCFLAGS=\"-D warnings\" cargo doc --workspace --no-deps --locked"
        );
    }

    #[test]
    fn a_step_that_fails_does_not_pass() {
        assert!(!Step::new("wrong", "no-such-subcommand").passes());
        assert!(Step::new("right", "--version").passes());
    }
}
