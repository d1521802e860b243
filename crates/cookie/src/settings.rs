use std::collections::BTreeMap;
use std::time::SystemTime;

use cookie::SameSite;
use rempart_guard::{Day, Enforcement, Problem, Problems, duration_schema};
use rempart_tenant::PurposeKeys;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attributes::Tails;
use crate::names::Names;
use crate::pattern::{self, NamePattern, SHORTEST_STEM};
use crate::prefix::{Prefix, is_http_only};
use crate::rules::{CookieRuleSettings, MOST_RULES, Rules, read_max_age, read_prefix};
use crate::seal::Sealer;
use crate::url::{ASPNET, UrlSessions};

/// How one tenant's cookies leave: hardened, kept from the neighbours, and sessions sealed with the tenant's own key.
///
/// ```toml
/// [cookies]
/// enforcement = "enforce"
/// session = ["PHPSESSID"]
/// script_readable = ["XSRF-TOKEN"]
/// same_site = "lax"
///
/// [cookies.rules."wp-settings-*"]
/// script_readable = true
/// max_age = "30d"
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CookieSettings {
    /// `enforce` hardens, seals and refuses; `report` tells what would have been dropped or refused; `off` does nothing.
    /// Under `report` nothing is sealed, so every session cookie is told as one that is not.
    pub enforcement: Enforcement,
    /// Until when the control is meant to be in `report`: a day such as `"2026-12-31"`. It changes nothing by itself; when
    /// the day is over and the control still reports only, `rempart check` says so.
    #[schemars(with = "Option<Day>")]
    pub report_until: Option<String>,
    /// Names of the cookies that hold a session, exactly as the application writes them: `PHPSESSID`, `JSESSIONID`,
    /// `ASP.NET_SessionId`. A `*` at the end, after four characters at least, stands for whatever the application ends a name
    /// in: `wordpress_logged_in_*`. Their values leave sealed and open for this tenant only. At most 16. Switching this on
    /// logs everybody out once, and breaks scripts that read such a cookie.
    #[schemars(inner(regex(pattern = NAME_PATTERN)), length(max = MOST_SESSIONS))]
    #[schemars(extend("uniqueItems" = true, "x-form" = "list of cookie names"))]
    pub session: Vec<String>,
    /// What carries a session in the path of a URL when the application thinks that a client has no cookies: the name of the
    /// parameter, such as `jsessionid` of Java's servlets (`/page;jsessionid=0A1B`), in whatever case, or `(S)` for the
    /// segment `/(S(…))/` of ASP.NET, with a login (`F`) that it may carry too. Requests go to the application without it:
    /// such a session comes by a link, so it was planted or leaked, and no seal protects it. Clients without cookies then
    /// cannot log in. At most 16.
    #[schemars(inner(regex(pattern = URL_NAME_PATTERN)), length(max = MOST_SESSIONS))]
    #[schemars(extend("uniqueItems" = true, "x-form" = "list of parameter names"))]
    pub session_in_url: Vec<String>,
    /// Names of cookies that the application's own scripts read, such as `XSRF-TOKEN`, or `wp-settings-*` for all that begin
    /// so. They leave without `HttpOnly`. A session cannot be among them. All other cookies leave with `HttpOnly`, so a script
    /// that reads one which is not named here finds nothing, and one that writes it changes nothing.
    #[schemars(inner(regex(pattern = NAME_PATTERN)))]
    #[schemars(extend("uniqueItems" = true, "x-form" = "list of cookie names"))]
    pub script_readable: Vec<String>,
    /// Whether other sites' links and forms carry the cookies: `strict` none, `lax` links only, `none` both. An application's
    /// stricter word is kept, a laxer one is not. `none` is for a site that is used inside other sites' frames, or that other
    /// sites log in to with a form, and for no other. Under `strict` a visitor who follows a link from elsewhere, such as a
    /// mail in a web mailer, arrives logged out.
    #[schemars(extend("enum" = SAME_SITE.map(|(word, _)| word)))]
    pub same_site: String,
    /// What the cookies of `session` are called outside. `host` puts `__Host-` before the name, so that no other host, not
    /// even a neighbour under the same domain, can have set the cookie; it then leaves with `Path=/` and without `Domain`. Where
    /// one host has several applications that each set a session of one name for its own path, that would make them one:
    /// write `secure`, which puts `__Secure-` before the name and leaves the path, or `none`. A name to which the application
    /// has put a prefix itself stays. The application always sees its own name.
    #[schemars(extend("enum" = Prefix::WORDS.map(|(word, _)| word)))]
    pub prefix: String,
    /// The last day (UTC) on which cookies are still read under the name that they had outside before `prefix` or the rules
    /// were changed: `"2026-12-31"`. Sessions that come so are given their new name with the next answer, and the old cookie is
    /// deleted. Without a day the old name is not read at all, and everybody is logged out once: but for sessions from before
    /// names were changed, which are read for as long as the key `root` is in `[keys]`.
    #[schemars(with = "Option<Day>")]
    pub rename_grace_until: Option<String>,
    /// How long browsers keep a cookie at most, from `"1s"` to `"400d"`, in whole seconds. A longer `Max-Age` or `Expires` is
    /// cut to it; a cookie that goes with the browser stays so. A sealed cookie is not opened after that time either.
    #[schemars(schema_with = "duration_schema", extend("x-least" = "1s", "x-most" = "400d"))]
    pub max_age: String,
    /// How many cookies of one request reach the application at most, from 10 to 1000; sessions are not counted. What comes
    /// after them is dropped: a neighbour who sets hundreds of cookies for all its siblings does not take the site down.
    #[schemars(range(min = MOST_COOKIES.0, max = MOST_COOKIES.1))]
    pub max_cookies: u32,
    /// What single cookies get that others do not, by name: `[cookies.rules.basket]`, or `[cookies.rules."wp-settings-*"]` for
    /// all that begin so. Of several rules for one cookie, the most particular one that says a key counts for that key. At most
    /// 64.
    #[schemars(extend("propertyNames" = {"pattern": NAME_PATTERN}, "maxProperties" = MOST_RULES))]
    pub rules: BTreeMap<String, CookieRuleSettings>,
}

