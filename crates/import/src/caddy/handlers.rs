//! Handlers of routes.

use super::{Caddy, matches};
use crate::address::upstream;
use crate::site::{Door, Redirect, Said, Scope, Site, set};
use crate::tree::Node;
use crate::{headers, times};

impl Caddy {
    /// Reads everything of a route but its hosts.
    pub(super) fn handled(&mut self, route: &Node, scope: &Scope, site: &mut Site) {
        if let Ok(matched) = matches::read(route.at("match")) {
            for item in matched.items {
                self.account
                    .understood(item, "the edge forwards every path to a tenant's one application");
            }
        }
        for (key, node) in route.entries() {
            match key.as_str() {
                "match" => {}
                "handle" => {
                    for handler in node.items() {
                        self.handler(handler, scope, site);
                    }
                }
                "terminal" | "group" | "@id" => self
                    .account
                    .understood(node.item, "a request takes one way through the edge"),
                _ => self.account.left_all(node, "the edge has no such key", ""),
            }
        }
    }

    /// A route within a subroute: it may name paths.
    fn inner_route(&mut self, route: &Node, scope: &Scope, site: &mut Site) {
        let matched = match matches::read(route.at("match")) {
            Ok(matched) if matched.hosts.is_empty() => matched,
            Ok(_) => {
                return self
                    .account
                    .left_all(route, "hosts within hosts", "write a tenant's file by hand");
            }
            Err(why) => {
                self.account.left_all(route, why, "");
                if matches::asks_who(route.at("match")) {
                    site.leave_access(route.item, scope, &mut self.account);
                }
                return;
            }
        };
        let inner = match (matched.routes, scope) {
            (None, scope) => scope.clone(),
            (Some(routes), Scope::All(_)) => Scope::Paths(routes),
            (Some(_), _) => return self.account.left_all(route, "paths within paths", ""),
        };
        self.handled(route, &inner, site);
    }

    fn handler(&mut self, node: &Node, scope: &Scope, site: &mut Site) {
        let name = node.at("handler");
        if let Some(name) = name {
            self.account
                .understood(name.item, "its other values say what became of it");
        }
        match name.and_then(Node::text).unwrap_or_default() {
            "subroute" => {
                for route in node.at("routes").map(Node::items).unwrap_or_default() {
                    self.inner_route(route, scope, site);
                }
                if let Some(errors) = node.at("errors") {
                    self.account.left_all(
                        errors,
                        "the edge has its own pages, and passes the application's on",
                        "",
                    );
                }
            }
            "reverse_proxy" => self.reverse_proxy(node, scope, site),
            "headers" => self.headers(node, scope, site),
            "static_response" => self.static_response(node, scope, site),
            "authentication" => {
                self.account.cover_all(node);
                site.leave_access(node.item, scope, &mut self.account);
            }
            other => {
                let (why, instead) = left(other);
                self.account.left_all(node, why, instead);
            }
        }
    }

    fn reverse_proxy(&mut self, node: &Node, scope: &Scope, site: &mut Site) {
        let mut door = Door {
            url: Err("it names no upstream".into()),
            reach: scope.reach(),
            items: Vec::new(),
        };
        let several = "a tenant has one application at one address";
        for (key, node) in node.entries() {
            match key.as_str() {
                "handler" => {}
                "upstreams" => {
                    if let Some((dial, text)) = node
                        .items()
                        .first()
                        .and_then(|one| one.at("dial"))
                        .and_then(|dial| Some((dial, dial.text()?)))
                    {
                        door.url = dialled(text);
                        door.items.push(dial.item);
                    }
                    for other in node.items().iter().skip(1) {
                        self.account
                            .left_all(other, several, "let a load balancer stand before several");
                    }
                }
                "transport" => self.transport(node, &mut door, scope, site),
                "headers" => self.proxied_headers(node, scope, site),
                "flush_interval" | "stream_timeout" | "stream_close_delay" | "request_buffers" | "response_buffers" => {
                    self.account
                        .understood_all(node, "the edge passes bytes on as they come");
                }
                "load_balancing" => self.account.left_all(node, several, ""),
                "health_checks" => self
                    .account
                    .left_all(node, "the edge asks an application nothing by itself", ""),
                "trusted_proxies" => {
                    let why = "whose word about the client's address counts is said once for all tenants";
                    self.account
                        .left_all(node, why, "write [client] trusted_proxies in rempart.toml");
                }
                _ => self
                    .account
                    .left_all(node, "the edge forwards requests and answers as they are", ""),
            }
        }
        if door.items.is_empty() {
            door.items.extend(node.at("handler").map(|node| node.item));
        }
        site.doors.push(door);
    }

