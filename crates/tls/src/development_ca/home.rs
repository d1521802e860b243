//! The directory of a development CA: whole or not there, whoever else starts or is killed at the same time.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::DevelopmentCaError;

pub(super) struct Home(PathBuf);

/// What a home holds, in PEM.
pub(super) struct Files {
    pub(super) certificate: String,
    pub(super) key: String,
}

impl Files {
    pub(super) fn certificate_der(&self) -> Option<CertificateDer<'static>> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes())
            .ok()
            .map(CertificateDer::into_owned)
    }
}

impl Home {
    pub(super) fn new(directory: &Path) -> Self {
        // Without a slash at the end, after which a suffix would be a name inside.
        Self(directory.components().collect())
    }

    pub(super) fn certificate(&self) -> PathBuf {
        self.0.join("ca.pem")
    }

    pub(super) fn key(&self) -> PathBuf {
        self.0.join("ca.key")
    }

    /// Both files, or `None` when neither is there.
    pub(super) fn read(&self) -> Result<Option<Files>, DevelopmentCaError> {
        let read = |path: PathBuf| match fs::read_to_string(&path) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == ErrorKind::InvalidData => Err(DevelopmentCaError::Broken { path }),
            Err(error) => Err(DevelopmentCaError::File { path, error }),
        };
        match (read(self.certificate()), read(self.key())) {
            (Err(certificate), Err(key)) if is_missing(&certificate) && is_missing(&key) => Ok(None),
            (certificate, key) => Ok(Some(Files {
                certificate: certificate?,
                key: key?,
            })),
        }
    }

    /// Waits until nobody else makes a CA here. The system lets go of it when the process ends, however it ends.
    pub(super) fn lock(&self) -> Result<File, DevelopmentCaError> {
        let path = self.beside("lock");
        let lock = || {
            fs::create_dir_all(self.0.parent().unwrap_or(Path::new("")))?;
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .open(&path)?;
            file.lock().map(|()| file)
        };
        lock().map_err(|error| DevelopmentCaError::File {
            path: path.clone(),
            error,
        })
    }

    /// Puts both files into a new directory and moves that into place at once.
    pub(super) fn publish(&self, files: &Files) -> Result<(), DevelopmentCaError> {
        let new = self.beside("new");
        let publish = || {
            // Left by a process that was killed: nobody else can be at it, under the lock.
            remove(&new)?;
            fs::create_dir(&new)?;
            write(&new.join("ca.key"), &files.key, 0o600)?;
            write(&new.join("ca.pem"), &files.certificate, 0o644)?;
            fs::rename(&new, &self.0)
        };
        publish().map_err(|error| {
            // No key is left behind; what went wrong first is what is told.
            let _ = remove(&new);
            self.failed(error)
        })
    }

    /// Moves the CA out of the way, where it can still be looked at, until the next.
    pub(super) fn retire(&self) -> Result<(), DevelopmentCaError> {
        let old = self.beside("expired");
        remove(&old)
            .and_then(|()| fs::rename(&self.0, &old))
            .map_err(|error| self.failed(error))
    }

    fn failed(&self, error: io::Error) -> DevelopmentCaError {
        DevelopmentCaError::File {
            path: self.0.clone(),
            error,
        }
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut path = self.0.clone().into_os_string();
        path.push(format!(".{suffix}"));
        path.into()
    }
}

fn is_missing(error: &DevelopmentCaError) -> bool {
    matches!(error, DevelopmentCaError::File { error, .. } if error.kind() == ErrorKind::NotFound)
}

fn remove(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
