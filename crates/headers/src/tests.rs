use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use proptest::prelude::*;
use rempart_guard::{Enforcement, Findings, Guard as _, Problems, Reporter};
use tower::{ServiceBuilder, ServiceExt as _, service_fn};

use crate::{BANNERS, Headers, HeadersLayer, HeadersPolicy, HeadersSettings};

fn guard(settings: HeadersSettings) -> Headers {
    Headers::new(HeadersPolicy::try_from(settings).unwrap())
}

/// The answer of an application that sends these lines, as it leaves, and what was told about it.
fn leaves(guard: &Headers, sent: &[(&str, &str)]) -> (HeaderMap, Vec<String>) {
    let mut answer = Response::new(());
    for (name, value) in sent {
        let name: HeaderName = name.parse().unwrap();
        answer.headers_mut().append(name, value.parse().unwrap());
    }
    let (mut head, ()) = answer.into_parts();
    let mut findings = Findings::default();
    guard.amend((), &mut head, &mut findings);
    let told = findings
        .iter()
        .map(|(code, evidence)| format!("{code}: {evidence}"))
        .collect();
    (head.headers, told)
}

/// All lines of one header, as the default policy lets them leave.
fn lines(name: &str, sent: &[(&str, &str)]) -> Vec<String> {
    lines_under(HeadersSettings::default(), name, sent)
}

fn lines_under(settings: HeadersSettings, name: &str, sent: &[(&str, &str)]) -> Vec<String> {
    let (headers, _) = leaves(&guard(settings), sent);
    headers
        .get_all(name)
        .iter()
        .map(|value| value.to_str().unwrap().to_owned())
        .collect()
}

fn framed_by(sources: &[&str]) -> HeadersSettings {
    HeadersSettings {
        frame_ancestors: sources.iter().map(ToString::to_string).collect(),
        ..Default::default()
    }
}

fn problems(settings: HeadersSettings) -> Vec<String> {
    let problems: Problems = HeadersPolicy::try_from(settings).unwrap_err();
    problems
        .iter()
        .map(|problem| format!("{} {}", problem.key.join("."), problem.code))
        .collect()
}

#[test]
fn a_bare_answer_leaves_with_all_five() {
    let (headers, told) = leaves(&guard(HeadersSettings::default()), &[("content-type", "text/html")]);
    let expected = [
        ("content-type", "text/html"),
        ("strict-transport-security", "max-age=31536000"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "frame-ancestors 'self'"),
        ("x-frame-options", "SAMEORIGIN"),
        ("referrer-policy", "strict-origin-when-cross-origin"),
    ];
    assert_eq!(headers.len(), expected.len());
    for (name, value) in expected {
        assert_eq!(headers[name], value);
    }
    assert!(told.is_empty(), "adding what is missing is no event: {told:?}");
}

#[test]
fn no_banner_leaves() {
    let guard = guard(HeadersSettings {
        remove: vec!["X-Old-Site".into()],
        ..Default::default()
    });
    let mut sent: Vec<_> = BANNERS.iter().map(|name| (name.as_str(), "Apache/2.2")).collect();
    sent.extend([
        ("server", "again"),
        ("x-old-site", "1"),
        ("x-kept", "1"),
        ("content-type", "text/html"),
    ]);
    let (headers, told) = leaves(&guard, &sent);
    assert!(BANNERS.iter().all(|name| !headers.contains_key(name)) && !headers.contains_key("x-old-site"));
    assert!(headers.contains_key("x-kept") && headers.contains_key("content-type"));
    assert_eq!(told.len(), 1);
}

#[test]
fn a_repair_is_told_once_and_not_with_every_answer() {
    let guard = guard(HeadersSettings::default());
    let (_, told) = leaves(&guard, &[("server", "Apache/2.2"), ("referrer-policy", "unsafe-url")]);
    assert_eq!(
        told,
        [
            "headers_banner_removed: server: Apache/2.2",
            "headers_referrer_replaced: unsafe-url"
        ]
    );
    let (headers, told) = leaves(
        &guard,
        &[("server", "Apache/2.2"), ("strict-transport-security", "max-age=0")],
    );
    assert!(!headers.contains_key("server"));
    assert_eq!(
        told,
        ["headers_hsts_replaced: max-age=0"],
        "another kind is told, the same kind is not"
    );
}

