use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::{self, PemObject as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::strict::provider;

/// Proof that a chain and a key are a pair, cover the names asked for, and are valid at the time given.
#[derive(Clone)]
pub struct Certificate {
    key: Arc<CertifiedKey>,
    not_after: UnixTime,
}

impl Certificate {
    /// Reads a chain and a key from PEM files and checks them as one.
    ///
    /// A host may be `*.example.org`, which only a wildcard certificate covers (RFC 9525 section 6.3).
    ///
    /// # Errors
    ///
    /// A file that cannot be read or holds nothing of use; a key that is another certificate's; a host that is not
    /// covered; dates that do not include `now`.
    pub fn from_files<H: AsRef<str>>(
        chain: &Path,
        key: &Path,
        hosts: &[H],
        now: UnixTime,
    ) -> Result<Self, CertificateError> {
        let read = |error| CertificateError::read(chain, error);
        let certificates = CertificateDer::pem_file_iter(chain)
            .and_then(Iterator::collect)
            .map_err(read)?;
        let private = PrivateKeyDer::from_pem_file(key).map_err(|error| CertificateError::read_key(key, error))?;
        Self::checked(certificates, private, hosts, now, chain, key)
    }

    /// As [`from_files`](Self::from_files), of what is in memory; the paths are for errors.
    pub(crate) fn checked<H: AsRef<str>>(
        chain: Vec<CertificateDer<'static>>,
        private: PrivateKeyDer<'static>,
        hosts: &[H],
        now: UnixTime,
        chain_path: &Path,
        key_path: &Path,
    ) -> Result<Self, CertificateError> {
        let path = || chain_path.to_path_buf();
        let Some(own) = chain.first().cloned() else {
            return Err(CertificateError::Empty { path: path() });
        };
        let signer = provider().key_provider.load_private_key(private);
        let signer = signer.map_err(|_| CertificateError::Key {
            path: key_path.to_path_buf(),
        })?;
        let key = CertifiedKey::new(chain, signer);
        match key.keys_match() {
            Ok(()) => {}
            Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => {
                return Err(CertificateError::Mismatch {
                    path: path(),
                    key: key_path.to_path_buf(),
                });
            }
            Err(_) => return Err(CertificateError::Malformed { path: path() }),
        }
        let not_after = check_dates(&own, now, chain_path)?;
        for host in hosts {
            check_name(&own, host.as_ref(), chain_path)?;
        }
        Ok(Self {
            key: Arc::new(key),
            not_after,
        })
    }

    /// The last moment at which it is valid.
    #[must_use]
    pub const fn not_after(&self) -> UnixTime {
        self.not_after
    }

    pub(crate) fn into_key(self) -> CertifiedKey {
        Arc::unwrap_or_clone(self.key)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("not_after", &self.not_after.as_secs())
            .finish_non_exhaustive()
    }
}

/// What is wrong with a certificate or its key.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file that cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
        /// Whether it is the key's file.
        is_key: bool,
    },
    /// A file of certificates without one.
    #[error("{} holds no certificate; a PEM file with BEGIN CERTIFICATE is expected", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A certificate that is none.
    #[error("{} holds something that is no X.509 certificate", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// A key that is none, or of a kind that TLS does not use.
    #[error("{} holds no private key that can be used; an unencrypted PKCS #8, PKCS #1 or SEC1 key in PEM is expected", path.display())]
    Key {
        /// The file.
        path: PathBuf,
    },
    /// A key that belongs to another certificate.
    #[error("{} is not the key of the certificate in {}", key.display(), path.display())]
    Mismatch {
        /// The certificate.
        path: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// A host that the certificate does not name.
    #[error("the certificate in {} does not cover {host}", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// The host.
        host: String,
    },
    /// A certificate whose time is over.
    #[error("the certificate in {} expired on {date}", path.display())]
    Expired {
        /// The file.
        path: PathBuf,
        /// Its last day.
        date: String,
    },
    /// A certificate whose time has not come.
    #[error("the certificate in {} is not valid before {date}", path.display())]
    NotYet {
        /// The file.
        path: PathBuf,
        /// Its first day.
        date: String,
    },
}

impl CertificateError {
    /// A stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "tls_file_unreadable",
            Self::Empty { .. } => "tls_no_certificate",
            Self::Malformed { .. } => "tls_certificate_malformed",
            Self::Key { .. } => "tls_no_key",
            Self::Mismatch { .. } => "tls_key_mismatch",
            Self::Name { .. } => "tls_name_not_covered",
            Self::Expired { .. } => "tls_expired",
            Self::NotYet { .. } => "tls_not_yet_valid",
        }
    }

    /// The key of [`TlsSettings`](crate::TlsSettings) that is to blame.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Unreadable { is_key: true, .. } | Self::Key { .. } | Self::Mismatch { .. } => "key_file",
            _ => "certificate",
        }
    }

    fn read(path: &Path, error: pem::Error) -> Self {
        let path = path.to_path_buf();
        match error {
            pem::Error::Io(error) => Self::Unreadable {
                path,
                error,
                is_key: false,
            },
            pem::Error::NoItemsFound => Self::Empty { path },
            _ => Self::Malformed { path },
        }
    }

    fn read_key(path: &Path, error: pem::Error) -> Self {
        let path = path.to_path_buf();
        match error {
            pem::Error::Io(error) => Self::Unreadable {
                path,
                error,
                is_key: true,
            },
            _ => Self::Key { path },
        }
    }
}

fn check_dates(der: &CertificateDer<'_>, now: UnixTime, path: &Path) -> Result<UnixTime, CertificateError> {
    let malformed = || CertificateError::Malformed {
        path: path.to_path_buf(),
    };
    let (_, certificate) = X509Certificate::from_der(der).map_err(|_| malformed())?;
    let validity = certificate.validity();
    let seconds = |time: x509_parser::time::ASN1Time| u64::try_from(time.timestamp()).unwrap_or(0);
    if now.as_secs() < seconds(validity.not_before) {
        return Err(CertificateError::NotYet {
            path: path.to_path_buf(),
            date: validity.not_before.to_string(),
        });
    }
    if now.as_secs() > seconds(validity.not_after) {
        return Err(CertificateError::Expired {
            path: path.to_path_buf(),
            date: validity.not_after.to_string(),
        });
    }
    Ok(UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds(
        validity.not_after,
    ))))
}

fn check_name(der: &CertificateDer<'_>, host: &str, path: &Path) -> Result<(), CertificateError> {
    let malformed = |_| CertificateError::Malformed {
        path: path.to_path_buf(),
    };
    let end_entity = webpki::EndEntityCert::try_from(der).map_err(malformed)?;
    let uncovered = || CertificateError::Name {
        path: path.to_path_buf(),
        host: host.to_owned(),
    };
    // A name one label below that nobody registers stands for all of them.
    let host = host
        .strip_prefix("*.")
        .map_or_else(|| host.to_owned(), |parent| format!("any-one-label.{parent}"));
    let name = ServerName::try_from(host.trim_matches(['[', ']'])).map_err(|_| uncovered())?;
    end_entity
        .verify_is_valid_for_subject_name(&name)
        .map_err(|_| uncovered())
}
