//! The edge's configuration for the benchmark: two tenants, everything off or the four layers on.
//!
//! This is the only place in the benchmark that knows how the edge is configured.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use super::targets::{HOSTS, Site};

/// Writes a configuration folder, and answers with the command that serves it.
///
/// # Errors
///
/// When the files cannot be written.
pub(crate) fn configured(site: &Site, port: u16, hardening: Hardening) -> io::Result<Command> {
    let name = hardening.enforcement();
    let folder = site.folder.path().join(format!("edge-{name}"));
    fs::create_dir_all(folder.join("tenants.d"))?;
    fs::write(folder.join("rempart.toml"), vendor(&folder, port))?;
    for (tenant, host) in HOSTS {
        let file = folder.join("tenants.d").join(format!("{tenant}.toml"));
        fs::write(file, self::tenant(site, host, hardening))?;
    }
    let mut command = Command::new(absolute(&site.edge)?);
    command.args(["run", "--config"]).arg(folder);
    Ok(command)
}

/// Whether the layers that can be switched off are on. Tenants are always isolated.
#[derive(Clone, Copy)]
pub(crate) enum Hardening {
    Off,
    On,
}

impl Hardening {
    fn enforcement(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "enforce",
        }
    }
}

fn vendor(folder: &Path, port: u16) -> String {
    let state = folder.join("state");
    format!(
        r#"[listen]
https = "127.0.0.1:{port}"
workers = 1

[state]
directory = "{}"
"#,
        state.display()
    )
}

fn tenant(site: &Site, host: &str, hardening: Hardening) -> String {
    let enforcement = hardening.enforcement();
    let upstream = site.upstream;
    let certificate = site.certificate.certificate.display();
    let key = site.certificate.key.display();
    format!(
        r#"hosts = ["{host}"]

[upstream]
url = "http://127.0.0.1:{upstream}"

[tls]
certificate = "{certificate}"
key_file = "{key}"

[rate_limit]
enforcement = "{enforcement}"

[rate_limit.quotas.client]
rate = "1000000/s burst 1000000"

[cookies]
enforcement = "{enforcement}"
session = ["PHPSESSID"]

[headers]
enforcement = "{enforcement}"
"#
    )
}

/// The edge runs in the benchmark's folder: a path relative to ours would not be found there.
fn absolute(edge: &Path) -> io::Result<PathBuf> {
    edge.canonicalize()
        .map_err(|error| io::Error::other(format!("{}: {error}", edge.display())))
}
