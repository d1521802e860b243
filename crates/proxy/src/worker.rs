//! One worker: one thread, one runtime, its own listeners, its own stacks, its own connections to every upstream.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use rempart_guard::{Action, ClientAddr, Enforcement, RequestIds};
use rempart_headers::Headers;
use rempart_tenant::Tenant;
use rempart_tls::{AcceptError, Accepted, Sites};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::activity::Activity;
use crate::front::Front;
use crate::hop::Provenance;
use crate::pool::Pool;
use crate::serve::{self, Deadlines};
use crate::shared::Shared;
use crate::stack::TenantStack;

/// What one thread serves with. Nothing in it is shared with another thread but what a tenant's controls count.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) ids: Arc<RequestIds>,
    pub(crate) sites: Arc<Sites<Tenant>>,
    /// By [`Tenant::index`].
    pub(crate) stacks: Vec<TenantStack>,
    /// By [`Tenant::index`].
    pub(crate) hardening: Vec<Option<Arc<Headers>>>,
    /// Its connections to every tenant's application.
    pub(crate) pools: Vec<Arc<Pool>>,
    /// Connections and tunnels that are open.
    pub(crate) tasks: TaskTracker,
    /// Cancelled when the edge is to end.
    pub(crate) drain: CancellationToken,
    pub(crate) https_port: u16,
}

/// The sockets of one worker.
#[derive(Default)]
pub(crate) struct Sockets {
    pub(crate) https: Vec<StdListener>,
    pub(crate) http: Vec<StdListener>,
}

impl Worker {
    /// Serves until the drain begins, then until the last connection has ended or `limit` has passed.
    pub(crate) async fn run(self: Arc<Self>, sockets: Sockets, limit: Duration) -> io::Result<()> {
        for (listeners, secure) in [(sockets.https, true), (sockets.http, false)] {
            for listener in listeners {
                let (worker, listener) = (Arc::clone(&self), TcpListener::from_std(listener)?);
                tokio::spawn(async move { worker.accept(listener, secure).await });
            }
        }
        let worker = Arc::clone(&self);
        tokio::spawn(async move { worker.sweep().await });
        self.drain.cancelled().await;
        self.tasks.close();
        if tokio::time::timeout(limit, self.tasks.wait()).await.is_err() {
            tracing::warn!(
                open = self.tasks.len(),
                "the drain's limit has passed: closing what is still open"
            );
        }
        Ok(())
    }

    async fn sweep(&self) {
        let mut ticks = tokio::time::interval(SWEEP);
        loop {
            ticks.tick().await;
            self.pools.iter().for_each(|pool| pool.sweep());
        }
    }

    async fn accept(self: Arc<Self>, listener: TcpListener, secure: bool) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.drain.cancelled() => return,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let worker = Arc::clone(&self);
                    self.tasks
                        .spawn(async move { worker.connection(stream, peer, secure).await });
                }
                Err(error) => {
                    // Out of file descriptors, most likely: waiting lets some connections end.
                    tracing::error!(%error, "cannot accept connections");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, secure: bool) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, %peer, "a connection was gone before it began");
            return;
        }
        let ended = if secure {
            self.secure(stream, peer).await
        } else {
            self.plain(stream, peer).await
        };
        if let Err(error) = ended {
            tracing::debug!(%error, %peer, "a connection ended");
        }
    }

    async fn secure(&self, stream: TcpStream, peer: SocketAddr) -> Result<(), serve::Ended> {
        let port = stream.local_addr().map_or(self.https_port, |address| address.port());
        let Accepted {
            stream,
            value: tenant,
            protocol,
            ..
        } = match self.sites.accept(stream, HANDSHAKE).await {
            Ok(accepted) => accepted,
            Err(error) => {
                self.handshake_refused(&error, peer);
                return Ok(());
            }
        };
        let activity = Arc::new(Activity::default());
        let front = Front {
            shared: Arc::clone(&self.shared),
            ids: Arc::clone(&self.ids),
            stack: self.stacks[tenant.index()].clone().into(),
            hardening: self.hardening[tenant.index()].clone(),
            tenant,
            peer: peer.ip(),
            provenance: Provenance::new(peer.ip(), port),
            activity: Arc::clone(&activity),
            agreed: None.into(),
        };
        let deadlines = Deadlines {
            activity,
            drain: self.drain.clone(),
        };
        serve::secure(stream, protocol, front, deadlines).await
    }

    async fn plain(&self, stream: TcpStream, peer: SocketAddr) -> Result<(), serve::Ended> {
        let (shared, ids) = (Arc::clone(&self.shared), Arc::clone(&self.ids));
        let (client, https_port) = (ClientAddr::new(peer.ip()), self.https_port);
        let service = hyper::service::service_fn(move |request| {
            std::future::ready(crate::redirect::redirect(&shared, &ids, client, https_port, &request))
        });
        serve::plain(stream, service, self.drain.clone()).await
    }

    /// A handshake without a known name is a decision like any other: somebody asks for a site that is not here.
    fn handshake_refused(&self, error: &AcceptError, peer: SocketAddr) {
        let Some(code) = error.refusal() else {
            tracing::debug!(%error, %peer, "a handshake failed");
            return;
        };
        let evidence = format!("{error}, from {}", ClientAddr::new(peer.ip()).network(32, 64));
        self.shared
            .reporter
            .record("tls", code, Action::Refuse, Enforcement::Enforce, None, evidence);
    }
}

/// How long a client may take for the whole handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How often connections to applications are looked through for those that were idle for too long.
const SWEEP: Duration = Duration::from_secs(1);

/// How long to wait when connections cannot be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
