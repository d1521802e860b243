//! The tenants that are served, and how one version of the configuration follows another.
//!
//! ```text
//! files ──read──► what each came to ──certificates──► candidates ──settle──► standings ──apply──► a table per worker
//!                                                                                  │
//!                                                          last good files ◄───────┘
//! ```
//!
//! Everything up to `apply` changes nothing that is served; `apply` cannot fail. Whoever is not touched by a reload keeps
//! the very same objects: stacks, counts, sessions, connections to the application.

mod few;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Instant, SystemTime};

use rempart_config::{
    Candidate, Diagnostics, LastGood, Reading, Scope, Source, Standing, TenantConfig, TenantFile, TenantState,
    TlsSource, VendorConfig, settle,
};
use rempart_guard::{DecisionSink, Reporter};
use rempart_sessions::Sessions;
use rempart_tenant::{KeyRing, TenantId, Tenants};
use rempart_tls::{DevelopmentCa, DevelopmentCaError, Sites, now};
use tokio_util::sync::CancellationToken;

use crate::keys;
use crate::outcome::{Reloaded, TenantStatus};
use crate::remember;
use crate::served::{Served, Site};
use crate::table::{Door, Seat, Shared, Table};

/// All tenants, and what they come from.
pub(crate) struct Roster {
    source: Source,
    ring: Arc<KeyRing>,
    sink: Arc<dyn DecisionSink>,
    last_good: LastGood,
    ca: OnceLock<Arc<DevelopmentCa>>,
    /// As the edge was started; what of it cannot be changed while it runs is from here.
    started: Arc<VendorConfig>,
    vendor: Arc<VendorConfig>,
    members: BTreeMap<TenantId, Member>,
    strays: Diagnostics,
    hosts: Hosts,
    /// Whether something was applied.
    serving: bool,
    seats: Vec<Arc<Seat>>,
}

/// One tenant that has a file.
struct Member {
    state: TenantState,
    wrong: Diagnostics,
    /// Since when something is wrong.
    since: Option<SystemTime>,
    file: Arc<TenantFile>,
    /// `None` when it is absent.
    served: Option<Arc<Served>>,
    /// One for each worker; none when it is absent.
    doors: Vec<Arc<Door>>,
    /// Cancelled when the tenant is not served any more.
    removed: CancellationToken,
}

/// What the files say, checked, before any of it is served.
pub(crate) struct Prepared {
    vendor: Arc<VendorConfig>,
    ring: Arc<KeyRing>,
    strays: Diagnostics,
    tenants: Vec<PreparedTenant>,
    /// Whether these are all tenants. If not, the others are served as they are, and nobody's hosts change.
    whole: bool,
}

pub(crate) struct PreparedTenant {
    file: Arc<TenantFile>,
    standing: Standing,
    /// The certificate that belongs to what it is served as.
    site: Option<Site>,
    since: Option<SystemTime>,
}

/// A version of a tenant and its certificate.
type Version = (Arc<TenantConfig>, Site);

impl Roster {
    /// A roster of nobody, with room for workers.
    pub(crate) fn new(
        source: Source,
        vendor: Arc<VendorConfig>,
        ring: Arc<KeyRing>,
        last_good: LastGood,
        sink: Arc<dyn DecisionSink>,
        workers: usize,
    ) -> Self {
        let mut roster = Self {
            source,
            ring,
            sink,
            last_good,
            ca: OnceLock::new(),
            started: Arc::clone(&vendor),
            vendor,
            members: BTreeMap::new(),
            strays: Diagnostics::default(),
            hosts: Hosts::default(),
            serving: false,
            seats: Vec::new(),
        };
        let tables: Vec<_> = (0..workers).map(|worker| roster.table(worker)).collect();
        roster.seats = tables.into_iter().map(|table| Arc::new(Seat::new(table))).collect();
        roster
    }

    /// Where the workers find their tables.
    pub(crate) fn seats(&self) -> &[Arc<Seat>] {
        &self.seats
    }

