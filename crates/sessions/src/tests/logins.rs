use http::Method;
use http::StatusCode;
use rempart_guard::{Findings, Guard as _, SessionOrder, SessionOrders};

use super::site::{Browser, HOUR, MINUTE, Site, settings};
use crate::SessionsSettings;

#[test]
fn a_session_that_was_planted_is_worth_nothing_after_the_login() {
    let site = Site::new(settings());
    let mut thief = Browser::default();
    site.get(&mut thief, "/");
    let mut victim = thief.clone();
    site.post(&mut victim, "/login?as=mairesse");
    assert!(site.knows(&mut victim));
    assert_eq!(
        victim.cookies["sid"].1, thief.cookies["sid"].1,
        "the application has kept its session, as it does"
    );
    assert_ne!(victim.id(), thief.id());
    site.codes();
    let answer = site.get(&mut thief, "/");
    assert_eq!(answer.seen, "lang=fr");
    assert_eq!(site.codes(), ["session_superseded"]);
    assert!(site.knows(&mut victim));
}

#[test]
fn a_thief_cannot_split_a_session_before_it_is_planted() {
    let site = Site::new(settings());
    let mut thief = Browser::default();
    site.get(&mut thief, "/");
    // Two answers to one number, both after both requests were let in.
    let ask = || site.request(&thief, Method::POST, "/login").into_parts().0;
    let (mut one, mut other) = (ask(), ask());
    let mut findings = Findings::default();
    let tickets = [&mut one, &mut other].map(|head| site.sessions.check(head, &mut findings).unwrap());
    let ordered = tickets.map(|ticket| {
        let mut head = http::Response::new(()).into_parts().0;
        site.sessions.amend(ticket, &mut head, &mut findings);
        head.extensions.remove::<SessionOrders>().unwrap().0
    });
    let number = |orders: &[SessionOrder]| match orders {
        [SessionOrder::Renew(session)] => session.id,
        other => panic!("{other:?}"),
    };
    assert_eq!(number(&ordered[0]), number(&ordered[1]), "they agree on one successor");
    assert_ne!(number(&ordered[0]), thief.id());
}

#[test]
fn a_wrong_password_renews_the_number_and_lengthens_nothing() {
    let site = Site::new(settings());
    let mut browser = site.logged_in("mairesse");
    let (id, began) = (browser.id(), browser.session().began);
    site.wait(20 * MINUTE);
    let answer = site.post(&mut browser, "/login");
    assert_eq!(answer.status, StatusCode::OK);
    assert_ne!(browser.id(), id);
    assert_eq!(browser.session().began, began);
}

#[test]
fn a_login_with_another_session_of_the_application_begins_anew() {
    let site = Site::new(settings());
    let mut browser = site.logged_in("mairesse");
    let began = browser.session().began;
    site.wait(20 * MINUTE);
    site.post(&mut browser, "/login?as=mairesse&renew=1");
    assert!(browser.session().began > began);
}

#[test]
fn an_error_of_a_login_changes_nothing() {
    let site = Site::new(SessionsSettings {
        login: vec!["POST /admin/refused".into()],
        ..settings()
    });
    let mut browser = Browser::default();
    site.get(&mut browser, "/");
    let id = browser.id();
    site.post(&mut browser, "/admin/refused");
    assert_eq!(browser.id(), id);
}

#[test]
fn a_request_that_was_on_its_way_does_not_log_anybody_out() {
    let site = Site::new(settings());
    let mut browser = Browser::default();
    site.get(&mut browser, "/");
    let mut late = browser.clone();
    site.post(&mut browser, "/login?as=mairesse");
    site.wait(5);
    let answer = site.get(&mut late, "/");
    assert_eq!(answer.seen, "lang=fr");
    assert_eq!(
        answer.orders,
        [SessionOrder::Leave("sid".into())],
        "the browser keeps its new cookie"
    );
    assert!(!answer.headers.contains_key("set-cookie"));
    let answer = site.get(&mut late, "/bye");
    assert!(
        !answer.headers.contains_key("set-cookie"),
        "the application's deletion is for a stranger"
    );
    assert!(site.knows(&mut browser));
}

#[test]
fn a_second_click_on_the_login_logs_in() {
    let site = Site::new(settings());
    let mut browser = Browser::default();
    site.get(&mut browser, "/");
    let mut again = browser.clone();
    site.post(&mut browser, "/login?as=mairesse");
    site.post(&mut again, "/login?as=mairesse");
    assert!(site.knows(&mut again));
}

#[test]
fn an_old_number_long_after_the_login_is_deleted() {
    let site = Site::new(settings());
    let mut browser = Browser::default();
    site.get(&mut browser, "/");
    let mut old = browser.clone();
    site.post(&mut browser, "/login?as=mairesse");
    site.wait(MINUTE);
    site.get(&mut old, "/bye");
    assert!(old.cookies.is_empty());
}

