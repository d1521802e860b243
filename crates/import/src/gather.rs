//! From blocks to tenants: what is one site becomes one draft, and no host is in two.

use std::collections::HashMap;

use rempart_tenant::HostPattern;

use crate::account::{Account, Item};
use crate::ids::Names;
use crate::site::{Door, Redirect, Said, Settings, Site, choose, settle};
use crate::{Certificate, TenantDraft};

/// Drafts a tenant for each site. `program` is where they come from: `"nginx"`.
///
/// Blocks are one site when they have a host in common (with `www.` or without) and the same application, or when all
/// hosts of one are the other's too. A block that only redirects belongs to the site whose hosts it redirects.
pub(crate) fn gather(sites: Vec<Site>, program: &str, account: &mut Account) -> Vec<TenantDraft> {
    let (redirecting, serving): (Vec<Site>, Vec<Site>) = sites.into_iter().partition(Site::only_redirects);
    let mut groups = group(serving, account);
    let mut owners = owners(&mut groups, account);
    for site in redirecting {
        attach(site, &mut groups, &mut owners, account);
    }
    let mut names = Names::default();
    let groups = groups
        .into_iter()
        .filter(|group| !group.hosts.is_empty() || group.had_no_hosts);
    groups
        .map(|group| group.into_draft(&mut names, program, account))
        .collect()
}

/// What becomes one tenant.
struct Group {
    /// The blocks, in the order of the input.
    blocks: Vec<Item>,
    hosts: Vec<Said<HostPattern>>,
    had_no_hosts: bool,
    doors: Vec<Door>,
    settings: Settings,
    secure: bool,
    likely_preset: Option<&'static str>,
    notes: Vec<String>,
}

/// A host as it is compared here: without a `www.` before it.
fn plain(host: &HostPattern) -> String {
    let name = host.to_string();
    name.strip_prefix("www.").map(str::to_owned).unwrap_or(name)
}

fn group(sites: Vec<Site>, account: &mut Account) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut known: HashMap<String, Vec<usize>> = HashMap::new();
    for site in sites {
        let mut near: Vec<usize> = site
            .hosts
            .iter()
            .flat_map(|host| known.get(&plain(&host.value)).into_iter().flatten().copied())
            .collect();
        near.sort_unstable();
        near.dedup();
        let of = near.into_iter().find(|index| groups[*index].is_one_with(&site));
        let index = of.unwrap_or(groups.len());
        for host in &site.hosts {
            let places = known.entry(plain(&host.value)).or_default();
            if places.last() != Some(&index) {
                places.push(index);
            }
        }
        match of {
            Some(index) => groups[index].join(site, account),
            None => groups.push(Group::new(site, account)),
        }
    }
    groups
}

impl Group {
    fn new(site: Site, account: &mut Account) -> Self {
        let mut hosts: Vec<Said<HostPattern>> = Vec::new();
        for host in site.hosts {
            // A host that is said twice is there once.
            match hosts.iter().any(|here| here.value == host.value) {
                true => account.carried(host.item),
                false => hosts.push(host),
            }
        }
        Self {
            blocks: vec![site.item],
            had_no_hosts: hosts.is_empty(),
            hosts,
            doors: site.doors,
            settings: site.settings,
            secure: site.secure,
            likely_preset: site.likely_preset,
            notes: site.notes,
        }
    }

    fn is_one_with(&self, site: &Site) -> bool {
        let url = |doors| choose(doors).and_then(|door| door.url.as_ref().ok());
        let within = |one: &[Said<HostPattern>], other: &[Said<HostPattern>]| {
            one.iter()
                .all(|host| other.iter().any(|there| plain(&there.value) == plain(&host.value)))
        };
        url(&self.doors).is_some_and(|here| url(&site.doors) == Some(here))
            || within(&self.hosts, &site.hosts)
            || within(&site.hosts, &self.hosts)
    }

    /// Takes in another block. What the one for HTTPS says goes before what the one for plain HTTP says.
    fn join(&mut self, site: Site, account: &mut Account) {
        let mut other = Self::new(site, account);
        if other.secure && !self.secure {
            std::mem::swap(self, &mut other);
        }
        self.blocks.append(&mut other.blocks);
        self.blocks.sort_unstable();
        for host in other.hosts {
            if self.hosts.iter().any(|here| here.value == host.value) {
                account.carried(host.item);
            } else {
                self.hosts.push(host);
            }
        }
        self.doors.append(&mut other.doors);
        self.settings.merge(other.settings, account);
        self.likely_preset = self.likely_preset.or(other.likely_preset);
        self.notes.append(&mut other.notes);
    }

