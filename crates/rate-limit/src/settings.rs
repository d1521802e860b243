use std::collections::BTreeMap;

use rempart_guard::{Day, Enforcement, Problem, Problems, RoutePattern};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::Keying;
use crate::{Per, QuotaPolicy, Rate, RateError, RateLimitPolicy};

/// The limits of one tenant: how often a client may ask, in all and on single routes.
///
/// ```toml
/// [rate_limit]
/// enforcement = "enforce"
///
/// [rate_limit.quotas.client]          # every route, each client for itself
/// rate = "300/m burst 100"
///
/// [rate_limit.quotas.login]           # and besides: passwords are not guessed
/// rate = "5/15m"
/// routes = ["POST /login"]
///
/// [rate_limit.quotas.search]          # what the old database can bear in all
/// rate = "50/s"
/// per = "tenant"
/// routes = ["GET /search"]
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RateLimitSettings {
    /// `enforce` refuses with 429, `report` counts and tells what would have been refused, `off` does nothing.
    pub enforcement: Enforcement,
    /// Until when the control is meant to be in `report`: a day such as `"2026-12-31"`. It changes nothing by itself; when
    /// the day is over and the control still reports only, `rempart check` says so.
    #[schemars(with = "Option<Day>")]
    pub report_until: Option<String>,
    /// The quotas by name. A name is 1 to 32 of `a-z`, `0-9`, `_` and `-`, and clients see it in the `RateLimit` header. A
    /// request is counted against every quota whose routes it takes, and is refused when one of them is used up.
    /// Layers of configuration merge by name: a tenant that writes a quota `client` of its own changes what it writes of
    /// that one, and the others stay. At most 16, counted when they are merged.
    #[schemars(extend("propertyNames" = {"pattern": NAME_PATTERN}, "maxProperties" = RateLimitPolicy::MAX_QUOTAS))]
    pub quotas: BTreeMap<String, QuotaSettings>,
    /// For how many clients at once each quota has room, from 128 to 16777216. Memory is taken as they come: 16 bytes each,
    /// so with the default of 65536 a quota takes 1 MiB at most. Only clients that have used up some of the quota need room;
    /// when there is none, new clients share a count and known ones keep theirs: too small a number refuses strangers
    /// together.
    #[schemars(range(min = MAX_KEYS.0, max = MAX_KEYS.1))]
    pub max_keys: u32,
    /// How many leading bits of an IPv4 address make a client, from 8 to 32. All behind one address share a count: a school
    /// or an office needs a `burst` for all its people. Fewer bits put neighbouring addresses together.
    #[schemars(range(min = IPV4_PREFIX.0, max = IPV4_PREFIX.1))]
    pub ipv4_prefix: u8,
    /// How many leading bits of an IPv6 address make a client, from 16 to 128. A subscriber holds at least 64 bits of
    /// addresses, so that more than 64 is no limit at all (RFC 6177).
    #[schemars(range(min = IPV6_PREFIX.0, max = IPV6_PREFIX.1))]
    pub ipv6_prefix: u8,
    /// Whether answers tell clients the quotas and what is left of them, in the `RateLimit-Policy` and `RateLimit` headers.
    /// `Retry-After` on a refusal is always sent.
    pub headers: bool,
}

impl Default for RateLimitSettings {
    /// One quota, `client`, of `50/s burst 200` on every route: a page with all its pictures passes, a flood does not.
    fn default() -> Self {
        Self {
            enforcement: Enforcement::Enforce,
            report_until: None,
            quotas: BTreeMap::from([("client".to_owned(), QuotaSettings::new("50/s burst 200"))]),
            max_keys: 65_536,
            ipv4_prefix: 32,
            ipv6_prefix: 64,
            headers: true,
        }
    }
}

/// One quota: how often, for whom, and on which routes.
///
/// ```toml
/// [rate_limit.quotas.login]
/// rate = "10/m burst 5"
/// per = "client"
/// routes = ["POST /login", "POST /api/login"]
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuotaSettings {
    /// How often: a count, a slash and a period with the unit `s`, `m`, `h` or `d`, such as `"10/s"` or `"5/15m"`; with
    /// `burst`, how many may come at once after a rest: `"300/m burst 40"`. Without it the burst is the count. At most a
    /// million a second and a period of 366 days. A quota needs one, in this layer or in a weaker one.
    #[schemars(with = "Rate")]
    pub rate: String,
    /// Who shares a count: `client`, each client network its own, or `tenant`, all clients together. One client can use up
    /// the count of a `tenant` for everybody, so write it beside a quota per client and not instead of it.
    #[serde(default = "per_client")]
    #[schemars(extend("enum" = PER.map(Per::as_str)))]
    pub per: String,
    /// The routes that are counted: paths with an optional method before them, `{name}` for one segment and a last `*`
    /// for the rest, such as `"POST /login"` or `"/files/{id}/*"`. However a request writes the path, it is counted: case,
    /// `//`, `/x/../`, `%6c` and `;parameters` make no other route. Empty means every route.
    #[serde(default)]
    #[schemars(with = "Vec<RoutePattern>")]
    pub routes: Vec<String>,
}