    fn transport(&mut self, node: &Node, door: &mut Door, scope: &Scope, site: &mut Site) {
        let is_all = matches!(scope, Scope::All(_));
        for (key, node) in node.entries() {
            let text = node.text().unwrap_or_default();
            let place = match key.as_str() {
                "protocol" if text == "http" => {
                    self.account
                        .understood(node.item, "the edge speaks HTTP/1.1 to an application");
                    continue;
                }
                "protocol" => {
                    if text == "fastcgi" {
                        site.likely_preset = Some("php");
                    }
                    door.url = Err(format!("the application speaks {text}, and the edge speaks HTTP"));
                    self.account.left(node.item, "the edge speaks HTTP to an application");
                    continue;
                }
                "tls" => {
                    door.url = Err("the edge speaks plain HTTP/1.1 to an application, and no https://".into());
                    self.account
                        .left_all(node, "the edge speaks plain HTTP to an application", "");
                    continue;
                }
                "keep_alive" | "versions" | "read_buffer_size" | "write_buffer_size" | "max_conns_per_host" => {
                    self.account
                        .understood_all(node, "the edge keeps connections to an application in its own way");
                    continue;
                }
                "dial_timeout" if is_all => (300, &mut site.settings.connect_timeout),
                "response_header_timeout" if is_all => (86_400, &mut site.settings.response_timeout),
                _ => {
                    self.account.left_all(node, "the edge has no such key", "");
                    continue;
                }
            };
            match times::within(&duration(text), place.0) {
                Ok(text) => set(place.1, Said::new(text, node.item).at(1), &mut self.account),
                Err(why) => self.account.left(node.item, why),
            }
        }
    }

    /// Headers that `reverse_proxy` changes on the way there and back.
    fn proxied_headers(&mut self, node: &Node, scope: &Scope, site: &mut Site) {
        for (key, node) in node.entries() {
            match key.as_str() {
                "response" => self.response(node, scope, site),
                "request" => self.request(node),
                _ => self.account.left_all(node, "the edge has no such key", ""),
            }
        }
    }

    fn request(&mut self, node: &Node) {
        let passes = |name: &str, value: &str| match name.to_ascii_lowercase().as_str() {
            "host" => matches!(value, "{http.request.host}" | "{http.request.hostport}"),
            name => matches!(
                name,
                "x-forwarded-for" | "x-forwarded-proto" | "x-forwarded-host" | "x-forwarded-port"
            ),
        };
        for (kind, node) in node.entries() {
            for (name, values) in node.entries() {
                let value = values.items().first().and_then(Node::text).unwrap_or_default();
                if kind == "set" && passes(name, value) {
                    self.account
                        .understood_all(values, "the edge passes the host on, and sets X-Forwarded-* itself");
                } else {
                    let instead = "let the application do without";
                    self.account
                        .left_all(values, "the edge changes no other headers of a request", instead);
                }
            }
        }
    }

    fn headers(&mut self, node: &Node, scope: &Scope, site: &mut Site) {
        for (key, node) in node.entries() {
            match key.as_str() {
                "handler" => {}
                "response" => self.response(node, scope, site),
                "request" => self.request(node),
                _ => self.account.left_all(node, "the edge has no such key", ""),
            }
        }
    }

