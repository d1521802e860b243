//! The files as they are written.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use rempart_cookie::CookieSettings;
use rempart_headers::HeadersSettings;
use rempart_login::LoginSettings;
use rempart_rate_limit::RateLimitSettings;
use rempart_records::RoutesSettings;
use rempart_redis::RedisSettings;
use rempart_sessions::SessionsSettings;
use rempart_shares::{CapacitySettings, SharesSettings};
use rempart_tenant::HostPattern;
use rempart_tls::TlsSettings;
use rempart_waiting_room::WaitingRoomSettings;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::forms::{LastDay, ListenAddress, Network, OneOrMoreOf, UrlOr};
use crate::presets::{Level, Preset};
use crate::words::{OneOrMore, Written};

/// The vendor's file as it is written, `rempart.toml`: what is the same for all tenants. Its `[defaults]` are read with each
/// tenant.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VendorSettings {
    /// Where the edge listens.
    pub listen: ListenSettings,
    /// Who the client is.
    pub client: ClientSettings,
    /// How much all tenants have together.
    pub capacity: CapacitySettings,
    /// Where the edge keeps what must last.
    pub state: StateSettings,
    /// Which secrets cookies are sealed with.
    pub keys: KeysSettings,
    /// For demonstrations and tests.
    pub development: DevelopmentSettings,
    /// How the edge stops.
    pub shutdown: ShutdownSettings,
    /// How a change of the files takes effect.
    pub reload: ReloadSettings,
    /// What programs that watch the edge may ask.
    pub metrics: MetricsSettings,
    /// Sections that hold for every tenant whose own file does not say otherwise.
    #[serde(skip_serializing)]
    #[schemars(with = "DefaultSettings")]
    pub defaults: Sections,
}

/// Where the edge listens. A change takes effect at the next start.
///
/// ```toml
/// [listen]
/// https = ["0.0.0.0:443", "[::]:443"]
/// http = ["0.0.0.0:80", "[::]:80"]
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ListenSettings {
    /// The addresses for HTTPS: one, or a list. An address is an IP address and a port, such as `"0.0.0.0:443"` for all of
    /// IPv4 and `"[::]:443"` for all of IPv6. At least one is needed.
    #[schemars(with = "OneOrMoreOf<ListenAddress>")]
    pub https: OneOrMore,
    /// The addresses for plain HTTP, which is only ever redirected to HTTPS, and only for hosts that a tenant has. None by
    /// default: then whoever types a host without `https://` is not answered.
    #[schemars(with = "OneOrMoreOf<ListenAddress>")]
    pub http: OneOrMore,
    /// How many threads serve requests, from 1 to 1024. One for each core by default. Each has its own connections to the
    /// applications.
    #[schemars(range(min = 1, max = MOST_WORKERS))]
    pub workers: Option<u32>,
}

/// Who the client is: whose word is taken for it. Quotas count by it, and applications are told.
///
/// ```toml
/// [client]
/// trusted_proxies = ["10.0.0.0/8", "2001:db8:1::/48"]
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClientSettings {
    /// The networks of the vendor's own proxies, whose `X-Forwarded-*` headers are believed: `"10.0.0.0/8"`, or one address.
    /// None by default: the peer of the connection is the client. With a load balancer in front that is not named here, all
    /// clients are one client and share its quotas; with a network named that is not the vendor's, its people choose the
    /// address they are counted by.
    #[schemars(with = "OneOrMoreOf<Network>")]
    pub trusted_proxies: OneOrMore,
}

/// Where the edge keeps what must last: the root secret that seals session cookies, and the development CA; and what it shares
/// with other edges. A change takes effect at the next start.
///
/// ```toml
/// [state]
/// directory = "/var/lib/rempart"
/// redis = "rediss://redis.example.org:6380"
/// ```
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StateSettings {
    /// The directory, relative to that of `rempart.toml`. Made at the first start, readable by the edge's account only; it
    /// cannot be the directory of the configuration itself. Whoever loses it logs everybody out.
    #[schemars(extend("x-form" = "path"))]
    pub directory: PathBuf,
    /// The Redis or Valkey that several edges have in common: its URL, or a section with more. With it a quota, a login guard's
    /// count and the end of a session are the same at all of them; without it each counts by itself. All of them need the
    /// same root secret.
    #[serde(deserialize_with = "url_or_section")]
    #[schemars(with = "Option<UrlOr<RedisSettings>>")]
    pub redis: Option<RedisSettings>,
}

/// A section, or the URL that is all of it that has no default.
fn url_or_section<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RedisSettings>, D::Error> {
    struct UrlOrSection(RedisSettings);
    struct Form;
    impl<'de> Visitor<'de> for Form {
        type Value = UrlOrSection;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a URL in quotes, such as \"rediss://redis.example.org:6380\", or a section [state.redis]")
        }
        fn visit_str<E>(self, url: &str) -> Result<UrlOrSection, E> {
            Ok(UrlOrSection(RedisSettings::at(url)))
        }
        fn visit_map<A: MapAccess<'de>>(self, section: A) -> Result<UrlOrSection, A::Error> {
            RedisSettings::deserialize(MapAccessDeserializer::new(section)).map(UrlOrSection)
        }
    }
    impl<'de> Deserialize<'de> for UrlOrSection {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_any(Form)
        }
    }
    let read = Option::<UrlOrSection>::deserialize(deserializer)?;
    Ok(read.map(|UrlOrSection(settings)| settings))
}