impl QuotaSettings {
    /// A quota for each client on every route.
    pub fn new(rate: impl Into<String>) -> Self {
        Self {
            rate: rate.into(),
            per: per_client(),
            routes: Vec::new(),
        }
    }
}

impl TryFrom<RateLimitSettings> for RateLimitPolicy {
    type Error = Problems;

    fn try_from(settings: RateLimitSettings) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let report_until = problems.take(Day::report_until(settings.report_until.as_deref()));
        within(&mut problems, "max_keys", settings.max_keys, MAX_KEYS);
        within(&mut problems, "ipv4_prefix", settings.ipv4_prefix.into(), IPV4_PREFIX);
        within(&mut problems, "ipv6_prefix", settings.ipv6_prefix.into(), IPV6_PREFIX);
        if settings.quotas.len() > Self::MAX_QUOTAS {
            let message = format!(
                "{} quotas are more than the {} of one tenant",
                settings.quotas.len(),
                Self::MAX_QUOTAS
            );
            problems.push(Problem::new(["quotas"], "quotas_too_many", message));
        }
        let named = settings.quotas.iter();
        let mut quotas: Vec<_> = named
            .filter_map(|(name, quota)| quota.read(name, &mut problems))
            .collect();
        quotas.sort_by_key(|quota| quota.per);
        let RateLimitSettings {
            enforcement,
            headers,
            max_keys,
            ipv4_prefix,
            ipv6_prefix,
            ..
        } = settings;
        let keying = Keying {
            max_keys,
            ipv4_prefix,
            ipv6_prefix,
        };
        problems.none_or(|| {
            Some(Self {
                enforcement,
                report_until: report_until?,
                headers,
                keying,
                quotas,
            })
        })
    }
}

impl QuotaSettings {
    fn read(&self, name: &str, problems: &mut Problems) -> Option<QuotaPolicy> {
        check_name(name, problems);
        let at = |field: &str| ["quotas".to_owned(), name.to_owned(), field.to_owned()];
        let rate = problems.take(
            self.rate
                .parse::<Rate>()
                .map_err(|error| rate_problem(at("rate"), &self.rate, error)),
        );
        let per = problems.take(read_per(&self.per, at("per")));
        let routes: Vec<_> = (0..)
            .zip(&self.routes)
            .map(|(index, route)| read_route(name, index, route))
            .collect();
        let routes: Vec<_> = routes.into_iter().filter_map(|route| problems.take(route)).collect();
        Some(QuotaPolicy {
            name: name.into(),
            rate: rate?,
            per: per?,
            routes,
        })
    }
}

/// The least and the most.
const MAX_KEYS: (u32, u32) = (128, 1 << 24);
const IPV4_PREFIX: (u32, u32) = (8, 32);
const IPV6_PREFIX: (u32, u32) = (16, 128);

/// All that `per` can be.
const PER: [Per; 2] = [Per::Client, Per::Tenant];

/// What [`check_name`] wants.
const NAME_PATTERN: &str = "^[a-z0-9_-]{1,32}$";

fn per_client() -> String {
    Per::Client.as_str().to_owned()
}

fn within(problems: &mut Problems, key: &str, value: u32, (low, high): (u32, u32)) {
    if !(low..=high).contains(&value) {
        let problem = Problem::new([key], "out_of_range", format!("{value} is not from {low} to {high}"));
        problems.push(problem.help(format!("write a number from {low} to {high}, or leave it out")));
    }
}

/// A name goes into a structured field as a string (RFC 9651 section 3.3.3) and into metrics as a label.
fn check_name(name: &str, problems: &mut Problems) {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    if !(1..=32).contains(&name.len()) || !name.bytes().all(allowed) {
        let message = "the name of a quota is 1 to 32 of the characters a-z, 0-9, _ and -";
        problems.push(Problem::new(["quotas", name], "quota_name_invalid", message).help("such as \"login\""));
    }
}

fn rate_problem(key: [String; 3], written: &str, error: RateError) -> Problem {
    Problem::new(key, error.code(), format!("`{}`: {error}", written.escape_debug())).help(error.help())
}

fn read_per(written: &str, key: [String; 3]) -> Result<Per, Problem> {
    let known = PER.into_iter().find(|per| per.as_str() == written);
    known.ok_or_else(|| {
        let message = format!("`{}` is not who can share a count", written.escape_debug());
        Problem::new(key, "quota_per_unknown", message).help("write \"client\" or \"tenant\"")
    })
}

