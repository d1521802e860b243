use std::time::Duration;

use http::{HeaderName, HeaderValue};
use rempart_guard::{Day, Enforcement, Problem, Problems, RoutePattern, UnitError, duration, duration_schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::{Beyond, Bind, CookiePattern, SessionsPolicy};

/// What an application's login sessions lack: an end in time, a new number at login, and an end from outside.
///
/// ```toml
/// [sessions]
/// cookie = "PHPSESSID"               # one of `session` under [cookies]
/// idle = "30m"
/// absolute = "12h"
/// per_account = 5
/// login = ["POST /login"]
/// logout = ["/logout"]
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SessionsSettings {
    /// `enforce` ends sessions and gives them new numbers, `report` tells what would have been ended, `off` does nothing.
    /// Nothing is done either while no `cookie` is named, or while `[cookies]` are not enforced.
    pub enforcement: Enforcement,
    /// Until when the control is meant to be in `report`: a day such as `"2026-12-31"`. It changes nothing by itself; when
    /// the day is over and the control still reports only, `rempart check` says so.
    #[schemars(with = "Option<Day>")]
    pub report_until: Option<String>,
    /// The cookie by which the application knows who is logged in: one of `session` under `[cookies]`, such as `"PHPSESSID"`,
    /// or a part of one that ends in `*`. None by default: then nothing is watched.
    #[schemars(regex(pattern = NAME_PATTERN), extend("x-form" = "cookie name"))]
    pub cookie: Option<String>,
    /// Other cookies of `session` under `[cookies]` by which the application lets somebody in: a ticket for single sign-on,
    /// "remember me". They have the same limits, and end with the session that they come with. Left out here, such a cookie
    /// makes a new session of one that has ended. At most 15.
    #[schemars(inner(regex(pattern = NAME_PATTERN)), length(max = MOST_BESIDE))]
    #[schemars(extend("uniqueItems" = true, "x-form" = "list of cookie names"))]
    pub beside: Vec<String>,
    /// How long a session may be without a request, at most `"30d"`. A page that asks by itself, such as a live one, keeps its
    /// session. A session that is longer than `absolute` without a request has ended anyway.
    #[schemars(schema_with = "duration_schema", extend("x-least" = "1s", "x-most" = "30d", "default" = "30m"))]
    pub idle: String,
    /// How long a session may last in all, at most `"90d"`: then somebody logs in again, however busy they are.
    #[schemars(schema_with = "duration_schema", extend("x-least" = "1s", "x-most" = "90d", "default" = "12h"))]
    pub absolute: String,
    /// How many sessions an account may have at once, from 1 to 1000. No limit by default. It needs `account_header`: an
    /// account that the edge does not know has none.
    #[schemars(range(min = 1, max = MOST_PER_ACCOUNT))]
    pub per_account: Option<u32>,
    /// What happens beyond `per_account`: `end_oldest` ends the account's oldest session, `refuse` lets the new login come to
    /// nothing, so that whoever has an account's sessions keeps others out of it.
    #[schemars(extend("enum" = Beyond::ALL.map(Beyond::as_str)))]
    pub beyond: String,
    /// The routes that take a password: a method and a path such as `"POST /login"`, or a path. After an answer of theirs that
    /// is no error the session has a new number, and the one it had before is worth nothing: whoever planted it there has
    /// nothing of it. Without the method, the form itself does the same each time it is shown.
    #[schemars(with = "Vec<RoutePattern>")]
    pub login: Vec<String>,
    /// The routes that log out. After an answer of theirs that is not 4xx the session has ended, whatever the application
    /// thinks of it, and the browser forgets it.
    #[schemars(with = "Vec<RoutePattern>")]
    pub logout: Vec<String>,
    /// A header in which the application may say, in any answer, whose session it is: an account's name or number, at most 128
    /// letters. It never leaves the edge, also while this control is off. Nothing else tells the edge: a name in the body of
    /// a form is not read.
    #[schemars(regex(pattern = "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$"), extend("x-form" = "header name"))]
    pub account_header: String,
    /// What a session is expected to stay with: `network`, the /16 of an IPv4 address and the /32 of an IPv6 address, and
    /// `browser`, its family. When one changes, `session_moved` is told and nothing else happens: a telephone changes its
    /// network on every train. `tls` may be added, the way in which the client's program begins a TLS handshake: it tells of a
    /// session that another program goes on with under the browser's name. A browser's update may change it too, two people
    /// with the same browser share it, and behind a trusted proxy, whose handshake it would be, it is not looked at.
    #[schemars(extend("items" = {"type": "string", "enum": BIND}, "uniqueItems" = true))]
    pub bind: Vec<String>,
    /// What a browser is told to forget after a logout, beside the session's cookies: `storage`, what scripts have kept,
    /// `cache`, pages and pictures, and `cookies`. `cookies` makes a browser forget those of every host under the same
    /// registered domain: never choose it where another client's site is one of them.
    #[schemars(extend("items" = {"type": "string", "enum": CLEARED}, "uniqueItems" = true))]
    pub clear_site_data: Vec<String>,
}

impl Default for SessionsSettings {
    fn default() -> Self {
        Self {
            enforcement: Enforcement::Enforce,
            report_until: None,
            cookie: None,
            beside: Vec::new(),
            idle: "30m".to_owned(),
            absolute: "12h".to_owned(),
            per_account: None,
            beyond: Beyond::EndOldest.as_str().to_owned(),
            login: Vec::new(),
            logout: Vec::new(),
            account_header: "X-Rempart-Account".to_owned(),
            bind: vec!["network".to_owned(), "browser".to_owned()],
            clear_site_data: vec!["storage".to_owned()],
        }
    }
}

impl TryFrom<SessionsSettings> for SessionsPolicy {
    type Error = Problems;

    fn try_from(settings: SessionsSettings) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let report_until = problems.take(Day::report_until(settings.report_until.as_deref()));
        let cookie = settings
            .cookie
            .as_deref()
            .map(|name| problems.take(read_cookie("cookie", name)));
        let beside = read_beside(&settings, &mut problems);
        let idle = problems.take(read_time("idle", &settings.idle, LONGEST_IDLE));
        let absolute = problems.take(read_time("absolute", &settings.absolute, LONGEST));
        let per_account = problems.take(read_per_account(settings.per_account));
        let beyond = problems.take(read_beyond(&settings.beyond));
        let login = read_routes("login", &settings.login, &mut problems);
        let logout = read_routes("logout", &settings.logout, &mut problems);
        let account_header = problems.take(read_header(&settings.account_header));
        check_words("bind", &settings.bind, &BIND, &mut problems);
        check_words("clear_site_data", &settings.clear_site_data, &CLEARED, &mut problems);
        let bound = |word: &str| settings.bind.iter().any(|written| written == word);
        problems.none_or(|| {
            Some(Self {
                enforcement: settings.enforcement,
                report_until: report_until?,
                cookie: match cookie {
                    Some(read) => Some(read?),
                    None => None,
                },
                beside,
                idle: idle?,
                absolute: absolute?,
                per_account: per_account?,
                beyond: beyond?,
                login,
                logout,
                account_header: account_header?,
                bind: Bind {
                    network: bound("network"),
                    browser: bound("browser"),
                    tls: bound("tls"),
                },
                cleared: settings.clear_site_data.clone(),
                clear_site_data: cleared(&settings.clear_site_data),
            })
        })
    }
}

