use super::site::{Browser, HOUR, MINUTE, Site, settings};

#[test]
fn a_session_without_a_request_for_half_an_hour_has_ended() {
    let site = Site::new(settings());
    let mut browser = site.logged_in("mairesse");
    site.wait(29 * MINUTE);
    assert!(site.knows(&mut browser));
    site.wait(30 * MINUTE + 2);
    site.codes();
    let stolen = browser.clone();
    let answer = site.get(&mut browser, "/");
    assert_eq!(answer.seen, "lang=fr", "the application sees every other cookie");
    assert!(!answer.headers.contains_key("x-user"));
    assert_eq!(site.codes(), ["session_idle"]);
    assert_ne!(
        browser.id(),
        stolen.id(),
        "the stranger's session of the application has a number of its own"
    );
    assert!(
        !site.knows(&mut stolen.clone()),
        "and the old cookie stays worth nothing"
    );
}

#[test]
fn an_idle_session_is_deleted_in_the_browser_when_the_application_sets_none() {
    let site = Site::new(settings());
    let mut browser = site.logged_in("mairesse");
    site.wait(HOUR);
    let answer = site.get(&mut browser, "/bye");
    assert_eq!(answer.seen, "lang=fr");
    assert!(browser.cookies.is_empty(), "{:?}", answer.orders);
}

#[test]
fn a_busy_session_ends_after_twelve_hours() {
    let site = Site::new(settings());
    let mut browser = site.logged_in("mairesse");
    for _ in 0..(12 * 6) {
        site.wait(10 * MINUTE - 1);
        assert!(site.knows(&mut browser));
    }
    site.wait(2 * MINUTE);
    site.codes();
    assert!(!site.knows(&mut browser));
    assert_eq!(site.codes(), ["session_expired"]);
}

#[test]
fn a_seal_is_renewed_after_a_quarter_of_the_limit_and_not_at_each_request() {
    let site = Site::new(settings());
    let mut browser = site.logged_in("mairesse");
    let (id, began, sealed) = (browser.id(), browser.session().began, browser.session().sealed);
    site.wait(7 * MINUTE);
    site.get(&mut browser, "/");
    assert_eq!(browser.session().sealed, sealed);
    site.wait(MINUTE);
    site.get(&mut browser, "/");
    assert!(browser.session().sealed > sealed);
    assert_eq!((browser.id(), browser.session().began), (id, began));
}

#[test]
fn an_answer_that_caches_keep_has_a_seal_only_when_there_was_no_other() {
    let site = Site::new(settings());
    let mut browser = site.logged_in("mairesse");
    site.wait(10 * MINUTE);
    for cache in ["public", "S-MaxAge=60", "immutable,max-age=60"] {
        assert!(
            site.get(&mut browser, &format!("/?cache={cache}")).orders.is_empty(),
            "{cache}"
        );
    }
    assert!(
        !site
            .get(&mut browser.clone(), "/?cache=private,max-age=60")
            .orders
            .is_empty()
    );
    site.wait(6 * MINUTE);
    assert!(!site.get(&mut browser, "/?cache=public").orders.is_empty());
}

#[test]
fn a_cookie_that_is_not_named_is_not_watched() {
    let site = Site::new(settings());
    let mut browser = Browser::default();
    site.get(&mut browser, "/?ticket=1");
    site.wait(20 * HOUR);
    let answer = site.get(&mut browser, "/");
    assert!(
        answer.seen.contains("sso=ticket") && !answer.seen.contains("sid="),
        "{}",
        answer.seen
    );
}

#[test]
fn a_cookie_beside_ends_with_its_session() {
    let site = Site::new(crate::SessionsSettings {
        beside: vec!["sso".into()],
        ..settings()
    });
    let mut browser = Browser::default();
    site.get(&mut browser, "/?ticket=1");
    assert!(site.get(&mut browser, "/").seen.contains("sso=ticket"));
    let mut thief = browser.clone();
    thief.cookies.remove("sid");
    site.sessions
        .kill(&crate::Which::Number(browser.id().to_string()))
        .unwrap();
    let answer = site.get(&mut thief, "/");
    assert_eq!(answer.seen, "lang=fr", "shown alone, it begins no other session");
    let answer = site.get(&mut browser, "/");
    assert_eq!(answer.seen, "lang=fr");
    assert!(!browser.cookies.contains_key("sso"));
}

#[test]
fn a_cookie_beside_is_ended_by_being_shown_with_a_session_that_has_ended() {
    let site = Site::new(crate::SessionsSettings {
        beside: vec!["sso".into()],
        ..settings()
    });
    let (mut one, mut other) = (Browser::default(), Browser::default());
    site.get(&mut one, "/?ticket=1");
    site.get(&mut other, "/");
    site.sessions
        .kill(&crate::Which::Number(other.id().to_string()))
        .unwrap();
    let ticket = one.cookies["sso"].clone();
    other.cookies.insert("sso".into(), ticket);
    assert_eq!(site.get(&mut other, "/").seen, "lang=fr");
    let mut alone = one.clone();
    alone.cookies.remove("sid");
    assert_eq!(site.get(&mut alone, "/").seen, "lang=fr");
}
