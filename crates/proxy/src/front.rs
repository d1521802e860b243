//! What is shared by all tenants: one canonical form of a request, who sent it, and for whom.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::future::CatchUnwind;
use http::header::HOST;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use rempart_guard::{
    Action, Downstream, Enforcement, Findings, Guard as _, Ja4, Refusal, Rejection, RequestIds, Sending,
    SentBytesAreCounted, TlsFingerprint,
};
use rempart_headers::Headers;
use rempart_tenant::{Host, Tenant, TenantId, TenantRefusal, authority};
use tower::Service as _;

use crate::Body;
use crate::activity::{Activity, InFlight};
use crate::hop::{self, Provenance};
use crate::stack::TenantStack;
use crate::table::{Door, Seat, Shared, Table};

/// The service of one connection, which its handshake bound to one tenant.
pub(crate) struct Front {
    pub(crate) seat: Arc<Seat>,
    pub(crate) ids: Arc<RequestIds>,
    pub(crate) held: RefCell<Held>,
    pub(crate) peer: std::net::IpAddr,
    pub(crate) fingerprint: TlsFingerprint,
    pub(crate) ja4: Ja4,
    pub(crate) provenance: Provenance,
    pub(crate) activity: Arc<Activity>,
}

/// What a connection holds of its worker's table, and takes anew when that is replaced.
pub(crate) struct Held {
    /// The name of the handshake.
    name: Box<str>,
    tenant: Tenant,
    table: Arc<Table>,
    number: u64,
    /// Called in place: a clone for each request would cost an allocation and a reference for each layer.
    stack: TenantStack,
    /// The `Host` that was last found to be this tenant's: a client that keeps to it is not looked up again.
    agreed: Option<HeaderValue>,
    /// The tenant is gone, or the name is another's now.
    outdated: bool,
}

impl Held {
    /// For a handshake with this name that `table` gave to `tenant`.
    pub(crate) fn new(name: Box<str>, tenant: Tenant, (table, number): (Arc<Table>, u64)) -> Self {
        Self {
            stack: table.doors[tenant.index()].stack.clone(),
            name,
            tenant,
            table,
            number,
            agreed: None,
            outdated: false,
        }
    }

    /// Takes the worker's table as it is now, when it is another.
    fn renew(&mut self, seat: &Seat) {
        if self.number == seat.number() {
            return;
        }
        (self.table, self.number) = seat.table();
        self.agreed = None;
        let host = self.name.parse::<Host>().ok();
        let tenant = host.and_then(|host| self.table.shared.tenants.of_host(&host));
        match tenant.filter(|tenant| tenant.id() == self.tenant.id()) {
            Some(tenant) => {
                self.tenant = tenant.clone();
                self.stack = self.table.doors[tenant.index()].stack.clone();
            }
            None => self.outdated = true,
        }
    }

    /// `Host`, `:authority` and the handshake's name must be of one tenant.
    fn agree(&mut self, request: &Request<Body>) -> Result<(), TenantRefusal> {
        let named = authority(request.uri(), request.headers())?;
        let same = |agreed: &HeaderValue| agreed.as_bytes() == named.as_bytes();
        if self.agreed.as_ref().is_some_and(same) {
            return Ok(());
        }
        let tenants = &self.table.shared.tenants;
        tenants.agrees(&self.tenant, request.version(), request.uri(), request.headers())?;
        self.agreed = HeaderValue::from_str(named).ok();
        Ok(())
    }

    /// What hardens an answer that the front gives in the tenant's name; nothing when there is no such tenant any more.
    fn hardening(&self) -> Option<&Headers> {
        let door = self.table.doors.get(self.tenant.index()).filter(|_| !self.outdated)?;
        door.hardening.as_deref()
    }
}

