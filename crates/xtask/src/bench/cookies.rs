//! `cargo xtask bench cookies`: what sealing costs, in one process and on one core.

use std::process::{Command, ExitCode};

use crate::workspace;

/// Builds and runs the bench of the `cookie` crate of ours.
pub(crate) fn run() -> ExitCode {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["bench", "--package", "rempart-cookie", "--bench", "cookies"]);
    match cargo.current_dir(workspace::root()).status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask bench cookies: {error}");
            ExitCode::FAILURE
        }
    }
}
