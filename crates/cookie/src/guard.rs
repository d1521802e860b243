use std::sync::Arc;
use std::time::SystemTime;

use http::{request, response};
use rempart_guard::{Findings, Guard, GuardLayer, Guarded, Reporter};
use tower_layer::Layer;

use crate::{CookiePolicy, CookieRefusal, SealedJar, ShownCookies};

/// The control: opens what comes in, hardens and seals what goes out.
#[derive(Debug)]
pub struct Cookies {
    policy: Arc<CookiePolicy>,
    has_jar: bool,
}

impl Cookies {
    /// A control for one tenant.
    #[must_use]
    pub fn new(policy: CookiePolicy) -> Self {
        Self {
            policy: Arc::new(policy),
            has_jar: false,
        }
    }

    /// The same with a [`SealedJar`] in the extensions of every request.
    #[must_use]
    pub fn with_jar(self) -> Self {
        Self { has_jar: true, ..self }
    }
}

impl Guard for Cookies {
    const FEATURE: &'static str = "cookies";
    type Ticket = ShownCookies;
    type Refusal = CookieRefusal;

    fn check(&self, head: &mut request::Parts, findings: &mut Findings) -> Result<ShownCookies, CookieRefusal> {
        self.policy.url_sessions.remove(&mut head.uri, findings);
        let jar = self.has_jar.then(|| SealedJar::new(&self.policy, head));
        let mut shown = self.policy.check(head, SystemTime::now, findings)?;
        if let Some(jar) = jar {
            head.extensions.insert(jar.clone());
            shown.jar = Some(jar);
        }
        Ok(shown)
    }

    fn amend(&self, shown: ShownCookies, head: &mut response::Parts, findings: &mut Findings) {
        self.policy.amend(&shown, head, SystemTime::now, findings);
    }
}

/// The control as a [`tower`](tower_layer) layer: see the [crate's example](crate).
///
/// It belongs inside every other layer of ours, next to the application: whatever stands outside sees sealed values only.
#[derive(Clone, Debug)]
pub struct CookieLayer {
    cookies: Arc<Cookies>,
    layer: GuardLayer<Arc<Cookies>>,
    reporter: Reporter,
}

impl CookieLayer {
    /// A layer that applies `policy` as its settings say (`enforce`, `report`, `off`) and tells `reporter`.
    #[must_use]
    pub fn new(policy: CookiePolicy, reporter: Reporter) -> Self {
        Self::of(Cookies::new(policy), reporter)
    }

    /// The same with a [`SealedJar`] in the extensions of every request, for handlers that keep something of their own in a
    /// cookie. Under `report` and `off` there is none.
    #[must_use]
    pub fn with_jar(self) -> Self {
        let cookies = Cookies {
            policy: Arc::clone(&self.cookies.policy),
            has_jar: true,
        };
        Self::of(cookies, self.reporter)
    }

    fn of(cookies: Cookies, reporter: Reporter) -> Self {
        let (enforcement, cookies) = (cookies.policy.enforcement(), Arc::new(cookies));
        Self {
            layer: GuardLayer::new(Arc::clone(&cookies), enforcement, reporter.clone()),
            cookies,
            reporter,
        }
    }
}

impl<S> Layer<S> for CookieLayer {
    type Service = Guarded<Arc<Cookies>, S>;

    fn layer(&self, inner: S) -> Self::Service {
        self.layer.layer(inner)
    }
}