const LEAST: Duration = Duration::from_secs(1);
const LONGEST_IDLE: Duration = Duration::from_secs(30 * 86_400);
const LONGEST: Duration = Duration::from_secs(90 * 86_400);
const MOST_PER_ACCOUNT: u32 = 1_000;
/// As many as `[cookies]` can have beside the first.
const MOST_BESIDE: usize = 15;
const BIND: [&str; 3] = ["network", "browser", "tls"];
const CLEARED: [&str; 3] = ["storage", "cache", "cookies"];

/// What [`read_cookie`] wants.
const NAME_PATTERN: &str = r"^([A-Za-z0-9!#$%&'+.^_`|~-]{1,256}|[A-Za-z0-9!#$%&'+.^_`|~-]{4,255}\*)$";

fn read_cookie(key: &str, name: &str) -> Result<CookiePattern, Problem> {
    CookiePattern::new(name).ok_or_else(|| {
        let message = format!("`{}` is no name of a cookie", name.escape_debug());
        Problem::new([key], "cookie_name_invalid", message)
            .help("write the name as it stands in `session` under [cookies], such as \"PHPSESSID\"")
    })
}

fn read_beside(settings: &SessionsSettings, problems: &mut Problems) -> Vec<CookiePattern> {
    let names = &settings.beside;
    if names.len() > MOST_BESIDE {
        let message = format!("{} cookies are more than {MOST_BESIDE}", names.len());
        problems.push(Problem::new(["beside"], "cookie_sessions_too_many", message));
    }
    for (index, name) in names.iter().enumerate().take(MOST_BESIDE) {
        if names[..index].contains(name) || settings.cookie.as_ref() == Some(name) {
            let message = format!("`{}` is there twice", name.escape_debug());
            problems.push(Problem::new(["beside"], "cookie_name_repeated", message));
        }
    }
    if settings.cookie.is_none() && !names.is_empty() {
        let message = "there is no session for these cookies to end with";
        problems.push(Problem::new(["beside"], "session_cookie_missing", message).help("name it in `cookie`"));
    }
    let read = names.iter().map(|name| read_cookie("beside", name));
    read.filter_map(|name| problems.take(name)).collect()
}

