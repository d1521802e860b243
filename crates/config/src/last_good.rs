use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rempart_tenant::TenantId;
use serde::{Deserialize, Serialize};

/// The last good file of each tenant, with its certificate and key as they were, in the state directory: what a tenant is
/// served from when the edge starts and its file is wrong.
///
/// One file a tenant, `last-good/NAME.json`, replaced whole, so that a certificate and a key in it always belong together.
/// The keys are copies: the directory has mode 0700 and its files 0600, as the state directory's own secrets have.
#[derive(Clone, Debug)]
pub struct LastGood {
    directory: PathBuf,
}

/// What is kept of one tenant.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The tenant's file.
    pub file: String,
    /// The certificate chain and the private key, both PEM; `None` for a development certificate, which is issued anew.
    pub certificate: Option<KeptCertificate>,
    /// When it was found good, in seconds since 1970.
    pub at: u64,
    /// Since when the file that should be served is wrong, in seconds since 1970; `None` while it is this one.
    pub wrong_since: Option<u64>,
}

/// A certificate and its key as they were.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptCertificate {
    /// The chain, PEM.
    pub chain: String,
    /// The private key, PEM.
    pub key: String,
}

impl LastGood {
    /// In this state directory, which must exist.
    ///
    /// # Errors
    ///
    /// A directory that cannot be made.
    pub fn open(state: &Path) -> Result<Self, LastGoodError> {
        let directory = state.join(DIRECTORY);
        match DirBuilder::new().mode(0o700).create(&directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(LastGoodError { path: directory, error }),
            _ => Ok(Self { directory }),
        }
    }

    /// What is kept of a tenant; `None` when nothing is, or it cannot be made out.
    #[must_use]
    pub fn read(&self, tenant: &TenantId) -> Option<Kept> {
        let mut text = String::new();
        let file = fs::File::open(self.path(tenant)).ok()?;
        file.take(LARGEST).read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Keeps this in place of what was kept. Nothing is written when only the time differs.
    ///
    /// # Errors
    ///
    /// A file that cannot be written. What was kept before is still there.
    pub fn keep(&self, tenant: &TenantId, kept: &Kept) -> Result<(), LastGoodError> {
        let same = |before: Kept| Kept { at: kept.at, ..before } == *kept;
        if self.read(tenant).is_some_and(same) {
            return Ok(());
        }
        let path = self.path(tenant);
        self.replace(&path, kept).map_err(|error| LastGoodError { path, error })
    }

    fn replace(&self, path: &Path, kept: &Kept) -> io::Result<()> {
        let beside = path.with_extension("new");
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        serde_json::to_writer(&mut file, kept).map_err(io::Error::from)?;
        file.flush()?;
        file.sync_data()?;
        fs::rename(&beside, path)
    }

    /// The tenants of whom something is kept.
    #[must_use]
    pub fn tenants(&self) -> Vec<TenantId> {
        let names = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let tenant = |name: PathBuf| name.file_stem()?.to_str()?.parse().ok();
        names
            .map(|entry| PathBuf::from(entry.file_name()))
            .filter(|name| name.extension().is_some_and(|extension| extension == "json"))
            .filter_map(tenant)
            .collect()
    }

    /// Forgets a tenant that is no more.
    ///
    /// # Errors
    ///
    /// A file that is there and cannot be removed.
    pub fn forget(&self, tenant: &TenantId) -> Result<(), LastGoodError> {
        let path = self.path(tenant);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(LastGoodError { path, error }),
            _ => Ok(()),
        }
    }

    fn path(&self, tenant: &TenantId) -> PathBuf {
        self.directory.join(format!("{tenant}.json"))
    }
}

impl Kept {
    /// Since when the file that should be served is wrong.
    #[must_use]
    pub fn wrong_since(&self) -> Option<SystemTime> {
        self.wrong_since.map(|since| UNIX_EPOCH + Duration::from_secs(since))
    }

    /// When it was found good.
    #[must_use]
    pub fn found_good(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.at)
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("at", &self.at).finish_non_exhaustive()
    }
}

/// Why something cannot be kept or forgotten.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", path.display())]
pub struct LastGoodError {
    /// The file or directory.
    pub path: PathBuf,
    /// What the system said.
    pub error: io::Error,
}

/// In the state directory.
const DIRECTORY: &str = "last-good";

/// A tenant's file, a chain and a key have at most 1 MiB each, and a little more as JSON.
const LARGEST: u64 = 8 << 20;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn kept(file: &str) -> Kept {
        let certificate = KeptCertificate {
            chain: "chain".into(),
            key: "key".into(),
        };
        Kept {
            file: file.into(),
            certificate: Some(certificate),
            at: 1_700_000_000,
            wrong_since: None,
        }
    }

    #[test]
    fn what_is_kept_is_read_back_and_nobody_else_reads_it() {
        let state = tempfile::tempdir().unwrap();
        let (store, library) = (LastGood::open(state.path()).unwrap(), "library".parse().unwrap());
        assert_eq!(store.read(&library), None);
        store.keep(&library, &kept("hosts = []")).unwrap();
        assert_eq!(store.read(&library), Some(kept("hosts = []")));
        assert_eq!(store.tenants(), std::slice::from_ref(&library));
        let mode = |name: &str| fs::metadata(state.path().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("last-good"), mode("last-good/library.json")), (0o700, 0o600));
        store.forget(&library).unwrap();
        store.forget(&library).unwrap();
        assert_eq!(store.read(&library), None);
    }

    #[test]
    fn half_a_file_is_none() {
        let state = tempfile::tempdir().unwrap();
        let (store, library) = (LastGood::open(state.path()).unwrap(), "library".parse().unwrap());
        for half in ["", "{", "{\"file\":\"x\"}", "null"] {
            fs::write(state.path().join("last-good/library.json"), half).unwrap();
            assert_eq!(store.read(&library), None, "{half}");
        }
        // And is replaced by a whole one.
        store.keep(&library, &kept("hosts = []")).unwrap();
        assert!(store.read(&library).is_some());
    }

    #[test]
    fn what_is_the_same_is_not_written_again() {
        let state = tempfile::tempdir().unwrap();
        let (store, library) = (LastGood::open(state.path()).unwrap(), "library".parse().unwrap());
        store.keep(&library, &kept("hosts = []")).unwrap();
        store
            .keep(
                &library,
                &Kept {
                    at: 1,
                    ..kept("hosts = []")
                },
            )
            .unwrap();
        assert_eq!(store.read(&library).unwrap().at, 1_700_000_000);
    }
}
