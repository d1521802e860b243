//! Report, off, and what the wiring must have.

use http::{Method, StatusCode};
use rempart_guard::{Downstream, Enforcement, Findings, Guard as _, Refusal as _};

use super::site::{Browser, HOUR, MINUTE, Site, settings};
use crate::{SessionsSettings, Which};

#[test]
fn report_tells_everything_and_changes_nothing() {
    let site = Site::new(SessionsSettings {
        enforcement: Enforcement::Report,
        per_account: Some(1),
        beside: vec!["sso".into()],
        ..settings()
    });
    let told = |site: &Site| {
        let told = site.told();
        assert!(told.iter().all(|(_, enforcement)| *enforcement == Enforcement::Report));
        told.into_iter().map(|(code, _)| code).collect::<Vec<_>>()
    };
    let mut patron = Browser::default();
    site.get(&mut patron, "/");
    let before = patron.id();
    site.post(&mut patron, "/login?as=17&account=17");
    assert_eq!((patron.id(), told(&site)), (before, vec!["session_renewed"]));
    let mut second = Browser::default();
    site.get(&mut second, "/");
    site.post(&mut second, "/login?as=17&account=17");
    assert_eq!(told(&site), ["session_renewed", "session_too_many"]);
    site.post(&mut patron, "/admin/accounts");
    assert_eq!(told(&site), ["session_renewed"]);
    site.wait(HOUR);
    assert!(site.knows(&mut patron));
    assert_eq!(told(&site), ["session_idle"]);
    assert!(site.knows(&mut patron));
    assert_eq!(told(&site), [""; 0], "told once");
    for _ in 0..26 {
        site.wait(29 * MINUTE);
        assert!(site.knows(&mut patron));
    }
    assert_eq!(told(&site), ["session_expired"], "told once");
    site.sessions.kill(&Which::All).unwrap();
    assert!(site.knows(&mut patron));
    assert_eq!(told(&site), ["session_killed"]);
    let answer = site.get(&mut patron, "/logout");
    assert!(answer.orders.is_empty() && !answer.headers.contains_key("clear-site-data"));
    assert!(site.knows(&mut patron));
}

#[test]
fn off_looks_at_nothing() {
    for off in [
        SessionsSettings {
            enforcement: Enforcement::Off,
            ..settings()
        },
        SessionsSettings {
            cookie: None,
            ..settings()
        },
    ] {
        let site = Site::new(off);
        assert_eq!(site.sessions.policy().enforcement(), Enforcement::Off);
        let mut patron = site.logged_in("17");
        site.wait(100 * HOUR);
        assert!(site.knows(&mut patron));
        assert_eq!(site.codes(), [""; 0]);
    }
}

#[test]
fn a_request_of_nobody_is_refused_where_the_network_is_looked_at() {
    let site = Site::new(settings());
    let mut head = site.request(&Browser::default(), Method::GET, "/").into_parts().0;
    head.extensions.remove::<Downstream>();
    let refusal = site.sessions.check(&mut head, &mut Findings::default()).unwrap_err();
    assert_eq!(refusal.rejection().status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(refusal.rejection().code(), "wiring_no_downstream");
    let site = Site::new(SessionsSettings {
        bind: vec!["browser".into()],
        ..settings()
    });
    assert!(site.sessions.check(&mut head, &mut Findings::default()).is_ok());
}

#[test]
fn a_request_without_a_session_is_left_as_it_is() {
    let site = Site::new(settings());
    let mut browser = Browser::default();
    let answer = site.get(&mut browser, "/");
    assert!(
        answer.orders.is_empty(),
        "the number is whoever seals's to give: {:?}",
        answer.orders
    );
    assert_eq!(site.codes(), [""; 0]);
    assert!(site.sessions.list().is_empty());
}

#[test]
fn nothing_that_is_told_has_a_cookies_value_or_a_whole_number() {
    let site = Site::new(settings());
    let mut patron = site.logged_in("17");
    let mut head = site.request(&patron, Method::GET, "/").into_parts().0;
    site.wait(HOUR);
    let mut findings = Findings::default();
    let ticket = site.sessions.check(&mut head, &mut findings).unwrap();
    let said: Vec<_> = findings.iter().map(|(_, evidence)| evidence.to_owned()).collect();
    let number = patron.id().to_string();
    assert_eq!(said, [format!("sid {}: no request for 1 hour", &number[..12])]);
    assert!(!format!("{:?}", site.sessions).contains(&number));
    drop(ticket);
    site.get(&mut patron, "/");
}
