use std::convert::Infallible;
use std::sync::Arc;

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use proptest::prelude::*;
use rempart_guard::{Decision, Enforcement, Findings, Guard as _, Refusal as _, Reporter};
use rempart_tenant::{KeyRing, PurposeKeys};
use tower::{ServiceBuilder, ServiceExt as _, service_fn};

use crate::{CookieLayer, CookiePolicy, CookieRefusal, CookieSettings, Cookies, ShownCookies};

mod jar;
mod keys;
mod limits;
mod names;
mod orders;
mod patterns;
mod rules;
mod site;

fn key(tenant: &str) -> PurposeKeys {
    let ring = KeyRing::from_secret(b"a secret of thirty-two bytes or more").unwrap();
    ring.tenant(&tenant.parse().unwrap()).derive_all("cookies")
}

fn settings() -> CookieSettings {
    CookieSettings {
        session: vec!["PHPSESSID".into(), "ASP.NET_SessionId".into()],
        script_readable: vec!["XSRF-TOKEN".into()],
        ..Default::default()
    }
}

fn tenant_with(tenant: &str, settings: CookieSettings) -> Cookies {
    let hosts = vec![
        format!("{tenant}.vendor.example"),
        format!("www.{tenant}.example"),
        "localhost".into(),
    ];
    Cookies::new(CookiePolicy::new(settings, hosts, &key(tenant)).unwrap())
}

fn tenant(tenant: &str) -> Cookies {
    tenant_with(tenant, settings())
}

/// How `Set-Cookie` lines leave, and the codes of what was found.
fn leave<T: AsRef<[u8]>>(cookies: &Cookies, lines: &[T]) -> (Vec<Vec<u8>>, Vec<&'static str>) {
    let (mut head, ()) = Response::new(()).into_parts();
    for line in lines {
        head.headers
            .append(SET_COOKIE, HeaderValue::from_bytes(line.as_ref()).unwrap());
    }
    let mut findings = Findings::default();
    cookies.amend(ShownCookies::default(), &mut head, &mut findings);
    let lines = head
        .headers
        .get_all(SET_COOKIE)
        .iter()
        .map(|line| line.as_bytes().to_vec())
        .collect();
    (lines, findings.iter().map(|(code, _)| code).collect())
}

fn leaves(line: &str) -> String {
    leaves_from(&tenant("library"), line)
}

fn leaves_from(cookies: &Cookies, line: &str) -> String {
    let (lines, _) = leave(cookies, &[line]);
    String::from_utf8(lines.concat()).unwrap()
}

/// The sealed pair of a session, as a browser sends it back.
fn sealed(cookies: &Cookies, pair: &str) -> String {
    let line = leaves_from(cookies, pair);
    let sealed = line.split(';').next().unwrap().to_owned();
    assert_ne!(sealed, pair);
    sealed
}

/// What the application sees of `Cookie` lines, and the codes of what was found.
fn shows(cookies: &Cookies, lines: &[&str]) -> (Result<Option<String>, CookieRefusal>, Vec<&'static str>) {
    let (mut head, ()) = Request::new(()).into_parts();
    for line in lines {
        head.headers.append(COOKIE, line.parse().unwrap());
    }
    let mut findings = Findings::default();
    let verdict = cookies.check(&mut head, &mut findings);
    assert!(head.headers.get_all(COOKIE).iter().count() <= 1 || verdict.is_err());
    let seen = head.headers.get(COOKIE).map(|line| line.to_str().unwrap().to_owned());
    (verdict.map(|_| seen), findings.iter().map(|(code, _)| code).collect())
}

fn sees(cookies: &Cookies, lines: &[&str]) -> Option<String> {
    shows(cookies, lines).0.unwrap()
}

const HARD: &str = "; HttpOnly; SameSite=Lax; Secure";

#[test]
fn every_cookie_leaves_hardened() {
    assert_eq!(leaves("a=1"), format!("a=1{HARD}"));
    assert_eq!(
        leaves("a=1; secure; HTTPONLY;samesite=lax"),
        format!("a=1{HARD}"),
        "never doubled"
    );
    assert_eq!(leaves("a=1;;Path=/x; ;"), format!("a=1; Path=/x{HARD}"));
}

