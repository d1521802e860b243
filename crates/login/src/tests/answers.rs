//! What answers say, and when they leave.

use std::convert::Infallible;
use std::fs;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, StreamBody};
use rempart_guard::Reporter;
use tokio::time::Instant;
use tower::{Layer as _, ServiceExt as _, service_fn};

use super::site::{Site, home, policy};
use crate::{LoginBody, LoginGuard, LoginGuardLayer, LoginKeys};

/// A page that is sent in these pieces to everybody who tries.
async fn page(toml: &str, pieces: &'static [&'static str], tries: usize) -> Vec<(StatusCode, Bytes, HeaderMap)> {
    let application = service_fn(move |request: Request<LoginBody<Full<Bytes>>>| async move {
        let pieces = pieces
            .iter()
            .map(|piece| Ok::<_, Infallible>(http_body::Frame::data(Bytes::from_static(piece.as_bytes()))));
        let mut answer = Response::new(StreamBody::new(Ready(pieces)));
        *answer.headers_mut() = request.headers().clone();
        Ok::<_, Infallible>(answer)
    });
    let guard = LoginGuard::new(policy(toml), LoginKeys::random());
    let service = LoginGuardLayer::new(guard, Reporter::silent()).layer(application);
    let mut answers = Vec::new();
    for number in 0..tries {
        let mut request = home().login("marie", &format!("password{number}"));
        request
            .headers_mut()
            .insert("accept-encoding", "gzip, br".parse().unwrap());
        let answer = service.clone().oneshot(request).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        answers.push((head.status, body, head.headers));
    }
    answers
}

/// A stream of what is there already.
struct Ready<I>(I);

impl<I: Iterator + Unpin> futures_util::Stream for Ready<I> {
    type Item = I::Item;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<I::Item>> {
        std::task::Poll::Ready(self.0.next())
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_with_the_mark_across_a_border_is_a_failure_and_leaves_as_it_came() {
    let toml = "max_delay = \"0s\"\nfailed = { body = \"Mot de passe invalide\" }";
    let answers = page(toml, &["<p>Mot de pas", "se inva", "lide</p>", "<footer>"], 12).await;
    assert_eq!(
        answers.iter().filter(|(status, ..)| *status == StatusCode::OK).count(),
        10
    );
    assert_eq!(answers[0].1, "<p>Mot de passe invalide</p><footer>");
    assert_eq!(
        answers[0].2["accept-encoding"], "identity",
        "what is compressed cannot be read"
    );
    let answers = page(toml, &["<p>Bienvenue</p>"], 12).await;
    assert!(answers.iter().all(|(status, ..)| *status == StatusCode::OK));
    assert!(answers[0].2.contains_key("set-cookie"));
}

#[tokio::test(start_paused = true)]
async fn without_a_mark_in_the_body_nothing_of_it_is_asked_for_or_read() {
    let answers = page("succeeded = { status = [200] }", &["a", "b"], 3).await;
    assert!(
        answers
            .iter()
            .all(|(_, body, headers)| body == "ab" && headers["accept-encoding"] == "gzip, br")
    );
}

#[tokio::test(start_paused = true)]
async fn answers_to_failures_take_the_same_time_and_successes_none_more() {
    let site = Site::new("even_timing = \"800ms\"\nreset_routes = [\"POST /forgot\"]");
    for (request, takes) in [
        (home().login("marie", "wrong"), 800),
        (home().login("nobody", "wrong"), 800),
        (home().post("/forgot", "email=marie"), 800),
        (home().login("marie", "right"), 50),
    ] {
        let began = Instant::now();
        site.send(request).await;
        assert_eq!(began.elapsed(), Duration::from_millis(takes));
    }
}

#[tokio::test]
async fn a_password_that_has_become_known_is_told_to_the_application_and_never_by_a_client() {
    let ranges = tempfile::tempdir().unwrap();
    // SHA-1 of `right`.
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, b"right");
    let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    fs::write(ranges.path().join(&hash[..5]), format!("{}:1234\n", &hash[5..])).unwrap();
    let site = Site::new(&format!("breached = {{ directory = {:?} }}", ranges.path()));
    for password in ["right", "wrong"] {
        let mut request = home().login("marie", password);
        request
            .headers_mut()
            .insert("x-password-breached", "7".parse().unwrap());
        site.send(request).await;
    }
    let heard = site.heard.lock().unwrap();
    assert_eq!(heard[0].0["x-password-breached"], "1000");
    assert!(!heard[1].0.contains_key("x-password-breached"));
    assert_eq!(site.codes(), ["password_breached"]);
}

#[tokio::test]
async fn a_range_that_cannot_be_read_is_told() {
    let ranges = tempfile::tempdir().unwrap();
    fs::create_dir(ranges.path().join("5BAA6")).unwrap();
    let site = Site::new(&format!("breached = {{ directory = {:?} }}", ranges.path()));
    assert_eq!(site.login(&home(), "marie", "password").await, StatusCode::SEE_OTHER);
    assert_eq!(site.codes(), ["password_ranges_unread"]);
}
