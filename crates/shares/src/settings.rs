use std::time::Duration;

use rempart_guard::{
    Day, Enforcement, Problem, Problems, RouteClass, RoutePattern, UnitError, duration, duration_schema,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::Rungs;
use crate::{AdaptivePolicy, SharesPolicy};

/// The share of one tenant in what all tenants have together.
///
/// What is guaranteed is always there. Beyond it a tenant is lent what the others do not use, and while nothing is left
/// requests wait for their turn. What a tenant does can make its own visitors wait, and nobody else's.
///
/// ```toml
/// [shares]
/// weight = 2                          # twice as much as a tenant without this line
/// max_wait = "2s"
/// priority = ["auth", "record"]       # the login goes before the search when something has to wait
/// health_routes = ["GET /healthz"]
///
/// [shares.adaptive]                   # no more requests at once than the application answers well
/// enforcement = "enforce"
/// max = 200
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SharesSettings {
    /// `enforce` lets what is beyond the share wait and then refuses it with 503; `report` counts it, lets it pass and
    /// tells of it; `off` does not count it, as if the tenant were not there.
    pub enforcement: Enforcement,
    /// Until when the control is meant to be in `report`: a day such as `"2026-12-31"`. It changes nothing by itself; when
    /// the day is over and the control still reports only, `rempart check` says so.
    #[schemars(with = "Option<Day>")]
    pub report_until: Option<String>,
    /// How large a part of the edge's capacity is guaranteed, beside the weights of the others: from 1 to 100. It also says
    /// whose turn it is when several wait.
    #[schemars(range(min = WEIGHT.0, max = WEIGHT.1))]
    pub weight: u32,
    /// How many requests in flight are guaranteed, whatever the weights are: from 1 to 1048576. Where all tenants together
    /// ask for more than there is, each has that part less. Connections and handshakes go by the weight.
    #[schemars(range(min = GUARANTEED.0, max = GUARANTEED.1))]
    pub guaranteed: Option<u32>,
    /// How long a request waits for its turn at most, up to `"1m"`. With `"0s"` none waits: it is refused at once.
    #[schemars(schema_with = "duration_schema", extend("x-least" = "0s", "x-most" = "1m", "examples" = ["500ms", "2s"], "default" = "2s"))]
    pub max_wait: String,
    /// How many requests may wait at once, and how many connections and handshakes, from 0 to 65536. Each that waits takes
    /// some memory. When as many wait as may, a more urgent one takes the place of the last. Of all tenants together as many
    /// wait as the edge's capacity is, and as many of each as it is guaranteed.
    #[schemars(range(min = MAX_WAITING.0, max = MAX_WAITING.1))]
    pub max_waiting: u32,
    /// How many requests of one client may be in flight and wait at once, from 1 to 1048576. One browser needs up to 128;
    /// all behind one address share it, so a school or an office needs more.
    #[schemars(range(min = PER_CLIENT.0, max = PER_CLIENT.1))]
    pub max_in_flight_per_client: u32,
    /// How many connections one client may have, from 1 to 1048576. A browser opens one with HTTP/2 and up to six without, so
    /// a school of six hundred needs as many as that.
    #[schemars(range(min = PER_CLIENT.0, max = PER_CLIENT.1))]
    pub max_connections_per_client: u32,
    /// How many handshakes of one client may be in progress, from 1 to 1048576.
    #[schemars(range(min = PER_CLIENT.0, max = PER_CLIENT.1))]
    pub max_handshakes_per_client: u32,
    /// How many leading bits of an IPv4 address make a client, from 8 to 32.
    #[schemars(range(min = IPV4_PREFIX.0, max = IPV4_PREFIX.1))]
    pub ipv4_prefix: u8,
    /// How many leading bits of an IPv6 address make a client, from 16 to 128. A subscriber holds at least 64 bits of
    /// addresses, so that more than 64 is no limit at all (RFC 6177).
    #[schemars(range(min = IPV6_PREFIX.0, max = IPV6_PREFIX.1))]
    pub ipv6_prefix: u8,
    /// The classes of routes whose requests go first when some have to wait, the most urgent first. Those that are not
    /// named come after them, all alike. A request whose route has no class goes as `public`.
    #[schemars(with = "Vec<String>", extend("items" = {"enum": RouteClass::ALL.map(RouteClass::as_str)}))]
    pub priority: Vec<String>,
    /// The routes by which somebody finds out whether the site is well: paths with an optional method before them, such as
    /// `"GET /healthz"`. They go before all classes.
    #[schemars(with = "Vec<RoutePattern>")]
    pub health_routes: Vec<String>,
    /// How many requests the application is given at once.
    pub adaptive: AdaptiveSettings,
}

/// How many requests an application is given at once: as many as it answers about as fast as when it has little to do. It
/// is found out while it runs.
///
/// ```toml
/// [shares.adaptive]
/// enforcement = "enforce"
/// min = 8
/// max = 200
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdaptiveSettings {
    /// `enforce` lets what is beyond the limit wait and then refuses it with 503, `report` only tells of it, `off` finds out
    /// nothing. The default is `off`.
    pub enforcement: Enforcement,
    /// The limit is never smaller, from 1 to 65536. It should be enough for the quiet hours.
    #[schemars(range(min = LIMIT.0, max = LIMIT.1))]
    pub min: u32,
    /// The limit is never larger, from 1 to 65536.
    #[schemars(range(min = LIMIT.0, max = LIMIT.1))]
    pub max: u32,
}

impl Default for SharesSettings {
    fn default() -> Self {
        Self {
            enforcement: Enforcement::Enforce,
            report_until: None,
            weight: 1,
            guaranteed: None,
            max_wait: "2s".to_owned(),
            max_waiting: 256,
            max_in_flight_per_client: 256,
            max_connections_per_client: 2_048,
            max_handshakes_per_client: 128,
            ipv4_prefix: 32,
            ipv6_prefix: 64,
            priority: PRIORITY.map(|class| class.as_str().to_owned()).into(),
            health_routes: Vec::new(),
            adaptive: AdaptiveSettings::default(),
        }
    }
}

impl Default for AdaptiveSettings {
    fn default() -> Self {
        let policy = AdaptivePolicy::default();
        Self {
            enforcement: policy.enforcement,
            min: policy.min,
            max: policy.max,
        }
    }
}

impl TryFrom<SharesSettings> for SharesPolicy {
    type Error = Problems;

    fn try_from(settings: SharesSettings) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let report_until = problems.take(Day::report_until(settings.report_until.as_deref()));
        settings.check_numbers(&mut problems);
        let max_wait = problems.take(read_wait(&settings.max_wait));
        let rungs = read_priority(&settings.priority, &mut problems);
        let health = settings.health_routes.iter().enumerate();
        let health: Vec<_> = health
            .filter_map(|(index, route)| problems.take(read_route(index, route)))
            .collect();
        let adaptive = settings.adaptive.read(&mut problems);
        problems.none_or(|| {
            Some(Self {
                enforcement: settings.enforcement,
                report_until: report_until?,
                weight: settings.weight,
                guaranteed: settings.guaranteed,
                max_wait: max_wait?,
                max_waiting: settings.max_waiting,
                per_client: [
                    settings.max_in_flight_per_client,
                    settings.max_connections_per_client,
                    settings.max_handshakes_per_client,
                ],
                ipv4_prefix: settings.ipv4_prefix,
                ipv6_prefix: settings.ipv6_prefix,
                rungs,
                health,
                adaptive,
            })
        })
    }
}

