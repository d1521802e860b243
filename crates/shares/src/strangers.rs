//! Connections that are nobody's yet: they have not said whose they are.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rempart_guard::ClientAddr;
use tokio::sync::oneshot;

use crate::networks::{NetworkKey, Networks};
use crate::shares::Inner;
use crate::{CapacityPolicy, Kind, ShareRefusal};

/// A place among the connections that have not said yet whose they are, until this is dropped.
#[must_use = "what is admitted is counted until its permit is dropped"]
pub struct StrangerPermit {
    shares: Arc<Inner>,
    client: NetworkKey,
    ticket: u64,
    gives_way: oneshot::Receiver<()>,
}

impl StrangerPermit {
    pub(crate) fn new(shares: &Arc<Inner>, client: ClientAddr) -> Result<Self, ShareRefusal> {
        let strangers = &shares.strangers;
        let (network, most) = (client.network(32, 64), strangers.per_client.load(Relaxed));
        let placed = strangers.networks.take(KIND, network, most);
        let client = placed.map_err(|_| ShareRefusal::Client {
            network,
            kind: KIND,
            most,
        })?;
        let (ticket, gives_way) = strangers.enter();
        Ok(Self {
            shares: Arc::clone(shares),
            client,
            ticket,
            gives_way,
        })
    }

    /// Comes to an end when this connection has to give way: there are as many as may be, it is the oldest of them, and
    /// another has come. It is to be closed.
    pub async fn gives_way(&mut self) -> ShareRefusal {
        if !self.gives_way.is_terminated() {
            // The line keeps the other end until it has told, or until this is dropped.
            let _ = (&mut self.gives_way).await;
        }
        ShareRefusal::Strangers(self.shares.strangers.most.load(Relaxed))
    }
}

impl Drop for StrangerPermit {
    fn drop(&mut self) {
        let strangers = &self.shares.strangers;
        strangers.networks.give(KIND, self.client);
        strangers.line().here.remove(&self.ticket);
    }
}

impl fmt::Debug for StrangerPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StrangerPermit").field(&self.ticket).finish()
    }
}

/// All of them. When one more comes than may be here, the oldest gives way, and not the one who comes: whoever holds
/// connections and says nothing would keep everybody out otherwise, with a few addresses and without any effort. One who
/// speaks is no stranger any more long before he is the oldest.
pub(crate) struct Strangers {
    most: AtomicU32,
    per_client: AtomicU32,
    networks: Networks,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    tickets: u64,
    /// The oldest first. Who was told to give way is not here any more, and gone in a moment.
    here: BTreeMap<u64, oneshot::Sender<()>>,
}

impl Strangers {
    pub(crate) fn new(policy: &CapacityPolicy, workers: NonZeroUsize) -> Self {
        Self {
            most: AtomicU32::new(policy.strangers(workers)),
            per_client: AtomicU32::new(policy.strangers_per_client()),
            networks: Networks::new(SHARDS),
            line: Mutex::default(),
        }
    }

    pub(crate) fn resize(&self, policy: &CapacityPolicy, workers: NonZeroUsize) {
        self.most.store(policy.strangers(workers), Relaxed);
        self.per_client.store(policy.strangers_per_client(), Relaxed);
    }

    fn enter(&self) -> (u64, oneshot::Receiver<()>) {
        let (tell, gives_way) = oneshot::channel();
        let (most, mut line) = (self.most.load(Relaxed) as usize, self.line());
        let ticket = line.tickets;
        line.tickets += 1;
        line.here.insert(ticket, tell);
        while line.here.len() > most
            && let Some((_, oldest)) = line.here.pop_first()
        {
            // Who has gone by himself in this moment need not be told.
            let _ = oldest.send(());
        }
        (ticket, gives_way)
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What they are counted as for their client.
const KIND: Kind = Kind::Connections;

const SHARDS: usize = 16;
