//! One worker: one thread, one runtime, its own listeners, its own stacks, its own connections to every upstream.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use rempart_guard::{ClientAddr, RequestIds};
use rempart_shares::Shares;
use rempart_tls::Accepted;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::activity::Activity;
use crate::admit::{Connected, gives_way};
use crate::front::{Front, Held};
use crate::hop::Provenance;
use crate::rounds::{Rounds, round};
use crate::serve::{self, Deadlines};
use crate::table::{Seat, Table};

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

    async fn plain(&self, stream: TcpStream, peer: SocketAddr) -> Result<(), serve::Ended> {
        let (table, _) = self.seat.table();
        let Some(mut stranger) = self.stranger(&table.shared, peer) else {
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
            refusal = gives_way(&mut stranger) => {
                table.shared.admitted::<()>(None, Err(refusal));
                Ok(())
            }
        }
    }
}

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

/// How long to wait when connections cannot be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
