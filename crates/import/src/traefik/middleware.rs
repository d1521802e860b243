//! Middlewares: limits, headers, redirects.

use super::Traefik;
use crate::account::Item;
use crate::site::{Redirect, Said, Scope, Site};
use crate::tree::Node;
use crate::{Quota, headers, times};

impl<'a> Traefik<'a> {
    /// Takes in the middlewares of a router, and says whether they make of it one that only redirects.
    pub(super) fn middlewares(&mut self, list: &'a Node, scope: &Scope, site: &mut Site, depth: usize) -> bool {
        let mut redirects = false;
        for name in list.items() {
            let Some(middleware) = self.defined("middlewares", name.text().unwrap_or_default()) else {
                let instead = "look whether it is a rule of access before the tenant is served";
                self.account
                    .left_but(name.item, "the middleware is not defined in this file", instead);
                continue;
            };
            self.account
                .understood(name.item, "the middleware's own lines say what became of it");
            self.used.insert(middleware.item);
            for (kind, node) in middleware.entries() {
                redirects |= self.middleware(kind, node, scope, site, depth);
            }
        }
        redirects
    }

    fn middleware(&mut self, kind: &str, node: &'a Node, scope: &Scope, site: &mut Site, depth: usize) -> bool {
        const DEEPEST: usize = 8;
        match kind {
            "redirectScheme" => return self.redirect(node, scope, site),
            "chain" if depth < DEEPEST => {
                let list = node.at("middlewares");
                return list.is_some_and(|list| self.middlewares(list, scope, site, depth + 1));
            }
            "chain" => self.account.left_all(node, "chains that contain each other", ""),
            "rateLimit" => self.rate_limit(node, scope, site),
            "headers" => self.headers(node, scope, site),
            "basicAuth" | "digestAuth" | "forwardAuth" | "ipAllowList" | "ipWhiteList" | "passTLSClientCert" => {
                self.account.cover_all(node);
                site.leave_access(node.item, scope, &mut self.account);
            }
            "contentType" => self
                .account
                .understood_all(node, "the edge leaves the type of an answer as it is"),
            _ => {
                let (why, instead) = left(kind);
                self.account.left_all(node, why, instead);
            }
        }
        false
    }

    fn redirect(&mut self, node: &Node, scope: &Scope, site: &mut Site) -> bool {
        let is_https = node.at("scheme").and_then(Node::text) == Some("https");
        if !is_https || !matches!(scope, Scope::All(_)) {
            self.account.left_all(
                node,
                "the edge redirects everything to HTTPS, and nothing elsewhere",
                "",
            );
            return false;
        }
        self.account.understood_all(node, "the edge redirects to HTTPS");
        if site.doors.is_empty() {
            site.redirect = Some(Redirect::Same);
        }
        true
    }

    fn rate_limit(&mut self, node: &Node, scope: &Scope, site: &mut Site) {
        match quota(node, scope) {
            Ok(None) => self.account.understood_all(node, "an average of 0 is no limit"),
            Ok(Some(quota)) => {
                for (_, node) in node.entries() {
                    for item in node.all() {
                        self.account.cover(item);
                    }
                    self.account.carried(node.item);
                }
                let item = node.at("average").map_or(node.item, |average| average.item);
                site.settings.count(Said::new(quota, item), &mut self.account);
            }
            Err(why) => self.account.left_all(
                node,
                why,
                "write a [rate_limit.quotas.…] with a rate such as \"100/m burst 50\"",
            ),
        }
    }

    fn headers(&mut self, node: &'a Node, scope: &Scope, site: &mut Site) {
        if !matches!(scope, Scope::All(_)) {
            let why = "at the edge headers hold for a whole tenant, and here they stood for some paths";
            return self.account.left_all(
                node,
                why,
                "write them into the tenant's file when they may hold for all",
            );
        }
        self.hsts(node, site);
        for (key, value) in node.entries() {
            let text = value.text().unwrap_or_default();
            match key.as_str() {
                "stsSeconds" | "stsIncludeSubdomains" | "stsPreload" => {}
                "forceSTSHeader" | "sslRedirect" | "sslTemporaryRedirect" => {
                    self.account.understood(value.item, "the edge always serves HTTPS");
                }
                "frameDeny" if value.is_true() => self.sets("x-frame-options", "DENY", value.item, site),
                "customFrameOptionsValue" => self.sets("x-frame-options", text, value.item, site),
                "contentTypeNosniff" if value.is_true() => {
                    self.sets("x-content-type-options", "nosniff", value.item, site)
                }
                "browserXssFilter" => self.sets("x-xss-protection", "1", value.item, site),
                "contentSecurityPolicy" => self.sets("content-security-policy", text, value.item, site),
                "referrerPolicy" => self.sets("referrer-policy", text, value.item, site),
                "customResponseHeaders" => self.response_headers(value, site),
                "customRequestHeaders" => self.request_headers(value),
                _ if text == "false" => self.account.understood(value.item, "it is off"),
                _ => self
                    .account
                    .left_all(value, "the edge has no such header", "let the application set it"),
            }
        }
    }

