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
//!     route class       what the route is for: what stands below may go by it
//!            ▼
//!     rate limit        before anything that costs, so that a flood ends here
//!            ▼
//!     waiting room      who comes first is let in first
//!            ▼
//!     routes            where personal data is held, a route that nobody has named ends here
//!            ▼
//!     share             what the tenant may have of the edge at once; beyond that, a wait or a 503
//!            ▼
//!     cookies           the application sees its own session, or none; never a neighbour's
//!            ▼
//!     sessions          one that is over, or was ended from outside, is none; a login makes a new number of it
//!            ▼
//!     rate limit        again, for quotas per session and per account: only now is it known whose it is
//!            ▼
//!     login             wrong passwords are counted as the application answers them
//!            ▼
//!     upstream          this tenant's application and nothing else, and no more at once than it answers well
//! ```

use std::convert::Infallible;
use std::sync::Arc;
use std::time::SystemTime;

use http::{Request, Response};
use rempart_config::TenantConfig;
use rempart_cookie::{CookiePolicy, Cookies};
use rempart_counts::SharedCounts;
use rempart_guard::{Enforcement, Guard, GuardLayer, Problems, Reporter, WaitingGuard, WaitingGuardLayer};
use rempart_headers::Headers;
use rempart_login::{LoginBody, LoginGuard, LoginGuardLayer, LoginGuarded, LoginKeys};
use rempart_rate_limit::{Part, QuotaPolicy, RateLimit};
use rempart_records::{RouteClasses, Routes, UnmappedRoutes};
use rempart_sessions::{AccountHeaderLayer, Sessions};
use rempart_shares::{ConcurrencyShares, ConcurrencySharesLayer, Held, TenantShare};
use rempart_tenant::{PurposeKey, TenantKeys};
use rempart_waiting_room::{TicketKeys, WaitingRoom, WaitingRoomLayer};
use tower::layer::layer_fn;
use tower::util::{BoxCloneSyncService, MapRequest, MapResponse};
use tower::{Layer, ServiceBuilder, service_fn};

use crate::Body;
use crate::commons::Commons;
use crate::upstream::Upstream;

