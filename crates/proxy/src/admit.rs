//! From a new connection to the first byte of HTTP: whoever comes is counted before anything is done for him, and what takes
//! the processor's time is done in an order that is fair between tenants.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rempart_guard::{Action, ClientAddr, Enforcement, Reporter};
use rempart_shares::{Permit, ShareRefusal, StrangerPermit};
use rempart_tenant::Tenant;
use rempart_tls::{AcceptError, Accepted, Greeted};
use tokio::net::TcpStream;

use crate::rounds::gradually;
use crate::table::{Shared, Table};
use crate::worker::Worker;

impl Worker {
    /// From a new connection to the first byte of HTTP: a place for it among the connections that nobody knows yet, then
    /// one among its tenant's, then its turn to have a handshake computed. `None` is told already.
    ///
    /// The vendor's own proxies have no bounds of one client: they are as many clients as stand behind them.
    pub(crate) async fn admit(
        &self,
        table: &Table,
        stream: TcpStream,
        peer: SocketAddr,
    ) -> Option<(Connected, Permit)> {
        let (client, shared) = (ClientAddr::new(peer.ip()), &table.shared);
        let stranger = self.stranger(shared, peer)?;
        let is_ours = stranger.is_none();
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

    /// A place among the connections that nobody knows yet; the vendor's own proxies need none. `None` is told already.
    pub(crate) fn stranger(&self, shared: &Shared, peer: SocketAddr) -> Option<Option<StrangerPermit>> {
        if shared.trusted_proxies.trusts(peer.ip()) {
            return Some(None);
        }
        let stranger = self.shares.stranger(ClientAddr::new(peer.ip()));
        shared.admitted(None, stranger).map(Some)
    }

    /// Lets a client say whose site it wants. From then on the connection is counted as that tenant's, also while it waits: a
    /// tenant's line is no longer than it may be, and the room of those whom nobody knows is everybody's.
    async fn greet(
        &self,
        table: &Table,
        stream: TcpStream,
        mut stranger: Option<StrangerPermit>,
    ) -> Option<Result<Hello, AcceptError>> {
        tokio::select! {
            greeted = self.unknown(table.sites.greet(stream, HANDSHAKE)) => Some(greeted),
            refusal = gives_way(&mut stranger) => table.shared.admitted(None, Err(refusal)),
        }
    }

    /// What is done for a connection that nobody knows, bit by bit. When a rush ends, those that have been silent for long
    /// break off together: whoever comes in that moment goes before them.
    pub(crate) async fn unknown<F: Future>(&self, future: F) -> F::Output {
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
}

/// Until a client that waits for an answer has broken off. One that says more before it has heard anything is there.
async fn gone(stream: &TcpStream) {
    if !matches!(stream.peek(&mut [0]).await, Ok(0) | Err(_)) {
        std::future::pending().await
    }
}

/// Until a connection that nobody knows has to give way to newer ones; one of the vendor's own proxies never has.
pub(crate) async fn gives_way(stranger: &mut Option<StrangerPermit>) -> ShareRefusal {
    match stranger {
        Some(stranger) => stranger.gives_way().await,
        None => std::future::pending().await,
    }
}

type Hello = Greeted<TcpStream, Tenant>;
/// A connection whose tenant is known, ready for HTTP.
pub(crate) type Connected = Accepted<TcpStream, Tenant>;

impl Shared {
    /// A connection that is closed because there is no room for it is a decision like any other.
    pub(crate) fn admitted<P>(&self, of: Option<&Reporter>, admission: Result<P, ShareRefusal>) -> Option<P> {
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

/// For how long a connection that nobody knows counts as one that has just come.
const NEW: Duration = Duration::from_millis(100);
