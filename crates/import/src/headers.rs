//! Headers of answers that somebody sets today, as the edge's own controls have them.

use crate::Hsts;
use crate::account::{Account, Item};
use crate::site::{Said, Settings, set};
use crate::times::seconds;

/// Takes in a header that is set on every answer, or says why it cannot.
pub(crate) fn sets(name: &str, value: &str, said: (Item, u8), settings: &mut Settings, account: &mut Account) {
    let (item, level) = said;
    let name = name.to_ascii_lowercase();
    match meaning(&name, value) {
        Meaning::Hsts(hsts) => set(&mut settings.hsts, Said::new(hsts, item).at(level), account),
        Meaning::Frames(sources, rest) => {
            // Browsers that know the policy's directive do not look at the old header (HTML standard, X-Frame-Options).
            let level = level * 2 + u8::from(name == CSP);
            set(
                &mut settings.frame_ancestors,
                Said::new(sources, item).at(level),
                account,
            );
            if let Some(rest) = rest {
                account.left_but(
                    item,
                    format!("only frame-ancestors was carried, and not {rest}"),
                    LET_IT,
                );
            }
        }
        Meaning::Referrer(policy) => set(
            &mut settings.referrer_policy,
            Said::new(policy, item).at(level),
            account,
        ),
        Meaning::Done(why) => account.understood(item, why),
        Meaning::Not(why) => account.left_but(item, why, LET_IT),
    }
}

/// Takes in a header that is removed from every answer, or says why it cannot.
pub(crate) fn removes(name: &str, item: Item, settings: &mut Settings, account: &mut Account) {
    let name = name.to_ascii_lowercase();
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    match name.as_str() {
        "server"
        | "via"
        | "x-powered-by"
        | "x-aspnet-version"
        | "x-aspnetmvc-version"
        | "x-generator"
        | "x-runtime"
        | "x-version"
        | "x-varnish"
        | "x-served-by"
        | "x-server" => account.understood(item, "the edge removes it anyway"),
        "connection" | "content-encoding" | "content-length" | "content-type" | "location" | "set-cookie"
        | "transfer-encoding" | "upgrade" | "www-authenticate" => account.left(item, "an answer cannot do without it"),
        "strict-transport-security" | "x-content-type-options" | CSP | "x-frame-options" | "referrer-policy" => {
            account.understood(item, "the edge sets it itself, and merges what the application says");
        }
        _ if name.is_empty() || !name.bytes().all(is_token) => account.left(item, "this is no plain name of a header"),
        _ => settings.remove.push(Said::new(name, item)),
    }
}

const CSP: &str = "content-security-policy";
const LET_IT: &str = "let the application set it; the edge passes it on";

enum Meaning {
    Hsts(Hsts),
    Frames(Vec<String>, Option<String>),
    Referrer(String),
    Done(&'static str),
    Not(String),
}

fn meaning(name: &str, value: &str) -> Meaning {
    let value = value.trim();
    if value.contains('$') || value.contains("{http.") || value.contains("{env.") {
        return Meaning::Not("its value is not known before there is a request".into());
    }
    match name {
        "strict-transport-security" => hsts(value),
        "x-frame-options" if value.eq_ignore_ascii_case("deny") => Meaning::Frames(Vec::new(), None),
        "x-frame-options" if value.eq_ignore_ascii_case("sameorigin") => Meaning::Frames(vec!["'self'".into()], None),
        "x-frame-options" => Meaning::Not("browsers ignore any word but DENY and SAMEORIGIN".into()),
        CSP => policy(value),
        "referrer-policy" => referrer(value),
        "x-content-type-options" if value.eq_ignore_ascii_case("nosniff") => {
            Meaning::Done("the edge says nosniff itself")
        }
        "x-xss-protection" => Meaning::Not("browsers have dropped it".into()),
        _ => Meaning::Not("the edge sets no headers of one's own".into()),
    }
}

/// RFC 6797 section 6.1.
fn hsts(value: &str) -> Meaning {
    let (mut age, mut include_subdomains, mut preload) = (None, false, false);
    for directive in value
        .split(';')
        .map(str::trim)
        .filter(|directive| !directive.is_empty())
    {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "max-age" => age = value.trim().trim_matches('"').parse::<u64>().ok(),
            "includesubdomains" => include_subdomains = true,
            "preload" => preload = true,
            _ => return Meaning::Not(format!("`{directive}` is no directive of this header")),
        }
    }
    let hundred_years = 100 * 365 * 86_400;
    match age {
        None => Meaning::Not("it has no max-age that is a number".into()),
        Some(0) => Meaning::Not("a max-age of 0 switches HTTPS-only off in every browser".into()),
        Some(age) if age > hundred_years => Meaning::Not("its max-age is longer than anybody lives".into()),
        Some(age) if preload && (age < 31_536_000 || !include_subdomains) => {
            Meaning::Not("preload wants a year and includeSubDomains".into())
        }
        Some(age) => Meaning::Hsts(Hsts {
            max_age: seconds(age),
            include_subdomains,
            preload,
        }),
    }
}

