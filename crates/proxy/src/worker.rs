//! One worker: one thread, one runtime, its own listeners, its own stacks, its own connections to every upstream.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rempart_guard::{Action, ClientAddr, Enforcement, Reporter, RequestIds};
use rempart_shares::{Permit, ShareRefusal, Shares, StrangerPermit};
use rempart_tenant::Tenant;
use rempart_tls::{AcceptError, Accepted, Greeted};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::activity::Activity;
use crate::front::{Front, Held};
use crate::hop::Provenance;
use crate::rounds::{Rounds, gradually, round};
use crate::serve::{self, Deadlines};
use crate::table::{Seat, Shared, Table};

/// What one thread serves with. Nothing in it is shared with another thread but what a tenant's controls count.
pub(crate) struct Worker {
    pub(crate) seat: Arc<Seat>,
    pub(crate) ids: Arc<RequestIds>,
    /// Cancelled when the edge is to end.
    pub(crate) drain: CancellationToken,
    pub(crate) https_port: u16,
    /// What all tenants share of the machine.
    pub(crate) shares: Shares,
    /// For connections that have just come, and say whose they are in the next moment.
    pub(crate) greetings: Rounds,
    /// For connections that are over, or will be: they have not said in time whose they are.
    pub(crate) closings: Rounds,
}

/// The sockets of one worker.
#[derive(Default)]
pub(crate) struct Sockets {
    pub(crate) https: Vec<StdListener>,
    pub(crate) http: Vec<StdListener>,
}

impl Worker {
    /// Serves until the drain begins, then until the last connection has ended or the drain's limit has passed.
    pub(crate) async fn run(self: Arc<Self>, sockets: Sockets) -> io::Result<()> {
        for (listeners, secure) in [(sockets.https, true), (sockets.http, false)] {
            for listener in listeners {
                let (worker, listener) = (Arc::clone(&self), TcpListener::from_std(listener)?);
                tokio::spawn(async move { worker.accept(listener, secure).await });
            }
        }
        let worker = Arc::clone(&self);
        tokio::spawn(async move { worker.sweep().await });
        self.drain.cancelled().await;
        let tasks = &self.seat.tasks;
        tasks.close();
        let limit = self.seat.table().0.shared.drain;
        if tokio::time::timeout(limit, tasks.wait()).await.is_err() {
            tracing::warn!(
                open = tasks.len(),
                "the drain's limit has passed: closing what is still open"
            );
        }
        Ok(())
    }

    async fn sweep(&self) {
        let mut ticks = tokio::time::interval(SWEEP);
        loop {
            ticks.tick().await;
            let (table, _) = self.seat.table();
            for doors in table.doors.chunks(SWEPT_AT_ONCE) {
                doors.iter().for_each(|door| door.pool.sweep());
                tokio::task::yield_now().await;
            }
        }
    }

    async fn accept(self: Arc<Self>, listener: TcpListener, secure: bool) {
        for accepted in 1_u64.. {
            if accepted.is_multiple_of(ACCEPTED_AT_ONCE) {
                // Those who are here go before those who come.
                round().await;
            }
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.drain.cancelled() => return,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let worker = Arc::clone(&self);
                    self.seat
                        .tasks
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
        let (table, number) = self.seat.table();
        let Some((accepted, connection)) = self.admit(&table, stream, peer).await else {
            return Ok(());
        };
        // On the heap, because many come no further than here, and a task is as large as its largest part.
        let ended = Box::pin(self.serve(accepted, (table, number), peer, port)).await;
        drop(connection);
        ended
    }

    async fn serve(
        &self,
        accepted: Connected,
        (table, number): (Arc<Table>, u64),
        peer: SocketAddr,
        port: u16,
    ) -> Result<(), serve::Ended> {
        let Accepted {
            stream,
            value: tenant,
            name,
            protocol,
            fingerprint,
            ja4,
            ..
        } = accepted;
        let activity = Arc::new(Activity::default());
        let front = Front {
            seat: Arc::clone(&self.seat),
            ids: Arc::clone(&self.ids),
            held: Held::new(name, tenant, (table, number)).into(),
            peer: peer.ip(),
            fingerprint,
            ja4,
            provenance: Provenance::new(peer.ip(), port),
            activity: Arc::clone(&activity),
        };
        let deadlines = Deadlines {
            activity,
            drain: self.drain.clone(),
            closings: self.closings.clone(),
        };
        serve::secure(stream, protocol, front, deadlines).await
    }

    /// From a new connection to the first byte of HTTP: a place for it among the connections that nobody knows yet, then
    /// one among its tenant's, then its turn to have a handshake computed. `None` is told already.
    ///
    /// The vendor's own proxies have no bounds of one client: they are as many clients as stand behind them.
    async fn admit(&self, table: &Table, stream: TcpStream, peer: SocketAddr) -> Option<(Connected, Permit)> {
        let (client, shared) = (ClientAddr::new(peer.ip()), &table.shared);
        let is_ours = shared.trusted_proxies.trusts(peer.ip());
        let stranger = match is_ours {
            true => None,
            false => Some(shared.admitted(None, self.shares.stranger(client))?),
        };
        let greeted = self.greet(table, stream, stranger).await?;
        let greeted = greeted
            .inspect_err(|error| shared.handshake_refused(error, peer))
            .ok()?;
        let door = &table.doors[greeted.value().index()];
        let reporter = door.served.controls.reporter();
        let share = if is_ours {
            door.share.of_many()
        } else {
            door.share.clone()
        };
        let connection = self.unless_gone(&greeted, share.connection(client).decided());
        let connection = shared.admitted(Some(reporter), connection.await?)?;
        let turn = self.unless_gone(&greeted, share.handshake_turn(client)).await?;
        let mut turn = shared.admitted(Some(reporter), turn)?;
        let accepted = greeted.accept(|| turn.give_back()).await;
        let accepted = accepted
            .inspect_err(|error| shared.handshake_refused(error, peer))
            .ok()?;
        Some((accepted, connection))
    }

    /// Lets a client say whose site it wants. From then on the connection is counted as that tenant's, also while it waits: a
    /// tenant's line is no longer than it may be, and the room of those whom nobody knows is everybody's.
    async fn greet(
        &self,
        table: &Table,
        stream: TcpStream,
        stranger: Option<StrangerPermit>,
    ) -> Option<Result<Hello, AcceptError>> {
        let greeted = self.unknown(table.sites.greet(stream, HANDSHAKE));
        match stranger {
            None => Some(greeted.await),
            Some(mut stranger) => tokio::select! {
                greeted = greeted => Some(greeted),
                refusal = stranger.gives_way() => table.shared.admitted(None, Err(refusal)),
            },
        }
    }

    /// What is done for a connection that nobody knows, bit by bit. When a rush ends, those that have been silent for long
    /// break off together: whoever comes in that moment goes before them.
    async fn unknown<F: Future>(&self, future: F) -> F::Output {
        let since = Instant::now();
        let turns = || match since.elapsed() < NEW {
            true => &self.greetings,
            false => &self.closings,
        };
        gradually(turns, future).await
    }

    /// Waits for a turn that is of use: nothing is computed for a client that has gone meanwhile.
    async fn unless_gone<T>(&self, greeted: &Hello, turn: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = gone(greeted.stream()) => {
                self.closings.turn().await;
                None
            }
            turn = turn => Some(turn),
        }
    }

