use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use governor::clock::FakeRelativeClock;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use proptest::prelude::*;
use rempart_guard::{
    ClientAddr, Decision, Downstream, EdgeSession, EdgeSessions, Enforcement, Findings, Refusal, Reporter, RequestIds,
    SessionId, Verdict, WaitingGuard as _,
};
use tower::{ServiceBuilder, ServiceExt, service_fn};

use crate::*;

mod answers;
mod delays;
mod keys;
mod places;
mod shared;
mod structured;

const HOME: &str = "203.0.113.9";
const AWAY: &str = "198.51.100.7";

/// The limits of one site, and the clock that they go by.
struct Site {
    limit: RateLimit,
    clock: FakeRelativeClock,
}

impl Site {
    fn new(toml: &str) -> Self {
        let clock = FakeRelativeClock::default();
        Self {
            limit: RateLimit::with_clock(policy(toml), clock.clone()),
            clock,
        }
    }

    /// Asks, and says what is left (`RateLimit`), or how the refusal reads to the operator.
    fn ask(&self, client: &str, path: &str) -> Result<String, String> {
        let passed = self
            .check(request(client, path))
            .map_err(|refusal| refusal.to_string())?;
        Ok(passed
            .fields
            .clone()
            .map(|fields| fields.headers()[1].1.to_str().unwrap().to_owned())
            .unwrap_or_default())
    }

    fn check(&self, request: Request<()>) -> Result<Passed, RateLimitRefusal> {
        now(self.limit.check(&mut request.into_parts().0, &mut Findings::default()))
    }

    /// Asks, and is answered with this status; whether it passed.
    fn exchange(&self, request: Request<()>, status: u16) -> bool {
        let Ok(passed) = self.check(request) else { return false };
        let mut answer = Response::builder().status(status).body(()).unwrap().into_parts().0;
        self.limit.amend(passed, &mut answer, &mut Findings::default());
        true
    }

    /// How many of so many requests pass.
    fn passes(&self, client: &str, path: &str, requests: usize) -> usize {
        (0..requests).filter(|_| self.ask(client, path).is_ok()).count()
    }

    /// How many of so many requests like this pass.
    fn pass(&self, requests: usize, of: impl Fn() -> Request<()>) -> usize {
        (0..requests).filter(|_| self.check(of()).is_ok()).count()
    }

    fn wait(&self, milliseconds: u64) {
        self.clock.advance(Duration::from_millis(milliseconds));
    }

    /// The answer as a client sees it, from an application that sets these headers.
    async fn answer(&self, path: &str, set: &'static [(&'static str, &'static str)]) -> Response<Full<Bytes>> {
        let service = ServiceBuilder::new()
            .layer(RateLimitLayer::sharing(&self.limit, Reporter::silent()))
            .service(service_fn(async |_: Request<()>| {
                let mut answer = Response::new(Full::from("hello"));
                for (name, value) in set {
                    answer.headers_mut().append(*name, value.parse().unwrap());
                }
                Ok::<_, Infallible>(answer)
            }));
        service.oneshot(request(HOME, path)).await.unwrap()
    }
}

/// A request with more than an address: a session, a header.
fn with(client: &str, path: &str, more: impl FnOnce(&mut Request<()>)) -> Request<()> {
    let mut request = request(client, path);
    more(&mut request);
    request
}

/// The session of this number.
fn session(number: u8) -> impl Fn(&mut Request<()>) {
    move |request| {
        let session = EdgeSession {
            cookie: "sid".into(),
            id: SessionId([number; 16]),
            sealed: SystemTime::UNIX_EPOCH,
            began: SystemTime::UNIX_EPOCH,
        };
        request.extensions_mut().insert(EdgeSessions(vec![session]));
    }
}

/// What is decided at once.
fn now<T, R>(verdict: Verdict<T, R>) -> Result<T, R> {
    match verdict {
        Verdict::Now(decision) => decision,
        Verdict::Later(_) => panic!("it waits"),
    }
}

fn policy(toml: &str) -> RateLimitPolicy {
    toml::from_str::<RateLimitSettings>(toml).unwrap().try_into().unwrap()
}

/// A request from this address; the path may have a method before it.
fn request(client: &str, path: &str) -> Request<()> {
    let (method, path) = path.split_once(' ').unwrap_or(("GET", path));
    let mut request = Request::builder().method(method).uri(path).body(()).unwrap();
    request.extensions_mut().insert(downstream(client.parse().unwrap()));
    request
}

fn downstream(client: IpAddr) -> Downstream {
    Downstream {
        client: ClientAddr::new(client),
        request: RequestIds::new().next_id(),
    }
}

