//! `rempart run`.

use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use rempart_config::Source;
use rempart_control::{Administration, BindError, Listeners, Server};
use rempart_guard::DecisionSink;
use rempart_proxy::{Control, Edge, StartError};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::cli::Run;
use crate::decisions::DecisionLog;
use crate::{reload, signals, watch};

/// Serves until a signal; whatever stops it from starting is said on standard error, and the status is 1.
pub(crate) fn run(arguments: &Run, log: &str) -> ExitCode {
    match init_log(log).and_then(|()| serve(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn serve(arguments: &Run) -> Result<(), Failure> {
    let edge = start(&arguments.config, std::env::vars(), Arc::new(DecisionLog::tracing()?))?;
    let drain = signals::drain()?;
    signals::reload_at_hang_up(edge.control())?;
    let _asked = administer(&edge, &drain)?;
    if edge.control().vendor().watch {
        watch::watch(edge.control())?;
    }
    reload::say_standing(edge.control());
    for address in edge.https() {
        tracing::info!(%address, workers = edge.workers(), "serving HTTPS");
    }
    for address in edge.http() {
        tracing::info!(%address, "redirecting HTTP");
    }
    if let Some(ca) = edge.development_ca() {
        tracing::warn!(ca = %ca.display(), "development certificates: no browser trusts them");
    }
    remember(edge.control())?;
    edge.run(&drain)?;
    tracing::info!("ended");
    Ok(())
}

/// Reads a configuration and binds the edge. Diagnostics name files as a person can open them from here.
pub(crate) fn start(
    directory: &Path,
    environment: impl IntoIterator<Item = (String, String)>,
    sink: Arc<dyn DecisionSink>,
) -> Result<Edge, StartError> {
    Edge::bind(Source::new(directory, environment), sink).map_err(|error| match error {
        StartError::Configuration(diagnostics) => diagnostics.under(directory).into(),
        error => error,
    })
}

/// Lets the edge be asked: `rempart reload`, `rempart tenant list`, scrapers. Ends when what it gives is dropped.
pub(crate) fn administer(edge: &Edge, drain: &CancellationToken) -> Result<Server, Failure> {
    let control = edge.control();
    let listeners = Listeners::bind(&control.vendor())?;
    tracing::info!(socket = %listeners.socket().display(), "administration socket");
    if let Some(address) = listeners.metrics() {
        tracing::info!(%address, "serving metrics");
    }
    let administration = Administration::new(control.clone(), drain.clone());
    let administration = administration.reloading(|control, scope| reload::reload(control, scope, "rempart reload"));
    Ok(Server::start(listeners, administration)?)
}

/// Keeps the last good files, beside the serving: with many tenants that takes longer than a visitor waits.
fn remember(control: &Control) -> std::io::Result<()> {
    let control = control.clone();
    let remembering = thread::Builder::new().name("last-good".into());
    remembering.spawn(move || control.remember()).map(drop)
}

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The edge did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It could not be asked anything.
    #[error(transparent)]
    Administration(#[from] BindError),
    /// The system refused something.
    #[error(transparent)]
    System(#[from] std::io::Error),
    /// The filter of `--log` is none.
    #[error("--log {0:?}: {1}")]
    Log(String, tracing_subscriber::filter::ParseError),
}

/// Says it on standard error, and gives the status.
#[expect(
    clippy::print_stderr,
    reason = "the log may not be there yet, and a person is waiting"
)]
pub(crate) fn fail(error: &Failure) -> ExitCode {
    match error {
        // Diagnostics come with their own `error[code]` lines.
        Failure::Start(StartError::Configuration(diagnostics)) => eprintln!("{diagnostics}"),
        error => eprintln!("error: {error}"),
    }
    ExitCode::FAILURE
}

/// Logs to standard error, in colour when somebody is looking.
pub(crate) fn init_log(filter: &str) -> Result<(), Failure> {
    let parsed = EnvFilter::try_new(filter).map_err(|error| Failure::Log(filter.to_owned(), error))?;
    let colour = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(parsed)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .init();
    Ok(())
}