impl SharesSettings {
    fn check_numbers(&self, problems: &mut Problems) {
        let guaranteed = self.guaranteed.unwrap_or(GUARANTEED.0);
        let clients = [
            ("max_in_flight_per_client", self.max_in_flight_per_client),
            ("max_connections_per_client", self.max_connections_per_client),
            ("max_handshakes_per_client", self.max_handshakes_per_client),
        ];
        within(problems, &["weight"], self.weight, WEIGHT);
        within(problems, &["guaranteed"], guaranteed, GUARANTEED);
        within(problems, &["max_waiting"], self.max_waiting, MAX_WAITING);
        for (key, value) in clients {
            within(problems, &[key], value, PER_CLIENT);
        }
        within(problems, &["ipv4_prefix"], self.ipv4_prefix.into(), IPV4_PREFIX);
        within(problems, &["ipv6_prefix"], self.ipv6_prefix.into(), IPV6_PREFIX);
    }
}

impl AdaptiveSettings {
    fn read(&self, problems: &mut Problems) -> AdaptivePolicy {
        let Self { enforcement, min, max } = *self;
        within(problems, &["adaptive", "min"], min, LIMIT);
        within(problems, &["adaptive", "max"], max, LIMIT);
        if min > max {
            let message = format!("the limit cannot be at least {min} and at most {max}");
            let problem = Problem::new(["adaptive"], "limit_crossed", message);
            problems.push(problem.help("write a `min` that is not larger than `max`"));
        }
        AdaptivePolicy {
            enforcement,
            min,
            max,
            ..AdaptivePolicy::default()
        }
    }
}

/// The least and the most.
const WEIGHT: (u32, u32) = (1, 100);
const GUARANTEED: (u32, u32) = (1, 1 << 20);
const MAX_WAITING: (u32, u32) = (0, 65_536);
const PER_CLIENT: (u32, u32) = (1, 1 << 20);
const IPV4_PREFIX: (u32, u32) = (8, 32);
const IPV6_PREFIX: (u32, u32) = (16, 128);
const LIMIT: (u32, u32) = (1, 65_536);
const MAX_WAIT: Duration = Duration::from_secs(60);

/// Who can log in can be helped; an export can be had tomorrow.
const PRIORITY: [RouteClass; 7] = [
    RouteClass::Auth,
    RouteClass::Admin,
    RouteClass::Privilege,
    RouteClass::Destructive,
    RouteClass::Record,
    RouteClass::Public,
    RouteClass::Export,
];