#[test]
fn transport_security_is_never_shorter_than_the_policy_and_never_doubled() {
    const HSTS: &str = "strict-transport-security";
    for (sent, expected) in [
        ("max-age=63072000", "max-age=63072000"),
        (
            "Max-Age=\"63072000\" ; INCLUDESUBDOMAINS; x=1;",
            "Max-Age=\"63072000\" ; INCLUDESUBDOMAINS; x=1;",
        ),
        ("max-age=99999999999999999999", "max-age=99999999999999999999"),
        ("max-age=300; includeSubDomains", "max-age=31536000"),
        ("max-age=0", "max-age=31536000"),
        ("max-age=-1", "max-age=31536000"),
        ("max-age", "max-age=31536000"),
        ("max-age=63072000; max-age=1", "max-age=31536000"),
        ("includeSubDomains", "max-age=31536000"),
        ("", "max-age=31536000"),
    ] {
        assert_eq!(lines(HSTS, &[(HSTS, sent)]), [expected], "{sent}");
    }
    let twice = [(HSTS, "max-age=63072000; includeSubDomains"), (HSTS, "max-age=0")];
    assert_eq!(
        lines(HSTS, &twice),
        ["max-age=63072000; includeSubDomains"],
        "browsers read the first line"
    );
    let mut settings = HeadersSettings::default();
    (settings.hsts.include_subdomains, settings.hsts.preload) = (true, true);
    let wider = lines_under(settings, HSTS, &[(HSTS, "max-age=63072000")]);
    assert_eq!(
        wider,
        ["max-age=63072000; includeSubDomains; preload"],
        "the longer age and the policy's flags"
    );
}

#[test]
fn sniffing_is_off_once() {
    const NAME: &str = "x-content-type-options";
    assert_eq!(lines(NAME, &[(NAME, "nosniff"), (NAME, "nosniff")]), ["nosniff"]);
    assert_eq!(lines(NAME, &[(NAME, "sniff, please")]), ["nosniff"]);
}

const CSP: &str = "content-security-policy";
const XFO: &str = "x-frame-options";

#[test]
fn an_applications_content_policy_survives_and_the_frames_are_added_beside_it() {
    let own = "default-src 'self'; script-src 'nonce-x'";
    assert_eq!(lines(CSP, &[(CSP, own)]), [own, "frame-ancestors 'self'"]);
    let report_only = [("content-security-policy-report-only", "frame-ancestors 'none'")];
    assert_eq!(
        lines(CSP, &report_only),
        ["frame-ancestors 'self'"],
        "report-only enforces nothing"
    );
}

#[test]
fn an_applications_frame_ancestors_is_enough_only_when_it_is_as_strict() {
    for own in [
        "frame-ancestors 'none'",
        "frame-ancestors",
        "FRAME-ANCESTORS 'Self'",
        "img-src *, frame-ancestors 'self'",
    ] {
        assert_eq!(lines(CSP, &[(CSP, own)]), [own]);
    }
    for own in [
        "frame-ancestors *",
        "frame-ancestors 'self' https://portal.example",
        "frame-ancestors *; frame-ancestors 'none'",
        "script-src frame-ancestors",
    ] {
        assert_eq!(lines(CSP, &[(CSP, own)]), [own, "frame-ancestors 'self'"]);
    }
    let (_, told) = leaves(
        &guard(HeadersSettings::default()),
        &[(CSP, "frame-ancestors https://portal.example")],
    );
    assert_eq!(
        told,
        ["headers_framing_narrowed: frame-ancestors https://portal.example"]
    );
}

#[test]
fn the_strict_old_header_is_not_lost_to_the_lenient_new_one() {
    assert_eq!(lines(CSP, &[(XFO, "deny")]), ["frame-ancestors 'none'"]);
    assert_eq!(lines(CSP, &[(XFO, "SAMEORIGIN")]), ["frame-ancestors 'self'"]);
    let portal = framed_by(&["'self'", "https://Portal.example:8443"]);
    assert_eq!(
        lines_under(portal.clone(), CSP, &[]),
        ["frame-ancestors 'self' https://portal.example:8443"]
    );
    assert_eq!(
        lines_under(portal.clone(), CSP, &[(XFO, "SAMEORIGIN")]),
        ["frame-ancestors 'self'"]
    );
    assert_eq!(
        leaves(&guard(portal), &[(XFO, "SAMEORIGIN")]).1,
        ["headers_framing_narrowed: SAMEORIGIN"]
    );
    let only_portal = framed_by(&["*.portal.example"]);
    let both = ["frame-ancestors *.portal.example", "frame-ancestors 'self'"];
    assert_eq!(lines_under(only_portal, CSP, &[(XFO, "SAMEORIGIN")]), both);
    assert_eq!(
        lines_under(framed_by(&[]), CSP, &[(XFO, "SAMEORIGIN")]),
        ["frame-ancestors 'none'"]
    );
    let modern = [(XFO, "DENY"), (CSP, "frame-ancestors 'self'")];
    assert_eq!(
        lines(CSP, &modern),
        ["frame-ancestors 'self'"],
        "the application's own word counts, as in a browser"
    );
}

