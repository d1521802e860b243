//! A draft as the file that a person goes on writing: what is known as keys, what is not as comments with an example.

use std::fmt::Write as _;

use crate::TenantDraft;
use crate::entry::printable;

impl TenantDraft {
    /// The tenant's file. Its keys are those of `tenants.d/*.toml`; a line that must be filled in before the tenant can be
    /// served begins with `# FILL IN:`.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut page = Page::default();
        self.write_head(&mut page);
        self.write_hosts(&mut page);
        self.write_upstream(&mut page);
        self.write_certificate(&mut page);
        self.write_quotas(&mut page);
        self.write_cookies(&mut page);
        self.write_headers(&mut page);
        page.0
    }

    fn write_head(&self, page: &mut Page) {
        let host = self
            .hosts
            .first()
            .map_or_else(|| self.id.to_string(), ToString::to_string);
        let drafted = self.origin.as_ref().map(|origin| format!(" Drafted from {origin}."));
        page.comment(&format!("{host}.{}", drafted.unwrap_or_default()));
        page.comment("");
        page.comment("  rempart check                    is everything right?");
        page.comment("  rempart reload                   take it up");
        for note in &self.notes {
            page.comment("");
            page.comment(&format!("ATTENTION: {note}"));
        }
        page.blank();
    }

    fn write_hosts(&self, page: &mut Page) {
        let hosts: Vec<String> = self.hosts.iter().map(ToString::to_string).collect();
        if hosts.is_empty() {
            page.line(
                "# FILL IN: hosts = [\"museum.example\"]",
                "the hosts under which it is reached",
            );
        } else {
            page.line(&format!("hosts = {}", list(&hosts)), "");
        }
        match (&self.preset, self.likely_preset) {
            (Some(preset), _) => page.line(&format!("preset = {}", text(preset)), FAMILIES),
            (None, Some(likely)) => page.line(
                &format!("# preset = {}", text(likely)),
                "it looks like one of this family",
            ),
            (None, None) => page.line("# preset = \"php\"", FAMILIES),
        }
    }

    fn write_upstream(&self, page: &mut Page) {
        page.blank();
        page.line("[upstream]", "");
        match &self.upstream {
            Some(url) => page.line(&format!("url = {}", text(url)), ""),
            None => page.line(
                "# FILL IN: url = \"http://127.0.0.1:9101\"",
                "where the application is: http, a host, a port",
            ),
        }
        page.key(
            "connect_timeout",
            self.connect_timeout.as_deref(),
            "2s",
            "how long a connection to it may take",
        );
        page.key(
            "response_timeout",
            self.response_timeout.as_deref(),
            "30s",
            "how long it may take to begin its answer",
        );
        page.line("# max_connections = 256", "for each worker");
    }

    fn write_certificate(&self, page: &mut Page) {
        page.blank();
        if let Some(files) = &self.certificate {
            page.line("[tls]", "");
            page.line(
                &format!("certificate = {}", text(&files.certificate)),
                "the chain, the site's own certificate first",
            );
            page.line(&format!("key_file = {}", text(&files.key_file)), "");
            return;
        }
        page.line("# [tls]", "needed, unless rempart.toml has [development] certificates");
        let file = |end: &str| text(&format!("certificates/{}.{end}", self.id));
        page.line(
            &format!("# certificate = {}", file("pem")),
            "the chain, the site's own certificate first",
        );
        page.line(&format!("# key_file = {}", file("key")), "");
    }

    fn write_quotas(&self, page: &mut Page) {
        for quota in &self.quotas {
            page.blank();
            page.line(&format!("[rate_limit.quotas.{}]", quota.name), &quota.was);
            page.line(&format!("rate = {}", text(&quota.rate)), "");
            if quota.per_tenant {
                page.line("per = \"tenant\"", "all clients share one count");
            }
            if !quota.routes.is_empty() {
                page.line(&format!("routes = {}", list(&quota.routes)), "");
            }
        }
        if !self.quotas.iter().any(|quota| quota.name == "login") {
            page.blank();
            page.line("# [rate_limit.quotas.login]", "passwords are not tried out");
            page.line("# rate = \"10/m burst 5\"", "");
            page.line("# routes = [\"POST /login\"]", "");
        }
    }

    fn write_cookies(&self, page: &mut Page) {
        page.blank();
        page.line(
            if self.same_site.is_some() {
                "[cookies]"
            } else {
                "# [cookies]"
            },
            "",
        );
        let session = "sealed for this client alone; switching it on logs everybody out once";
        page.line("# session = [\"PHPSESSID\"]", session);
        page.key("same_site", self.same_site.as_deref(), "lax", "strict, lax or none");
    }

    fn write_headers(&self, page: &mut Page) {
        let known = self.frame_ancestors.is_some() || self.referrer_policy.is_some() || !self.remove.is_empty();
        page.blank();
        page.line(if known { "[headers]" } else { "# [headers]" }, "");
        match &self.frame_ancestors {
            Some(sources) => page.line(&format!("frame_ancestors = {}", list(sources)), FRAMES),
            None => page.line("# frame_ancestors = [\"'self'\"]", FRAMES),
        }
        let referrer = "what the next page learns of where a visitor comes from";
        page.key(
            "referrer_policy",
            self.referrer_policy.as_deref(),
            "strict-origin-when-cross-origin",
            referrer,
        );
        if !self.remove.is_empty() {
            page.line(&format!("remove = {}", list(&self.remove)), "");
        }
        page.blank();
        let Some(hsts) = &self.hsts else {
            page.line("# [headers.hsts]", "");
            page.line("# max_age = \"365d\"", "browsers come back over HTTPS only");
            return;
        };
        page.line("[headers.hsts]", "");
        page.line(
            &format!("max_age = {}", text(&hsts.max_age)),
            "browsers come back over HTTPS only",
        );
        for (key, is_set) in [
            ("include_subdomains", hsts.include_subdomains),
            ("preload", hsts.preload),
        ] {
            if is_set {
                page.line(&format!("{key} = true"), "");
            }
        }
    }
}

