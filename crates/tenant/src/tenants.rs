use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, Uri, Version};

use crate::{Host, HostError, HostPattern, TenantId, TenantIdError, TenantRefusal, front};

/// Proof that a request or a connection is one tenant's. Only [`Tenants`] makes it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Tenant {
    id: TenantId,
    index: usize,
}

impl Tenant {
    /// The tenant's name.
    #[must_use]
    pub const fn id(&self) -> &TenantId {
        &self.id
    }

    /// The tenant's place in its [`Tenants`], for whoever keeps one thing per tenant in a list.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tenant({})", self.id)
    }
}

/// Which host is whose. Immutable: a reload makes another.
#[derive(Clone, Debug)]
pub struct Tenants(Arc<Map>);

#[derive(Debug, Default)]
struct Map {
    tenants: Vec<Tenant>,
    exact: HashMap<Host, usize>,
    one_below: HashMap<Host, usize>,
}

impl Map {
    /// Who has exactly this pattern.
    fn of(&self, host: &HostPattern) -> Option<&usize> {
        match host {
            HostPattern::Exact(host) => self.exact.get(host),
            HostPattern::OneBelow(parent) => self.one_below.get(parent),
        }
    }
}

impl Tenants {
    /// An empty set to add tenants to.
    #[must_use]
    pub fn builder() -> TenantsBuilder {
        TenantsBuilder {
            map: Map::default(),
            names: HashSet::new(),
        }
    }

    /// All tenants, in the order in which they were added.
    #[must_use]
    pub fn all(&self) -> &[Tenant] {
        &self.0.tenants
    }

    /// The tenant that has this host, if there is one. An exact name goes before a wildcard.
    #[must_use]
    pub fn of_host(&self, host: &Host) -> Option<&Tenant> {
        let exact = || self.0.exact.get(host);
        let one_below = || self.0.one_below.get(host.as_str().split_once('.')?.1);
        exact().or_else(one_below).map(|index| &self.0.tenants[*index])
    }

    /// The tenant of a request that came without TLS, or whose TLS somebody else ended.
    ///
    /// # Errors
    ///
    /// No host, a bad one, or one that no tenant has.
    pub fn of_request(&self, uri: &Uri, headers: &HeaderMap) -> Result<&Tenant, TenantRefusal> {
        let authority = front::authority(uri, headers)?;
        let host = front::host(authority)?;
        self.of_host(&host)
            .ok_or_else(|| TenantRefusal::Unknown(authority.to_owned()))
    }

    /// Checks that a request on a connection whose handshake named `connection`'s tenant is for that tenant.
    ///
    /// # Errors
    ///
    /// As [`of_request`](Self::of_request), or the host of another tenant.
    pub fn agrees(
        &self,
        connection: &Tenant,
        version: Version,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<(), TenantRefusal> {
        let tenant = self.of_request(uri, headers)?;
        if tenant.id == connection.id {
            return Ok(());
        }
        let host = front::authority(uri, headers)?.to_owned();
        let (theirs, ours) = (tenant.id.clone(), connection.id.clone());
        Err(match version {
            Version::HTTP_2 => TenantRefusal::Misdirected(host, theirs, ours),
            _ => TenantRefusal::Foreign(host, theirs, ours),
        })
    }
}

/// Collects tenants and refuses what two of them claim.
#[derive(Debug)]
pub struct TenantsBuilder {
    map: Map,
    names: HashSet<TenantId>,
}

impl TenantsBuilder {
    /// Adds a tenant with its hosts: names, or `*.example.org` for one label below.
    ///
    /// # Errors
    ///
    /// A name or a host that cannot be one, no host at all, or a name or a host that another tenant has already.
    pub fn tenant<H: AsRef<str>>(mut self, id: &str, hosts: impl IntoIterator<Item = H>) -> Result<Self, TenantsError> {
        let id = id.parse().map_err(|error| TenantsError::Id(id.to_owned(), error))?;
        let parse = |host: H| {
            host.as_ref()
                .parse()
                .map_err(|error| TenantsError::Host(host.as_ref().to_owned(), error))
        };
        let hosts = hosts.into_iter().map(parse).collect::<Result<Vec<HostPattern>, _>>()?;
        self.add(id, hosts)?;
        Ok(self)
    }

    /// Adds a tenant whose name and hosts were read already.
    ///
    /// # Errors
    ///
    /// No host at all, or a name or a host that another tenant has already. Nothing is added then.
    pub fn add(&mut self, id: TenantId, hosts: impl IntoIterator<Item = HostPattern>) -> Result<(), TenantsError> {
        let hosts: Vec<HostPattern> = hosts.into_iter().collect();
        if self.names.contains(&id) {
            return Err(TenantsError::Twice(id));
        }
        if hosts.is_empty() {
            return Err(TenantsError::NoHost(id));
        }
        if let Some((pattern, other)) = hosts.iter().find_map(|host| Some((host, *self.map.of(host)?))) {
            return Err(TenantsError::Claimed {
                host: pattern.clone(),
                tenant: id,
                other: self.map.tenants[other].id.clone(),
            });
        }
        let index = self.map.tenants.len();
        for host in hosts {
            match host {
                HostPattern::Exact(host) => self.map.exact.insert(host, index),
                HostPattern::OneBelow(parent) => self.map.one_below.insert(parent, index),
            };
        }
        self.names.insert(id.clone());
        self.map.tenants.push(Tenant { id, index });
        Ok(())
    }

    /// The finished set.
    #[must_use]
    pub fn build(self) -> Tenants {
        Tenants(Arc::new(self.map))
    }
}

/// Why a set of tenants cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TenantsError {
    /// A name that cannot be a tenant's.
    #[error("{0:?}: {1}")]
    Id(String, TenantIdError),
    /// A host that cannot be one.
    #[error("host {0:?}: {1}")]
    Host(String, HostError),
    /// Two tenants of one name.
    #[error("there are two tenants named {0}")]
    Twice(TenantId),
    /// A tenant that nobody can reach.
    #[error("{0} has no host")]
    NoHost(TenantId),
    /// A host that two tenants want.
    #[error("{tenant} and {other} both claim the host {host}")]
    Claimed {
        /// The host.
        host: HostPattern,
        /// Who wants it.
        tenant: TenantId,
        /// Who has it.
        other: TenantId,
    },
}
