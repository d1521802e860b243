use std::time::Duration;

use rempart_counts::Rate;
use rempart_guard::{Day, Enforcement, Problem, Problems, RoutePattern, UnitError, duration, duration_schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::WaitingRoomPolicy;
use crate::policy::MOST_INSIDE;

/// A waiting room before a site that more people want to use at once than it can bear: first come, first served.
///
/// While there are free places nobody sees it. When there are none, whoever comes gets a ticket, a page that says how many are
/// ahead and about how long it takes, and their turn. There is no room while neither `active`, `admit` nor `opens` is written.
///
/// ```toml
/// [waiting_room]
/// name = "Camp Soleil"                     # how the page calls the site
/// active = 500                             # people inside at once
/// session = "15m"                          # idle for so long, their place is given on
/// opens = "2027-03-01T08:00:00-05:00"      # who comes earlier waits, and is drawn by lot then
/// keep_place = "2m"                        # so long one may be away from the page
/// except = ["/static/*", "POST /payment/notify"]
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WaitingRoomSettings {
    /// `enforce` lets people wait, `report` tells how often somebody would have had to, `off` does nothing. `report` sets no
    /// cookie, so that it takes all people behind one address for one.
    pub enforcement: Enforcement,
    /// Until when the control is meant to be in `report`: a day such as `"2026-12-31"`. It changes nothing by itself; when
    /// the day is over and the control still reports only, `rempart check` says so.
    #[schemars(with = "Option<Day>")]
    pub report_until: Option<String>,
    /// How the page calls the site, such as `"Camp Soleil"`: at most 80 letters. The tenant's own name by default.
    #[schemars(length(max = LONGEST_NAME))]
    pub name: Option<String>,
    /// The routes before which people wait: paths with an optional method before them, such as `"/registration/*"`. Empty means
    /// every route. Whoever has been let in is let in to all of them.
    #[schemars(with = "Vec<RoutePattern>")]
    pub routes: Vec<String>,
    /// The routes before which nobody waits, whatever `routes` says: pictures and styles, health checks, and what other
    /// servers call, such as the notice of a payment. A payment service that sends people back by a form (`POST`) does so
    /// without their ticket: put that route here too.
    #[schemars(with = "Vec<RoutePattern>")]
    pub except: Vec<String>,
    /// How many people may be inside at once, from 1 to 200000. Whoever sits before a form and has not asked for `session`
    /// counts no more.
    #[schemars(range(min = 1, max = MOST_INSIDE))]
    pub active: Option<u32>,
    /// How often somebody is let in, such as `"200/m"`: instead of `active`, or beside it. With `burst`, as in
    /// `"200/m burst 10"`, so many may come in at once after a quiet time; without it, it is the count.
    #[schemars(with = "Option<Rate>")]
    pub admit: Option<String>,
    /// How long somebody who was let in may be without a request before their place is given on. From `"1m"` to `"12h"`: give
    /// people the time that the longest form takes.
    #[schemars(schema_with = "duration_schema", extend("x-least" = "1m", "x-most" = "12h", "examples" = ["15m", "1h"], "default" = "15m"))]
    pub session: String,
    /// When the site opens: a date and a time with their difference from UTC, such as `"2027-03-01T08:00:00-05:00"`. Nobody
    /// is let in before. Who comes earlier gets a ticket, and at that moment all these are put in an order drawn by lot: it
    /// does not help to come at midnight, or to have the faster connection. Who comes later stands behind them.
    #[schemars(regex(pattern = MOMENT_PATTERN), extend("x-form" = "date and time", "examples" = ["2027-03-01T08:00:00-05:00"]))]
    pub opens: Option<String>,
    /// How many may wait, from 1 to 250000. Nobody who waits is ever sent away for somebody who comes: who comes when the
    /// line is full is told to come back later. Memory is taken as they come: about 100 bytes each.
    #[schemars(range(min = 1, max = MOST_WAITING))]
    pub max_waiting: u32,
    /// How long somebody may be away from the page before they lose their place, from `"1m"` to `"1h"`. The page asks again
    /// every 20 seconds at most; browsers let pages that are not looked at ask once a minute, and a telephone that is locked
    /// does not ask at all.
    #[schemars(schema_with = "duration_schema", extend("x-least" = "1m", "x-most" = "1h", "examples" = ["2m", "10m"], "default" = "2m"))]
    pub keep_place: String,
    /// How many tickets and places the people behind one address (or one /64 of IPv6) may have at once, from 1 to 100000. It
    /// keeps one computer from taking thousands. A school, and the network of a mobile operator, are many people behind one
    /// address.
    #[schemars(range(min = 1, max = MOST_PER_CLIENT))]
    pub max_per_client: u32,
}

impl Default for WaitingRoomSettings {
    /// No room: neither `active`, `admit` nor `opens`.
    fn default() -> Self {
        let except = [
            "/favicon.ico",
            "/robots.txt",
            "/.well-known/*",
            "/static/*",
            "/assets/*",
        ];
        Self {
            enforcement: Enforcement::Enforce,
            report_until: None,
            name: None,
            routes: Vec::new(),
            except: except.map(str::to_owned).into(),
            active: None,
            admit: None,
            session: "15m".to_owned(),
            opens: None,
            max_waiting: 50_000,
            keep_place: "2m".to_owned(),
            max_per_client: 100,
        }
    }
}

impl TryFrom<WaitingRoomSettings> for WaitingRoomPolicy {
    type Error = Problems;

    fn try_from(settings: WaitingRoomSettings) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let report_until = problems.take(Day::report_until(settings.report_until.as_deref()));
        let name = problems.take(read_name(settings.name.as_deref()));
        let routes = read_routes("routes", &settings.routes, &mut problems);
        let except = read_routes("except", &settings.except, &mut problems);
        if let Some(active) = settings.active {
            within(&mut problems, "active", active, MOST_INSIDE);
        }
        within(&mut problems, "max_waiting", settings.max_waiting, MOST_WAITING);
        within(
            &mut problems,
            "max_per_client",
            settings.max_per_client,
            MOST_PER_CLIENT,
        );
        let admit = problems.take(settings.admit.as_deref().map(read_rate).transpose());
        let opens = problems.take(settings.opens.as_deref().map(read_opens).transpose());
        let session = problems.take(read_duration("session", &settings.session, SESSION));
        let keep_place = problems.take(read_duration("keep_place", &settings.keep_place, KEEP_PLACE));
        problems.none_or(|| {
            Some(Self {
                enforcement: settings.enforcement,
                report_until: report_until?,
                name: name?.map(Into::into),
                routes,
                except,
                active: settings.active,
                admit: admit?,
                session: session?,
                keep_place: keep_place?,
                opens: opens?,
                max_waiting: settings.max_waiting,
                max_per_client: settings.max_per_client,
            })
        })
    }
}

