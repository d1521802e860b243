//! A vendor's tenants, on disk: a certificate and a key for each.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The tenants `t00000`, `t00001` … with their certificates, and where their application listens.
pub(crate) struct Fleet {
    folder: TempDir,
    pub(crate) tenants: usize,
    /// The port of the one application behind all of them.
    pub(crate) application: u16,
}

impl Fleet {
    /// Makes the certificates.
    ///
    /// # Errors
    ///
    /// When they cannot be made or written.
    pub(crate) fn make(folder: TempDir, programs: &Path, tenants: usize, application: u16) -> io::Result<Self> {
        let fleet = Self {
            folder,
            tenants,
            application,
        };
        let mut make = Command::new(programs.join("rempart-bench-tenants"));
        make.arg("certificates").arg(fleet.tls()).arg(tenants.to_string());
        match make.status()?.success() {
            true => Ok(fleet),
            false => Err(io::Error::other("the certificates could not be made")),
        }
    }

    /// A folder for whatever belongs to the benchmark.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn tls(&self) -> PathBuf {
        self.folder().join("tls")
    }

    /// The certificate of whoever issued all the others.
    pub(crate) fn issuer(&self) -> PathBuf {
        self.tls().join("issuer.pem")
    }

    /// A tenant's certificate and key.
    pub(crate) fn certificate(&self, tenant: usize) -> [PathBuf; 2] {
        ["pem", "key"].map(|kind| self.tls().join(format!("{}.{kind}", name(tenant))))
    }

    /// A tenth of the tenants: what is the same for all of them cancels out between both.
    pub(crate) const fn few(&self) -> usize {
        self.tenants / 10
    }
}

/// A tenant's name, and the first label of its host.
pub(crate) fn name(tenant: usize) -> String {
    format!("t{tenant:05}")
}

/// What a client sees of a version of a tenant's configuration: the seconds for which browsers keep to HTTPS.
pub(crate) const fn max_age(version: u32) -> u32 {
    31_536_000 + version
}
