use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_LANGUAGE};
use http::{HeaderMap, Method, Request, Response, StatusCode, request, response};
use http_body_util::{BodyExt, Full};
use proptest::prelude::*;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

use crate::*;

/// Refuses what carries `x-bad`, strips `x-strip` from requests and `x-banner` from answers.
struct Probe;

#[derive(Debug, thiserror::Error)]
#[error("x-bad was there")]
struct Bad;

impl Refusal for Bad {
    fn rejection(&self) -> Rejection {
        Rejection::new(StatusCode::FORBIDDEN, "probe_bad")
    }
}

impl Guard for Probe {
    const FEATURE: &'static str = "probe";
    type Ticket = &'static str;
    type Refusal = Bad;

    fn mark(&self, head: &mut request::Parts) {
        head.extensions.insert(RouteClass::Auth);
    }

    fn check(&self, head: &mut request::Parts, findings: &mut Findings) -> Result<&'static str, Bad> {
        if head.headers.remove("x-strip").is_some() {
            findings.note("probe_stripped", "x-strip");
        }
        if head.headers.contains_key("x-bad") {
            Err(Bad)
        } else {
            Ok("ticket")
        }
    }

    fn amend(&self, ticket: &'static str, head: &mut response::Parts, findings: &mut Findings) {
        assert_eq!(ticket, "ticket");
        if head.headers.remove("x-banner").is_some() {
            findings.note("probe_banner", "x-banner");
        }
    }
}