const MOST_WAITING: u32 = 250_000;
const MOST_PER_CLIENT: u32 = 100_000;
/// What `opens` can look like (RFC 3339 section 5.6).
const MOMENT_PATTERN: &str =
    r"^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})\s*$";
const LONGEST_NAME: usize = 80;

/// The least and the most, as written.
const SESSION: [&str; 2] = ["1m", "12h"];
const KEEP_PLACE: [&str; 2] = ["1m", "1h"];

fn within(problems: &mut Problems, key: &str, value: u32, most: u32) {
    if !(1..=most).contains(&value) {
        let problem = Problem::new([key], "out_of_range", format!("{value} is not from 1 to {most}"));
        problems.push(problem.help(format!("write a number from 1 to {most}, or leave it out")));
    }
}

fn read_name(written: Option<&str>) -> Result<Option<&str>, Problem> {
    let Some(name) = written.map(str::trim) else {
        return Ok(None);
    };
    if (1..=LONGEST_NAME).contains(&name.chars().count()) && !name.contains(char::is_control) {
        return Ok(Some(name));
    }
    let message = format!("the name of a site is 1 to {LONGEST_NAME} letters on one line");
    Err(Problem::new(["name"], "name_invalid", message).help("such as \"Camp Soleil\""))
}

fn read_routes(key: &str, written: &[String], problems: &mut Problems) -> Vec<RoutePattern> {
    let mut routes = Vec::with_capacity(written.len());
    for (index, route) in written.iter().enumerate() {
        let read = route.parse().map_err(|error| {
            let message = format!("`{}`: {error}", route.escape_debug());
            let problem = Problem::new([key, &index.to_string()], "route_invalid", message);
            problem.help("write a path such as \"/registration/*\" or \"POST /register\"")
        });
        routes.extend(problems.take(read));
    }
    routes
}

fn read_rate(written: &str) -> Result<Rate, Problem> {
    written.parse::<Rate>().map_err(|error| {
        let message = format!("`{}`: {error}", written.escape_debug());
        Problem::new(["admit"], error.code(), message).help(error.help())
    })
}

fn read_opens(written: &str) -> Result<OffsetDateTime, Problem> {
    OffsetDateTime::parse(written.trim(), &Rfc3339).map_err(|_| {
        let message = format!(
            "`{}` is no date and time with its difference from UTC",
            written.escape_debug()
        );
        let problem = Problem::new(["opens"], "moment_invalid", message);
        problem.help("write the day, a T, hour, minute and second, and the difference: \"2027-03-01T08:00:00-05:00\" for eight in the morning in Montréal in winter (in summer -04:00)")
    })
}