impl Default for CookieSettings {
    /// `Lax`, `HttpOnly` for all, and no session named: nothing is sealed or called otherwise until it is said what.
    fn default() -> Self {
        Self {
            enforcement: Enforcement::Enforce,
            report_until: None,
            session: Vec::new(),
            session_in_url: Vec::new(),
            script_readable: Vec::new(),
            same_site: "lax".to_owned(),
            prefix: "host".to_owned(),
            rename_grace_until: None,
            max_age: "400d".to_owned(),
            max_cookies: 100,
            rules: BTreeMap::new(),
        }
    }
}

/// The cookies of one tenant as they are enforced, with the tenant's own seal. Made of [`CookieSettings`].
#[derive(Debug)]
pub struct CookiePolicy {
    enforcement: Enforcement,
    report_until: Option<Day>,
    pub(crate) names: Names,
    pub(crate) url_sessions: UrlSessions,
    pub(crate) script_readable: Vec<NamePattern>,
    pub(crate) same_site: SameSite,
    /// The moment from which on old names are not read.
    pub(crate) grace_until: Option<SystemTime>,
    /// Seconds.
    pub(crate) max_age: u64,
    pub(crate) max_cookies: usize,
    pub(crate) hosts: Vec<String>,
    pub(crate) sealer: Sealer,
    pub(crate) tails: Tails,
}

impl CookiePolicy {
    /// The settings with what is the tenant's own: its hosts, without ports, and the keys of its cookies.
    ///
    /// `hosts` are the values that a cookie's `Domain` may have. A cookie with a `Domain` reaches every host below it, so
    /// leave out a host that has a neighbour below it. A host without a dot (`localhost`) never counts.
    ///
    /// # Errors
    ///
    /// All that is wrong with the settings, at once.
    pub fn new(settings: CookieSettings, hosts: Vec<String>, keys: &PurposeKeys) -> Result<Self, Problems> {
        Self::at(settings, hosts, keys, SystemTime::now())
    }

    /// The same at another time: sessions from before version 2 count as begun then.
    pub(crate) fn at(
        settings: CookieSettings,
        hosts: Vec<String>,
        keys: &PurposeKeys,
        now: SystemTime,
    ) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        settings.check(&mut problems);
        let report_until = problems.take(Day::report_until(settings.report_until.as_deref()));
        let same_site = problems.take(read_same_site(&settings.same_site));
        let prefix = problems.take(read_prefix(&settings.prefix, "prefix"));
        let grace_until = problems.take(read_grace(settings.rename_grace_until.as_deref()));
        let max_age = problems.take(read_max_age(&settings.max_age, "max_age"));
        let rules = Rules::read(settings.rules, &mut problems);
        if let Some(prefix) = prefix {
            check_renamed(&settings.session, prefix, &rules, &mut problems);
        }
        problems.none_or(|| {
            let hosts = hosts.into_iter().filter(|host| is_domain(host));
            Some(Self {
                enforcement: settings.enforcement,
                report_until: report_until?,
                names: Names::new(settings.session, prefix?, rules),
                url_sessions: UrlSessions::new(settings.session_in_url),
                script_readable: settings.script_readable.into_iter().map(NamePattern::new).collect(),
                same_site: same_site?,
                grace_until: grace_until?,
                max_age: max_age?,
                max_cookies: usize::try_from(settings.max_cookies).unwrap_or(usize::MAX),
                hosts: hosts.map(|host| host.to_ascii_lowercase()).collect(),
                sealer: Sealer::new(keys, now),
                tails: Tails::new(),
            })
        })
    }

    /// Whether cookies are hardened, only reported, or not looked at.
    #[must_use]
    pub const fn enforcement(&self) -> Enforcement {
        self.enforcement
    }

    /// The last day on which the control is meant to be in `report`, when somebody has said one.
    #[must_use]
    pub const fn report_until(&self) -> Option<Day> {
        self.report_until
    }

    /// Whether old names are still read.
    pub(crate) fn is_grace(&self, now: SystemTime) -> bool {
        self.grace_until.is_some_and(|until| now < until)
    }
}

