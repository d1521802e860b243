//! `rempart tenant new`.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rempart_config::{Diagnostic, Diagnostics, Severity, TENANTS_DIRECTORY};
use rempart_import::{Certificate, TenantDraft};

use crate::cli::TenantNew;
use crate::{check, new_file};

/// Writes the file, and says whether it passes; status 0 when it does, 1 when it does not, 2 when nothing was written.
pub(crate) fn new(arguments: &TenantNew) -> ExitCode {
    match write(arguments) {
        Ok(path) => {
            wrote(&path);
            judge(arguments)
        }
        Err(error) => refuse(&error),
    }
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("{} is there already, and was not touched\n  = help: change it, or give the tenant another name", .0.display())]
    Exists(PathBuf),
    #[error("{}: {error}\n  = help: --config names the directory that holds rempart.toml and tenants.d", .path.display())]
    Unwritten { path: PathBuf, error: io::Error },
}

fn write(arguments: &TenantNew) -> Result<PathBuf, Refused> {
    let path = arguments
        .config
        .join(TENANTS_DIRECTORY)
        .join(format!("{}.toml", arguments.name));
    match new_file::write(&path, &draft(arguments).to_toml(), false) {
        Ok(()) => Ok(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(Refused::Exists(path)),
        Err(error) => Err(Refused::Unwritten { path, error }),
    }
}

fn draft(arguments: &TenantNew) -> TenantDraft {
    let certificate = arguments.certificate.clone().zip(arguments.key_file.clone());
    TenantDraft {
        hosts: arguments.hosts.clone(),
        upstream: Some(arguments.upstream.clone()),
        preset: arguments.preset.map(|preset| preset.as_str().to_owned()),
        certificate: certificate.map(|(certificate, key_file)| Certificate { certificate, key_file }),
        ..TenantDraft::new(arguments.name.clone())
    }
}

/// Checks the directory as `rempart check` does. What is wrong with others is counted, and does not make this one wrong.
fn judge(arguments: &TenantNew) -> ExitCode {
    let name = arguments.name.as_str();
    let (found, is_vendors) = match rempart_config::read(&arguments.config, std::env::vars()) {
        Ok(config) => (check::everything(&config), false),
        Err(found) => (found, true),
    };
    let concerns =
        |one: &&Diagnostic| is_vendors || one.tenant.as_deref() == Some(name) || one.place.file == own_file(name);
    let own: Diagnostics = found.iter().filter(concerns).cloned().collect();
    let errors = |found: &Diagnostics| found.iter().filter(|one| one.severity == Severity::Error).count();
    let others = errors(&found) - errors(&own);
    let passes = !own.has_errors();
    say(arguments, &own.under(&arguments.config), passes, others);
    if passes { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn own_file(name: &str) -> String {
    format!("{TENANTS_DIRECTORY}/{name}.toml")
}

/// As a person would type it again.
fn with_config(directory: &Path) -> String {
    if directory == Path::new("/etc/rempart") {
        return String::new();
    }
    format!(" --config {}", directory.display())
}

#[expect(clippy::print_stdout, reason = "the answer to a question on the command line")]
fn wrote(path: &Path) {
    println!("wrote {}", path.display());
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the answer to a question on the command line"
)]
fn say(arguments: &TenantNew, own: &Diagnostics, passes: bool, others: usize) {
    let (name, config) = (&arguments.name, with_config(&arguments.config));
    if !own.is_empty() {
        eprintln!("{own}");
    }
    match others {
        0 => {}
        1 => eprintln!("note: 1 problem of other files: see `rempart check{config}`"),
        others => eprintln!("note: {others} problems of other files: see `rempart check{config}`"),
    }
    if passes {
        println!("ok: `{name}` passes\nnext: look through its file, then `rempart reload{config}`");
    } else {
        eprintln!("`{name}` does not pass yet: mend what is named above, then `rempart check{config} --tenant {name}`");
    }
}

#[expect(clippy::print_stderr, reason = "a person is waiting")]
fn refuse(error: &Refused) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(2)
}
