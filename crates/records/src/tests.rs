use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use proptest::prelude::*;
use rempart_guard::{Decision, Enforcement, GuardLayer, Reporter, RouteClass, RoutePath, RoutePattern};
use tower::{ServiceBuilder, ServiceExt, service_fn};

use crate::*;

const MAP: &str = r#"
    public = ["/", "/static/*"]
    auth = ["/login"]
    record = ["/files/{id}"]
    export = ["/export.csv"]
    admin = ["/admin/*"]
    privilege = ["POST /admin/accounts"]
    destructive = ["DELETE /files/{id}"]
"#;

fn policy(toml: &str, personal_data: bool) -> RoutesPolicy {
    RoutesPolicy::new(toml::from_str(toml).unwrap(), personal_data).unwrap()
}

/// The status, the class that the application saw, and what was told.
async fn ask(policy: &RoutesPolicy, request: &str) -> (Response<Full<Bytes>>, Option<RouteClass>, Vec<String>) {
    let (told, seen) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(None)));
    let (log, class) = (Arc::clone(&told), Arc::clone(&seen));
    let sink = move |decision: Decision| log.lock().unwrap().push(decision.to_string());
    let service = ServiceBuilder::new()
        .layer(RoutesLayer::new(
            policy.clone(),
            Reporter::new("daycare", Arc::new(sink)),
        ))
        .service(service_fn(move |request: Request<()>| {
            *class.lock().unwrap() = request.extensions().get::<RouteClass>().copied();
            async { Ok::<_, Infallible>(Response::new(Full::from("inside"))) }
        }));
    let (method, path) = request.split_once(' ').unwrap_or(("GET", request));
    let request = Request::builder().method(method).uri(path).body(()).unwrap();
    let answer = service.oneshot(request).await.unwrap();
    let told = told.lock().unwrap().clone();
    let class = *seen.lock().unwrap();
    (answer, class, told)
}

#[tokio::test]
async fn every_class_is_told_to_what_stands_inside() {
    let policy = policy(MAP, true);
    for (request, class) in [
        ("/", RouteClass::Public),
        ("/static/logo.png", RouteClass::Public),
        ("POST /login", RouteClass::Auth),
        ("/files/17", RouteClass::Record),
        ("/export.csv?centre=4", RouteClass::Export),
        ("/admin", RouteClass::Admin),
        ("/admin/accounts", RouteClass::Admin),
        ("POST /admin/accounts", RouteClass::Privilege),
        ("DELETE /files/17", RouteClass::Destructive),
        ("POST //Admin/./accounts;x=1/", RouteClass::Privilege),
        ("/%66iles/17", RouteClass::Record),
    ] {
        let (answer, seen, told) = ask(&policy, request).await;
        assert_eq!((answer.status(), seen), (StatusCode::OK, Some(class)), "{request}");
        assert!(told.is_empty(), "{told:?}");
    }
}

#[tokio::test]
async fn a_route_that_nobody_has_named_is_refused() {
    let policy = policy(MAP, true);
    for request in [
        "/debug",
        "/files",
        "/files/17/18",
        "POST /export",
        "/login/x",
        "/staticx",
    ] {
        let (answer, seen, told) = ask(&policy, request).await;
        assert_eq!((answer.status(), seen), (StatusCode::NOT_FOUND, None), "{request}");
        let (method, path) = request.split_once(' ').unwrap_or(("GET", request));
        let expected = format!("daycare refused routes/route_unmapped: no class of [routes] names {method} {path}");
        assert_eq!(told, [expected]);
        let page = answer.into_body().collect().await.unwrap().to_bytes();
        let page = String::from_utf8(page.to_vec()).unwrap();
        assert!(page.contains("Page introuvable") && page.contains("Not found") && page.contains("route_unmapped"));
        assert!(!page.contains(path), "{page}");
    }
}

#[tokio::test]
async fn what_one_server_reads_as_an_unnamed_route_is_refused() {
    let policy = policy(MAP, true);
    for request in [
        "/static/../debug",
        "/static/..;/debug",
        "/static/%2e%2e/debug",
        "/static/..%2fdebug",
        "/static\\..\\debug",
        "/debug/..;/static/x",
        "/debug/../static/x",
        "/files/17%2f18",
        "/(S(x))/debug",
    ] {
        assert_eq!(
            ask(&policy, request).await.0.status(),
            StatusCode::NOT_FOUND,
            "{request}"
        );
    }
    let (answer, class, _) = ask(&policy, "/static/..;/files/17").await;
    assert_eq!(
        (answer.status(), class),
        (StatusCode::OK, Some(RouteClass::Record)),
        "the strictest of both"
    );
    assert_eq!(ask(&policy, "/admin/..;/").await.1, Some(RouteClass::Admin));
}

#[tokio::test]
async fn report_lets_pass_and_records() {
    let policy = policy(&format!("enforcement = \"report\"\n{MAP}"), true);
    let (answer, class, told) = ask(&policy, "/debug;jsessionid=secret?token=secret").await;
    assert_eq!((answer.status(), class), (StatusCode::OK, None));
    assert_eq!(
        told,
        ["daycare would refuse routes/route_unmapped: no class of [routes] names GET /debug"]
    );
    let (_, class, told) = ask(&policy, "/files/17").await;
    assert_eq!(
        class,
        Some(RouteClass::Record),
        "later controls need the class under report too"
    );
    assert!(told.is_empty());
}

