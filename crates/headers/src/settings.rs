use http::{HeaderName, header};
use rempart_guard::{Day, Enforcement, Problem, Problems, duration, duration_schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::BANNERS;
use crate::banner::Banners;
use crate::framing::{Framing, NONE, SELF};
use crate::hsts::{Directives, Hsts};
use crate::referrer::ReferrerPolicy;

/// Which headers one tenant's answers leave with, merged with what the application sends. What is not written is balanced:
/// it hardens, and breaks no application that is served over HTTPS under its own host.
///
/// ```toml
/// [headers]
/// enforcement = "enforce"
/// frame_ancestors = ["'self'", "https://portal.city.example"]
/// referrer_policy = "same-origin"
///
/// [headers.hsts]
/// max_age = "730d"
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HeadersSettings {
    /// `enforce` amends the answers, `report` tells what would have been replaced, `off` does nothing.
    pub enforcement: Enforcement,
    /// Until when the control is meant to be in `report`: a day such as `"2026-12-31"`. It changes nothing by itself; when
    /// the day is over and the control still reports only, `rempart check` says so.
    #[schemars(with = "Option<Day>")]
    pub report_until: Option<String>,
    /// `Strict-Transport-Security`: for how long browsers come back over HTTPS only.
    pub hsts: HstsSettings,
    /// Who may show the site in a frame: `'self'`, and hosts (`portal.city.example`, `*.city.example`) with `https://` and a
    /// port or without. An empty list is nobody. Leaves as `frame-ancestors` and as `X-Frame-Options`.
    /// A portal that embeds the site and is not named shows an empty frame.
    #[schemars(inner(regex(pattern = SOURCE_PATTERN)), extend("x-form" = "list of hosts"))]
    pub frame_ancestors: Vec<String>,
    /// What a page tells the next one about where the visitor comes from: `no-referrer`, `same-origin`, `strict-origin`,
    /// `origin`, `strict-origin-when-cross-origin`, `origin-when-cross-origin` or `no-referrer-when-downgrade`. An
    /// application's own word is kept when it tells no more. Applications that check the `Referer` of their own forms do not
    /// work under `no-referrer`.
    #[schemars(extend("enum" = policies().collect::<Vec<_>>()))]
    pub referrer_policy: String,
    /// Names of further headers that are removed, besides the usual banners such as `Server` and `X-Powered-By`. Headers that
    /// carry the answer, such as `Content-Type` and `Location`, cannot be removed.
    #[schemars(inner(regex(pattern = NAME_PATTERN)), extend("x-form" = "list of header names"))]
    pub remove: Vec<String>,
    /// Names of headers that this control leaves exactly as the application sends them, or does not send them. For an
    /// application that a header breaks, until it is mended: what the header stops is then no longer stopped.
    #[schemars(extend("items" = {"type": "string", "enum": leavable().collect::<Vec<_>>()}))]
    #[schemars(extend("x-form" = "list of header names"))]
    pub dangerous_leave: Vec<String>,
}

/// `Strict-Transport-Security`: for how long browsers come back to the tenant over HTTPS only (RFC 6797).
///
/// ```toml
/// [headers.hsts]
/// max_age = "730d"
/// include_subdomains = true
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HstsSettings {
    /// How long a browser remembers, in whole seconds at least: `"365d"`. Begin with minutes on a site that has never had
    /// it: there is no way back before the time is over.
    #[schemars(schema_with = "duration_schema", extend("x-least" = "1s"))]
    pub max_age: String,
    /// Whether all hosts below the tenant's own are meant too. Only when every one of them is served over HTTPS:
    /// browsers do not open the others any more.
    pub include_subdomains: bool,
    /// Whether browsers may ship the host in their built-in list, which takes months to leave. The list wants at least
    /// `"365d"` and `include_subdomains`.
    pub preload: bool,
}

/// The headers of one tenant's answers as they are enforced, each value ready to be sent. Made of [`HeadersSettings`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadersPolicy {
    pub(crate) enforcement: Enforcement,
    pub(crate) report_until: Option<Day>,
    pub(crate) hsts: Option<Hsts>,
    pub(crate) nosniff: bool,
    pub(crate) framing: Framing,
    pub(crate) referrer: Option<ReferrerPolicy>,
    pub(crate) banners: Banners,
}

