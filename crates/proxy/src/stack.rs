//! A request's way, top to bottom: every layer between the tenant's door and its application.
//!
//! What comes before is shared by all tenants and stands in two files: `serve.rs` (accept, the handshake with the
//! tenant's own certificate, HTTP/1.1 or HTTP/2, drain) and `front.rs` (one canonical form, the client's address, and
//! `Host` against the handshake's name). What comes here is one tenant's alone: each worker builds this stack once per
//! tenant and a request holds nothing else.
//!
//! ```text
//!  socket → TLS by SNI → HTTP/1.1 | HTTP/2 → front: canonical form → client → tenant
//!                                                                               │
//!            ┌──────────────────────────────────────────────────────────────────┘
//!            ▼
//!     headers           last to touch an answer, so that refusals are hardened too
//!            ▼
//!     rate limit        before anything that costs, so that a flood ends here
//!            ▼
//!     routes            what the route is for; where personal data is held, a route that nobody has named ends here
//!            ▼
//!     cookies           the application sees its own session, or none; never a neighbour's
//!            ▼
//!     sessions          one that is over, or was ended from outside, is none; a login makes a new number of it
//!            ▼
//!     upstream          this tenant's application and nothing else
//! ```

use std::convert::Infallible;
use std::sync::Arc;

use http::{Request, Response};
use rempart_config::TenantConfig;
use rempart_cookie::{CookiePolicy, Cookies};
use rempart_guard::{Enforcement, Guard, GuardLayer, Problems, Reporter};
use rempart_headers::Headers;
use rempart_rate_limit::RateLimit;
use rempart_records::Routes;
use rempart_sessions::{AccountHeaderLayer, Sessions};
use rempart_tenant::TenantKeys;
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, service_fn};

use crate::Body;
use crate::upstream::Upstream;

/// One tenant's stack, erased once, at its top.
pub(crate) type TenantStack = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// A tenant's controls, with all their state: built once, and shared by the workers' stacks of this tenant only.
pub(crate) struct Controls {
    headers: (Arc<Headers>, Enforcement),
    rate_limit: (Arc<RateLimit>, Enforcement),
    routes: (Arc<Routes>, Enforcement),
    cookies: (Arc<Cookies>, Enforcement),
    sessions: Arc<Sessions>,
    reporter: Reporter,
}

impl Controls {
    /// Builds what the tenant's file asks for, with keys that only this tenant has. What the controls that these replace
    /// have counted goes on counting, but for quotas whose own definition has changed.
    ///
    /// # Errors
    ///
    /// What only the key or the neighbours' hosts show to be wrong with the cookies' settings.
    pub(crate) fn new(
        tenant: &TenantConfig,
        keys: &TenantKeys,
        sessions: Arc<Sessions>,
        reporter: Reporter,
        replaces: Option<&Self>,
    ) -> Result<Self, Problems> {
        let cookies = CookiePolicy::new(
            tenant.cookies.clone(),
            tenant.cookie_domains.clone(),
            &keys.derive_all("cookies"),
        )?;
        let enforcement = (
            tenant.headers.enforcement(),
            tenant.rate_limit.enforcement(),
            cookies.enforcement(),
        );
        let rate_limit = match replaces.map(|controls| &controls.rate_limit.0) {
            Some(same) if *same.policy() == tenant.rate_limit => Arc::clone(same),
            Some(other) => Arc::new(other.with_policy(tenant.rate_limit.clone())),
            None => Arc::new(RateLimit::new(tenant.rate_limit.clone())),
        };
        Ok(Self {
            headers: (Arc::new(Headers::new(tenant.headers.clone())), enforcement.0),
            rate_limit: (rate_limit, enforcement.1),
            routes: (
                Arc::new(Routes::new(tenant.routes.clone())),
                tenant.routes.enforcement(),
            ),
            cookies: (Arc::new(Cookies::new(cookies)), enforcement.2),
            sessions,
            reporter,
        })
    }

    /// What hardens an answer that the front gives in this tenant's name, unless that is off or only told.
    pub(crate) fn hardening(&self) -> Option<Arc<Headers>> {
        let (headers, enforcement) = &self.headers;
        (*enforcement == Enforcement::Enforce).then(|| Arc::clone(headers))
    }

    /// Who is logged in.
    pub(crate) const fn sessions(&self) -> &Arc<Sessions> {
        &self.sessions
    }

    /// Who this tenant's decisions are told to.
    pub(crate) const fn reporter(&self) -> &Reporter {
        &self.reporter
    }

    /// The way of a request through one tenant. A control that is off is not there.
    pub(crate) fn stack(&self, upstream: Upstream) -> TenantStack {
        let upstream = Arc::new(upstream);
        let sessions = self.sessions.policy();
        let watched = (Arc::clone(&self.sessions), sessions.enforcement());
        let stack = ServiceBuilder::new()
            // Outermost: a 429 or a 502 needs HSTS and its kin as much as a page does.
            .option_layer(layer(&self.headers, &self.reporter))
            // Below the headers and above everything that reads, decrypts or asks the application.
            .option_layer(layer(&self.rate_limit, &self.reporter))
            // Below the rate limit, so that trying out paths is counted; above the cookies, so that no session is opened for
            // a route that is refused, and above every control that goes by the class.
            .option_layer(layer(&self.routes, &self.reporter))
            // Whatever stands above sees the sealed cookie, only what stands below sees the session.
            .option_layer(layer(&self.cookies, &self.reporter))
            // Also when sessions are not watched: whose session it is, is for the edge alone.
            .layer(AccountHeaderLayer::new(sessions.account_header().clone()))
            // Innermost: it needs to know which session the seal named, and says under which number a cookie leaves.
            .option_layer(layer(&watched, &self.reporter))
            .service(service_fn(move |request| {
                let upstream = Arc::clone(&upstream);
                // Boxed here, where it is large, so that each layer above hands on a pointer and not a kilobyte.
                Box::pin(async move { Ok::<_, Infallible>(upstream.forward(request).await) })
            }));
        BoxCloneSyncService::new(stack)
    }
}

/// The layer of one control, or none when it is off.
///
/// The state behind the first `Arc` is the tenant's; the layer's own `Arc` around it is this worker's, so that the
/// counter a request's clone of the stack touches is never shared between cores.
fn layer<G: Guard>((guard, enforcement): &(Arc<G>, Enforcement), reporter: &Reporter) -> Option<GuardLayer<Arc<G>>> {
    enforcement
        .is_on()
        .then(|| GuardLayer::new(Arc::clone(guard), *enforcement, reporter.clone()))
}
