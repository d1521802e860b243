use std::collections::BTreeMap;
use std::time::Duration;

use rempart_guard::{Day, Enforcement, duration_schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::written::{CountSettings, PerSettings};
use crate::{QuotaRate, RateLimitPolicy};

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
///
/// [rate_limit.costs.search]           # one search is as much as five pages
/// cost = 5
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
    /// What costs more than other requests, by names as quotas have them. At most 32.
    #[schemars(extend("propertyNames" = {"pattern": NAME_PATTERN}, "maxProperties" = RateLimitPolicy::MAX_COSTS))]
    pub costs: BTreeMap<String, CostSettings>,
    /// For how many clients (or sessions, accounts, …) at once each quota has room, from 128 to 16777216. Memory is taken as
    /// they come: 16 bytes each, so with the default of 65536 a quota takes 1 MiB at most. Only clients that have used up some
    /// of the quota need room; when there is none, new clients share a count and known ones keep theirs: too small a number
    /// refuses strangers together.
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
            costs: BTreeMap::new(),
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
///
/// [rate_limit.quotas.scan]            # who asks for twenty things that are not there is looking for holes
/// rate = "20/10m"
/// count = "not_found"
///
/// [rate_limit.quotas.download]        # and nobody takes the whole archive in a day
/// rate = "2GiB/d"
/// count = "bytes"
/// routes = ["GET /archive/*"]
///
/// [rate_limit.quotas.person]          # a class of thirty behind one address is thirty sessions
/// rate = "60/m"
/// per = "session"
///
/// [rate_limit.quotas.export]          # one after the other rather than refused
/// rate = "1/s"
/// per = "account"
/// classes = ["export"]
/// when_used_up = "delay"
/// max_delay = "5s"
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuotaSettings {
    /// How often: a count, a slash and a period with the unit `s`, `m`, `h` or `d`, such as `"10/s"` or `"5/15m"`; with
    /// `burst`, how many may come at once after a rest: `"300/m burst 40"`. Without it the burst is the count. At most a
    /// million a second and a period of 366 days. Where bytes are counted it is a size in whole `KiB`, `MiB` or `GiB`:
    /// `"100MiB/h"`, `"1GiB/d burst 200MiB"`. A quota needs one, in this layer or in a weaker one.
    #[schemars(with = "QuotaRate")]
    pub rate: String,
    /// Who shares a count: `client` (each client network its own, the default), `tenant` (all clients together), `session`,
    /// `account` (as the application names it), `method`, `class` (of the route), `ja4` (the client's program, by its TLS
    /// handshake) or `header:X-Api-Key` (what stands in that header); or a list, such as `["client", "method"]`, for a count
    /// of each combination. A request without what is asked for, such as one without a session, is counted by its client's
    /// network instead, never not at all. What a client can have as many of as it likes (`session`, `ja4`, `header:…`) needs
    /// a quota without it on the same routes besides, such as one with `per = "client"`: else a new one for each request would
    /// be no limit at all. One client can use up the count of a `tenant` for everybody, so write it beside a quota per client
    /// and not instead of it.
    #[serde(default)]
    pub per: PerSettings,
    /// What is counted: `requests` that pass (the default); or, when the answer is there, `failures` (statuses from 400 to
    /// 599), `not_found` (404 and 410), the answers with one of a list of statuses such as `[401, 403]`, or `bytes` of bodies
    /// as they leave. What is counted with the answer can be exceeded by the requests that are under way when it is used up.
    #[serde(default)]
    pub count: CountSettings,
    /// The routes that are counted: paths with an optional method before them, `{name}` for one segment and a last `*`
    /// for the rest, such as `"POST /login"` or `"/files/{id}/*"`. However a request writes the path, it is counted: case,
    /// `//`, `/x/../`, `%6c` and `;parameters` make no other route. With neither routes nor classes every request is counted.
    #[serde(default)]
    #[schemars(with = "Vec<rempart_guard::RoutePattern>")]
    pub routes: Vec<String>,
    /// The classes of routes that are counted besides `routes`, as the tenant's route map has them: `public`, `auth`, `record`,
    /// `export`, `admin`, `privilege`, `destructive`. A route that is in no class of the map is in none of these.
    #[serde(default)]
    #[schemars(extend("items" = {"type": "string", "enum": class_words()}))]
    pub classes: Vec<String>,
    /// What happens to a request when the quota is used up. Only a quota that counts `requests` can delay.
    #[serde(default)]
    pub when_used_up: WhenUsedUp,
    /// How long a request waits for its turn at most, from `"1ms"` to `"30s"`. One that would have to wait for longer is
    /// refused at once. Where nothing is delayed it does not matter.
    #[serde(default = "max_delay")]
    #[schemars(schema_with = "duration_schema", extend("x-least" = "1ms", "x-most" = "30s", "examples" = ["500ms", "2s"], "default" = max_delay()))]
    pub max_delay: String,
    /// How many requests wait for this quota at once, of all clients together, from 1 to 10000. One more is refused. Each
    /// holds its connection and some kilobytes meanwhile. Where nothing is delayed it does not matter.
    #[serde(default = "max_waiting")]
    #[schemars(range(min = MAX_WAITING.0, max = MAX_WAITING.1))]
    pub max_waiting: u32,
}

impl QuotaSettings {
    /// A quota for each client on every route.
    pub fn new(rate: impl Into<String>) -> Self {
        Self {
            rate: rate.into(),
            per: PerSettings::default(),
            count: CountSettings::default(),
            routes: Vec::new(),
            classes: Vec::new(),
            when_used_up: WhenUsedUp::default(),
            max_delay: max_delay(),
            max_waiting: max_waiting(),
        }
    }
}

/// What happens to a request when a quota is used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WhenUsedUp {
    /// It is refused with 429.
    #[default]
    Refuse,
    /// It waits for its turn, for `max_delay` at most and with `max_waiting` others at most; what cannot wait is refused.
    Delay,
}

