use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::verify_server_name;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{ASN1Time, FromDer as _, GeneralName, X509Certificate};

use crate::strict::provider;

/// Proof that a certificate and a key are a pair, cover the names asked for, and are valid at the time given.
///
/// Who signed it is not asked: that is for clients to judge, by roots that are theirs.
#[derive(Clone)]
pub struct Certificate {
    key: Arc<CertifiedKey>,
    validity: [UnixTime; 2],
}

impl Certificate {
    /// Reads a chain and a key from PEM files and checks them as one.
    ///
    /// The first certificate of the chain is the one that is checked; those after it are sent as they are. A host may be
    /// `*.example.org`, which only a certificate for just that wildcard covers (RFC 9525 section 6.3).
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
        PemPair::read(chain, key)?.check(hosts, now)
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
        let key_file = || key_path.to_path_buf();
        let malformed = || CertificateError::Malformed { path: path() };
        let own = chain
            .first()
            .cloned()
            .ok_or_else(|| CertificateError::Empty { path: path() })?;
        let (_, certificate) = X509Certificate::from_der(&own).map_err(|_| malformed())?;
        let parsed = ParsedCertificate::try_from(&own).map_err(|_| malformed())?;
        let signer = provider().key_provider.load_private_key(private);
        let key = CertifiedKey::new(chain, signer.map_err(|_| CertificateError::Key { path: key_file() })?);
        key.keys_match().map_err(|_| CertificateError::Mismatch {
            path: path(),
            key: key_file(),
        })?;
        let validity = check_dates(&certificate, now, chain_path)?;
        match hosts
            .iter()
            .map(AsRef::as_ref)
            .find(|host| !covers(&certificate, &parsed, host))
        {
            Some(host) => Err(CertificateError::Name {
                path: path(),
                host: host.to_owned(),
            }),
            None => Ok(Self {
                key: Arc::new(key),
                validity,
            }),
        }
    }

    /// The first moment at which it is valid.
    #[must_use]
    pub const fn not_before(&self) -> UnixTime {
        self.validity[0]
    }

    /// The last moment at which it is valid.
    #[must_use]
    pub const fn not_after(&self) -> UnixTime {
        self.validity[1]
    }

    pub(crate) fn into_key(self) -> CertifiedKey {
        Arc::unwrap_or_clone(self.key)
    }
}

/// A chain and a key as they stand in their files: read, not yet checked.
///
/// Two are equal when their bytes are, wherever they come from.
#[derive(Clone)]
pub struct PemPair {
    chain: Vec<u8>,
    key: Vec<u8>,
    chain_path: PathBuf,
    key_path: PathBuf,
}

impl PemPair {
    /// Reads the two files.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or is longer than 1 MiB.
    pub fn read(chain: &Path, key: &Path) -> Result<Self, CertificateError> {
        Ok(Self {
            chain: contents(chain).map_err(|error| CertificateError::read(chain, error))?,
            key: contents(key).map_err(|error| CertificateError::read_key(key, error))?,
            chain_path: chain.to_owned(),
            key_path: key.to_owned(),
        })
    }

    /// Takes what was read before from files of these names.
    pub fn of(chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>, chain_path: &Path, key_path: &Path) -> Self {
        Self {
            chain: chain.into(),
            key: key.into(),
            chain_path: chain_path.to_owned(),
            key_path: key_path.to_owned(),
        }
    }

    /// Checks the two as one: see [`Certificate::from_files`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn check<H: AsRef<str>>(&self, hosts: &[H], now: UnixTime) -> Result<Certificate, CertificateError> {
        let certificates = CertificateDer::pem_slice_iter(&self.chain)
            .collect::<Result<_, _>>()
            .map_err(|error| CertificateError::read(&self.chain_path, error))?;
        let private = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|error| CertificateError::read_key(&self.key_path, error))?;
        Certificate::checked(certificates, private, hosts, now, &self.chain_path, &self.key_path)
    }

    /// The chain, PEM.
    #[must_use]
    pub fn chain(&self) -> &[u8] {
        &self.chain
    }

    /// The private key, PEM.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }
}

impl PartialEq for PemPair {
    fn eq(&self, other: &Self) -> bool {
        (&self.chain, &self.key) == (&other.chain, &other.key)
    }
}

impl Eq for PemPair {}

impl fmt::Debug for PemPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PemPair")
            .field("chain", &self.chain_path)
            .field("key", &self.key_path)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("not_after", &self.not_after().as_secs())
            .finish_non_exhaustive()
    }
}

/// What is wrong with a certificate or its key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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
    #[error(
        "{} holds no private key that can be used; a PEM file with an unencrypted key is expected: ECDSA on P-256, P-384 \
         or P-521, RSA of 2048 bits or more, or Ed25519",
        path.display()
    )]
    Key {
        /// The file.
        path: PathBuf,
    },
    /// A key that belongs to another certificate.
    #[error("{} is not the key of the first certificate in {}", key.display(), path.display())]
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

/// A whole file, but no device, pipe or something endless: whoever writes one tenant's file chooses the path, and must not
/// hold up the start of the others.
fn contents(path: &Path) -> Result<Vec<u8>, pem::Error> {
    let refuse = |why| Err(pem::Error::Io(io::Error::new(io::ErrorKind::InvalidInput, why)));
    let about = fs::metadata(path).map_err(pem::Error::Io)?;
    if !about.is_file() {
        return refuse("not a regular file");
    }
    if about.len() > LONGEST {
        return refuse("longer than 1 MiB");
    }
    let mut pem = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut pem));
    read.map(|_| pem).map_err(pem::Error::Io)
}

fn check_dates(
    certificate: &X509Certificate<'_>,
    now: UnixTime,
    path: &Path,
) -> Result<[UnixTime; 2], CertificateError> {
    let validity = certificate.validity();
    let seconds = |time: ASN1Time| u64::try_from(time.timestamp()).unwrap_or(0);
    let (path, date) = (path.to_path_buf(), |time: ASN1Time| {
        time.to_datetime().date().to_string()
    });
    if now.as_secs() < seconds(validity.not_before) {
        return Err(CertificateError::NotYet {
            path,
            date: date(validity.not_before),
        });
    }
    if now.as_secs() > seconds(validity.not_after) {
        return Err(CertificateError::Expired {
            path,
            date: date(validity.not_after),
        });
    }
    let times = [validity.not_before, validity.not_after];
    Ok(times.map(|time| UnixTime::since_unix_epoch(Duration::from_secs(seconds(time)))))
}

fn covers(certificate: &X509Certificate<'_>, parsed: &ParsedCertificate<'_>, host: &str) -> bool {
    if host.starts_with("*.") {
        let names = certificate.subject_alternative_name().ok().flatten();
        return names.is_some_and(|names| {
            let mut names = names.value.general_names.iter();
            names.any(|name| matches!(name, GeneralName::DNSName(name) if name.eq_ignore_ascii_case(host)))
        });
    }
    let name = ServerName::try_from(host.trim_matches(['[', ']']));
    name.is_ok_and(|name| verify_server_name(parsed, &name).is_ok())
}

/// The longest PEM file that is read, in bytes: some hundred certificates.
const LONGEST: u64 = 1 << 20;
