//! HTTP on a connection, with an end to everything: a client that says nothing, a client that falls silent, a drain.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::HttpService;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rempart_tls::Protocol;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::Body;
use crate::coalesce::{Coalesced, Coalescing};
use crate::front::Front;

/// Why a connection ended before its time. Only for the log.
pub(crate) type Ended = Box<dyn std::error::Error + Send + Sync>;

/// What ends a connection from our side.
pub(crate) struct Deadlines {
    /// How many requests have begun.
    pub(crate) requests: Arc<AtomicU64>,
    /// Cancelled when the edge is to end.
    pub(crate) drain: CancellationToken,
}

/// Serves one connection over the protocol that its handshake agreed on (RFC 7301).
pub(crate) async fn secure(
    stream: TlsStream<TcpStream>,
    protocol: Protocol,
    front: Front,
    deadlines: Deadlines,
) -> Result<(), Ended> {
    match protocol {
        Protocol::Http2 => drive(http_2(stream, front), deadlines).await,
        Protocol::Http11 => drive(http_1(stream, front), deadlines).await,
    }
}

/// Serves one connection that only gets redirected: one request, then it closes.
pub(crate) async fn plain<S>(stream: TcpStream, service: S, drain: CancellationToken) -> Result<(), Ended>
where
    S: HttpService<hyper::body::Incoming, ResBody = Body, Error = std::convert::Infallible>,
{
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(FIRST_REQUEST)
        .keep_alive(false)
        .max_headers(MAX_HEADERS);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        ended = connection => Ok(ended?),
        () = drain.cancelled() => Ok(()),
    }
}

type Http1 = http1::UpgradeableConnection<TokioIo<TlsStream<TcpStream>>, Front>;
type Http2 = http2::Connection<TokioIo<Coalesced<TlsStream<TcpStream>>>, Front, TokioExecutor>;

fn http_1(stream: TlsStream<TcpStream>, front: Front) -> Http1 {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // From the end of one request to the end of the next one's head: slow heads and idle connections alike.
        .header_read_timeout(IDLE)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD);
    builder.serve_connection(TokioIo::new(stream), front).with_upgrades()
}

fn http_2(stream: TlsStream<TcpStream>, front: Front) -> Coalescing<Http2, TlsStream<TcpStream>> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PONG)
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_LIST)
        .max_send_buf_size(SEND_BUFFER);
    Coalescing::new(stream, |stream| builder.serve_connection(TokioIo::new(stream), front))
}

/// Lets a connection run to its end; ends it when no request came at first, when none has come for long, and on drain.
async fn drive<C>(connection: C, deadlines: Deadlines) -> Result<(), Ended>
where
    C: Graceful + Future<Output = Result<(), hyper::Error>>,
{
    let Deadlines { requests, drain } = deadlines;
    let (mut connection, mut drained) = (pin!(connection), pin!(drain.cancelled()));
    let mut watch = pin!(sleep(FIRST_REQUEST));
    let (mut seen, mut leaving) = (0, false);
    std::future::poll_fn(|cx| {
        loop {
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                return Poll::Ready(ended.map_err(Ended::from));
            }
            if leaving {
                return Poll::Pending;
            }
            let quiet = watch.as_mut().poll(cx).is_ready();
            let now = requests.load(Ordering::Relaxed);
            if quiet && now == 0 {
                return Poll::Ready(Err("no request came".into()));
            }
            if drained.as_mut().poll(cx).is_ready() || (quiet && now == seen) {
                leaving = true;
                connection.as_mut().leave();
            } else if quiet {
                seen = now;
                watch.as_mut().reset(Instant::now() + IDLE);
            } else {
                return Poll::Pending;
            }
        }
    })
    .await
}

/// Both of hyper's connections can be asked to finish what they have begun and take nothing new.
trait Graceful {
    fn leave(self: Pin<&mut Self>);
}

impl Graceful for Http1 {
    fn leave(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl Graceful for Coalescing<Http2, TlsStream<TcpStream>> {
    fn leave(self: Pin<&mut Self>) {
        self.connection().graceful_shutdown();
    }
}

/// A client that has shaken hands has this long to begin its first request.
const FIRST_REQUEST: Duration = Duration::from_secs(10);

/// A connection without a new request for this long is asked to end; answers that are still on their way arrive.
const IDLE: Duration = Duration::from_secs(60);

/// How often a silent HTTP/2 client is asked whether it is still there, and how long it may take to answer.
const PING: Duration = Duration::from_secs(30);
const PONG: Duration = Duration::from_secs(10);

/// Fields in a request's head.
const MAX_HEADERS: usize = 100;

/// Bytes of an HTTP/1.1 request's head, and of hyper's buffer for writing answers.
const MAX_HEAD: usize = 64 * 1024;

/// Bytes of an HTTP/2 request's fields, uncompressed, as RFC 9113 section 6.5.2 counts them.
const MAX_HEADER_LIST: u32 = 32 * 1024;

/// Requests at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;

/// Bytes held per HTTP/2 stream for a client that reads slowly.
const SEND_BUFFER: usize = 64 * 1024;
