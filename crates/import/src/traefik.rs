//! Stops a rule of Traefik from being lost on the way: reads the dynamic configuration of its file provider, TOML or YAML,
//! drafts a tenant for each set of hosts, and answers for every value.
//!
//! # What is carried
//!
//! | Traefik | tenant's file |
//! |---|---|
//! | `rule` with `Host`, `\|\|`, and `Path` or `PathPrefix` beside it | `hosts`, and the routes of quotas |
//! | `services.….loadBalancer.servers`, the first one | `upstream.url` |
//! | `serversTransports.….forwardingTimeouts` | `upstream.connect_timeout`, `upstream.response_timeout` |
//! | `tls.certificates` whose file is named after a host | `tls` |
//! | `rateLimit` | `rate_limit.quotas` |
//! | `headers`: HSTS, framing, referrer policy, removed headers | `headers` |
//! | `redirectScheme` to https | nothing: the edge does that |
//!
//! YAML is read with saphyr-parser, which knows the place of every word and bounds its own nesting. The forks of
//! `serde_yaml` know no places, and `serde-saphyr` only those of values that one has a type for.

mod middleware;
mod rule;
mod service;

use std::collections::{HashMap, HashSet};

use rempart_tenant::HostPattern;

use crate::account::{Account, Item};
use crate::certificates::Files;
use crate::entry::{Import, ImportError};
use crate::gather::gather;
use crate::site::{Said, Scope, Settings, Site};
use crate::tree::{self, Node};

/// Drafts a tenant for each set of hosts of a dynamic configuration. `file` is how messages name it, and by its end
/// (`.toml`, `.yml`, `.yaml`) the notation is known.
///
/// # Errors
///
/// A text that is neither TOML nor YAML, or has neither routers nor services, with the place where that shows.
pub fn import(text: &str, file: &str) -> Result<Import, ImportError> {
    ImportError::bound_text(text, file)?;
    let mut root = read(text, file)?;
    if ["http", "tls", "tcp", "udp"].iter().all(|key| root.at(key).is_none()) {
        let error = ImportError::new(
            file,
            (1, 1),
            "there is no `http` here: this is no dynamic configuration of Traefik",
        );
        return Err(
            error.help("give the file that holds the routers: [providers.file] of the static configuration names it")
        );
    }
    let mut account = Account::default();
    root.enter(&mut account, file, "");
    let mut traefik = Traefik::new(&root, account);
    traefik.routers();
    traefik.certificates();
    Ok(traefik.finish())
}

fn read(text: &str, file: &str) -> Result<Node, ImportError> {
    let end = file.rsplit_once('.').map_or("", |(_, end)| end);
    match end.to_ascii_lowercase().as_str() {
        "toml" => tree::toml(text, file),
        "yml" | "yaml" => tree::yaml(text, file),
        // A table header or an equals sign on the first line that says something is TOML's.
        _ => {
            let mut lines = text
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty() && !line.starts_with('#'));
            let is_toml = lines
                .next()
                .is_some_and(|line| line.starts_with('[') || line.contains('='));
            if is_toml {
                tree::toml(text, file)
            } else {
                tree::yaml(text, file)
            }
        }
    }
}

/// What is known while the routers are read.
struct Traefik<'a> {
    root: &'a Node,
    account: Account,
    sites: Vec<Site>,
    /// The site of each set of hosts.
    of_hosts: HashMap<Vec<String>, usize>,
    /// Middlewares, services and transports that a router uses.
    used: HashSet<Item>,
}

impl<'a> Traefik<'a> {
    fn new(root: &'a Node, account: Account) -> Self {
        Self {
            root,
            account,
            sites: Vec::new(),
            of_hosts: HashMap::new(),
            used: HashSet::new(),
        }
    }

