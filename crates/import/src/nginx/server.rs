//! `server` blocks: names, ports, redirects.

use std::collections::HashMap;

use rempart_tenant::HostPattern;

use super::Nginx;
use super::directive::Directive;
use crate::account::Item;
use crate::site::{Redirect, Said, Scope, Site};

impl<'a> Nginx<'a> {
    /// Reads a `server` block; `None` when it is nothing but the refusal of unknown hosts.
    pub(super) fn server(&mut self, block: &'a Directive, base: &Site) -> Option<Site> {
        let mut site = Site {
            item: block.item,
            ..base.clone()
        };
        let mut variables = Variables::default();
        variables.find(block.inside());
        // Names come first: whether a redirect stays on its host can only be said when they are known.
        for directive in block
            .inside()
            .iter()
            .filter(|directive| directive.name == "server_name")
        {
            self.server_name(directive, &mut site);
        }
        for directive in block.inside() {
            match directive.name.as_str() {
                "server_name" => {}
                "listen" => self.listen(directive, &mut site),
                _ => self.within(directive, &Scope::all(1), &variables, &mut site),
            }
        }
        let refuses = site.hosts.is_empty() && site.doors.is_empty() && !serves_files(block);
        if refuses {
            self.account
                .understood(block.item, "the edge refuses every host that no tenant has");
            self.account.discard(&site.settings.items(), &base.settings.items());
        }
        (!refuses).then_some(site)
    }

    fn server_name(&mut self, directive: &Directive, site: &mut Site) {
        for name in &directive.words {
            match hosts(name) {
                Ok(hosts) => site
                    .hosts
                    .extend(hosts.into_iter().map(|host| Said::new(host, directive.item).at(1))),
                Err(why) => self
                    .account
                    .left_but(directive.item, why, "write each host into the tenant's hosts"),
            }
        }
        if site.hosts.is_empty() && directive.words.iter().all(|name| is_nobody(name)) {
            self.account
                .understood(directive.item, "the edge refuses every host that no tenant has");
        }
    }

    fn listen(&mut self, directive: &Directive, site: &mut Site) {
        let flags = directive.words.get(1..).unwrap_or_default();
        let has = |flag: &str| flags.iter().any(|word| word == flag);
        let address = directive.word(0);
        let port = match address.rsplit_once(':') {
            Some((_, port)) if !port.ends_with(']') => port,
            _ if address.contains(['.', ']', '*']) => "80",
            _ => address,
        };
        site.secure |= port == "443" || has("ssl");
        let instead = "write it under [listen] in rempart.toml";
        match () {
            () if has("quic") || has("http3") => self.account.left(directive.item, "the edge speaks no HTTP/3"),
            () if has("proxy_protocol") => self.account.left(directive.item, "the edge reads no PROXY protocol"),
            () if address.starts_with("unix:") => self.account.left(directive.item, "the edge listens on TCP"),
            () if matches!(port, "80" | "443") => {
                self.account.understood(
                    directive.item,
                    "where the edge listens is said once, under [listen] in rempart.toml",
                );
            }
            () => self.account.left_but(
                directive.item,
                "where the edge listens is said once for all tenants",
                instead,
            ),
        }
    }

    /// A `return`: redirects to HTTPS are what the edge does.
    pub(super) fn returns(&mut self, directive: &Directive, scope: &Scope, site: &mut Site) {
        let (code, target) = match directive.words.as_slice() {
            [target] if target.contains("://") => ("302", target.as_str()),
            [code] => (code.as_str(), ""),
            [code, target, ..] => (code.as_str(), target.as_str()),
            [] => ("", ""),
        };
        let whole = matches!(scope, Scope::All(_));
        match code {
            "301" | "302" | "303" | "307" | "308" => self.redirect(directive, target, whole, site),
            "403" | "404" | "410" | "421" | "444" if whole => {
                self.account
                    .understood(directive.item, "the edge refuses what no application answers");
                site.redirect = site.redirect.take().or(Some(Redirect::Same));
            }
            "403" | "404" | "410" | "444" => site.leave_access(directive.item, scope, &mut self.account),
            _ => self.known(directive, Some((site, scope))),
        }
    }

    /// `rewrite ^ https://$host$request_uri? permanent` is a `return` in other words.
    pub(super) fn rewrites(&mut self, directive: &Directive, scope: &Scope, site: &mut Site) {
        let all = matches!(
            directive.word(0),
            "^" | "^/" | "^(.*)$" | "^(.*)" | "^/(.*)$" | "^/(.*)" | ".*" | "(.*)"
        );
        let target = directive.word(1).trim_end_matches('?');
        let rest = ["/$1", "$1", "$request_uri"]
            .iter()
            .find_map(|rest| target.strip_suffix(rest));
        match rest.filter(|_| all && target.contains("://") && matches!(scope, Scope::All(_))) {
            Some(host) => self.redirect(directive, &format!("{host}$request_uri"), true, site),
            None => self.known(directive, Some((site, scope))),
        }
    }

    /// An `if` around nothing but a redirect to HTTPS, as certbot writes it.
    pub(super) fn condition(&mut self, directive: &'a Directive, scope: &Scope, site: &mut Site) {
        let [only] = directive.inside() else {
            return self.known(directive, Some((site, scope)));
        };
        let target = directive.inside()[0].word(1);
        let of_scheme = directive
            .words
            .iter()
            .any(|word| word.contains("$scheme") || word.contains("$host") || word.contains("$https"));
        if only.name == "return" && of_scheme && leads_to_same(target, site) {
            self.cover(directive);
            self.account.understood(directive.item, "the edge redirects to HTTPS");
        } else {
            self.known(directive, Some((site, scope)));
        }
    }

