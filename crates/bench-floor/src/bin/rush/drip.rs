//! The body of a request: none, or one that comes a byte at a time.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

/// A body of so many bytes, the first at once and each other after a pause.
pub(crate) struct Drip {
    left: u64,
    pause: Duration,
    next: Option<Pin<Box<Sleep>>>,
}

impl Drip {
    /// No body.
    pub(crate) const fn nothing() -> Self {
        Self::new(0, Duration::ZERO)
    }

    pub(crate) const fn new(left: u64, pause: Duration) -> Self {
        Self {
            left,
            pause,
            next: None,
        }
    }
}

impl Body for Drip {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let pause = self.pause;
        let next = self.next.get_or_insert_with(|| Box::pin(sleep(Duration::ZERO)));
        ready!(next.as_mut().poll(cx));
        next.as_mut().reset(Instant::now() + pause);
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
