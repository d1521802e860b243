use std::sync::Arc;
use std::time::Duration;

use http::Method;
use rempart_guard::{Day, Enforcement, RouteClass, RoutePath, RoutePattern};

use crate::scope::Scope;
use crate::{Count, Per, QuotaRate};

/// The limits of one tenant as they are enforced. Made of [`RateLimitSettings`](crate::RateLimitSettings), and equal when
/// it was defined equally: then a reload keeps the counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimitPolicy {
    pub(crate) enforcement: Enforcement,
    pub(crate) report_until: Option<Day>,
    pub(crate) headers: bool,
    pub(crate) keying: Keying,
    /// Quotas that are the client's own before those that others share, each kind by name: the order in which they are told.
    pub(crate) quotas: Vec<QuotaPolicy>,
    /// By name.
    pub(crate) costs: Vec<CostPolicy>,
}

impl RateLimitPolicy {
    /// How many quotas one tenant may have.
    pub const MAX_QUOTAS: usize = 16;

    /// How many rules about costs one tenant may have.
    pub const MAX_COSTS: usize = 32;

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

    /// What costs more than one, by name.
    #[must_use]
    pub fn costs(&self) -> &[CostPolicy] {
        &self.costs
    }

    /// How much a request costs: the most that any rule says, so that no way to write a path makes it cheaper.
    #[must_use]
    pub fn cost(&self, method: &Method, path: &RoutePath<'_>, class: Option<RouteClass>) -> u32 {
        let rules = self.costs.iter().filter(|cost| cost.scope.takes(method, path, class));
        rules.map(|cost| cost.cost).max().unwrap_or(1)
    }

    /// Whether a quota is counted that is known only once the cookies are opened.
    #[must_use]
    pub fn needs_session(&self) -> bool {
        self.quotas.iter().any(|quota| quota.per.needs_session())
    }

    /// Whether bytes of bodies are counted.
    #[must_use]
    pub fn counts_bytes(&self) -> bool {
        self.quotas.iter().any(|quota| quota.count == Count::Bytes)
    }
}

/// One quota as it is enforced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaPolicy {
    pub(crate) name: Arc<str>,
    pub(crate) rate: QuotaRate,
    pub(crate) per: Per,
    pub(crate) count: Count,
    pub(crate) scope: Scope,
    pub(crate) used_up: UsedUp,
}

impl QuotaPolicy {
    /// Its name in the file, in the response's headers and in the log.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How often, or how much.
    #[must_use]
    pub const fn rate(&self) -> QuotaRate {
        self.rate
    }

    /// Who shares a count.
    #[must_use]
    pub const fn per(&self) -> &Per {
        &self.per
    }

    /// What is counted.
    #[must_use]
    pub const fn count(&self) -> &Count {
        &self.count
    }

    /// What happens when it is used up.
    #[must_use]
    pub const fn used_up(&self) -> UsedUp {
        self.used_up
    }

    /// Whether a request on this route, of this class, is measured against this quota.
    #[must_use]
    pub fn applies(&self, method: &Method, path: &RoutePath<'_>, class: Option<RouteClass>) -> bool {
        self.scope.takes(method, path, class)
    }

    /// The routes that are counted, in the order in which they are written. Neither these nor classes mean every request.
    #[must_use]
    pub fn routes(&self) -> &[RoutePattern] {
        &self.scope.routes
    }

    /// The classes of routes that are counted, besides [`routes`](Self::routes).
    #[must_use]
    pub fn classes(&self) -> &[RouteClass] {
        &self.scope.classes
    }

    /// Whether counts made under `other` mean the same under this quota. The routes may differ: a count is of requests
    /// that were charged, wherever they went.
    pub(crate) fn counts_like(&self, other: &Self) -> bool {
        (&self.name, self.rate, &self.per, &self.count) == (&other.name, other.rate, &other.per, &other.count)
    }
}

/// What happens to a request when a quota is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsedUp {
    /// It is refused.
    Refuse,
    /// It waits until there is enough, if that does not take too long and not too many wait already.
    Delay {
        /// For how long at most.
        at_most: Duration,
        /// How many requests wait for this quota at once, of all clients together.
        waiting: u32,
    },
}

/// What a kind of request costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostPolicy {
    pub(crate) name: Arc<str>,
    pub(crate) cost: u32,
    pub(crate) scope: Scope,
}

impl CostPolicy {
    /// Its name in the file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many requests it is worth.
    #[must_use]
    pub const fn cost(&self) -> u32 {
        self.cost
    }

    /// The routes that cost so much.
    #[must_use]
    pub fn routes(&self) -> &[RoutePattern] {
        &self.scope.routes
    }

    /// The classes of routes that cost so much.
    #[must_use]
    pub fn classes(&self) -> &[RouteClass] {
        &self.scope.classes
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