    fn redirect(&mut self, directive: &Directive, target: &str, whole: bool, site: &mut Site) {
        if whole && leads_to_same(target, site) {
            self.account.understood(directive.item, "the edge redirects to HTTPS");
            site.redirect = Some(Redirect::Same);
            return;
        }
        if whole && let Some(host) = host_of(target).filter(|host| !host.contains('$')) {
            site.redirect = Some(Redirect::To(host.to_owned()));
        }
        let why = "the edge redirects to HTTPS on the same host, and nowhere else";
        let instead = "let the application send visitors there";
        self.account.left_but(directive.item, why, instead);
    }

    pub(super) fn set_variable(&mut self, directive: &Directive, variables: &Variables<'_>) {
        let name = directive.word(0).trim_start_matches('$');
        if !variables.is_needed(name) {
            self.known(directive, None);
        }
    }
}

/// Whether a redirect leads to the same host over HTTPS, with its path.
fn leads_to_same(target: &str, site: &Site) -> bool {
    let target = target.replace("${host}", "$host");
    let Some(rest) = target.strip_prefix("https://") else {
        return false;
    };
    let Some(host) = rest
        .strip_suffix("$request_uri")
        .or_else(|| rest.strip_suffix("$uri$is_args$args"))
    else {
        return false;
    };
    let only = || matches!(site.hosts.as_slice(), [only] if only.value.to_string() == host);
    matches!(host, "$host" | "$http_host" | "$server_name") || only()
}

fn host_of(target: &str) -> Option<&str> {
    let (_, rest) = target.split_once("://")?;
    let end = rest.find(['/', '$', ':']).unwrap_or(rest.len());
    Some(&rest[..end]).filter(|host| !host.is_empty())
}

fn is_nobody(name: &str) -> bool {
    matches!(name, "_" | "")
}

/// The hosts of one name of `server_name`.
fn hosts(name: &str) -> Result<Vec<HostPattern>, String> {
    if is_nobody(name) {
        return Ok(Vec::new());
    }
    if name.starts_with('~') {
        return Err(format!("`{name}` is a regular expression, and a host is a name"));
    }
    if name.contains('$') {
        return Err(format!("`{name}` is not known before nginx runs"));
    }
    // `.museum.example` is the host and all below it.
    let names = match name.strip_prefix('.') {
        Some(parent) => vec![parent.to_owned(), format!("*.{parent}")],
        None => vec![name.to_owned()],
    };
    let read = |name: &String| match name.parse::<HostPattern>() {
        Ok(HostPattern::Exact(host)) if host.is_address() => {
            Err(format!("`{host}` is an address, and a browser names a host"))
        }
        Ok(host) => Ok(host),
        Err(error) => Err(format!("`{name}`: {error}")),
    };
    names.iter().map(read).collect()
}

fn serves_files(block: &Directive) -> bool {
    block.inside().iter().any(|directive| {
        matches!(directive.name.as_str(), "root" | "alias" | "try_files" | "index")
            || (directive.name == "location" && serves_files(directive))
    })
}

/// The variables that `set` gives one value, and which of them a `proxy_pass` needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables<'a> {
    values: HashMap<&'a str, Vec<(&'a str, Item)>>,
    needed: std::collections::HashSet<String>,
}

impl<'a> Variables<'a> {
    /// Finds the variables of a block, and those that a `proxy_pass` in it needs.
    pub(super) fn find(&mut self, block: &'a [Directive]) {
        for directive in block.iter().filter(|directive| directive.name == "set") {
            let (Some(name), Some(value)) = (directive.words.first(), directive.words.get(1)) else {
                continue;
            };
            if !value.contains('$') {
                let values = self.values.entry(name.trim_start_matches('$')).or_default();
                values.push((value.as_str(), directive.item));
            }
        }
        self.need(block);
    }

    fn need(&mut self, block: &'a [Directive]) {
        for directive in block {
            if directive.name == "proxy_pass" {
                let needed = self.values.keys().filter(|name| mentions(directive.word(0), name));
                let needed: Vec<String> = needed.map(|name| (*name).to_owned()).collect();
                self.needed.extend(needed);
            }
            if directive.name == "location" {
                self.need(directive.inside());
            }
        }
    }

    pub(super) fn is_needed(&self, name: &str) -> bool {
        self.needed.contains(name) && self.values.get(name).is_some_and(|values| values.len() == 1)
    }

    /// The `set` lines whose variables are in a text.
    pub(super) fn used_in(&self, text: &str) -> Vec<Item> {
        let used = self
            .values
            .iter()
            .filter(|(name, values)| values.len() == 1 && mentions(text, name));
        used.map(|(_, values)| values[0].1).collect()
    }

    /// A text with the values of the variables that have one.
    pub(super) fn fill(&self, text: &str) -> String {
        let mut names: Vec<&&str> = self.values.keys().collect();
        // `$app_port` before `$app`.
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        let mut filled = text.to_owned();
        for name in names {
            if let [(value, _)] = self.values[*name].as_slice() {
                filled = filled.replace(&format!("${{{name}}}"), value);
                filled = filled.replace(&format!("${name}"), value);
            }
        }
        filled
    }
}

fn mentions(text: &str, name: &str) -> bool {
    text.contains(&format!("${name}")) || text.contains(&format!("${{{name}}}"))
}