#[test]
fn scripts_read_only_what_they_may() {
    assert_eq!(leaves("XSRF-TOKEN=1"), "XSRF-TOKEN=1; SameSite=Lax; Secure");
    assert_eq!(
        leaves("XSRF-TOKEN=1; HttpOnly"),
        format!("XSRF-TOKEN=1{HARD}"),
        "the application is stricter"
    );
    assert_eq!(
        leaves("xsrf-token=1"),
        format!("xsrf-token=1{HARD}"),
        "names are told apart by case"
    );
}

#[test]
fn the_stricter_same_site_wins() {
    let with = |same_site: &str| {
        tenant_with(
            "library",
            CookieSettings {
                same_site: same_site.into(),
                ..settings()
            },
        )
    };
    for (configured, asked, expected) in [
        ("lax", "", "Lax"),
        ("lax", "; SameSite=Strict", "Strict"),
        ("lax", "; SameSite=None", "Lax"),
        ("lax", "; SameSite=None; SameSite=Strict; SameSite=None", "Lax"),
        ("lax", "; SameSite=whatever", "Lax"),
        ("strict", "; SameSite=Lax", "Strict"),
        ("none", "", "None"),
        ("none", "; SameSite=None", "None"),
        ("none", "; samesite=LAX", "Lax"),
    ] {
        let line = leaves_from(&with(configured), &format!("a=1{asked}"));
        assert_eq!(
            line,
            format!("a=1; HttpOnly; SameSite={expected}; Secure"),
            "{configured} and {asked}"
        );
    }
}

#[test]
fn a_domain_that_reaches_a_neighbour_does_not_leave() {
    let library = tenant("library");
    for domain in [
        ".vendor.example",
        "vendor.example",
        "city.vendor.example",
        "example",
        "localhost",
        "library.vendor.example.",
    ] {
        let (lines, codes) = leave(&library, &[format!("a=1; Domain={domain}; Path=/")]);
        assert_eq!(lines, [format!("a=1; Path=/{HARD}").into_bytes()], "{domain}");
        assert_eq!(codes, ["cookie_domain_removed"]);
    }
    let twice = "a=1; Domain=library.vendor.example; Domain=vendor.example";
    assert_eq!(leaves(twice), format!("a=1{HARD}"), "browsers believe the last");
    assert_eq!(leaves("a=1; Domain="), format!("a=1{HARD}"), "which is no Domain");
}

#[test]
fn a_domain_that_is_the_tenants_own_host_stays() {
    for domain in ["library.vendor.example", ".Library.vendor.EXAMPLE"] {
        let (lines, codes) = leave(&tenant("library"), &[format!("a=1; Domain={domain}")]);
        assert_eq!(
            lines,
            [format!("a=1; Domain=library.vendor.example{HARD}").into_bytes()]
        );
        assert!(codes.is_empty());
    }
}

#[test]
fn prefixes_get_what_they_promise() {
    for (sent, expected) in [
        ("__Secure-a=1", format!("__Secure-a=1{HARD}")),
        ("__Host-a=1; Path=/", format!("__Host-a=1; Path=/{HARD}")),
        (
            "__host-a=1; Path=/; Domain=library.vendor.example",
            format!("__host-a=1; Path=/{HARD}"),
        ),
        ("__Http-a=1", format!("__Http-a=1{HARD}")),
    ] {
        assert_eq!(leaves(sent), expected);
    }
}

#[test]
fn what_is_not_ours_to_decide_leaves_as_it_came() {
    for line in [
        "a=\"quoted, with comma\"; Path=/; Max-Age=0",
        "a=x=y==; Expires=Thu, 01-Jan-70 00:00:01 GMT",
        "a=; expires=Thu Jan  1 1970 00:00:00; path=\"/\"",
        "a=; EXPIRES=0; max-age=-1",
        "a=1; Expires=Tuesday, the 3rd of June; Priority=High; Partitioned; Version=1; Comment=x",
        "app[user]=%20%00; Path=/a,b",
        "a b=c d",
    ] {
        assert_eq!(leaves(line), format!("{line}{HARD}"));
    }
    let latin = b"nom=H\xe9l\xe8ne; Path=/caf\xe9";
    assert_eq!(
        leave(&tenant("library"), &[latin]).0,
        [[latin.as_slice(), HARD.as_bytes()].concat()]
    );
}

