use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, Method};
use rempart_counts::Rate;
use rempart_guard::{Day, Enforcement, RoutePath, RoutePattern};

use crate::credentials::Names;
use crate::marks::Marks;

/// How one tenant's logins are guarded. Made of [`LoginSettings`](crate::LoginSettings), and equal when it was defined
/// equally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginPolicy {
    pub(crate) enforcement: Enforcement,
    pub(crate) report_until: Option<Day>,
    pub(crate) routes: Vec<RoutePattern>,
    pub(crate) reset_routes: Vec<RoutePattern>,
    pub(crate) code_routes: Vec<RoutePattern>,
    pub(crate) names: Names,
    pub(crate) failed: Marks,
    pub(crate) succeeded: Marks,
    pub(crate) limits: Limits,
    pub(crate) free_failures: u32,
    pub(crate) max_delay: Duration,
    pub(crate) max_waiting: u32,
    pub(crate) then: Then,
    pub(crate) step_up_header: HeaderName,
    pub(crate) even_timing: Option<Duration>,
    pub(crate) device_cookie: Option<String>,
    pub(crate) breached: Option<Breached>,
    pub(crate) keying: Keying,
}

impl LoginPolicy {
    /// Whether logins are refused and slowed, only told, or not looked at.
    ///
    /// [`Off`](Enforcement::Off) also when no route is named.
    #[must_use]
    pub const fn enforcement(&self) -> Enforcement {
        if self.routes.is_empty() && self.reset_routes.is_empty() && self.code_routes.is_empty() {
            Enforcement::Off
        } else {
            self.enforcement
        }
    }

    /// The last day on which the control is meant to be in `report`, when somebody has said one.
    #[must_use]
    pub const fn report_until(&self) -> Option<Day> {
        self.report_until
    }

    /// The routes that are named here, each with its key in the settings.
    pub fn routes(&self) -> impl Iterator<Item = ([String; 2], &RoutePattern)> {
        self.by_purpose().into_iter().flat_map(|(purpose, routes)| {
            let numbered = routes.iter().enumerate();
            numbered.map(move |(index, route)| ([purpose.key().to_owned(), index.to_string()], route))
        })
    }

    /// The header that tells an application to ask for more than a password. No request reaches it with one that the client
    /// has written.
    #[must_use]
    pub const fn step_up_header(&self) -> &HeaderName {
        &self.step_up_header
    }

    /// The cookie by which a browser is known again, if there is one.
    #[must_use]
    pub fn device_cookie(&self) -> Option<&str> {
        self.device_cookie.as_deref()
    }

    /// What a request is for. Of several that fit, the first of login, code, reset.
    pub(crate) fn purpose(&self, method: &Method, path: &RoutePath<'_>) -> Option<Purpose> {
        let takes = |routes: &[RoutePattern]| routes.iter().any(|route| route.matches(method, path));
        let found = self.by_purpose().into_iter().find(|(_, routes)| takes(routes));
        found.map(|(purpose, _)| purpose)
    }

    /// Whether a redirect there, after a request with this method, leads back to where passwords or codes are asked for.
    pub(crate) fn leads_back(&self, method: &Method, path: &RoutePath<'_>) -> bool {
        self.purpose(method, path).is_some() || self.purpose(&Method::GET, path).is_some()
    }

    pub(crate) fn reads_bodies(&self) -> bool {
        self.failed.body.is_some() || self.succeeded.body.is_some()
    }

    /// Whether a code may come after a password.
    pub(crate) fn has_codes(&self) -> bool {
        !self.code_routes.is_empty()
    }

    pub(crate) fn by_purpose(&self) -> [(Purpose, &[RoutePattern]); 3] {
        [
            (Purpose::Login, &self.routes),
            (Purpose::Code, &self.code_routes),
            (Purpose::Reset, &self.reset_routes),
        ]
    }
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// It tries a password.
    Login,
    /// It tries a code, after a password.
    Code,
    /// It asks for a new password.
    Reset,
}

impl Purpose {
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Login => "routes",
            Self::Code => "code_routes",
            Self::Reset => "reset_routes",
        }
    }
}

/// How many failures each may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) account_network: Rate,
    pub(crate) account: Rate,
    pub(crate) network: Rate,
    pub(crate) session: Rate,
    pub(crate) password: Rate,
    pub(crate) fingerprint: Rate,
    pub(crate) code: Rate,
    pub(crate) reset: Rate,
}

impl Limits {
    /// Each with its name in the file, in the file's order.
    pub(crate) const fn named(&self) -> [(&'static str, Rate); 8] {
        [
            ("account_network", self.account_network),
            ("account", self.account),
            ("network", self.network),
            ("session", self.session),
            ("password", self.password),
            ("fingerprint", self.fingerprint),
            ("code", self.code),
            ("reset", self.reset),
        ]
    }
}

/// What happens to a stranger whom the limits that strangers share refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Then {
    /// The answer is 429.
    Refuse,
    /// The application is told to ask for more.
    StepUp,
}

impl Then {
    pub(crate) const ALL: [Self; 2] = [Self::Refuse, Self::StepUp];

    /// The word in the tenant's file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::StepUp => "step_up",
        }
    }
}

/// Where passwords are looked up that have become known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Breached {
    pub(crate) directory: PathBuf,
    pub(crate) header: HeaderName,
}

/// What makes two requests the same client, and for how many there is room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keying {
    pub(crate) max_keys: u32,
    pub(crate) ipv4_prefix: u8,
    pub(crate) ipv6_prefix: u8,
}
