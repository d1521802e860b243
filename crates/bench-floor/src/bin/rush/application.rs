//! An application of the old kind: it reads a request to its end, works for a while, and answers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::BoxError;

/// The length of every page.
pub(crate) const PAGE: usize = 1024;

/// Serves until the process ends.
pub(crate) async fn serve(listen: SocketAddr, delay: Duration) -> Result<(), BoxError> {
    let listener = TcpListener::bind(listen).await?;
    let page = Bytes::from(vec![b'x'; PAGE]);
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(connection(stream, page.clone(), delay));
    }
}

async fn connection(stream: TcpStream, page: Bytes, delay: Duration) -> Result<(), BoxError> {
    stream.set_nodelay(true)?;
    let service = service_fn(move |request| answer(request, page.clone(), delay));
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await?;
    Ok(())
}

async fn answer(request: Request<Incoming>, page: Bytes, delay: Duration) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut body = request.into_body();
    while let Some(Ok(_)) = body.frame().await {}
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    Ok(Response::new(Full::new(page)))
}
