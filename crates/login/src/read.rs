//! Settings as they are written, read into a policy: all that is wrong is said at once.

use std::time::Duration;

use http::{HeaderName, StatusCode};
use rempart_counts::Rate;
use rempart_guard::{Day, Problem, Problems, RoutePattern, UnitError, duration, in_words};

use crate::credentials::Names;
use crate::marks::{HeaderMark, Marks};
use crate::policy::{Breached, Keying, Limits, Then};
use crate::settings::{
    BreachedSettings, IPV4_PREFIX, IPV6_PREFIX, LONGEST_MARK, LimitsSettings, MAX_KEYS, MAX_WAITING, MOST_FIELDS,
    MOST_FREE, MarksSettings,
};
use crate::{LoginPolicy, LoginSettings};

impl TryFrom<LoginSettings> for LoginPolicy {
    type Error = Problems;

    fn try_from(settings: LoginSettings) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let report_until = problems.take(Day::report_until(settings.report_until.as_deref()));
        let routes = routes("routes", &settings.routes, &mut problems);
        let reset_routes = self::routes("reset_routes", &settings.reset_routes, &mut problems);
        let code_routes = self::routes("code_routes", &settings.code_routes, &mut problems);
        let names = Names {
            accounts: fields("account_fields", &settings.account_fields, &mut problems),
            passwords: fields("password_fields", &settings.password_fields, &mut problems),
        };
        let failed = marks("failed", &settings.failed, &mut problems);
        let succeeded = marks("succeeded", &settings.succeeded, &mut problems);
        let limits = limits(&settings.limits, &mut problems);
        within(&mut problems, "free_failures", settings.free_failures, (0, MOST_FREE));
        let max_delay = problems.take(time("max_delay", &settings.max_delay, (Duration::ZERO, LONGEST_DELAY)));
        within(&mut problems, "max_waiting", settings.max_waiting, MAX_WAITING);
        let then = problems.take(then(&settings.then));
        let step_up_header = problems.take(header(&["step_up_header"], &settings.step_up_header));
        let even_timing = settings
            .even_timing
            .as_deref()
            .map(|written| problems.take(time("even_timing", written, (SHORTEST, LONGEST_TIMING))));
        let device_cookie = problems.take(cookie(&settings.device_cookie));
        let breached = settings
            .breached
            .as_ref()
            .map(|settings| breached(settings, &mut problems));
        let keying = keying(&settings, &mut problems);
        problems.none_or(|| {
            Some(Self {
                enforcement: settings.enforcement,
                report_until: report_until?,
                routes,
                reset_routes,
                code_routes,
                names,
                failed,
                succeeded,
                limits: limits?,
                free_failures: settings.free_failures,
                max_delay: max_delay?,
                max_waiting: settings.max_waiting,
                then: then?,
                step_up_header: step_up_header?,
                even_timing: all(even_timing)?,
                device_cookie: device_cookie?,
                breached: all(breached)?,
                keying,
            })
        })
    }
}

const LONGEST_DELAY: Duration = Duration::from_secs(60);
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST_TIMING: Duration = Duration::from_secs(10);

/// What is written must have been read.
fn all<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        Some(None) => None,
        Some(read) => Some(read),
        None => Some(None),
    }
}

fn routes(key: &str, written: &[String], problems: &mut Problems) -> Vec<RoutePattern> {
    let read = written.iter().enumerate().map(|(index, route)| {
        route.parse::<RoutePattern>().map_err(|error| {
            let message = format!("`{}`: {error}", route.escape_debug());
            Problem::new([key, &index.to_string()], "route_invalid", message)
                .help("write a method and a path such as \"POST /login\"")
        })
    });
    read.filter_map(|route| problems.take(route)).collect()
}

fn fields(key: &str, written: &[String], problems: &mut Problems) -> Vec<String> {
    if written.len() > MOST_FIELDS {
        let message = format!("{} fields are more than {MOST_FIELDS}", written.len());
        problems.push(Problem::new([key], "login_fields_too_many", message));
    }
    let mut names = Vec::new();
    for (index, field) in written.iter().enumerate() {
        let name = field.trim().to_lowercase();
        if name.is_empty() || name.contains(char::is_control) {
            let message = format!("`{}` is no name of a field", field.escape_debug());
            let problem = Problem::new([key, &index.to_string()], "login_field_invalid", message);
            problems.push(problem.help("write the name as it stands in the form, such as \"username\""));
        }
        names.push(name);
    }
    names
}

fn marks(section: &str, written: &MarksSettings, problems: &mut Problems) -> Marks {
    let status = written.status.iter().enumerate().map(|(index, code)| {
        let known = StatusCode::from_u16(*code).ok().filter(|code| code.as_u16() < 600);
        known.ok_or_else(|| {
            let at = [section, "status", &index.to_string()].map(str::to_owned);
            Problem::new(at, "status_invalid", format!("{code} is no status")).help("write one such as 401")
        })
    });
    let status = status.filter_map(|status| problems.take(status)).collect();
    let location = written
        .location
        .as_deref()
        .map(|location| problems.take(self::location(section, location)));
    let header = written
        .header
        .as_deref()
        .map(|header| problems.take(header_mark(section, header)));
    let body = written
        .body
        .as_deref()
        .map(|body| problems.take(body_mark(section, body)));
    Marks {
        status,
        location: location.flatten(),
        header: header.flatten(),
        body: body.flatten(),
    }
}

fn location(section: &str, written: &str) -> Result<String, Problem> {
    if written.starts_with('/') || written.starts_with('*') {
        return Ok(written.to_owned());
    }
    let message = format!("`{}` is not a path", written.escape_debug());
    Err(Problem::new([section, "location"], "location_invalid", message)
        .help("write a path and a query without the host, such as \"/login?error=*\""))
}

