//! Every secret of every tenant, from one root.

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use aws_lc_rs::rand;
use zeroize::{Zeroize as _, Zeroizing};

use crate::TenantId;

/// The vendor's root secret, from which each tenant's keys are derived (HKDF-SHA-256, RFC 5869).
///
/// Only [`tenant`](Self::tenant) gives something out, and what it gives is bound to one tenant: a layer that holds
/// [`TenantKeys`] cannot ask for another tenant's key. The parts of the derivation's `info` are length-prefixed, so that
/// no two (tenant, purpose) pairs give the same bytes.
///
/// ```
/// use rempart_tenant::KeyRing;
///
/// let ring = KeyRing::from_secret(&[7; 32]).unwrap();
/// let library = ring.tenant(&"library".parse().unwrap());
/// let city = ring.tenant(&"city".parse().unwrap());
/// assert_ne!(library.derive("cookies").as_bytes(), city.derive("cookies").as_bytes());
/// assert_ne!(library.derive("cookies").as_bytes(), library.derive("tickets").as_bytes());
/// ```
pub struct KeyRing(Prk);

impl KeyRing {
    /// Takes a root secret of at least 32 bytes.
    ///
    /// # Errors
    ///
    /// A secret that is too short to be one.
    pub fn from_secret(secret: &[u8]) -> Result<Self, KeyRingError> {
        if secret.len() < SECRET_BYTES {
            return Err(KeyRingError::TooShort { bytes: secret.len() });
        }
        Ok(Self(Salt::new(HKDF_SHA256, SALT).extract(secret)))
    }

    /// A ring with a random root that lives as long as the process: for tests and examples.
    ///
    /// # Errors
    ///
    /// The system's source of randomness failed.
    pub fn ephemeral() -> Result<Self, KeyRingError> {
        Self::from_secret(&*random_secret()?)
    }

    /// Reads the root secret from a file, or makes one there (mode 0600) when there is none.
    ///
    /// Two processes that start at once agree: whoever links the file first wins, and the other reads it.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or made, that is too short, or that others than its owner may read.
    pub fn open_or_create(path: &Path) -> Result<Self, KeyRingError> {
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => create(path)?,
            Err(error) => {
                return Err(KeyRingError::File {
                    path: path.into(),
                    error,
                });
            }
            Ok(_) => {}
        }
        Self::open(path)
    }

    /// Reads the root secret from a file.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, that is too short, or that others than its owner may read.
    pub fn open(path: &Path) -> Result<Self, KeyRingError> {
        use std::os::unix::fs::PermissionsExt as _;
        let failed = |error| KeyRingError::File {
            path: path.into(),
            error,
        };
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(KeyRingError::Exposed {
                path: path.into(),
                mode: mode & 0o777,
            });
        }
        Self::from_secret(&Zeroizing::new(fs::read(path).map_err(failed)?))
    }

    /// One tenant's keys.
    #[must_use]
    pub fn tenant(&self, tenant: &TenantId) -> TenantKeys {
        TenantKeys {
            root: expand(&self.0, &[b"tenant", tenant.as_str().as_bytes()]),
        }
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyRing(..)")
    }
}

/// Why there is no key ring.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// The secret is not long enough to be one.
    #[error("the root secret has {bytes} bytes; it needs at least {SECRET_BYTES}")]
    TooShort {
        /// Its length.
        bytes: usize,
    },
    /// The file cannot be read or made.
    #[error("the root secret {path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Others may read the file.
    #[error("the root secret {path} has mode {mode:03o}; make it 600 so that only its owner can read it")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The system gave no random bytes.
    #[error("the system's source of randomness failed")]
    Random,
}

/// The keys of one tenant. Made by a [`KeyRing`]; derives one key per purpose.
pub struct TenantKeys {
    root: DerivedKey,
}

impl TenantKeys {
    /// The key for one purpose, such as `cookies`. Costs about half a microsecond: derive when a stack is built, not per
    /// request.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> DerivedKey {
        let root = Prk::new_less_safe(HKDF_SHA256, self.root.as_bytes());
        expand(&root, &[b"purpose", purpose.as_bytes()])
    }
}

impl fmt::Debug for TenantKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TenantKeys(..)")
    }
}

/// Thirty-two secret bytes for one tenant and one purpose. Overwritten when dropped, never printed.
pub struct DerivedKey([u8; 32]);

impl DerivedKey {
    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Drop for DerivedKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for DerivedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DerivedKey(..)")
    }
}

const SECRET_BYTES: usize = 32;

/// A constant: HKDF allows it (RFC 5869 section 3.1), and it keeps this use of a secret apart from any other.
const SALT: &[u8] = b"rempart key ring 1";

fn expand(root: &Prk, info: &[&[u8]; 2]) -> DerivedKey {
    let mut prefixed = Vec::with_capacity(64);
    for part in info {
        prefixed.extend_from_slice(&(part.len() as u64).to_be_bytes());
        prefixed.extend_from_slice(part);
    }
    let mut key = DerivedKey([0; 32]);
    root.expand(&[&prefixed], ThirtyTwo)
        .and_then(|output| output.fill(&mut key.0))
        .expect("32 bytes are fewer than the 8,160 that HKDF-SHA-256 can give");
    key
}

struct ThirtyTwo;

impl KeyType for ThirtyTwo {
    fn len(&self) -> usize {
        32
    }
}

fn random_secret() -> Result<Zeroizing<[u8; SECRET_BYTES]>, KeyRingError> {
    let mut secret = Zeroizing::new([0; SECRET_BYTES]);
    rand::fill(secret.as_mut()).map_err(|_| KeyRingError::Random)?;
    Ok(secret)
}

/// Writes a new secret beside `path` and links it there: the file is whole or absent, and never overwritten.
fn create(path: &Path) -> Result<(), KeyRingError> {
    let failed = |error| KeyRingError::File {
        path: path.into(),
        error,
    };
    let mut suffix = [0; 8];
    rand::fill(&mut suffix).map_err(|_| KeyRingError::Random)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{:016x}", u64::from_be_bytes(suffix)));
    let beside = PathBuf::from(beside);
    let secret = random_secret()?;
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| {
            file.write_all(secret.as_ref())?;
            file.sync_all()
        });
    let linked = written.and_then(|()| fs::hard_link(&beside, path));
    // What went wrong before is what is told; a file that was never made cannot be removed.
    let _ = fs::remove_file(&beside);
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed(error)),
        _ => Ok(()),
    }
}
