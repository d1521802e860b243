//! Programs that come from Debian's packages: installed when they may be, named when they may not.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::{fs, str};

use crate::workspace::find_program;

/// A program, and the package that brings it.
#[derive(Clone, Copy)]
pub(crate) struct Program {
    /// The name it is called by.
    pub(crate) name: &'static str,
    /// The package of Debian that holds it.
    pub(crate) package: &'static str,
}

impl Program {
    pub(crate) const fn new(name: &'static str, package: &'static str) -> Self {
        Self { name, package }
    }
}

/// Makes sure that all programs are there. Missing ones are installed when we are root and have
/// `apt-get`.
///
/// # Errors
///
/// When a program is missing and cannot be installed: the error says what to install.
pub(crate) fn ensure(programs: &[Program]) -> io::Result<()> {
    let wanted = missing(programs);
    if wanted.is_empty() {
        return Ok(());
    }
    if is_root() && find_program("apt-get").is_some() {
        install(&wanted)?;
    }
    match missing(programs).as_slice() {
        [] => Ok(()),
        still => Err(io::Error::other(format!(
            "programs are missing. Install them with:\n    apt-get install {}",
            still.join(" ")
        ))),
    }
}

fn missing(programs: &[Program]) -> Vec<&'static str> {
    let mut packages: Vec<_> = programs
        .iter()
        .filter(|program| find_program(program.name).is_none())
        .map(|program| program.package)
        .collect();
    packages.dedup();
    packages
}

fn install(packages: &[&str]) -> io::Result<()> {
    println!("installing from Debian: {}", packages.join(" "));
    let _no_services = NoServices::new()?;
    if !apt_get(&[&["install"], packages].concat())? {
        // The lists of a fresh container are empty or old.
        apt_get(&["update"])?;
        apt_get(&[&["install"], packages].concat())?;
    }
    Ok(())
}

fn apt_get(arguments: &[&str]) -> io::Result<bool> {
    let status = Command::new("apt-get")
        .args(["--quiet=2", "--yes", "--no-install-recommends"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .status()?;
    Ok(status.success())
}

fn is_root() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| effective_user(&status) == Some(0))
}

fn effective_user(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Keeps packages from starting their services while they are installed, by the means Debian has
/// for it (`policy-rc.d`, Debian policy manual 9.3.3): we want nginx's binary, not port 80.
struct NoServices {
    is_ours: bool,
}

impl NoServices {
    fn new() -> io::Result<Self> {
        let path = Path::new(POLICY);
        let is_ours = !path.exists();
        if is_ours {
            fs::write(path, "#!/bin/sh\nexit 101\n")?;
            fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
        }
        Ok(Self { is_ours })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.is_ours {
            fs::remove_file(POLICY).ok();
        }
    }
}

const POLICY: &str = "/usr/sbin/policy-rc.d";

#[cfg(test)]
mod tests {
    use super::*;

    const ABSENT: Program = Program::new("no-such-program-anywhere", "no-such-package");

    #[test]
    fn a_program_that_is_there_is_not_missing() {
        let shell = Program::new("sh", "dash");
        assert_eq!(missing(&[shell, ABSENT]), ["no-such-package"]);
    }

    #[test]
    fn a_package_that_brings_two_programs_is_named_once() {
        assert_eq!(missing(&[ABSENT, ABSENT]), ["no-such-package"]);
    }

    #[test]
    fn the_effective_user_is_the_second_of_the_four() {
        let status = "Name:\tx\nUid:\t1000\t0\t0\t0\nGid:\t1\t1\t1\t1\n";
        assert_eq!(effective_user(status), Some(0));
    }
}
