//! Everything before a change: what the files say now, with which certificates, and who is to be served as what.
//!
//! Nothing that is served changes here, so that a plan and a reload are the same up to the last step.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::SystemTime;

use rempart_config::{
    Candidate, Diagnostics, Reading, Scope, Source, Standing, TenantConfig, TenantFile, TenantState, VendorConfig,
    settle,
};
use rempart_tenant::KeyRing;
use rempart_tls::{DevelopmentCa, DevelopmentCaError, now};

use super::{Prepared, PreparedTenant, Roster};
use crate::keys;
use crate::remember;
use crate::served::Site;

/// A version of a tenant and its certificate.
type Version = (Arc<TenantConfig>, Site);

impl Roster {
    /// Reads what is new and checks it. Nothing that is served changes.
    pub(crate) fn read(&mut self, scope: &Scope) -> Result<Prepared, Diagnostics> {
        let reading = self.source.read(scope)?;
        let ring = read_ring(&reading.vendor, &self.started.state, &self.source)?;
        let few = self.few(&reading, scope).filter(|_| *self.ring == *ring);
        Ok(match few {
            Some(tenants) => Prepared {
                vendor: reading.vendor,
                ring,
                strays: reading.strays,
                tenants,
                whole: false,
            },
            None => self.prepare(reading, scope, ring),
        })
    }

    /// The same for somebody who only looks: what is read here is not what a later reload of other tenants goes on with.
    pub(crate) fn look(&self, scope: &Scope) -> Result<Prepared, Diagnostics> {
        let mut source = self.source.clone();
        let reading = source.read(scope)?;
        let ring = read_ring(&reading.vendor, &self.started.state, &source)?;
        Ok(self.prepare(reading, scope, ring))
    }

    /// Checks certificates, and decides who is served as what, among all.
    pub(crate) fn prepare(&self, reading: Reading, scope: &Scope, ring: Arc<KeyRing>) -> Prepared {
        let Reading { vendor, files, strays } = reading;
        let mut new: Vec<Result<Version, Diagnostics>> =
            self.on_cores(files.iter().collect(), |file| self.version(file, scope));
        let mut last_good: Vec<Option<Version>> = files
            .iter()
            .zip(&new)
            .map(|(file, new)| self.last_good(file, new.is_err(), scope))
            .collect();
        let mut standings = settle(&candidates(&files, &new, &last_good));
        if standings.iter().any(disputed) {
            // Whoever had the host before a restart has it still.
            last_good = files.iter().map(|file| self.last_good(file, true, scope)).collect();
            standings = settle(&candidates(&files, &new, &last_good));
        }
        let tenants = files
            .into_iter()
            .zip(standings)
            .enumerate()
            .map(|(index, (file, standing))| {
                let version = match standing.state {
                    TenantState::Current => new[index].as_mut().ok(),
                    TenantState::LastGood => last_good[index].as_mut(),
                    TenantState::Absent => None,
                };
                PreparedTenant {
                    site: version.map(|(_, site)| site.clone()),
                    since: self.since(&file, &standing),
                    file,
                    standing,
                }
            });
        let tenants = tenants.collect();
        Prepared {
            vendor,
            ring,
            strays,
            tenants,
            whole: true,
        }
    }

    /// What a file comes to, with its certificate.
    pub(super) fn version(&self, file: &TenantFile, scope: &Scope) -> Result<Version, Diagnostics> {
        let config = file.tenant().map_err(Clone::clone)?;
        let member = self.members.get(file.id());
        if let Some(member) = member
            && !scope.includes(file.id())
            && member.state != TenantState::Current
        {
            return Err(member.wrong.clone());
        }
        let served = member.and_then(|member| member.served.as_deref());
        if let Some(served) = served
            && !scope.includes(file.id())
        {
            return Ok((Arc::clone(config), served.site.clone()));
        }
        let site = Site::load(config, served, || self.ca());
        let site = site.map_err(|problem| Diagnostics::from_iter([file.diagnose(problem)]))?;
        Ok((Arc::clone(config), site))
    }