impl CookieSettings {
    /// What is wrong with the keys that hold names and numbers.
    fn check(&self, problems: &mut Problems) {
        check_names("session", &self.session, problems);
        check_url_names(&self.session_in_url, problems);
        check_names("script_readable", &self.script_readable, problems);
        check_readable("script_readable", &self.session, &self.script_readable, problems);
        if self.session.len() > MOST_SESSIONS {
            let message = format!("{} session cookies are more than {MOST_SESSIONS}", self.session.len());
            problems.push(Problem::new(["session"], "cookie_sessions_too_many", message));
        }
        let (least, most) = MOST_COOKIES;
        if !(least..=most).contains(&self.max_cookies) {
            let message = format!("{} is not from {least} to {most}", self.max_cookies);
            problems.push(Problem::new(["max_cookies"], "cookie_count_invalid", message));
        }
    }
}

/// The least and the most that `max_cookies` can be.
const MOST_COOKIES: (u32, u32) = (10, 1_000);

/// How many cookies of one tenant may be sessions.
pub(crate) const MOST_SESSIONS: usize = 16;

/// All that `same_site` can be.
const SAME_SITE: [(&str, SameSite); 3] = [
    ("strict", SameSite::Strict),
    ("lax", SameSite::Lax),
    ("none", SameSite::None),
];

/// What [`check_names`] wants.
const NAME_PATTERN: &str = r"^([A-Za-z0-9!#$%&'+.^_`|~-]{1,256}|[A-Za-z0-9!#$%&'+.^_`|~-]{4,255}\*)$";

/// A name as RFC 6265 wants it (section 4.1.1: a token of RFC 9110 section 5.6.2), perhaps with a star at its end, and none
/// twice.
fn check_names(key: &str, names: &[String], problems: &mut Problems) {
    for (index, name) in names.iter().enumerate() {
        problems.extend(wrong_with(name).map(|(code, message, help)| Problem::new([key], code, message).help(help)));
        let others = names
            .iter()
            .enumerate()
            .take(if index < MOST_COMPARED { MOST_COMPARED } else { 0 });
        let wider = others.filter(|(other, wider)| *other != index && pattern::covers(wider, name));
        match wider.map(|(_, wider)| wider).next() {
            Some(same) if same == name && !names[..index].contains(name) => {}
            Some(same) if same == name => {
                let message = format!("`{name}` is there twice");
                problems.push(Problem::new([key], "cookie_name_repeated", message));
            }
            Some(wider) => {
                let message = format!("`{name}` is one of `{wider}`, which is there too");
                problems.push(Problem::new([key], "cookie_name_repeated", message));
            }
            None => {}
        }
    }
}

/// How many names of a list are compared with each other: a file of a mebibyte has room for so many that a reload would not
/// come to its end.
const MOST_COMPARED: usize = 500;

/// The code, the message and the help.
pub(crate) fn wrong_with(name: &str) -> Option<(&'static str, String, &'static str)> {
    let beginning = pattern::stem(name).unwrap_or(name);
    if beginning.contains('*') {
        let message = format!("`{name}` has a `*` that is not at its end");
        return Some((
            "cookie_name_invalid",
            message,
            "write the name out, or its beginning and one `*`",
        ));
    }
    if beginning.len() < name.len() && beginning.len() < SHORTEST_STEM {
        let message = format!("`{name}` would take cookies that have nothing to do with each other");
        let help = "write at least four characters before the `*`, such as \"wordpress_logged_in_*\"";
        return Some(("cookie_pattern_too_wide", message, help));
    }
    if !pattern::is_name(name.as_bytes()) {
        let message = format!("`{name}` is no name of a cookie");
        let help = "a name has letters, digits and the likes of `-`, `_` and `.`, without the value or the `=`";
        return Some(("cookie_name_invalid", message, help));
    }
    None
}