    fn into_draft(self, names: &mut Names, program: &str, account: &mut Account) -> TenantDraft {
        let mut draft = TenantDraft::new(names.name(self.hosts.first().map(|host| &host.value)));
        let places: Vec<String> = self.blocks.iter().map(|block| account.place(*block)).collect();
        draft.origin = Some(format!("{program}: {}", places.join(", ")));
        for block in &self.blocks {
            account.carried(*block);
        }
        draft.likely_preset = self.likely_preset;
        draft.notes = self.notes;
        draft.upstream = settle(&self.doors, account);
        if let (
            None,
            Some(Door {
                url: Err(why), items, ..
            }),
        ) = (&draft.upstream, self.doors.first())
        {
            let place = items.first().map_or_else(String::new, |item| account.place(*item));
            draft
                .notes
                .push(format!("{place}: {why}. [upstream] url is to be filled in."));
        }
        let mut take = Take(account);
        draft.hosts = self.hosts.into_iter().map(|host| take.one(host)).collect();
        take.settings(self.settings, &mut draft);
        draft.notes.sort();
        draft.notes.dedup();
        draft
    }
}

/// What comes into a draft is carried.
struct Take<'a>(&'a mut Account);

impl Take<'_> {
    fn one<T>(&mut self, said: Said<T>) -> T {
        self.0.carried(said.item);
        said.value
    }

    fn maybe<T>(&mut self, said: Option<Said<T>>) -> Option<T> {
        said.map(|said| self.one(said))
    }

    fn settings(&mut self, settings: Settings, draft: &mut TenantDraft) {
        draft.connect_timeout = self.maybe(settings.connect_timeout);
        draft.response_timeout = self.maybe(settings.response_timeout);
        draft.same_site = self.maybe(settings.same_site);
        draft.hsts = self.maybe(settings.hsts);
        draft.frame_ancestors = self.maybe(settings.frame_ancestors);
        draft.referrer_policy = self.maybe(settings.referrer_policy);
        draft.remove = settings.remove.into_iter().map(|name| self.one(name)).collect();
        draft.remove.sort();
        draft.remove.dedup();
        draft.quotas = settings.quotas.into_iter().map(|quota| self.one(quota)).collect();
        match (settings.certificate, settings.key_file) {
            (Some(certificate), Some(key_file)) => {
                let (certificate, key_file) = (self.one(certificate), self.one(key_file));
                draft.certificate = Some(Certificate { certificate, key_file });
            }
            (Some(half), None) => self.0.left(half.item, "a certificate without its key"),
            (None, Some(half)) => self.0.left(half.item, "a key without its certificate"),
            (None, None) => {}
        }
    }
}

/// Which group has which host.
#[derive(Default)]
struct Owners {
    of: HashMap<HostPattern, usize>,
    /// By the host without a `www.`.
    near: HashMap<String, usize>,
}

impl Owners {
    /// Gives a host to a group unless another has it, and says which has it.
    fn claim(&mut self, host: &HostPattern, group: usize) -> usize {
        self.near.entry(plain(host)).or_insert(group);
        *self.of.entry(host.clone()).or_insert(group)
    }

    fn of(&self, host: &HostPattern) -> Option<usize> {
        self.of.get(host).copied()
    }

    fn near(&self, host: &HostPattern) -> Option<usize> {
        self.near.get(&plain(host)).copied()
    }
}

/// Gives each host to the first group that has it; a host that several have is taken from the others.
fn owners(groups: &mut [Group], account: &mut Account) -> Owners {
    let mut owners = Owners::default();
    let firsts: Vec<Item> = groups.iter().map(|group| group.blocks[0]).collect();
    for (index, group) in groups.iter_mut().enumerate() {
        group.hosts.retain(|host| {
            let owner = owners.claim(&host.value, index);
            if owner != index {
                let first = account.place(firsts[owner]);
                let why = format!(
                    "`{}` is a host of the site at {first} already, with another application",
                    host.value
                );
                account.left_but(host.item, why, "a host belongs to one tenant");
            }
            owner == index
        });
        if group.hosts.is_empty() && !group.had_no_hosts {
            settle(&group.doors, account);
            for block in &group.blocks {
                account.left(
                    *block,
                    "all its hosts belong to another site, so that nothing was drafted for it",
                );
            }
        }
    }
    owners
}

/// Gives a block that only redirects to the site whose hosts it redirects, and that site the hosts that nobody has.
fn attach(site: Site, groups: &mut [Group], owners: &mut Owners, account: &mut Account) {
    let target = match &site.redirect {
        Some(Redirect::To(host)) => host.parse().ok().and_then(|host| owners.of(&host)),
        _ => None,
    };
    let mut involved = None;
    for host in site.hosts {
        let owner = owners.of(&host.value);
        let Some(index) = owner.or(target).or_else(|| owners.near(&host.value)) else {
            account.left(
                host.item,
                format!("nothing serves `{}`: it is only redirected", host.value),
            );
            continue;
        };
        involved = involved.or(Some(index));
        account.carried(host.item);
        if owner.is_none() {
            owners.claim(&host.value, index);
            groups[index].hosts.push(host);
        }
    }
    match involved {
        Some(index) => {
            groups[index].settings.merge(site.settings, account);
            groups[index].notes.extend(site.notes);
            account.understood(site.item, "it only redirects");
        }
        None => account.left(site.item, "it serves no host, so that nothing was drafted for it"),
    }
}
