use http::{Method, StatusCode};
use rempart_guard::{Refusal, Rejection, RoutePath};

/// A request's route is in no class: 404, `route_unmapped`. To the client it is a page that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no class of [routes] names {method} {path}")]
pub struct RouteUnmapped {
    method: Method,
    path: String,
}

impl RouteUnmapped {
    /// Without parameters, in which sessions travel, and not all of a path that is long.
    pub(crate) fn new(method: &Method, path: &RoutePath<'_>) -> Self {
        let read = path.readings().next().map(|reading| reading.to_string());
        Self {
            method: method.clone(),
            path: read.unwrap_or_default().chars().take(200).collect(),
        }
    }
}

impl Refusal for RouteUnmapped {
    fn rejection(&self) -> Rejection {
        Rejection::new(StatusCode::NOT_FOUND, "route_unmapped")
    }
}