    /// What is defined under `http` by a name; `museum@file` is `museum`.
    fn defined(&self, kind: &str, name: &str) -> Option<&'a Node> {
        let name = match name.split_once('@') {
            Some((name, "file")) => name,
            Some(_) => return None,
            None => name,
        };
        self.root.path(&["http", kind, name])
    }

    fn routers(&mut self) {
        let routers = self
            .root
            .path(&["http", "routers"])
            .map(Node::entries)
            .unwrap_or_default();
        for (_, router) in routers {
            self.router(router);
        }
    }

    fn router(&mut self, router: &'a Node) {
        let Some(rule) = router.at("rule") else {
            return self.account.left_all(router, "a router without a rule", "");
        };
        match rule::read(rule.text().unwrap_or_default()) {
            Ok(read) => self.route(router, rule, &read),
            Err(why) => {
                let warns = "write a tenant's file for its hosts by hand";
                self.account.left_all(
                    router,
                    format!("its rule cannot be said with hosts and paths: {why}"),
                    warns,
                );
            }
        }
    }

    fn route(&mut self, router: &'a Node, rule: &Node, read: &rule::Rule) {
        let mut hosts = Vec::new();
        for host in &read.hosts {
            match host.parse::<HostPattern>() {
                Ok(host) => hosts.push(Said::new(host, rule.item)),
                Err(error) => self.account.left(rule.item, format!("`{host}`: {error}")),
            }
        }
        if hosts.is_empty() {
            return self
                .account
                .left_all(router, "it names no host, and a tenant has hosts", "");
        }
        let site = self.site_of(hosts, router);
        // A site is out of its place while its router is read: middlewares and services are looked up meanwhile.
        let nobody = Site::new(router.item, Settings::default());
        let mut current = std::mem::replace(&mut self.sites[site], nobody);
        let scope = read.routes.clone().map_or(Scope::All(1), Scope::Paths);
        self.values(router, &scope, &mut current);
        self.account.carried(rule.item);
        self.sites[site] = current;
    }

    /// The site of a set of hosts.
    fn site_of(&mut self, hosts: Vec<Said<HostPattern>>, router: &Node) -> usize {
        let mut names: Vec<String> = hosts.iter().map(|host| host.value.to_string()).collect();
        names.sort();
        if let Some(site) = self.of_hosts.get(&names) {
            return *site;
        }
        self.of_hosts.insert(names, self.sites.len());
        let mut site = Site::new(
            router.at("rule").map_or(router.item, |rule| rule.item),
            Settings::default(),
        );
        site.hosts = hosts;
        self.sites.push(site);
        self.sites.len() - 1
    }

    /// Everything that a router says besides its rule. Middlewares come first: one that only redirects needs no service.
    fn values(&mut self, router: &'a Node, scope: &Scope, site: &mut Site) {
        let redirects = router
            .at("middlewares")
            .is_some_and(|list| self.middlewares(list, scope, site, 0));
        for (key, node) in router.entries() {
            match key.as_str() {
                "rule" | "middlewares" => {}
                "service" if redirects => self.account.understood(node.item, "the router only redirects"),
                "service" => self.service(node, scope, site),
                "entryPoints" => {
                    let why = "where the edge listens is said once, under [listen] in rempart.toml";
                    self.account.understood_all(node, why);
                }
                "priority" | "ruleSyntax" => {
                    self.account
                        .understood(node.item, "an exact host goes before a wildcard at the edge");
                }
                "tls" => self.router_tls(node, site),
                _ => self.account.left_all(node, "the edge has no such key", ""),
            }
        }
    }

    fn router_tls(&mut self, tls: &Node, site: &mut Site) {
        site.secure = true;
        if tls.entries().is_empty() {
            return self.account.understood(tls.item, "the edge always serves HTTPS");
        }
        for (key, node) in tls.entries() {
            match key.as_str() {
                "certResolver" | "domains" => {
                    let why = "the edge obtains no certificates";
                    self.account
                        .left_all(node, why, "write certificate and key_file under [tls]");
                }
                "options" => self.account.left(node.item, "the edge has its own strict TLS"),
                _ => self.account.left_all(node, "the edge has no such key", ""),
            }
        }
    }

    fn certificates(&mut self) {
        let certificates = self
            .root
            .path(&["tls", "certificates"])
            .map(Node::items)
            .unwrap_or_default();
        let files = Files {
            list: certificates,
            certificate: "certFile",
            key: "keyFile",
            others: &["stores"],
        };
        files.give(&mut self.sites, &mut self.account);
    }

    /// Drafts, and answers for what no router uses and for what is no router.
    fn finish(mut self) -> Import {
        for kind in ["middlewares", "services", "serversTransports"] {
            let defined = self.root.path(&["http", kind]).map(Node::entries).unwrap_or_default();
            for (_, node) in defined.iter().filter(|(_, node)| !self.used.contains(&node.item)) {
                self.account.left_all(node, "no router that was drafted uses it", "");
            }
        }
        self.others();
        let drafts = gather(self.sites, "Traefik", &mut self.account);
        Import {
            drafts,
            entries: self.account.close("this import does not know the key"),
        }
    }

    fn others(&mut self) {
        for (key, node) in self.root.entries() {
            match key.as_str() {
                "http" => {}
                "tls" => self.tls_options(node),
                "tcp" | "udp" => self.account.left_all(node, "the edge serves HTTP", ""),
                _ => self.account.left_all(
                    node,
                    "it belongs to Traefik's static configuration",
                    "see [listen] and [client] of rempart.toml",
                ),
            }
        }
    }

    fn tls_options(&mut self, tls: &Node) {
        for (key, node) in tls.entries() {
            match key.as_str() {
                "certificates" => {}
                "options" => {
                    let why = "the edge has its own strict TLS, 1.2 and 1.3, and asks for no client certificates";
                    self.account.left_all(node, why, "");
                }
                "stores" => self
                    .account
                    .left_all(node, "an unknown host gets no certificate at the edge", ""),
                _ => self.account.left_all(node, "the edge has no such key", ""),
            }
        }
    }
}
