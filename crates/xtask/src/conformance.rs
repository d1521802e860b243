//! `cargo xtask conformance`: what others, who never heard of us, make of what we send.
//!
//! `cookies` sets up Node's `tough-cookie`, the jar of most programs in JavaScript, and feeds it what Python's and curl's jars
//! get in the tests of `rempart-cookie`. The versions are those of the lock file, each with the hash of its archive, and nothing
//! that a package brings is run while it is installed.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Subcommand;

use crate::debian::{self, Program};
use crate::workspace::{self, cargo, root};

#[derive(Clone, Copy, Subcommand)]
pub(crate) enum Conformance {
    /// Feeds Node's `tough-cookie` with hardened cookies: what is set must be set there, what is jailed must stay.
    Cookies,
}

pub(crate) fn run(what: Conformance) -> ExitCode {
    let Conformance::Cookies = what;
    match cookies() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask conformance cookies: {error}");
            ExitCode::FAILURE
        }
    }
}

const PROGRAMS: [Program; 2] = [Program::new("node", "nodejs"), Program::new("npm", "npm")];

fn cookies() -> io::Result<bool> {
    debian::ensure(&PROGRAMS)?;
    let folder = workspace::target_directory()?.join("conformance/cookies");
    lay_out(&folder)?;
    install(&folder)?;
    let mut test = cargo(&["test", "--package", "rempart-cookie", "--test", "tough_cookie"]);
    test.args(["--", "--ignored", "--nocapture"]);
    Ok(test.env("REMPART_TOUGH_COOKIE", &folder).status()?.success())
}

/// Outside of the sources, where nobody commits what npm brings.
fn lay_out(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for name in FILES {
        std::fs::copy(sources().join(name), folder.join(name))?;
    }
    Ok(())
}

/// `npm ci` takes what the lock says or nothing: an archive with another hash ends it.
fn install(folder: &Path) -> io::Result<()> {
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    if npm.current_dir(folder).status()?.success() {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "tough-cookie cannot be installed: `npm ci --ignore-scripts` failed in {}, and npm has said why. It needs npm's registry, \
         or a mirror of it that `npm config` names",
        folder.display()
    )))
}

fn sources() -> PathBuf {
    root().join("tests/conformance/cookies")
}

const FILES: [&str; 3] = ["package.json", "package-lock.json", "jar.cjs"];

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_package_has_a_hash_and_none_says_where_it_comes_from() {
        let lock = std::fs::read_to_string(sources().join("package-lock.json")).unwrap();
        assert!(!lock.contains("://"), "the lock names a host");
        let lock: Value = serde_json::from_str(&lock).unwrap();
        let packages = lock["packages"].as_object().unwrap();
        let others: Vec<_> = packages.iter().filter(|(path, _)| !path.is_empty()).collect();
        assert!(!others.is_empty());
        for (path, package) in others {
            let hash = package["integrity"].as_str().unwrap_or_default();
            assert!(hash.starts_with("sha512-"), "{path}: {hash:?}");
            assert!(package.get("resolved").is_none(), "{path}");
        }
    }

    #[test]
    fn everything_that_the_jar_needs_is_laid_out() {
        let folder = tempfile::tempdir().unwrap();
        lay_out(folder.path()).unwrap();
        assert!(FILES.iter().all(|name| folder.path().join(name).is_file()));
    }
}