    /// The development CA, when a tenant uses it.
    pub(crate) fn development_ca(&self) -> Option<&DevelopmentCa> {
        self.ca.get().map(|ca| &**ca)
    }

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
    fn version(&self, file: &TenantFile, scope: &Scope) -> Result<Version, Diagnostics> {
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
    fn last_good(&self, file: &TenantFile, wanted: bool, scope: &Scope) -> Option<Version> {
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
    fn since(&self, file: &TenantFile, standing: &Standing) -> Option<SystemTime> {
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
    fn on_cores<T: Send, R: Send>(&self, items: Vec<T>, each: impl Fn(T) -> R + Sync) -> Vec<R> {
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

    fn ca(&self) -> Result<Arc<DevelopmentCa>, DevelopmentCaError> {
        if let Some(ca) = self.ca.get() {
            return Ok(Arc::clone(ca));
        }
        let (ca, _) = DevelopmentCa::open_or_create(&self.started.state.join(DEVELOPMENT_CA), now())?;
        Ok(Arc::clone(self.ca.get_or_init(|| Arc::new(ca))))
    }

    /// Serves what was prepared. A tenant that is as it was is not touched.
    pub(crate) fn apply(&mut self, prepared: Prepared) -> Reloaded {
        let begun = Instant::now();
        let Prepared {
            vendor,
            ring,
            strays,
            tenants,
            whole,
        } = prepared;
        if *self.ring != *ring {
            self.ring = ring;
        }
        let mut before = if whole {
            std::mem::take(&mut self.members)
        } else {
            let touched = tenants
                .iter()
                .filter_map(|tenant| self.members.remove_entry(tenant.file.id()));
            touched.collect()
        };
        let mut reloaded = Reloaded {
            unchanged: self.served().count(),
            ..Reloaded::default()
        };
        let mut same_hosts = !whole;
        let tenants = tenants.into_iter().map(|tenant| {
            let old = before.remove(tenant.file.id());
            (tenant, old)
        });
        let members = self.on_cores(tenants.collect(), |(tenant, old)| {
            let was = old.as_ref().and_then(|member| member.served.clone());
            (was, self.member(tenant, old))
        });
        for (was, member) in members {
            let (id, is) = (member.file.id().clone(), member.served.as_ref());
            reloaded.note(&id, was.as_ref(), is);
            same_hosts &= was.zip(is).is_some_and(|(was, is)| was.site.is(&is.site));
            self.members.insert(id, member);
        }
        for (id, member) in before {
            member.removed.cancel();
            if member.served.is_some() {
                reloaded.removed.push(id.clone());
            }
            if let Err(error) = self.last_good.forget(&id) {
                tracing::error!(%error, tenant = %id, "the last good file of a tenant that is gone cannot be removed");
            }
        }
        reloaded.at_next_start = self.at_next_start(&vendor);
        (self.vendor, self.strays) = (vendor, strays);
        if !same_hosts {
            self.hosts = self.hosts();
        }
        for (worker, seat) in self.seats.iter().enumerate() {
            seat.put(self.table(worker));
        }
        self.serving = true;
        reloaded.wrong = self.wrong();
        reloaded.tenants = self.members.len();
        reloaded.took = begun.elapsed();
        reloaded
    }

    fn member(&self, tenant: PreparedTenant, old: Option<Member>) -> Member {
        let PreparedTenant {
            file,
            standing,
            site,
            since,
        } = tenant;
        let Standing {
            mut state,
            tenant,
            mut wrong,
        } = standing;
        let was = old.as_ref().and_then(|member| member.served.as_ref());
        let served = match tenant.zip(site) {
            None => None,
            Some((config, site)) => match was {
                Some(was) if was.is(&config, &site, &self.ring) => Some(Arc::clone(was)),
                was => match Served::new(
                    config,
                    site,
                    (&self.ring, &self.started.state),
                    &self.sink,
                    was.map(|was| &**was),
                ) {
                    Ok(served) => Some(Arc::new(served)),
                    Err(problems) => {
                        let problems = problems
                            .into_iter()
                            .map(|problem| file.diagnose(problem.under("cookies")));
                        wrong = wrong.into_iter().chain(problems).collect();
                        state = if was.is_some() {
                            TenantState::LastGood
                        } else {
                            TenantState::Absent
                        };
                        was.cloned()
                    }
                },
            },
        };
        let (doors, removed) = match old {
            Some(old) => (old.doors, old.removed),
            None => (Vec::new(), CancellationToken::new()),
        };
        let removed = match served {
            None => {
                removed.cancel();
                CancellationToken::new()
            }
            Some(_) => removed,
        };
        let doors = served
            .as_ref()
            .map_or_else(Vec::new, |served| self.doors(served, doors, &removed));
        Member {
            state,
            wrong,
            since,
            file,
            served,
            doors,
            removed,
        }
    }

    fn doors(&self, served: &Arc<Served>, old: Vec<Arc<Door>>, removed: &CancellationToken) -> Vec<Arc<Door>> {
        if old.first().is_some_and(|door| Arc::ptr_eq(&door.served, served)) {
            return old;
        }
        let replaces = |worker: usize| old.get(worker).map(|door| &**door);
        let seats = self.seats.iter().enumerate();
        seats
            .map(|(worker, seat)| Door::new(served, seat, removed, replaces(worker)))
            .collect()
    }

    fn served(&self) -> impl Iterator<Item = (&Arc<Served>, &Member)> {
        self.members
            .values()
            .filter_map(|member| Some((member.served.as_ref()?, member)))
    }

    fn hosts(&self) -> Hosts {
        let mut tenants = Tenants::builder();
        for (served, _) in self.served() {
            let added = tenants.add(served.config.id.clone(), served.config.hosts.iter().cloned());
            added.expect("what is served was settled: no name and no host is there twice");
        }
        let tenants = tenants.build();
        let mut sites = Sites::builder();
        for ((served, _), tenant) in self.served().zip(tenants.all()) {
            let hosts = served.config.hosts.iter().map(ToString::to_string);
            sites = sites.site(hosts, Arc::clone(&served.site.server), tenant.clone());
        }
        Hosts {
            tenants,
            sites: Arc::new(sites.build()),
        }
    }

    fn table(&self, worker: usize) -> Table {
        Table {
            shared: Arc::new(Shared {
                tenants: self.hosts.tenants.clone(),
                trusted_proxies: self.vendor.trusted_proxies.clone(),
                reporter: Reporter::front(Arc::clone(&self.sink)),
                drain: self.vendor.drain,
            }),
            sites: Arc::clone(&self.hosts.sites),
            doors: self
                .served()
                .map(|(_, member)| Arc::clone(&member.doors[worker]))
                .collect(),
        }
    }

    /// What was asked for and needs sockets or a directory that are there from the start on.
    fn at_next_start(&self, vendor: &VendorConfig) -> Vec<&'static str> {
        let mut later = Vec::new();
        if vendor.listen != self.started.listen {
            later.push("listen");
        }
        if vendor.state != self.started.state {
            later.push("state.directory");
        }
        if vendor.watch != self.started.watch {
            later.push("reload.watch");
        }
        if vendor.metrics != self.started.metrics {
            later.push("metrics.listen");
        }
        later
    }

    /// Everything that is wrong with anybody's file.
    pub(crate) fn wrong(&self) -> Diagnostics {
        let of_tenants = self.members.values().flat_map(|member| member.wrong.iter());
        self.strays.iter().chain(of_tenants).cloned().collect()
    }

    /// How each tenant stands, by name.
    pub(crate) fn tenants(&self) -> Vec<TenantStatus> {
        let status = |(id, member): (&TenantId, &Member)| TenantStatus {
            tenant: id.clone(),
            state: member.state,
            since: member.since,
            hosts: member.served.as_ref().map_or_else(Vec::new, |served| {
                served.config.hosts.iter().map(ToString::to_string).collect()
            }),
            upstream: member
                .served
                .as_ref()
                .map(|served| served.config.upstream.authority.to_string()),
            certificate_ends: member.served.as_ref().map(|served| served.site.not_after),
            wrong: member.wrong.clone(),
        };
        self.members.iter().map(status).collect()
    }

    /// Whether there is a tenant of this name, served or not.
    pub(crate) fn knows(&self, tenant: &TenantId) -> bool {
        self.members.contains_key(tenant)
    }

    /// What each tenant is served as, for those who compare.
    pub(crate) fn configs(&self) -> Vec<Arc<TenantConfig>> {
        self.served().map(|(served, _)| Arc::clone(&served.config)).collect()
    }

    /// The vendor's part as it is served.
    pub(crate) const fn vendor(&self) -> &Arc<VendorConfig> {
        &self.vendor
    }

    /// What is to be kept of these tenants, or of all, for a start with a broken file.
    pub(crate) fn to_keep(&self, changed: Option<&BTreeSet<TenantId>>) -> Vec<(TenantId, rempart_config::Kept)> {
        let members: Vec<_> = match changed {
            Some(changed) => changed.iter().filter_map(|id| self.members.get_key_value(id)).collect(),
            None => self.members.iter().collect(),
        };
        let kept = members.into_iter().filter_map(|(id, member)| {
            let served = member.served.as_ref()?;
            let kept = remember::keep(member.state, &member.file, &served.site, member.since);
            Some((
                id.clone(),
                kept.or_else(|| Some(remember::marked(self.last_good.read(id)?, &served.site, member.since)))?,
            ))
        });
        kept.collect()
    }

    /// Tenants of whom something is kept, and who have no file.
    pub(crate) fn strangers(&self) -> Vec<TenantId> {
        let mut kept = self.last_good.tenants();
        kept.retain(|id| !self.members.contains_key(id));
        kept
    }

    /// Tenants with something wrong in their files.
    pub(crate) fn quarantined(&self) -> impl Iterator<Item = &TenantId> {
        let wrong = self.members.iter().filter(|(_, member)| member.since.is_some());
        wrong.map(|(id, _)| id)
    }

    /// The files of the certificates that are served, or would be if nothing were wrong with them.
    pub(crate) fn certificates(&self) -> Vec<(TenantId, [PathBuf; 2])> {
        let served = self.served().map(|(served, _)| &served.config);
        // Where a quarantined tenant's file is right and its certificate wrong, the certificate is what will be put right.
        let quarantined = self.members.values().filter(|member| !member.wrong.is_empty());
        let asked = quarantined.filter_map(|member| member.file.tenant().ok());
        let files = served.chain(asked).filter_map(|config| match &config.tls {
            TlsSource::Files { certificate, key } => Some((config.id.clone(), [certificate.clone(), key.clone()])),
            TlsSource::Development => None,
        });
        files.collect()
    }

    /// Who is logged in at a tenant that is served.
    pub(crate) fn sessions(&self, tenant: &TenantId) -> Option<&Arc<Sessions>> {
        Some(self.members.get(tenant)?.served.as_ref()?.controls.sessions())
    }

    /// Sessions of which something was ended and not kept yet.
    pub(crate) fn unsaved_sessions(&self) -> Vec<Arc<Sessions>> {
        let all = self.served().map(|(served, _)| served.controls.sessions());
        all.filter(|sessions| sessions.is_unsaved()).map(Arc::clone).collect()
    }

    /// Where last good files are kept.
    pub(crate) const fn store(&self) -> &LastGood {
        &self.last_good
    }

    /// The configuration's directory.
    pub(crate) fn directory(&self) -> &std::path::Path {
        self.source.directory()
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

/// The vendor's root secrets, with what is wrong with their files where they are named.
pub(crate) fn read_ring(
    vendor: &VendorConfig,
    state: &std::path::Path,
    source: &Source,
) -> Result<Arc<KeyRing>, Diagnostics> {
    let ring = keys::ring(&vendor.keys, state).map(Arc::new);
    ring.map_err(|problems| problems.into_iter().map(|problem| source.diagnose(problem)).collect())
}

/// Which host is whose, and with which certificate.
struct Hosts {
    tenants: Tenants,
    sites: Arc<Sites<rempart_tenant::Tenant>>,
}

impl Default for Hosts {
    fn default() -> Self {
        Self {
            tenants: Tenants::builder().build(),
            sites: Arc::new(Sites::builder().build()),
        }
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
