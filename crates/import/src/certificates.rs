//! Whose a certificate is, when a program loads them all into one list.

use std::collections::HashMap;

use rempart_tenant::HostPattern;

use crate::account::Account;
use crate::site::{Said, Site, set};
use crate::tree::Node;

/// A list of certificates, and how its entries are called.
pub(crate) struct Files<'a> {
    pub(crate) list: &'a [Node],
    pub(crate) certificate: &'static str,
    pub(crate) key: &'static str,
    /// What else an entry has, of no use to the edge.
    pub(crate) others: &'static [&'static str],
}

impl Files<'_> {
    /// Gives each to the site after whose host its file is named: `/certs/museum.example.pem`,
    /// `/certs/museum.example/fullchain.pem`. The only one of the only site needs no name.
    pub(crate) fn give(&self, sites: &mut [Site], account: &mut Account) {
        let names = names(sites);
        let alone = (sites.len() == 1 && self.list.len() == 1).then_some(0);
        for node in self.list {
            let (Some(certificate), Some(key)) = (node.at(self.certificate), node.at(self.key)) else {
                account.left_all(
                    node,
                    "a certificate without its key, or a key without its certificate",
                    "",
                );
                continue;
            };
            let Some(site) = owner(certificate.text().unwrap_or_default(), &names).or(alone) else {
                let instead = "write it as certificate and key_file under [tls] of the tenants whose hosts it has";
                account.left_all(node, "its file's name does not say whose it is", instead);
                continue;
            };
            let settings = &mut sites[site].settings;
            for (node, place) in [(certificate, &mut settings.certificate), (key, &mut settings.key_file)] {
                let path = node.text().unwrap_or_default().to_owned();
                set(place, Said::new(path, node.item).at(1), account);
            }
            for other in self.others.iter().filter_map(|other| node.at(other)) {
                account.understood_all(other, "the edge has one certificate for each tenant, in PEM");
            }
        }
    }
}

/// The site of each host; an exact one goes before the parent of a wildcard.
fn names(sites: &[Site]) -> HashMap<String, usize> {
    let mut names = HashMap::new();
    for wildcards in [false, true] {
        for (index, site) in sites.iter().enumerate() {
            for host in &site.hosts {
                match &host.value {
                    HostPattern::Exact(host) if !wildcards => names.entry(host.to_string()).or_insert(index),
                    HostPattern::OneBelow(host) if wildcards => names.entry(host.to_string()).or_insert(index),
                    _ => continue,
                };
            }
        }
    }
    names
}

/// Whose host is a part of the path, with or without an end such as `.pem`.
fn owner(path: &str, names: &HashMap<String, usize>) -> Option<usize> {
    path.rsplit('/').find_map(|part| {
        let mut name = part;
        loop {
            if let Some(site) = names.get(name) {
                return Some(*site);
            }
            (name, _) = name.rsplit_once('.')?;
        }
    })
}