#[test]
fn the_old_header_is_the_stricter_of_the_two() {
    for (sent, expected) in [
        ("DENY", "DENY"),
        ("sameorigin", "SAMEORIGIN"),
        ("SAMEORIGIN, SAMEORIGIN", "SAMEORIGIN"),
        ("SAMEORIGIN, DENY", "DENY"),
        ("SAMEORIGIN, ALLOWALL", "DENY"),
        ("ALLOW-FROM https://evil.example", "SAMEORIGIN"),
        ("ALLOWALL", "SAMEORIGIN"),
    ] {
        assert_eq!(lines(XFO, &[(XFO, sent)]), [expected], "{sent}");
    }
    assert_eq!(lines(XFO, &[(XFO, "SAMEORIGIN"), (XFO, "DENY")]), ["DENY"]);
    assert_eq!(lines_under(framed_by(&[]), XFO, &[(XFO, "SAMEORIGIN")]), ["DENY"]);
    assert_eq!(
        lines_under(framed_by(&["portal.example"]), XFO, &[]),
        ["DENY"],
        "it cannot name the portal"
    );
}

#[test]
fn a_referrer_policy_that_tells_more_is_replaced() {
    const NAME: &str = "referrer-policy";
    let ours = "strict-origin-when-cross-origin";
    for kept in [
        "no-referrer",
        "same-origin",
        "strict-origin",
        ours,
        "unsafe-url, no-referrer",
        "no-referrer, not-yet-known",
    ] {
        assert_eq!(lines(NAME, &[(NAME, kept)]), [kept]);
    }
    for replaced in [
        "origin",
        "origin-when-cross-origin",
        "no-referrer-when-downgrade",
        "unsafe-url",
        "never",
        "",
    ] {
        assert_eq!(lines(NAME, &[(NAME, replaced)]), [ours], "{replaced}");
    }
    assert_eq!(
        lines(NAME, &[(NAME, "unsafe-url"), (NAME, "No-Referrer")]),
        ["no-referrer"],
        "two lines become one"
    );
    let same_origin = HeadersSettings {
        referrer_policy: "same-origin".into(),
        ..Default::default()
    };
    assert_eq!(
        lines_under(same_origin, NAME, &[(NAME, "strict-origin")]),
        ["same-origin"],
        "neither covers the other"
    );
}

#[test]
fn a_header_that_is_left_alone_leaves_as_it_came() {
    let names = [
        "Strict-Transport-Security",
        "x-content-type-options",
        CSP,
        XFO,
        "referrer-policy",
        "server",
    ];
    let settings = HeadersSettings {
        dangerous_leave: names.map(String::from).to_vec(),
        ..Default::default()
    };
    let sent = [
        ("server", "Apache"),
        ("strict-transport-security", "max-age=0"),
        (XFO, "ALLOWALL"),
    ];
    let (headers, told) = leaves(&guard(settings), &sent);
    assert_eq!(headers.len(), 3);
    assert!(sent.iter().all(|(name, value)| headers[*name] == value) && told.is_empty());
    let only_old = HeadersSettings {
        dangerous_leave: vec![XFO.into()],
        ..framed_by(&["'self'", "portal.example"])
    };
    assert_eq!(
        lines_under(only_old, CSP, &[(XFO, "SAMEORIGIN")]),
        ["frame-ancestors 'self' portal.example"],
        "left alone means not translated either"
    );
}

#[test]
fn settings_that_cannot_be_meant_are_refused_all_at_once() {
    let mut settings = framed_by(&[
        "*",
        "https:",
        "self",
        "'none'",
        "https://a.example/path",
        "a b",
        "'self'",
    ]);
    settings.hsts.max_age = "31536000".into();
    settings.referrer_policy = "unsafe-url".into();
    settings.remove = vec!["set-cookie".into(), "x y".into(), XFO.into(), "x-fine".into()];
    settings.dangerous_leave = vec!["set-cookie".into()];
    let mut expected = vec!["dangerous_leave header_not_ours", "hsts.max_age hsts_max_age_invalid"];
    expected.extend(["frame_ancestors frame_ancestor_invalid"; 6]);
    expected.extend(["referrer_policy referrer_policy_invalid"]);
    expected.extend([
        "remove header_needed",
        "remove header_name_invalid",
        "remove header_needed",
    ]);
    assert_eq!(problems(settings), expected);
}

