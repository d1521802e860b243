use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, SystemTime};

use rempart_config::{Config, Diagnostics, LastGood, LastGoodError, Scope, Source};
use rempart_guard::{DecisionSink, RequestIds};
use rempart_redis::OpenError;
use tokio_util::sync::CancellationToken;

use crate::commons::Commons;
use crate::control::Control;
use crate::keys;
use crate::listen::{grow_descriptors, listeners};
use crate::roster::{Roster, read_ring};
use crate::rounds::Rounds;
use crate::served;
use crate::table::Seat;
use crate::worker::{CLOSED_AT_ONCE, GREETED_AT_ONCE, Sockets, Worker};

/// The edge, ready to serve: its configuration is read, its certificates are checked and its sockets are bound.
///
/// A tenant whose file is wrong does not keep the others from being served: see [`Control`].
pub struct Edge {
    control: Control,
    commons: Arc<Commons>,
    seats: Vec<Arc<Seat>>,
    development_ca: Option<PathBuf>,
    sockets: Vec<Sockets>,
    https: Vec<SocketAddr>,
    http: Vec<SocketAddr>,
}

impl Edge {
    /// Reads the configuration, builds every tenant's controls, checks its certificate, and binds the listeners. Decisions
    /// go to `sink`. What is wrong with single tenants is in [`Control::wrong`].
    ///
    /// # Errors
    ///
    /// What is wrong with the vendor's file; everything that is wrong with anything, when not one tenant can be served; the
    /// vendor's secret; an address that cannot be had.
    pub fn bind(mut source: Source, sink: Arc<dyn DecisionSink>) -> Result<Self, StartError> {
        let reading = source.read(&Scope::All)?;
        let vendor = Arc::clone(&reading.vendor);
        let state = |error| StartError::State {
            path: vendor.state.clone(),
            error,
        };
        std::fs::create_dir_all(&vendor.state).map_err(state)?;
        let ring = read_ring(&vendor, &vendor.state, &source)?;
        let last_good = LastGood::open(&vendor.state)?;
        let workers = vendor.listen.workers.unwrap_or_else(cores);
        let commons = Arc::new(Commons::open(&vendor, workers, &sink)?);
        let workers = workers.get();
        let common = (Arc::clone(&commons), workers);
        let mut roster = Roster::new(source, Arc::clone(&vendor), Arc::clone(&ring), last_good, sink, common);
        let prepared = roster.prepare(reading, &Scope::All, ring);
        if prepared.served() == 0 {
            return Err(prepared.wrong().into());
        }
        let mut sockets: Vec<Sockets> = (0..workers).map(|_| Sockets::default()).collect();
        let (mut https, mut http) = (Vec::new(), Vec::new());
        for address in &vendor.listen.https {
            https.push(bind(*address, &mut sockets, |sockets| &mut sockets.https)?);
        }
        for address in &vendor.listen.http {
            http.push(bind(*address, &mut sockets, |sockets| &mut sockets.http)?);
        }
        sockets[0].https.first().into_iter().for_each(grow_descriptors);
        roster.apply(prepared);
        let development_ca = roster.development_ca().map(|ca| ca.certificate().to_path_buf());
        let seats = roster.seats().to_vec();
        let control = Control::new(Arc::new(Mutex::new(roster)));
        let asked = control.clone();
        commons.listen(move |tenant| asked.sessions_and_keys(tenant))?;
        Ok(Self {
            control,
            commons,
            seats,
            development_ca,
            sockets,
            https,
            http,
        })
    }

    /// What changes the edge while it runs.
    #[must_use]
    pub const fn control(&self) -> &Control {
        &self.control
    }

    /// The addresses that answer HTTPS, with the ports that the system chose where the configuration says 0.
    #[must_use]
    pub fn https(&self) -> &[SocketAddr] {
        &self.https
    }

    /// The addresses that redirect to HTTPS.
    #[must_use]
    pub fn http(&self) -> &[SocketAddr] {
        &self.http
    }

    /// Where the development CA's certificate is, when a tenant uses one.
    #[must_use]
    pub fn development_ca(&self) -> Option<&Path> {
        self.development_ca.as_deref()
    }

    /// How many threads serve.
    #[must_use]
    pub const fn workers(&self) -> usize {
        self.seats.len()
    }