fn read_time(key: &str, written: &str, most: Duration) -> Result<Duration, Problem> {
    let read = duration(written).map_err(|error| {
        let code = match error {
            UnitError::NoUnit => "duration_ambiguous",
            _ => "duration_invalid",
        };
        Problem::new([key], code, format!("{written:?}: {error}"))
            .help("a duration is a whole number with ms, s, m, h or d, such as \"30m\" or \"12h\"")
    })?;
    if (LEAST..=most).contains(&read) {
        return Ok(read);
    }
    let message = format!("{written:?} is not from 1 second to {}", rempart_guard::in_words(most));
    Err(Problem::new([key], "duration_out_of_range", message))
}

fn read_per_account(written: Option<u32>) -> Result<Option<usize>, Problem> {
    match written {
        Some(number) if !(1..=MOST_PER_ACCOUNT).contains(&number) => {
            let message = format!("{number} is not from 1 to {MOST_PER_ACCOUNT}");
            Err(Problem::new(["per_account"], "out_of_range", message).help("leave it out for no limit"))
        }
        number => Ok(number.map(|number| number as usize)),
    }
}

fn read_beyond(word: &str) -> Result<Beyond, Problem> {
    Beyond::ALL
        .into_iter()
        .find(|beyond| beyond.as_str() == word)
        .ok_or_else(|| {
            let message = format!("`{}` is not what can happen to a session too many", word.escape_debug());
            Problem::new(["beyond"], "session_beyond_unknown", message).help("write \"end_oldest\" or \"refuse\"")
        })
}

fn read_routes(key: &str, written: &[String], problems: &mut Problems) -> Vec<RoutePattern> {
    let read = written.iter().enumerate().map(|(index, route)| {
        route.parse::<RoutePattern>().map_err(|error| {
            let message = format!("`{}`: {error}", route.escape_debug());
            Problem::new([key, &index.to_string()], "route_invalid", message)
                .help("write a path such as \"/logout\" or \"POST /login\"")
        })
    });
    read.filter_map(|route| problems.take(route)).collect()
}

fn read_header(written: &str) -> Result<HeaderName, Problem> {
    let problem = |message: String| Problem::new(["account_header"], "header_name_invalid", message);
    let invalid = |_| problem(format!("`{}` is no name of a header", written.escape_debug()));
    let name = HeaderName::from_bytes(written.as_bytes()).map_err(invalid)?;
    if written.len() > 64 {
        return Err(problem(format!(
            "a name of {} letters is longer than 64",
            written.len()
        )));
    }
    if name.as_str().starts_with("x-") {
        return Ok(name);
    }
    let message = format!("`{name}` may be a header that browsers need, and it would be taken out of every answer");
    Err(problem(message).help("choose one that begins with `X-`, such as \"X-Rempart-Account\""))
}

fn check_words(key: &str, written: &[String], known: &[&str], problems: &mut Problems) {
    for (index, word) in written.iter().enumerate() {
        let at = [key.to_owned(), index.to_string()];
        if !known.contains(&word.as_str()) {
            let message = format!("`{}` is not one of {}", word.escape_debug(), known.join(", "));
            problems.push(Problem::new(at, "word_unknown", message));
        } else if written[..index].contains(word) {
            problems.push(Problem::new(at, "word_repeated", format!("`{word}` is there twice")));
        }
    }
}

fn cleared(words: &[String]) -> Option<HeaderValue> {
    let quoted: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
    let value = HeaderValue::try_from(quoted.join(", ")).expect("the words are plain");
    (!words.is_empty()).then_some(value)
}