    async fn plain(&self, stream: TcpStream, peer: SocketAddr) -> Result<(), serve::Ended> {
        let (table, _) = self.seat.table();
        let stranger = self.shares.stranger(ClientAddr::new(peer.ip()));
        let Some(mut stranger) = table.shared.admitted(None, stranger) else {
            return Ok(());
        };
        let (shared, ids) = (Arc::clone(&table.shared), Arc::clone(&self.ids));
        let (client, https_port) = (ClientAddr::new(peer.ip()), self.https_port);
        let service = hyper::service::service_fn(move |request| {
            std::future::ready(crate::redirect::redirect(&shared, &ids, client, https_port, &request))
        });
        let served = self.unknown(serve::plain(stream, service, self.drain.clone()));
        tokio::select! {
            ended = served => ended,
            refusal = stranger.gives_way() => {
                table.shared.admitted::<()>(None, Err(refusal));
                Ok(())
            }
        }
    }
}

/// Until a client that waits for an answer has broken off. One that says more before it has heard anything is there.
async fn gone(stream: &TcpStream) {
    if !matches!(stream.peek(&mut [0]).await, Ok(0) | Err(_)) {
        std::future::pending().await
    }
}

type Hello = Greeted<TcpStream, Tenant>;
type Connected = Accepted<TcpStream, Tenant>;

impl Shared {
    /// A connection that is closed because there is no room for it is a decision like any other.
    fn admitted<P>(&self, of: Option<&Reporter>, admission: Result<P, ShareRefusal>) -> Option<P> {
        let tell = |refusal: &ShareRefusal| {
            let (reporter, code) = (of.unwrap_or(&self.reporter), refusal.code());
            reporter.record("shares", code, Action::Refuse, Enforcement::Enforce, None, refusal);
        };
        admission.inspect_err(tell).ok()
    }

    /// A handshake without a known name is a decision like any other: somebody asks for a site that is not here.
    fn handshake_refused(&self, error: &AcceptError, peer: SocketAddr) {
        let Some(code) = error.refusal() else {
            tracing::debug!(%error, %peer, "a handshake failed");
            return;
        };
        let evidence = format!("{error}, from {}", ClientAddr::new(peer.ip()).network(32, 64));
        self.reporter
            .record("tls", code, Action::Refuse, Enforcement::Enforce, None, evidence);
    }
}

/// How long a client may take for the whole handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How often connections to applications are looked through for those that were idle for too long.
const SWEEP: Duration = Duration::from_secs(1);

/// How many tenants' connections are looked through before requests have their turn again: some twenty microseconds.
const SWEPT_AT_ONCE: usize = 256;

/// How many connections are accepted before requests have their turn again.
const ACCEPTED_AT_ONCE: u64 = 4;

/// How many steps of connections that nobody knows yet, and how many closings, before requests have their turn again: each
/// takes some ten microseconds. When a rush ends, all its connections break off in one moment.
pub(crate) const GREETED_AT_ONCE: usize = 4;
pub(crate) const CLOSED_AT_ONCE: usize = 4;

/// For how long a connection that nobody knows counts as one that has just come.
const NEW: Duration = Duration::from_millis(100);

/// How long to wait when connections cannot be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
