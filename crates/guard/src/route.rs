use std::fmt;
use std::str::FromStr;

use http::Method;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A route as a tenant's file names it: an optional method and a path pattern.
///
/// `"/login"` is that path and no other. A segment `{anything}` stands for exactly one segment, and a last segment `*`
/// for whatever follows, nothing included: `"POST /api/*"` covers `/api` too, so that a rule never misses the door
/// itself. Segments are compared byte for byte, with one exception: an empty last segment (a trailing slash) is the same
/// route as none, because applications treat it so.
///
/// ```
/// use http::Method;
/// use rempart_guard::RoutePattern;
///
/// let pattern: RoutePattern = "POST /api/*".parse().unwrap();
/// assert!(pattern.matches(&Method::POST, "/api/holds/17"));
/// assert!(!pattern.matches(&Method::GET, "/api/holds/17"));
/// assert!(pattern.matches(&Method::POST, "/api"));
/// assert!(!pattern.matches(&Method::POST, "/apiary"));
/// ```
///
/// # What it cannot stop
///
/// An upstream that reads `/%61pi` or `/x/../api` as `/api` sees another route than this. Patterns are matched on the
/// path as it is forwarded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RoutePattern {
    method: Option<Method>,
    segments: Vec<Segment>,
    open_ended: bool,
}

impl RoutePattern {
    /// Whether a request with this method and path takes this route. The path comes without a query.
    #[must_use]
    pub fn matches(&self, method: &Method, path: &str) -> bool {
        if self.method.as_ref().is_some_and(|wanted| wanted != method) {
            return false;
        }
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        let mut asked = path.split('/').filter(|_| !path.is_empty());
        for segment in &self.segments {
            match (segment, asked.next()) {
                (_, None) => return false,
                (Segment::Any, Some(_)) => {}
                (Segment::Exactly(wanted), Some(given)) if wanted == given => {}
                (Segment::Exactly(_), Some(_)) => return false,
            }
        }
        self.open_ended || asked.next().is_none()
    }
}

/// Why a text is no route pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// The path does not begin with a slash.
    #[error("a route is a path that begins with `/`, with a method before it or without")]
    NoSlash,
    /// The word before the path is no method.
    #[error("the word before the path is not an upper-case HTTP method")]
    Method,
    /// `*` stands for the rest of a path, so nothing can follow it.
    #[error("`*` stands for the rest of a path and must be its whole last segment")]
    Star,
    /// A brace that is not around a whole segment.
    #[error("`{{name}}` stands for one whole segment")]
    Brace,
    /// A query or fragment, which is not part of a path.
    #[error("a route has no query and no fragment")]
    Query,
}

impl FromStr for RoutePattern {
    type Err = RouteError;

    fn from_str(text: &str) -> Result<Self, RouteError> {
        let text = text.trim();
        let (method, path) = match text.split_once(' ') {
            Some((method, path)) => (Some(parse_method(method)?), path.trim_start()),
            None => (None, text),
        };
        if path.contains(['?', '#']) {
            return Err(RouteError::Query);
        }
        let path = path.strip_prefix('/').ok_or(RouteError::NoSlash)?;
        let path = path.strip_suffix('/').unwrap_or(path);
        let (path, open_ended) = match path.strip_suffix('*') {
            Some("") => ("", true),
            Some(path) => (path.strip_suffix('/').ok_or(RouteError::Star)?, true),
            None => (path, false),
        };
        let parts = path.split('/').filter(|_| !path.is_empty());
        let segments = parts.map(Segment::parse).collect::<Result<_, _>>()?;
        Ok(Self {
            method,
            segments,
            open_ended,
        })
    }
}

impl fmt::Display for RoutePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(method) = &self.method {
            write!(f, "{method} ")?;
        }
        for segment in &self.segments {
            match segment {
                Segment::Any => f.write_str("/{}")?,
                Segment::Exactly(text) => write!(f, "/{text}")?,
            }
        }
        match (self.open_ended, self.segments.is_empty()) {
            (true, _) => f.write_str("/*"),
            (false, true) => f.write_str("/"),
            (false, false) => Ok(()),
        }
    }
}

impl<'de> Deserialize<'de> for RoutePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl Serialize for RoutePattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Segment {
    Exactly(String),
    Any,
}

impl Segment {
    fn parse(text: &str) -> Result<Self, RouteError> {
        if text.contains('*') {
            return Err(RouteError::Star);
        }
        match text.strip_prefix('{').map(|rest| rest.strip_suffix('}')) {
            Some(Some(name)) if !name.contains(['{', '}']) => Ok(Self::Any),
            Some(_) => Err(RouteError::Brace),
            None if text.contains(['{', '}']) => Err(RouteError::Brace),
            None => Ok(Self::Exactly(text.to_owned())),
        }
    }
}

fn parse_method(word: &str) -> Result<Method, RouteError> {
    if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-') {
        return Err(RouteError::Method);
    }
    Method::from_bytes(word.as_bytes()).map_err(|_| RouteError::Method)
}
