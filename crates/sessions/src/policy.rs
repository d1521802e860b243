use std::fmt;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use rempart_guard::{Day, Enforcement, RoutePattern};

/// The sessions of one tenant as they are watched. Made of [`SessionsSettings`](crate::SessionsSettings).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionsPolicy {
    pub(crate) enforcement: Enforcement,
    pub(crate) report_until: Option<Day>,
    pub(crate) cookie: Option<CookiePattern>,
    pub(crate) beside: Vec<CookiePattern>,
    pub(crate) idle: Duration,
    pub(crate) absolute: Duration,
    pub(crate) per_account: Option<usize>,
    pub(crate) beyond: Beyond,
    pub(crate) login: Vec<RoutePattern>,
    pub(crate) logout: Vec<RoutePattern>,
    pub(crate) account_header: HeaderName,
    pub(crate) bind: Bind,
    pub(crate) cleared: Vec<String>,
    pub(crate) clear_site_data: Option<HeaderValue>,
}

impl SessionsPolicy {
    /// Whether sessions are ended, only told, or not looked at.
    ///
    /// [`Off`](Enforcement::Off) also when no cookie is named.
    #[must_use]
    pub const fn enforcement(&self) -> Enforcement {
        match self.cookie {
            Some(_) => self.enforcement,
            None => Enforcement::Off,
        }
    }

    /// The last day on which the control is meant to be in `report`, when somebody has said one.
    #[must_use]
    pub const fn report_until(&self) -> Option<Day> {
        self.report_until
    }

    /// The cookies that are watched, each with its key in the settings: they must be sealed by whoever stands outside.
    pub fn cookies(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let first = self.cookie.iter().map(|cookie| ("cookie", cookie.as_str()));
        first.chain(self.beside.iter().map(|cookie| ("beside", cookie.as_str())))
    }

    /// The header in which the application says whose session it is. No answer leaves with it.
    #[must_use]
    pub const fn account_header(&self) -> &HeaderName {
        &self.account_header
    }

    /// Whether a session is expected to stay with a program, so that requests must carry their
    /// [`TlsFingerprint`](rempart_guard::TlsFingerprint).
    #[must_use]
    pub const fn binds_tls(&self) -> bool {
        self.bind.tls
    }

    /// The routes that are named here, each with its key in the settings.
    pub fn routes(&self) -> impl Iterator<Item = ([String; 2], &RoutePattern)> {
        let named = [("login", &self.login), ("logout", &self.logout)];
        named.into_iter().flat_map(|(key, routes)| {
            let numbered = routes.iter().enumerate();
            numbered.map(move |(index, route)| ([key.to_owned(), index.to_string()], route))
        })
    }

    /// What a cookie of this name is to the policy.
    pub(crate) fn role(&self, name: &str) -> Option<Role> {
        if self.cookie.as_ref()?.takes(name) {
            return Some(Role::Session);
        }
        let beside = self.beside.iter().any(|cookie| cookie.takes(name));
        beside.then_some(Role::Beside)
    }

    pub(crate) fn is_enforced(&self) -> bool {
        self.enforcement() == Enforcement::Enforce
    }
}

/// What a watched cookie is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The session itself.
    Session,
    /// One that ends with it.
    Beside,
}

/// What happens to a session too many of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Beyond {
    /// The account's oldest session ends.
    EndOldest,
    /// The new login comes to nothing.
    Refuse,
}

impl Beyond {
    pub(crate) const ALL: [Self; 2] = [Self::EndOldest, Self::Refuse];

    /// The word in the tenant's file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EndOldest => "end_oldest",
            Self::Refuse => "refuse",
        }
    }
}

impl fmt::Display for Beyond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a session is expected to stay with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bind {
    pub(crate) network: bool,
    pub(crate) browser: bool,
    pub(crate) tls: bool,
}

/// The name of a cookie, or its beginning and a star.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CookiePattern {
    written: String,
    is_open: bool,
}

impl CookiePattern {
    /// A token (RFC 6265 section 4.1.1), perhaps with a star after four characters at least.
    pub(crate) fn new(written: &str) -> Option<Self> {
        let (name, is_open) = match written.strip_suffix('*') {
            Some(stem) => (stem, true),
            None => (written, false),
        };
        let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'+-.^_`|~".contains(&byte);
        let least = if is_open { 4 } else { 1 };
        let is_name = (least..=256).contains(&name.len()) && name.bytes().all(is_of_name);
        is_name.then(|| Self {
            written: written.to_owned(),
            is_open,
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.written
    }

    pub(crate) fn takes(&self, name: &str) -> bool {
        match self.is_open {
            true => name.starts_with(&self.written[..self.written.len() - 1]),
            false => name == self.written,
        }
    }
}