#[test]
fn a_cookie_without_a_name_is_dropped_and_the_order_of_the_others_stays() {
    let (lines, codes) = leave(
        &tenant("library"),
        &["a=1", "nameless", "b=2", "=3", " =4; Path=/", "", "a=5"],
    );
    assert_eq!(
        lines,
        ["a=1", "b=2", "a=5"].map(|pair| format!("{pair}{HARD}").into_bytes())
    );
    assert_eq!(codes, ["cookie_dropped"; 4]);
    let (lines, _) = leave(&tenant("library"), &["nameless"]);
    assert!(lines.is_empty());
}

#[test]
fn twenty_cookies_keep_their_order() {
    let sent: Vec<_> = (0..20).map(|number| format!("c{number}={number}")).collect();
    let (lines, _) = leave(&tenant("library"), &sent);
    let expected: Vec<_> = sent.iter().map(|pair| format!("{pair}{HARD}").into_bytes()).collect();
    assert_eq!(lines, expected);
    let line = sent.join("; ");
    assert_eq!(sees(&tenant("library"), &[&line]), Some(line));
}

#[test]
fn a_session_leaves_sealed_and_comes_back_open() {
    let library = tenant("library");
    for pair in [
        "PHPSESSID=ab12cd34",
        "ASP.NET_SessionId=\"q\"",
        "PHPSESSID=a=b",
        "PHPSESSID=deleted",
    ] {
        let first = sealed(&library, pair);
        assert_eq!(sees(&library, &[&first]).as_deref(), Some(pair));
        assert_ne!(first, sealed(&library, pair), "each sealing has its own nonce");
        let again = tenant("library");
        assert_eq!(
            sees(&again, &[&first]).as_deref(),
            Some(pair),
            "the key is the tenant's and not the process'"
        );
    }
    let among = format!("a=1;b=\"2\" ;  {}; c", sealed(&library, "PHPSESSID=x"));
    assert_eq!(
        sees(&library, &[&among]).as_deref(),
        Some("a=1; b=\"2\"; PHPSESSID=x; c")
    );
}

#[test]
fn a_deletion_is_not_sealed() {
    let gone = "PHPSESSID=; Max-Age=0; Path=/";
    assert_eq!(leaves(gone), format!("__Host-{gone}{HARD}"));
    assert_eq!(
        shows(&tenant("library"), &["a=1; __Host-PHPSESSID=; PHPSESSID="]),
        (Ok(Some("a=1".into())), vec![])
    );
}

#[test]
fn a_session_of_a_neighbour_is_refused() {
    let (library, city) = (tenant("library"), tenant("city"));
    let cookie = sealed(&library, "PHPSESSID=ab12");
    let refusal = shows(&city, &[&format!("a=1; {cookie}")]).0.unwrap_err();
    let rejection = refusal.rejection();
    assert_eq!(
        (rejection.status(), rejection.code()),
        (StatusCode::FORBIDDEN, "cookie_foreign_tenant")
    );
    let answer: Response<http_body_util::Full<bytes::Bytes>> = rejection.answer(&HeaderMap::new(), None);
    let deletion = answer.headers()[SET_COOKIE].to_str().unwrap();
    assert_eq!(
        deletion,
        "__Host-PHPSESSID=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"
    );
    assert!(!refusal.to_string().contains(&cookie["__Host-PHPSESSID=".len()..]));
    assert_eq!(sees(&library, &[&cookie]).as_deref(), Some("PHPSESSID=ab12"));
}

#[test]
fn a_neighbours_session_beside_ones_own_is_refused_but_ones_own_is_not_deleted() {
    let city = tenant("city");
    let (own, foreign) = (
        sealed(&city, "PHPSESSID=own"),
        sealed(&tenant("library"), "PHPSESSID=foreign"),
    );
    for line in [format!("{own}; {foreign}"), format!("{foreign}; {own}")] {
        let name = "PHPSESSID".to_owned();
        assert_eq!(
            shows(&city, &[&line]).0,
            Err(CookieRefusal::ForeignTenant { name, deletion: None })
        );
    }
}