/// One tenant's stack, erased once, at its top.
pub(crate) type TenantStack = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// A tenant's controls, with all their state: built once, and shared by the workers' stacks of this tenant only.
pub(crate) struct Controls {
    headers: (Arc<Headers>, Enforcement),
    rate_limit: RateLimit,
    counted_under: [u8; 16],
    share: TenantShare,
    waiting_room: Option<WaitingRoom>,
    routes: (Arc<Routes>, Enforcement),
    cookies: (Arc<Cookies>, Enforcement),
    sessions: Arc<Sessions>,
    login: Option<LoginGuard>,
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
        commons: &Commons,
        reporter: Reporter,
        replaces: Option<&Self>,
    ) -> Result<Self, Problems> {
        let cookies = CookiePolicy::new(
            tenant.cookies.clone(),
            tenant.cookie_domains.clone(),
            &keys.derive_all("cookies"),
        )?;
        let enforcement = (tenant.headers.enforcement(), cookies.enforcement());
        let (counts, secret) = (commons.counts(&tenant.id), counted_under(keys));
        Ok(Self {
            headers: (Arc::new(Headers::new(tenant.headers.clone())), enforcement.0),
            rate_limit: rate_limit(tenant, secret, counts.clone(), replaces),
            counted_under: secret,
            share: share(tenant, commons, replaces.map(|old| &old.share)),
            waiting_room: waiting_room(tenant, keys, replaces.and_then(|old| old.waiting_room.as_ref())),
            routes: (
                Arc::new(Routes::new(tenant.routes.clone())),
                tenant.routes.enforcement(),
            ),
            cookies: (Arc::new(Cookies::new(cookies)), enforcement.1),
            sessions,
            login: login(tenant, keys, counts, replaces.and_then(|old| old.login.as_ref())),
            reporter,
        })
    }

    /// What hardens an answer that the front gives in this tenant's name, unless that is off or only told.
    pub(crate) fn hardening(&self) -> Option<Arc<Headers>> {
        let (headers, enforcement) = &self.headers;
        (*enforcement == Enforcement::Enforce).then(|| Arc::clone(headers))
    }

    /// Whether a control looks at which program a client is.
    pub(crate) fn needs_fingerprint(&self) -> bool {
        let sessions = self.sessions.policy();
        sessions.enforcement().is_on() && sessions.binds_tls()
    }

    /// Whether a control may look at a client's JA4.
    pub(crate) fn needs_ja4(&self) -> bool {
        let policy = self.rate_limit.policy();
        let by_program = |quota: &QuotaPolicy| quota.per().parts().contains(&Part::Ja4);
        self.login.is_some() || (policy.enforcement().is_on() && policy.quotas().iter().any(by_program))
    }

    /// Whether a control counts the bytes of answers.
    pub(crate) fn counts_bytes(&self) -> bool {
        let policy = self.rate_limit.policy();
        policy.enforcement().is_on() && policy.counts_bytes()
    }

    /// The tenant's part of the edge.
    pub(crate) const fn share(&self) -> &TenantShare {
        &self.share
    }

    /// The tenant's quotas, with their tables.
    pub(crate) const fn rate_limit(&self) -> &RateLimit {
        &self.rate_limit
    }

    /// The tenant's login guard, when it has one.
    pub(crate) const fn login(&self) -> Option<&LoginGuard> {
        self.login.as_ref()
    }

    /// The tenant's waiting room, when it has one.
    pub(crate) const fn waiting_room(&self) -> Option<&WaitingRoom> {
        self.waiting_room.as_ref()
    }

    /// Who is logged in.
    pub(crate) const fn sessions(&self) -> &Arc<Sessions> {
        &self.sessions
    }

    /// Who this tenant's decisions are told to.
    pub(crate) const fn reporter(&self) -> &Reporter {
        &self.reporter
    }

    /// The way of a request through one tenant, on one worker. A control that is off is not there.
    pub(crate) fn stack(&self, upstream: Upstream, worker: usize) -> TenantStack {
        let upstream = Arc::new(upstream);
        let sessions = self.sessions.policy();
        let (routes, enforcement) = &self.routes;
        // What a route is for is said under `report` as well.
        let says = if enforcement.is_on() {
            Enforcement::Enforce
        } else {
            Enforcement::Off
        };
        let classes = (Arc::new(RouteClasses(Arc::clone(routes))), says);
        let unmapped = (Arc::new(UnmappedRoutes(Arc::clone(routes))), *enforcement);
        let watched = (Arc::clone(&self.sessions), sessions.enforcement());
        let limited = self.rate_limit.policy().enforcement();
        let stack = ServiceBuilder::new()
            // Outermost: a 429 or a 502 needs HSTS and its kin as much as a page does.
            .option_layer(layer(&self.headers, &self.reporter))
            // Above every control that goes by the class of a route.
            .option_layer(layer(&classes, &self.reporter))
            // Below the headers and above everything that reads, decrypts or asks the application.
            .option_layer(waiting(Some(self.rate_limit.above()), limited, &self.reporter))
            // Above the cookies: who waits has no session yet. Its page is refreshed all the time, so it is counted above.
            .option_layer(self.waiting_room_layer())
            // Below the rate limit, so that trying out paths is counted; above the cookies, so that no session is opened for
            // a route that is refused.
            .option_layer(layer(&unmapped, &self.reporter))
            // Below what refuses for less, which takes nobody's turn; above all that takes memory or time.
            .option_layer(self.share_layer(worker))
            // Whatever stands above sees the sealed cookie, only what stands below sees the session.
            .option_layer(layer(&self.cookies, &self.reporter))
            // Also when sessions are not watched: whose session it is, is for the edge alone.
            .layer(AccountHeaderLayer::new(sessions.account_header().clone()))
            // It needs to know which session the seal named, and says under which number a cookie leaves.
            .option_layer(layer(&watched, &self.reporter))
            // Where it is known whose session it is.
            .option_layer(waiting(self.rate_limit.below(), limited, &self.reporter))
            // Innermost: it goes by what the application answers, and nothing between may change that.
            .option_layer(self.login_layer())
            .service(service_fn(move |request| {
                let upstream = Arc::clone(&upstream);
                // Boxed here, where it is large, so that each layer above hands on a pointer and not a kilobyte.
                Box::pin(async move { Ok::<_, Infallible>(upstream.forward(request).await) })
            }));
        BoxCloneSyncService::new(stack)
    }

    /// The share, and the body that holds a part of it until its end.
    fn share_layer<S>(&self, worker: usize) -> Option<impl Layer<S, Service = Shared<S>> + use<S>> {
        let share = self.share.on_worker(worker);
        let is_on = share.policy().enforcement().is_on();
        let layer = ConcurrencySharesLayer::new(share, self.reporter.clone());
        is_on.then(|| layer_fn(move |inner| MapResponse::new(layer.layer(inner), release as Release)))
    }

    fn waiting_room_layer(&self) -> Option<WaitingRoomLayer> {
        let room = self.waiting_room.as_ref()?;
        Some(WaitingRoomLayer::sharing(room, self.reporter.clone()))
    }

    /// The login guard, with bodies of which it has read the beginning.
    fn login_layer<S>(&self) -> Option<impl Layer<S, Service = Guarded<S>> + use<S>> {
        let layer = LoginGuardLayer::new(self.login.clone()?, self.reporter.clone());
        Some(layer_fn(move |inner| {
            let inner = MapRequest::new(inner, resume as Resume);
            MapResponse::new(layer.layer(inner), answered as Answered)
        }))
    }
}

