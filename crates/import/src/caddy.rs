//! Stops a rule of Caddy from being lost on the way: reads Caddy's own JSON, drafts a tenant for each set of hosts, and
//! answers for every value.
//!
//! A Caddyfile is not read: what it means is known to Caddy and its plugins only. `caddy adapt` prints the JSON of it, and
//! the error for a Caddyfile says so. With `--pretty` the lines of the answer are worth something.
//!
//! # What is carried
//!
//! | Caddy | tenant's file |
//! |---|---|
//! | `match` of `host`, with `path` beside it | `hosts` |
//! | `reverse_proxy`, the first of its `upstreams` | `upstream.url` |
//! | `transport` of it: `dial_timeout`, `response_header_timeout` | `upstream.connect_timeout`, `upstream.response_timeout` |
//! | `headers`: HSTS, framing, referrer policy, removed headers | `headers` |
//! | `apps.tls.certificates.load_files` whose file is named after a host | `tls` |
//! | `static_response` with a redirect to https | nothing: the edge does that |
//!
//! Caddy gets certificates by itself; the edge wants two files under `[tls]`.

mod handlers;
mod matches;

use std::collections::HashMap;

use crate::account::Account;
use crate::certificates::Files;
use crate::entry::{Import, ImportError};
use crate::gather::gather;
use crate::site::{Said, Scope, Settings, Site};
use crate::tree::{self, Node};

/// Drafts a tenant for each set of hosts of a configuration in JSON. `file` is how messages name it.
///
/// # Errors
///
/// A text that is no JSON (with what to do when it is a Caddyfile), or has no `apps`.
pub fn import(text: &str, file: &str) -> Result<Import, ImportError> {
    ImportError::bound_text(text, file)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !is_json(text) {
        let error = ImportError::new(file, (1, 1), "this is a Caddyfile, or something else that is no JSON");
        return Err(error.help(
            "`caddy adapt --config Caddyfile --pretty > caddy.json` makes the JSON of a Caddyfile: import that",
        ));
    }
    let mut root = tree::json(text, file)?;
    if root.at("apps").is_none() {
        let error = ImportError::new(
            file,
            (1, 1),
            "there are no `apps` here: this is no configuration of Caddy",
        );
        return Err(
            error.help("give what `caddy adapt --pretty` prints, or what is at /config/ of Caddy's admin address")
        );
    }
    let mut account = Account::default();
    root.enter(&mut account, file, "");
    let mut caddy = Caddy {
        account,
        sites: Vec::new(),
        of_hosts: HashMap::new(),
    };
    caddy.top(&root);
    Ok(caddy.finish())
}

/// A Caddyfile may begin with a brace too, but then no quote, brace or nothing follows.
fn is_json(text: &str) -> bool {
    let mut letters = text.chars().filter(|c| !c.is_whitespace());
    match letters.next() {
        Some('{') => matches!(letters.next(), Some('"' | '}') | None),
        Some('[' | '"') => true,
        _ => false,
    }
}

/// Whether a route does nothing but refuse.
fn refuses(route: &Node) -> bool {
    let text = |node: &Node, key: &str| node.at(key).and_then(Node::text).map(str::to_owned);
    let handlers = route.at("handle").map(Node::items).unwrap_or_default();
    let is_refusal = |node: &Node| {
        let status = text(node, "status_code").unwrap_or_default();
        text(node, "handler").as_deref() == Some("static_response")
            && (status.starts_with('4') || text(node, "abort").is_some())
    };
    !handlers.is_empty() && handlers.iter().all(is_refusal)
}

/// What is known while the routes are read.
struct Caddy {
    account: Account,
    sites: Vec<Site>,
    /// The site of each set of hosts.
    of_hosts: HashMap<Vec<String>, usize>,
}

impl Caddy {
    fn top(&mut self, root: &Node) {
        for (key, node) in root.entries() {
            match key.as_str() {
                "apps" => self.apps(node),
                "admin" | "logging" | "storage" => {
                    self.account
                        .understood_all(node, "how Caddy runs; the edge has its own files and its own log");
                }
                _ => self.account.left_all(node, "the edge has no such key", ""),
            }
        }
    }

    fn apps(&mut self, apps: &Node) {
        let servers = apps.path(&["http", "servers"]).map(Node::entries).unwrap_or_default();
        for (_, server) in servers {
            self.server(server);
        }
        for (key, node) in apps.entries() {
            match key.as_str() {
                "http" => self.http(node),
                "tls" => self.tls(node),
                "pki" => self.account.left_all(node, "the edge has a development CA only", ""),
                _ => self.account.left_all(node, "the edge serves HTTP", ""),
            }
        }
    }

    fn http(&mut self, http: &Node) {
        for (key, node) in http.entries().iter().filter(|(key, _)| key != "servers") {
            match key.as_str() {
                "http_port" | "https_port" | "grace_period" | "shutdown_delay" => {
                    self.account.left_all(
                        node,
                        "it is said once for all tenants",
                        "see [listen] and [shutdown] of rempart.toml",
                    );
                }
                _ => self.account.left_all(node, "the edge has no such key", ""),
            }
        }
    }

