//! The least a proxy can do: terminate TLS 1.3, route by host, forward, and nothing else.
//!
//! `cargo xtask bench edge` runs this next to the edge. What the edge costs above it is the price
//! of hardening; so this program must be as fast as hyper and rustls reasonably go, and must never
//! learn a feature. It trusts its clients and its upstreams: it is a yardstick, not a server.

mod listen;
mod pool;
mod relay;
mod serve;
mod tls;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::{io, thread};

use clap::Parser;

use crate::relay::Routes;

/// A bare TLS 1.3 reverse proxy: the floor that the edge is measured against.
#[derive(Parser)]
struct Arguments {
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// How many workers: each one thread, one runtime, one listener and one upstream pool.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// The certificate chain for all hosts, as PEM.
    #[arg(long)]
    certificate: PathBuf,
    /// Its private key, as PEM.
    #[arg(long)]
    key: PathBuf,
    /// One `host=address:port` for each host.
    #[arg(required = true, value_parser = parse_route)]
    routes: Vec<(String, SocketAddr)>,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error),
    }
}

fn run(arguments: Arguments) -> io::Result<()> {
    let tls = tls::server_config(&arguments.certificate, &arguments.key)?;
    let routes: HashMap<_, _> = arguments.routes.into_iter().collect();
    let workers: Vec<_> = (0..arguments.workers.max(1))
        .map(|_| {
            let listener = listen::reuse_port(arguments.listen)?;
            let (tls, routes) = (Arc::clone(&tls), routes.clone());
            Ok(thread::spawn(move || worker(listener, tls, routes)))
        })
        .collect::<io::Result<_>>()?;
    for worker in workers {
        worker.join().map_err(|_| io::Error::other("a worker panicked"))??;
    }
    Ok(())
}

fn worker(
    listener: std::net::TcpListener,
    tls: Arc<rustls::ServerConfig>,
    routes: HashMap<String, SocketAddr>,
) -> io::Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(serve::serve(listener, tls, Routes::new(routes)))
}

fn parse_route(text: &str) -> Result<(String, SocketAddr), String> {
    let (host, address) = text.split_once('=').ok_or("write it as host=address:port")?;
    let address = address.parse().map_err(|error| format!("{address}: {error}"))?;
    Ok((host.to_ascii_lowercase(), address))
}

#[expect(clippy::print_stderr, reason = "the one message of a command-line program")]
fn complain(error: &io::Error) -> ExitCode {
    eprintln!("rempart-bench-floor: {error}");
    ExitCode::FAILURE
}
