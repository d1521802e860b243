//! What is counted when the answer is there.

use rempart_guard::{Guard, GuardLayer, NoDownstream, Sending, SentBytesAreCounted, SentBytesLayer};

use super::*;

fn site(count: &str) -> Site {
    Site::new(&format!("[quotas.a]\nrate = \"3/h\"\ncount = {count}"))
}

#[test]
fn only_failures_are_counted_where_that_is_asked() {
    let site = site("\"failures\"");
    for status in [200, 302, 200, 204, 101, 304, 200] {
        assert!(site.exchange(request(HOME, "/"), status), "{status}");
    }
    for status in [401, 500, 404] {
        assert!(site.exchange(request(HOME, "/"), status), "{status}");
    }
    assert!(!site.exchange(request(HOME, "/"), 200), "three have failed");
    assert!(site.exchange(request(AWAY, "/"), 200), "another has not");
    site.wait(1_200_000);
    assert!(site.exchange(request(HOME, "/"), 200));
    assert!(site.exchange(request(HOME, "/"), 401), "what succeeded was not counted");
    assert!(!site.exchange(request(HOME, "/"), 200));
}

#[test]
fn whoever_looks_for_what_is_not_there_is_refused() {
    let site = site("\"not_found\"");
    assert!((0..9).all(|_| site.exchange(request(HOME, "/"), 403)));
    assert_eq!((0..9).filter(|_| site.exchange(request(HOME, "/x"), 404)).count(), 3);
    assert!(!site.exchange(request(HOME, "/"), 200));
}

#[test]
fn answers_with_one_of_a_list_of_statuses_are_counted() {
    let site = site("[302, 401]");
    assert!((0..9).all(|_| site.exchange(request(HOME, "/"), 200)));
    assert!(site.exchange(request(HOME, "/"), 302) && site.exchange(request(HOME, "/"), 401));
    assert!(site.exchange(request(HOME, "/"), 302) && !site.exchange(request(HOME, "/"), 200));
}

#[test]
fn a_failed_search_costs_what_a_search_costs() {
    let site =
        Site::new("[costs.search]\ncost = 3\nroutes = [\"/search\"]\n[quotas.a]\nrate = \"3/h\"\ncount = \"failures\"");
    assert!(site.exchange(request(HOME, "/search"), 500));
    assert!(!site.exchange(request(HOME, "/"), 200));
}

#[test]
fn whoever_hangs_up_before_the_answer_has_tried_it() {
    let site = site("\"failures\"");
    for _ in 0..3 {
        drop(site.check(request(HOME, "POST /login")).unwrap());
    }
    assert!(site.check(request(HOME, "POST /login")).is_err());
    assert!(
        (0..9).all(|_| site.check(request(AWAY, "GET /")).is_ok()),
        "a page that is left has tried nothing"
    );
    let site = self::site("\"not_found\"");
    assert!(
        (0..9).all(|_| site.check(request(HOME, "POST /x")).is_ok()),
        "and nothing was found"
    );
}

#[test]
fn what_is_under_way_when_it_is_used_up_is_all_that_goes_beyond() {
    let site = site("\"failures\"");
    let under_way: Vec<_> = (0..10).map(|_| site.check(request(HOME, "/")).unwrap()).collect();
    for passed in under_way {
        let mut answer = Response::builder().status(500).body(()).unwrap().into_parts().0;
        site.limit.amend(passed, &mut answer, &mut Findings::default());
    }
    assert!(site.check(request(HOME, "/")).is_err());
    site.wait(2 * 3_600_000);
    assert!(site.check(request(HOME, "/")).is_ok(), "no more than a burst is owed");
}

fn counted(client: &str, path: &str) -> Request<()> {
    with(client, path, |request| {
        request.extensions_mut().insert(SentBytesAreCounted);
    })
}

/// Asks for so many bytes; whether it passed.
fn download(site: &Site, client: &str, bytes: usize) -> bool {
    let Ok(passed) = site.check(counted(client, "/")) else {
        return false;
    };
    let mut answer = Response::new(()).into_parts().0;
    site.limit.amend(passed, &mut answer, &mut Findings::default());
    let mut sending = Sending::of(&mut answer.extensions).expect("bytes are counted");
    (0..bytes / 1_000).for_each(|_| sending.add(1_000));
    true
}