impl Front {
    /// Brings a request into the form in which every layer sees it, and finds out whose it is.
    fn admit(&self, held: &mut Held, request: &mut Request<Body>) -> Result<(), FrontRefusal> {
        held.renew(&self.seat);
        let proxies = &held.table.shared.trusted_proxies;
        let client = proxies.client(self.peer, request.headers());
        let trusted = proxies.trusts(self.peer);
        request.extensions_mut().insert(Downstream {
            client,
            request: self.ids.next_id(),
        });
        if held.outdated {
            self.activity.outdate();
            return Err(FrontRefusal::Outdated(held.name.clone(), held.tenant.id().clone()));
        }
        if !trusted {
            // A trusted proxy's handshake is not its clients'.
            self.sign(&held.table.doors[held.tenant.index()], request);
        }
        if held.table.doors[held.tenant.index()].counts_bytes {
            request.extensions_mut().insert(SentBytesAreCounted);
        }
        if matches!(*request.method(), Method::TRACE | Method::CONNECT) {
            return Err(FrontRefusal::Method(request.method().clone()));
        }
        let head = head_size(request);
        if head > MAX_HEAD {
            return Err(FrontRefusal::Head(head));
        }
        held.agree(request)?;
        let version = request.version();
        hop::canonical(request.headers_mut(), version);
        let host = request.headers().get(HOST).cloned();
        let host = host.or_else(|| HeaderValue::from_str(request.uri().authority()?.as_str()).ok());
        self.provenance.stamp(request.headers_mut(), trusted, host);
        Ok(())
    }

    /// Says which program sent a request, to a tenant whose controls look at it.
    fn sign(&self, door: &Door, request: &mut Request<Body>) {
        if door.needs_fingerprint {
            request.extensions_mut().insert(self.fingerprint);
        }
        if door.needs_ja4 {
            request.extensions_mut().insert(self.ja4);
        }
    }
}

/// The front's own no leaves as hardened as an answer of the tenant's whose connection it is.
fn refuse(held: &Held, request: &Request<Body>, refusal: &FrontRefusal) -> Response<Body> {
    let rejection = refusal.rejection();
    let downstream = Downstream::of(request.extensions()).ok();
    let (feature, code) = (refusal.feature(), rejection.code());
    let reporter = &held.table.shared.reporter;
    reporter.record(feature, code, Action::Refuse, Enforcement::Enforce, downstream, refusal);
    let answer = rejection.answer(request.headers(), downstream.map(|downstream| downstream.request));
    let (mut head, body) = answer.into_parts();
    if let Some(headers) = held.hardening() {
        headers.amend((), &mut head, &mut Findings::default());
    }
    Response::from_parts(head, body)
}

impl hyper::service::Service<Request<Incoming>> for Front {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = FrontFuture;

    fn call(&self, request: Request<Incoming>) -> FrontFuture {
        let in_flight = InFlight::begin(&self.activity);
        let mut request = request.map(Body::request);
        // Every layer and the upstream are always ready: a control that must wait waits in its future. And no layer calls
        // back into the connection that calls it, so what is held is never borrowed twice.
        let mut held = self.held.borrow_mut();
        if let Err(refusal) = self.admit(&mut held, &mut request) {
            return FrontFuture::answered(refuse(&held, &request, &refusal), in_flight);
        }
        let Held { stack, table, .. } = &mut *held;
        match catch_unwind(AssertUnwindSafe(|| stack.call(request))) {
            Ok(answer) => FrontFuture::running(answer, in_flight, Arc::clone(&table.shared)),
            Err(_) => FrontFuture::answered(table.shared.panicked(), in_flight),
        }
    }
}

pin_project! {
    /// The answer to come: refused at the front, or on its way through the tenant's stack.
    pub(crate) struct FrontFuture {
        #[pin]
        answer: Coming,
        in_flight: Option<InFlight>,
    }
}