fn read_duration(key: &str, written: &str, [least, most]: [&str; 2]) -> Result<Duration, Problem> {
    let bound = |text| duration(text).expect("a bound is a duration");
    let problem = |code, message: String| {
        let help = format!("write a whole number and s, m or h, from \"{least}\" to \"{most}\"");
        Problem::new([key], code, message).help(help)
    };
    let read = duration(written)
        .map_err(|error: UnitError| problem("duration_invalid", format!("`{}`: {error}", written.escape_debug())))?;
    if (bound(least)..=bound(most)).contains(&read) {
        return Ok(read);
    }
    let message = format!("`{}` is not from {least} to {most}", written.escape_debug());
    Err(problem("out_of_range", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str) -> Result<WaitingRoomPolicy, Problems> {
        WaitingRoomPolicy::try_from(toml::from_str::<WaitingRoomSettings>(toml).unwrap())
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once_and_each_with_its_key() {
        let problems = read(
            r#"
            report_until = "tomorrow"
            name = ""
            routes = ["/a", "a"]
            except = ["/a?b"]
            active = 0
            admit = "200"
            session = "15"
            keep_place = "10s"
            opens = "2027-03-01 08:00"
            max_waiting = 1000000
            max_per_client = 0
            "#,
        );
        let problems = problems.unwrap_err();
        assert!(problems.iter().all(|problem| problem.help.is_some()));
        let problems: Vec<_> = problems.into_iter().map(|one| (one.key.join("."), one.code)).collect();
        let expected = [
            ("report_until", "date_invalid"),
            ("name", "name_invalid"),
            ("routes.1", "route_invalid"),
            ("except.0", "route_invalid"),
            ("active", "out_of_range"),
            ("max_waiting", "out_of_range"),
            ("max_per_client", "out_of_range"),
            ("admit", "rate_ambiguous"),
            ("opens", "moment_invalid"),
            ("session", "duration_invalid"),
            ("keep_place", "out_of_range"),
        ];
        assert_eq!(problems, expected.map(|(key, code)| (key.to_owned(), code)));
    }

    #[test]
    fn an_unknown_key_and_a_bare_number_are_refused() {
        for toml in [
            "people = 3",
            "session = 15",
            "admit = 200",
            "opens = 2027-03-01T08:00:00-05:00",
        ] {
            assert!(toml::from_str::<WaitingRoomSettings>(toml).is_err(), "{toml}");
        }
    }

    #[test]
    fn there_is_no_room_without_something_to_wait_for() {
        assert_eq!(read("").unwrap().enforcement(), Enforcement::Off);
        for toml in ["active = 5", "admit = \"5/m\"", "opens = \"2027-03-01T08:00:00-05:00\""] {
            assert_eq!(read(toml).unwrap().enforcement(), Enforcement::Enforce, "{toml}");
        }
        assert_eq!(
            read("active = 5\nenforcement = \"off\"").unwrap().enforcement(),
            Enforcement::Off
        );
    }

    #[test]
    fn what_is_left_out_has_its_default_and_settings_read_back_as_themselves() {
        let defaults = WaitingRoomSettings::default();
        assert_eq!(toml::from_str::<WaitingRoomSettings>("").unwrap(), defaults);
        let written = serde_json::to_string(&defaults).unwrap();
        assert_eq!(serde_json::from_str::<WaitingRoomSettings>(&written).unwrap(), defaults);
    }

    #[test]
    fn the_example_of_the_documentation_is_a_room() {
        let schema = serde_json::to_value(schemars::schema_for!(WaitingRoomSettings)).unwrap();
        let told = schema["description"].as_str().unwrap();
        let example = told.split("```").nth(1).unwrap().trim_start_matches("toml");
        let file: toml::Table = toml::from_str(example).unwrap();
        let settings: WaitingRoomSettings = file["waiting_room"].clone().try_into().unwrap();
        assert_eq!(WaitingRoomPolicy::try_from(settings).unwrap().active, Some(500));
        assert!(
            schema["properties"]
                .as_object()
                .unwrap()
                .values()
                .all(|key| key["description"].is_string())
        );
    }

    #[test]
    fn one_moment_is_one_policy_however_it_is_written() {
        let policy = |opens: &str| read(&format!("opens = \"{opens}\"")).unwrap();
        assert_eq!(policy("2027-03-01T08:00:00-05:00"), policy("2027-03-01T13:00:00Z"));
    }

    #[test]
    fn an_exception_is_one_only_however_the_path_is_read() {
        let policy = read("active = 5\nroutes = [\"/camp/*\"]\nexcept = [\"/camp/static/*\"]").unwrap();
        let waits = |path: &str| {
            let (head, ()) = http::Request::get(path).body(()).unwrap().into_parts();
            policy.applies(&head)
        };
        assert!(waits("/camp") && waits("/camp/form") && waits("/CAMP//form"));
        assert!(!waits("/") && !waits("/camp/static/a.css"));
        assert!(waits("/camp/static/..;/form"), "some servers read a form there");
    }
}
