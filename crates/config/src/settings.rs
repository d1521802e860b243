//! The files as they are written.

use std::path::PathBuf;

use rempart_cookie::CookieSettings;
use rempart_headers::HeadersSettings;
use rempart_rate_limit::RateLimitSettings;
use rempart_tls::TlsSettings;
use serde::{Deserialize, Serialize};

use crate::words::{OneOrMore, Written};

/// `rempart.toml` as it is written, without its `[defaults]`, which are sections of [`TenantSettings`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VendorSettings {
    /// Where the edge listens.
    pub listen: ListenSettings,
    /// Who the client is.
    pub client: ClientSettings,
    /// Where the edge keeps what must last.
    pub state: StateSettings,
    /// For demonstrations and tests.
    pub development: DevelopmentSettings,
    /// How the edge stops.
    pub shutdown: ShutdownSettings,
    /// Sections that hold for every tenant whose own file does not say otherwise.
    #[serde(skip_serializing)]
    pub defaults: Sections,
}

/// Where the edge listens.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListenSettings {
    /// The addresses for HTTPS: one, or a list, such as `"0.0.0.0:443"` and `"[::]:443"`.
    pub https: OneOrMore,
    /// The addresses for plain HTTP, which is only ever redirected to HTTPS. None by default.
    pub http: OneOrMore,
    /// How many threads serve requests, from 1 to 1024. One for each core by default.
    pub workers: Option<u32>,
}

/// Who the client is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientSettings {
    /// The networks of the vendor's own proxies, whose `X-Forwarded-*` headers are believed: `"10.0.0.0/8"`. None by
    /// default: the peer of the connection is the client.
    pub trusted_proxies: OneOrMore,
}

/// Where the edge keeps what must last.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StateSettings {
    /// The directory, relative to that of the configuration. By default `"state"`.
    pub directory: PathBuf,
}

impl Default for StateSettings {
    fn default() -> Self {
        Self {
            directory: "state".into(),
        }
    }
}

/// For demonstrations and tests.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DevelopmentSettings {
    /// Whether tenants without a certificate get one from a development CA, kept in the state directory. Only for hosts
    /// under names that are reserved for this, such as `.localhost` and `.test`.
    pub certificates: bool,
}

/// How the edge stops.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShutdownSettings {
    /// How long requests may take to finish once the edge is asked to stop, at most `"1h"`. By default `"30s"`.
    pub drain: Written,
}

impl Default for ShutdownSettings {
    fn default() -> Self {
        Self { drain: "30s".into() }
    }
}

/// `tenants.d/NAME.toml` as it is written.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TenantSettings {
    /// The hosts under which the tenant is reached: `"library.example"`, or `"*.library.example"` for every name one
    /// label below.
    pub hosts: OneOrMore,
    /// The application.
    pub upstream: UpstreamSettings,
    /// The certificate.
    pub tls: TlsSettings,
    /// How often clients may ask.
    pub rate_limit: RateLimitSettings,
    /// How cookies leave.
    pub cookies: CookieSettings,
    /// How other headers leave.
    pub headers: HeadersSettings,
}

/// The sections of `[defaults]`: all of a tenant's but its hosts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DefaultSettings {
    upstream: UpstreamSettings,
    tls: TlsSettings,
    rate_limit: RateLimitSettings,
    cookies: CookieSettings,
    headers: HeadersSettings,
}

/// The application of a tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UpstreamSettings {
    /// Where it is: `http://`, a host, and a port other than 80. No path.
    pub url: Option<String>,
    /// How long a connection to it may take, at most `"5m"`. By default `"2s"`.
    pub connect_timeout: Written,
    /// How long it may take to begin its answer, at most `"1d"`. By default `"30s"`.
    pub response_timeout: Written,
    /// How long a connection without a request is kept, at most `"1h"`. By default `"60s"`.
    pub idle_timeout: Written,
    /// How many connections each worker has to it at most, from 1 to 65536. By default 256.
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
