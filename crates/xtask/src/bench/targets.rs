//! What is compared.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fmt, io};

use clap::ValueEnum;
use tempfile::TempDir;

use super::certificate::Certificate;
use super::cores::Cores;
use super::edge::Hardening;
use super::process::Running;
use super::{edge, free_port, haproxy, nginx};

/// A proxy that listens, and waits for its turn.
pub(crate) struct Target {
    pub(crate) kind: Kind,
    pub(crate) port: u16,
    pub(crate) running: Running,
}

impl Target {
    /// Starts a proxy on its core, and waits until it listens.
    ///
    /// # Errors
    ///
    /// When it cannot be configured or started.
    pub(crate) fn start(kind: Kind, site: &Site, cores: &Cores) -> io::Result<Self> {
        let port = free_port()?;
        let command = match kind {
            Kind::EdgeOff => edge::configured(site, port, Hardening::Off)?,
            Kind::EdgeOn => edge::configured(site, port, Hardening::On)?,
            Kind::Floor => floor(site, port),
            Kind::Nginx => nginx::configured(site, port)?,
            Kind::Haproxy => haproxy::configured(site, port)?,
        };
        let running = Running::start(kind.name(), cores.proxy, site.folder.path(), &command)?;
        let running = running.listens_on(port)?;
        Ok(Self { kind, port, running })
    }
}

/// The proxies that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// The edge with rate limits, cookies and headers off; tenants are still isolated.
    EdgeOff,
    /// The edge with its four layers on.
    EdgeOn,
    /// The bare hyper proxy.
    Floor,
    /// Debian's nginx.
    Nginx,
    /// Debian's HAProxy.
    Haproxy,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [Self::EdgeOff, Self::EdgeOn, Self::Floor, Self::Nginx, Self::Haproxy];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::EdgeOff => "edge-off",
            Self::EdgeOn => "edge-on",
            Self::Floor => "floor",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
        }
    }

    /// Whether its answers must carry the hardening headers and cookie flags.
    pub(crate) fn is_hardened(self) -> bool {
        matches!(self, Self::EdgeOn | Self::Nginx | Self::Haproxy)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What all targets share: the application, the certificate, a folder.
pub(crate) struct Site {
    /// The application's port.
    pub(crate) upstream: u16,
    pub(crate) certificate: Certificate,
    /// The edge's binary.
    pub(crate) edge: PathBuf,
    /// The bare proxy's binary.
    pub(crate) floor: PathBuf,
    /// Configurations and logs; gone with us.
    pub(crate) folder: TempDir,
}

/// The tenants and their hosts, in all targets.
pub(crate) const HOSTS: [(&str, &str); 2] = [("a", "a.localhost"), ("b", "b.localhost")];

/// Starts the application behind all targets.
///
/// # Errors
///
/// When it does not start.
pub(crate) fn start_upstream(binaries: &Path, site: &Site, cores: &Cores) -> io::Result<Running> {
    let mut command = Command::new(binaries.join("rempart-bench-upstream"));
    command.arg(format!("127.0.0.1:{}", site.upstream));
    Running::start("upstream", cores.upstream, site.folder.path(), &command)?.listens_on(site.upstream)
}

fn floor(site: &Site, port: u16) -> Command {
    let mut command = Command::new(&site.floor);
    command
        .arg(format!("--listen=127.0.0.1:{port}"))
        .arg("--certificate")
        .arg(&site.certificate.certificate)
        .arg("--key")
        .arg(&site.certificate.key)
        .args(HOSTS.map(|(_, host)| format!("{host}=127.0.0.1:{}", site.upstream)));
    command
}
