use std::time::Duration;

use http::{Extensions, Method, Uri};
use rempart_guard::{Day, Enforcement, RouteClass, RoutePath, RoutePattern};

use crate::division::Claim;
use crate::{AdaptivePolicy, Kind, Priority, SharesSettings};

/// The share of one tenant as it is enforced. Made of [`SharesSettings`].
#[derive(Clone, Debug, PartialEq)]
pub struct SharesPolicy {
    pub(crate) enforcement: Enforcement,
    pub(crate) report_until: Option<Day>,
    pub(crate) weight: u32,
    pub(crate) guaranteed: Option<u32>,
    pub(crate) max_wait: Duration,
    pub(crate) max_waiting: u32,
    /// By [`Kind`].
    pub(crate) per_client: [u32; Kind::ALL.len()],
    pub(crate) ipv4_prefix: u8,
    pub(crate) ipv6_prefix: u8,
    pub(crate) rungs: Rungs,
    pub(crate) health: Vec<RoutePattern>,
    pub(crate) adaptive: AdaptivePolicy,
}

impl SharesPolicy {
    /// Whether what is beyond the share waits and is refused, is only told, or is not looked at.
    #[must_use]
    pub const fn enforcement(&self) -> Enforcement {
        self.enforcement
    }

    /// The last day on which the control is meant to be in `report`, when somebody has said one.
    #[must_use]
    pub const fn report_until(&self) -> Option<Day> {
        self.report_until
    }

    /// How many requests the application is given at once.
    #[must_use]
    pub const fn adaptive(&self) -> &AdaptivePolicy {
        &self.adaptive
    }

    /// How urgent a request is: routes of health before all, then the classes as the policy orders them. The class is what
    /// a route map has put into the request's extensions.
    #[must_use]
    pub fn priority_of(&self, method: &Method, uri: &Uri, extensions: &Extensions) -> Priority {
        if !self.health.is_empty() {
            let path = RoutePath::from(uri);
            if self.health.iter().any(|route| route.matches(method, &path)) {
                return Priority::FIRST;
            }
        }
        let class = extensions.get::<RouteClass>().copied();
        self.rungs.priority_of(class.unwrap_or(RouteClass::Public))
    }

    /// How many may wait.
    pub(crate) const fn most_waiting(&self) -> u32 {
        if self.max_wait.is_zero() { 0 } else { self.max_waiting }
    }

    pub(crate) const fn per_client(&self, kind: Kind) -> u32 {
        self.per_client[kind.index()]
    }

    /// What is guaranteed. Whoever is not looked at has no part in what the others are given.
    pub(crate) fn claim(&self, kind: Kind) -> Claim {
        let explicit = self.guaranteed.filter(|_| kind == Kind::Requests).unwrap_or(0);
        match self.enforcement {
            Enforcement::Off => Claim::NONE,
            Enforcement::Enforce | Enforcement::Report => Claim {
                weight: self.weight,
                explicit,
            },
        }
    }

    /// When to try again: by then, all that waited before has been answered or refused.
    pub(crate) fn retry_after(&self) -> Duration {
        self.max_wait.max(Duration::from_secs(1))
    }
}

impl Default for SharesPolicy {
    fn default() -> Self {
        SharesSettings::default()
            .try_into()
            .expect("the defaults are in their ranges")
    }
}

/// How urgent each class is: the smaller goes first, and zero is for health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rungs([u8; RouteClass::ALL.len()]);

impl Rungs {
    /// In this order, and then those that are not in it.
    pub(crate) fn of(order: &[RouteClass]) -> Self {
        let rung = |class| order.iter().position(|one| *one == class).unwrap_or(order.len());
        Self(RouteClass::ALL.map(|class| 1 + rung(class) as u8))
    }

    pub(crate) const fn priority_of(&self, class: RouteClass) -> Priority {
        Priority::new(self.0[class as usize])
    }

    /// All classes with what they are, the most urgent first.
    pub(crate) fn in_order(&self) -> Vec<(Priority, RouteClass)> {
        let mut order: Vec<_> = RouteClass::ALL.map(|class| (self.priority_of(class), class)).into();
        order.sort();
        order
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn priority(toml: &str, path: &str, class: Option<RouteClass>) -> Priority {
        let settings: SharesSettings = toml::from_str(toml).unwrap();
        let mut request = Request::get(path).body(()).unwrap();
        class.map(|class| request.extensions_mut().insert(class));
        let policy = SharesPolicy::try_from(settings).unwrap();
        policy.priority_of(request.method(), request.uri(), request.extensions())
    }

    #[test]
    fn health_goes_before_the_login_and_the_login_before_the_search() {
        let toml = "health_routes = [\"GET /healthz\"]";
        let [health, login, search, export] = [
            ("/healthz", None),
            ("/login", Some(RouteClass::Auth)),
            ("/search", Some(RouteClass::Public)),
            ("/all.csv", Some(RouteClass::Export)),
        ]
        .map(|(path, class)| priority(toml, path, class));
        assert!(health < login && login < search && search < export);
        assert_eq!(priority(toml, "/unmapped", None), search);
    }

    #[test]
    fn the_order_is_the_tenants() {
        let toml = "priority = [\"export\", \"public\"]";
        let of = |class| priority(toml, "/", Some(class));
        assert!(of(RouteClass::Export) < of(RouteClass::Public) && of(RouteClass::Public) < of(RouteClass::Auth));
        assert_eq!(of(RouteClass::Auth), of(RouteClass::Admin));
    }
}
