//! The certificate that all targets serve.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An ECDSA P-256 certificate for all hosts, signed by itself, in files.
pub(crate) struct Certificate {
    /// The certificate, as PEM.
    pub(crate) certificate: PathBuf,
    /// Its key, as PEM.
    pub(crate) key: PathBuf,
    /// Both in one file, as HAProxy reads them.
    pub(crate) both: PathBuf,
}

impl Certificate {
    /// Has `openssl` make one in a folder.
    ///
    /// # Errors
    ///
    /// When `openssl` or the files fail.
    pub(crate) fn make<'a>(folder: &Path, hosts: impl IntoIterator<Item = &'a str>) -> io::Result<Self> {
        let names: Vec<_> = hosts.into_iter().map(|host| format!("DNS:{host}")).collect();
        let made = Self {
            certificate: folder.join("bench.pem"),
            key: folder.join("bench.key"),
            both: folder.join("both.pem"),
        };
        let output = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-nodes", "-days", "7"])
            .args(["-pkeyopt", "ec_paramgen_curve:P-256"])
            .args(["-subj", "/CN=rempart bench"])
            .args(["-addext", &format!("subjectAltName={}", names.join(","))])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-out")
            .arg(&made.certificate)
            .arg("-keyout")
            .arg(&made.key)
            .output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(io::Error::other(format!("openssl: {said}")));
        }
        let mut both = std::fs::read(&made.certificate)?;
        both.extend(std::fs::read(&made.key)?);
        std::fs::write(&made.both, both)?;
        Ok(made)
    }
}
