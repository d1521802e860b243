use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http::{Extensions, Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

/// How many bytes of an answer's body have left, for whoever wants to know: an extension of answers.
///
/// A guard sees heads and no bodies. One that counts bytes asks to be told, with [`SentBytes::listen`] on the head of the
/// answer; whoever writes the body counts them in a [`Sending`], which tells it when the body ends or is dropped. That is the
/// edge, or a [`SentBytesLayer`]. It says so beforehand with [`SentBytesAreCounted`] in the request, so that a guard can tell
/// a layer that was forgotten from an answer without a body.
///
/// ```
/// use std::sync::mpsc;
/// use http::Response;
/// use rempart_guard::{Sending, SentBytes};
///
/// let (told, hears) = mpsc::channel();
/// let mut answer = Response::new("hello");
/// SentBytes::listen(answer.extensions_mut(), move |bytes| told.send(bytes).unwrap());
///
/// let mut sending = Sending::of(answer.extensions_mut()).expect("somebody wants to know");
/// sending.add(3);
/// sending.add(2);
/// drop(sending);
/// assert_eq!(hears.recv(), Ok(5));
/// ```
#[derive(Clone, Default)]
pub struct SentBytes(Arc<Mutex<Vec<Listener>>>);

type Listener = Box<dyn FnOnce(u64) + Send>;

impl SentBytes {
    /// Tells `listener` once, when the body of the answer with these extensions ends or is dropped.
    pub fn listen(extensions: &mut Extensions, listener: impl FnOnce(u64) + Send + 'static) {
        let sent: &mut Self = extensions.get_or_insert_default();
        sent.listeners().push(Box::new(listener));
    }

    /// Takes listeners over to another answer's extensions, with those that are there.
    pub(crate) fn carry(from: &mut Extensions, to: &mut Extensions) {
        if let Some(sent) = from.remove::<Self>() {
            to.insert(sent);
        }
    }

    fn listeners(&self) -> std::sync::MutexGuard<'_, Vec<Listener>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says, in a request's extensions, that the bytes of its answer will be counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct SentBytesAreCounted;

/// One body on its way out. Whoever wants to know is told when this is dropped.
pub struct Sending {
    listeners: Vec<Listener>,
    bytes: u64,
}

impl Sending {
    /// Of the answer with these extensions, when anybody wants to know. Asked by whoever writes the body, once, when no layer
    /// will see the head again.
    pub fn of(extensions: &mut Extensions) -> Option<Self> {
        let sent = extensions.remove::<SentBytes>()?;
        let listeners = mem::take(&mut *sent.listeners());
        Some(Self { listeners, bytes: 0 })
    }

    /// So many bytes more have left.
    pub fn add(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        for listener in mem::take(&mut self.listeners) {
            listener(self.bytes);
        }
    }
}

/// Counts the bytes of answers' bodies for the layers inside it, where no edge does: see [`SentBytes`].
#[derive(Clone, Copy, Debug, Default)]
pub struct SentBytesLayer;

impl<S> Layer<S> for SentBytesLayer {
    type Service = CountSentBytes<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CountSentBytes { inner }
    }
}

/// The service of a [`SentBytesLayer`].
#[derive(Clone, Debug)]
pub struct CountSentBytes<S> {
    inner: S,
}

impl<S, A, B> Service<Request<A>> for CountSentBytes<S>
where
    S: Service<Request<A>, Response = Response<B>>,
{
    type Response = Response<CountedBody<B>>;
    type Error = S::Error;
    type Future = CountSentBytesFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<A>) -> Self::Future {
        request.extensions_mut().insert(SentBytesAreCounted);
        CountSentBytesFuture {
            inner: self.inner.call(request),
        }
    }
}

pin_project! {
    /// The answer to come from a [`CountSentBytes`].
    #[derive(Debug)]
    pub struct CountSentBytesFuture<F> {
        #[pin]
        inner: F,
    }
}

impl<F, B, E> Future for CountSentBytesFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<CountedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut answer = ready!(self.project().inner.poll(cx))?;
        let sending = Sending::of(answer.extensions_mut());
        Poll::Ready(Ok(answer.map(|inner| CountedBody { inner, sending })))
    }
}

pin_project! {
    /// A body whose bytes are counted when somebody wants to know.
    pub struct CountedBody<B> {
        #[pin]
        inner: B,
        sending: Option<Sending>,
    }
}

impl<B: Body> Body for CountedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.inner.poll_frame(cx));
        match (&frame, &mut *this.sending) {
            (Some(Ok(frame)), Some(sending)) => sending.add(frame.data_ref().map_or(0, Buf::remaining)),
            // A server may keep a body that has ended until its connection ends.
            (None, sending) => *sending = None,
            _ => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl fmt::Debug for SentBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SentBytes({} listeners)", self.listeners().len())
    }
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sending({} bytes)", self.bytes)
    }
}

impl<B: fmt::Debug> fmt::Debug for CountedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CountedBody")
            .field("inner", &self.inner)
            .field("sending", &self.sending)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU64, Ordering};

    use bytes::Bytes;
    use http::{request, response};
    use http_body_util::{BodyExt, Full};
    use tower::{ServiceBuilder, ServiceExt, service_fn};

    use super::*;
    use crate::{Enforcement, Findings, Guard, GuardLayer, NoDownstream, Reporter};

    /// Adds up what has left.
    struct Meter(Arc<AtomicU64>);

    impl Guard for Meter {
        const FEATURE: &'static str = "meter";
        type Ticket = ();
        type Refusal = NoDownstream;

        fn check(&self, head: &mut request::Parts, _: &mut Findings) -> Result<(), NoDownstream> {
            assert!(head.extensions.get::<SentBytesAreCounted>().is_some());
            Ok(())
        }

        fn amend(&self, (): (), head: &mut response::Parts, _: &mut Findings) {
            let sum = Arc::clone(&self.0);
            SentBytes::listen(&mut head.extensions, move |bytes| {
                sum.fetch_add(bytes, Ordering::Relaxed);
            });
        }
    }

    /// The answer of a service with two meters, one outside the other.
    async fn answer(enforcement: Enforcement, sum: &Arc<AtomicU64>) -> Response<CountedBody<Full<Bytes>>> {
        let meter = || GuardLayer::new(Meter(Arc::clone(sum)), enforcement, Reporter::silent());
        let service = ServiceBuilder::new()
            .layer(SentBytesLayer)
            .layer(meter())
            .layer(meter())
            .service(service_fn(async |_: Request<()>| {
                Ok::<_, Infallible>(Response::new(Full::from("hello")))
            }));
        service.oneshot(Request::new(())).await.unwrap()
    }

    #[tokio::test]
    async fn whoever_wants_to_know_is_told_once_how_much_has_left() {
        for enforcement in [Enforcement::Enforce, Enforcement::Report] {
            let sum = Arc::new(AtomicU64::new(0));
            let body = answer(enforcement, &sum).await.into_body();
            assert_eq!(sum.load(Ordering::Relaxed), 0, "nothing has left");
            assert_eq!(body.collect().await.unwrap().to_bytes(), "hello");
            assert_eq!(sum.load(Ordering::Relaxed), 10, "both were told");
        }
    }

    #[tokio::test]
    async fn a_body_that_nobody_reads_has_sent_nothing() {
        let sum = Arc::new(AtomicU64::new(0));
        drop(answer(Enforcement::Enforce, &sum).await);
        assert_eq!(sum.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn an_answer_that_nobody_asks_about_is_not_counted() {
        assert!(Sending::of(Response::new(()).extensions_mut()).is_none());
    }
}
