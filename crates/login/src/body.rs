//! A body of which the beginning has been read, and that is handed on as if it had not.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;

/// The body of a request or of an answer that has gone through a [`LoginGuarded`](crate::LoginGuarded): what was read of it
/// to decide, and the rest of it. Byte for byte what came.
pub struct LoginBody<B: Body> {
    read: VecDeque<Result<Frame<Bytes>, B::Error>>,
    rest: Option<B>,
}

impl<B: Body> LoginBody<B> {
    /// A body of which nothing has been read.
    pub const fn unread(body: B) -> Self {
        Self {
            read: VecDeque::new(),
            rest: Some(body),
        }
    }

    /// The body itself, when nothing has been read of it: most are, and need no wrapping.
    ///
    /// # Errors
    ///
    /// This one, when something has.
    pub fn into_unread(self) -> Result<B, Self> {
        match self {
            Self { read, rest: Some(body) } if read.is_empty() => Ok(body),
            other => Err(other),
        }
    }

    /// What has been read, in one piece.
    pub(crate) fn known(&self) -> Bytes {
        let mut pieces = self.pieces();
        match (pieces.next(), pieces.next()) {
            (None, _) => Bytes::new(),
            (Some(one), None) => one.clone(),
            _ => {
                let mut all = BytesMut::new();
                self.pieces().for_each(|piece| all.extend_from_slice(piece));
                all.freeze()
            }
        }
    }

    fn pieces(&self) -> impl Iterator<Item = &Bytes> {
        self.read.iter().filter_map(|frame| frame.as_ref().ok()?.data_ref())
    }

    fn length(&self) -> usize {
        self.pieces().map(Bytes::len).sum()
    }
}

impl<B: Body<Data = Bytes> + Unpin> LoginBody<B> {
    /// Reads until `enough` says so of a piece, until more than `most` bytes are there, or to the end.
    pub(crate) async fn read(&mut self, most: usize, mut enough: impl FnMut(&Bytes) -> bool) -> ReadTo {
        let mut length = self.length();
        loop {
            if length > most {
                return ReadTo::Bound;
            }
            let frame = match &mut self.rest {
                Some(rest) if !rest.is_end_stream() => rest.frame().await,
                _ => None,
            };
            let Some(frame) = frame else {
                self.rest = None;
                return ReadTo::End;
            };
            let data = frame.as_ref().ok().and_then(Frame::data_ref);
            length += data.map_or(0, Bytes::len);
            let stop = match (&frame, data) {
                (Err(_), _) => Some(ReadTo::Error),
                (_, Some(data)) if enough(data) => Some(ReadTo::Enough),
                _ => None,
            };
            self.read.push_back(frame);
            if let Some(stop) = stop {
                return stop;
            }
        }
    }
}

/// How far a body has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadTo {
    /// To its end.
    End,
    /// As far as was wanted.
    Enough,
    /// Further than it may be.
    Bound,
    /// To where it broke off.
    Error,
}

/// In one piece: what the guard says itself.
impl<B: Body> From<Bytes> for LoginBody<B> {
    fn from(bytes: Bytes) -> Self {
        Self {
            read: VecDeque::from([Ok(Frame::data(bytes))]),
            rest: None,
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for LoginBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        if let Some(frame) = this.read.pop_front() {
            return Poll::Ready(Some(frame));
        }
        let Some(rest) = &mut this.rest else {
            return Poll::Ready(None);
        };
        Poll::Ready(ready!(Pin::new(rest).poll_frame(cx)))
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let read = self.length() as u64;
        let rest = self
            .rest
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint);
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + read);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + read);
        }
        hint
    }
}

/// No body is polled where it stands here before it is pinned anew, and what was read of it is never pinned.
impl<B: Body + Unpin> Unpin for LoginBody<B> {}

impl<B: Body> fmt::Debug for LoginBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginBody")
            .field("read", &self.length())
            .field("has_rest", &self.rest.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::HeaderMap;

    use super::*;

    /// A body in pieces of its own choosing.
    struct Pieces(VecDeque<Frame<Bytes>>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.pop_front().map(Ok))
        }
    }

    fn body() -> LoginBody<Pieces> {
        let data = ["one", "two", "three"].map(|piece| Frame::data(Bytes::from(piece)));
        let trailers = Frame::trailers(HeaderMap::from_iter([("x-sum".parse().unwrap(), "1".parse().unwrap())]));
        LoginBody::unread(Pieces(data.into_iter().chain([trailers]).collect()))
    }

    #[tokio::test]
    async fn however_far_it_is_read_the_same_bytes_go_on_with_their_trailers() {
        for most in [0, 2, 3, 5, 6, 100] {
            let mut body = body();
            body.read(most, |_| false).await;
            let all = body.collect().await.unwrap();
            assert_eq!(all.trailers().unwrap().len(), 1);
            assert_eq!(all.to_bytes(), "onetwothree", "{most}");
        }
    }

    #[tokio::test]
    async fn it_is_read_no_further_than_it_may_be() {
        let mut body = body();
        assert_eq!(body.read(4, |_| false).await, ReadTo::Bound);
        assert_eq!(body.known(), "onetwo");
        assert_eq!(body.size_hint().lower(), 6);
        assert_eq!(body.read(100, |_| false).await, ReadTo::End);
        assert_eq!(body.size_hint().exact(), Some(11));
    }

    #[tokio::test]
    async fn it_is_read_as_far_as_is_wanted() {
        let mut body = body();
        assert_eq!(body.read(100, |piece| piece == "two").await, ReadTo::Enough);
        assert_eq!(body.known(), "onetwo");
    }

    #[test]
    fn a_body_that_was_not_read_is_itself() {
        assert!(body().into_unread().is_ok());
        assert!(LoginBody::<Pieces>::from(Bytes::from("x")).into_unread().is_err());
    }
}