#[test]
fn a_foreign_look_alone_gets_its_forger_refused_and_nothing_more() {
    let library = tenant("library");
    let ours = sealed(&library, "PHPSESSID=ab12");
    let mut forged = ours.into_bytes();
    forged["__Host-PHPSESSID=".len() + 6] ^= 1;
    let forged = String::from_utf8(forged).unwrap();
    assert!(matches!(
        shows(&library, &[&forged]).0,
        Err(CookieRefusal::ForeignTenant { .. })
    ));
}

#[test]
fn a_session_that_was_changed_cut_or_moved_does_not_reach_the_application() {
    let library = tenant("library");
    let ours = sealed(&library, "PHPSESSID=ab12");
    let moved = ours.replace("PHPSESSID", "ASP.NET_SessionId");
    assert_eq!(
        shows(&library, &[&moved]),
        (Ok(None), vec!["cookie_broken"]),
        "bound to its name"
    );
    let name = "__Host-PHPSESSID=".len();
    for cut in name + 1..ours.len() {
        let (seen, codes) = shows(&library, &[&format!("{}; a=1", &ours[..cut])]);
        assert_eq!(seen, Ok(Some("a=1".into())));
        assert!(codes == ["cookie_broken"] || codes == ["cookie_unsealed"]);
    }
    for place in name + 18..ours.len() {
        let mut changed = ours.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let (seen, codes) = shows(&library, &[std::str::from_utf8(&changed).unwrap()]);
        assert_eq!((seen, codes), (Ok(None), vec!["cookie_broken"]));
    }
}

#[test]
fn a_session_that_was_never_sealed_does_not_reach_the_application() {
    let library = tenant("library");
    for planted in [
        "PHPSESSID=ab12",
        "PHPSESSID",
        "PHPSESSID = ab12",
        "PHPSESSID=ab12; PHPSESSID=cd34",
    ] {
        let (seen, codes) = shows(&library, &[&format!("a=1; {planted}; b=2")]);
        assert_eq!(seen, Ok(Some("a=1; b=2".into())), "{planted}");
        assert!(codes.iter().all(|code| *code == "cookie_unsealed"), "{codes:?}");
    }
    let mut long = String::from("PHPSESSID=");
    long.extend((0..100).map(|number| char::from(b'a' + number % 26)));
    assert_eq!(
        shows(&library, &[&long]),
        (Ok(None), vec!["cookie_unsealed"]),
        "a long one is not taken for foreign"
    );
}

#[test]
fn what_some_application_would_read_as_the_session_is_dropped() {
    let library = tenant("library");
    for shadow in [
        "phpsessid=x",
        "PHPSESSID[]=x",
        "PHPSESSID[a]=x",
        "%50HPSESSID=x",
        "PHPSESS%49%44%00=x",
        "asp.net_sessionid=x",
        "ASP_NET_SessionId=x",
        "ASP NET_SessionId=x",
        "ASP%2eNET%5fSessionId=x",
        "$Version=1, PHPSESSID=x",
        "b=\"1\",phpsessid=x",
    ] {
        let (seen, codes) = shows(&library, &[&format!("a=1; {shadow}; c=3")]);
        assert_eq!(seen, Ok(Some("a=1; c=3".into())), "{shadow}");
        assert_eq!(codes, ["cookie_shadow"], "{shadow}");
    }
    for other in [
        "PHPSESSID2=x",
        "XPHPSESSID=x",
        "a=PHPSESSID=x",
        "%5=x",
        "%zz=,",
        "a=b,c",
        "PHPSESSI=D",
        "[=1",
        "%00=1",
    ] {
        assert_eq!(sees(&library, &[other]).as_deref(), Some(other));
    }
}

