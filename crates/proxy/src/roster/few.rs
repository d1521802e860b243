//! The usual reload: some files changed, and nobody else can notice.
//!
//! Who is served as what is decided among all tenants, because two may want one host, and because a cookie's `Domain` may
//! reach a neighbour's. Where every tenant that changed was right and is right, and has the hosts that it had, nothing is
//! there to decide, and ten thousand others need not be gone through.

use std::sync::Arc;

use rempart_config::{Diagnostics, Reading, Scope, Standing, TenantConfig, TenantFile, TenantState};

use super::{Member, PreparedTenant, Roster};
use crate::served::Served;

impl Roster {
    /// Those that changed, when nobody else can be touched by it; `None` when all have to be settled together.
    pub(super) fn few(&self, reading: &Reading, scope: &Scope) -> Option<Vec<PreparedTenant>> {
        if reading.files.len() != self.members.len() {
            return None;
        }
        // Both are by name: where a file is not the same object, `alone` looks whether it is the same tenant's.
        let pairs = self.members.values().zip(&reading.files);
        let looked_at: Vec<_> = pairs
            .filter(|(member, file)| !Arc::ptr_eq(&member.file, file) || scope.includes(file.id()))
            .collect();
        let alone = self.on_cores(looked_at, |(member, file)| self.alone(member, file, scope));
        alone.into_iter().filter_map(Alone::changed).collect()
    }

    fn alone(&self, member: &Member, file: &Arc<TenantFile>, scope: &Scope) -> Alone {
        let was = member.served.as_ref().filter(|_| member.is_right(file));
        let (Some(was), Ok(config)) = (was, file.tenant()) else {
            return Alone::Entangled;
        };
        if config.hosts != was.config.hosts {
            return Alone::Entangled;
        }
        let Ok((_, site)) = self.version(file, scope) else {
            return Alone::Entangled;
        };
        if Arc::ptr_eq(&member.file, file) && site.is(&was.site) {
            return Alone::Unchanged;
        }
        Alone::Changed(Box::new(PreparedTenant {
            file: Arc::clone(file),
            standing: Standing {
                state: TenantState::Current,
                tenant: Some(beside_its_neighbours(config, was)),
                wrong: Diagnostics::default(),
            },
            site: Some(site),
            since: None,
        }))
    }
}

impl Member {
    /// Whether nothing is wrong with this tenant, and the file is its file.
    fn is_right(&self, file: &TenantFile) -> bool {
        self.state == TenantState::Current && self.wrong.is_empty() && self.file.id() == file.id()
    }
}

/// What becomes of a tenant without a look at the others.
enum Alone {
    Unchanged,
    Changed(Box<PreparedTenant>),
    /// That cannot be said.
    Entangled,
}

impl Alone {
    fn changed(self) -> Option<Option<PreparedTenant>> {
        match self {
            Self::Unchanged => None,
            Self::Changed(tenant) => Some(Some(*tenant)),
            Self::Entangled => Some(None),
        }
    }
}

/// With the same hosts among the same neighbours, cookies may be for the same domains.
fn beside_its_neighbours(config: &Arc<TenantConfig>, was: &Served) -> Arc<TenantConfig> {
    if config.cookie_domains == was.config.cookie_domains {
        return Arc::clone(config);
    }
    Arc::new(TenantConfig {
        cookie_domains: was.config.cookie_domains.clone(),
        ..TenantConfig::clone(config)
    })
}