fn within(problems: &mut Problems, key: &[&str], value: u32, (least, most): (u32, u32)) {
    if !(least..=most).contains(&value) {
        let message = format!("{value} is not from {least} to {most}");
        let problem = Problem::new(key.iter().copied(), "out_of_range", message);
        problems.push(problem.help(format!("write a number from {least} to {most}, or leave it out")));
    }
}

fn read_wait(written: &str) -> Result<Duration, Problem> {
    let wait = duration(written).map_err(|error| {
        let code = match error {
            UnitError::NoUnit => "duration_ambiguous",
            _ => "duration_invalid",
        };
        Problem::new(["max_wait"], code, format!("`{}`: {error}", written.escape_debug()))
            .help("write a whole number with ms, s or m, such as \"2s\"")
    })?;
    if wait <= MAX_WAIT {
        return Ok(wait);
    }
    let message = format!("{} is longer than 1 minute", rempart_guard::in_words(wait));
    Err(Problem::new(["max_wait"], "duration_out_of_range", message)
        .help("write at most \"1m\": a browser gives up soon after, and everything that waits takes memory"))
}

fn read_priority(written: &[String], problems: &mut Problems) -> Rungs {
    let mut order = Vec::new();
    for (index, word) in written.iter().enumerate() {
        let at = || ["priority".to_owned(), index.to_string()];
        match RouteClass::ALL.into_iter().find(|class| class.as_str() == word) {
            None => {
                let message = format!("`{}` is no class of routes", word.escape_debug());
                let help = format!("write one of {}", RouteClass::ALL.map(RouteClass::as_str).join(", "));
                problems.push(Problem::new(at(), "route_class_unknown", message).help(help));
            }
            Some(class) if order.contains(&class) => {
                let message = format!("`{class}` stands here twice");
                problems.push(Problem::new(at(), "route_class_twice", message).help("leave one of them"));
            }
            Some(class) => order.push(class),
        }
    }
    Rungs::of(&order)
}

fn read_route(index: usize, written: &str) -> Result<RoutePattern, Problem> {
    written.parse().map_err(|error| {
        let key = ["health_routes".to_owned(), index.to_string()];
        let message = format!("`{}`: {error}", written.escape_debug());
        Problem::new(key, "route_invalid", message).help("write a path such as \"/healthz\" or \"GET /status\"")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str) -> Result<SharesPolicy, Problems> {
        SharesPolicy::try_from(toml::from_str::<SharesSettings>(toml).unwrap())
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once_and_each_with_its_key_and_help() {
        let problems = read(
            r#"
            weight = 0
            guaranteed = 0
            max_wait = "2"
            max_waiting = 70000
            max_in_flight_per_client = 0
            ipv4_prefix = 33
            priority = ["auth", "search", "auth"]
            health_routes = ["/ok", "ok"]
            [adaptive]
            min = 9
            max = 8
            "#,
        );
        let problems: Vec<_> = problems.unwrap_err().into_iter().collect();
        assert!(problems.iter().all(|problem| problem.help.is_some()));
        let told: Vec<_> = problems.iter().map(|one| (one.key.join("."), one.code)).collect();
        let expected = [
            ("weight", "out_of_range"),
            ("guaranteed", "out_of_range"),
            ("max_waiting", "out_of_range"),
            ("max_in_flight_per_client", "out_of_range"),
            ("ipv4_prefix", "out_of_range"),
            ("max_wait", "duration_ambiguous"),
            ("priority.1", "route_class_unknown"),
            ("priority.2", "route_class_twice"),
            ("health_routes.1", "route_invalid"),
            ("adaptive", "limit_crossed"),
        ];
        assert_eq!(told, expected.map(|(key, code)| (key.to_owned(), code)));
        assert_eq!(
            read("max_wait = \"61s\"").unwrap_err().iter().next().unwrap().code,
            "duration_out_of_range"
        );
    }

    #[test]
    fn an_unknown_key_is_refused() {
        for toml in ["wieght = 2", "[adaptive]\nlimit = 3", "max_wait = 2"] {
            assert!(toml::from_str::<SharesSettings>(toml).is_err(), "{toml}");
        }
    }

    #[test]
    fn what_is_left_out_has_its_default_and_settings_read_back_as_themselves() {
        let defaults = SharesSettings::default();
        assert_eq!(toml::from_str::<SharesSettings>("").unwrap(), defaults);
        let written = serde_json::to_string(&defaults).unwrap();
        assert_eq!(serde_json::from_str::<SharesSettings>(&written).unwrap(), defaults);
        assert_eq!(read("").unwrap(), SharesPolicy::default());
        assert_eq!(read("max_wait = \"2000ms\"").unwrap(), read("").unwrap());
    }

    #[test]
    fn the_schema_knows_the_words() {
        let schema = serde_json::to_value(schemars::schema_for!(SharesSettings)).unwrap();
        assert_eq!(schema["properties"]["priority"]["items"]["enum"][1], "auth");
        assert_eq!(schema["properties"]["weight"]["maximum"], 100);
    }
}