impl Default for StateSettings {
    fn default() -> Self {
        Self {
            directory: "state".into(),
            redis: None,
        }
    }
}

/// Which root secrets the keys of all tenants come from. `rempart keys new NAME` makes one; a change takes effect with a
/// reload, and nobody is logged out by it: what a previous one has sealed still opens, and is sealed anew when it is shown.
///
/// ```toml
/// [keys]
/// current = "2026-11"
///
/// [keys.previous]
/// root = "2027-02-28"
/// ```
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KeysSettings {
    /// The name of the secret that seals from now on: `"2026-11"` is the file `keys/2026-11.key` in the state directory, which
    /// only the edge's account may read. 1 to 32 letters, digits, `.`, `_` and `-`. `root` is the file `root.key`, which the
    /// edge makes by itself at the first start.
    #[schemars(regex(pattern = KEY_NAME), extend("x-form" = "name of a key"))]
    pub current: String,
    /// Secrets that open what they have sealed and seal nothing any more, by name, each with its last day (UTC). Choose a
    /// day on which nobody comes back with a cookie from before the change: those who do are logged out. At most 8.
    #[schemars(with = "BTreeMap<String, LastDay>")]
    #[schemars(extend("propertyNames" = {"pattern": KEY_NAME}, "maxProperties" = MOST_KEYS))]
    pub previous: BTreeMap<String, String>,
}

impl Default for KeysSettings {
    fn default() -> Self {
        Self {
            current: "root".to_owned(),
            previous: BTreeMap::new(),
        }
    }
}

/// What the name of a key looks like.
const KEY_NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$";

/// How many previous keys there may be.
pub(crate) const MOST_KEYS: usize = 8;

/// For demonstrations and tests. Never on a real server.
///
/// ```toml
/// [development]
/// certificates = true
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DevelopmentSettings {
    /// Whether tenants without a certificate get one from a development CA, kept in the state directory. Only for hosts
    /// under names that are reserved for this, such as `.localhost` and `.test`.
    pub certificates: bool,
}

/// How the edge stops.
///
/// ```toml
/// [shutdown]
/// drain = "1m"
/// ```
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ShutdownSettings {
    /// How long requests may take to finish once the edge is asked to stop, at most `"1h"`. What is still open then is cut
    /// off: with `"0s"`, everything at once. Whoever starts the edge must wait longer than this before killing it
    /// (`TimeoutStopSec` of systemd).
    #[schemars(extend("x-least" = "0s", "x-most" = "1h"))]
    pub drain: Written,
}

impl Default for ShutdownSettings {
    fn default() -> Self {
        Self { drain: "30s".into() }
    }
}

/// How a change of the files takes effect. SIGHUP and `rempart reload` always do it.
///
/// ```toml
/// [reload]
/// watch = true
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReloadSettings {
    /// Whether the edge reloads by itself, a moment after a file in `tenants.d`, `rempart.toml` or a certificate changed.
    /// Off by default: an editor that saves is not somebody who wants it live. Read when the edge starts.
    pub watch: bool,
}

/// What programs that watch the edge may ask over TCP. The administration socket in the state directory answers the same,
/// always. A change takes effect at the next start.
///
/// ```toml
/// [metrics]
/// listen = "127.0.0.1:9464"
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsSettings {
    /// An IP address and a port that answers `GET /metrics` (for Prometheus), `/livez` and `/readyz` over plain HTTP, and
    /// nothing else. None by default. Nobody is asked who they are: whoever can connect reads the names of all tenants and how
    /// they stand, so choose an address that only your own network can reach.
    #[schemars(with = "Option<ListenAddress>")]
    pub listen: Option<String>,
}

