use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use rempart_guard::{Decision, Downstream, Reporter, RequestIds, RouteClass};
use tokio::time::sleep;
use tower::{ServiceBuilder, ServiceExt, service_fn};

use super::*;

/// A site whose pages take so long, or as long as the request says, and what it is told about.
struct Site {
    share: TenantShare,
    told: Arc<Mutex<Vec<&'static str>>>,
}

impl Site {
    fn new(shares: &Shares, toml: &str) -> Self {
        Self {
            share: shares.tenant("library", policy(toml)),
            told: Arc::default(),
        }
    }

    async fn ask(&self, request: Request<Full<Bytes>>) -> Response<Held<Full<Bytes>>> {
        let told = Arc::clone(&self.told);
        let sink = move |decision: Decision| told.lock().unwrap().push(decision.code);
        let reporter = Reporter::new("library", Arc::new(sink));
        let service = ServiceBuilder::new()
            .layer(ConcurrencySharesLayer::new(self.share.clone(), reporter))
            .service(service_fn(async |_: Request<Full<Bytes>>| {
                sleep(Duration::from_secs(1)).await;
                Ok::<_, Infallible>(Response::new(Full::from("hello")))
            }));
        service.oneshot(request).await.unwrap()
    }

    fn told(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

fn request(number: u32) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    request.extensions_mut().insert(Downstream {
        client: client(number),
        request: RequestIds::new().next_id(),
    });
    request
}

#[tokio::test(start_paused = true)]
async fn a_request_is_in_use_until_its_body_has_ended() {
    let shares = shares(16);
    let site = Site::new(&shares, "");
    let answer = site.ask(request(1)).await;
    assert_eq!(usage(&site.share).in_use, 1);
    let mut body = answer.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "hello");
    assert_eq!(
        usage(&site.share).in_use,
        0,
        "with its last frame, not when the body is dropped"
    );
    drop(site.ask(request(1)).await);
    assert_at_rest(&shares);
}

#[tokio::test(start_paused = true)]
async fn without_a_downstream_nobody_passes() {
    let shares = shares(16);
    let site = Site::new(&shares, "");
    let answer = site.ask(Request::new(Full::default())).await;
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(site.told(), ["wiring_no_downstream"]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_passes_when_its_turn_comes_and_is_refused_when_it_does_not() {
    let shares = shares(16);
    let site = Site::new(&shares, "max_wait = \"1500ms\"");
    let held = fill(&site.share);
    let refused = site.ask(request(1)).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "2");
    assert_eq!(site.told(), ["share_wait_too_long"]);
    let freed = async {
        sleep(Duration::from_secs(1)).await;
        drop(held);
    };
    let (answer, ()) = tokio::join!(site.ask(request(1)), freed);
    assert_eq!(answer.status(), StatusCode::OK);
    drop(answer);
    assert_at_rest(&shares);
}

#[tokio::test(start_paused = true)]
async fn the_class_of_the_route_says_how_urgent_it_is() {
    let shares = shares(16);
    let site = Site::new(&shares, "max_waiting = 1");
    let held = fill(&site.share);
    let [search, mut login] = [request(1), request(2)];
    login.extensions_mut().insert(RouteClass::Auth);
    let freed = async {
        sleep(Duration::from_millis(10)).await;
        drop(held);
    };
    let (search, login, ()) = tokio::join!(site.ask(search), site.ask(login), freed);
    assert_eq!(
        (search.status(), login.status()),
        (StatusCode::SERVICE_UNAVAILABLE, StatusCode::OK)
    );
    assert_eq!(site.told(), ["share_used_up"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_only_reported_is_told_and_passes() {
    let shares = shares(16);
    let site = Site::new(&shares, "enforcement = \"report\"");
    let held = fill(&site.share);
    assert_eq!(site.ask(request(1)).await.status(), StatusCode::OK);
    assert_eq!(site.told(), ["share_used_up"]);
    assert_eq!(site.ask(Request::new(Full::default())).await.status(), StatusCode::OK);
    drop(held);
    assert_at_rest(&shares);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_given_up_leaves_nothing_behind() {
    let shares = shares(16);
    let site = Site::new(&shares, "");
    for is_full in [false, true] {
        let held = if is_full { fill(&site.share) } else { Vec::new() };
        let asked = tokio::time::timeout(Duration::from_millis(500), site.ask(request(1)));
        assert!(asked.await.is_err());
        drop(held);
        assert_at_rest(&shares);
    }
}
