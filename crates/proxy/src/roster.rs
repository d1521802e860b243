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
mod prepare;
mod tell;

pub(crate) use prepare::read_ring;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime};

use rempart_config::{Diagnostics, LastGood, Source, Standing, TenantConfig, TenantFile, TenantState, VendorConfig};
use rempart_guard::{DecisionSink, Problems, Reporter};
use rempart_tenant::{KeyRing, TenantId, Tenants};
use rempart_tls::{DevelopmentCa, Sites};
use tokio_util::sync::CancellationToken;

use crate::commons::Commons;
use crate::outcome::Reloaded;
use crate::served::{Served, Site};
use crate::table::{Door, Seat, Shared, Table};

/// All tenants, and what they come from.
pub(crate) struct Roster {
    source: Source,
    ring: Arc<KeyRing>,
    sink: Arc<dyn DecisionSink>,
    commons: Arc<Commons>,
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

impl Roster {
    /// A roster of nobody, with room for workers.
    pub(crate) fn new(
        source: Source,
        vendor: Arc<VendorConfig>,
        ring: Arc<KeyRing>,
        last_good: LastGood,
        sink: Arc<dyn DecisionSink>,
        (commons, workers): (Arc<Commons>, usize),
    ) -> Self {
        let mut roster = Self {
            source,
            ring,
            sink,
            commons,
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

    /// Serves what was prepared. A tenant that is as it was is not touched.
    ///
    /// All that can go wrong is done first, while everything that is served still stands; then it is put in place.
    pub(crate) fn apply(&mut self, prepared: Prepared) -> Reloaded {
        let begun = Instant::now();
        let Prepared {
            vendor,
            ring,
            strays,
            tenants,
            whole,
        } = prepared;
        let ring = if *self.ring == *ring {
            Arc::clone(&self.ring)
        } else {
            ring
        };
        let members = self.on_cores(tenants, |tenant| self.member(tenant, &ring));
        let mut reloaded = Reloaded::default();
        let same_hosts = self.put(members, whole, &mut reloaded);
        if vendor.capacity != self.vendor.capacity {
            self.commons.resize(&vendor);
        }
        reloaded.at_next_start = self.at_next_start(&vendor);
        (self.ring, self.vendor, self.strays) = (ring, vendor, strays);
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

    /// Puts members in the place of those with the same names; those that are missing are gone when these are all. Says
    /// whether every host is whose it was, with the same certificate.
    fn put(&mut self, members: Vec<Member>, whole: bool, reloaded: &mut Reloaded) -> bool {
        let mut before: BTreeMap<_, _> = if whole {
            std::mem::take(&mut self.members)
        } else {
            let named = members.iter();
            named
                .filter_map(|member| self.members.remove_entry(member.file.id()))
                .collect()
        };
        reloaded.unchanged = self.served().count();
        let mut same_hosts = !whole;
        for member in members {
            let id = member.file.id().clone();
            let old = before.remove(&id);
            let (was, is) = (old.as_ref().and_then(|old| old.served.as_ref()), member.served.as_ref());
            reloaded.note(&id, was, is);
            if let (Some(was), Some(is)) = (was, is) {
                is.settle_in(was);
            }
            same_hosts &= was.zip(is).is_some_and(|(was, is)| was.site.is(&is.site));
            if let (Some(old), None) = (&old, is) {
                old.removed.cancel();
            }
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
        same_hosts
    }

    /// Builds a member beside the one that it is to replace.
    fn member(&self, tenant: PreparedTenant, ring: &Arc<KeyRing>) -> Member {
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
        let old = self.members.get(file.id());
        let was = old.and_then(|member| member.served.as_ref());
        let served = tenant
            .zip(site)
            .map(|(config, site)| self.serve(config, site, ring, was));
        let served = match served.transpose() {
            Ok(served) => served,
            Err(problems) => {
                let problems = problems
                    .into_iter()
                    .map(|problem| file.diagnose(problem.under("cookies")));
                wrong = wrong.into_iter().chain(problems).collect();
                state = was.map_or(TenantState::Absent, |_| TenantState::LastGood);
                was.cloned()
            }
        };
        let removed = match (old, &served) {
            (Some(old), Some(_)) => old.removed.clone(),
            _ => CancellationToken::new(),
        };
        let doors = served.as_ref().map(|served| self.doors(served, old, &removed));
        Member {
            state,
            wrong,
            since,
            file,
            served,
            doors: doors.unwrap_or_default(),
            removed,
        }
    }

    /// What serves this: the very same as before when nothing of it has changed.
    fn serve(
        &self,
        config: Arc<TenantConfig>,
        site: Site,
        ring: &Arc<KeyRing>,
        was: Option<&Arc<Served>>,
    ) -> Result<Arc<Served>, Problems> {
        match was {
            Some(was) if was.is(&config, &site, ring) => Ok(Arc::clone(was)),
            _ => {
                let replaces = was.map(|was| &**was);
                let served = Served::new(
                    config,
                    site,
                    (ring, &self.started.state),
                    (&self.commons, &self.sink),
                    replaces,
                );
                served.map(Arc::new)
            }
        }
    }

    fn doors(&self, served: &Arc<Served>, old: Option<&Member>, removed: &CancellationToken) -> Vec<Arc<Door>> {
        let old = old.map_or(&[][..], |old| &old.doors);
        if old.first().is_some_and(|door| Arc::ptr_eq(&door.served, served)) {
            return old.to_vec();
        }
        let replaces = |worker: usize| old.get(worker).map(|door| &**door);
        let seats = self.seats.iter().enumerate();
        seats
            .map(|(worker, seat)| Door::new(served, (seat, worker), removed, replaces(worker)))
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
        if vendor.redis != self.started.redis {
            later.push("state.redis");
        }
        later
    }

    /// The vendor's part as it is served.
    pub(crate) const fn vendor(&self) -> &Arc<VendorConfig> {
        &self.vendor
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
