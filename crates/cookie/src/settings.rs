use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use http::HeaderValue;
use rempart_guard::{Enforcement, Problem, Problems};
use rempart_tenant::DerivedKey;
use serde::{Deserialize, Serialize};

use crate::names::SessionNames;
use crate::outgoing::{Tails, is_http_only};
use crate::seal::Sealer;

/// The cookies of one tenant as they are written.
///
/// ```toml
/// [cookies]
/// enforcement = "enforce"
/// session = ["PHPSESSID"]
/// script_readable = ["XSRF-TOKEN"]
/// same_site = "lax"
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CookieSettings {
    /// `enforce` hardens, seals and refuses; `report` tells what would have been dropped or refused; `off` does nothing.
    /// Under `report` nothing is sealed, so every session cookie is told as one that is not.
    pub enforcement: Enforcement,
    /// Names of the cookies that hold a session, exactly as the application writes them: `PHPSESSID`, `JSESSIONID`,
    /// `ASP.NET_SessionId`. Their values leave sealed and open for this tenant only. At most 16. Switching this on logs
    /// everybody out once.
    pub session: Vec<String>,
    /// Names of cookies that the application's own scripts read, such as `XSRF-TOKEN`. They leave without `HttpOnly`. A
    /// session cannot be among them.
    pub script_readable: Vec<String>,
    /// Whether other sites' links and forms carry the cookies: `strict` none, `lax` links only, `none` both. An application's
    /// stricter word is kept, a laxer one is not. `none` is for a site that is used inside other sites' frames, or that other
    /// sites log in to with a form, and for no other.
    pub same_site: String,
}

impl Default for CookieSettings {
    /// `Lax`, `HttpOnly` for all, and no session named: nothing is sealed until it is said what.
    fn default() -> Self {
        Self {
            enforcement: Enforcement::Enforce,
            session: Vec::new(),
            script_readable: Vec::new(),
            same_site: "lax".to_owned(),
        }
    }
}

/// The cookies of one tenant as they are enforced, with the tenant's own seal. Made of [`CookieSettings`].
#[derive(Debug)]
pub struct CookiePolicy {
    enforcement: Enforcement,
    pub(crate) sessions: SessionNames,
    pub(crate) script_readable: Vec<String>,
    pub(crate) same_site: SameSite,
    pub(crate) hosts: Vec<String>,
    pub(crate) sealer: Sealer,
    pub(crate) tails: Tails,
}

impl CookiePolicy {
    /// The settings with what is the tenant's own: its hosts, without ports, and the key of its cookies.
    ///
    /// `hosts` are the values that a cookie's `Domain` may have. A cookie with a `Domain` reaches every host below it, so
    /// leave out a host that has a neighbour below it. A host without a dot (`localhost`) never counts.
    ///
    /// # Errors
    ///
    /// All that is wrong with the settings, at once.
    pub fn new(settings: CookieSettings, hosts: Vec<String>, key: &DerivedKey) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let CookieSettings {
            enforcement,
            session,
            script_readable,
            same_site,
        } = settings;
        check_names("session", &session, &mut problems);
        check_names("script_readable", &script_readable, &mut problems);
        check_readable(&session, &script_readable, &mut problems);
        if session.len() > MOST_SESSIONS {
            let message = format!("{} session cookies are more than {MOST_SESSIONS}", session.len());
            problems.push(Problem::new(["session"], "cookie_sessions_too_many", message));
        }
        let same_site = problems.take(read_same_site(&same_site));
        problems.none_or(|| {
            let same_site = same_site?;
            let sealer = Sealer::new(key);
            let names = session
                .into_iter()
                .map(|name| (name.clone(), deletion(name, same_site)));
            let sessions = SessionNames::new(names, &sealer);
            let hosts = hosts.into_iter().filter(|host| host.contains('.')).collect();
            let tails = Tails::new();
            Some(Self {
                enforcement,
                sessions,
                script_readable,
                same_site,
                hosts,
                sealer,
                tails,
            })
        })
    }

    /// Whether cookies are hardened, only reported, or not looked at.
    #[must_use]
    pub const fn enforcement(&self) -> Enforcement {
        self.enforcement
    }
}

/// How many cookies of one tenant may be sessions.
pub(crate) const MOST_SESSIONS: usize = 16;

/// A name as RFC 6265 wants it (section 4.1.1: a token of RFC 9110 section 5.6.2), and none twice.
fn check_names(key: &str, names: &[String], problems: &mut Problems) {
    for (index, name) in names.iter().enumerate() {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || name.len() > 256 || !name.bytes().all(is_token) {
            let message = format!("`{name}` is no name of a cookie");
            let help = "a name has letters, digits and the likes of `-`, `_` and `.`, without the value or the `=`";
            problems.push(Problem::new([key], "cookie_name_invalid", message).help(help));
        }
        if names[..index].contains(name) {
            problems.push(Problem::new(
                [key],
                "cookie_name_repeated",
                format!("`{name}` is there twice"),
            ));
        }
    }
}

fn check_readable(session: &[String], readable: &[String], problems: &mut Problems) {
    for name in readable {
        if session.contains(name) {
            let message =
                format!("`{name}` is a session: scripts must not read it, and could not, for it leaves sealed");
            problems.push(Problem::new(["script_readable"], "cookie_session_readable", message));
        }
        if is_http_only(name.as_bytes()) {
            let message = format!("`{name}` says by its prefix that scripts cannot read it");
            problems.push(Problem::new(["script_readable"], "cookie_prefix_conflict", message));
        }
    }
}

fn read_same_site(word: &str) -> Result<SameSite, Problem> {
    match word {
        "strict" => Ok(SameSite::Strict),
        "lax" => Ok(SameSite::Lax),
        "none" => Ok(SameSite::None),
        _ => Err(Problem::new(
            ["same_site"],
            "cookie_same_site_unknown",
            format!("`{word}` is no SameSite"),
        )
        .help("one of \"strict\", \"lax\" and \"none\"")),
    }
}

/// Deletes the host's own cookie of that name at `/`, where session cookies usually are.
fn deletion(name: String, same_site: SameSite) -> HeaderValue {
    let cookie = Cookie::build((name, ""))
        .path("/")
        .max_age(Duration::ZERO)
        .secure(true)
        .http_only(true);
    HeaderValue::try_from(cookie.same_site(same_site).build().to_string()).expect("a checked name is a token")
}
