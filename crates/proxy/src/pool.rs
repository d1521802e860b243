//! One worker's connections to one tenant's upstream, each lent to one request at a time.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rempart_config::UpstreamPolicy;
use rempart_shares::UpstreamPermit;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::Body;
use crate::upstream::UpstreamError;

/// The connections to one upstream, the last used on top so that the others can grow old.
///
/// At most `max_connections` are lent, and a request beyond them waits for `connect_timeout`. As many are kept idle at most,
/// each for `idle_timeout`.
pub(crate) struct Pool {
    policy: UpstreamPolicy,
    places: Arc<Semaphore>,
    /// Never contended: a pool belongs to one worker, which is one thread.
    idle: Mutex<Vec<Idle>>,
}

impl Pool {
    pub(crate) fn new(policy: UpstreamPolicy) -> Self {
        let places = Arc::new(Semaphore::new(policy.max_connections.get()));
        Self {
            policy,
            places,
            idle: Mutex::default(),
        }
    }

    pub(crate) const fn policy(&self) -> &UpstreamPolicy {
        &self.policy
    }

    /// A connection that is ready to take a request, and how long it was idle: `None` for a new one, which is opened when
    /// `fresh` asks for it or none is idle.
    pub(crate) async fn lease(self: &Arc<Self>, fresh: bool) -> Result<(Lease, Option<Duration>), UpstreamError> {
        let place = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => place,
            Err(_) => {
                let waiting = timeout(self.policy.connect_timeout, Arc::clone(&self.places).acquire_owned());
                waiting
                    .await
                    .map_err(|_| UpstreamError::Busy)?
                    .expect("the semaphore is never closed")
            }
        };
        let (sender, idle_for) = match self.idle(fresh) {
            Some(Idle { sender, since }) => (sender, Some(since.elapsed())),
            None => (self.connect().await?, None),
        };
        let lease = Lease {
            pool: Arc::clone(self),
            held: Some((sender, place)),
            permit: None,
        };
        Ok((lease, idle_for))
    }

    /// The youngest idle connection that is still open and free. Old and closed ones are dropped on the way.
    fn idle(&self, fresh: bool) -> Option<Idle> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if fresh {
            // Whatever closed the one that failed has probably closed the others as well.
            idle.clear();
        }
        idle.retain(|idle| !idle.sender.is_closed());
        let ready = idle.iter().rposition(|idle| idle.sender.is_ready());
        ready.map(|index| idle.swap_remove(index))
    }

    /// Closes what has been idle for too long. Somebody has to call this now and then: an application that nobody asks
    /// anything would otherwise keep its connections until it closes them itself.
    pub(crate) fn sweep(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|idle| !idle.sender.is_closed() && idle.since.elapsed() <= self.policy.idle_timeout);
    }

    async fn connect(&self) -> Result<SendRequest<Body>, UpstreamError> {
        let UpstreamPolicy {
            authority,
            connect_timeout,
            ..
        } = &self.policy;
        let port = authority.port_u16().unwrap_or(80);
        let host = authority.host().trim_matches(['[', ']']);
        let connecting = timeout(*connect_timeout, TcpStream::connect((host, port)));
        let stream = connecting
            .await
            .map_err(|_| UpstreamError::ConnectTimeout)?
            .map_err(UpstreamError::Connect)?;
        stream.set_nodelay(true).map_err(UpstreamError::Connect)?;
        let handshake = http1::Builder::new()
            .max_buf_size(READ_BUFFER)
            .handshake(TokioIo::new(stream));
        let (sender, connection) = handshake
            .await
            .map_err(|error| UpstreamError::Connect(io::Error::other(error)))?;
        tokio::spawn(connection.with_upgrades());
        Ok(sender)
    }
}

/// A connection that one request holds until the last byte of its answer.
pub(crate) struct Lease {
    pool: Arc<Pool>,
    held: Option<(SendRequest<Body>, OwnedSemaphorePermit)>,
    /// What the application was given counts until the end too.
    permit: Option<UpstreamPermit>,
}

impl Lease {
    /// Sends one request. When the connection was closed before anything was sent, the request is in the error.
    pub(crate) fn send(
        &mut self,
        request: Request<Body>,
    ) -> impl Future<Output = Result<Response<Incoming>, TrySendError<Request<Body>>>> + use<> {
        let (sender, _) = self
            .held
            .as_mut()
            .expect("a lease is given back only once its answer has ended");
        sender.try_send_request(request)
    }

    /// Holds the application's place for as long as the connection is lent.
    pub(crate) fn hold(&mut self, permit: UpstreamPermit) {
        self.permit = Some(permit);
    }

    /// The answer has ended: the connection is free for the next request. Without this it is closed, because the rest of
    /// an answer that nobody read would be taken for the next one.
    pub(crate) fn give_back(&mut self) {
        self.permit = None;
        if let Some((sender, place)) = self.held.take() {
            drop(place);
            let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if !sender.is_closed() && idle.len() < self.pool.policy.max_connections.get() {
                idle.push(Idle {
                    sender,
                    since: Instant::now(),
                });
            }
        }
    }
}

struct Idle {
    sender: SendRequest<Body>,
    since: Instant,
}

/// An upstream's answer is read in pieces of up to this many bytes. Smaller pieces cost 40 to 95 % more processor time
/// on large bodies; hyper's buffer grows to this only while a body fills it.
const READ_BUFFER: usize = 128 * 1024;