/// What the service inside saw, and what came out.
async fn ask(enforcement: Enforcement, headers: &[&'static str]) -> (Response<Full<Bytes>>, Vec<String>, Option<bool>) {
    let decisions = Arc::new(Mutex::new(Vec::new()));
    let inside = Arc::new(Mutex::new(None));
    let (log, seen) = (Arc::clone(&decisions), Arc::clone(&inside));
    let sink = move |decision: Decision| log.lock().unwrap().push(decision.to_string());
    let service = ServiceBuilder::new()
        .layer(GuardLayer::new(
            Probe,
            enforcement,
            Reporter::new("library", Arc::new(sink)),
        ))
        .service(service_fn(move |request: Request<()>| {
            *seen.lock().unwrap() = Some(request.headers().contains_key("x-strip"));
            let mark = request.extensions().get() == Some(&RouteClass::Auth);
            assert_eq!(mark, enforcement.is_on(), "a mark stays under report too");
            let answer = Response::builder().header("x-banner", "old").body(Full::from("inside"));
            async move { Ok::<_, Infallible>(answer.unwrap()) }
        }));
    let mut request = Request::get("/").body(()).unwrap();
    for name in headers {
        request.headers_mut().insert(*name, "1".parse().unwrap());
    }
    let answer = service.oneshot(request).await.unwrap();
    let decisions = decisions.lock().unwrap().clone();
    let seen = *inside.lock().unwrap();
    (answer, decisions, seen)
}

#[tokio::test]
async fn enforce_refuses_and_the_service_inside_is_not_reached() {
    let (answer, decisions, inside) = ask(Enforcement::Enforce, &["x-bad"]).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(decisions, ["library refused probe/probe_bad: x-bad was there"]);
    assert_eq!(inside, None);
}

#[tokio::test]
async fn enforce_repairs_the_request_and_the_answer() {
    let (answer, decisions, inside) = ask(Enforcement::Enforce, &["x-strip"]).await;
    assert!(!answer.headers().contains_key("x-banner"));
    assert_eq!(inside, Some(false));
    assert_eq!(
        decisions,
        [
            "library repaired probe/probe_stripped: x-strip",
            "library repaired probe/probe_banner: x-banner"
        ]
    );
}

#[tokio::test]
async fn report_records_what_would_have_been_and_changes_nothing() {
    let (answer, decisions, inside) = ask(Enforcement::Report, &["x-bad", "x-strip"]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(
        inside,
        Some(true),
        "the request inside still has what would have been stripped"
    );
    assert!(answer.headers().contains_key("x-banner"));
    assert_eq!(
        decisions,
        [
            "library would repair probe/probe_stripped: x-strip",
            "library would refuse probe/probe_bad: x-bad was there"
        ]
    );
}

#[tokio::test]
async fn off_decides_nothing() {
    let (answer, decisions, _) = ask(Enforcement::Off, &["x-bad", "x-strip"]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(decisions.is_empty());
}

#[tokio::test]
async fn a_rejection_is_a_page_for_people_and_problem_json_for_programs() {
    let ids = RequestIds::new();
    let body = async |accept: &'static str, language: &'static str| {
        let mut asked = HeaderMap::new();
        asked.insert(ACCEPT, accept.parse().unwrap());
        asked.insert(ACCEPT_LANGUAGE, language.parse().unwrap());
        let id = ids.next_id();
        let rejection = Rejection::new(StatusCode::TOO_MANY_REQUESTS, "quota_used_up");
        let answer: Response<Full<Bytes>> = rejection.answer(&asked, Some(id));
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        let text = String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
        assert!(
            text.contains(&id.to_string()) && text.contains("quota_used_up"),
            "{text}"
        );
        (kind, text)
    };
    let (kind, text) = body("text/html,application/xhtml+xml,*/*;q=0.8", "fr-CA,fr;q=0.9,en;q=0.5").await;
    assert_eq!(kind, "text/html; charset=utf-8");
    assert!(text.contains("<html lang=fr>") && text.find("Trop de demandes") < text.rfind("Too many requests"));
    let (_, text) = body("*/*", "en-CA,fr;q=0.4").await;
    assert!(text.contains("<html lang=en>"), "{text}");
    let (kind, text) = body("application/json, text/html;q=0.5", "").await;
    assert_eq!(kind, "application/problem+json");
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["status"], 429);
    assert_eq!(json["title"], "Too Many Requests");
}

#[test]
fn a_decision_is_one_line_whatever_the_client_wrote() {
    let decision = Decision {
        tenant: None,
        feature: "tenant",
        code: "host_unknown",
        action: Action::Refuse,
        enforcement: Enforcement::Enforce,
        downstream: None,
        evidence: "\u{1b}[2Jline\nline".into(),
    };
    assert_eq!(
        decision.to_string(),
        "- refused tenant/host_unknown: \\u{1b}[2Jline\\nline"
    );
}

#[test]
fn a_strangers_forwarded_address_is_not_read() {
    let proxies = TrustedProxies::new(["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
    let client = |peer: &str, lines: &[&str]| {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    };
    assert_eq!(client("203.0.113.5", &["1.2.3.4"]), "203.0.113.5");
    assert_eq!(client("::ffff:203.0.113.5", &["1.2.3.4"]), "203.0.113.5");
    assert_eq!(
        client("10.0.0.1", &["1.2.3.4, 203.0.113.5"]),
        "203.0.113.5",
        "left of the client is hearsay"
    );
    assert_eq!(
        client("10.0.0.1", &["1.2.3.4", "203.0.113.5, 10.2.2.2"]),
        "203.0.113.5",
        "two header lines are one list"
    );
    assert_eq!(
        client("10.0.0.1", &["203.0.113.5, junk, 10.2.2.2"]),
        "10.2.2.2",
        "garbage ends the walk"
    );
    assert_eq!(client("fd00::1", &["[2001:db8::7]:4711"]), "2001:db8::7");
    assert_eq!(client("fd00::1", &["[2001:db8::7]junk"]), "fd00::1");
    assert_eq!(client("fd00::1", &["[2001:db8::7"]), "fd00::1");
    assert_eq!(client("10.0.0.1", &["198.51.100.3:8080"]), "198.51.100.3");
    assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    assert_eq!(
        client("10.0.0.1", &["10.1.1.1, 10.2.2.2"]),
        "10.1.1.1",
        "all trusted: the furthest is the client"
    );
}

#[test]
fn a_whole_ipv6_subscriber_is_one_client() {
    let network = |text: &str| {
        ClientAddr::new(text.parse::<IpAddr>().unwrap())
            .network(32, 64)
            .to_string()
    };
    assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
    assert_eq!(network("2001:db8:1:2:ffff::1"), "2001:db8:1:2::/64");
    assert_eq!(network("::ffff:192.0.2.9"), "192.0.2.9/32");
    let client = ClientAddr::new("192.0.2.9".parse().unwrap());
    assert_eq!(client.network(24, 64).to_string(), "192.0.2.0/24");
    assert_eq!(client.network(0, 0).to_string(), "0.0.0.0/0");
}

#[test]
fn request_numbers_differ_and_can_be_read_aloud() {
    let ids = RequestIds::new();
    let numbers: std::collections::HashSet<_> = (0..10_000).map(|_| ids.next_id()).collect();
    assert_eq!(numbers.len(), 10_000);
    let good = |id: &RequestId| id.to_string().len() == 20 && !id.to_string().contains(['i', 'l', 'o', 'u']);
    assert!(numbers.iter().all(good));
}

#[test]
fn routes_cover_what_they_say_and_nothing_else() {
    let covers = |pattern: &str, method: Method, path: &str| {
        let pattern: RoutePattern = pattern.parse().unwrap();
        pattern.matches(&method, &RoutePath::new(path))
    };
    for (pattern, path, expected) in [
        ("/login", "/login", true),
        ("/login", "/login/x", false),
        ("/login", "/loginx", false),
        ("/login", "/", false),
        ("/api/*", "/api", true),
        ("/api/*", "/api/a/b", true),
        ("/api/*", "/apiary", false),
        ("/*", "/", true),
        ("/*", "/x/y", true),
        ("/", "/", true),
        ("/", "/x", false),
        ("/files/{id}/documents", "/files/17/documents", true),
        ("/files/{id}/documents", "/files/17", false),
        ("/files/{id}", "/files", false),
    ] {
        assert_eq!(covers(pattern, Method::GET, path), expected, "{pattern} and {path}");
    }
    assert!(!covers("POST /login", Method::GET, "/login"));
    assert!(covers("POST /login", Method::POST, "/login"));
    assert!(
        covers("GET /search", Method::HEAD, "/search"),
        "the application does the same for both"
    );
    assert!(!covers("HEAD /search", Method::GET, "/search"));
    assert!(!covers("POST /search", Method::HEAD, "/search"));
}

#[test]
fn a_route_is_taken_however_it_is_written() {
    let takes = |pattern: &str, path: &str| {
        let pattern: RoutePattern = pattern.parse().unwrap();
        pattern.matches(&Method::GET, &RoutePath::new(path))
    };
    for path in [
        "/LOGIN.ASPX",
        "/login.aspx/",
        "//login.aspx",
        "/./login.aspx",
        "/x/../login.aspx",
        "/%6cogin.aspx",
        "/%4cogin%2easpx",
        "/login.aspx;jsessionid=x",
        "/;x/login.aspx",
        "/x/..;/login.aspx",
        "/x/%2e%2e/login.aspx",
        "/x%2f..%2flogin.aspx",
        "/x/..\\login.aspx",
        "\\login.aspx",
        "/../../login.aspx",
        "/(S(abc))/Login.aspx",
    ] {
        assert!(takes("/login.aspx", path) && takes("/Login.ASPX", path), "{path}");
        assert!(takes("/x/../%6Cogin.aspx;y/", path), "a pattern is read like a path");
        assert!(!takes("/logout.aspx", path), "{path}");
    }
    for path in [
        "/login.aspxx",
        "/%256cogin.aspx",
        "/x/login.aspx",
        "/login.aspx/x",
        "/login.aspx/..",
        "/..login.aspx",
    ] {
        assert!(!takes("/login.aspx", path), "{path}");
    }
    assert!(
        takes("/admin/*", "/admin/../login"),
        "some server sees a page below /admin"
    );
    assert!(takes("/admin/*", "/x/../admin/..;/y"));
    assert!(takes("/files/{id}/x", "/files/a%2fb/x") && takes("/files/{a}/{b}/x", "/files/a%2fb/x"));
    assert!(takes("/caf%C3%A9", "/caf%c3%a9") && takes("/café", "/caf%C3%A9"));
    assert!(!takes("/%7Bid%7D", "/x") && !takes("/%2A", "/x") && takes("/%2A", "/*"));
}

#[test]
fn routes_meet_where_a_request_takes_both() {
    let meet = |one: &str, other: &str| {
        let (one, other): (RoutePattern, RoutePattern) = (one.parse().unwrap(), other.parse().unwrap());
        assert_eq!(one.meets(&other), other.meets(&one));
        one.meets(&other)
    };
    for (one, other) in [
        ("/a", "/A/"),
        ("POST /a", "/a"),
        ("GET /a", "HEAD /a"),
        ("/a/*", "/a"),
        ("/a/{x}", "/{y}/b"),
        ("/*", "POST /a/b"),
        ("/a/*", "/a/b/*"),
    ] {
        assert!(meet(one, other), "{one} and {other}");
    }
    for (one, other) in [
        ("POST /a", "GET /a"),
        ("POST /a", "HEAD /a"),
        ("/a", "/b"),
        ("/a/b", "/a"),
        ("/a/{x}", "/a"),
        ("/a/*", "/b/*"),
        ("/a/b/*", "/a"),
    ] {
        assert!(!meet(one, other), "{one} and {other}");
    }
}

#[test]
fn a_route_that_cannot_be_meant_is_refused() {
    let error = |text: &str| text.parse::<RoutePattern>().unwrap_err();
    assert_eq!(error("login"), RouteError::NoSlash);
    assert_eq!(error("post /login"), RouteError::Method);
    assert_eq!(error("/api/*/x"), RouteError::Star);
    assert_eq!(error("/api*"), RouteError::Star);
    assert_eq!(error("/files/x{id}"), RouteError::Brace);
    assert_eq!(error("/files/{id"), RouteError::Brace);
    assert_eq!(error("/search?q=1"), RouteError::Query);
}

#[test]
fn numbers_without_units_are_refused() {
    assert_eq!(duration("30"), Err(UnitError::NoUnit));
    assert_eq!(duration("30 parsecs"), Err(UnitError::UnknownUnit));
    assert_eq!(duration("s"), Err(UnitError::NotANumber));
    assert_eq!(duration("-5s"), Err(UnitError::NotANumber));
    assert_eq!(duration("99999999999999999d"), Err(UnitError::TooLarge));
    assert_eq!(duration("99999999999999999999s"), Err(UnitError::TooLarge));
    assert_eq!(size("10MB"), Err(UnitError::UnknownUnit));
    assert_eq!(size("9999999999999GiB"), Err(UnitError::TooLarge));
    assert_eq!(size("64 KiB"), Ok(65_536));
}

proptest! {
    #[test]
    fn no_text_makes_a_parser_panic(text in ".{0,40}", path in "/.{0,20}") {
        let _ = duration(&text);
        let _ = size(&text);
        if let Ok(pattern) = text.parse::<RoutePattern>() {
            let _ = pattern.matches(&Method::GET, &RoutePath::new(&path));
        }
        let mut headers = HeaderMap::new();
        if let Ok(value) = text.parse() {
            headers.insert("x-forwarded-for", value);
            let proxies = TrustedProxies::new(["0.0.0.0/0".parse().unwrap()]);
            let _ = proxies.client("10.0.0.1".parse().unwrap(), &headers);
        }
    }

    #[test]
    fn a_printed_route_reads_back_as_itself(text in "(GET |POST )?(/[a-zA-Z.;%é]{1,4}|/%[0-9a-f]{2}|/\\{[a-z]{1,3}\\}){0,4}(/\\*)?") {
        prop_assume!(text.contains('/'));
        let pattern: RoutePattern = text.parse().unwrap();
        prop_assert_eq!(&pattern, &pattern.to_string().parse::<RoutePattern>().unwrap());
    }

    /// Over a small alphabet, so that patterns do meet.
    #[test]
    fn a_route_that_covers_another_takes_all_its_requests(
        one in "(GET |POST )?(/[ab]|/\\{x\\}){1,3}(/\\*)?",
        other in "(GET |POST )?(/[ab]|/\\{x\\}){1,3}(/\\*)?",
        path in "(/[abc]){0,4}/?",
        post in any::<bool>(),
    ) {
        let (one, other): (RoutePattern, RoutePattern) = (one.parse().unwrap(), other.parse().unwrap());
        let (method, path) = (if post { Method::POST } else { Method::GET }, RoutePath::new(&path));
        let (first, second) = (one.matches(&method, &path), other.matches(&method, &path));
        prop_assert!(!one.covers(&other) || !second || first);
        prop_assert!(one.meets(&other) || !first || !second);
        prop_assert!(one.covers(&one));
    }
}

/// Refuses what carries `x-bad`: at once, or when `x-slow` is there as well, once somebody has said so.
struct Slow(Arc<tokio::sync::Notify>);

impl WaitingGuard for Slow {
    const FEATURE: &'static str = "slow";
    type Ticket = &'static str;
    type Refusal = Bad;

    fn check(&self, head: &mut request::Parts, _: &mut Findings) -> Verdict<&'static str, Bad> {
        let decision = match head.headers.contains_key("x-bad") {
            true => Err(Bad),
            false => Ok("ticket"),
        };
        if !head.headers.contains_key("x-slow") {
            return Verdict::Now(decision);
        }
        let said = Arc::clone(&self.0);
        Verdict::later(async move {
            said.notified().await;
            decision
        })
    }

    fn amend(&self, ticket: &'static str, head: &mut response::Parts, _: &mut Findings) {
        head.headers.insert("x-ticket", ticket.parse().unwrap());
    }
}

/// The answer, what was decided, and how often the service inside was asked.
async fn wait(enforcement: Enforcement, headers: &[&'static str]) -> (Response<Full<Bytes>>, Vec<String>, usize) {
    let decisions = Arc::new(Mutex::new(Vec::new()));
    let (log, inside) = (Arc::clone(&decisions), Arc::new(Mutex::new(0)));
    let (asked, said) = (Arc::clone(&inside), Arc::new(tokio::sync::Notify::new()));
    let sink = move |decision: Decision| log.lock().unwrap().push(decision.to_string());
    let reporter = Reporter::new("library", Arc::new(sink));
    let mut service = ServiceBuilder::new()
        .layer(WaitingGuardLayer::new(Slow(Arc::clone(&said)), enforcement, reporter))
        // Panics when it is called without having been asked whether it is ready, as a clone of a ready one is not.
        .layer(tower::limit::ConcurrencyLimitLayer::new(1))
        .service(service_fn(move |_: Request<()>| {
            *asked.lock().unwrap() += 1;
            std::future::ready(Ok::<_, Infallible>(Response::new(Full::from("inside"))))
        }));
    let mut request = Request::get("/").body(()).unwrap();
    for name in headers {
        request.headers_mut().insert(*name, "1".parse().unwrap());
    }
    let answer = service.ready().await.unwrap().call(request);
    let mut answer = tokio_test::task::spawn(answer);
    let waits = headers.contains(&"x-slow") && enforcement.is_on();
    if waits {
        assert!(answer.poll().is_pending());
        assert_eq!(
            *inside.lock().unwrap(),
            0,
            "nobody inside is asked before it is decided"
        );
        assert!(decisions.lock().unwrap().is_empty());
        said.notify_one();
        assert!(answer.is_woken());
    }
    let answer = answer.await.unwrap();
    let decisions = decisions.lock().unwrap().clone();
    let inside = *inside.lock().unwrap();
    (answer, decisions, inside)
}

#[tokio::test]
async fn a_decision_that_is_awaited_refuses_like_one_that_is_not() {
    for headers in [&["x-bad"][..], &["x-bad", "x-slow"]] {
        let (answer, decisions, inside) = wait(Enforcement::Enforce, headers).await;
        assert_eq!((answer.status(), inside), (StatusCode::FORBIDDEN, 0));
        assert_eq!(decisions, ["library refused slow/probe_bad: x-bad was there"]);
    }
}

#[tokio::test]
async fn what_passes_after_a_wait_has_its_answer_amended() {
    for headers in [&[][..], &["x-slow"]] {
        let (answer, decisions, inside) = wait(Enforcement::Enforce, headers).await;
        assert_eq!((answer.status(), inside), (StatusCode::OK, 1));
        assert_eq!(answer.headers()["x-ticket"], "ticket");
        assert!(decisions.is_empty());
    }
}

#[tokio::test]
async fn an_awaited_decision_is_only_told_under_report_and_not_asked_for_when_off() {
    let (answer, decisions, inside) = wait(Enforcement::Report, &["x-bad", "x-slow"]).await;
    assert_eq!((answer.status(), inside), (StatusCode::OK, 1));
    assert_eq!(decisions, ["library would refuse slow/probe_bad: x-bad was there"]);
    let (answer, decisions, inside) = wait(Enforcement::Off, &["x-bad", "x-slow"]).await;
    assert_eq!((answer.status(), inside), (StatusCode::OK, 1));
    assert!(decisions.is_empty() && !answer.headers().contains_key("x-ticket"));
}

#[tokio::test]
async fn a_client_that_goes_away_while_it_waits_is_not_sent_on() {
    let said = Arc::new(tokio::sync::Notify::new());
    let layer = WaitingGuardLayer::new(Slow(Arc::clone(&said)), Enforcement::Enforce, Reporter::silent());
    let inside = service_fn(async |_: Request<()>| -> Result<Response<Full<Bytes>>, Infallible> {
        panic!("the client was gone")
    });
    let mut service = ServiceBuilder::new().layer(layer).service(inside);
    let request = Request::get("/").header("x-slow", "1").body(()).unwrap();
    let mut answer = tokio_test::task::spawn(service.ready().await.unwrap().call(request));
    assert!(answer.poll().is_pending());
    drop(answer);
    assert_eq!(Arc::strong_count(&said), 2, "what it waited with is gone");
    said.notify_one();
}