impl HeadersPolicy {
    /// Whether answers are amended, only reported, or not looked at.
    #[must_use]
    pub const fn enforcement(&self) -> Enforcement {
        self.enforcement
    }

    /// The last day on which the control is meant to be in `report`, when somebody has said one.
    #[must_use]
    pub const fn report_until(&self) -> Option<Day> {
        self.report_until
    }
}

impl Default for HeadersSettings {
    /// A year of HTTPS, frames of the site itself, and the referrer policy that browsers have by default.
    fn default() -> Self {
        Self {
            enforcement: Enforcement::Enforce,
            report_until: None,
            hsts: HstsSettings::default(),
            frame_ancestors: vec![SELF.to_owned()],
            referrer_policy: "strict-origin-when-cross-origin".to_owned(),
            remove: Vec::new(),
            dangerous_leave: Vec::new(),
        }
    }
}

impl Default for HstsSettings {
    fn default() -> Self {
        Self {
            max_age: "365d".to_owned(),
            include_subdomains: false,
            preload: false,
        }
    }
}

impl TryFrom<HeadersSettings> for HeadersPolicy {
    type Error = Problems;

    fn try_from(settings: HeadersSettings) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let report_until = problems.take(Day::report_until(settings.report_until.as_deref()));
        let left = read_left(&settings.dangerous_leave, &mut problems);
        let sends = |name: HeaderName| !left.contains(&name);
        let hsts = problems.take(settings.hsts.read());
        let sources = settings
            .frame_ancestors
            .iter()
            .filter_map(|source| problems.take(read_source(source)))
            .collect();
        let referrer = problems.take(read_referrer(&settings.referrer_policy));
        let extra = settings
            .remove
            .iter()
            .filter_map(|name| problems.take(read_removed(name)));
        let banners = BANNERS
            .iter()
            .cloned()
            .chain(extra)
            .filter(|name| !left.contains(name))
            .collect();
        let mut framing = Framing::new(sources);
        framing.sends_csp = sends(header::CONTENT_SECURITY_POLICY);
        framing.sends_legacy = sends(header::X_FRAME_OPTIONS);
        problems.none_or(|| {
            Some(Self {
                enforcement: settings.enforcement,
                report_until: report_until?,
                hsts: hsts.filter(|_| sends(header::STRICT_TRANSPORT_SECURITY)),
                nosniff: sends(header::X_CONTENT_TYPE_OPTIONS),
                framing,
                referrer: referrer.filter(|_| sends(header::REFERRER_POLICY)),
                banners: Banners::new(banners),
            })
        })
    }
}

impl HstsSettings {
    fn read(&self) -> Result<Hsts, Problem> {
        let wrong = |message: String| Problem::new(["hsts", "max_age"], "hsts_max_age_invalid", message);
        let age = duration(&self.max_age)
            .map_err(|error| wrong(format!("`{}`: {error}", self.max_age)).help("write a duration such as \"365d\""))?;
        if age.as_secs() == 0 || age.subsec_nanos() != 0 {
            return Err(
                wrong(format!("`{}` is not one or more whole seconds", self.max_age)).help(
                    "zero would switch HTTPS-only off in every browser that has it; to send nothing, write \
                       dangerous_leave = [\"strict-transport-security\"]",
                ),
            );
        }
        if self.preload && (!self.include_subdomains || age.as_secs() < PRELOAD_SECONDS) {
            let message = "`preload` asks for a place in a list that wants a longer max_age and all sub-domains";
            return Err(Problem::new(["hsts", "preload"], "hsts_preload_incomplete", message)
                .help("set max_age = \"365d\" or more and include_subdomains = true, or leave preload out"));
        }
        let (include_subdomains, preload) = (self.include_subdomains, self.preload);
        Ok(Hsts::new(Directives {
            max_age: age.as_secs(),
            include_subdomains,
            preload,
        }))
    }
}

/// What the list at hstspreload.org asks for.
const PRELOAD_SECONDS: u64 = 31_536_000;

/// Headers that an answer cannot do without, or that another control is responsible for.
const NEEDED: [HeaderName; 9] = [
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::LOCATION,
    header::SET_COOKIE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::WWW_AUTHENTICATE,
];

/// The headers that this control sets.
const SET: [HeaderName; 5] = [
    header::STRICT_TRANSPORT_SECURITY,
    header::X_CONTENT_TYPE_OPTIONS,
    header::CONTENT_SECURITY_POLICY,
    header::X_FRAME_OPTIONS,
    header::REFERRER_POLICY,
];

