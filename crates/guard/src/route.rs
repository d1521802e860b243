use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::path::{Step, each_step};
use crate::{Reading, RoutePath};

/// A route as a tenant's file names it: an optional method and a path pattern.
///
/// `"/login"` is that path and no other. A segment `{anything}` stands for exactly one segment, and a last segment `*`
/// for whatever follows, nothing included: `"POST /api/*"` covers `/api` too, so that a rule never misses the door
/// itself. `GET` takes `HEAD` too, which is the same request with an answer that stops early (RFC 9110 section 9.3.2): what
/// costs, shows or counts as the one does so as the other. A pattern is read as the laxest server reads a path, and so is the path that it is matched on: see
/// [`RoutePath`], which also says what that cannot stop.
///
/// ```
/// use http::Method;
/// use rempart_guard::{RoutePath, RoutePattern};
///
/// let pattern: RoutePattern = "POST /api/*".parse().unwrap();
/// let takes = |method, path| pattern.matches(&method, &RoutePath::new(path));
/// assert!(takes(Method::POST, "/api/holds/17"));
/// assert!(!takes(Method::GET, "/api/holds/17"));
/// assert!(takes(Method::POST, "/api"));
/// assert!(!takes(Method::POST, "/apiary"));
/// assert!(takes(Method::POST, "//x/..;/%41PI/"), "some server reads this as /api");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RoutePattern {
    method: Option<Method>,
    segments: Vec<Segment>,
    open_ended: bool,
}

impl RoutePattern {
    /// Whether a request with this method and path takes this route in any of its readings.
    #[must_use]
    pub fn matches(&self, method: &Method, path: &RoutePath<'_>) -> bool {
        path.readings().any(|reading| self.matches_reading(method, reading))
    }

    /// Whether a request with this method and path takes this route when its path is read in this way.
    #[must_use]
    pub fn matches_reading(&self, method: &Method, path: Reading<'_>) -> bool {
        if !self.takes(method) {
            return false;
        }
        let mut asked = path.segments();
        for segment in &self.segments {
            match (segment, asked.next()) {
                (_, None) => return false,
                (Segment::Any, Some(_)) => {}
                (Segment::Exactly(wanted), Some(given)) if wanted.eq_ignore_ascii_case(given) => {}
                (Segment::Exactly(_), Some(_)) => return false,
            }
        }
        self.open_ended || asked.next().is_none()
    }

    /// Whether there is a path that, read in one way, takes both routes.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        let methods = self.method.as_ref().zip(other.method.as_ref());
        if methods.is_some_and(|(one, method)| !self.takes(method) && !other.takes(one)) {
            return false;
        }
        let (mine, theirs) = (&self.segments, &other.segments);
        let same = |(one, other): (&Segment, &Segment)| one == other || [one, other].contains(&&Segment::Any);
        mine.iter().zip(theirs).all(same)
            && (mine.len() >= theirs.len() || self.open_ended)
            && (theirs.len() >= mine.len() || other.open_ended)
    }

    /// Whether every request that takes `other` takes this route too.
    ///
    /// ```
    /// use rempart_guard::RoutePattern;
    ///
    /// let covers = |one: &str, other: &str| one.parse::<RoutePattern>().unwrap().covers(&other.parse().unwrap());
    /// assert!(covers("/api/*", "POST /api/holds/{id}"));
    /// assert!(!covers("POST /api/*", "/api/holds/{id}"));
    /// assert!(covers("GET /api/*", "HEAD /api/holds") && !covers("HEAD /api/*", "GET /api/holds"));
    /// ```
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let method = self.method.is_none() || other.method.as_ref().is_some_and(|method| self.takes(method));
        let length = if self.open_ended {
            other.segments.len() >= self.segments.len()
        } else {
            !other.open_ended && other.segments.len() == self.segments.len()
        };
        let mut pairs = self.segments.iter().zip(&other.segments);
        method && length && pairs.all(|(ours, theirs)| *ours == Segment::Any || ours == theirs)
    }

    fn takes(&self, method: &Method) -> bool {
        match &self.method {
            None => true,
            Some(Method::GET) if method == Method::HEAD => true,
            Some(wanted) => wanted == method,
        }
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
        let mut segments = Vec::new();
        for written in path.split('/') {
            Segment::read(written, &mut segments)?;
        }
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
                Segment::Exactly(bytes) => write_segment(f, bytes)?,
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

impl JsonSchema for RoutePattern {
    fn schema_name() -> Cow<'static, str> {
        "RoutePattern".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^\s*([A-Z-]+ \s*)?((/(\{[^/?#*{}]*\}|[^/?#*{}]*))+(/\*/?)?|/\*/?)$",
            "examples": ["/login", "POST /login", "/files/{id}/*"],
            "x-form": "route",
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Segment {
    /// In lower case, decoded: the bytes need not be text.
    Exactly(Vec<u8>),
    Any,
}

impl Segment {
    /// Reads what stands between two slashes, which is a segment, none, several, or a step back.
    fn read(written: &str, segments: &mut Vec<Self>) -> Result<(), RouteError> {
        if written.contains('*') {
            return Err(RouteError::Star);
        }
        match written.strip_prefix('{').map(|rest| rest.strip_suffix('}')) {
            Some(Some(name)) if !name.contains(['{', '}']) => segments.push(Self::Any),
            Some(_) => return Err(RouteError::Brace),
            None if written.contains(['{', '}']) => return Err(RouteError::Brace),
            None => each_step(written.as_bytes(), |step| match step {
                Step::Down(bytes) => segments.push(Self::Exactly(bytes.to_ascii_lowercase())),
                Step::Up => drop(segments.pop()),
            }),
        }
        Ok(())
    }
}

/// A segment as it can be read again: escaped where it is no text, or would mean something else.
fn write_segment(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    f.write_str("/")?;
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            let is_special = letter.is_control() || " %?#{}*;\\".contains(letter);
            match u8::try_from(letter) {
                Ok(byte) if is_special && byte.is_ascii() => write!(f, "%{byte:02x}")?,
                _ => write!(f, "{letter}")?,
            }
        }
        chunk.invalid().iter().try_for_each(|byte| write!(f, "%{byte:02x}"))?;
    }
    Ok(())
}

fn parse_method(word: &str) -> Result<Method, RouteError> {
    if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-') {
        return Err(RouteError::Method);
    }
    Method::from_bytes(word.as_bytes()).map_err(|_| RouteError::Method)
}
