//! One worker's idle connections to one upstream.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Connections that wait for their next request, the last used on top.
///
/// The mutex is never contended: a pool belongs to one thread. It is there because hyper's HTTP/2
/// server asks for futures that could be sent.
#[derive(Clone)]
pub(crate) struct Pool {
    upstream: SocketAddr,
    idle: Arc<Mutex<Vec<SendRequest<Incoming>>>>,
}

impl Pool {
    pub(crate) fn new(upstream: SocketAddr) -> Self {
        Self {
            upstream,
            idle: Arc::default(),
        }
    }

    /// Sends the request over an idle connection, or a new one, and answers with a body that gives
    /// the connection back at its end.
    ///
    /// # Errors
    ///
    /// Those of connecting and of the exchange. A request that a closed connection gave back
    /// unsent is tried on the next.
    pub(crate) async fn send(&self, mut request: Request<Incoming>) -> Result<Response<Pooled>, BoxError> {
        loop {
            let mut connection = self.connection().await?;
            match connection.try_send_request(request).await {
                Ok(response) => return Ok(self.lend(connection, response)),
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(failed.into_error().into()),
                },
            }
        }
    }

    async fn connection(&self) -> Result<SendRequest<Incoming>, BoxError> {
        while let Some(mut idle) = self.pop() {
            if idle.ready().await.is_ok() {
                return Ok(idle);
            }
        }
        Ok(self.connect().await?)
    }

    async fn connect(&self) -> io::Result<SendRequest<Incoming>> {
        let stream = TcpStream::connect(self.upstream).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(READ_BUFFER)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        tokio::spawn(connection);
        Ok(sender)
    }

    fn lend(&self, connection: SendRequest<Incoming>, response: Response<Incoming>) -> Response<Pooled> {
        response.map(|body| {
            let mut pooled = Pooled {
                body,
                lent: Some((self.clone(), connection)),
            };
            pooled.give_back_at_the_end();
            pooled
        })
    }

    fn pop(&self) -> Option<SendRequest<Incoming>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn push(&self, connection: SendRequest<Incoming>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(connection);
    }
}

/// A response body that holds its connection until the last byte. Dropped earlier, it closes the
/// connection: what is left of the body would otherwise be read as the next answer.
pub(crate) struct Pooled {
    body: Incoming,
    lent: Option<(Pool, SendRequest<Incoming>)>,
}

impl Pooled {
    fn give_back_at_the_end(&mut self) {
        if self.body.is_end_stream()
            && let Some((pool, connection)) = self.lent.take()
        {
            pool.push(connection);
        }
    }
}

impl Body for Pooled {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(Ok(_)) => self.give_back_at_the_end(),
            Some(Err(_)) => self.lent = None,
            None => {
                if let Some((pool, connection)) = self.lent.take() {
                    pool.push(connection);
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// How much is read from the upstream at once, at most: 16 KiB costs bulk bodies 40 to 95 % more.
const READ_BUFFER: usize = 128 * 1024;
