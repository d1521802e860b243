//! `cargo xtask bench limits`: what limits cost, beside bare governor.

use std::process::{Command, ExitCode};

use crate::workspace;

/// Builds and runs the bench of the crate that limits.
pub(crate) fn run() -> ExitCode {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["bench", "--package", "rempart-rate-limit", "--bench", "limits"]);
    match cargo.current_dir(workspace::root()).status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask bench limits: {error}");
            ExitCode::FAILURE
        }
    }
}