    /// Serves until `drain` is cancelled, then lets what has begun end within the configured limit.
    ///
    /// # Errors
    ///
    /// A thread or a runtime that the system does not give.
    pub fn run(mut self, drain: &CancellationToken) -> io::Result<()> {
        let sockets = std::mem::take(&mut self.sockets);
        let edge = &self;
        thread::scope(|scope| {
            let mut threads = Vec::new();
            let (serving, ended) = mpsc::channel();
            let keeper = thread::Builder::new().name("keeper".into());
            keeper.spawn_scoped(scope, move || edge.keep(&ended))?;
            for (number, (sockets, seat)) in sockets.into_iter().zip(&edge.seats).enumerate() {
                let drain = drain.clone();
                let builder = thread::Builder::new().name(format!("worker-{number}"));
                threads.push(builder.spawn_scoped(scope, move || edge.work(sockets, seat, drain))?);
            }
            let outcome = threads.into_iter().try_for_each(|thread| match thread.join() {
                Ok(ended) => ended,
                Err(_) => Err(io::Error::other("a worker panicked")),
            });
            drop(serving);
            outcome
        })
    }

    /// Keeps what is ended of sessions and who waits, and clears away what reloads have replaced, beside the workers, until
    /// there are none; then the first two once more.
    fn keep(&self, ended: &mpsc::Receiver<()>) {
        while ended.recv_timeout(KEEP_SESSIONS) == Err(mpsc::RecvTimeoutError::Timeout) {
            self.seats.iter().for_each(|seat| seat.clear_away());
            self.control.keep_sessions();
            self.control.keep_rooms();
        }
        self.control.keep_sessions();
        self.control.keep_rooms();
    }

    /// One worker's whole life.
    fn work(&self, sockets: Sockets, seat: &Arc<Seat>, drain: CancellationToken) -> io::Result<()> {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().event_interval(ROUND).build()?;
        let worker = Arc::new(Worker {
            seat: Arc::clone(seat),
            ids: Arc::new(RequestIds::new()),
            drain,
            shares: self.commons.shares().clone(),
            greetings: Rounds::of(GREETED_AT_ONCE),
            closings: Rounds::of(CLOSED_AT_ONCE),
            https_port: self.https.first().map_or(443, SocketAddr::port),
        });
        runtime.block_on(worker.run(sockets))
    }
}

impl std::fmt::Debug for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edge")
            .field("https", &self.https)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

/// Checks what [`Edge::bind`] would find wrong with keys and certificates, without making or binding anything, and warns of those that
/// end soon: within three weeks of `now`, or in the last quarter of a shorter life.
#[must_use]
pub fn check(config: &Config, now: SystemTime) -> Diagnostics {
    let found = config.tenants.iter().filter_map(|tenant| {
        Some(match served::check(tenant, now) {
            Err(problem) => config.diagnose(&tenant.id, problem),
            Ok(warning) => config.diagnose(&tenant.id, warning?).warning(),
        })
    });
    let keys = keys::check(&config.vendor.keys, &config.vendor.state);
    let keys = keys.into_iter().map(|problem| config.diagnose_vendor(problem));
    keys.chain(found).collect()
}

/// Why the edge does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something in the files is wrong.
    #[error(transparent)]
    Configuration(#[from] Diagnostics),
    /// The state directory cannot be made.
    #[error("the state directory {path}: {error}")]
    State {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The last good files cannot be kept.
    #[error(transparent)]
    LastGood(#[from] LastGoodError),
    /// The store that edges share cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
}

/// After so many tasks a worker looks for what has become ready on the network, instead of tokio's 61: in a rush of one tenant
/// the others' requests are seen four times as soon.
const ROUND: u32 = 16;

/// How often what was ended of sessions is written down.
const KEEP_SESSIONS: Duration = Duration::from_secs(1);

fn bind(
    address: SocketAddr,
    workers: &mut [Sockets],
    of: impl Fn(&mut Sockets) -> &mut Vec<std::net::TcpListener>,
) -> Result<SocketAddr, StartError> {
    let failed = |error| StartError::Listen { address, error };
    let listeners = listeners(address, workers.len()).map_err(failed)?;
    let bound = listeners[0].local_addr().map_err(failed)?;
    for (worker, listener) in workers.iter_mut().zip(listeners) {
        of(worker).push(listener);
    }
    Ok(bound)
}

fn cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