/// What [`check_url_names`] wants.
const URL_NAME_PATTERN: &str = r"^([A-Za-z0-9!$&'*+.^_`|~-]{1,256}|\(S\))$";

/// A name without its separators, and the word for ASP.NET's segment. Case makes no difference.
fn check_url_names(names: &[String], problems: &mut Problems) {
    for (index, name) in names.iter().enumerate() {
        let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!$&'*+-.^_`|~".contains(&byte);
        let is_name = !name.is_empty() && name.len() <= 256 && name.bytes().all(is_of_name);
        if !is_name && name != ASPNET {
            let message = format!("`{}` is no name of a parameter in a path", name.escape_debug());
            let help = format!(
                "write the name without `;`, `=` and the value, such as \"jsessionid\", or \"{ASPNET}\" for ASP.NET"
            );
            problems.push(Problem::new(["session_in_url"], "cookie_url_name_invalid", message).help(help));
        }
        if index < MOST_COMPARED && names[..index].iter().any(|other| other.eq_ignore_ascii_case(name)) {
            let message = format!("`{}` is there twice", name.escape_debug());
            problems.push(Problem::new(["session_in_url"], "cookie_url_name_repeated", message));
        }
    }
    if names.len() > MOST_SESSIONS {
        let message = format!("{} names are more than {MOST_SESSIONS}", names.len());
        problems.push(Problem::new(["session_in_url"], "cookie_sessions_too_many", message));
    }
}

fn check_readable(key: &str, session: &[String], readable: &[String], problems: &mut Problems) {
    for name in readable {
        if session
            .iter()
            .take(MOST_COMPARED)
            .any(|session| pattern::covers(session, name) || pattern::covers(name, session))
        {
            let message =
                format!("`{name}` is a session: scripts must not read it, and could not, for it leaves sealed");
            problems.push(Problem::new([key], "cookie_session_readable", message));
        }
        if is_http_only(name.as_bytes()) {
            let message = format!("`{name}` says by its prefix that scripts cannot read it");
            problems.push(Problem::new([key], "cookie_prefix_conflict", message));
        }
    }
}

/// What sessions and rules want together.
fn check_renamed(session: &[String], prefix: Prefix, rules: &Rules, problems: &mut Problems) {
    let key = |name: &str, key: &str| ["rules", name, key].map(str::to_owned);
    for rule in rules.iter() {
        let (name, says) = (rule.pattern.as_str(), &rule.says);
        let of_session = session
            .iter()
            .any(|one| pattern::covers(one, name) || pattern::covers(name, one));
        if of_session && says.script_readable == Some(true) {
            let message =
                format!("`{name}` is a session: scripts must not read it, and could not, for it leaves sealed");
            problems.push(Problem::new(
                key(name, "script_readable"),
                "cookie_session_readable",
                message,
            ));
        }
        let is_host = says.prefix.is_none() && prefix == Prefix::Host;
        if of_session && is_host && says.path.as_ref().is_some_and(|path| path != "/") {
            let message = format!("`{name}` is called `__Host-…` outside, which promises `Path=/`");
            let problem = Problem::new(key(name, "path"), "cookie_prefix_conflict", message);
            problems.push(problem.help("write `prefix = \"secure\"` beside the path, or leave the path out"));
        }
    }
    let session = &session[..session.len().min(MOST_COMPARED)];
    for name in session {
        let outside = format!("{}{name}", prefix.of(name.as_bytes()).as_str());
        if outside != *name && session.contains(&outside) {
            let message = format!("`{name}` would be called `{outside}` outside, which is a session of its own");
            problems.push(Problem::new(["session"], "cookie_name_repeated", message));
        }
    }
}

fn read_grace(written: Option<&str>) -> Result<Option<SystemTime>, Problem> {
    let rename = |mut problem: Problem| {
        problem.key = vec!["rename_grace_until".to_owned()];
        problem
    };
    let day = Day::report_until(written).map_err(rename)?;
    Ok(day.map(Day::end))
}

pub(crate) fn read_same_site(word: &str) -> Result<SameSite, Problem> {
    let known = SAME_SITE.into_iter().find(|(known, _)| *known == word);
    known.map(|(_, same_site)| same_site).ok_or_else(|| {
        let message = format!("`{word}` is no SameSite");
        Problem::new(["same_site"], "cookie_same_site_unknown", message).help("one of \"strict\", \"lax\" and \"none\"")
    })
}

/// Whether browsers take this host for a `Domain` (`localhost` they do not).
pub(crate) fn is_domain(host: &str) -> bool {
    host.contains('.')
}
