//! What can be asked of a roster: how its tenants stand, what is wrong, what is to be kept.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use rempart_config::{Diagnostics, TenantConfig, TlsSource};
use rempart_sessions::Sessions;
use rempart_tenant::{TenantId, TenantKeys};

use super::{Member, Roster};
use crate::outcome::{CountTable, Load, TenantStatus};
use crate::served::Served;
use crate::{remember, rooms};

impl Roster {
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

    /// The same, with the tenant's keys.
    pub(crate) fn sessions_and_keys(&self, tenant: &TenantId) -> Option<(Arc<Sessions>, TenantKeys)> {
        let served = self.members.get(tenant)?.served.as_ref()?;
        Some((Arc::clone(served.controls.sessions()), served.ring.tenant(tenant)))
    }

    /// What limits have to bear.
    pub(crate) fn load(&self) -> Load {
        let rooms = self.served().filter_map(|(served, _)| {
            let room = served.controls.waiting_room()?;
            Some((served.config.id.clone(), room.occupancy()))
        });
        Load {
            shares: self.commons.shares().usage(),
            tables: self.served().flat_map(|(served, _)| tables(served)).collect(),
            rooms: rooms.collect(),
            store: self.commons.store_stats(),
        }
    }

    /// Who is in waiting rooms, and where that is kept; nothing of a room that nobody is in.
    pub(crate) fn rooms(&self) -> Vec<(PathBuf, Option<Vec<u8>>)> {
        let rooms = self.served().filter_map(|(served, _)| {
            let room = served.controls.waiting_room()?;
            let there = room.occupancy();
            let kept = (there.inside + there.waiting > 0).then(|| room.keep());
            Some((rooms::place(&self.started.state, &served.config.id), kept))
        });
        rooms.collect()
    }

    /// Sessions of which something was ended and not kept yet.
    pub(crate) fn unsaved_sessions(&self) -> Vec<Arc<Sessions>> {
        let all = self.served().map(|(served, _)| served.controls.sessions());
        all.filter(|sessions| sessions.is_unsaved()).map(Arc::clone).collect()
    }
}

/// The tables of one tenant that hold something.
fn tables(served: &Served) -> Vec<CountTable> {
    let table = |feature: &'static str, limit: &str, bytes: usize, overflowed: u64| CountTable {
        tenant: served.config.id.clone(),
        feature,
        limit: limit.to_owned(),
        bytes,
        overflowed,
    };
    let quotas = served.controls.rate_limit().tables();
    let quotas = quotas.map(|one| table("rate_limit", one.quota, one.bytes, one.overflowed));
    let logins = served.controls.login().into_iter().flat_map(|guard| guard.tables());
    let logins = logins.map(|one| table("login", one.limit, one.bytes, one.overflowed));
    quotas.chain(logins).filter(|table| table.bytes > 0).collect()
}
