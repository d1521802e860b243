use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use rempart_config::{Config, Diagnostics};
use rempart_guard::{DecisionSink, Reporter, RequestIds};
use rempart_tenant::{KeyRing, KeyRingError, Tenant, Tenants};
use rempart_tls::Sites;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::certificates;
use crate::listen::listeners;
use crate::pool::Pool;
use crate::shared::Shared;
use crate::stack::Controls;
use crate::tunnel::Tunnels;
use crate::upstream::Upstream;
use crate::worker::{Sockets, Worker};

/// The edge, ready to serve: its configuration is whole, its certificates are checked and its sockets are bound.
pub struct Edge {
    config: Config,
    tenants: Tenants,
    controls: Vec<Controls>,
    sites: Arc<Sites<Tenant>>,
    development_ca: Option<PathBuf>,
    reporter: Reporter,
    sockets: Vec<Sockets>,
    https: Vec<SocketAddr>,
    http: Vec<SocketAddr>,
}

impl Edge {
    /// Builds every tenant's controls, checks its certificate, and binds the listeners. Decisions go to `sink`.
    ///
    /// # Errors
    ///
    /// What is wrong with a certificate, with file, line and column; the vendor's secret; an address that cannot be had.
    pub fn bind(config: Config, sink: Arc<dyn DecisionSink>) -> Result<Self, StartError> {
        let state = |error| StartError::State {
            path: config.state.clone(),
            error,
        };
        std::fs::create_dir_all(&config.state).map_err(state)?;
        let ring = KeyRing::open_or_create(&config.state.join(ROOT_KEY))?;
        let tenants = config.tenants();
        let certificates = certificates::load(&config, &tenants)?;
        let controls = controls(&config, &ring, &sink)?;
        let workers = config.listen.workers.map_or_else(cores, NonZeroUsize::get);
        let mut sockets: Vec<Sockets> = (0..workers).map(|_| Sockets::default()).collect();
        let (mut https, mut http) = (Vec::new(), Vec::new());
        for address in &config.listen.https {
            https.push(bind(*address, &mut sockets, |sockets| &mut sockets.https)?);
        }
        for address in &config.listen.http {
            http.push(bind(*address, &mut sockets, |sockets| &mut sockets.http)?);
        }
        Ok(Self {
            tenants,
            controls,
            sites: Arc::new(certificates.sites),
            development_ca: certificates.development_ca,
            reporter: Reporter::front(sink),
            sockets,
            https,
            http,
            config,
        })
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
        self.sockets.len()
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
            for (number, sockets) in sockets.into_iter().enumerate() {
                let drain = drain.clone();
                let builder = thread::Builder::new().name(format!("worker-{number}"));
                threads.push(builder.spawn_scoped(scope, move || edge.work(sockets, drain))?);
            }
            threads.into_iter().try_for_each(|thread| match thread.join() {
                Ok(ended) => ended,
                Err(_) => Err(io::Error::other("a worker panicked")),
            })
        })
    }

    /// One worker's whole life.
    fn work(&self, sockets: Sockets, drain: CancellationToken) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let tasks = TaskTracker::new();
        let pools: Vec<_> = self
            .config
            .tenants
            .iter()
            .map(|tenant| Arc::new(Pool::new(tenant.upstream.clone())))
            .collect();
        let stacks = self.controls.iter().zip(&pools).map(|(controls, pool)| {
            let tunnels = Tunnels::new(tasks.clone());
            controls.stack(Upstream::new(Arc::clone(pool), controls.reporter().clone(), tunnels))
        });
        let stacks = stacks.collect();
        let worker = Arc::new(Worker {
            shared: Arc::new(Shared {
                tenants: self.tenants.clone(),
                trusted_proxies: self.config.trusted_proxies.clone(),
                reporter: self.reporter.clone(),
            }),
            ids: Arc::new(RequestIds::new()),
            sites: Arc::clone(&self.sites),
            stacks,
            pools,
            hardening: self.controls.iter().map(Controls::hardening).collect(),
            tasks: tasks.clone(),
            drain,
            https_port: self.https.first().map_or(443, SocketAddr::port),
        });
        runtime.block_on(worker.run(sockets, self.config.drain))
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
    /// The vendor's secret cannot be had.
    #[error(transparent)]
    Keys(#[from] KeyRingError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
}

/// The vendor's root secret, in the state directory.
const ROOT_KEY: &str = "root.key";

/// Every tenant's controls, or everything that is wrong with any of them.
fn controls(config: &Config, ring: &KeyRing, sink: &Arc<dyn DecisionSink>) -> Result<Vec<Controls>, Diagnostics> {
    let (mut controls, mut wrong) = (Vec::new(), Vec::new());
    for tenant in &config.tenants {
        let reporter = Reporter::new(tenant.id.clone(), Arc::clone(sink));
        match Controls::new(tenant, &ring.tenant(&tenant.id), reporter) {
            Ok(built) => controls.push(built),
            Err(problems) => {
                let diagnose = |problem: rempart_guard::Problem| config.diagnose(&tenant.id, problem.under("cookies"));
                wrong.extend(problems.into_iter().map(diagnose));
            }
        }
    }
    if wrong.is_empty() {
        Ok(controls)
    } else {
        Err(wrong.into_iter().collect())
    }
}

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

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}