#[test]
fn two_sessions_of_one_name_are_refused_and_the_same_one_twice_is_one() {
    let library = tenant("library");
    let (one, same, other) = (
        sealed(&library, "PHPSESSID=one"),
        sealed(&library, "PHPSESSID=one"),
        sealed(&library, "PHPSESSID=other"),
    );
    let (verdict, _) = shows(&library, &[&format!("{one}; {other}")]);
    assert_eq!(
        verdict,
        Err(CookieRefusal::Ambiguous {
            name: "PHPSESSID".into()
        })
    );
    assert_eq!(verdict.unwrap_err().rejection().code(), "cookie_ambiguous");
    assert_eq!(
        shows(&library, &[&one, &other]).0,
        Err(CookieRefusal::Ambiguous {
            name: "PHPSESSID".into()
        })
    );
    assert_eq!(
        sees(&library, &[&format!("{one}; a=1; {same}")]).as_deref(),
        Some("PHPSESSID=one; a=1")
    );
    for tossed in ["PHPSESSID=evil", "PHPSESSID="] {
        assert_eq!(
            sees(&library, &[&format!("{tossed}; {one}")]).as_deref(),
            Some("PHPSESSID=one"),
            "only what opens counts"
        );
    }
    let two_names = format!("{one}; {}", sealed(&library, "ASP.NET_SessionId=other"));
    assert_eq!(
        sees(&library, &[&two_names]).as_deref(),
        Some("PHPSESSID=one; ASP.NET_SessionId=other")
    );
}

#[test]
fn several_cookie_lines_are_one() {
    let library = tenant("library");
    assert_eq!(
        sees(&library, &["a=1", "b=2; c=3", "d=4"]).as_deref(),
        Some("a=1; b=2; c=3; d=4")
    );
    let session = sealed(&library, "PHPSESSID=x");
    assert_eq!(
        sees(&library, &["a=1", &session, "b=2"]).as_deref(),
        Some("a=1; PHPSESSID=x; b=2")
    );
    assert_eq!(
        sees(&library, &["PHPSESSID=x"]),
        None,
        "a header with nothing left is not there"
    );
    assert_eq!(sees(&library, &[]), None);
}

#[test]
fn a_session_that_no_browser_would_keep_is_dropped_with_a_word() {
    let library = tenant("library");
    let fits = format!("PHPSESSID={}", "x".repeat(2_984));
    let line = sealed(&library, &fits);
    assert!(line.len() == "=".len() + 4_096);
    assert_eq!(sees(&library, &[&line]), Some(fits.clone()));
    let (lines, codes) = leave(&library, &[fits + "x"]);
    assert_eq!((lines.len(), codes), (0, vec!["cookie_too_large"]));
}

#[test]
fn no_value_of_a_cookie_is_printed() {
    let library = tenant("library");
    let (mut head, ()) = Response::new(()).into_parts();
    head.headers.insert(SET_COOKIE, "a=secret".parse().unwrap());
    library.amend(ShownCookies::default(), &mut head, &mut Findings::default());
    assert!(!format!("{head:?} {library:?}").contains("secret"));
}

#[test]
fn settings_that_cannot_be_meant_are_refused_all_at_once() {
    let settings = CookieSettings {
        session: ["PHPSESSID", "a=b", "", "PHPSESSID"].map(String::from).to_vec(),
        script_readable: ["PHPSESSID", "__Http-x", "sé"].map(String::from).to_vec(),
        same_site: "Lax".into(),
        ..Default::default()
    };
    let codes = |settings| {
        let problems = CookiePolicy::new(settings, vec![], &key("library")).unwrap_err();
        problems
            .iter()
            .map(|problem| format!("{} {}", problem.key.join("."), problem.code))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        codes(settings),
        [
            "session cookie_name_invalid",
            "session cookie_name_invalid",
            "session cookie_name_repeated",
            "script_readable cookie_name_invalid",
            "script_readable cookie_session_readable",
            "script_readable cookie_prefix_conflict",
            "same_site cookie_same_site_unknown",
        ]
    );
    assert_eq!(
        codes(CookieSettings {
            report_until: Some("next year".into()),
            ..Default::default()
        }),
        ["report_until date_invalid"]
    );
    let session = (0..17).map(|number| format!("s{number}")).collect();
    assert_eq!(
        codes(CookieSettings {
            session,
            ..Default::default()
        }),
        ["session cookie_sessions_too_many"]
    );
}