fn values<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    headers
        .get_all(name)
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect()
}

const CLIENT: &str = "[quotas.client]\nrate = \"10/s burst 5\"";
const LOGIN: &str = "[quotas.client]\nrate = \"10/s burst 5\"\n\
                     [quotas.login]\nrate = \"3/m\"\nroutes = [\"POST /login\"]";

#[test]
fn without_a_downstream_nobody_passes() {
    let site = Site::new(CLIENT);
    let refusal = site.check(Request::new(())).unwrap_err();
    assert_eq!(refusal.rejection().status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(refusal.rejection().code(), "wiring_no_downstream");
}

#[test]
fn a_client_that_used_up_its_quota_is_refused_until_it_waited() {
    let site = Site::new(CLIENT);
    assert_eq!(site.ask(HOME, "/").unwrap(), r#""client";r=4;t=1"#);
    assert_eq!(site.passes(HOME, "/", 10), 4);
    site.wait(99);
    assert!(site.ask(HOME, "/").is_err());
    site.wait(1);
    assert!(site.ask(HOME, "/").is_ok());
    assert!(site.ask(HOME, "/").is_err());
    site.wait(60_000);
    assert_eq!(
        site.passes(HOME, "/", 10),
        5,
        "a rest gives the burst back, and no more"
    );
}

#[test]
fn one_clients_quota_is_not_anothers() {
    let site = Site::new(CLIENT);
    assert_eq!(site.passes(HOME, "/", 10), 5);
    assert_eq!(site.passes(AWAY, "/", 10), 5);
}

#[test]
fn one_tenants_quota_is_not_anothers() {
    let (library, city) = (Site::new(CLIENT), Site::new(CLIENT));
    assert_eq!(library.passes(HOME, "/", 10), 5);
    assert_eq!(city.passes(HOME, "/", 10), 5);
}

#[test]
fn all_addresses_of_a_subscriber_are_one_client() {
    let site = Site::new(CLIENT);
    let passed = (0..100)
        .filter(|host| site.ask(&format!("2001:db8:1:2::{host}"), "/").is_ok())
        .count();
    assert_eq!(passed, 5);
    assert!(
        site.ask("2001:db8:1:3::1", "/").is_ok(),
        "the network beside it is another client"
    );
    assert_eq!(
        site.passes("::ffff:203.0.113.9", "/", 10) + site.passes(HOME, "/", 10),
        5,
        "mapped or not, one client"
    );
    let wide = Site::new("ipv4_prefix = 24\n[quotas.client]\nrate = \"10/s burst 5\"");
    assert_eq!(
        wide.passes("203.0.113.1", "/", 10) + wide.passes("203.0.113.2", "/", 10),
        5
    );
}

#[test]
fn a_quota_counts_its_routes_and_no_others() {
    let site = Site::new("[quotas.login]\nrate = \"3/m\"\nroutes = [\"POST /login\", \"/reset/{token}\"]");
    assert_eq!(site.passes(HOME, "/", 10), 10);
    assert_eq!(site.passes(HOME, "GET /login", 10), 10);
    assert_eq!(
        site.passes(HOME, "POST /login/?next=/", 2) + site.passes(HOME, "/reset/abc", 10),
        3
    );
}

#[test]
fn a_route_is_counted_however_it_is_written() {
    let site = Site::new("[quotas.login]\nrate = \"9/m\"\nroutes = [\"POST /login\"]");
    for path in [
        "//Login;jsessionid=1",
        "/LOGIN",
        "/login/",
        "/./login",
        "/%6cogin",
        "/x/../login",
        "/x/..;/login",
        "/x%2f..%5clogin",
        "/(S(x))/login",
    ] {
        assert_eq!(site.passes(HOME, &format!("POST {path}?x"), 1), 1, "{path}");
    }
    assert_eq!(
        site.passes(HOME, "POST //Login;jsessionid=1", 3),
        0,
        "all nine were counted"
    );
    assert_eq!(site.passes(HOME, "POST /login", 3), 0);
    assert_eq!(site.passes(HOME, "POST /logins", 3), 3);
}

#[test]
fn a_request_that_one_quota_refuses_is_charged_to_none() {
    let site = Site::new(LOGIN);
    assert_eq!(site.passes(HOME, "POST /login", 4), 3);
    assert_eq!(site.passes(HOME, "POST /login", 100), 0);
    assert_eq!(
        site.passes(HOME, "/", 10),
        2,
        "of five, three were charged by the logins that passed"
    );
}

#[test]
fn a_quota_that_comes_later_takes_nothing_when_an_earlier_one_refuses() {
    let site = Site::new(LOGIN);
    assert_eq!(site.passes(HOME, "/", 10), 5);
    assert_eq!(site.passes(HOME, "POST /login", 10), 0);
    site.wait(1_000);
    assert_eq!(site.passes(HOME, "POST /login", 10), 3);
}

#[test]
fn of_several_that_are_used_up_the_slowest_is_told() {
    let site = Site::new(LOGIN);
    site.passes(HOME, "POST /login", 3);
    site.passes(HOME, "/", 10);
    let refusal = site.check(request(HOME, "POST /login")).unwrap_err();
    let RateLimitRefusal::UsedUp(used_up) = &refusal else {
        panic!("{refusal}")
    };
    assert_eq!((used_up.quota(), used_up.wait()), ("login", Duration::from_secs(20)));
    assert_eq!(
        refusal.to_string(),
        "quota login (3/m) used up by 203.0.113.9/32; one more in 20.0 s"
    );
}

#[test]
fn a_quota_of_the_tenant_is_used_up_by_all_together() {
    let site = Site::new("[quotas.search]\nrate = \"4/s\"\nper = \"tenant\"\nroutes = [\"/search\"]");
    assert_eq!(site.passes(HOME, "/search", 3) + site.passes(AWAY, "/search", 3), 4);
    let refusal = site.ask(HOME, "/search").unwrap_err();
    assert!(
        refusal.contains("used up by all clients, 203.0.113.9/32 among them"),
        "{refusal}"
    );
    assert_eq!(site.limit.tables().next().unwrap().bytes, 0);
}

#[tokio::test]
async fn an_answer_says_what_is_left() {
    let site = Site::new(LOGIN);
    let answer = site.answer("POST /login", &[]).await;
    assert_eq!(
        values(answer.headers(), "ratelimit-policy"),
        [r#""client";q=10;w=1, "login";q=3;w=60"#]
    );
    assert_eq!(
        values(answer.headers(), "ratelimit"),
        [r#""client";r=4;t=1, "login";r=2;t=20"#]
    );
    let answer = site.answer("/", &[]).await;
    assert_eq!(values(answer.headers(), "ratelimit-policy"), [r#""client";q=10;w=1"#]);
}

#[tokio::test]
async fn a_refusal_says_when_to_come_back() {
    let site = Site::new(LOGIN);
    site.passes(HOME, "POST /login", 3);
    site.wait(1_500);
    let answer = site.answer("POST /login", &[]).await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(values(answer.headers(), "retry-after"), ["19"]);
    assert_eq!(
        values(answer.headers(), "ratelimit"),
        [r#""client";r=5;t=1, "login";r=0;t=19"#]
    );
    assert_eq!(
        values(answer.headers(), "ratelimit-policy"),
        [r#""client";q=10;w=1, "login";q=3;w=60"#]
    );
    site.wait(19_000);
    assert_eq!(
        site.answer("POST /login", &[]).await.status(),
        StatusCode::OK,
        "and it holds"
    );
}

#[tokio::test]
async fn the_fields_of_the_application_stay_beside_ours() {
    let site = Site::new(CLIENT);
    let answer = site
        .answer(
            "/",
            &[("ratelimit", "\"api\";r=1"), ("ratelimit-policy", "\"api\";q=9")],
        )
        .await;
    assert_eq!(
        values(answer.headers(), "ratelimit"),
        ["\"api\";r=1", "\"client\";r=4;t=1"]
    );
    assert_eq!(
        values(answer.headers(), "ratelimit-policy"),
        ["\"api\";q=9", "\"client\";q=10;w=1"]
    );
}

#[tokio::test]
async fn the_fields_can_be_left_off_but_retry_after_stays() {
    let site = Site::new("headers = false\n[quotas.client]\nrate = \"1/m\"");
    let (passes, refused) = (site.answer("/", &[]).await, site.answer("/", &[]).await);
    assert!(!passes.headers().contains_key("ratelimit") && !refused.headers().contains_key("ratelimit-policy"));
    assert_eq!(values(refused.headers(), "retry-after"), ["60"]);
}

/// The statuses of eight requests, and what was told of them, when the enforcement is this.
async fn eight(enforcement: &str) -> (Vec<u16>, Vec<String>) {
    let site = Site::new(&format!("enforcement = \"{enforcement}\"\n{CLIENT}"));
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&told);
    let sink = move |decision: Decision| {
        log.lock()
            .unwrap()
            .push(format!("{} {}", decision.enforcement, decision.code))
    };
    let service = ServiceBuilder::new()
        .layer(RateLimitLayer::sharing(
            &site.limit,
            Reporter::new("library", Arc::new(sink)),
        ))
        .service(service_fn(async |_: Request<()>| {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }));
    let mut statuses = Vec::new();
    for _ in 0..8 {
        let answer = service.clone().oneshot(request(HOME, "/")).await.unwrap();
        assert_eq!(answer.headers().contains_key("ratelimit"), enforcement == "enforce");
        statuses.push(answer.status().as_u16());
    }
    let told = told.lock().unwrap().clone();
    (statuses, told)
}

#[tokio::test]
async fn report_tells_what_enforce_would_refuse_and_off_tells_nothing() {
    assert_eq!(
        eight("enforce").await,
        (
            vec![200, 200, 200, 200, 200, 429, 429, 429],
            vec!["enforce quota_used_up".to_owned(); 3]
        )
    );
    assert_eq!(
        eight("report").await,
        (vec![200; 8], vec!["report quota_used_up".to_owned(); 3])
    );
    assert_eq!(eight("off").await, (vec![200; 8], vec![]));
    assert_eq!(policy("enforcement = \"report\"").enforcement(), Enforcement::Report);
}

#[tokio::test]
async fn a_layer_cloned_over_several_routers_is_one_limit() {
    let layer = RateLimitLayer::new(policy("[quotas.client]\nrate = \"3/h\""), Reporter::silent());
    let route = || axum::Router::new().route("/", axum::routing::get(async || "hello"));
    let app = route().layer(layer.clone()).nest("/api", route().layer(layer));
    let mut passed = 0;
    for path in ["/", "/api", "/", "/api", "/", "/api"] {
        let answer = app
            .clone()
            .oneshot(request(HOME, path).map(|()| axum::body::Body::empty()))
            .await
            .unwrap();
        assert_ne!(answer.status(), StatusCode::NOT_FOUND);
        passed += usize::from(answer.status() == StatusCode::OK);
    }
    assert_eq!(passed, 3);
}

#[test]
fn a_million_hostile_networks_take_no_memory_and_no_count_comes_back_full() {
    let site = Site::new("max_keys = 65536\n[quotas.login]\nrate = \"5/15m\"");
    let sizes = || {
        site.limit
            .tables()
            .map(|table| (table.places, table.bytes))
            .collect::<Vec<_>>()
    };
    assert_eq!(sizes(), [(65_536, 0)], "nobody has come");
    assert_eq!(site.passes(HOME, "/", 9), 5, "over its limit before the flood");
    assert_eq!(site.passes(AWAY, "/", 2), 2, "known, with three left");

    let mut head = Request::new(()).into_parts().0;
    let passed = (0..1_000_000_u128).filter(|network| {
        let address = Ipv6Addr::from_bits((0x2001_0db8 << 96) | (network << 64));
        head.extensions.insert(downstream(address.into()));
        now(site.limit.check(&mut head, &mut Findings::default())).is_ok()
    });
    let passed = passed.count();

    assert_eq!(sizes(), [(65_536, 1_048_576)], "16 bytes a key");
    assert_eq!(site.passes(HOME, "/", 9), 0, "still over its limit");
    assert_eq!(site.passes(AWAY, "/", 9), 3, "and the other has exactly what it had");
    let overflowed = site.limit.tables().map(|table| table.overflowed).sum::<u64>();
    assert_eq!(overflowed, 16 * 5, "who found no place got 16 shared quotas together");
    assert!(passed as u64 <= 65_536 + overflowed, "{passed}");

    let refusal = site.ask("2001:db8:ffff:ffff::1", "/").unwrap_err();
    assert!(refusal.contains("for whom there was no room"), "{refusal}");
    site.wait(180_000);
    assert_eq!(
        site.passes("2001:db8:ffff:ffff::1", "/", 9),
        5,
        "when the flood is over there is room again"
    );
}

#[test]
fn a_flood_on_one_quota_leaves_room_in_the_others() {
    let site = Site::new(
        "max_keys = 128\n[quotas.client]\nrate = \"10/s\"\n[quotas.login]\nrate = \"1/h\"\nroutes = [\"/login\"]",
    );
    for network in 0..2_000 {
        let _ = site.ask(&format!("2001:db8:0:{network:x}::1"), "/login");
    }
    site.wait(200);
    assert!(site.ask(HOME, "/login").is_err());
    assert_eq!(site.passes(HOME, "/", 20), 10);
}

#[test]
fn many_threads_together_get_no_more_than_the_quotas() {
    let site = Site::new("[quotas.client]\nrate = \"700/h\"\n[quotas.all]\nrate = \"1000/h\"\nper = \"tenant\"");
    let (home, away) = (AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..500 {
                    home.fetch_add(u32::from(site.ask(HOME, "/").is_ok()), Ordering::Relaxed);
                    away.fetch_add(u32::from(site.ask(AWAY, "/").is_ok()), Ordering::Relaxed);
                }
            });
        }
    });
    let (home, away) = (home.into_inner(), away.into_inner());
    assert_eq!(home + away, 1_000);
    assert!(home <= 700 && away <= 700, "{home} and {away}");
}

#[test]
fn a_reload_keeps_the_counts_of_quotas_that_are_counted_as_before() {
    let mut site = Site::new(LOGIN);
    assert_eq!(site.passes(HOME, "POST /login", 9), 3);
    site.limit = site.limit.with_policy(policy(
        &LOGIN.replace("10/s burst 5", "20/s burst 9").replace("/login", "/*"),
    ));
    assert_eq!(site.passes(HOME, "POST /login", 9), 0, "login is counted as before");
    assert_eq!(site.passes(HOME, "/", 20), 9, "client has a new rate and begins anew");
    site.limit = site.limit.with_policy(policy(&format!("ipv4_prefix = 24\n{LOGIN}")));
    assert_eq!(site.passes(HOME, "POST /login", 9), 3, "other clients, other counts");
}

#[test]
fn clones_count_together() {
    let site = Site::new(CLIENT);
    let worker = Site {
        limit: site.limit.clone(),
        clock: site.clock.clone(),
    };
    assert_eq!(site.passes(HOME, "/", 3) + worker.passes(HOME, "/", 9), 5);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Charged to all or to none, seen from outside: the requests that pass are those that a limiter for each quota alone
    /// would pass when it is asked only about requests that all the others pass too.
    #[test]
    fn quotas_at_once_are_each_quota_alone_on_what_passes_all(
        steps in prop::collection::vec((0u64..400, prop::sample::select(vec!["/", "/login", "/search"])), 1..200),
    ) {
        let quotas = [
            ("client", "10/s burst 5", "\"/*\""),
            ("login", "3/m", "\"/login\""),
            ("other", "40/m burst 8", "\"/login\", \"/search\""),
        ];
        let toml = |(name, rate, routes): (&str, &str, &str)| format!("[quotas.{name}]\nrate = \"{rate}\"\nroutes = [{routes}]\n");
        let together = Site::new(&format!("max_keys = 128\n{}", quotas.map(toml).concat()));
        let alone = quotas.map(|quota| Site::new(&format!("max_keys = 128\n{}", toml(quota))));
        let mut charged: [Vec<u64>; 3] = Default::default();
        let mut now = 0;
        for (pause, path) in steps {
            now += pause;
            together.wait(pause);
            let passes = together.ask(HOME, path).is_ok();
            let counted = [true, path == "/login", path != "/"];
            let all_pass = (0..3).all(|index| !counted[index] || replay(&alone[index], &charged[index], now, path));
            prop_assert_eq!(passes, all_pass);
            if passes {
                (0..3).filter(|index| counted[*index]).for_each(|index| charged[index].push(now));
            }
        }
    }
}

/// Whether a limiter that was charged at these times would pass one more request now.
fn replay(site: &Site, charged: &[u64], now: u64, path: &str) -> bool {
    let clock = FakeRelativeClock::default();
    let fresh = Site {
        limit: RateLimit::with_clock(site.limit.policy().clone(), clock.clone()),
        clock,
    };
    let mut at = 0;
    for time in charged {
        fresh.wait(time - at);
        at = *time;
        assert!(fresh.ask(HOME, path).is_ok());
    }
    fresh.wait(now - at);
    fresh.ask(HOME, path).is_ok()
}

#[test]
fn until_when_limits_are_reported_is_a_day_and_limits_nothing_by_itself() {
    let site = Site::new(&format!("report_until = \"2020-01-01\"\n{CLIENT}"));
    assert_eq!(
        site.limit.policy().report_until().map(|day| day.to_string()).as_deref(),
        Some("2020-01-01")
    );
    assert_eq!(site.passes(HOME, "/", 10), 5, "enforced before the day and after it");
    let settings: RateLimitSettings = toml::from_str("report_until = \"31.12.2026\"").unwrap();
    let problems = RateLimitPolicy::try_from(settings).unwrap_err();
    let problem = problems.iter().next().unwrap();
    assert_eq!(
        (problem.key.join("."), problem.code),
        ("report_until".to_owned(), "date_invalid")
    );
    assert!(problem.help.as_ref().unwrap().contains("2026-12-31"));
}
