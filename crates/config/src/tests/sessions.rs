//! Sessions: what only the cookies beside them show to be wrong.

use super::site::{Site, expect};

const FILE: &str = "tenants.d/library.toml";

fn with(more: &str) -> Site {
    Site::new().more(FILE, more)
}

fn lints(site: &Site) -> String {
    let lints = site.load().unwrap().lints("2026-11-22".parse().unwrap());
    lints.iter().map(ToString::to_string).collect()
}

#[test]
fn a_session_whose_cookie_is_not_sealed_is_refused_at_its_line() {
    expect(
        &with("[cookies]\nsession = [\"PHPSESSID\"]\n[sessions]\ncookie = \"phpsessid\"\nbeside = [\"sso\"]\n"),
        r#"tenants.d/library.toml:7:10: error[session_not_sealed]: sessions.cookie: `phpsessid` is not among the session cookies that are sealed
  |
7 | cookie = "phpsessid"
  |          ^^^^^^^^^^^
  = help: write `session = ["phpsessid"]` under [cookies]

tenants.d/library.toml:8:10: error[session_not_sealed]: sessions.beside: `sso` is not among the session cookies that are sealed
  |
8 | beside = ["sso"]
  |          ^^^^^^^
  = help: write `session = ["sso"]` under [cookies]

2 problems in 1 file"#,
    );
}

#[test]
fn a_cookie_that_a_star_seals_can_be_watched() {
    let sealed = "[cookies]\nsession = [\"wordpress_*\", \"PHPSESSID\"]\n";
    for cookie in [
        "PHPSESSID",
        "wordpress_*",
        "wordpress_logged_in_*",
        "wordpress_logged_in_0a1b",
    ] {
        assert_eq!(
            with(&format!("{sealed}[sessions]\ncookie = \"{cookie}\"\n")).says(),
            "",
            "{cookie}"
        );
    }
    for cookie in ["PHPSESSID*", "word*"] {
        let said = with(&format!("{sealed}[sessions]\ncookie = \"{cookie}\"\n")).says();
        assert!(said.contains("session_not_sealed"), "{cookie}: {said}");
    }
}

#[test]
fn defaults_of_sessions_hold_for_every_tenant_and_are_checked_on_their_own() {
    let defaults = |lines: &str| Site::new().more("rempart.toml", &format!("[defaults.sessions]\n{lines}"));
    assert_eq!(defaults("idle = \"10m\"\n").says(), "");
    let idle = defaults("idle = \"10m\"\n").load().unwrap().tenants[0].sessions.clone();
    assert_eq!(idle.changes_to(&idle), []);
    let said = defaults("idle = \"10\"\n").says();
    assert!(
        said.contains("error[duration_ambiguous]: defaults.sessions.idle"),
        "{said}"
    );
}

#[test]
fn sessions_without_seals_are_warned_of() {
    let watched = "session = [\"PHPSESSID\"]\n[sessions]\ncookie = \"PHPSESSID\"\n";
    assert_eq!(lints(&with(&format!("[cookies]\n{watched}"))), "");
    let said = lints(&with(&format!("[cookies]\nenforcement = \"report\"\n{watched}")));
    assert!(
        said.contains(":5:15: warning[sessions_without_seal]: cookies.enforcement"),
        "{said}"
    );
    let off = "[cookies]\nenforcement = \"off\"\nsession = [\"PHPSESSID\"]\n[sessions]\ncookie = \"PHPSESSID\"\nenforcement = \"off\"\n";
    assert_eq!(lints(&with(off)), "");
}

#[test]
fn a_login_that_no_class_names_is_warned_of_where_personal_data_is_held() {
    let file = "personal_data = true\nhosts = [\"library.localhost\"]\n[upstream]\nurl = \"http://127.0.0.1:9101\"\n\
                [routes]\nauth = [\"/login\"]\n[cookies]\nsession = [\"PHPSESSID\"]\n[sessions]\ncookie = \"PHPSESSID\"\n\
                login = [\"POST /login\", \"POST /enter\"]\n";
    let said = lints(&Site::new().file(FILE, file));
    assert!(
        said.contains("tenants.d/library.toml:11:25: warning[route_without_class]: sessions.login[1]"),
        "{said}"
    );
}

#[test]
fn a_longer_session_is_told_as_a_change_that_loosens() {
    let site = |idle: &str| {
        with(&format!(
            "[cookies]\nsession = [\"PHPSESSID\"]\n[sessions]\ncookie = \"PHPSESSID\"\nidle = \"{idle}\"\n"
        ))
    };
    let [old, new] = [site("30m"), site("2h")].map(|site| site.load().unwrap());
    let differences = crate::Differences::between(&old, &new).to_string();
    assert_eq!(
        differences.trim(),
        "library: loosens: a session ends after 2 hours without a request instead of 30 minutes"
    );
}
