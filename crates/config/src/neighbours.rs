//! Which hosts of a tenant have a neighbour below them: a cookie's `Domain` reaches everything below it (RFC 6265
//! section 5.1.3), another client's site included.

use std::collections::{HashMap, HashSet};

use rempart_tenant::{Host, HostPattern};

use crate::tenant::TenantConfig;

/// Gives each tenant the hosts that a cookie's `Domain` may be.
pub(crate) fn separate(tenants: &mut [TenantConfig]) {
    let mut below: HashMap<&str, HashSet<usize>> = HashMap::new();
    for (index, tenant) in tenants.iter().enumerate() {
        for host in &tenant.hosts {
            for ancestor in reached_from(host) {
                below.entry(ancestor).or_default().insert(index);
            }
        }
    }
    let domains: Vec<Vec<String>> = tenants
        .iter()
        .enumerate()
        .map(|(index, tenant)| {
            let alone = |host: &&Host| {
                below
                    .get(host.as_str())
                    .is_none_or(|of| of.iter().all(|other| *other == index))
            };
            let names = tenant.hosts.iter().filter_map(|host| match host {
                HostPattern::Exact(host) => Some(host),
                HostPattern::OneBelow(_) => None,
            });
            names.filter(alone).map(ToString::to_string).collect()
        })
        .collect();
    for (tenant, domains) in tenants.iter_mut().zip(domains) {
        tenant.cookie_domains = domains;
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
