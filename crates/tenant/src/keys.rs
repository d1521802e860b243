//! Every secret of every tenant, from the vendor's roots.
//!
//! One root is *current*: what is made now is made with it. *Previous* ones still open what was made with them, until the
//! end of a day that the vendor has said. So a root is replaced without anybody noticing: a new file, a reload, and the old
//! one stays as a previous one for as long as browsers keep what it sealed.

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use aws_lc_rs::rand;
use zeroize::{Zeroize as _, Zeroizing};

use crate::TenantId;

/// The vendor's root secrets, from which each tenant's keys are derived (HKDF-SHA-256, RFC 5869).
///
/// Only [`tenant`](Self::tenant) gives something out, and what it gives is bound to one tenant: a layer that holds
/// [`TenantKeys`] cannot ask for another tenant's key. The parts of the derivation's `info` are length-prefixed, so that
/// no two (tenant, purpose) pairs give the same bytes.
///
/// Two rings are equal when they have the same secrets under the same names with the same ends.
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
#[derive(Clone, PartialEq, Eq)]
pub struct KeyRing {
    /// The current one first.
    roots: Vec<Root>,
}

/// One root secret.
#[derive(Clone)]
struct Root {
    id: KeyId,
    secret: Arc<Prk>,
    /// The moment from which on it opens nothing; `None` for the current one.
    until: Option<SystemTime>,
    /// Tells one secret from another, and betrays neither.
    fingerprint: [u8; 32],
}

impl KeyRing {
    /// Takes a root secret of at least 32 bytes, under the name `root`.
    ///
    /// # Errors
    ///
    /// A secret that is too short to be one.
    pub fn from_secret(secret: &[u8]) -> Result<Self, KeyRingError> {
        Self::named(KeyId::root(), secret)
    }

    /// The same under a name of its own.
    ///
    /// # Errors
    ///
    /// A secret that is too short to be one.
    pub fn named(id: KeyId, secret: &[u8]) -> Result<Self, KeyRingError> {
        let root = Root::new(id, secret)?;
        Ok(Self { roots: vec![root] })
    }

    /// A ring with a random root that lives as long as the process: for tests and examples.
    ///
    /// # Errors
    ///
    /// The system's source of randomness failed.
    pub fn ephemeral() -> Result<Self, KeyRingError> {
        Self::from_secret(&*random_secret()?)
    }

    /// The ring with the current root of `other` as a previous one, which opens what it has sealed until `until` and seals
    /// nothing.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use rempart_tenant::KeyRing;
    ///
    /// let old = KeyRing::from_secret(&[1; 32]).unwrap();
    /// let new = KeyRing::named("2026-11".parse().unwrap(), &[2; 32]).unwrap();
    /// let ring = new.with_previous(&old, SystemTime::now() + Duration::from_secs(86_400));
    /// assert_eq!(ring.ids().map(|id| id.to_string()).collect::<Vec<_>>(), ["2026-11", "root"]);
    /// ```
    #[must_use]
    pub fn with_previous(mut self, other: &Self, until: SystemTime) -> Self {
        let previous = other.roots[0].clone();
        self.roots.push(Root {
            until: Some(until),
            ..previous
        });
        self
    }

    /// The names of the roots, the current one first.
    pub fn ids(&self) -> impl Iterator<Item = &KeyId> {
        self.roots.iter().map(|root| &root.id)
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
            Err(error) if error.kind() == io::ErrorKind::NotFound => drop(create(path)?),
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
        Self::open_named(KeyId::root(), path)
    }

    /// The same under a name of its own.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, that is too short, or that others than its owner may read.
    pub fn open_named(id: KeyId, path: &Path) -> Result<Self, KeyRingError> {
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
        Self::named(id, &Zeroizing::new(fs::read(path).map_err(failed)?))
    }

    /// Makes a file with a new random root (mode 0600).
    ///
    /// # Errors
    ///
    /// A file that is there already, or cannot be made.
    pub fn create(path: &Path) -> Result<(), KeyRingError> {
        match create(path)? {
            true => Ok(()),
            false => Err(KeyRingError::File {
                path: path.into(),
                error: io::ErrorKind::AlreadyExists.into(),
            }),
        }
    }