/// The path that the application is asked for, and what was told, when a client comes with its session in it.
async fn asked_for(enforcement: Enforcement) -> (String, Vec<String>) {
    let settings = CookieSettings {
        enforcement,
        session: vec!["JSESSIONID".into()],
        session_in_url: vec!["jsessionid".into(), "(S)".into()],
        ..Default::default()
    };
    let (sender, told) = std::sync::mpsc::channel();
    let sink = move |decision: Decision| sender.send(decision.to_string()).unwrap();
    let reporter = Reporter::new("city", Arc::new(sink));
    let policy = CookiePolicy::new(settings, vec![], &key("city")).unwrap();
    let service = ServiceBuilder::new()
        .layer(CookieLayer::new(policy, reporter))
        .service(service_fn(async |request: Request<()>| {
            let asked = bytes::Bytes::from(request.uri().to_string());
            Ok::<_, Infallible>(Response::new(http_body_util::Full::<bytes::Bytes>::from(asked)))
        }));
    let request = Request::get("/(S(x))/permits;v=1;jsessionid=secret?q=;jsessionid=2");
    let answer = service.oneshot(request.body(()).unwrap()).await.unwrap();
    let asked = answer.into_body().collect().await.unwrap().to_bytes();
    (String::from_utf8(asked.to_vec()).unwrap(), told.try_iter().collect())
}

#[tokio::test]
async fn a_session_that_came_by_a_link_does_not_reach_the_application() {
    let (asked, told) = asked_for(Enforcement::Enforce).await;
    assert_eq!(asked, "/permits;v=1?q=;jsessionid=2");
    assert_eq!(
        told,
        [
            "city repaired cookies/cookie_session_in_url: (S)",
            "city repaired cookies/cookie_session_in_url: jsessionid"
        ]
    );
}

#[tokio::test]
async fn under_report_a_session_in_the_path_is_told_and_passes() {
    let whole = "/(S(x))/permits;v=1;jsessionid=secret?q=;jsessionid=2";
    let (asked, told) = asked_for(Enforcement::Report).await;
    assert_eq!(asked, whole);
    assert_eq!(told[1], "city would repair cookies/cookie_session_in_url: jsessionid");
    assert_eq!(asked_for(Enforcement::Off).await, (whole.to_owned(), vec![]));
}

