//! One worker: accept, shake hands, serve.

use std::io;
use std::sync::Arc;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::relay::Routes;
use crate::tls::HTTP_2;

/// Serves connections until the process ends. A failed handshake or connection is its own affair.
///
/// # Errors
///
/// When the listener cannot be handed to the runtime.
pub(crate) async fn serve(
    listener: std::net::TcpListener,
    tls: Arc<rustls::ServerConfig>,
    routes: Routes,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let acceptor = TlsAcceptor::from(tls);
    let routes = Arc::new(routes);
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let (acceptor, routes) = (acceptor.clone(), Arc::clone(&routes));
            tokio::spawn(async move { connection(stream, acceptor, routes).await.ok() });
        }
    }
}

async fn connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    routes: Arc<Routes>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let stream = acceptor.accept(stream).await?;
    let is_http_2 = stream.get_ref().1.alpn_protocol() == Some(HTTP_2);
    let service = service_fn(move |request| {
        let routes = Arc::clone(&routes);
        async move { routes.relay(request).await }
    });
    if is_http_2 {
        http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), service)
            .await?;
    } else {
        http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await?;
    }
    Ok(())
}