    fn response(&mut self, node: &Node, scope: &Scope, site: &mut Site) {
        if !matches!(scope, Scope::All(_)) {
            let why = "at the edge headers hold for a whole tenant, and here they stood for some paths";
            return self.account.left_all(
                node,
                why,
                "write them into the tenant's file when they may hold for all",
            );
        }
        for (key, node) in node.entries() {
            match key.as_str() {
                "set" | "add" => {
                    for (name, value) in node
                        .entries()
                        .iter()
                        .flat_map(|(name, values)| values.items().iter().map(move |value| (name, value)))
                    {
                        let text = value.text().unwrap_or_default();
                        headers::sets(name, text, (value.item, 1), &mut site.settings, &mut self.account);
                    }
                }
                "delete" => {
                    for name in node.items() {
                        let text = name.text().unwrap_or_default();
                        headers::removes(text, name.item, &mut site.settings, &mut self.account);
                    }
                }
                "deferred" => self.account.understood(node.item, "the edge sets headers last"),
                _ => self.account.left_all(node, "the edge has no such key", ""),
            }
        }
    }

    fn static_response(&mut self, node: &Node, scope: &Scope, site: &mut Site) {
        let is_all = matches!(scope, Scope::All(_));
        let status = node.at("status_code").and_then(Node::text).unwrap_or("200");
        let location = node
            .path(&["headers", "Location"])
            .and_then(|list| list.items().first())
            .and_then(Node::text);
        let same = "https://{http.request.host}{http.request.uri}";
        match (status, location) {
            ("301" | "302" | "303" | "307" | "308", Some(target)) if is_all && target == same => {
                self.account.understood_all(node, "the edge redirects to HTTPS");
                site.redirect = Some(Redirect::Same);
            }
            (_, Some(target)) => {
                let host = target
                    .split_once("://")
                    .map(|(_, rest)| rest.split(['/', '{', ':']).next().unwrap_or_default());
                if let Some(host) = host.filter(|host| is_all && !host.is_empty()) {
                    site.redirect = Some(Redirect::To(host.to_owned()));
                }
                let why = "the edge redirects to HTTPS on the same host, and nowhere else";
                self.account
                    .left_all(node, why, "let the application send visitors there");
            }
            ("403" | "404" | "410" | "421", None) if !is_all => {
                self.account.cover_all(node);
                site.leave_access(node.item, scope, &mut self.account);
            }
            _ => self
                .account
                .left_all(node, "the edge answers nothing by itself", "let the application answer"),
        }
    }
}

/// `127.0.0.1:8080`, `tcp/127.0.0.1:8080`, `unix//run/app.sock`.
fn dialled(dial: &str) -> Result<String, String> {
    if dial.contains(['{', '}']) {
        return Err("the address is computed from each request".into());
    }
    match dial.split_once('/') {
        Some(("tcp" | "tcp4" | "tcp6", address)) => upstream(&format!("http://{address}")),
        Some(("unix", _)) => Err("the application listens on a Unix socket, and the edge speaks TCP".into()),
        _ => upstream(&format!("http://{dial}")),
    }
}

/// Caddy writes a duration as text or as a number of nanoseconds.
fn duration(text: &str) -> String {
    match text.parse::<u64>() {
        Ok(nanoseconds) => format!("{}ms", nanoseconds / 1_000_000),
        Err(_) => text.to_owned(),
    }
}

/// Why a handler is left, and what to do instead.
fn left(handler: &str) -> (&'static str, &'static str) {
    const APPLICATION: &str = "let the application do it";
    match handler {
        "encode" => ("the edge does not compress", APPLICATION),
        "file_server" | "vars" | "templates" => (
            "the edge serves no files",
            "let the application serve them, or a web server behind the edge on 127.0.0.1",
        ),
        "rewrite" => ("the edge forwards a path as it is", APPLICATION),
        "request_body" => ("the edge does not limit the size of a request", APPLICATION),
        "rate_limit" => (
            "a plugin of Caddy, whose values this import does not know",
            "write a [rate_limit.quotas.…] with a rate such as \"100/m burst 50\"",
        ),
        "error" => ("the edge has its own pages, and passes the application's on", ""),
        _ => ("the edge has nothing like this handler", ""),
    }
}
