//! Where the workspace is, and running cargo in it.

use std::path::PathBuf;
use std::process::Command;
use std::{env, io};

use serde_json::Value;

/// The workspace's root folder.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// A cargo command in the workspace's root.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root()).args(arguments);
    command
}

/// Builds packages in release mode and answers with the folder that holds their binaries.
///
/// # Errors
///
/// When cargo cannot be started or the build fails; cargo has said why by then.
pub(crate) fn build_release(packages: &[&str]) -> io::Result<PathBuf> {
    let mut build = cargo(&["build", "--release", "--locked"]);
    for package in packages {
        build.args(["--package", package]);
    }
    if !build.status()?.success() {
        return Err(io::Error::other(format!("{build:?} failed")));
    }
    Ok(target_directory()?.join("release"))
}

pub(crate) fn target_directory() -> io::Result<PathBuf> {
    let output = cargo(&["metadata", "--no-deps", "--format-version", "1", "--locked"]).output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    metadata["target_directory"]
        .as_str()
        .map(PathBuf::from)
        .ok_or_else(|| io::Error::other("cargo metadata names no target directory"))
}

/// Finds a program on the `PATH` or among the system's own, which a user's `PATH` often lacks.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_the_lock_file() {
        assert!(root().join("Cargo.lock").is_file());
    }

    #[test]
    fn a_program_that_does_not_exist_is_not_found() {
        assert!(find_program("sh").is_some());
        assert!(find_program("no-such-program-anywhere").is_none());
    }
}