fn read_route(name: &str, index: usize, written: &str) -> Result<RoutePattern, Problem> {
    written.parse().map_err(|error| {
        let key = ["quotas", name, "routes", &index.to_string()].map(str::to_owned);
        let message = format!("`{}`: {error}", written.escape_debug());
        Problem::new(key, "route_invalid", message).help("write a path such as \"/login\" or \"POST /api/*\"")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str) -> Result<RateLimitPolicy, Problems> {
        RateLimitPolicy::try_from(toml::from_str::<RateLimitSettings>(toml).unwrap())
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once_and_each_with_its_key() {
        let problems = read(
            r#"
            max_keys = 10
            ipv4_prefix = 33
            ipv6_prefix = 0
            [quotas.login]
            rate = "10"
            per = "session"
            routes = ["/login", "login", "/a?b"]
            [quotas."Not a name"]
            rate = "0/s"
            "#,
        );
        let problems: Vec<_> = problems
            .unwrap_err()
            .into_iter()
            .map(|one| (one.key.join("."), one.code))
            .collect();
        let expected = [
            ("max_keys", "out_of_range"),
            ("ipv4_prefix", "out_of_range"),
            ("ipv6_prefix", "out_of_range"),
            ("quotas.Not a name", "quota_name_invalid"),
            ("quotas.Not a name.rate", "rate_zero"),
            ("quotas.login.rate", "rate_ambiguous"),
            ("quotas.login.per", "quota_per_unknown"),
            ("quotas.login.routes.1", "route_invalid"),
            ("quotas.login.routes.2", "route_invalid"),
        ];
        assert_eq!(problems, expected.map(|(key, code)| (key.to_owned(), code)));
    }

    #[test]
    fn every_problem_says_what_to_write_instead() {
        let problems = read("[quotas.login]\nrate = \"10\"\nper = \"ip\"\nroutes = [\"x\"]").unwrap_err();
        assert!(
            problems
                .iter()
                .all(|problem| problem.help.as_ref().is_some_and(|help| help.contains('"')))
        );
    }

    #[test]
    fn a_name_that_would_not_fit_into_a_header_is_refused() {
        for name in [
            "",
            "Login",
            "log in",
            "login\"",
            "é",
            "a.b",
            "abcdefghijklmnopqrstuvwxyz0123456",
        ] {
            let mut settings = RateLimitSettings::default();
            settings.quotas.insert(name.to_owned(), QuotaSettings::new("1/s"));
            let problems = RateLimitPolicy::try_from(settings).unwrap_err();
            assert_eq!(problems.iter().next().unwrap().code, "quota_name_invalid", "{name}");
        }
    }

    #[test]
    fn a_seventeenth_quota_is_refused() {
        let mut settings = RateLimitSettings {
            quotas: BTreeMap::new(),
            ..RateLimitSettings::default()
        };
        for number in 0..=RateLimitPolicy::MAX_QUOTAS {
            settings.quotas.insert(format!("q{number}"), QuotaSettings::new("1/s"));
        }
        let problems = RateLimitPolicy::try_from(settings).unwrap_err();
        assert_eq!(problems.iter().next().unwrap().code, "quotas_too_many");
    }

    #[test]
    fn an_unknown_key_and_a_bare_number_are_refused() {
        for toml in [
            "limit = 3",
            "[quotas.a]\nrate = \"1/s\"\nburst = 3",
            "[quotas.a]\nrate = 10",
            "[quotas.a]\nroutes = []",
        ] {
            assert!(toml::from_str::<RateLimitSettings>(toml).is_err(), "{toml}");
        }
    }

    #[test]
    fn what_is_left_out_has_its_default_and_settings_read_back_as_themselves() {
        let defaults = RateLimitSettings::default();
        assert_eq!(toml::from_str::<RateLimitSettings>("").unwrap(), defaults);
        let written = serde_json::to_string(&defaults).unwrap();
        assert_eq!(serde_json::from_str::<RateLimitSettings>(&written).unwrap(), defaults);
        let policy = RateLimitPolicy::try_from(defaults).unwrap();
        assert_eq!(policy.quotas()[0].rate().to_string(), "50/s burst 200");
        assert_eq!(policy.quotas()[0].per(), Per::Client);
    }

    #[test]
    fn policies_are_equal_when_they_are_defined_equally() {
        let policy = |rate: &str| read(&format!("[quotas.client]\nrate = \"{rate}\"")).unwrap();
        assert_eq!(policy("60/60s"), policy("60/m burst 60"));
        assert_ne!(policy("60/m"), policy("61/m"));
    }
}