fn header_mark(section: &str, written: &str) -> Result<HeaderMark, Problem> {
    let (name, value) = match written.split_once(':') {
        Some((name, value)) => (name, Some(value.trim().to_owned())),
        None => (written, None),
    };
    let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| {
        let message = format!("`{}` is no name of a header", name.escape_debug());
        Problem::new([section, "header"], "header_name_invalid", message)
            .help("write a name such as \"X-Login-Failed\", or a name and a value such as \"X-Login: failed\"")
    })?;
    Ok(HeaderMark { name, value })
}

fn body_mark(section: &str, written: &str) -> Result<String, Problem> {
    if (1..=LONGEST_MARK).contains(&written.len()) {
        return Ok(written.to_owned());
    }
    let message = format!("a mark of {} bytes is not from 1 to {LONGEST_MARK}", written.len());
    Err(Problem::new([section, "body"], "login_mark_invalid", message)
        .help("write a text that stands in that answer and in no other, such as \"Mot de passe invalide\""))
}

fn limits(written: &LimitsSettings, problems: &mut Problems) -> Option<Limits> {
    let mut rate = |key: &str, text: &str| {
        problems.take(text.parse::<Rate>().map_err(|error| {
            let message = format!("`{}`: {error}", text.escape_debug());
            Problem::new(["limits", key], error.code(), message).help(error.help())
        }))
    };
    let account_network = rate("account_network", &written.account_network);
    let account = rate("account", &written.account);
    let network = rate("network", &written.network);
    let session = rate("session", &written.session);
    let password = rate("password", &written.password);
    let fingerprint = rate("fingerprint", &written.fingerprint);
    let code = rate("code", &written.code);
    let reset = rate("reset", &written.reset);
    Some(Limits {
        account_network: account_network?,
        account: account?,
        network: network?,
        session: session?,
        password: password?,
        fingerprint: fingerprint?,
        code: code?,
        reset: reset?,
    })
}

fn time(key: &str, written: &str, (least, most): (Duration, Duration)) -> Result<Duration, Problem> {
    let read = duration(written).map_err(|error| {
        let code = match error {
            UnitError::NoUnit => "duration_ambiguous",
            _ => "duration_invalid",
        };
        Problem::new([key], code, format!("{written:?}: {error}"))
            .help("a duration is a whole number with ms or s, such as \"800ms\" or \"15s\"")
    })?;
    if (least..=most).contains(&read) {
        return Ok(read);
    }
    let message = format!("{written:?} is not from {} to {}", in_words(least), in_words(most));
    Err(Problem::new([key], "duration_out_of_range", message).help("write one such as \"800ms\" or \"15s\""))
}

fn then(word: &str) -> Result<Then, Problem> {
    Then::ALL.into_iter().find(|then| then.as_str() == word).ok_or_else(|| {
        let message = format!("`{}` is not what can happen to a login", word.escape_debug());
        Problem::new(["then"], "login_then_unknown", message).help("write \"refuse\" or \"step_up\"")
    })
}

/// A header that is taken away from every request: only one of the application's own, which begins with `X-`.
fn header(key: &[&str], written: &str) -> Result<HeaderName, Problem> {
    let name = HeaderName::from_bytes(written.as_bytes()).ok();
    let own = name.filter(|name| name.as_str().starts_with("x-") && (3..=64).contains(&written.len()));
    // Whoever took these away would take away whom the request comes from.
    let own = own.filter(|name| !name.as_str().starts_with("x-forwarded"));
    own.ok_or_else(|| {
        let message = format!(
            "`{}` is no name of a header that begins with `X-`",
            written.escape_debug()
        );
        Problem::new(key.iter().copied(), "header_name_invalid", message).help("write one such as \"X-Login-Step-Up\"")
    })
}

fn cookie(written: &str) -> Result<Option<String>, Problem> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+.^_`|~-".contains(&byte);
    if written.is_empty() {
        return Ok(None);
    }
    if written.len() <= 128 && written.bytes().all(allowed) {
        return Ok(Some(written.to_owned()));
    }
    let message = format!("`{}` is no name of a cookie", written.escape_debug());
    Err(Problem::new(["device_cookie"], "cookie_name_invalid", message)
        .help("write one such as \"__Host-device\", or \"\" for none"))
}

fn breached(written: &BreachedSettings, problems: &mut Problems) -> Option<Breached> {
    if !written.directory.is_absolute() {
        let message = format!("`{}` is not a path from the root", written.directory.display());
        let problem = Problem::new(["breached", "directory"], "path_not_absolute", message);
        problems.push(problem.help("write one such as \"/var/lib/rempart/ranges\""));
    }
    let header = problems.take(header(&["breached", "header"], &written.header));
    Some(Breached {
        directory: written.directory.clone(),
        header: header?,
    })
}

fn keying(settings: &LoginSettings, problems: &mut Problems) -> Keying {
    within(problems, "max_keys", settings.max_keys, MAX_KEYS);
    within(problems, "ipv4_prefix", settings.ipv4_prefix.into(), IPV4_PREFIX);
    within(problems, "ipv6_prefix", settings.ipv6_prefix.into(), IPV6_PREFIX);
    Keying {
        max_keys: settings.max_keys,
        ipv4_prefix: settings.ipv4_prefix,
        ipv6_prefix: settings.ipv6_prefix,
    }
}

fn within(problems: &mut Problems, key: &str, value: u32, (low, high): (u32, u32)) {
    if !(low..=high).contains(&value) {
        let problem = Problem::new([key], "out_of_range", format!("{value} is not from {low} to {high}"));
        problems.push(problem.help(format!("write a number from {low} to {high}, or leave it out")));
    }
}

#[cfg(test)]
mod tests;