#[test]
fn a_logout_ends_the_session_whatever_the_application_does() {
    let site = Site::new(settings());
    let mut browser = site.logged_in("mairesse");
    let mut copy = browser.clone();
    let answer = site.get(&mut browser, "/logout");
    assert!(browser.cookies.is_empty(), "{:?}", answer.orders);
    assert_eq!(answer.headers["clear-site-data"], "\"storage\"");
    assert!(
        !site.knows(&mut copy),
        "the application still knows the value, and nobody gets there with it"
    );
}

#[test]
fn what_a_browser_forgets_can_be_chosen() {
    let site = Site::new(SessionsSettings {
        clear_site_data: vec!["cookies".into(), "storage".into()],
        ..settings()
    });
    let answer = site.get(&mut site.logged_in("mairesse"), "/logout");
    assert_eq!(answer.headers["clear-site-data"], "\"cookies\", \"storage\"");
    let site = Site::new(SessionsSettings {
        clear_site_data: Vec::new(),
        ..settings()
    });
    let answer = site.get(&mut site.logged_in("mairesse"), "/logout");
    assert!(!answer.headers.contains_key("clear-site-data"));
}

#[test]
fn what_is_no_logout_logs_nobody_out() {
    let site = Site::new(settings());
    let mut browser = site.logged_in("mairesse");
    let answer = site.ask(&mut browser, Method::PUT, "/logout");
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(site.knows(&mut browser));
    let answer = site.get(&mut Browser::default(), "/logout");
    assert!(
        !answer.headers.contains_key("clear-site-data"),
        "a picture of another site that leads here clears nothing"
    );
}

#[test]
fn a_cookie_that_the_application_deletes_ends_its_session() {
    let site = Site::new(settings());
    let mut browser = site.logged_in("mairesse");
    let mut copy = browser.clone();
    site.get(&mut browser, "/bye");
    site.codes();
    assert_eq!(site.get(&mut copy, "/").seen, "lang=fr");
    assert_eq!(site.codes(), ["session_killed"]);
}

#[test]
fn what_creates_an_account_renews_the_number_and_not_the_time() {
    let site = Site::new(settings());
    let mut browser = site.logged_in("mairesse");
    let (id, began) = (browser.id(), browser.session().began);
    site.wait(MINUTE);
    site.get(&mut browser, "/admin/accounts");
    assert_eq!(browser.id(), id, "a form that is only shown");
    site.post(&mut browser, "/admin/refused");
    assert_eq!(browser.id(), id, "a request that was refused");
    site.post(&mut browser, "/admin/accounts");
    assert_ne!(browser.id(), id);
    assert_eq!(browser.session().began, began);
    assert!(site.knows(&mut browser));
}

#[test]
fn a_session_that_is_elsewhere_is_told_and_goes_on() {
    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let site = Site::new(settings());
    let mut browser = Browser {
        agent: FIREFOX,
        ..Browser::default()
    };
    site.get(&mut browser, "/");
    site.get(&mut browser, "/");
    site.codes();
    let mut thief = Browser {
        agent: "curl/8.5",
        client: Some("198.51.100.7"),
        ..browser.clone()
    };
    assert!(site.get(&mut thief, "/").seen.contains("sid="));
    assert_eq!(site.codes(), ["session_moved"]);
    for _ in 0..5 {
        site.get(&mut browser, "/");
        site.get(&mut thief, "/");
    }
    assert_eq!(site.codes(), [""; 0], "back and forth is told once a minute");
    site.wait(MINUTE);
    site.get(&mut browser, "/");
    assert_eq!(site.codes(), ["session_moved"]);
    site.wait(HOUR);
}

#[test]
fn a_session_that_another_program_goes_on_with_is_told_and_goes_on() {
    let bind = |words: &[&str]| crate::SessionsSettings {
        bind: words.iter().map(|word| (*word).to_owned()).collect(),
        ..settings()
    };
    for (words, told) in [(&["network", "browser", "tls"][..], 1), (&["network", "browser"], 0)] {
        let site = Site::new(bind(words));
        let mut patron = Browser {
            tls: Some(7),
            ..site.logged_in("17")
        };
        assert!(site.knows(&mut patron));
        site.codes();
        let mut thief = Browser {
            tls: Some(8),
            ..patron.clone()
        };
        assert!(site.knows(&mut thief), "a signal locks nobody out");
        assert_eq!(site.codes(), vec!["session_moved"; told], "{words:?}");
        site.wait(MINUTE);
        assert!(site.knows(&mut patron));
        assert_eq!(site.codes(), vec!["session_moved"; told], "{words:?}");
        let mut unseen = Browser { tls: None, ..patron };
        site.wait(MINUTE);
        assert!(site.knows(&mut unseen));
        assert_eq!(site.codes(), [""; 0], "a handshake that was not seen says nothing");
    }
}