    /// What a tenant is served as, or was before a restart: that is only looked up when it is `wanted`. Its certificate is
    /// renewed like anybody's: a typing error in the file is no reason to let it expire.
    pub(super) fn last_good(&self, file: &TenantFile, wanted: bool, scope: &Scope) -> Option<Version> {
        match self.members.get(file.id()) {
            Some(member) => {
                let served = member.served.as_ref()?;
                let renewed = (wanted && scope.includes(file.id()))
                    .then(|| Site::load(&served.config, Some(served), || self.ca()).ok());
                let site = renewed.flatten().unwrap_or_else(|| served.site.clone());
                Some((Arc::clone(&served.config), site))
            }
            None if wanted => {
                let kept = self.last_good.read(file.id())?;
                let config = self.source.of_text(file.id(), &kept.file)?.tenant().ok().cloned()?;
                let site = remember::site(&config, &kept, || self.ca())?;
                Some((config, site))
            }
            None => None,
        }
    }

    /// Since when something is wrong with a tenant's file.
    pub(super) fn since(&self, file: &TenantFile, standing: &Standing) -> Option<SystemTime> {
        if standing.wrong.is_empty() {
            return None;
        }
        let before = match self.members.get(file.id()) {
            Some(member) => member.since,
            None => self.last_good.read(file.id()).and_then(|kept| kept.wrong_since()),
        };
        before.or_else(|| Some(SystemTime::now()))
    }

    /// Does the same for each item, on all cores but one: that one is left to those who are being served, if anybody is.
    pub(super) fn on_cores<T: Send, R: Send>(&self, items: Vec<T>, each: impl Fn(T) -> R + Sync) -> Vec<R> {
        if items.len() <= LEAST_SHARE {
            return items.into_iter().map(each).collect();
        }
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let cores = if self.serving { (cores - 1).max(1) } else { cores };
        let share = items.len().div_ceil(cores).max(LEAST_SHARE);
        let (mut left, each) = (items.into_iter(), &each);
        thread::scope(|threads| {
            let mut shares = Vec::new();
            while left.len() > 0 {
                let share: Vec<T> = left.by_ref().take(share).collect();
                shares.push(threads.spawn(move || share.into_iter().map(each).collect::<Vec<_>>()));
            }
            let done = shares.into_iter().map(|share| match share.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            done.flatten().collect()
        })
    }

    pub(super) fn ca(&self) -> Result<Arc<DevelopmentCa>, DevelopmentCaError> {
        if let Some(ca) = self.ca.get() {
            return Ok(Arc::clone(ca));
        }
        let (ca, _) = DevelopmentCa::open_or_create(&self.started.state.join(DEVELOPMENT_CA), now())?;
        Ok(Arc::clone(self.ca.get_or_init(|| Arc::new(ca))))
    }
}

impl Prepared {
    /// What would be served, when these are all.
    pub(crate) fn configs(&self) -> Vec<Arc<TenantConfig>> {
        self.tenants
            .iter()
            .filter_map(|tenant| tenant.standing.tenant.clone())
            .collect()
    }

    /// The vendor's part.
    pub(crate) const fn vendor(&self) -> &Arc<VendorConfig> {
        &self.vendor
    }

    /// How many would be served.
    pub(crate) fn served(&self) -> usize {
        self.tenants.iter().filter(|tenant| tenant.site.is_some()).count()
    }

    /// Everything that is wrong.
    pub(crate) fn wrong(&self) -> Diagnostics {
        let of_tenants = self.tenants.iter().flat_map(|tenant| tenant.standing.wrong.iter());
        self.strays.iter().chain(of_tenants).cloned().collect()
    }
}

fn candidates(
    files: &[Arc<TenantFile>],
    new: &[Result<Version, Diagnostics>],
    last_good: &[Option<Version>],
) -> Vec<Candidate> {
    let all = files.iter().zip(new).zip(last_good);
    all.map(|((file, new), last_good)| Candidate {
        file: Arc::clone(file),
        new: new.as_ref().map(|(config, _)| Arc::clone(config)).map_err(Clone::clone),
        last_good: last_good.as_ref().map(|(config, _)| Arc::clone(config)),
    })
    .collect()
}

fn disputed(standing: &Standing) -> bool {
    standing.wrong.iter().any(|one| one.code == "host_claimed")
}

/// Fewer tenants than this are not worth a thread.
const LEAST_SHARE: usize = 64;

/// The development CA's directory, in the state directory.
const DEVELOPMENT_CA: &str = "development-ca";

/// The vendor's root secrets, with what is wrong with their files where they are named.
pub(crate) fn read_ring(
    vendor: &VendorConfig,
    state: &std::path::Path,
    source: &Source,
) -> Result<Arc<KeyRing>, Diagnostics> {
    let ring = keys::ring(&vendor.keys, state).map(Arc::new);
    ring.map_err(|problems| problems.into_iter().map(|problem| source.diagnose(problem)).collect())
}
