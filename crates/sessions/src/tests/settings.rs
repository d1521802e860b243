use rempart_guard::Problems;

use super::site::{policy, settings};
use crate::{SessionsPolicy, SessionsSettings};

fn read(toml: &str) -> Result<SessionsPolicy, Problems> {
    SessionsPolicy::try_from(toml::from_str::<SessionsSettings>(toml).unwrap())
}

#[test]
fn all_that_is_wrong_is_said_at_once_and_each_with_its_key() {
    let problems = read(
        r#"
        report_until = "soon"
        cookie = "a b"
        beside = ["sso", "sso", "x=y"]
        idle = "30"
        absolute = "91d"
        per_account = 0
        beyond = "lock"
        login = ["POST /login", "login"]
        logout = ["/out?x"]
        account_header = "Set-Cookie"
        bind = ["network", "ja4", "network"]
        clear_site_data = ["everything"]
        "#,
    );
    let problems: Vec<_> = problems
        .unwrap_err()
        .into_iter()
        .map(|one| (one.key.join("."), one.code))
        .collect();
    let expected = [
        ("report_until", "date_invalid"),
        ("cookie", "cookie_name_invalid"),
        ("beside", "cookie_name_repeated"),
        ("beside", "cookie_name_invalid"),
        ("idle", "duration_ambiguous"),
        ("absolute", "duration_out_of_range"),
        ("per_account", "out_of_range"),
        ("beyond", "session_beyond_unknown"),
        ("login.1", "route_invalid"),
        ("logout.0", "route_invalid"),
        ("account_header", "header_name_invalid"),
        ("bind.1", "word_unknown"),
        ("bind.2", "word_repeated"),
        ("clear_site_data.0", "word_unknown"),
    ];
    assert_eq!(problems, expected.map(|(key, code)| (key.to_owned(), code)));
}

#[test]
fn a_cookie_beside_none_is_refused() {
    let problems = read("beside = [\"sso\"]").unwrap_err();
    assert_eq!(problems.iter().next().unwrap().code, "session_cookie_missing");
    let problems = read("cookie = \"sso\"\nbeside = [\"sso\"]").unwrap_err();
    assert_eq!(problems.iter().next().unwrap().code, "cookie_name_repeated");
}

#[test]
fn an_unknown_key_and_a_bare_number_are_refused() {
    for toml in [
        "lifetime = \"1h\"",
        "idle = 30",
        "cookie = [\"a\"]",
        "login = \"/login\"",
    ] {
        assert!(toml::from_str::<SessionsSettings>(toml).is_err(), "{toml}");
    }
}

#[test]
fn what_is_left_out_has_its_default_and_settings_read_back_as_themselves() {
    let defaults = SessionsSettings::default();
    assert_eq!(toml::from_str::<SessionsSettings>("").unwrap(), defaults);
    let written = serde_json::to_string(&defaults).unwrap();
    assert_eq!(serde_json::from_str::<SessionsSettings>(&written).unwrap(), defaults);
    SessionsPolicy::try_from(defaults).unwrap();
}

#[test]
fn a_name_with_a_star_takes_all_that_begin_so() {
    let policy = policy(SessionsSettings {
        cookie: Some("wordpress_logged_in_*".into()),
        beside: vec!["wordpress_*".into()],
        ..settings()
    });
    let role = |name: &str| policy.role(name).map(|role| format!("{role:?}"));
    assert_eq!(role("wordpress_logged_in_0a1b").as_deref(), Some("Session"));
    assert_eq!(role("wordpress_sec_0a1b").as_deref(), Some("Beside"));
    assert_eq!(role("Wordpress_sec_0a1b"), None);
    assert!(read("cookie = \"a*\"").is_err());
}

fn said(old: SessionsSettings, new: SessionsSettings) -> Vec<String> {
    policy(old)
        .changes_to(&policy(new))
        .into_iter()
        .map(|change| change.to_string())
        .collect()
}

#[test]
fn every_key_that_changes_something_is_told_and_nothing_else() {
    let new = SessionsSettings {
        cookie: Some("PHPSESSID".into()),
        beside: vec!["sid".into()],
        idle: "10m".into(),
        absolute: "1d".into(),
        per_account: Some(1),
        beyond: "refuse".into(),
        login: vec!["POST /login".into(), "POST /api/login".into()],
        logout: vec!["/bye".into()],
        account_header: "X-Card".into(),
        bind: vec!["network".into(), "tls".into()],
        clear_site_data: vec![],
        report_until: None,
        enforcement: rempart_guard::Enforcement::Enforce,
    };
    assert_eq!(
        said(settings(), new),
        [
            "tightens: cookie PHPSESSID is watched as a session",
            "changes: the session is PHPSESSID instead of sid",
            "tightens: a session ends after 10 minutes without a request instead of 30 minutes",
            "loosens: a session lasts 1 day in all instead of 12 hours",
            "tightens: an account has 1 session at once instead of as many sessions as it likes: one more is refused",
            "tightens: POST /api/login gives the session a new number",
            "loosens: /logout no longer ends the session",
            "tightens: /bye ends the session",
            "changes: a session that comes from another browser is no longer told",
            "changes: a session that comes from a program with another TLS handshake is told",
            "changes: after a logout browsers forget nothing instead of storage",
            "changes: accounts are read from `x-card` instead of `x-rempart-account`, which leaves the edge",
        ]
    );
    assert_eq!(said(settings(), settings()), [""; 0]);
    let two = |beyond: &str| SessionsSettings {
        per_account: Some(2),
        beyond: beyond.into(),
        ..settings()
    };
    assert_eq!(
        said(two("refuse"), two("end_oldest")),
        ["changes: of an account's 2 sessions at once, one more ends the oldest"]
    );
}

#[test]
fn what_is_off_or_only_reported_changes_accordingly() {
    let off = SessionsSettings {
        cookie: None,
        ..settings()
    };
    let other = SessionsSettings {
        idle: "1h".into(),
        ..off.clone()
    };
    assert_eq!(said(off.clone(), other), [""; 0]);
    assert_eq!(
        said(off, settings()),
        ["tightens: limits of sessions are enforced from now on"]
    );
    let report = |idle: &str| SessionsSettings {
        enforcement: rempart_guard::Enforcement::Report,
        idle: idle.into(),
        ..settings()
    };
    assert_eq!(
        said(report("30m"), report("1h")),
        ["changes: a session ends after 1 hour without a request instead of 30 minutes (only reported)"]
    );
}