/// A tenant's file as it is written, `tenants.d/NAME.toml`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TenantSettings {
    /// The hosts under which the tenant is reached, one or a list: `"library.example"`, or `"*.library.example"` for every
    /// name one label below. Names only, without `https://` and without a port; letters that are not ASCII in their `xn--`
    /// form. At least one is needed, and no other tenant can have the same.
    #[schemars(with = "OneOrMoreOf<HostPattern>")]
    pub hosts: OneOrMore,
    /// How far to harden: `legacy`, `balanced` or `strict`. Everything that is written here goes over it. `rempart explain`
    /// shows what it sets.
    pub level: Option<Level>,
    /// What kind of application it is: `php`, `aspnet`, `java-servlet`, `wordpress`, `django` or `static`. It knows the
    /// application's cookies and odd addresses. Everything that is written here goes over it.
    pub preset: Option<Preset>,
    /// Whether the application holds data of persons. Then routes that are in no class of `[routes]` are refused unless it is
    /// said otherwise there, so name the application's routes before you set it: what is forgotten is not found any more.
    pub personal_data: bool,
    /// The application.
    pub upstream: UpstreamSettings,
    /// The certificate.
    pub tls: TlsSettings,
    /// How often clients may ask.
    pub rate_limit: RateLimitSettings,
    /// Which part of the edge is the tenant's.
    pub shares: SharesSettings,
    /// Who waits when more people come than there is room for.
    pub waiting_room: WaitingRoomSettings,
    /// What each route is for.
    pub routes: RoutesSettings,
    /// How cookies leave.
    pub cookies: CookieSettings,
    /// How long somebody stays logged in.
    pub sessions: SessionsSettings,
    /// How often a password may be wrong.
    pub login: LoginSettings,
    /// How other headers leave.
    pub headers: HeadersSettings,
}

/// The sections of `[defaults]`: all of a tenant's but its hosts.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DefaultSettings {
    /// How far to harden: `legacy`, `balanced` or `strict`. Everything that is written in `[defaults]` goes over it. `rempart explain`
    /// shows what it sets.
    pub(crate) level: Option<Level>,
    /// What kind of application it is: `php`, `aspnet`, `java-servlet`, `wordpress`, `django` or `static`. It knows the
    /// application's cookies and odd addresses. Everything that is written in `[defaults]` goes over it.
    pub(crate) preset: Option<Preset>,
    /// Whether the tenants' applications hold data of persons. A tenant's own file can say otherwise.
    pub(crate) personal_data: bool,
    pub(crate) upstream: UpstreamSettings,
    pub(crate) tls: TlsSettings,
    pub(crate) rate_limit: RateLimitSettings,
    pub(crate) shares: SharesSettings,
    pub(crate) waiting_room: WaitingRoomSettings,
    pub(crate) routes: RoutesSettings,
    pub(crate) cookies: CookieSettings,
    pub(crate) sessions: SessionsSettings,
    pub(crate) login: LoginSettings,
    pub(crate) headers: HeadersSettings,
}

/// The application of a tenant: where it is, and how long it is waited for.
///
/// ```toml
/// [upstream]
/// url = "http://10.0.0.20:8080"
/// response_timeout = "60s"
/// ```
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UpstreamSettings {
    /// Where it is: `http://`, a host or an IP address, and the port when it is not 80. No path, no user and no password. It
    /// is needed, and cannot be an address that the edge listens on.
    #[schemars(regex(pattern = UPSTREAM_PATTERN), extend("x-form" = "URL", "examples" = ["http://10.0.0.20:8080"]))]
    pub url: Option<String>,
    /// How long a connection to it may take, at most `"5m"`. A client whose request waited that long gets a 504.
    #[schemars(extend("x-least" = "1ms", "x-most" = "5m"))]
    pub connect_timeout: Written,
    /// How long it may take to begin its answer, at most `"1d"`. A client whose request waited that long gets a 504, while the
    /// application may still be at work: raise it for exports and reports that take longer.
    #[schemars(extend("x-least" = "1ms", "x-most" = "1d"))]
    pub response_timeout: Written,
    /// How long a connection without a request is kept, at most `"1h"`. Choose less than the application itself keeps one
    /// open, or requests meet connections that it has just closed.
    #[schemars(extend("x-least" = "1ms", "x-most" = "1h"))]
    pub idle_timeout: Written,
    /// How many connections each worker has to it at most, from 1 to 65536. When all are in use, clients get a 503: one that
    /// holds its connection for long, such as a live page, takes one away from the others.
    #[schemars(range(min = 1, max = MOST_CONNECTIONS))]
    pub max_connections: u32,
}

impl Default for UpstreamSettings {
    fn default() -> Self {
        Self {
            url: None,
            connect_timeout: "2s".into(),
            response_timeout: "30s".into(),
            idle_timeout: "60s".into(),
            max_connections: 256,
        }
    }
}

/// The most threads that serve requests.
pub(crate) const MOST_WORKERS: u32 = 1_024;

/// The most connections that a worker has to one application.
pub(crate) const MOST_CONNECTIONS: u32 = 65_536;

/// What `upstream.url` looks like.
const UPSTREAM_PATTERN: &str = "^[Hh][Tt][Tt][Pp]://[^/?#@]+/?$";

pub use sections::Sections;

mod sections {
    use std::fmt;

    use serde::de::{IgnoredAny, MapAccess, Visitor};
    use serde::{Deserialize, Deserializer};

    /// That there are sections. Each tenant reads them as its own lowest layer.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct Sections;

    impl<'de> Deserialize<'de> for Sections {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(Self)
        }
    }

    impl<'de> Visitor<'de> for Sections {
        type Value = Self;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("sections such as [defaults.rate_limit]")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
            while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(Self)
        }
    }
}
