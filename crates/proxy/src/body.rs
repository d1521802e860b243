use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use rempart_guard::Sending;
use rempart_login::LoginBody;
use rempart_shares::{Held, Permit};

use crate::activity::InFlight;
use crate::linger::Lingering;
use crate::pool::Lease;
use crate::upload::Upload;

/// The one body of the edge: what streams through, and what the edge says itself.
///
/// Nothing is buffered: a frame is read when it can be written. Trailers are frames like any other.
pub struct Body {
    kind: Kind,
    /// Counts the request as unfinished while its answer's body is there.
    in_flight: Option<InFlight>,
    /// Counts the bytes for whoever wants to know.
    sending: Option<Sending>,
    /// The part of the tenant's share that is in use until the end.
    permit: Option<Permit>,
}

enum Kind {
    /// Our own words, in one piece.
    Whole(Option<Bytes>),
    /// A request's body, on its way to the upstream.
    Request(Lingering, Option<Arc<Upload>>),
    /// An upstream's answer, with the connection that it comes over.
    Answer(Incoming, Lease),
    /// One of the others, of which the login guard has read the beginning.
    Begun(Box<LoginBody<Body>>),
}

impl Body {
    /// A body of nothing.
    #[must_use]
    pub const fn empty() -> Self {
        Self::of(Kind::Whole(None))
    }

    pub(crate) const fn request(body: Incoming) -> Self {
        Self::of(Kind::Request(Lingering::new(body), None))
    }

    /// The lease ends with the body: at its last byte the connection is free for the next request.
    pub(crate) fn answer(body: Incoming, mut lease: Lease) -> Self {
        if http_body::Body::is_end_stream(&body) {
            lease.give_back();
        }
        Self::of(Kind::Answer(body, lease))
    }

    /// Watches a request's body come in; `None` when there is nothing to come.
    pub(crate) fn watch(&mut self) -> Option<Arc<Upload>> {
        match &mut self.kind {
            Kind::Request(body, upload) if !body.is_end_stream() => {
                Some(Arc::clone(upload.insert(Arc::new(Upload::begin()))))
            }
            _ => None,
        }
    }

    /// Ties a request to its answer: it is over when this is dropped, and then whoever wants to know is told how much of it
    /// has left.
    pub(crate) fn ends(&mut self, request: InFlight, sending: Option<Sending>) {
        self.in_flight = Some(request);
        self.sending = sending;
    }

    const fn of(kind: Kind) -> Self {
        Self {
            kind,
            in_flight: None,
            sending: None,
            permit: None,
        }
    }
}

impl From<Held<Self>> for Body {
    fn from(held: Held<Self>) -> Self {
        let (mut body, permit) = held.into_parts();
        body.permit = permit;
        body
    }
}

impl From<LoginBody<Self>> for Body {
    fn from(body: LoginBody<Self>) -> Self {
        body.into_unread()
            .unwrap_or_else(|begun| Self::of(Kind::Begun(Box::new(begun))))
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::of(Kind::Whole(Some(bytes).filter(|bytes| !bytes.is_empty())))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(self.kind.poll_frame(cx));
        if let (Some(sending), Some(Ok(frame))) = (&mut self.sending, &frame) {
            sending.add(frame.data_ref().map_or(0, Bytes::len));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Whole(bytes) => bytes.is_none(),
            Kind::Request(body, _) => body.is_end_stream(),
            Kind::Answer(body, _) => body.is_end_stream(),
            Kind::Begun(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Kind::Request(body, _) => body.size_hint(),
            Kind::Answer(body, _) => body.size_hint(),
            Kind::Begun(body) => body.size_hint(),
        }
    }
}

impl Kind {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Request(body, upload) => {
                let frame = ready!(body.poll_frame(cx));
                if let Some(upload) = upload {
                    upload.progress(frame.is_none() || body.is_end_stream());
                }
                Poll::Ready(frame)
            }
            Self::Answer(body, lease) => {
                let frame = ready!(Pin::new(&mut *body).poll_frame(cx));
                if frame.is_none() || body.is_end_stream() {
                    lease.give_back();
                }
                Poll::Ready(frame)
            }
            Self::Begun(body) => Pin::new(&mut **body).poll_frame(cx),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Whole(_) => "Body::Whole",
            Kind::Request(..) => "Body::Request",
            Kind::Answer(..) => "Body::Answer",
            Kind::Begun(_) => "Body::Begun",
        })
    }
}