    fn hsts(&mut self, node: &Node, site: &mut Site) {
        let at = |key| node.at(key);
        let seconds = at("stsSeconds").and_then(|node| Some((node.item, node.text()?)));
        if let Some((item, seconds)) = seconds {
            let mut value = format!("max-age={seconds}");
            for (key, flag) in [("stsIncludeSubdomains", "includeSubDomains"), ("stsPreload", "preload")] {
                if at(key).is_some_and(Node::is_true) {
                    value = format!("{value}; {flag}");
                }
            }
            self.sets("strict-transport-security", &value, item, site);
        }
        let is_carried = site.settings.hsts.is_some();
        for flag in [at("stsIncludeSubdomains"), at("stsPreload")].into_iter().flatten() {
            match (seconds, is_carried) {
                (Some(_), true) => self.account.carried(flag.item),
                _ => self
                    .account
                    .left(flag.item, "without stsSeconds that count it says nothing"),
            }
        }
    }

    fn response_headers(&mut self, node: &Node, site: &mut Site) {
        for (name, value) in node.entries() {
            match value.text() {
                Some("") => headers::removes(name, value.item, &mut site.settings, &mut self.account),
                Some(text) => self.sets(name, text, value.item, site),
                None => self.account.left_all(value, "this is no header", ""),
            }
        }
    }

    fn request_headers(&mut self, node: &Node) {
        for (name, value) in node.entries() {
            if name.eq_ignore_ascii_case("x-forwarded-proto") {
                self.account.understood(value.item, "the edge sets it itself");
            } else {
                let instead = "let the application do without";
                self.account
                    .left_all(value, "the edge adds no headers of one's own to a request", instead);
            }
        }
    }

    fn sets(&mut self, name: &str, value: &str, item: Item, site: &mut Site) {
        headers::sets(name, value, (item, 1), &mut site.settings, &mut self.account);
    }
}

/// `average` in every `period`, `burst` at once; `None` for no limit at all.
fn quota(node: &Node, scope: &Scope) -> Result<Option<Quota>, String> {
    let number = |key: &str, otherwise: u32| match node.at(key).and_then(Node::text) {
        None => Ok(otherwise),
        Some(text) => text.parse::<u32>().map_err(|_| format!("`{text}` is no whole number")),
    };
    let (average, burst) = (number("average", 0)?, number("burst", 1)?.max(1));
    if average == 0 {
        return Ok(None);
    }
    let period = node.at("period").and_then(Node::text).unwrap_or("1s");
    let milliseconds = times::milliseconds(period).filter(|time| *time > 0 && time.is_multiple_of(1_000));
    let seconds = milliseconds.ok_or_else(|| format!("`{period}` is not one or more whole seconds"))? / 1_000;
    let refill = seconds.saturating_mul(u64::from(burst)) / u64::from(average);
    if seconds > 366 * 86_400 || refill > 366 * 86_400 || u64::from(average) > seconds.saturating_mul(1_000_000) {
        return Err("it is beyond what a quota counts: a million a second, and a year".into());
    }
    let per_tenant = match node.at("sourceCriterion") {
        Some(by) if by.at("requestHost").is_some_and(Node::is_true) => true,
        Some(by) if by.at("requestHeaderName").is_some() => {
            return Err("it counts by a header that every client chooses".into());
        }
        _ => false,
    };
    let routes = scope.routes()?;
    let name = if routes.is_empty() && !per_tenant {
        "client"
    } else {
        "limit"
    };
    Ok(Some(Quota {
        name: name.to_owned(),
        rate: format!("{average}/{} burst {burst}", per(seconds)),
        per_tenant,
        routes,
        was: format!("Traefik: average={average} period={period} burst={burst}"),
    }))
}

/// A period as a rate has it: `s`, `m`, `90s`.
fn per(seconds: u64) -> String {
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm'), (1, 's')];
    let (length, unit) = units
        .into_iter()
        .find(|(length, _)| seconds.is_multiple_of(*length))
        .unwrap_or((1, 's'));
    match seconds / length {
        1 => unit.to_string(),
        periods => format!("{periods}{unit}"),
    }
}

/// Why a middleware is left, and what to do instead.
fn left(kind: &str) -> (&'static str, &'static str) {
    const APPLICATION: &str = "let the application do it";
    match kind {
        "compress" => ("the edge does not compress", APPLICATION),
        "buffering" => (
            "the edge buffers nothing whole, and does not limit the size of a request",
            APPLICATION,
        ),
        "stripPrefix" | "stripPrefixRegex" | "addPrefix" | "replacePath" | "replacePathRegex" => {
            ("the edge forwards a path as it is", APPLICATION)
        }
        "redirectRegex" => (
            "the edge redirects to HTTPS on the same host, and nowhere else",
            APPLICATION,
        ),
        "inFlightReq" => (
            "the edge counts a client's requests, not those that are under way",
            "write a [rate_limit.quotas.…]",
        ),
        "retry" | "circuitBreaker" => ("a tenant has one application", ""),
        "errors" => ("the edge has its own pages, and passes the application's on", ""),
        "plugin" => ("the edge has no plugins", ""),
        _ => ("the edge has nothing like this middleware", ""),
    }
}