type Shared<S> = MapResponse<ConcurrencyShares<S>, Release>;
type Release = fn(Response<Held<Body>>) -> Response<Body>;
type Guarded<S> = MapResponse<LoginGuarded<MapRequest<S, Resume>>, Answered>;
type Resume = fn(Request<LoginBody<Body>>) -> Request<Body>;
type Answered = fn(Response<LoginBody<Body>>) -> Response<Body>;

fn release(answer: Response<Held<Body>>) -> Response<Body> {
    answer.map(Body::from)
}

fn resume(request: Request<LoginBody<Body>>) -> Request<Body> {
    request.map(Body::from)
}

fn answered(answer: Response<LoginBody<Body>>) -> Response<Body> {
    answer.map(Body::from)
}

/// The tenant's quotas: as they were counted, where they mean the same.
fn rate_limit(
    tenant: &TenantConfig,
    secret: [u8; 16],
    store: Option<Arc<dyn SharedCounts>>,
    replaces: Option<&Controls>,
) -> RateLimit {
    let policy = &tenant.rate_limit;
    let limit = match replaces.map(|old| &old.rate_limit) {
        Some(same) if same.policy() == policy => same.clone(),
        Some(other) => other.with_policy(policy.clone()),
        None => RateLimit::new(policy.clone()),
    };
    // With another root secret the store's keys are others, and all edges begin anew together.
    match store.filter(|_| replaces.is_none_or(|old| old.counted_under != secret)) {
        Some(store) => limit.sharing_counts(store, secret),
        None => limit,
    }
}

/// Under which secret addresses and names are hashed before they leave for the store: the same on all edges with the same
/// root secret, and of no use to whoever reads the store.
fn counted_under(keys: &TenantKeys) -> [u8; 16] {
    let mut secret = [0; 16];
    secret.copy_from_slice(&keys.derive("counts").as_bytes()[..16]);
    secret
}

/// The tenant's part of the edge; what is in use of it stays in use.
fn share(tenant: &TenantConfig, commons: &Commons, replaces: Option<&TenantShare>) -> TenantShare {
    match replaces {
        Some(same) if *same.policy() == tenant.shares => same.clone(),
        Some(other) => other.with_policy(tenant.shares.clone()),
        None => commons.shares().tenant(tenant.id.as_str(), tenant.shares.clone()),
    }
}

/// The tenant's waiting room, with everybody who is in it.
fn waiting_room(tenant: &TenantConfig, keys: &TenantKeys, replaces: Option<&WaitingRoom>) -> Option<WaitingRoom> {
    let policy = &tenant.waiting_room;
    if !policy.enforcement().is_on() {
        return None;
    }
    let secrets = keys.derive_all("waiting room");
    let tickets = TicketKeys::new(secrets.current().key.as_bytes());
    let tickets = good(secrets.previous()).fold(tickets, TicketKeys::with_previous);
    Some(match replaces {
        Some(other) => other.with_policy(policy.clone()).with_keys(tickets),
        None => WaitingRoom::new(policy.clone(), tickets, tenant.id.as_str()),
    })
}

/// The tenant's login guard, with what it has counted.
fn login(
    tenant: &TenantConfig,
    keys: &TenantKeys,
    store: Option<Arc<dyn SharedCounts>>,
    replaces: Option<&LoginGuard>,
) -> Option<LoginGuard> {
    let policy = &tenant.login;
    if !policy.enforcement().is_on() {
        return None;
    }
    let secrets = keys.derive_all("login");
    let previous = good(secrets.previous()).map(|secret| secret.as_slice());
    let secrets = LoginKeys::new(secrets.current().key.as_bytes(), previous);
    Some(match replaces {
        Some(other) => other.with_policy(policy.clone(), secrets),
        None => LoginGuard::new(policy.clone(), secrets).sharing(store),
    })
}

/// Those of previous secrets whose end has not come.
fn good(previous: &[PurposeKey]) -> impl Iterator<Item = &[u8; 32]> {
    let now = SystemTime::now();
    let good = previous
        .iter()
        .filter(move |one| one.until.is_none_or(|until| now < until));
    good.map(|one| one.key.as_bytes())
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

/// The same of a control that may wait.
fn waiting<G: WaitingGuard>(
    guard: Option<G>,
    enforcement: Enforcement,
    reporter: &Reporter,
) -> Option<WaitingGuardLayer<G>> {
    let guard = guard.filter(|_| enforcement.is_on())?;
    Some(WaitingGuardLayer::new(guard, enforcement, reporter.clone()))
}
