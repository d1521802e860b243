use std::fmt;
use std::sync::Arc;

use http::Method;
use rempart_guard::{Day, Enforcement, RoutePath, RoutePattern};

use crate::Rate;

/// The limits of one tenant as they are enforced. Made of [`RateLimitSettings`](crate::RateLimitSettings), and equal when
/// it was defined equally: then a reload keeps the counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimitPolicy {
    pub(crate) enforcement: Enforcement,
    pub(crate) report_until: Option<Day>,
    pub(crate) headers: bool,
    pub(crate) keying: Keying,
    /// Quotas of clients before those of the tenant, each kind by name: the order in which their locks are taken.
    pub(crate) quotas: Vec<QuotaPolicy>,
}

impl RateLimitPolicy {
    /// How many quotas one tenant may have.
    pub const MAX_QUOTAS: usize = 16;

    /// Whether requests are refused, only counted, or not looked at.
    #[must_use]
    pub const fn enforcement(&self) -> Enforcement {
        self.enforcement
    }

    /// The last day on which the control is meant to be in `report`, when somebody has said one.
    #[must_use]
    pub const fn report_until(&self) -> Option<Day> {
        self.report_until
    }

    /// The quotas, in the order in which they are listed to clients.
    #[must_use]
    pub fn quotas(&self) -> &[QuotaPolicy] {
        &self.quotas
    }
}

/// One quota as it is enforced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaPolicy {
    pub(crate) name: Arc<str>,
    pub(crate) rate: Rate,
    pub(crate) per: Per,
    pub(crate) routes: Vec<RoutePattern>,
}

impl QuotaPolicy {
    /// Its name in the file, in the response's headers and in the log.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How often.
    #[must_use]
    pub const fn rate(&self) -> Rate {
        self.rate
    }

    /// Who shares a count.
    #[must_use]
    pub const fn per(&self) -> Per {
        self.per
    }

    /// Whether a request is counted against this quota.
    #[must_use]
    pub fn applies(&self, method: &Method, path: &RoutePath<'_>) -> bool {
        self.routes.is_empty() || self.routes.iter().any(|route| route.matches(method, path))
    }

    /// The routes that are counted, in the order in which they are written. None means every route.
    #[must_use]
    pub fn routes(&self) -> &[RoutePattern] {
        &self.routes
    }

    /// Whether counts made under `other` mean the same under this quota. The routes may differ: a count is of requests
    /// that were charged, wherever they went.
    pub(crate) fn counts_like(&self, other: &Self) -> bool {
        (&self.name, self.rate, self.per) == (&other.name, other.rate, other.per)
    }
}

/// Who shares a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Per {
    /// Each client network has its own: the safe choice, and the default.
    Client,
    /// All clients of the tenant share one: for what the application behind can bear in all. One client can use it up for
    /// everybody, so it stands beside a quota per client and not instead of it.
    Tenant,
}

impl Per {
    /// The word in the tenant's file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Tenant => "tenant",
        }
    }
}

impl fmt::Display for Per {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What makes two requests the same client, and for how many clients there is room: counts survive a reload only when
/// none of it changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keying {
    pub(crate) max_keys: u32,
    pub(crate) ipv4_prefix: u8,
    pub(crate) ipv6_prefix: u8,
}