const FAMILIES: &str = "php, aspnet, java-servlet, wordpress, django or static";
const FRAMES: &str = "who may show these pages in a frame";

/// The text that is being written.
#[derive(Default)]
struct Page(String);

impl Page {
    /// A line, and what it is for.
    fn line(&mut self, line: &str, comment: &str) {
        // As wide as in the examples.
        const COLUMN: usize = 34;
        let _ = match comment {
            "" => writeln!(self.0, "{line}"),
            comment => writeln!(self.0, "{line:COLUMN$} # {}", printable(comment)),
        };
    }

    /// A key with its value, or with an example when that is not known.
    fn key(&mut self, key: &str, value: Option<&str>, example: &str, comment: &str) {
        match value {
            Some(value) => self.line(&format!("{key} = {}", text(value)), comment),
            None => self.line(&format!("# {key} = {}", text(example)), comment),
        }
    }

    /// A sentence in lines of its own.
    fn comment(&mut self, sentence: &str) {
        const WIDTH: usize = 116;
        let sentence = printable(sentence);
        let mut line = String::from("#");
        // What is set in columns stays as it is.
        if sentence.len() <= WIDTH {
            let _ = writeln!(self.0, "{}", format!("# {sentence}").trim_end());
            return;
        }
        for word in sentence.split_whitespace() {
            if line.len() + word.len() > WIDTH {
                let _ = writeln!(self.0, "{line}");
                line = String::from("#");
            }
            let _ = write!(line, " {word}");
        }
        let _ = writeln!(self.0, "{line}");
    }

    fn blank(&mut self) {
        self.0.push('\n');
    }
}

