//! Remembers what a client says first, since rustls shows a ClientHello without the list of its extensions.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream of which the first bytes that are read are kept, as long as this stands between it and its reader.
pub(crate) struct Overheard<IO> {
    pub(crate) stream: IO,
    /// At most [`MOST`] bytes.
    pub(crate) said: Vec<u8>,
}

impl<IO> Overheard<IO> {
    pub(crate) const fn new(stream: IO) -> Self {
        Self {
            stream,
            said: Vec::new(),
        }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Overheard<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buffer))?;
        let new = buffer.filled().get(before..).unwrap_or_default();
        let room = MOST.saturating_sub(this.said.len()).min(new.len());
        this.said.extend_from_slice(&new[..room]);
        Poll::Ready(Ok(()))
    }
}

/// Only an alert is written before the ClientHello is complete.
impl<IO: AsyncWrite + Unpin> AsyncWrite for Overheard<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// What rustls holds of a ClientHello that is not complete, at most: beyond it, rustls refuses before this matters.
const MOST: usize = 0xffff;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn what_is_read_is_kept_in_order_and_only_so_much_of_it() {
        let (mut theirs, ours) = tokio::io::duplex(1000);
        let mut overheard = Overheard::new(ours);
        let all: Vec<u8> = (0..200_000_u32).map(|number| number.to_be_bytes()[3]).collect();
        let sent = all.clone();
        let client = tokio::spawn(async move { theirs.write_all(&sent).await });
        let mut read = Vec::new();
        overheard.read_to_end(&mut read).await.unwrap();
        client.await.unwrap().unwrap();
        assert!(read == all && overheard.said == all[..MOST]);
    }

    #[tokio::test]
    async fn what_is_written_goes_through() {
        let (mut theirs, ours) = tokio::io::duplex(1000);
        let mut overheard = Overheard::new(ours);
        overheard.write_all(b"alert").await.unwrap();
        overheard.shutdown().await.unwrap();
        let mut read = Vec::new();
        theirs.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, b"alert");
        assert!(overheard.said.is_empty());
    }
}
