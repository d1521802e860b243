//! Which hosts of a tenant have a neighbour below them: a cookie's `Domain` reaches everything below it (RFC 6265
//! section 5.1.3), another client's site included.

use std::collections::HashMap;
use std::sync::Arc;

use rempart_tenant::HostPattern;

use crate::tenant::TenantConfig;

/// Gives each tenant the hosts that a cookie's `Domain` may be. One whose neighbours do not matter stays the same.
pub(crate) fn separate(tenants: &mut [Arc<TenantConfig>]) {
    let below = Below::of(tenants.iter().map(|tenant| tenant.hosts.as_slice()));
    let shortened: Vec<(usize, Vec<String>)> = tenants
        .iter()
        .enumerate()
        .filter_map(|(index, tenant)| {
            let all = exact(&tenant.hosts);
            let own: Vec<&str> = all.filter(|host| !below.another(host, index)).collect();
            let same = tenant.cookie_domains.iter().eq(own.iter());
            (!same).then(|| (index, own.into_iter().map(str::to_owned).collect()))
        })
        .collect();
    for (index, cookie_domains) in shortened {
        let tenant = TenantConfig::clone(&tenants[index]);
        tenants[index] = Arc::new(TenantConfig {
            cookie_domains,
            ..tenant
        });
    }
}

/// The names of a tenant without neighbours.
pub(crate) fn own_names(hosts: &[(String, HostPattern)]) -> Vec<String> {
    let names = hosts.iter().filter_map(|(_, host)| name(host));
    names.map(str::to_owned).collect()
}

/// For each name, the tenant that has a host below it, or that several have.
pub(crate) struct Below<'a>(HashMap<&'a str, Tenants>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tenants {
    One(usize),
    Several,
}

impl<'a> Below<'a> {
    /// Of the hosts of each tenant.
    pub(crate) fn of(tenants: impl Iterator<Item = &'a [HostPattern]>) -> Self {
        let mut below = HashMap::new();
        for (index, hosts) in tenants.enumerate() {
            for name in hosts.iter().flat_map(reached_from) {
                let tenants = below.entry(name).or_insert(Tenants::One(index));
                if *tenants != Tenants::One(index) {
                    *tenants = Tenants::Several;
                }
            }
        }
        Self(below)
    }

    /// Whether another tenant than this one has a host below the name.
    pub(crate) fn another(&self, name: &str, tenant: usize) -> bool {
        self.0.get(name).is_some_and(|tenants| *tenants != Tenants::One(tenant))
    }
}

fn exact(hosts: &[HostPattern]) -> impl Iterator<Item = &str> {
    hosts.iter().filter_map(name)
}

fn name(host: &HostPattern) -> Option<&str> {
    match host {
        HostPattern::Exact(host) => Some(host.as_str()),
        HostPattern::OneBelow(_) => None,
    }
}

/// The names above a host, whose cookies reach it.
fn reached_from(host: &HostPattern) -> impl Iterator<Item = &str> {
    let first = match host {
        HostPattern::Exact(host) => parent(host.as_str()),
        HostPattern::OneBelow(parent) => Some(parent.as_str()),
    };
    std::iter::successors(first, |name| parent(name))
}

fn parent(name: &str) -> Option<&str> {
    Some(name.split_once('.')?.1)
}