/// A TOML string.
fn text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A TOML list of strings.
fn list(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|one| text(one)).collect();
    format!("[{}]", quoted.join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Certificate, Hsts, Quota};

    fn draft() -> TenantDraft {
        TenantDraft::new("museum".parse().unwrap())
    }

    fn full() -> TenantDraft {
        TenantDraft {
            hosts: vec!["museum.example".parse().unwrap(), "*.museum.example".parse().unwrap()],
            upstream: Some("http://127.0.0.1:9104".into()),
            connect_timeout: Some("5s".into()),
            response_timeout: Some("60s".into()),
            preset: Some("php".into()),
            certificate: Some(Certificate {
                certificate: "a.pem".into(),
                key_file: "a.key".into(),
            }),
            quotas: vec![Quota {
                name: "login".into(),
                rate: "10/m burst 6".into(),
                per_tenant: true,
                routes: vec!["/login".into()],
                was: "nginx: rate=10r/m".into(),
            }],
            same_site: Some("strict".into()),
            hsts: Some(Hsts {
                max_age: "365d".into(),
                include_subdomains: true,
                preload: true,
            }),
            frame_ancestors: Some(vec![]),
            referrer_policy: Some("no-referrer".into()),
            remove: vec!["x-version".into()],
            ..draft()
        }
    }

    #[test]
    fn what_is_known_is_a_key_and_what_is_not_is_a_comment() {
        let table: toml::Table = toml::from_str(&full().to_toml()).unwrap();
        assert_eq!(table["hosts"].as_array().unwrap().len(), 2);
        assert_eq!(table["preset"].as_str(), Some("php"));
        assert_eq!(table["upstream"]["response_timeout"].as_str(), Some("60s"));
        assert_eq!(table["tls"]["key_file"].as_str(), Some("a.key"));
        assert_eq!(table["rate_limit"]["quotas"]["login"]["per"].as_str(), Some("tenant"));
        assert_eq!(table["cookies"]["same_site"].as_str(), Some("strict"));
        assert_eq!(table["headers"]["frame_ancestors"].as_array().unwrap().len(), 0);
        assert_eq!(table["headers"]["hsts"]["preload"].as_bool(), Some(true));
        let empty: toml::Table = toml::from_str(&draft().to_toml()).unwrap();
        assert_eq!(empty.keys().collect::<Vec<_>>(), ["upstream"]);
    }

    #[test]
    fn a_draft_that_cannot_be_served_yet_says_what_to_fill_in() {
        let file = draft().to_toml();
        assert!(
            file.contains("\n# FILL IN: hosts = ") && file.contains("\n# FILL IN: url = "),
            "{file}"
        );
        assert!(!full().to_toml().contains("FILL IN"));
    }

    #[test]
    fn every_example_in_a_comment_is_toml_itself() {
        let file = draft().to_toml().replace("FILL IN: ", "");
        let open = |line: &str| match line.strip_prefix("# ") {
            Some(code) if code.starts_with('[') || code.contains(" = ") => code.to_owned(),
            _ => line.to_owned(),
        };
        let lines: Vec<String> = file.lines().map(open).collect();
        let table: toml::Table = toml::from_str(&lines.join("\n")).unwrap();
        assert_eq!(table["tls"]["key_file"].as_str(), Some("certificates/museum.key"));
        assert_eq!(
            table["rate_limit"]["quotas"]["login"]["rate"].as_str(),
            Some("10/m burst 5")
        );
    }

    proptest! {
        #[test]
        fn no_text_of_the_input_becomes_a_key(note in any::<String>(), was in ".*\n.*", path in any::<String>()) {
            let mut draft = full();
            draft.notes.push(note.clone());
            draft.origin = Some(note);
            draft.quotas[0].was = was;
            draft.certificate.as_mut().unwrap().certificate.clone_from(&path);
            let table: toml::Table = toml::from_str(&draft.to_toml()).unwrap();
            let keys: Vec<_> = table.keys().map(String::as_str).collect();
            prop_assert_eq!(keys.len(), 7, "{:?}", keys);
            prop_assert_eq!(table["tls"]["certificate"].as_str(), Some(path.as_str()));
        }
    }
}