#[tokio::test]
async fn off_classifies_nothing() {
    let policy = policy(&format!("enforcement = \"off\"\n{MAP}"), true);
    let (answer, class, told) = ask(&policy, "/files/17").await;
    assert_eq!((answer.status(), class, told), (StatusCode::OK, None, vec![]));
}

#[tokio::test]
async fn without_personal_data_an_unnamed_route_passes_unless_it_is_said() {
    let passes = policy(MAP, false);
    assert_eq!(passes.unmapped(), Unmapped::Pass);
    let (answer, class, told) = ask(&passes, "/debug").await;
    assert_eq!((answer.status(), class, told), (StatusCode::OK, None, vec![]));
    assert_eq!(ask(&passes, "/admin/x").await.1, Some(RouteClass::Admin));
    let refuses = policy(&format!("unmapped = \"refuse\"\n{MAP}"), false);
    assert_eq!(ask(&refuses, "/debug").await.0.status(), StatusCode::NOT_FOUND);
    let told_otherwise = policy(&format!("unmapped = \"pass\"\n{MAP}"), true);
    assert_eq!(ask(&told_otherwise, "/debug").await.0.status(), StatusCode::OK);
}

#[test]
fn a_tenant_without_a_map_and_without_personal_data_has_no_layer() {
    assert_eq!(policy("", false).enforcement(), Enforcement::Off);
    assert_eq!(policy("", true).enforcement(), Enforcement::Enforce);
    assert_eq!(
        policy("unmapped = \"refuse\"", false).enforcement(),
        Enforcement::Enforce
    );
    assert_eq!(policy("public = [\"/\"]", false).enforcement(), Enforcement::Enforce);
    assert_eq!(policy("enforcement = \"off\"", true).enforcement(), Enforcement::Off);
}

#[tokio::test]
async fn a_class_from_outside_does_not_pass_for_ours() {
    let service = ServiceBuilder::new()
        .layer(RoutesLayer::new(policy("public = [\"/x\"]", false), Reporter::silent()))
        .layer(RoutesLayer::new(policy("admin = [\"/y\"]", false), Reporter::silent()))
        .service(service_fn(async |request: Request<()>| {
            assert_eq!(request.extensions().get::<RouteClass>(), None);
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }));
    service.oneshot(Request::get("/x").body(()).unwrap()).await.unwrap();
}

#[tokio::test]
async fn the_two_halves_do_together_what_the_whole_does() {
    let routes = Arc::new(Routes::new(policy(MAP, true)));
    let between = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&between);
    let layer = |guard: RouteClasses| GuardLayer::new(guard, Enforcement::Enforce, Reporter::silent());
    let service = ServiceBuilder::new()
        .layer(layer(RouteClasses(Arc::clone(&routes))))
        .map_request(move |request: Request<()>| {
            seen.lock()
                .unwrap()
                .push(request.extensions().get::<RouteClass>().copied());
            request
        })
        .layer(GuardLayer::new(
            UnmappedRoutes(Arc::clone(&routes)),
            Enforcement::Enforce,
            Reporter::silent(),
        ))
        .service(service_fn(async |_: Request<()>| {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }));
    let asked = |path: &str| service.clone().oneshot(Request::get(path).body(()).unwrap());
    assert_eq!(asked("/login").await.unwrap().status(), StatusCode::OK);
    assert_eq!(asked("/debug").await.unwrap().status(), StatusCode::NOT_FOUND);
    assert_eq!(
        *between.lock().unwrap(),
        [Some(RouteClass::Auth), None],
        "what stands between has seen both"
    );
}

fn codes(gaps: impl IntoIterator<Item = rempart_guard::Problem>) -> Vec<String> {
    gaps.into_iter()
        .map(|gap| format!("{} {}", gap.key.join("."), gap.code))
        .collect()
}

#[test]
fn settings_that_cannot_be_meant_are_refused_all_at_once() {
    let toml =
        "unmapped = \"drop\"\nreport_until = \"soon\"\npublic = [\"/\", \"x\"]\nadmin = [\"/a*\", \"get /\", \"/?a\"]";
    let problems = RoutesPolicy::new(toml::from_str(toml).unwrap(), true).unwrap_err();
    assert_eq!(
        codes(problems),
        [
            "report_until date_invalid",
            "unmapped unmapped_unknown",
            "public.1 route_invalid",
            "admin.0 route_invalid",
            "admin.1 route_invalid",
            "admin.2 route_invalid",
        ]
    );
    assert!(toml::from_str::<RoutesSettings>("records = [\"/\"]").is_err());
    let until = policy("report_until = \"2026-12-31\"", true).report_until().unwrap();
    assert_eq!(until.to_string(), "2026-12-31");
}

