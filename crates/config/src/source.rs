use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::SystemTime;

use rempart_guard::Problem;
use rempart_tenant::TenantId;

use crate::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::document::{Document, Part};
use crate::environment;
use crate::files::{self, Listing, VENDOR_FILE};
use crate::ground::Ground;
use crate::stamp::Stamp;
use crate::tenant_file::TenantFile;
use crate::vendor::VendorConfig;

/// A configuration's directory and the environment over it, read again and again.
///
/// A file that has not changed since it was last read is not read again, and what it comes to is the same object.
#[derive(Clone, Debug)]
pub struct Source {
    directory: PathBuf,
    environment: Arc<Document>,
    /// Variables that are no keys.
    wrong_variables: Vec<Diagnostic>,
    ground: Option<Arc<Ground>>,
    files: BTreeMap<TenantId, Known>,
    /// Files whose names no tenant can have, as they were last listed.
    unfit: Vec<Diagnostic>,
}

/// A file as it was last read.
#[derive(Clone, Debug)]
struct Known {
    file: Arc<TenantFile>,
    /// `None` when another version of the file could have the same.
    stamp: Option<Stamp>,
}

/// Which files are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    #[default]
    All,
    /// The vendor's and those of these tenants; of the others, what was read before.
    Tenants(BTreeSet<TenantId>),
}

impl Scope {
    /// Whether a tenant's file is looked at.
    #[must_use]
    pub fn includes(&self, tenant: &TenantId) -> bool {
        match self {
            Self::All => true,
            Self::Tenants(tenants) => tenants.contains(tenant),
        }
    }
}

/// What one reading found: the vendor's part, which is right, and every tenant's file, whatever it came to.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The vendor's part.
    pub vendor: Arc<VendorConfig>,
    /// The tenants' files, by name.
    pub files: Vec<Arc<TenantFile>>,
    /// What is wrong and no tenant's: files whose names no tenant can have, variables for tenants that do not exist.
    pub strays: Diagnostics,
}