    /// One tenant's keys.
    #[must_use]
    pub fn tenant(&self, tenant: &TenantId) -> TenantKeys {
        let of_root = |root: &Root| PurposeKey {
            id: root.id.clone(),
            key: expand(&root.secret, &[b"tenant", tenant.as_str().as_bytes()]),
            until: root.until,
        };
        TenantKeys {
            tenant: tenant.clone(),
            roots: self.roots.iter().map(of_root).collect(),
        }
    }
}

impl Root {
    fn new(id: KeyId, secret: &[u8]) -> Result<Self, KeyRingError> {
        if secret.len() < SECRET_BYTES {
            return Err(KeyRingError::TooShort { bytes: secret.len() });
        }
        let secret = Salt::new(HKDF_SHA256, SALT).extract(secret);
        let fingerprint = *expand(&secret, &[b"fingerprint", b""]).as_bytes();
        Ok(Self {
            id,
            secret: Arc::new(secret),
            until: None,
            fingerprint,
        })
    }
}

impl PartialEq for Root {
    fn eq(&self, other: &Self) -> bool {
        (&self.id, self.until, self.fingerprint) == (&other.id, other.until, other.fingerprint)
    }
}

impl Eq for Root {}

/// The name of a root secret, which is that of its file without `.key`: 1 to 32 letters, digits, `.`, `_` and `-`, beginning
/// with a letter or a digit. `root` is the one that an edge makes by itself.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(Arc<str>);

impl KeyId {
    /// The name of the secret that is there without anybody having made it.
    #[must_use]
    pub fn root() -> Self {
        Self("root".into())
    }

    /// Whether it is that one.
    #[must_use]
    pub fn is_root(&self) -> bool {
        &*self.0 == "root"
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that cannot be the name of a root secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key's name is 1 to 32 letters, digits, `.`, `_` and `-`, and begins with a letter or a digit")]
pub struct KeyIdError;

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(text: &str) -> Result<Self, KeyIdError> {
        let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        match starts_well && text.len() <= 32 && text.bytes().all(is_of_name) {
            true => Ok(Self(text.into())),
            false => Err(KeyIdError),
        }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyRing").field(&self.ids().collect::<Vec<_>>()).finish()
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
    tenant: TenantId,
    roots: Vec<PurposeKey>,
}

impl TenantKeys {
    /// The current key for one purpose, such as `cookies`. Costs about half a microsecond: derive when a stack is built, not
    /// per request.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> DerivedKey {
        self.roots[0].derive(purpose)
    }

    /// The keys for one purpose of all roots.
    #[must_use]
    pub fn derive_all(&self, purpose: &str) -> PurposeKeys {
        let of_root = |root: &PurposeKey| PurposeKey {
            id: root.id.clone(),
            key: root.derive(purpose),
            until: root.until,
        };
        PurposeKeys {
            tenant: self.tenant.clone(),
            keys: self.roots.iter().map(of_root).collect(),
        }
    }
}

impl fmt::Debug for TenantKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TenantKeys(..)")
    }
}

/// One tenant's keys for one purpose: what is sealed now is sealed with the first; the others only open, until they end.
#[derive(Debug)]
pub struct PurposeKeys {
    tenant: TenantId,
    keys: Vec<PurposeKey>,
}

impl PurposeKeys {
    /// Whose they are.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The key that seals.
    #[must_use]
    pub fn current(&self) -> &PurposeKey {
        &self.keys[0]
    }

    /// The keys that only open.
    #[must_use]
    pub fn previous(&self) -> &[PurposeKey] {
        &self.keys[1..]
    }
}

/// A key for one purpose, with the root that it comes from.
#[derive(Debug)]
pub struct PurposeKey {
    /// The name of the root.
    pub id: KeyId,
    /// The key.
    pub key: DerivedKey,
    /// The moment from which on it opens nothing; `None` for the current one.
    pub until: Option<SystemTime>,
}

impl PurposeKey {
    fn derive(&self, purpose: &str) -> DerivedKey {
        let root = Prk::new_less_safe(HKDF_SHA256, self.key.as_bytes());
        expand(&root, &[b"purpose", purpose.as_bytes()])
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
/// Answers whether it is this one that is there now.
fn create(path: &Path) -> Result<bool, KeyRingError> {
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
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(error)),
        Ok(()) => Ok(true),
    }
}