#[test]
fn settings_read_back_as_they_were_written() {
    let settings: RoutesSettings = toml::from_str(MAP).unwrap();
    let written = serde_json::to_string(&settings).unwrap();
    assert_eq!(serde_json::from_str::<RoutesSettings>(&written).unwrap(), settings);
}

#[test]
fn what_is_missing_where_personal_data_is_held_is_told() {
    let gaps = |toml: &str| codes(policy(toml, true).gaps());
    assert_eq!(gaps(MAP), [""; 0]);
    assert_eq!(gaps(""), [" routes_no_map"]);
    assert_eq!(gaps("unmapped = \"pass\""), [" routes_no_map"]);
    assert_eq!(
        gaps(&format!("unmapped = \"pass\"{MAP}")),
        ["unmapped routes_unmapped_pass"]
    );
    assert_eq!(gaps(&format!("enforcement = \"off\"{MAP}")), ["enforcement routes_off"]);
    assert_eq!(
        gaps("public = [\"/x\", \"//*\"]"),
        ["public.1 routes_public_everything"]
    );
    assert!(
        policy("unmapped = \"pass\"\npublic = [\"/*\"]", false)
            .gaps()
            .is_empty()
    );
}

#[test]
fn a_route_that_is_named_elsewhere_and_is_in_no_class_is_told() {
    let gap = |personal_data, route: &str| {
        let gap = policy(MAP, personal_data).gap_of_route(["rate_limit"], &route.parse().unwrap());
        gap.map(|gap| gap.to_string())
    };
    assert_eq!(
        gap(true, "POST /index.php").unwrap(),
        "rate_limit: `POST /index.php` is in no class of [routes]: requests to it are refused [route_without_class]"
    );
    assert!(gap(true, "POST /admin").is_none() && gap(true, "POST /LOGIN/").is_none());
    assert!(gap(true, "/*").is_none(), "some of it is named");
    assert!(gap(false, "POST /index.php").is_none());
    let class = |route: &str| policy(MAP, true).class_of_route(&route.parse().unwrap());
    assert_eq!(class("/files/{x}"), Some(RouteClass::Destructive));
    assert_eq!(class("GET /files/{x}"), Some(RouteClass::Record));
}

fn changes(old: (&str, bool), new: (&str, bool)) -> Vec<String> {
    let changes = policy(old.0, old.1).changes_to(&policy(new.0, new.1));
    changes.iter().map(ToString::to_string).collect()
}

#[test]
fn what_a_new_map_changes_is_told_in_words() {
    assert_eq!(
        changes(
            ("public = [\"/a\", \"/b\"]", true),
            ("public = [\"/a\"]\nadmin = [\"/c\"]", true)
        ),
        [
            "tightens: route /b is in no class any more",
            "loosens: route /c is `admin`"
        ]
    );
    assert_eq!(
        changes(
            ("admin = [\"/a/*\"]", false),
            ("admin = [\"/a/*\"]\nprivilege = [\"/a/x\"]", false)
        ),
        ["tightens: route /a/x is `privilege` instead of `admin`"]
    );
    assert_eq!(
        changes(("", false), ("record = [\"/a\"]", true)),
        [
            "tightens: route classes are enforced from now on",
            "changes: the tenant holds personal data"
        ]
    );
    assert_eq!(
        changes(
            ("record = [\"/a\"]", true),
            ("record = [\"/a\"]\nunmapped = \"pass\"\nenforcement = \"report\"", true)
        ),
        [
            "loosens: route classes are only reported from now on, and no longer enforced",
            "changes: routes that are in no class pass (only reported)"
        ]
    );
    assert!(
        changes(
            ("public = [\"/a\", \"/b\"]", true),
            ("public = [\"/B/\", \"/a\", \"/a\"]\nunmapped = \"refuse\"", true)
        )
        .is_empty()
    );
    assert!(changes(("report_until = \"2026-12-31\"", true), ("", true)).is_empty());
}

proptest! {
    /// Two maps that change nothing have the same word for every request.
    #[test]
    fn no_change_means_the_same_class_for_every_request(
        old in prop::collection::vec((0..7_usize, "(POST )?(/[ab]|/\\{x\\}){0,2}(/\\*)?"), 0..4),
        new in prop::collection::vec((0..7_usize, "(POST )?(/[ab]|/\\{x\\}){0,2}(/\\*)?"), 0..4),
        paths in prop::collection::vec("(/[abc]|/\\.\\.){0,3}", 20),
    ) {
        let map = |routes: &[(usize, String)]| {
            let mut policy = policy("unmapped = \"refuse\"", false);
            for (class, route) in routes {
                policy.map[*class].extend(route.parse::<RoutePattern>());
            }
            policy
        };
        let (old, new) = (map(&old), map(&new));
        let changes = old.changes_to(&new);
        let differs = paths.iter().any(|path| {
            let path = RoutePath::new(path);
            [Method::GET, Method::POST].iter().any(|method| {
                (old.class(method, &path), old.is_mapped(method, &path)) != (new.class(method, &path), new.is_mapped(method, &path))
            })
        });
        prop_assert!(!(differs && changes.is_empty()));
        prop_assert!(old.changes_to(&old).is_empty());
    }
}