    fn server(&mut self, server: &Node) {
        let listen = server.at("listen").map(Node::items).unwrap_or_default();
        let is_plain = |node: &Node| node.text().is_some_and(|address| address.ends_with(":80"));
        let secure = !listen.iter().all(is_plain);
        for (key, node) in server.entries() {
            match key.as_str() {
                "listen" => self.listen(node),
                "routes" => {
                    for route in node.items() {
                        self.top_route(route, secure);
                    }
                }
                "automatic_https"
                | "protocols"
                | "read_timeout"
                | "read_header_timeout"
                | "write_timeout"
                | "idle_timeout"
                | "keepalive_interval"
                | "max_header_bytes"
                | "strict_sni_host"
                | "logs"
                | "metrics" => {
                    self.account
                        .understood_all(node, "the edge has its own deadlines, limits, log and strict HTTPS");
                }
                "tls_connection_policies" => {
                    self.account.left_all(
                        node,
                        "the edge has its own strict TLS, and asks for no client certificates",
                        "",
                    );
                }
                "trusted_proxies" | "client_ip_headers" | "trusted_proxies_strict" => {
                    let why = "whose word about the client's address counts is said once for all tenants";
                    self.account
                        .left_all(node, why, "write [client] trusted_proxies in rempart.toml");
                }
                "errors" => {
                    self.account
                        .left_all(node, "the edge has its own pages, and passes the application's on", "")
                }
                _ => self.account.left_all(node, "the edge has no such key", ""),
            }
        }
    }

    fn listen(&mut self, list: &Node) {
        for node in list.items() {
            match node.text().and_then(|address| address.rsplit_once(':')) {
                Some((_, "80" | "443")) => {
                    let why = "where the edge listens is said once, under [listen] in rempart.toml";
                    self.account.understood(node.item, why);
                }
                _ => {
                    let instead = "write it under [listen] in rempart.toml";
                    self.account
                        .left_all(node, "where the edge listens is said once for all tenants", instead);
                }
            }
        }
    }

    /// A route of a server: it must name hosts, or be nothing but a redirect.
    fn top_route(&mut self, route: &Node, secure: bool) {
        let matched = match matches::read(route.at("match")) {
            Ok(matched) => matched,
            Err(why) => {
                let instead = "look whether it is a rule of access before the tenant is served";
                return self.account.left_all(route, why, instead);
            }
        };
        if matched.hosts.is_empty() && refuses(route) {
            return self
                .account
                .understood_all(route, "the edge refuses every host that no tenant has");
        }
        if matched.hosts.is_empty() {
            return self
                .account
                .left_all(route, "it answers for every host, and a tenant has hosts", "");
        }
        let Some(index) = self.site_of(&matched, route) else {
            return self
                .account
                .left_all(route, "it names no host that a tenant can have", "");
        };
        let nobody = Site::new(route.item, Settings::default());
        let mut site = std::mem::replace(&mut self.sites[index], nobody);
        site.secure |= secure;
        let scope = matched.routes.map_or(Scope::All(1), Scope::Paths);
        self.handled(route, &scope, &mut site);
        self.sites[index] = site;
    }

    fn site_of(&mut self, matched: &matches::Matched<'_>, route: &Node) -> Option<usize> {
        let mut hosts = Vec::new();
        for (host, item) in &matched.hosts {
            match host.parse() {
                Ok(host) => hosts.push(Said::new(host, *item)),
                Err(error) => self.account.left(*item, format!("`{host}`: {error}")),
            }
        }
        let mut names: Vec<String> = hosts
            .iter()
            .map(|host: &Said<rempart_tenant::HostPattern>| host.value.to_string())
            .collect();
        names.sort();
        if names.is_empty() {
            return None;
        }
        if let Some(index) = self.of_hosts.get(&names) {
            for host in &hosts {
                self.account.carried(host.item);
            }
            return Some(*index);
        }
        self.of_hosts.insert(names, self.sites.len());
        let item = matched.hosts.first().map_or(route.item, |(_, item)| *item);
        let mut site = Site::new(item, Settings::default());
        site.hosts = hosts;
        self.sites.push(site);
        Some(self.sites.len() - 1)
    }

    fn tls(&mut self, tls: &Node) {
        let files = tls
            .path(&["certificates", "load_files"])
            .map(Node::items)
            .unwrap_or_default();
        let files = Files {
            list: files,
            certificate: "certificate",
            key: "key",
            others: &["tags", "format"],
        };
        files.give(&mut self.sites, &mut self.account);
        let automated = tls.path(&["certificates", "automate"]);
        let others = tls
            .entries()
            .iter()
            .filter(|(key, _)| key != "certificates")
            .map(|(_, node)| node);
        for node in others.chain(automated) {
            self.account.left_all(
                node,
                "the edge obtains no certificates",
                "write certificate and key_file under [tls]",
            );
        }
    }

    fn finish(mut self) -> Import {
        let drafts = gather(self.sites, "Caddy", &mut self.account);
        Import {
            drafts,
            entries: self.account.close("this import does not know the key"),
        }
    }
}
