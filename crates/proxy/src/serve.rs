//! HTTP on a connection, with an end to everything: a client that says nothing, a client that falls silent, a drain.

use std::pin::{Pin, pin};
use std::sync::Arc;
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
use crate::activity::Activity;
use crate::coalesce::{Coalesced, Coalescing};
use crate::front::Front;
use crate::rounds::Rounds;

/// Why a connection ended before its time. Only for the log.
pub(crate) type Ended = Box<dyn std::error::Error + Send + Sync>;

/// What ends a connection from our side.
pub(crate) struct Deadlines {
    /// What the connection is doing.
    pub(crate) activity: Arc<Activity>,
    /// Cancelled when the edge is to end.
    pub(crate) drain: CancellationToken,
    /// When there are too many at once to close them all in one go.
    pub(crate) closings: Rounds,
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
    builder.max_headers(MAX_HEADERS).max_buf_size(MAX_HEAD);
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

/// Lets a connection run to its end. Ends it when no request came at first; asks it to end when none has come for long, when
/// its tenant is gone, and on drain; and then ends it as soon as a look finds nothing in flight.
///
/// One timer a connection, not one a request: hyper's own limit for reading a head costs an allocation and a timer for each.
async fn drive<C>(connection: C, deadlines: Deadlines) -> Result<(), Ended>
where
    C: Graceful + Future<Output = Result<(), hyper::Error>>,
{
    let Deadlines {
        activity,
        drain,
        closings,
    } = deadlines;
    let (mut connection, mut drained) = (pin!(connection), pin!(drain.cancelled()));
    let mut watch = pin!(sleep(FIRST_REQUEST));
    let (mut seen, mut leaving) = (0, false);
    let ended = std::future::poll_fn(|cx| {
        loop {
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                return Poll::Ready(ended.map_err(Ended::from));
            }
            let looks = watch.as_mut().poll(cx).is_ready();
            let begun = activity.begun();
            if looks && (begun == 0 || (leaving && activity.is_idle())) {
                return Poll::Ready(Err("no request came".into()));
            }
            let mut asked = || drained.as_mut().poll(cx).is_ready() || activity.is_outdated();
            if !leaving && (asked() || (looks && begun == seen)) {
                leaving = true;
                connection.as_mut().leave();
                watch.as_mut().reset(Instant::now() + FAREWELL);
            } else if looks {
                seen = begun;
                watch
                    .as_mut()
                    .reset(Instant::now() + if leaving { FAREWELL } else { IDLE });
            } else {
                return Poll::Pending;
            }
        }
    });
    let ended = ended.await;
    // Its buffers, its session's keys and its socket go when this returns.
    closings.turn().await;
    ended
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

/// A look finds a connection without a new request since the last one, so long ago: it is asked to end, and answers that are
/// still on their way arrive. A request's head that is dripped in ends with its connection.
const IDLE: Duration = Duration::from_secs(60);

/// How long a connection that was asked to end may take to do so with nothing in flight; how often that is looked at.
const FAREWELL: Duration = Duration::from_secs(5);

/// How often a silent HTTP/2 client is asked whether it is still there, and how long it may take to answer.
const PING: Duration = Duration::from_secs(30);
const PONG: Duration = Duration::from_secs(10);

/// Fields in a request's head.
const MAX_HEADERS: usize = 100;

/// Where hyper itself stops reading an HTTP/1.1 request's head, and the most it buffers of an answer. It is a round number
/// of reads and not exact; `front.rs` has the exact limit, which is lower.
const MAX_HEAD: usize = 64 * 1024;

/// Where h2 itself stops reading a request's fields; see [`MAX_HEAD`].
const MAX_HEADER_LIST: u32 = 64 * 1024;

/// Requests at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;

/// Bytes held per HTTP/2 stream for a client that reads slowly.
const SEND_BUFFER: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::task::Context;

    use super::*;
    use crate::activity::InFlight;

    /// A connection that never ends by itself, and not when it is asked to either.
    struct Stubborn(Arc<std::sync::atomic::AtomicBool>);

    impl Future for Stubborn {
        type Output = Result<(), hyper::Error>;

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
            Poll::Pending
        }
    }

    impl Graceful for Stubborn {
        fn leave(self: Pin<&mut Self>) {
            self.0.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    }

    /// Drives a stubborn connection, with what happens to it meanwhile; says after how many seconds it ended, and whether
    /// it was asked to before.
    async fn ended_after(activity: &Arc<Activity>, drain: CancellationToken, meanwhile: impl Future) -> (u64, bool) {
        let begun = Instant::now();
        let asked = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let deadlines = Deadlines {
            activity: Arc::clone(activity),
            drain,
            closings: Rounds::of(1),
        };
        let (ended, _) = tokio::join!(
            async {
                drive(Stubborn(Arc::clone(&asked)), deadlines)
                    .await
                    .map(|()| begun.elapsed())
                    .or_else(|_| Ok::<_, ()>(begun.elapsed()))
            },
            meanwhile,
        );
        (
            ended.unwrap().as_secs(),
            asked.load(std::sync::atomic::Ordering::Relaxed),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_asks_for_nothing_is_let_go() {
        let activity = Arc::default();
        assert_eq!(
            ended_after(&activity, CancellationToken::new(), async {}).await,
            (10, false)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_is_dripped_in_ends_with_its_connection() {
        let activity = Arc::default();
        drop(InFlight::begin(&activity));
        // Looked at after 10 s and 70 s, asked to end then, and gone 5 s later.
        assert_eq!(
            ended_after(&activity, CancellationToken::new(), async {}).await,
            (75, true)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_takes_an_hour_arrives() {
        let activity = Arc::default();
        let long = InFlight::begin(&activity);
        let hour = async move {
            sleep(Duration::from_secs(3_600)).await;
            drop(long);
        };
        let (seconds, asked) = ended_after(&activity, CancellationToken::new(), hour).await;
        assert!((3_600..=3_605).contains(&seconds) && asked, "{seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_asks_at_once_and_waits_for_what_is_in_flight() {
        let (activity, drain) = (Arc::default(), CancellationToken::new());
        let request = InFlight::begin(&activity);
        let stop = drain.clone();
        let meanwhile = async move {
            sleep(Duration::from_secs(3)).await;
            stop.cancel();
            sleep(Duration::from_secs(20)).await;
            drop(request);
        };
        let (seconds, asked) = ended_after(&activity, drain, meanwhile).await;
        assert!((23..=28).contains(&seconds) && asked, "{seconds}");
    }
}