fn policies() -> impl Iterator<Item = &'static str> {
    ReferrerPolicy::names().filter(|name| *name != "unsafe-url")
}

fn leavable() -> impl Iterator<Item = &'static str> {
    SET.iter().chain(&BANNERS).map(HeaderName::as_str)
}

/// What [`read_removed`] reads (RFC 9110 section 5.6.2).
const NAME_PATTERN: &str = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$";

/// What [`read_source`] reads, with the quotes of `'self'`.
const SOURCE_PATTERN: &str = concat!(
    "^('[Ss][Ee][Ll][Ff]'|([Hh][Tt][Tt][Pp][Ss]?://)?",
    r"(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:(\*|\+?[0-9]+))?)$",
);

fn read_left(names: &[String], problems: &mut Problems) -> Vec<HeaderName> {
    let known = |name: &HeaderName| SET.contains(name) || BANNERS.contains(name);
    let read = |name: &String| {
        name.parse().ok().filter(known).ok_or_else(|| {
            let message = format!("`{name}` is no header that this control sets or removes");
            let set = SET.map(|name| format!("`{name}`")).join(", ");
            Problem::new(["dangerous_leave"], "header_not_ours", message)
                .help(format!("it can be one of {set}, or a banner such as `server`"))
        })
    };
    names.iter().filter_map(|name| problems.take(read(name))).collect()
}

fn read_removed(text: &str) -> Result<HeaderName, Problem> {
    let wrong = |code, why: &str| Problem::new(["remove"], code, format!("`{text}` {why}"));
    let name: HeaderName = text
        .parse()
        .map_err(|_| wrong("header_name_invalid", "is no name of a header"))?;
    if NEEDED.contains(&name) {
        return Err(wrong("header_needed", "carries the answer and cannot be removed"));
    }
    if SET.contains(&name) {
        let help = "to leave it to the application, name it in dangerous_leave";
        return Err(wrong("header_needed", "is set by this control and cannot be removed").help(help));
    }
    Ok(name)
}

fn read_referrer(word: &str) -> Result<ReferrerPolicy, Problem> {
    let known = word
        .parse()
        .ok()
        .filter(|policy: &ReferrerPolicy| policy.name() != "unsafe-url");
    known.ok_or_else(|| {
        let names = policies().map(|name| format!("`{name}`"));
        let message = format!("`{word}` is no policy that keeps a visitor's address from other sites");
        Problem::new(["referrer_policy"], "referrer_policy_invalid", message)
            .help(format!("one of {}", names.collect::<Vec<_>>().join(", ")))
    })
}

/// An ancestor is `'self'` or a host, perhaps with a scheme and a port (CSP Level 3 section 6.4.2). What lets everybody
/// in (`*`, a scheme alone) is refused: that is not a policy but its absence, and has its own key.
fn read_source(text: &str) -> Result<String, Problem> {
    let source = text.to_ascii_lowercase();
    let wrong = |why: &str| Problem::new(["frame_ancestors"], "frame_ancestor_invalid", format!("`{text}` {why}"));
    if source == SELF {
        return Ok(source);
    }
    if source == NONE {
        return Err(wrong("is said by an empty list").help("write frame_ancestors = []"));
    }
    if matches!(source.as_str(), "self" | "none") {
        return Err(wrong("lacks its quotes").help("write \"'self'\", or an empty list for nobody"));
    }
    let host = source
        .strip_prefix("https://")
        .or_else(|| source.strip_prefix("http://"))
        .unwrap_or(&source);
    let (host, port) = host
        .split_once(':')
        .map_or((host, None), |(host, port)| (host, Some(port)));
    if host == "*" || source.ends_with(':') {
        return Err(wrong("lets every site in")
            .help("if that is meant, write dangerous_leave = [\"content-security-policy\", \"x-frame-options\"]"));
    }
    if !is_host(host.strip_prefix("*.").unwrap_or(host)) || !port.is_none_or(is_port) {
        return Err(
            wrong("is neither 'self' nor a host").help("write a host without a path: \"https://portal.city.example\"")
        );
    }
    Ok(source)
}

fn is_host(host: &str) -> bool {
    let is_label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    host.split('.').all(is_label)
}

fn is_port(port: &str) -> bool {
    port == "*" || port.parse::<u16>().is_ok()
}
