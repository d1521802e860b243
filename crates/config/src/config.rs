use std::path::{Path, PathBuf};
use std::sync::Arc;

use rempart_guard::Problem;
use rempart_tenant::TenantId;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ground::Ground;
use crate::settle::{Candidate, Standing, TenantState, disputed, settle};
use crate::source::{Reading, Scope, Source, diagnose};
use crate::tenant::TenantConfig;
use crate::tenant_file::TenantFile;
use crate::vendor::VendorConfig;

/// A configuration as it stands in its files now.
#[derive(Debug)]
pub struct Config {
    /// The vendor's part.
    pub vendor: Arc<VendorConfig>,
    /// The tenants whose files are right, by name.
    pub tenants: Vec<Arc<TenantConfig>>,
    /// The directory that was read.
    pub directory: PathBuf,
    /// What is wrong with the files of the other tenants, and with files that are no tenant's.
    pub wrong: Diagnostics,
    files: Vec<Arc<TenantFile>>,
    /// What the vendor's part was read from; `None` when it was not read from a directory.
    ground: Option<Arc<Ground>>,
}

/// Reads the configuration in `directory`, with `environment` (such as [`std::env::vars`]) over it, and wants all of it to
/// be right.
///
/// # Errors
///
/// Everything that is wrong, in every file.
pub fn load(directory: &Path, environment: impl IntoIterator<Item = (String, String)>) -> Result<Config, Diagnostics> {
    let config = read(directory, environment)?;
    if config.wrong.is_empty() {
        Ok(config)
    } else {
        Err(config.wrong)
    }
}

/// Reads the configuration in `directory` as [`load`] does, and leaves out the tenants whose files are wrong.
///
/// # Errors
///
/// What is wrong with the vendor's file, its `[defaults]`, the directory or the environment, with everything that is wrong
/// in the tenants' files beside it.
pub fn read(directory: &Path, environment: impl IntoIterator<Item = (String, String)>) -> Result<Config, Diagnostics> {
    let mut source = Source::new(directory, environment);
    let reading = source.read(&Scope::All)?;
    let ground = source.ground().cloned();
    Ok(Config {
        ground,
        ..Config::of(directory, reading)
    })
}

impl Config {
    pub(crate) fn of(directory: &Path, reading: Reading) -> Self {
        let Reading { vendor, files, strays } = reading;
        let candidates: Vec<Candidate> = files
            .iter()
            .map(|file| Candidate {
                file: Arc::clone(file),
                new: file.tenant().cloned().map_err(Clone::clone),
                last_good: None,
            })
            .collect();
        let standings = settle(&candidates);
        let of_tenants = standings.iter().flat_map(|standing| standing.wrong.iter().cloned());
        let wrong = strays.into_iter().chain(of_tenants).chain(disputed(&files)).collect();
        let current = |standing: Standing| standing.tenant.filter(|_| standing.state == TenantState::Current);
        Self {
            vendor,
            tenants: standings.into_iter().filter_map(current).collect(),
            directory: directory.to_owned(),
            wrong,
            files,
            ground: None,
        }
    }

    /// The tenants' files, by name, whatever they came to.
    #[must_use]
    pub fn files(&self) -> &[Arc<TenantFile>] {
        &self.files
    }

    /// The file of a tenant, whatever it came to; `None` when there is no such file.
    #[must_use]
    pub fn file_of(&self, tenant: &TenantId) -> Option<&Arc<TenantFile>> {
        let at = self.files.binary_search_by_key(&tenant, |file| file.id()).ok()?;
        Some(&self.files[at])
    }

    /// Says where the key of a problem was set that was found later: see [`TenantFile::diagnose`].
    ///
    /// # Panics
    ///
    /// When there is no such tenant.
    #[must_use]
    pub fn diagnose(&self, tenant: &TenantId, problem: Problem) -> Diagnostic {
        let file = self.file_of(tenant);
        file.expect("a problem is of one of this configuration's tenants")
            .diagnose(problem)
    }

    /// The same for the vendor's part.
    #[must_use]
    pub fn diagnose_vendor(&self, problem: Problem) -> Diagnostic {
        diagnose(self.ground.as_deref(), problem)
    }
}