/// What some requests cost: so many times as much as others, of every quota that counts requests or answers.
///
/// ```toml
/// [rate_limit.costs.search]
/// cost = 5
/// routes = ["GET /search", "/api/search/*"]
///
/// [rate_limit.costs.export]
/// cost = 50
/// classes = ["export"]
/// ```
///
/// A request for which several rules hold costs the most that one of them says. All that a request costs is charged or it is
/// refused; one that costs more than a quota's whole burst passes when the quota is full, and what it has overdrawn is waited
/// for. Bytes are counted as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CostSettings {
    /// How many requests it is worth, from 1 to 1000.
    #[schemars(range(min = COST.0, max = COST.1))]
    pub cost: u32,
    /// The routes that cost so much, written as those of a quota.
    #[serde(default)]
    #[schemars(with = "Vec<rempart_guard::RoutePattern>")]
    pub routes: Vec<String>,
    /// The classes of routes that cost so much, besides `routes`. One of the two is needed.
    #[serde(default)]
    #[schemars(extend("items" = {"type": "string", "enum": class_words()}))]
    pub classes: Vec<String>,
}

/// The least and the most.
pub(crate) const MAX_KEYS: (u32, u32) = (128, 1 << 24);
pub(crate) const IPV4_PREFIX: (u32, u32) = (8, 32);
pub(crate) const IPV6_PREFIX: (u32, u32) = (16, 128);
pub(crate) const MAX_WAITING: (u32, u32) = (1, 10_000);
pub(crate) const MAX_DELAY: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(30));
pub(crate) const COST: (u32, u32) = (1, 1_000);

/// What the name of a quota looks like.
const NAME_PATTERN: &str = "^[a-z0-9_-]{1,32}$";

fn max_delay() -> String {
    "2s".to_owned()
}

const fn max_waiting() -> u32 {
    100
}

fn class_words() -> [&'static str; 7] {
    rempart_guard::RouteClass::ALL.map(rempart_guard::RouteClass::as_str)
}