#[test]
fn until_when_headers_are_reported_is_a_day() {
    let until = |day: &str| HeadersSettings {
        report_until: Some(day.into()),
        ..Default::default()
    };
    assert_eq!(problems(until("2026-02-30")), ["report_until date_invalid"]);
    let policy = HeadersPolicy::try_from(until("2026-12-31")).unwrap();
    assert_eq!(policy.report_until(), "2026-12-31".parse().ok());
}

#[test]
fn a_year_of_https_cannot_be_taken_back_by_accident() {
    let with = |max_age: &str, include_subdomains, preload| {
        let mut settings = HeadersSettings::default();
        settings.hsts.max_age = max_age.into();
        (settings.hsts.include_subdomains, settings.hsts.preload) = (include_subdomains, preload);
        settings
    };
    assert_eq!(
        problems(with("0s", false, false)),
        ["hsts.max_age hsts_max_age_invalid"]
    );
    assert_eq!(
        problems(with("1500ms", false, false)),
        ["hsts.max_age hsts_max_age_invalid"]
    );
    assert_eq!(
        problems(with("365d", false, true)),
        ["hsts.preload hsts_preload_incomplete"]
    );
    assert_eq!(
        problems(with("364d", true, true)),
        ["hsts.preload hsts_preload_incomplete"]
    );
    let full = lines_under(with("365d", true, true), "strict-transport-security", &[]);
    assert_eq!(full, ["max-age=31536000; includeSubDomains; preload"]);
    assert_eq!(
        lines_under(with("5m", false, false), "strict-transport-security", &[]),
        ["max-age=300"]
    );
}

#[test]
fn settings_read_back_as_they_were_written_and_unknown_keys_are_refused() {
    let settings: HeadersSettings =
        serde_json::from_str(r#"{"enforcement":"report","hsts":{"max_age":"1d"}}"#).unwrap();
    assert_eq!(settings.enforcement, Enforcement::Report);
    assert_eq!(settings.frame_ancestors, ["'self'"]);
    let written = serde_json::to_string(&settings).unwrap();
    assert_eq!(serde_json::from_str::<HeadersSettings>(&written).unwrap(), settings);
    assert!(serde_json::from_str::<HeadersSettings>(r#"{"hsts":{"max-age":"1d"}}"#).is_err());
}

#[tokio::test]
async fn report_tells_and_changes_nothing() {
    let settings = HeadersSettings {
        enforcement: Enforcement::Report,
        ..Default::default()
    };
    let (sender, told) = std::sync::mpsc::channel();
    let sink = move |decision: rempart_guard::Decision| sender.send(decision.to_string()).unwrap();
    let reporter = Reporter::new("library", std::sync::Arc::new(sink));
    let service = ServiceBuilder::new()
        .layer(HeadersLayer::new(HeadersPolicy::try_from(settings).unwrap(), reporter))
        .service(service_fn(async |_: Request<()>| {
            Response::builder()
                .header("server", "Apache")
                .body(http_body_util::Full::<bytes::Bytes>::default())
        }));
    let answer = service.oneshot(Request::new(())).await.unwrap();
    assert_eq!(answer.headers().len(), 1);
    let told: Vec<_> = told.try_iter().collect();
    assert_eq!(
        told,
        ["library would repair headers/headers_banner_removed: server: Apache"]
    );
}

proptest! {
    #[test]
    fn whatever_an_application_sends_each_header_leaves_once_and_amending_twice_changes_nothing(
        sent in proptest::collection::vec((0..7_usize, "[ -~\t]{0,40}|(max-age=[0-9]{1,9}|'self'|frame-ancestors [a-z*' ]{0,9}|deny|[,; ]){0,6}"), 0..8),
    ) {
        let names = ["strict-transport-security", "x-content-type-options", CSP, XFO, "referrer-policy", "server", "x-other"];
        let guard = guard(HeadersSettings::default());
        let mut answer = Response::new(());
        for (name, value) in &sent {
            if let Ok(value) = HeaderValue::from_str(value) {
                answer.headers_mut().append(names[*name], value);
            }
        }
        let own: Vec<_> = answer.headers().get_all(CSP).iter().cloned().collect();
        let (mut head, ()) = answer.into_parts();
        guard.amend((), &mut head, &mut Findings::default());
        for name in [names[0], names[1], names[3], names[4]] {
            prop_assert_eq!(head.headers.get_all(name).iter().count(), 1);
        }
        let policies: Vec<_> = head.headers.get_all(CSP).iter().cloned().collect();
        prop_assert!(policies.starts_with(&own) && !head.headers.contains_key("server"));
        let once = head.headers.clone();
        guard.amend((), &mut head, &mut Findings::default());
        prop_assert_eq!(head.headers, once);
    }
}
