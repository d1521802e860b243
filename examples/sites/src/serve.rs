//! The sockets: plain HTTP/1.1 on one listener, as the application servers these sites imitate.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinSet, spawn_blocking};
use tower::ServiceExt as _;

use crate::{Options, Site};

/// Who is at the other end of the connection: with an edge in front, the edge. An extension of every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Serves `site` on `listener` until dropped; dropping it closes every connection.
///
/// The site makes its data first (the daycare's first start takes a few seconds); connections wait meanwhile.
///
/// # Errors
/// When the data directory cannot be used. It does not end otherwise.
pub async fn serve(site: Site, listener: TcpListener, data: &Path) -> io::Result<()> {
    serve_with(site, listener, data, &Options::default()).await
}

/// As [`serve`], with options.
///
/// # Errors
/// When the data directory cannot be used.
pub async fn serve_with(site: Site, listener: TcpListener, data: &Path, options: &Options) -> io::Result<()> {
    let (data, options) = (data.to_path_buf(), options.clone());
    let made = spawn_blocking(move || site.router(&data, &options)).await;
    accept(listener, made.map_err(io::Error::other)??).await
}

async fn accept(listener: TcpListener, router: Router) -> io::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok((stream, peer)) => { connections.spawn(connection(stream, peer, router.clone())); }
                // Out of file descriptors, most likely: wait for one to be given back.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, router: Router) {
    // Without it small answers wait for the client's delayed acknowledgement; failing to set it only costs time.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        let router = router.clone();
        async move {
            Ok::<_, Infallible>(
                router
                    .oneshot(request.map(Body::new))
                    .await
                    .unwrap_or_else(|never| match never {}),
            )
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .title_case_headers(true);
    // A connection that ends in an error concerns nobody but its peer, who knows.
    let _ = http
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
}

const MOST_CONNECTIONS: usize = 4096;

/// Longer than any reasonable edge keeps an idle connection in its pool, so that the edge is the one to close.
const IDLE: Duration = Duration::from_secs(120);
