//! Waiting for one's turn. The clock of the counts is moved by the tests, and that of the waiting is tokio's, which stands
//! still and leaps.

use std::pin::pin;

use tokio::time::Instant;

use super::*;

const DELAY: &str =
    "[quotas.a]\nrate = \"10/s burst 2\"\nwhen_used_up = \"delay\"\nmax_delay = \"500ms\"\nmax_waiting = 3";

/// How long a request waits, or that it is refused.
async fn waits(site: &Site, client: &str) -> Option<Duration> {
    let begun = Instant::now();
    let mut head = request(client, "/").into_parts().0;
    let decision = match site.limit.check(&mut head, &mut Findings::default()) {
        Verdict::Now(decision) => decision,
        Verdict::Later(deciding) => deciding.await,
    };
    decision.ok().map(|_| begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_for_its_turn_instead_of_being_refused() {
    let site = Site::new(DELAY);
    assert_eq!(waits(&site, HOME).await, Some(Duration::ZERO));
    assert_eq!(waits(&site, HOME).await, Some(Duration::ZERO));
    let milliseconds = async || waits(&site, HOME).await.map(|waited| waited.as_millis());
    assert_eq!(milliseconds().await, Some(100), "in its turn");
    assert_eq!(milliseconds().await, Some(200), "the clock of the counts has not moved");
    assert_eq!(
        waits(&site, AWAY).await,
        Some(Duration::ZERO),
        "another has turns of its own"
    );
    for expected in [300, 400, 500] {
        assert_eq!(milliseconds().await, Some(expected));
    }
    assert_eq!(
        milliseconds().await,
        None,
        "whoever would wait for too long is refused at once"
    );
    site.wait(100);
    assert_eq!(milliseconds().await, Some(500));
}

#[tokio::test(start_paused = true)]
async fn only_so_many_wait_and_one_more_is_refused() {
    let site = Site::new(&DELAY.replace("500ms", "30s"));
    site.passes(HOME, "/", 2);
    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(waits(&site, HOME))).collect();
    for one in &mut waiting {
        assert!(futures_poll(one).is_none(), "it waits");
    }
    assert_eq!(site.limit.tables().next().unwrap().waiting, 3);
    assert_eq!(waits(&site, HOME).await, None, "there is no place to wait");
    assert_eq!(
        waits(&site, AWAY).await,
        Some(Duration::ZERO),
        "whoever need not wait needs none"
    );
    drop(waiting.pop());
    let mut last = pin!(waits(&site, HOME));
    assert!(futures_poll(&mut last).is_none(), "whoever goes away leaves a place");
    for one in waiting {
        assert!(one.await.is_some());
    }
    assert!(last.await.is_some());
    assert_eq!(site.limit.tables().next().unwrap().waiting, 0);
}

/// One look at a future.
fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(future).poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

#[tokio::test(start_paused = true)]
async fn where_one_quota_delays_another_still_refuses() {
    let site = Site::new(&format!("{DELAY}\n[quotas.b]\nrate = \"3/h\""));
    assert!(waits(&site, HOME).await.is_some() && waits(&site, HOME).await.is_some());
    assert_eq!(waits(&site, HOME).await, Some(Duration::from_millis(100)));
    assert_eq!(waits(&site, HOME).await, None);
    let refusal = site.ask(HOME, "/").unwrap_err();
    assert!(refusal.starts_with("quota b"), "{refusal}");
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_away_while_it_waits_has_tried_nothing_and_keeps_its_turn_charged() {
    let site = Site::new(&format!("{DELAY}\n[quotas.b]\nrate = \"1/h\"\ncount = \"failures\""));
    site.passes(HOME, "GET /", 2);
    let mut waiting = Box::pin(waits(&site, HOME));
    assert!(futures_poll(&mut waiting).is_none());
    drop(waiting);
    assert_eq!(
        waits(&site, HOME).await,
        Some(Duration::from_millis(200)),
        "behind the one that left"
    );
}

#[tokio::test(start_paused = true)]
async fn report_delays_nobody_and_tells_who_would_have_waited_or_been_refused() {
    for (enforcement, waited) in [("report", 0), ("enforce", 1_500)] {
        let site = Site::new(&format!("enforcement = \"{enforcement}\"\n{DELAY}"));
        let told = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&told);
        let sink = move |decision: Decision| log.lock().unwrap().push(decision.code);
        let service = ServiceBuilder::new()
            .layer(RateLimitLayer::sharing(
                &site.limit,
                Reporter::new("library", Arc::new(sink)),
            ))
            .service(service_fn(async |_: Request<()>| {
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
            }));
        let begun = Instant::now();
        for _ in 0..8 {
            service.clone().oneshot(request(HOME, "/")).await.unwrap();
        }
        assert_eq!(begun.elapsed().as_millis(), waited, "{enforcement}");
        let told = told.lock().unwrap();
        assert_eq!(told[..5], ["quota_delayed"; 5], "{enforcement}");
        assert_eq!(told[5..], ["quota_used_up"], "{enforcement}");
    }
}
