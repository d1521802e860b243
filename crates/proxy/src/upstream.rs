//! The last service of a stack: the tenant's own application, over plain HTTP/1.1.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, ACCEPT_LANGUAGE, CONNECTION, HOST, HeaderName, UPGRADE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use rempart_guard::{Action, Downstream, Enforcement, Refusal, Rejection, Reporter};
use rempart_shares::{Priority, ShareRefusal, TenantShare, UpstreamPermit};
use tokio::time::timeout;

use crate::pool::{Lease, Pool};
use crate::tunnel::Tunnels;
use crate::upload::Upload;
use crate::{Body, hop};

/// One tenant's application, as one worker reaches it.
///
/// It knows one address, which the tenant's file gives. Nothing in a request can choose another.
pub(crate) struct Upstream {
    pool: Arc<Pool>,
    share: TenantShare,
    reporter: Reporter,
    tunnels: Tunnels,
}

impl Upstream {
    pub(crate) const fn new(pool: Arc<Pool>, share: TenantShare, reporter: Reporter, tunnels: Tunnels) -> Self {
        Self {
            pool,
            share,
            reporter,
            tunnels,
        }
    }

    /// Forwards a request and answers in any case: an upstream that fails is a 502, 503 or 504 with nothing internal.
    pub(crate) async fn forward(&self, mut request: Request<Body>) -> Response<Body> {
        let downstream = Downstream::of(request.extensions()).ok();
        let upgrade = request
            .extensions_mut()
            .remove::<OnUpgrade>()
            .filter(|_| hop::wants_upgrade(request.headers()));
        let asked = PageFields::of(&request);
        let priority = self.share.priority(&request);
        prepare(&mut request);
        let mut request = Some(request);
        let exchanged = match self.turn(priority, downstream).await {
            Ok(permit) => self.exchange(&mut request, permit).await,
            Err(refusal) => Err(refusal.into()),
        };
        match exchanged.and_then(|(answer, lease)| self.answer(answer, lease, upgrade)) {
            Ok(answer) => answer,
            Err(error) => {
                let rejection = error.rejection();
                let (code, evidence) = (rejection.code(), format!("{}: {error}", self.pool.policy().authority));
                self.reporter.record(
                    error.feature(),
                    code,
                    Action::Refuse,
                    Enforcement::Enforce,
                    downstream,
                    evidence,
                );
                rejection.answer(&asked.into(), downstream.map(|downstream| downstream.request))
            }
        }
    }

    /// Waits until the application is to be given one more request.
    async fn turn(&self, priority: Priority, downstream: Option<Downstream>) -> Result<UpstreamPermit, ShareRefusal> {
        let permit = self.share.upstream(priority).await?;
        if let Some(refusal) = permit.reported() {
            let (code, told) = (refusal.rejection().code(), Enforcement::Report);
            self.reporter
                .record(SHARES, code, Action::Refuse, told, downstream, refusal);
        }
        Ok(permit)
    }

    /// Sends the request over a connection of the pool and waits for the head of the answer.
    ///
    /// A request that was not sent is tried once more, on a new connection. One that was is not, unless it is safe and
    /// bodiless and went over a connection that had been idle: then the upstream most likely closed it in the same moment
    /// (RFC 9110 section 9.2.2).
    ///
    /// The request is taken out of its slot: moved along by value it would be in every future on the way.
    async fn exchange(
        &self,
        request: &mut Option<Request<Body>>,
        mut permit: UpstreamPermit,
    ) -> Result<(Response<Incoming>, Lease), UpstreamError> {
        let mut fresh = false;
        loop {
            let leased = self.pool.lease(fresh).await;
            let (mut lease, idle_for) = leased.inspect_err(|_| permit.overloaded())?;
            let mut sending = request.take().expect("a request is in its slot until it is sent");
            let was_idle = idle_for.is_some_and(|idle| idle >= STALE);
            let spare = was_idle.then(|| repeatable(&sending)).flatten();
            let upload = sending.body_mut().watch();
            let is_whole = upload.is_none();
            permit.sent();
            let answered = self.in_time(lease.send(sending), upload).await;
            match answered.inspect_err(|error| error.tell(&mut permit))? {
                Ok(answer) => {
                    // The rest of the time was the client's, or is what follows a switch of protocols.
                    if is_whole && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
                        permit.answered();
                    }
                    lease.hold(permit);
                    return Ok((answer, lease));
                }
                Err(mut error) => {
                    let again = error.take_message().or(spare.map(|spare| *spare)).filter(|_| !fresh);
                    *request = Some(again.ok_or_else(|| UpstreamError::Exchange(error.into_error()))?);
                    fresh = true;
                }
            }
        }
    }

    /// Waits for an answer for as long as the tenant's file says, from the last byte that the client has sent.
    async fn in_time<T>(
        &self,
        answer: impl Future<Output = T>,
        upload: Option<Arc<Upload>>,
    ) -> Result<T, UpstreamError> {
        let (limit, mut answer) = (self.pool.policy().response_timeout, pin!(answer));
        let mut wait = limit;
        loop {
            if let Ok(answer) = timeout(wait, answer.as_mut()).await {
                return Ok(answer);
            }
            match upload
                .as_ref()
                .map(|upload| (limit.checked_sub(upload.quiet_for()), upload.is_whole()))
            {
                Some((Some(rest), _)) if !rest.is_zero() => wait = rest,
                Some((_, false)) => return Err(UpstreamError::Stalled),
                _ => return Err(UpstreamError::Timeout),
            }
        }
    }

    fn answer(
        &self,
        answer: Response<Incoming>,
        lease: Lease,
        upgrade: Option<OnUpgrade>,
    ) -> Result<Response<Body>, UpstreamError> {
        let switching = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
        let (mut head, body) = answer.into_parts();
        // An HTTP/1.0 answer would make the server answer its own client in 1.0.
        head.version = Version::HTTP_11;
        if !switching {
            hop::strip(&mut head.headers);
            return Ok(Response::from_parts(head, Body::answer(body, lease)));
        }
        let theirs = head.extensions.remove::<OnUpgrade>();
        let (ours, theirs) = upgrade.zip(theirs).ok_or(UpstreamError::Upgrade)?;
        let protocol = head.headers.get(UPGRADE).cloned();
        hop::strip(&mut head.headers);
        head.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        head.headers.extend(protocol.map(|protocol| (UPGRADE, protocol)));
        self.tunnels.open(ours, theirs, lease);
        Ok(Response::from_parts(head, Body::empty()))
    }
}

