use std::fmt;

use http::Method;
use rempart_guard::{RouteClass, RoutePath, RoutePattern};

/// Which requests are meant: those that take one of the routes or are of one of the classes. Neither means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) routes: Vec<RoutePattern>,
    pub(crate) classes: Vec<RouteClass>,
}

impl Scope {
    pub(crate) fn takes(&self, method: &Method, path: &RoutePath<'_>, class: Option<RouteClass>) -> bool {
        self.names_nothing()
            || class.is_some_and(|class| self.classes.contains(&class))
            || self.routes.iter().any(|route| route.matches(method, path))
    }

    pub(crate) const fn names_nothing(&self) -> bool {
        self.routes.is_empty() && self.classes.is_empty()
    }

    /// What it names, each once and nothing that something else of it covers; `None` for all requests.
    pub(crate) fn named(&self) -> Option<Vec<Named<'_>>> {
        let every: RoutePattern = "/*".parse().expect("`/*` is a route");
        if self.names_nothing() || self.routes.contains(&every) {
            return None;
        }
        let routes = self.routes.iter().map(Named::Route);
        let all: Vec<_> = routes.chain(self.classes.iter().copied().map(Named::Class)).collect();
        let is_told = |index: usize, one: &Named<'_>| {
            let covered = |(other, by): (usize, &Named<'_>)| {
                other != index && by.covers(one) && (other < index || !one.covers(by))
            };
            !all.iter().enumerate().any(covered)
        };
        let told = all.iter().enumerate().filter(|(index, one)| is_told(*index, one));
        Some(told.map(|(_, one)| *one).collect())
    }

    /// Whether every request that the other means is meant.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        match (self.named(), other.named()) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(ours), Some(theirs)) => theirs.iter().all(|one| ours.iter().any(|by| by.covers(one))),
        }
    }
}

/// A route or a class.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Named<'a> {
    Route(&'a RoutePattern),
    Class(RouteClass),
}

impl Named<'_> {
    pub(crate) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Route(one), Self::Route(other)) => one.covers(other),
            (Self::Class(one), Self::Class(other)) => one == other,
            _ => false,
        }
    }
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Route(route) => route.fmt(f),
            Self::Class(class) => write!(f, "`{class}` routes"),
        }
    }
}
