//! What the front of the stack knows about a request before any control has seen it.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use http::{Extensions, Request};
use tower_layer::Layer;
use tower_service::Service;

use crate::{ClientAddr, TrustedProxies};

/// The other side of a request: who asks, and under which number. An extension of every request inside a stack.
///
/// A control that needs the client and finds no `Downstream` refuses with the code `wiring_no_downstream` and the
/// status 500: a layer that was forgotten is our mistake, and never lets anybody pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Downstream {
    /// The client's address, taken from the connection or from a trusted proxy.
    pub client: ClientAddr,
    /// The number under which this request is found in logs and on error pages.
    pub request: RequestId,
}

/// The number of one request: 100 unguessable bits, shown as twenty letters and digits that can be read over the phone.
///
/// The alphabet is Crockford's base 32: no `i`, `l`, `o` or `u`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId([u64; 2]);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        for word in self.0 {
            for place in 0..10 {
                fmt::Write::write_char(f, char::from(ALPHABET[(word >> (place * 5)) as usize & 31]))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Makes request numbers: a keyed hash (SipHash with keys from the system) of a counter, so that a number says nothing
/// about how many requests there were, and one cannot be guessed from another.
#[derive(Debug, Default)]
pub struct RequestIds {
    high: RandomState,
    low: RandomState,
    counter: AtomicU64,
}

impl RequestIds {
    /// A source with fresh random keys. Each worker has its own, so that no counter is shared between cores.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next number.
    #[must_use]
    pub fn next_id(&self) -> RequestId {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        // Only what is shown is kept, so that equal numbers look equal.
        RequestId([self.high.hash_one(count), self.low.hash_one(count)].map(|word| word & FIFTY_BITS))
    }
}

/// Puts a [`Downstream`] into every request, for services that have no edge in front of them.
///
/// The peer's address comes from the server: tell the layer where to find it.
///
/// ```
/// use std::net::{IpAddr, SocketAddr};
/// use rempart_guard::{DownstreamLayer, TrustedProxies};
///
/// // In axum: `extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())`.
/// let layer = DownstreamLayer::new(TrustedProxies::none(), |extensions| {
///     extensions.get::<SocketAddr>().map(SocketAddr::ip)
/// });
/// # let _ = layer;
/// ```
#[derive(Clone)]
pub struct DownstreamLayer {
    shared: Arc<Shared>,
}

impl DownstreamLayer {
    /// A layer that asks `peer` for the connection's address and believes `proxies` about the client behind it.
    ///
    /// When `peer` finds nothing, the request goes on without a `Downstream` and the first control that needs it refuses.
    pub fn new(proxies: TrustedProxies, peer: impl Fn(&Extensions) -> Option<IpAddr> + Send + Sync + 'static) -> Self {
        Self {
            shared: Arc::new(Shared {
                proxies,
                peer: Box::new(peer),
                ids: RequestIds::new(),
            }),
        }
    }
}

impl<S> Layer<S> for DownstreamLayer {
    type Service = IdentifyDownstream<S>;

    fn layer(&self, inner: S) -> Self::Service {
        IdentifyDownstream {
            shared: Arc::clone(&self.shared),
            inner,
        }
    }
}

impl fmt::Debug for DownstreamLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DownstreamLayer")
            .field("proxies", &self.shared.proxies)
            .finish_non_exhaustive()
    }
}

/// The service of a [`DownstreamLayer`].
#[derive(Clone)]
pub struct IdentifyDownstream<S> {
    shared: Arc<Shared>,
    inner: S,
}

impl<S, B> Service<Request<B>> for IdentifyDownstream<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        if let Some(peer) = (self.shared.peer)(request.extensions()) {
            let client = self.shared.proxies.client(peer, request.headers());
            let request_id = self.shared.ids.next_id();
            request.extensions_mut().insert(Downstream {
                client,
                request: request_id,
            });
        }
        self.inner.call(request)
    }
}

impl<S: fmt::Debug> fmt::Debug for IdentifyDownstream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentifyDownstream")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

/// Ten letters of five bits.
const FIFTY_BITS: u64 = (1 << 50) - 1;

type Peer = dyn Fn(&Extensions) -> Option<IpAddr> + Send + Sync;

struct Shared {
    proxies: TrustedProxies,
    peer: Box<Peer>,
    ids: RequestIds,
}
