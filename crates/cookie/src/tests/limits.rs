//! How long, how large and how many.

use super::site::*;
use crate::CookieSettings;

#[test]
fn a_cookie_lives_no_longer_than_it_may() {
    let settings = CookieSettings {
        max_age: "10d".into(),
        ..CookieSettings::default()
    };
    let site = Site::new(settings);
    let hard = "; HttpOnly; SameSite=Lax; Secure";
    for (set, left) in [
        ("a=1; Max-Age=863999", "a=1; Max-Age=863999"),
        ("a=1; Max-Age=864001", "a=1; Max-Age=864000"),
        ("a=1; Max-Age=99999999999999999999999", "a=1; Max-Age=864000"),
        ("a=1; max-age=9999999; max-age=60", "a=1; max-age=9999999; max-age=60"),
        ("a=1; Max-Age=soon", "a=1; Max-Age=soon"),
        ("a=1; Max-Age=-1", "a=1; Max-Age=-1"),
        ("a=1", "a=1"),
        (
            "a=1; Expires=Fri, 01-Jan-2055 00:00:00 GMT",
            "a=1; Expires=Fri, 01-Jan-2055 00:00:00 GMT; Max-Age=864000",
        ),
        (
            "a=1; Expires=Fri, 01-Jan-2055 00:00:00 GMT; Max-Age=60",
            "a=1; Expires=Fri, 01-Jan-2055 00:00:00 GMT; Max-Age=60",
        ),
        (
            "a=1; Expires=Thu Jan  1 00:00:01 1970",
            "a=1; Expires=Thu Jan  1 00:00:01 1970",
        ),
        ("a=1; Expires=whenever", "a=1; Expires=whenever"),
    ] {
        assert_eq!(site.leaves(set), format!("{left}{hard}"), "{set}");
    }
}

#[test]
fn a_sealed_value_does_not_open_when_its_cookie_has_ended() {
    let site = Site::new(CookieSettings {
        max_age: "10d".into(),
        ..sessions(&["PHPSESSID"])
    });
    let (short, long, none) = (
        site.sealed("PHPSESSID=1; Max-Age=60"),
        site.sealed("PHPSESSID=1; Max-Age=99999999"),
        site.sealed("PHPSESSID=1"),
    );
    site.wait(std::time::Duration::from_secs(61));
    assert_eq!(site.codes(&short), ["cookie_expired"], "a browser would not send it");
    assert!(site.codes(&long).is_empty() && site.codes(&none).is_empty());
    site.wait(DAY * 10);
    assert_eq!(
        (site.codes(&long), site.codes(&none)),
        (vec!["cookie_expired"], vec!["cookie_expired"])
    );
}

#[test]
fn a_cookie_that_no_browser_keeps_does_not_leave_and_does_not_come_in() {
    let site = Site::new(sessions(&["PHPSESSID"]));
    let fits = format!("a={}", "x".repeat(4_095));
    assert!(site.leaves(&fits).starts_with(&fits));
    assert_eq!(site.seen(&fits), Some(fits.clone()));
    let long = fits + "x";
    assert_eq!(site.leaves(&long), "");
    assert_eq!((site.seen(&long), site.codes(&long)), (None, vec!["cookie_too_large"]));
}

#[test]
fn no_more_cookies_reach_the_application_than_may_and_the_session_is_always_among_them() {
    let site = Site::new(CookieSettings {
        max_cookies: 10,
        ..sessions(&["PHPSESSID"])
    });
    let own = site.sealed("PHPSESSID=1");
    let few: Vec<_> = (0..10).map(|number| format!("c{number}=1")).collect();
    let many: Vec<_> = (0..500).map(|number| format!("c{number}=1")).collect();
    assert_eq!(site.codes(&few.join("; ")), [""; 0]);
    let asked = site.ask(&format!("{}; {own}", many.join("; ")));
    assert_eq!(asked.seen, Some(few.join("; ") + "; PHPSESSID=1"));
    assert_eq!(asked.codes, ["cookie_too_many"], "told once");
    assert_eq!(
        site.codes(&many.join(";")),
        ["cookie_too_many"],
        "without a session too"
    );
}
