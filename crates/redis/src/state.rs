use std::fmt;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rempart_counts::{Away, SharedAsk, SharedCounts, SharedStanding};
use tokio::sync::{mpsc, oneshot};

use crate::batch::{Request, of_tenant};
use crate::courier::{Courier, Job};
use crate::link::Secrets;
use crate::stats::{Counters, StoreStats, add};
use crate::told::{Board, TellError, Told};
use crate::{RedisPolicy, own_thread};

/// The state that several nodes share. Opened once; what asks it may come from any thread and any runtime.
///
/// It has a thread of its own that holds the connection, and a second one once somebody [tells](Self::tell) or
/// [listens](Self::listen). Both end when the last handle is gone.
pub struct SharedState {
    policy: RedisPolicy,
    queue: mpsc::Sender<Job>,
    counters: Arc<Counters>,
    board: Board,
}

/// What the operator should know of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreEvent {
    /// It gave no answer, or a wrong one. From now on each node counts alone, and nobody waits for it.
    Away {
        /// What happened.
        error: String,
    },
    /// It answers again, or for the first time.
    Back {
        /// After so long.
        after: Duration,
    },
}

/// Why the store cannot be opened at all.
#[derive(Debug, thiserror::Error)]
#[error("the shared store cannot be opened: {0}")]
pub struct OpenError(String);

impl SharedState {
    /// Opens the store, and begins to connect. It is [there](SharedCounts::is_there) as soon as it has answered once; until
    /// then each node counts alone.
    ///
    /// `on_event` is called on the store's own thread, and must not block it.
    ///
    /// # Errors
    ///
    /// A file of the policy that cannot be read, or the system gives no thread. A server that is not there is no error.
    pub fn open(
        policy: RedisPolicy,
        on_event: impl Fn(StoreEvent) + Send + Sync + 'static,
    ) -> Result<Arc<Self>, OpenError> {
        let unopened = |error: &dyn fmt::Display| OpenError(error.to_string());
        Secrets::read(&policy).map_err(|error| unopened(&error))?;
        if policy.place.is_tls() {
            // The client asks the process for its cryptography. Whoever has chosen one has chosen.
            rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        }
        let (queue, jobs) = mpsc::channel(QUEUE);
        let counters = Arc::new(Counters::default());
        let courier = Courier::new(policy.clone(), jobs, Arc::clone(&counters), Box::new(on_event));
        own_thread("rempart-redis", courier.run()).map_err(|error| unopened(&error))?;
        Ok(Arc::new(Self {
            board: Board::new(policy.clone()),
            policy,
            queue,
            counters,
        }))
    }

    /// The counts of one tenant, which nobody else's keys can touch.
    #[must_use]
    pub fn tenant(self: &Arc<Self>, id: &str) -> Arc<dyn SharedCounts> {
        Arc::new(TenantCounts {
            state: Arc::clone(self),
            tenant: of_tenant(&self.policy.prefix, id),
        })
    }

    /// Tells all other nodes something, within about a second of the store being there; until then it is kept here. Each
    /// hears it once, and a node that starts within a day hears it then.
    ///
    /// What is told is kept in the store as it is: tell no names and no secrets, or seal them.
    ///
    /// # Errors
    ///
    /// A message that is too long, or too many that could not be told yet.
    pub fn tell(&self, tenant: &str, topic: &str, body: &[u8]) -> Result<(), TellError> {
        self.board.tell(tenant, topic, body)
    }

    /// Hears what other nodes tell, within two seconds, the last day's first, in the order in which it was told. What this
    /// node tells it does not hear.
    ///
    /// `hear` is called on a thread that it may block.
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    pub fn listen(&self, hear: impl FnMut(&Told) + Send + 'static) -> Result<(), OpenError> {
        let heard = self.board.listen(Box::new(hear));
        heard.map_err(|error| OpenError(error.to_string()))
    }

    /// Whether the store is there, as far as is known.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.counters.is_there()
    }

    /// What has happened so far.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        self.counters.read()
    }

    /// What it was opened with.
    #[must_use]
    pub const fn policy(&self) -> &RedisPolicy {
        &self.policy
    }

    fn ask(&self, request: Request) -> Result<oneshot::Receiver<Vec<SharedStanding>>, Away> {
        let (sender, receiver) = oneshot::channel();
        let job = Job {
            request,
            answer: Some(sender),
            since: Instant::now(),
        };
        if !self.is_there() || self.queue.try_send(job).is_err() {
            add(&self.counters.unanswered, 1);
            return Err(Away);
        }
        Ok(receiver)
    }

    fn put(&self, request: Request) {
        let job = Job {
            request,
            answer: None,
            since: Instant::now(),
        };
        // Half of the queue is for those who wait.
        let is_room = self.is_there() && self.queue.capacity() > QUEUE / 2;
        if !is_room || self.queue.try_send(job).is_err() {
            add(&self.counters.dropped, 1);
        }
    }
}

impl fmt::Debug for SharedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedState")
            .field("policy", &self.policy)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

struct TenantCounts {
    state: Arc<SharedState>,
    tenant: Arc<str>,
}

impl TenantCounts {
    fn request(&self, asks: Vec<SharedAsk>, is_waited_for: bool) -> Request {
        Request {
            tenant: Arc::clone(&self.tenant),
            asks,
            is_waited_for,
        }
    }
}

impl SharedCounts for TenantCounts {
    fn take(&self, asks: Vec<SharedAsk>) -> Pin<Box<dyn Future<Output = Result<Vec<SharedStanding>, Away>> + Send>> {
        if asks.is_empty() {
            return Box::pin(std::future::ready(Ok(Vec::new())));
        }
        let answer = self.state.ask(self.request(asks, true));
        let state = Arc::clone(&self.state);
        Box::pin(async move {
            answer?.await.map_err(|_| {
                add(&state.counters.unanswered, 1);
                Away
            })
        })
    }

    fn put(&self, asks: Vec<SharedAsk>) {
        if !asks.is_empty() {
            self.state.put(self.request(asks, false));
        }
    }

    fn is_there(&self) -> bool {
        self.state.is_there()
    }

    fn nodes(&self) -> NonZeroU32 {
        self.state.policy.nodes()
    }
}

impl fmt::Debug for TenantCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TenantCounts").field(&self.tenant).finish()
    }
}

/// So many requests may wait to be sent.
const QUEUE: usize = 16_384;