/// CSP Level 3 section 6.4.2, as far as the edge has it: `frame-ancestors`.
fn policy(value: &str) -> Meaning {
    let directives = value
        .split(';')
        .map(str::trim)
        .filter(|directive| !directive.is_empty());
    let is_frames = |directive: &&str| directive.to_ascii_lowercase().starts_with("frame-ancestors");
    let (frames, rest): (Vec<&str>, Vec<&str>) = directives.partition(is_frames);
    let Some(frames) = frames.first() else {
        return Meaning::Not("the edge has no content policy but frame-ancestors".into());
    };
    let mut sources: Vec<String> = frames.split_whitespace().skip(1).map(str::to_ascii_lowercase).collect();
    sources.retain(|source| source != "'none'");
    match sources.iter().find(|source| !is_source(source)) {
        Some(source) => Meaning::Not(format!("`{source}` in frame-ancestors is neither 'self' nor a host")),
        None => Meaning::Frames(sources, (!rest.is_empty()).then(|| rest.join("; "))),
    }
}

fn is_source(source: &str) -> bool {
    let host = source
        .strip_prefix("https://")
        .or_else(|| source.strip_prefix("http://"))
        .unwrap_or(source);
    let (host, port) = host.split_once(':').unwrap_or((host, "*"));
    let label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_host = host.strip_prefix("*.").unwrap_or(host).split('.').all(label);
    source == "'self'" || (is_host && (port == "*" || port.parse::<u16>().is_ok()))
}

fn referrer(value: &str) -> Meaning {
    let known = [
        "no-referrer",
        "same-origin",
        "strict-origin",
        "origin",
        "strict-origin-when-cross-origin",
        "origin-when-cross-origin",
        "no-referrer-when-downgrade",
    ];
    let last = value.rsplit(',').next().unwrap_or_default().trim().to_ascii_lowercase();
    if known.contains(&last.as_str()) {
        Meaning::Referrer(last)
    } else {
        Meaning::Not(format!(
            "`{last}` is no policy that keeps a visitor's address from other sites"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Fate, Place};

    /// What the settings are after one header, and what became of it.
    fn after(name: &str, value: &str) -> (Settings, Option<Fate>) {
        let (mut settings, mut account) = (Settings::default(), Account::default());
        let place = Place {
            file: "a".into(),
            line: 1,
            column: 1,
        };
        let item = account.enter(place, 1, name);
        sets(name, value, (item, 1), &mut settings, &mut account);
        let fate = account.close("open").remove(0).fate;
        let open = matches!(&fate, Fate::Left { why, .. } if why == "open");
        (settings, (!open).then_some(fate))
    }

    fn left(name: &str, value: &str) -> String {
        match after(name, value).1 {
            Some(Fate::Left { why, .. }) => why,
            other => panic!("{name}: {value}: {other:?}"),
        }
    }

    #[test]
    fn hsts_is_carried_with_its_flags() {
        let (settings, fate) = after(
            "Strict-Transport-Security",
            "max-age=63072000; includeSubDomains; preload",
        );
        let hsts = settings.hsts.unwrap().value;
        assert_eq!(
            (hsts.max_age.as_str(), hsts.include_subdomains, hsts.preload),
            ("730d", true, true)
        );
        assert_eq!(fate, None);
        assert_eq!(
            after("strict-transport-security", "max-age=\"300\"")
                .0
                .hsts
                .unwrap()
                .value
                .max_age,
            "5m"
        );
    }

    #[test]
    fn hsts_that_would_not_pass_is_left() {
        assert!(left("strict-transport-security", "max-age=0").contains("off"));
        assert!(left("strict-transport-security", "includeSubDomains").contains("no max-age"));
        assert!(left("strict-transport-security", "max-age=300; preload").contains("year"));
        assert!(left("strict-transport-security", "max-age=99999999999999").contains("longer"));
        assert!(left("strict-transport-security", "max-age=1; x").contains("`x`"));
        assert!(left("strict-transport-security", "$hsts").contains("not known"));
    }

    #[test]
    fn frames_are_carried_from_both_headers() {
        let frames = |name, value| after(name, value).0.frame_ancestors.unwrap().value;
        assert_eq!(frames("X-Frame-Options", "DENY"), [""; 0]);
        assert_eq!(frames("X-Frame-Options", "sameorigin"), ["'self'"]);
        assert_eq!(frames("Content-Security-Policy", "frame-ancestors 'none'"), [""; 0]);
        let both = "frame-ancestors 'self' https://*.city.example:8443";
        assert_eq!(
            frames("content-security-policy", both),
            ["'self'", "https://*.city.example:8443"]
        );
    }

    #[test]
    fn what_the_edge_has_no_word_for_is_left() {
        assert!(left("x-frame-options", "ALLOW-FROM https://a.example").contains("DENY"));
        assert!(left("content-security-policy", "default-src 'self'").contains("frame-ancestors"));
        assert!(left("content-security-policy", "frame-ancestors *").contains("`*`"));
        assert!(
            left("content-security-policy", "frame-ancestors 'self'; script-src 'self'").contains("script-src 'self'")
        );
        assert!(left("referrer-policy", "unsafe-url").contains("unsafe-url"));
        assert!(left("x-xss-protection", "1").contains("dropped"));
        assert!(left("access-control-allow-origin", "*").contains("no headers"));
    }

    #[test]
    fn the_content_policy_goes_before_the_old_header() {
        let (mut settings, mut account) = (Settings::default(), Account::default());
        for (line, (name, value)) in [(CSP, "frame-ancestors 'none'"), ("x-frame-options", "SAMEORIGIN")]
            .iter()
            .enumerate()
        {
            let place = Place {
                file: "a".into(),
                line,
                column: 1,
            };
            let item = account.enter(place, line, name);
            sets(name, value, (item, 1), &mut settings, &mut account);
        }
        assert_eq!(settings.frame_ancestors.unwrap().value, [""; 0]);
    }
}