/// Why an upstream gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    #[error("no connection in time")]
    ConnectTimeout,
    #[error("no answer in time")]
    Timeout,
    #[error("the exchange broke: {0}")]
    Exchange(hyper::Error),
    #[error("every connection is in use")]
    Busy,
    #[error("it switched protocols unasked")]
    Upgrade,
    #[error("the client stopped in the middle of its request")]
    Stalled,
    #[error(transparent)]
    NoTurn(#[from] ShareRefusal),
}

impl UpstreamError {
    const fn feature(&self) -> &'static str {
        match self {
            Self::NoTurn(_) => SHARES,
            _ => FEATURE,
        }
    }

    /// An application that does not answer in time has too much to do.
    fn tell(&self, permit: &mut UpstreamPermit) {
        if matches!(self, Self::Timeout) {
            permit.overloaded();
        }
    }
}

impl Refusal for UpstreamError {
    fn rejection(&self) -> Rejection {
        match self {
            Self::Connect(_) => Rejection::new(StatusCode::BAD_GATEWAY, "upstream_unreachable"),
            Self::ConnectTimeout => Rejection::new(StatusCode::GATEWAY_TIMEOUT, "upstream_connect_timeout"),
            Self::Timeout => Rejection::new(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout"),
            Self::Exchange(_) => Rejection::new(StatusCode::BAD_GATEWAY, "upstream_broken"),
            Self::Upgrade => Rejection::new(StatusCode::BAD_GATEWAY, "upstream_upgrade"),
            Self::Stalled => Rejection::new(StatusCode::REQUEST_TIMEOUT, "request_stalled"),
            Self::NoTurn(refusal) => refusal.rejection(),
            Self::Busy => Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "upstream_busy").retry_after(RETRY_BUSY),
        }
    }
}

/// The fields of a request that say how its answer should look; the rest has gone to the upstream when it is needed.
struct PageFields([(HeaderName, Option<HeaderValue>); 2]);

impl PageFields {
    fn of(request: &Request<Body>) -> Self {
        Self([ACCEPT, ACCEPT_LANGUAGE].map(|name| (name.clone(), request.headers().get(name).cloned())))
    }
}

impl From<PageFields> for HeaderMap {
    fn from(PageFields(fields): PageFields) -> Self {
        fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }
}

/// The controls' names in decisions.
const FEATURE: &str = "upstream";
const SHARES: &str = "shares";

/// Idle for longer than this, a connection may have been closed by the upstream just now: a copy of the request is kept, so
/// that it can be sent again. One that is reused at once, as under load, has not been, and the copy is saved.
const STALE: Duration = Duration::from_millis(10);

/// After this long, a connection of a busy upstream may be free again.
const RETRY_BUSY: Duration = Duration::from_secs(5);

/// Makes an HTTP/1.1 request in origin form of what came in over either protocol (RFC 9112 section 3.2.1).
fn prepare(request: &mut Request<Body>) {
    *request.version_mut() = Version::HTTP_11;
    let Some(authority) = request.uri().authority() else {
        return;
    };
    if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
        request.headers_mut().insert(HOST, host);
    }
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
}

/// A copy of a request that may be sent twice.
fn repeatable(request: &Request<Body>) -> Option<Box<Request<Body>>> {
    if !request.method().is_safe() || !http_body::Body::is_end_stream(request.body()) {
        return None;
    }
    let mut copy = Request::new(Body::empty());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    Some(Box::new(copy))
}
