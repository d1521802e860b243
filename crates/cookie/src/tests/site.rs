//! A site behind the control, with a clock of the test's own, and the browser before it.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use http::header::{CACHE_CONTROL, COOKIE, HOST, SET_COOKIE};
use http::{Request, Response};
use rempart_guard::{EdgeSession, EdgeSessions, Findings, SessionOrder, SessionOrders};
use rempart_tenant::{KeyRing, PurposeKeys};

use crate::{CookiePolicy, CookieRefusal, CookieSettings, ShownCookies};

pub(super) struct Site {
    pub(super) policy: CookiePolicy,
    pub(super) now: Cell<SystemTime>,
}

/// What reached the application, and what was told.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) seen: Option<String>,
    pub(super) sessions: Vec<EdgeSession>,
    pub(super) codes: Vec<&'static str>,
    pub(super) shown: ShownCookies,
}

pub(super) fn ring(id: &str, seed: u8) -> KeyRing {
    KeyRing::named(id.parse().unwrap(), &[seed; 32]).unwrap()
}

pub(super) fn keys(tenant: &str, ring: &KeyRing) -> PurposeKeys {
    ring.tenant(&tenant.parse().unwrap()).derive_all("cookies")
}

pub(super) fn sessions(names: &[&str]) -> CookieSettings {
    CookieSettings {
        session: names.iter().map(ToString::to_string).collect(),
        ..CookieSettings::default()
    }
}

/// The morning of 1 September 2026.
pub(super) fn morning() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_788_242_400)
}

pub(super) const DAY: Duration = Duration::from_secs(86_400);

impl Site {
    pub(super) fn new(settings: CookieSettings) -> Self {
        Self::of("library", settings, &ring("root", 7))
    }

    pub(super) fn of(tenant: &str, settings: CookieSettings, ring: &KeyRing) -> Self {
        let hosts = vec!["library.example".to_owned()];
        let policy = CookiePolicy::at(settings, hosts, &keys(tenant, ring), morning()).unwrap();
        let now = Cell::new(morning());
        Self { policy, now }
    }

    /// The same site with other settings or keys, such as after a reload.
    pub(super) fn after(&self, settings: CookieSettings, ring: &KeyRing) -> Self {
        let other = Self::of("library", settings, ring);
        other.now.set(self.now.get());
        other
    }

    pub(super) fn wait(&self, time: Duration) {
        self.now.set(self.now.get() + time);
    }

    /// A request to one host.
    pub(super) fn ask_at(&self, host: &str, cookies: &str) -> Result<Asked, CookieRefusal> {
        let (mut head, ()) = Request::new(()).into_parts();
        head.headers.insert(HOST, host.parse().unwrap());
        if !cookies.is_empty() {
            head.headers.insert(COOKIE, cookies.parse().unwrap());
        }
        let mut findings = Findings::default();
        let shown = self.policy.check(&mut head, || self.now.get(), &mut findings)?;
        let sessions = head.extensions.remove::<EdgeSessions>();
        Ok(Asked {
            seen: head.headers.get(COOKIE).map(|line| line.to_str().unwrap().to_owned()),
            sessions: sessions.map(|sessions| sessions.0).unwrap_or_default(),
            codes: findings.iter().map(|(code, _)| code).collect(),
            shown,
        })
    }

    pub(super) fn ask(&self, cookies: &str) -> Asked {
        self.ask_at("library.example", cookies).unwrap()
    }

    /// What the application would see.
    pub(super) fn seen(&self, cookies: &str) -> Option<String> {
        self.ask(cookies).seen
    }

    /// The codes of what was found.
    pub(super) fn codes(&self, cookies: &str) -> Vec<&'static str> {
        self.ask(cookies).codes
    }

    /// How the answer to that request leaves, when the application sets these.
    pub(super) fn answer(&self, asked: &Asked, sets: &[&str]) -> Vec<String> {
        self.answer_with(asked, sets, &[], None).0
    }

    /// The same with orders, and what `Cache-Control` says before and after.
    pub(super) fn answer_with(
        &self,
        asked: &Asked,
        sets: &[&str],
        orders: &[SessionOrder],
        caching: Option<&'static str>,
    ) -> (Vec<String>, Option<String>) {
        let (mut head, ()) = Response::new(()).into_parts();
        for line in sets {
            head.headers.append(SET_COOKIE, line.parse().unwrap());
        }
        if let Some(caching) = caching {
            head.headers.insert(CACHE_CONTROL, caching.parse().unwrap());
        }
        if !orders.is_empty() {
            head.extensions.insert(SessionOrders(orders.to_vec()));
        }
        let mut findings = Findings::default();
        self.policy
            .amend(&asked.shown, &mut head, || self.now.get(), &mut findings);
        let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
        let lines = head.headers.get_all(SET_COOKIE).iter().map(text).collect();
        (lines, head.headers.get(CACHE_CONTROL).map(text))
    }

    /// How one `Set-Cookie` leaves in the answer to a stranger.
    pub(super) fn leaves(&self, line: &str) -> String {
        self.answer(&self.ask(""), &[line]).concat()
    }

    /// The sealed pair of a session, as a browser sends it back.
    pub(super) fn sealed(&self, line: &str) -> String {
        pair(&self.leaves(line)).to_owned()
    }
}

/// Name and value of a `Set-Cookie`.
pub(super) fn pair(line: &str) -> &str {
    line.split(';').next().unwrap()
}
