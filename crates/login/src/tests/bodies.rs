//! What is asked is handed on as it came.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full};
use rempart_guard::Reporter;
use tower::{Layer as _, ServiceExt as _, service_fn};

use super::site::{Site, home, policy};
use crate::{LoginBody, LoginGuard, LoginGuardLayer, LoginKeys};

/// A body that comes in pieces and does not say how long it is.
struct Pieces(Vec<Bytes>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = (!self.0.is_empty()).then(|| self.0.remove(0));
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }
}

/// A body that never goes on.
struct Silent;

impl http_body::Body for Silent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

/// Sends a body through a guard, and says how it is answered and what the application has read.
async fn send<B>(toml: &str, body: B) -> (StatusCode, Option<Bytes>)
where
    B: http_body::Body<Data = Bytes, Error = Infallible> + Unpin + Send + 'static,
{
    let read = Arc::new(Mutex::new(None));
    let reads = Arc::clone(&read);
    let application = service_fn(move |request: Request<LoginBody<B>>| {
        let reads = Arc::clone(&reads);
        async move {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            *reads.lock().unwrap() = Some(body);
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }
    });
    let guard = LoginGuard::new(policy(toml), LoginKeys::random());
    let service = LoginGuardLayer::new(guard, Reporter::silent()).layer(application);
    let (head, _) = home().login("", "").into_parts();
    let answer = service.oneshot(Request::from_parts(head, body)).await.unwrap();
    let read = read.lock().unwrap().take();
    (answer.status(), read)
}

fn pieces(length: usize) -> (Pieces, Bytes) {
    let whole: Bytes = b"username=marie&password=x&rest="
        .iter()
        .copied()
        .chain((0..length).map(|byte| byte as u8))
        .collect();
    (Pieces(whole.chunks(1_000).map(Bytes::copy_from_slice).collect()), whole)
}

#[tokio::test(start_paused = true)]
async fn a_body_in_pieces_is_handed_on_as_it_came() {
    let (body, whole) = pieces(60_000);
    assert_eq!(send("", body).await, (StatusCode::OK, Some(whole)));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_long_is_refused_and_only_told_of_under_report() {
    assert_eq!(send("", pieces(70_000).0).await, (StatusCode::PAYLOAD_TOO_LARGE, None));
    let (body, whole) = pieces(200_000);
    assert_eq!(
        send("enforcement = \"report\"", body).await,
        (StatusCode::OK, Some(whole))
    );
    let known = Full::from(vec![b'x'; 70_000]);
    assert_eq!(send("", known).await, (StatusCode::PAYLOAD_TOO_LARGE, None));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for_without_end() {
    assert_eq!(send("", Silent).await, (StatusCode::REQUEST_TIMEOUT, None));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_names_two_accounts_is_refused() {
    let site = Site::new("");
    let answer = site
        .send(home().post("/login", "username=decoy&email=marie&password=x"))
        .await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!((site.codes(), site.heard()), (vec!["login_ambiguous"], 0));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_counted_by_its_network() {
    let site = Site::new("max_delay = \"0s\"");
    for _ in 0..50 {
        let mut request = home().post("/login", "<login user='marie'/>");
        request
            .headers_mut()
            .insert("content-type", "text/xml".parse().unwrap());
        site.send(request).await;
    }
    assert_eq!(site.heard(), 30);
    assert_eq!(site.codes()[0], "login_unread");
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_client_is_our_mistake_and_not_a_pass() {
    let site = Site::new("");
    let mut request = home().login("marie", "right");
    request.extensions_mut().clear();
    assert_eq!(site.send(request).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(site.codes(), ["wiring_no_downstream"]);
}