#[test]
fn names_of_sessions_in_the_path_that_cannot_be_meant_are_refused() {
    let wrong = |names: &[&str]| {
        let settings = CookieSettings {
            session_in_url: names.iter().map(ToString::to_string).collect(),
            ..Default::default()
        };
        let problems = CookiePolicy::new(settings, vec![], &key("library")).err();
        let problems = problems.into_iter().flatten();
        problems.map(|problem| problem.code).collect::<Vec<_>>()
    };
    for name in [
        "",
        ";jsessionid",
        "jsessionid=",
        "a/b",
        "(F)",
        "S(x)",
        "é",
        "a b",
        "%6a",
    ] {
        assert_eq!(wrong(&[name]), ["cookie_url_name_invalid"], "{name}");
    }
    assert_eq!(wrong(&["jsessionid", "JSESSIONID"]), ["cookie_url_name_repeated"]);
    assert_eq!(wrong(&["jsessionid", "(S)", "sid"]), [""; 0]);
    let many: Vec<_> = (0..17).map(|number| format!("s{number}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    assert_eq!(wrong(&many), ["cookie_sessions_too_many"]);
}

#[test]
fn until_when_cookies_are_reported_is_kept() {
    let settings = CookieSettings {
        report_until: Some("2026-12-31".into()),
        ..Default::default()
    };
    let policy = CookiePolicy::new(settings, vec![], &key("library")).unwrap();
    assert_eq!(policy.report_until(), "2026-12-31".parse().ok());
}

#[test]
fn settings_read_back_as_they_were_written_and_unknown_keys_are_refused() {
    let settings: CookieSettings = serde_json::from_str(r#"{"enforcement":"report","session":["s"]}"#).unwrap();
    assert_eq!(
        (settings.enforcement, settings.same_site.as_str()),
        (Enforcement::Report, "lax")
    );
    let written = serde_json::to_string(&settings).unwrap();
    assert_eq!(serde_json::from_str::<CookieSettings>(&written).unwrap(), settings);
    assert!(serde_json::from_str::<CookieSettings>(r#"{"sessions":["s"]}"#).is_err());
}

/// Any bytes that a header's value may have.
fn header_bytes(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(prop_oneof![Just(b'\t'), b' '..=b'~', 0x80..=0xff_u8], length)
}

proptest! {
    #[test]
    fn whatever_an_application_sets_leaves_hardened_with_its_bytes_or_not_at_all(
        name in header_bytes(0..12),
        value in header_bytes(0..40),
        attributes in "(; ?(Domain|DOMAIN|Secure|HttpOnly|SameSite|Path|Expires|x|é|)( ?= ?([a-zA-Z./ ,\"=]{0,12}|None|Strict))?){0,6}",
    ) {
        let line = [&name, b"=".as_slice(), &value, attributes.as_bytes()].concat();
        let (lines, codes) = leave(&tenant("library"), &[&line]);
        let Some(hard) = lines.first() else {
            prop_assert_eq!(codes, vec!["cookie_dropped"]);
            return Ok(());
        };
        let pair = line.split(|byte| *byte == b';').next().unwrap().trim_ascii();
        let left = hard.split(|byte| *byte == b';').next().unwrap();
        let trimmed = pair.iter().position(|byte| *byte == b'=').unwrap();
        prop_assert_eq!(left, [pair[..trimmed].trim_ascii(), b"=", pair[trimmed + 1..].trim_ascii()].concat());
        let text = String::from_utf8_lossy(hard).to_lowercase();
        let names: Vec<_> = text.split(';').skip(1).map(|part| part.split('=').next().unwrap().trim()).collect();
        for once in ["secure", "httponly", "samesite"] {
            prop_assert_eq!(names.iter().filter(|name| **name == once).count(), 1);
        }
        prop_assert!(!names.contains(&"domain") && !text.contains("samesite=none"));
    }

    #[test]
    fn whatever_a_client_shows_nothing_panics_and_no_unsealed_session_passes(
        lines in proptest::collection::vec(proptest::collection::vec(
            "[ -~]{0,30}|(__Host-)?PHPSESSID=[ -~]{0,60}|(__Host-|__Secure-|\\.\\.Host-|PHPSESSID|b|;|=|,|\"|%50|\\[| |tl4[BC][A-Za-z0-9_-]{0,160}){0,8}", 0..6), 0..4),
    ) {
        let lines: Vec<_> = lines.iter().map(|pairs| pairs.join(";")).collect();
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        if let Ok(Some(seen)) = shows(&tenant("library"), &lines).0 {
            let named = |pair: &str| pair.trim().to_ascii_lowercase().starts_with("phpsessid=");
            prop_assert!(!seen.split([';', ',']).any(named), "{}", seen);
        }
    }

    #[test]
    fn other_cookies_pass_byte_for_byte(line in "[ -~é]{0,80}") {
        prop_assume!(!line.to_ascii_lowercase().contains("sess") && !line.contains('%'));
        let (mut head, ()) = Request::new(()).into_parts();
        head.headers.insert(COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        let mut findings = Findings::default();
        tenant("library").check(&mut head, &mut findings).unwrap();
        prop_assert_eq!(head.headers[COOKIE].as_bytes(), line.as_bytes());
    }

    #[test]
    fn every_value_comes_back_as_it_left(value in header_bytes(1..200)) {
        let value: Vec<_> = value.into_iter().filter(|byte| *byte != b';').collect();
        prop_assume!(!value.is_empty() && value.trim_ascii() == value);
        let line = [b"PHPSESSID=".as_slice(), &value].concat();
        let library = tenant("library");
        let (lines, _) = leave(&library, &[&line]);
        let (mut head, ()) = Request::new(()).into_parts();
        let pair = lines[0].split(|byte| *byte == b';').next().unwrap();
        head.headers.insert(COOKIE, HeaderValue::from_bytes(pair).unwrap());
        library.check(&mut head, &mut Findings::default()).unwrap();
        prop_assert_eq!(head.headers[COOKIE].as_bytes(), line);
    }
}
