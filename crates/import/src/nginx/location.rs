//! `location` blocks: which paths they mean, and what is in them.

use super::Nginx;
use super::directive::Directive;
use super::proxy::address;
use super::server::Variables;
use crate::site::{Door, Reach, Scope, Site};

/// Reads the words after `location`.
fn scope(block: &Directive) -> Scope {
    let (modifier, path) = match block.words.as_slice() {
        [path] => split_modifier(path),
        [modifier, path] => (modifier.as_str(), path.as_str()),
        _ => return Scope::Odd(block.words.join(" ")),
    };
    let plain = |path: &str| path.starts_with('/') && !path.contains(['*', '{', '}', '?', '#', ' ', '$', '%']);
    match modifier {
        "" | "^~" if path == "/" => Scope::All(2),
        "" if path.starts_with('@') => Scope::Named,
        "=" if plain(path) => Scope::Paths(vec![path.to_owned()]),
        // nginx's prefix is one of letters, a route's one of segments: `/login` means `/login2` to nginx alone.
        "" | "^~" if plain(path) => Scope::Paths(vec![format!("{}/*", path.trim_end_matches('/'))]),
        _ => Scope::Odd(block.words.join(" ")),
    }
}

/// `=/path` and `~\.php$` without a blank are the same to nginx.
fn split_modifier(word: &str) -> (&str, &str) {
    for modifier in ["^~", "~*", "~", "="] {
        if let Some(path) = word.strip_prefix(modifier) {
            return (modifier, path);
        }
    }
    ("", word)
}

impl<'a> Nginx<'a> {
    /// Reads a `location` of a site.
    pub(super) fn location(&mut self, block: &'a Directive, variables: &Variables<'a>, site: &mut Site) {
        if block.block.is_none() {
            return self.account.left(block.item, "a location without a block");
        }
        let scope = scope(block);
        self.account
            .understood(block.item, "what is in it is read line by line");
        let mut variables = variables.clone();
        variables.find(block.inside());
        for directive in block.inside() {
            self.within(directive, &scope, &variables, site);
        }
    }

    /// Reads a directive of a location, or of a server.
    pub(super) fn within(
        &mut self,
        directive: &'a Directive,
        scope: &Scope,
        variables: &Variables<'a>,
        site: &mut Site,
    ) {
        match directive.name.as_str() {
            "location" => self.location(directive, variables, site),
            "proxy_pass" => self.proxy_pass(directive, scope, variables, site),
            "fastcgi_pass" | "uwsgi_pass" | "scgi_pass" | "grpc_pass" | "memcached_pass" => {
                foreign_pass(directive, scope, site)
            }
            "limit_req" => self.limit(directive, scope, &mut site.settings),
            "return" => self.returns(directive, scope, site),
            "rewrite" => self.rewrites(directive, scope, site),
            "if" => self.condition(directive, scope, site),
            "set" => self.set_variable(directive, variables),
            _ if is_setting(&directive.name) => match scope {
                Scope::All(level) => self.setting(directive, *level, &mut site.settings),
                Scope::Named => self.setting(directive, 2, &mut site.settings),
                Scope::Paths(_) | Scope::Odd(_) => {
                    let why = "at the edge it holds for a whole tenant, and here it stood for some paths";
                    self.account.left_but(
                        directive.item,
                        why,
                        "write it into the tenant's file when it may hold for all",
                    );
                }
            },
            _ => self.known(directive, Some((site, scope))),
        }
    }

    fn proxy_pass(&mut self, directive: &Directive, scope: &Scope, variables: &Variables<'_>, site: &mut Site) {
        let mut items = vec![directive.item];
        items.extend(variables.used_in(directive.word(0)));
        let written = variables.fill(directive.word(0));
        let written = self.pooled(&written, &mut items).unwrap_or(written);
        let mut url = address(&written);
        // `location /app/ { proxy_pass http://a/; }` takes `/app` away; at `/` there is nothing to take away.
        let takes_away = written.trim_start_matches("http://").ends_with('/');
        if url.is_ok() && takes_away && scope.reach() == Reach::Part {
            url = Err("the path is changed on the way, and the edge forwards a path as it is".into());
        }
        let reach = scope.reach();
        site.doors.push(Door { url, reach, items });
    }

    /// The address with the first server of an `upstream` block in the place of the block's name.
    fn pooled(&mut self, written: &str, items: &mut Vec<usize>) -> Option<String> {
        let (scheme, rest) = written.split_once("://")?;
        let end = rest.find(['/', '$']).unwrap_or(rest.len());
        let (name, path) = rest.split_at(end);
        let pool = *self.pools.get(name)?;
        let is_server = |directive: &&Directive| directive.name == "server";
        let is_spare = |directive: &Directive| directive.words.iter().any(|word| word == "backup" || word == "down");
        let mut servers = pool
            .inside()
            .iter()
            .filter(is_server)
            .filter(|server| !is_spare(server));
        let first = servers.next()?;
        items.extend([pool.item, first.item]);
        Some(format!("{scheme}://{}{path}", first.word(0)))
    }

    /// Answers for what is in `upstream` blocks, once it is known which are used.
    pub(super) fn close_pools(&mut self) {
        for pool in std::mem::take(&mut self.pools).into_values() {
            let servers = pool
                .inside()
                .iter()
                .filter(|directive| directive.name == "server")
                .count();
            for directive in pool.inside() {
                let item = directive.item;
                match directive.name.as_str() {
                    "server" if self.account.is_open(item) => self.account.left_but(
                        item,
                        "a tenant has one application at one address",
                        "let a load balancer stand before several",
                    ),
                    "server" => {}
                    "keepalive" | "keepalive_timeout" | "keepalive_requests" | "keepalive_time" | "zone" => {
                        self.account
                            .understood(item, "the edge keeps connections to an application by itself");
                    }
                    "ip_hash" | "least_conn" | "hash" | "random" | "sticky" | "least_time" if servers == 1 => {
                        self.account.understood(item, "there is nothing to choose from");
                    }
                    _ => self.account.left(item, "a tenant has one application at one address"),
                }
            }
            if self.account.is_open(pool.item) {
                self.cover(pool);
                self.account.left(pool.item, "no site that was drafted goes there");
            }
        }
    }
}

fn foreign_pass(directive: &Directive, scope: &Scope, site: &mut Site) {
    let protocol = directive.name.trim_end_matches("_pass");
    if protocol == "fastcgi" {
        site.likely_preset = Some("php");
    }
    site.doors.push(Door {
        url: Err(format!("the application speaks {protocol}, and the edge speaks HTTP")),
        reach: scope.reach(),
        items: vec![directive.item],
    });
}

pub(super) fn is_setting(name: &str) -> bool {
    matches!(
        name,
        "proxy_connect_timeout"
            | "proxy_read_timeout"
            | "ssl_certificate"
            | "ssl_certificate_key"
            | "add_header"
            | "proxy_hide_header"
            | "proxy_cookie_flags"
    )
}
