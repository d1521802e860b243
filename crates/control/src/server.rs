use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::runtime::Runtime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::administration::Administration;
use crate::routes::Entrance;
use crate::socket::{ControlSocket, Listeners};

/// Answers what comes in through some [`Listeners`], on a thread of its own, until it is dropped.
#[derive(Debug)]
pub struct Server {
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
    /// Removes its file when it is dropped, after the thread has ended.
    _socket: ControlSocket,
}

impl Server {
    /// Begins to answer.
    ///
    /// # Errors
    ///
    /// A thread or a runtime that the system does not give.
    pub fn start(listeners: Listeners, administration: Administration) -> io::Result<Self> {
        let Listeners { socket, scrapers } = listeners;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(2 * MOST_CONNECTIONS)
            .build()?;
        let doors = Doors::open(&runtime, socket.listener.try_clone()?, scrapers)?;
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let thread = thread::Builder::new().name("control".into()).spawn(move || {
            runtime.block_on(stopped.run_until_cancelled(doors.answer(administration)));
            // A reload that is under way has its time; what it was asked through is closed.
            runtime.shutdown_timeout(Duration::from_secs(1));
        })?;
        Ok(Self {
            stop,
            thread: Some(thread),
            _socket: socket,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic there was told by the panic hook, and ends nothing here.
            let _ = thread.join();
        }
    }
}

/// The listeners, in a runtime.
struct Doors {
    socket: tokio::net::UnixListener,
    scrapers: Option<tokio::net::TcpListener>,
    /// The account that this process runs as.
    own: u32,
}

impl Doors {
    fn open(runtime: &Runtime, socket: UnixListener, scrapers: Option<TcpListener>) -> io::Result<Self> {
        let _inside = runtime.enter();
        socket.set_nonblocking(true)?;
        let tokio = |listener: TcpListener| {
            listener.set_nonblocking(true)?;
            tokio::net::TcpListener::from_std(listener)
        };
        Ok(Self {
            socket: tokio::net::UnixListener::from_std(socket)?,
            scrapers: scrapers.map(tokio).transpose()?,
            own: UnixStream::pair()?.0.peer_cred()?.uid(),
        })
    }

    /// Never ends by itself.
    async fn answer(self, administration: Administration) {
        let own = self.own;
        let socket = accept(
            async || self.socket.accept().await.map(|(stream, _)| stream),
            |stream, place| admit(stream, own, &administration, place),
        );
        match &self.scrapers {
            None => socket.await,
            Some(scrapers) => {
                let scrapers = accept(
                    async || scrapers.accept().await.map(|(stream, _)| stream),
                    |stream, place| spawn(stream, Entrance::Scrapers, &administration, place),
                );
                tokio::join!(socket, scrapers);
            }
        }
    }
}

/// Takes connections, a bounded number at a time: others wait in the system's queue.
async fn accept<S>(next: impl AsyncFn() -> io::Result<S>, take: impl Fn(S, OwnedSemaphorePermit)) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        match next().await {
            Ok(stream) => take(stream, place),
            Err(error) => {
                tracing::warn!(%error, "a connection to the administration socket was lost");
                // Out of descriptors, most likely: trying again at once would only burn time.
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Answers root and the edge's own account; the file's mode keeps the others out already, unless somebody changed it.
fn admit(stream: UnixStream, own: u32, administration: &Administration, place: OwnedSemaphorePermit) {
    match stream.peer_cred().map(|peer| peer.uid()) {
        Ok(peer) if is_admitted(peer, own) => spawn(stream, Entrance::Socket, administration, place),
        Ok(peer) => {
            tracing::warn!(
                uid = peer,
                "another account asked the administration socket, and was refused"
            );
            // Into an empty buffer: it fits, or the stranger gets nothing.
            let _ = stream.try_write(STRANGER);
        }
        Err(error) => tracing::warn!(%error, "somebody unknown asked the administration socket, and was refused"),
    }
}

const fn is_admitted(peer: u32, own: u32) -> bool {
    peer == own || peer == 0
}

/// Each connection is asked once, and ends: nobody who asks does it so often that more would pay.
fn spawn(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    entrance: Entrance,
    administration: &Administration,
    place: OwnedSemaphorePermit,
) {
    let administration = administration.clone();
    tokio::spawn(async move {
        let service = service_fn(|request| {
            let administration = administration.clone();
            async move { Ok::<_, Infallible>(administration.answer(request, entrance).await) }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(HEAD_DEADLINE)
            .max_buf_size(LARGEST_HEAD)
            .keep_alive(false);
        let served = timeout(deadline(entrance), http.serve_connection(TokioIo::new(stream), service));
        if let Ok(Err(error)) = served.await {
            tracing::debug!(%error, "a connection to the administration socket ended early");
        }
        drop(place);
    });
}

/// How long a connection may last. A reload of ten thousand tenants takes a while; a scrape does not.
const fn deadline(entrance: Entrance) -> Duration {
    match entrance {
        Entrance::Socket => Duration::from_secs(600),
        Entrance::Scrapers => Duration::from_secs(30),
    }
}

/// At each of the two entrances.
const MOST_CONNECTIONS: usize = 32;
const HEAD_DEADLINE: Duration = Duration::from_secs(10);
const LARGEST_HEAD: usize = 16 << 10;

const STRANGER: &[u8] = b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/problem+json\r\nContent-Length: 174\r\n\
    Connection: close\r\n\r\n{\"type\":\"about:blank\",\"title\":\"Forbidden\",\"status\":403,\"code\":\"peer_refused\",\
    \"detail\":\"only root and the account that the edge runs as may ask here: run this as one of them\"}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_the_own_account_are_admitted_and_nobody_else() {
        assert!(is_admitted(0, 990) && is_admitted(990, 990) && is_admitted(0, 0));
        assert!(!is_admitted(1_000, 990) && !is_admitted(65_534, 0));
    }

    #[test]
    fn the_answer_to_a_stranger_is_as_long_as_it_says() {
        let text = std::str::from_utf8(STRANGER).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("Content-Length: {}\r\n", body.len())),
            "{}",
            body.len()
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(body).unwrap()["code"],
            "peer_refused"
        );
    }
}