#[test]
fn bytes_are_counted_as_they_leave() {
    let site = Site::new("[quotas.a]\nrate = \"1MiB/h\"\ncount = \"bytes\"");
    assert!(download(&site, HOME, 600_000));
    assert_eq!(
        site.check(counted(HOME, "/"))
            .unwrap()
            .fields
            .unwrap()
            .headers()
            .map(|(_, value)| value),
        [r#""a";q=1048576;qu="content-bytes";w=3600"#, r#""a";r=448512;t=4"#]
    );
    assert!(download(&site, HOME, 600_000), "there was something left");
    assert!(!download(&site, HOME, 1), "there is nothing left");
    assert!(download(&site, AWAY, 1), "another has all of it");
    let wait = match site.check(counted(HOME, "/")).unwrap_err() {
        RateLimitRefusal::UsedUp(used_up) => used_up.wait(),
        refusal => panic!("{refusal}"),
    };
    site.wait(wait.as_millis() as u64 + 1);
    assert!(download(&site, HOME, 1));
}

#[test]
fn an_answer_without_a_body_costs_no_bytes() {
    let site = Site::new("[quotas.a]\nrate = \"1KiB/h\"\ncount = \"bytes\"");
    assert!((0..9).all(|_| download(&site, HOME, 0)));
    assert!(download(&site, HOME, 1_000) && !download(&site, HOME, 0));
}

#[test]
fn where_nobody_counts_bytes_nobody_passes() {
    let site = Site::new("[quotas.a]\nrate = \"1MiB/h\"\ncount = \"bytes\"\nroutes = [\"/archive/*\"]");
    let refusal = site.check(request(HOME, "/archive/1")).unwrap_err().rejection();
    assert_eq!(
        (refusal.status().as_u16(), refusal.code()),
        (500, "wiring_no_sent_bytes")
    );
    assert!(site.check(request(HOME, "/")).is_ok(), "where none are to be counted");
}

#[tokio::test]
async fn in_axum_a_layer_counts_the_bytes() {
    let limit = |enforcement: &str| {
        let toml = format!("enforcement = \"{enforcement}\"\n[quotas.a]\nrate = \"2KiB/h\"\ncount = \"bytes\"");
        RateLimitLayer::new(policy(&toml), Reporter::silent())
    };
    for (enforcement, expected) in [("enforce", [200, 429, 429]), ("report", [200, 200, 200])] {
        let service = ServiceBuilder::new()
            .layer(SentBytesLayer)
            .layer(limit(enforcement))
            .service(service_fn(async |_: Request<()>| {
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(vec![0; 1_025])))
            }));
        let mut statuses = Vec::new();
        for _ in 0..3 {
            let answer = service.clone().oneshot(request(HOME, "/")).await.unwrap();
            statuses.push(answer.status().as_u16());
            http_body_util::BodyExt::collect(answer.into_body()).await.unwrap();
        }
        // One byte more than 1 KiB is 2 KiB.
        assert_eq!(statuses, expected, "{enforcement}");
    }
}

/// Refuses nothing, and is in the way.
struct Nothing;

impl Guard for Nothing {
    const FEATURE: &'static str = "nothing";
    type Ticket = ();
    type Refusal = NoDownstream;

    fn check(&self, _: &mut http::request::Parts, _: &mut Findings) -> Result<(), NoDownstream> {
        Ok(())
    }
}

#[tokio::test]
async fn under_report_failures_are_counted_and_nobody_is_refused() {
    let site = Site::new("enforcement = \"report\"\n[quotas.a]\nrate = \"3/h\"\ncount = \"failures\"");
    let told = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&told);
    let sink = move |_: Decision| {
        count.fetch_add(1, Ordering::Relaxed);
    };
    let service = ServiceBuilder::new()
        .layer(RateLimitLayer::sharing(
            &site.limit,
            Reporter::new("library", Arc::new(sink)),
        ))
        .layer(GuardLayer::new(Nothing, Enforcement::Enforce, Reporter::silent()))
        .service(service_fn(async |_: Request<()>| {
            let answer = Response::builder().status(500).body(Full::<Bytes>::default());
            Ok::<_, Infallible>(answer.unwrap())
        }));
    for _ in 0..5 {
        let answer = service.clone().oneshot(request(HOME, "/")).await.unwrap();
        assert_eq!(answer.status(), 500);
    }
    assert_eq!(told.load(Ordering::Relaxed), 2, "the fourth and the fifth");
}
