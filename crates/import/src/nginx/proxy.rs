//! Settings of nginx that a tenant's file has too: times, headers, certificates, cookies; and where an application is.

use super::Nginx;
use super::directive::Directive;
use super::known::{Answer, answer};
use crate::address::upstream;
use crate::headers;
use crate::site::{Said, Scope, Settings, Site, set};
use crate::times;

impl Nginx<'_> {
    /// Takes in a setting that holds for a whole server, or for all; answers for it in any case.
    pub(super) fn setting(&mut self, directive: &Directive, level: u8, settings: &mut Settings) {
        let item = directive.item;
        match directive.name.as_str() {
            "proxy_connect_timeout" => self.time(directive, level, 300, &mut settings.connect_timeout),
            "proxy_read_timeout" => self.time(directive, level, 86_400, &mut settings.response_timeout),
            "ssl_certificate" => self.path(directive, level, &mut settings.certificate),
            "ssl_certificate_key" => self.path(directive, level, &mut settings.key_file),
            "add_header" => headers::sets(
                directive.word(0),
                directive.word(1),
                (item, level),
                settings,
                &mut self.account,
            ),
            "proxy_hide_header" => headers::removes(directive.word(0), item, settings, &mut self.account),
            "proxy_cookie_flags" => self.cookie_flags(directive, level, settings),
            _ => self.known(directive, None),
        }
    }

    /// Answers for a directive that is never carried. A rule of access is noted in the site that it was made for.
    pub(super) fn known(&mut self, directive: &Directive, site: Option<(&mut Site, &Scope)>) {
        let item = directive.item;
        match directive.name.as_str() {
            "proxy_set_header" => return self.set_header(directive),
            "proxy_redirect"
            | "proxy_cookie_domain"
            | "proxy_cookie_path"
            | "proxy_pass_header"
            | "proxy_pass_request_headers"
            | "proxy_method"
            | "proxy_set_body"
            | "proxy_bind"
            | "proxy_ignore_headers"
            | "proxy_ignore_client_abort" => {
                return self.proxied(directive);
            }
            _ => {}
        }
        let answer = answer(directive);
        if answer.is_some() || directive.block.is_some() {
            self.cover(directive);
        }
        match (answer, site) {
            (Some(Answer::Understood(why)), _) => self.account.understood(item, why),
            (Some(Answer::Left(why, Some(instead))), _) => self.account.left_but(item, why, instead),
            (Some(Answer::Left(why, None)), _) => self.account.left(item, why),
            (Some(Answer::Access), Some((site, scope))) => site.leave_access(item, scope, &mut self.account),
            (Some(Answer::Access), None) => self.account.left(item, "the edge does not ask who somebody is"),
            (None, _) => self.account.left(item, "this import does not know the directive"),
        }
    }

    /// A time from a millisecond to `most` seconds.
    fn time(&mut self, directive: &Directive, level: u8, most: u64, place: &mut Option<Said<String>>) {
        match times::within(directive.word(0), most) {
            Ok(text) => set(place, Said::new(text, directive.item).at(level), &mut self.account),
            Err(why) => self.account.left(directive.item, why),
        }
    }

    fn path(&mut self, directive: &Directive, level: u8, place: &mut Option<Said<String>>) {
        let path = directive.word(0);
        if path.is_empty() || path.contains('$') || path.contains(':') {
            let instead = "write certificate and key_file under [tls]";
            return self.account.left_but(
                directive.item,
                "not a file that is known before there is a request",
                instead,
            );
        }
        // nginx takes a relative path from its own directory, which is this one on every system that packages it.
        let path = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("/etc/nginx/{path}")
        };
        let twice = place
            .as_ref()
            .is_some_and(|said| said.level == level && said.value != path);
        if twice {
            return self.account.left(directive.item, "a tenant has one certificate");
        }
        set(place, Said::new(path, directive.item).at(level), &mut self.account);
    }

    fn cookie_flags(&mut self, directive: &Directive, level: u8, settings: &mut Settings) {
        let flags: Vec<String> = directive
            .words
            .iter()
            .skip(1)
            .map(|flag| flag.to_ascii_lowercase())
            .collect();
        let is_usual = |flag: &String| matches!(flag.as_str(), "secure" | "httponly" | "samesite=lax");
        let rest: Vec<&String> = flags.iter().filter(|flag| !is_usual(flag)).collect();
        match rest.as_slice() {
            [] => self.account.understood(
                directive.item,
                "cookies leave the edge with Secure, HttpOnly and SameSite=Lax",
            ),
            [flag] if flag.starts_with("samesite=") && directive.word(0) == "~" => {
                let word = flag["samesite=".len()..].to_owned();
                if matches!(word.as_str(), "strict" | "none") {
                    return set(
                        &mut settings.same_site,
                        Said::new(word, directive.item).at(level),
                        &mut self.account,
                    );
                }
                self.account.left(directive.item, "there is no such SameSite");
            }
            _ => self.account.left_but(
                directive.item,
                "the edge hardens every cookie of a tenant alike",
                "see script_readable and same_site under [cookies]",
            ),
        }
    }

    fn set_header(&mut self, directive: &Directive) {
        let (name, value) = (directive.word(0).to_ascii_lowercase(), directive.word(1));
        let item = directive.item;
        match name.as_str() {
            "host" if matches!(value, "$host" | "$http_host" | "$host:$server_port" | "$host:$port") => {
                self.account
                    .understood(item, "the edge passes the host on as the client named it");
            }
            "x-forwarded-for" | "x-forwarded-proto" | "x-forwarded-host" | "x-forwarded-port"
                if value.starts_with('$') =>
            {
                self.account.understood(item, "the edge sets it itself");
            }
            "x-forwarded-proto" if value == "https" => self.account.understood(item, "the edge sets it itself"),
            "upgrade" | "connection" => {
                self.account
                    .understood(item, "the edge passes upgrades on, and keeps its connections open");
            }
            "x-real-ip" | "x-client-ip" | "x-forwarded-ssl" | "x-forwarded-scheme" | "x-forwarded-server"
            | "forwarded" | "x-scheme" | "x-url-scheme" | "front-end-https" => self.account.left_but(
                item,
                "the edge names the client and the scheme in X-Forwarded-For and X-Forwarded-Proto only",
                "let the application read those",
            ),
            "proxy" if value.is_empty() => self.account.understood(item, "the edge drops it"),
            "host" => self.account.left_but(
                item,
                "the edge passes the host on as the client named it",
                "let the application answer to the tenant's hosts",
            ),
            _ => self.account.left_but(
                item,
                "the edge adds no headers of one's own to a request",
                "let the application do without",
            ),
        }
    }

    fn proxied(&mut self, directive: &Directive) {
        let item = directive.item;
        match (directive.name.as_str(), directive.word(0)) {
            ("proxy_redirect", "off" | "default") => self
                .account
                .understood(item, "redirects leave as the application sends them"),
            ("proxy_redirect", _) => {
                let why = "redirects leave as the application sends them";
                self.account
                    .left_but(item, why, "let it build them from Host and X-Forwarded-Proto");
            }
            ("proxy_cookie_domain" | "proxy_cookie_path", "off") => self.account.understood(item, "it changes nothing"),
            ("proxy_cookie_domain", _) => {
                self.account
                    .understood(item, "the edge keeps each cookie within its tenant's hosts itself");
            }
            ("proxy_pass_header", _) => self.account.left_but(
                item,
                "the edge removes what names software",
                "write dangerous_leave under [headers] when the application needs it",
            ),
            ("proxy_ignore_client_abort", "off") => self.account.understood(item, "the edge does so"),
            _ => self.account.left(item, "the edge forwards requests as they are"),
        }
    }
}

/// Where a `proxy_pass` leads, when that is one address: with the constants of `set` in it, and what only passes the
/// path on taken away.
pub(super) fn address(written: &str) -> Result<String, String> {
    let passed_on = ["$request_uri", "$uri$is_args$args", "$uri"];
    let bare = passed_on
        .iter()
        .find_map(|rest| written.strip_suffix(rest))
        .unwrap_or(written);
    if bare.contains('$') {
        return Err("the address is computed from each request".into());
    }
    upstream(bare)
}