pin_project! {
    #[project = ComingProjection]
    enum Coming {
        Answered { #[pin] answer: Ready<Response<Body>> },
        Running { #[pin] answer: CatchUnwind<AssertUnwindSafe<StackFuture>>, shared: Arc<Shared> },
    }
}

type StackFuture = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl FrontFuture {
    fn answered(answer: Response<Body>, in_flight: InFlight) -> Self {
        Self {
            answer: Coming::Answered { answer: ready(answer) },
            in_flight: Some(in_flight),
        }
    }

    fn running(answer: StackFuture, in_flight: InFlight, shared: Arc<Shared>) -> Self {
        let answer = AssertUnwindSafe(answer).catch_unwind();
        Self {
            answer: Coming::Running { answer, shared },
            in_flight: Some(in_flight),
        }
    }
}

impl Future for FrontFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut answer = std::task::ready!(match this.answer.project() {
            ComingProjection::Answered { answer } => answer.poll(cx),
            ComingProjection::Running { answer, shared } => answer.poll(cx).map(|done| match done {
                Ok(Ok(answer)) => answer,
                Err(_) => shared.panicked(),
            }),
        });
        if let Some(in_flight) = this.in_flight.take() {
            let sending = Sending::of(answer.extensions_mut());
            answer.body_mut().ends(in_flight, sending);
        }
        Poll::Ready(Ok(answer))
    }
}

/// Why the front lets a request go no further.
#[derive(Debug, thiserror::Error)]
enum FrontRefusal {
    #[error(transparent)]
    Tenant(#[from] TenantRefusal),
    #[error("the method {0}, which nobody behind the edge needs")]
    Method(Method),
    #[error("a head of {0} bytes, over {MAX_HEAD}")]
    Head(usize),
    #[error("the connection named {0:?}, which is not {1}'s any more")]
    Outdated(Box<str>, TenantId),
}

impl FrontRefusal {
    const fn feature(&self) -> &'static str {
        match self {
            Self::Tenant(_) | Self::Outdated(..) => "tenant",
            Self::Method(_) | Self::Head(_) => "request",
        }
    }
}

impl Refusal for FrontRefusal {
    fn rejection(&self) -> Rejection {
        match self {
            Self::Tenant(refusal) => refusal.rejection(),
            // TRACE mirrors cookies to scripts (RFC 9110 section 9.3.8), CONNECT is for forward proxies.
            Self::Method(_) => Rejection::new(StatusCode::METHOD_NOT_ALLOWED, "method_refused"),
            Self::Head(_) => Rejection::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large"),
            // The client may ask again on a new connection (RFC 9110 section 15.5.20), which shakes hands with whoever has
            // the name now; this one is about to end.
            Self::Outdated(..) => Rejection::new(StatusCode::MISDIRECTED_REQUEST, "connection_outdated"),
        }
    }
}

/// Bytes of a request's head, the same over both protocols: 32 more for each field, as RFC 9113 section 6.5.2 counts them.
const MAX_HEAD: usize = 32 * 1024;

fn head_size(request: &Request<Body>) -> usize {
    let fields = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 32);
    request.uri().path_and_query().map_or(0, |path| path.as_str().len()) + fields.sum::<usize>()
}

impl Shared {
    /// A panic ends one request, not the connection that others share, and is told like a refusal.
    fn panicked(&self) -> Response<Body> {
        let (rejection, evidence) = (Rejection::wiring("wiring_panic"), "a layer panicked; the log has where");
        self.reporter.record(
            "edge",
            rejection.code(),
            Action::Refuse,
            Enforcement::Enforce,
            None,
            evidence,
        );
        rejection.answer(&http::HeaderMap::new(), None)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use rempart_guard::{Decision, Reporter, TrustedProxies};
    use rempart_tenant::Tenants;

    use super::*;

    #[tokio::test]
    async fn a_panic_in_a_stack_ends_one_request_and_is_told() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&told);
        let sink = move |decision: Decision| log.lock().unwrap().push(decision.code);
        let shared = Shared {
            tenants: Tenants::builder().build(),
            trusted_proxies: TrustedProxies::none(),
            reporter: Reporter::front(Arc::new(sink)),
            drain: std::time::Duration::ZERO,
        };
        let activity = Arc::default();
        let stack: StackFuture = Box::pin(async { panic!("as a test") });
        let answer = FrontFuture::running(stack, InFlight::begin(&activity), Arc::new(shared))
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(*told.lock().unwrap(), ["wiring_panic"]);
        assert!(!activity.is_idle(), "its answer is still to be sent");
        drop(answer);
        assert!(activity.is_idle());
    }
}