impl Source {
    /// The directory, and the environment (such as [`std::env::vars`]) as it is now. Nothing is read yet.
    pub fn new(directory: &Path, environment: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut wrong_variables = Vec::new();
        let environment = Arc::new(environment::read(environment, &mut wrong_variables));
        Self {
            directory: directory.to_owned(),
            environment,
            wrong_variables,
            ground: None,
            files: BTreeMap::new(),
            unfit: Vec::new(),
        }
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Reads what has changed.
    ///
    /// # Errors
    ///
    /// What is wrong with the vendor's file, its `[defaults]`, the directory or the environment, with everything that is
    /// wrong in the tenants' files beside it. What was read before stays.
    pub fn read(&mut self, scope: &Scope) -> Result<Reading, Diagnostics> {
        self.read_at(scope, SystemTime::now())
    }

    /// As [`read`](Self::read); `now` decides which files are old enough to be known by their stamps.
    pub(crate) fn read_at(&mut self, scope: &Scope, now: SystemTime) -> Result<Reading, Diagnostics> {
        let (ground, mut wrong) = self.read_ground();
        let ground = match &self.ground {
            Some(old) if old.is(&ground) => Arc::clone(old),
            _ => Arc::new(ground),
        };
        let mut strays = Vec::new();
        let listing = match self.list(scope) {
            Ok(listing) => {
                let inside = listing.tenants.iter().map(|(id, _)| id);
                let known: Vec<_> = inside.chain(self.outside(scope)).map(TenantId::as_str).collect();
                strays.clone_from(&listing.strays);
                environment::strangers(&self.environment, &known, &mut strays);
                listing
            }
            Err(error) => {
                wrong.push(*error);
                Listing::default()
            }
        };
        let read = self.read_files(&self.to_read(&listing, scope, &ground), scope, &ground, now);
        let Some(vendor) = ground.vendor.as_ref().filter(|_| wrong.is_empty()) else {
            let faulty = read.iter().filter_map(|(_, known)| known.file.tenant().err());
            let of_tenants = faulty.flat_map(Diagnostics::iter).cloned();
            return Err(wrong.into_iter().chain(strays).chain(of_tenants).collect());
        };
        let vendor = Arc::clone(vendor);
        match scope {
            Scope::All => self.files.clear(),
            Scope::Tenants(tenants) => self.files.retain(|id, _| !tenants.contains(id)),
        }
        self.files.extend(read);
        self.ground = Some(ground);
        self.unfit = listing.strays;
        Ok(Reading {
            vendor,
            files: self.files.values().map(|known| Arc::clone(&known.file)).collect(),
            strays: strays.into_iter().collect(),
        })
    }

    /// Says where the key of a problem of the vendor's part was set that was found later, such as that of a file which it
    /// names; before anything was read, only which key.
    #[must_use]
    pub fn diagnose(&self, problem: Problem) -> Diagnostic {
        diagnose(self.ground.as_deref(), problem)
    }

    pub(crate) const fn ground(&self) -> Option<&Arc<Ground>> {
        self.ground.as_ref()
    }

    /// What a tenant's text, kept from before, comes to over the vendor's file as it was last read.
    #[must_use]
    pub fn of_text(&self, id: &TenantId, text: &str) -> Option<TenantFile> {
        let ground = Arc::clone(self.ground.as_ref()?);
        Some(TenantFile::read(id.clone(), &file_name(id), text.into(), ground))
    }

    /// The files within the scope that are there.
    fn list(&self, scope: &Scope) -> Result<Listing, Box<Diagnostic>> {
        match scope {
            Scope::All => files::list(&self.directory),
            Scope::Tenants(tenants) => Ok(Listing {
                tenants: files::list_only(&self.directory, tenants)?,
                strays: self.unfit.clone(),
            }),
        }
    }

    /// Who is outside of the scope, and stays as it was, there or not.
    fn outside(&self, scope: &Scope) -> impl Iterator<Item = &TenantId> {
        self.files.keys().filter(|id| !scope.includes(id))
    }

    /// The files that have to be looked at. Those outside of the scope are among them when they stand over another ground.
    fn to_read(&self, listing: &Listing, scope: &Scope, ground: &Arc<Ground>) -> Vec<(TenantId, String)> {
        let mut read = listing.tenants.clone();
        if self.ground.as_ref().is_none_or(|old| !Arc::ptr_eq(old, ground)) {
            read.extend(self.outside(scope).map(|id| (id.clone(), file_name(id))));
        }
        read
    }

    fn read_ground(&self) -> (Ground, Vec<Diagnostic>) {
        let mut wrong = self.wrong_variables.clone();
        let document = match files::text(&self.directory.join(VENDOR_FILE), VENDOR_FILE) {
            Ok((text, _)) => {
                let (document, mut faults) = Document::parse(VENDOR_FILE.to_owned(), text);
                let sound = faults.is_empty();
                wrong.append(&mut faults);
                sound.then(|| Arc::new(document))
            }
            Err(error) => {
                wrong.push(*error);
                None
            }
        };
        let (ground, mut more) = Ground::read(self.directory.clone(), &self.environment, document);
        wrong.append(&mut more);
        (ground, wrong)
    }

    /// Reads the files on all cores: each stands for itself. After the first time one core is left to others, such as those
    /// who serve what was read before.
    fn read_files(
        &self,
        listed: &[(TenantId, String)],
        scope: &Scope,
        ground: &Arc<Ground>,
        now: SystemTime,
    ) -> Vec<(TenantId, Known)> {
        let read = |(id, name): &(TenantId, String)| (id.clone(), self.read_file(id, name, scope, ground, now));
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let cores = if self.files.is_empty() {
            cores
        } else {
            (cores - 1).max(1)
        };
        let share = listed.len().div_ceil(cores).max(LEAST_SHARE);
        thread::scope(|threads| {
            let shares: Vec<_> = listed
                .chunks(share)
                .map(|share| threads.spawn(move || share.iter().map(read).collect::<Vec<_>>()))
                .collect();
            let read = shares.into_iter().map(|share| match share.join() {
                Ok(read) => read,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            read.flatten().collect()
        })
    }

    fn read_file(&self, id: &TenantId, name: &str, scope: &Scope, ground: &Arc<Ground>, now: SystemTime) -> Known {
        let path = self.directory.join(files::TENANTS_DIRECTORY).join(name);
        let before = self.files.get(id);
        if let Some(Known { file, stamp }) = before
            && (!scope.includes(id) || (stamp.is_some() && files::stamp(&path) == *stamp))
        {
            return Known {
                file: self.over(file, ground),
                stamp: *stamp,
            };
        }
        let (text, stamp) = match files::text(&path, &files::shown(name)) {
            Ok(read) => read,
            Err(wrong) => {
                let file = TenantFile::unreadable(id.clone(), name, *wrong, Arc::clone(ground));
                return Known {
                    file: Arc::new(file),
                    stamp: None,
                };
            }
        };
        let stamp = Some(stamp).filter(|stamp| stamp.is_settled(now));
        let file = match before {
            Some(Known { file, .. }) if file.text() == Some(&text) => self.over(file, ground),
            _ => Arc::new(TenantFile::read(id.clone(), name, text.into(), Arc::clone(ground))),
        };
        Known { file, stamp }
    }

    /// A file as it was read before, over the ground as it is now.
    fn over(&self, file: &Arc<TenantFile>, ground: &Arc<Ground>) -> Arc<TenantFile> {
        match &self.ground {
            Some(old) if Arc::ptr_eq(old, ground) => Arc::clone(file),
            _ => Arc::new(file.over(ground)),
        }
    }
}

/// A problem of the vendor's part, where its key was set.
pub(crate) fn diagnose(ground: Option<&Ground>, problem: Problem) -> Diagnostic {
    match ground.and_then(Ground::vendor_layers) {
        Some(layers) => layers.diagnostic(problem, Part::Value),
        None => Diagnostic::new(Place::of_file(VENDOR_FILE), None, problem),
    }
}

/// The name of a tenant's file.
fn file_name(id: &TenantId) -> String {
    format!("{id}.toml")
}

/// Fewer files than this are not worth a thread.
const LEAST_SHARE: usize = 64;
