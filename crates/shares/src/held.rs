use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::Permit;

pin_project! {
    /// A body that holds a permit until its end: a client that reads slowly uses its tenant's share for as long as it does.
    #[derive(Debug)]
    pub struct Held<B> {
        #[pin]
        body: B,
        permit: Option<Permit>,
    }
}

impl<B> Held<B> {
    /// Holds a permit, if there is one.
    pub const fn new(body: B, permit: Option<Permit>) -> Self {
        Self { body, permit }
    }

    /// The body, and the permit for whoever holds it in another way.
    pub fn into_parts(self) -> (B, Option<Permit>) {
        (self.body, self.permit)
    }
}

impl<B: From<Bytes>> From<Bytes> for Held<B> {
    fn from(bytes: Bytes) -> Self {
        Self::new(bytes.into(), None)
    }
}

impl<B: Body> Body for Held<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.body.as_mut().poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) || this.body.is_end_stream() {
            *this.permit = None;
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
