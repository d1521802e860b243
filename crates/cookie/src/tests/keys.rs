//! What a sealed value is bound to, and which keys open it.

use rempart_guard::SessionOrder;

use super::site::*;
use crate::version1;
use crate::{CookieRefusal, CookieSettings};

fn php() -> CookieSettings {
    sessions(&["PHPSESSID"])
}

#[test]
fn a_session_opens_at_its_own_host_and_at_no_other() {
    let site = Site::new(php());
    let cookie = site.sealed("PHPSESSID=1");
    for host in ["library.example", "LIBRARY.example:8443", "library.example."] {
        assert_eq!(
            site.ask_at(host, &cookie).unwrap().seen.as_deref(),
            Some("PHPSESSID=1"),
            "{host}"
        );
    }
    for host in ["www.library.example", "example", "other.example", ""] {
        let asked = site.ask_at(host, &cookie).unwrap();
        assert_eq!((asked.seen, asked.codes), (None, vec!["cookie_broken"]), "{host}");
    }
}

#[test]
fn a_session_with_a_domain_opens_at_the_hosts_below_it() {
    let settings = CookieSettings {
        prefix: "secure".into(),
        ..php()
    };
    let site = Site::new(settings);
    let line = site.leaves("PHPSESSID=1; Domain=.library.example; Path=/app");
    assert!(
        line.starts_with("__Secure-PHPSESSID=") && line.contains("; Path=/app; Domain=library.example;"),
        "{line}"
    );
    for host in ["library.example", "www.library.example"] {
        assert_eq!(
            site.ask_at(host, pair(&line)).unwrap().seen.as_deref(),
            Some("PHPSESSID=1"),
            "{host}"
        );
    }
    assert_eq!(
        site.ask_at("other.example", pair(&line)).unwrap().codes,
        ["cookie_broken"]
    );
}

#[test]
fn a_session_that_has_just_been_replaced_is_not_put_in_the_place_of_the_newer_one() {
    let (old, new) = (ring("root", 1), ring("2026-09", 2));
    let before = Site::of("library", php(), &old);
    let cookie = before.sealed("PHPSESSID=1; Path=/");
    let site = before.after(php(), &new.with_previous(&old, morning() + DAY * 30));
    let asked = site.ask(&cookie);
    let leave = [SessionOrder::Leave("PHPSESSID".into())];
    assert_eq!(site.answer_with(&asked, &[], &leave, None).0, [""; 0]);
    assert_eq!(site.answer(&asked, &[]).len(), 1, "without the order it is moved");
}

#[test]
fn whoever_comes_with_a_session_of_the_previous_key_stays_and_gets_one_of_the_new_key() {
    let (old, new) = (ring("root", 1), ring("2026-09", 2));
    let before = Site::of("library", php(), &old);
    let cookie = before.sealed("PHPSESSID=1; Path=/");
    let began = before.ask(&cookie).sessions;
    let site = before.after(php(), &new.clone().with_previous(&old, morning() + DAY * 30));
    site.wait(DAY);
    let asked = site.ask(&cookie);
    assert_eq!(asked.seen.as_deref(), Some("PHPSESSID=1"));
    assert_eq!(asked.sessions, began, "the number and the beginning are the same");
    let lines = site.answer(&asked, &[]);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"),
        "{lines:?}"
    );
    let alone = site.after(php(), &new);
    let moved = alone.ask(pair(&lines[0]));
    assert_eq!(
        moved.seen.as_deref(),
        Some("PHPSESSID=1"),
        "without the previous key too"
    );
    assert_eq!(
        (moved.sessions[0].id, moved.sessions[0].began),
        (began[0].id, began[0].began)
    );
    assert!(alone.answer(&moved, &[]).is_empty(), "once is enough");
}

#[test]
fn after_its_last_day_a_previous_key_opens_nothing_and_nobody_is_refused_for_it() {
    let (old, new) = (ring("root", 1), ring("2026-09", 2));
    let before = Site::of("library", php(), &old);
    let cookie = before.sealed("PHPSESSID=1");
    let site = before.after(php(), &new.clone().with_previous(&old, morning() + DAY));
    site.wait(DAY * 2);
    assert_eq!(site.codes(&cookie), ["cookie_key_ended"]);
    assert_eq!(
        before.after(php(), &new).codes(&cookie),
        ["cookie_key_ended"],
        "nor when it is gone"
    );
}

#[test]
fn a_previous_key_seals_nothing() {
    let (old, new) = (ring("root", 1), ring("2026-09", 2));
    let both = new.clone().with_previous(&old, morning() + DAY);
    let site = Site::of("library", php(), &both);
    let cookie = site.sealed("PHPSESSID=1");
    assert_eq!(site.after(php(), &new).seen(&cookie).as_deref(), Some("PHPSESSID=1"));
    assert_eq!(site.after(php(), &old).codes(&cookie), ["cookie_key_ended"]);
}

#[test]
fn a_neighbours_session_is_refused_whichever_key_sealed_it() {
    let (old, new) = (ring("root", 1), ring("2026-09", 2));
    let both = new.clone().with_previous(&old, morning() + DAY);
    let library = Site::of("library", php(), &both);
    for ring in [&old, &new, &ring("2025-01", 9)] {
        let city = Site::of("city", php(), ring);
        let theirs = city.sealed("PHPSESSID=1");
        let refused = library.ask_at("library.example", &theirs).unwrap_err();
        assert!(matches!(refused, CookieRefusal::ForeignTenant { .. }));
    }
}

#[test]
fn a_value_does_not_open_under_another_name_even_with_the_same_key() {
    let site = Site::new(sessions(&["PHPSESSID", "JSESSIONID"]));
    let moved = site.sealed("PHPSESSID=1").replace("PHPSESSID", "JSESSIONID");
    assert_eq!(site.codes(&moved), ["cookie_broken"]);
}

fn of_version_1(name: &str, value: &str) -> String {
    let keys = keys("library", &ring("root", 7));
    format!("{name}={}", version1::tests::seal(keys.current(), name, value))
}

#[test]
fn a_session_from_before_the_upgrade_is_read_once_and_then_has_its_new_form() {
    let site = Site::new(php());
    let cookie = of_version_1("PHPSESSID", "ab12");
    let asked = site.ask(&cookie);
    assert_eq!((asked.seen.as_deref(), asked.codes.len()), (Some("PHPSESSID=ab12"), 0));
    assert_eq!(asked.sessions, site.ask(&cookie).sessions, "the same number each time");
    let lines = site.answer(&asked, &[]);
    assert!(
        lines[0].starts_with("__Host-PHPSESSID=tl4C") && lines.len() == 2,
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with("PHPSESSID=; Path=/; Max-Age=0"),
        "the old one goes: {lines:?}"
    );
    let moved = site.ask(pair(&lines[0]));
    assert_eq!(moved.seen.as_deref(), Some("PHPSESSID=ab12"));
    assert_eq!(moved.sessions[0].id, asked.sessions[0].id);
}

#[test]
fn version_1_opens_with_the_root_only_and_not_under_another_name() {
    let cookie = of_version_1("PHPSESSID", "ab12");
    let rotated = Site::of("library", php(), &ring("2026-09", 2));
    assert_eq!(rotated.codes(&cookie), ["cookie_key_ended"]);
    let (old, new) = (ring("root", 7), ring("2026-09", 2));
    let both = Site::of("library", php(), &new.with_previous(&old, morning() + DAY));
    assert_eq!(both.seen(&cookie).as_deref(), Some("PHPSESSID=ab12"));
    both.wait(DAY * 2);
    assert_eq!(both.codes(&cookie), ["cookie_key_ended"]);
    let city = Site::of("city", php(), &ring("root", 7));
    assert!(
        city.ask_at("city.example", &cookie).is_err(),
        "a neighbour's is refused"
    );
    let site = Site::new(sessions(&["PHPSESSID", "JSESSIONID"]));
    assert_eq!(
        site.codes(&cookie.replace("PHPSESSID", "JSESSIONID")),
        ["cookie_broken"]
    );
}

proptest::proptest! {
    #[test]
    fn what_was_changed_anywhere_does_not_open(at in 0usize..10_000, to in "[A-Za-z0-9_-]", value in "[!-:<-~]{1,40}") {
        let site = Site::new(php());
        let cookie = site.sealed(&format!("PHPSESSID={value}; Path=/"));
        let start = "__Host-PHPSESSID=".len();
        let at = start + at % (cookie.len() - start);
        let changed = format!("{}{to}{}", &cookie[..at], &cookie[at + 1..]);
        proptest::prop_assume!(changed != cookie);
        let seen = site.ask_at("library.example", &changed).map(|asked| asked.seen);
        proptest::prop_assert!(matches!(seen, Ok(None) | Err(CookieRefusal::ForeignTenant { .. })), "{seen:?}");
    }

    #[test]
    fn no_text_in_our_form_panics_or_opens(text in "tl4[BC][A-Za-z0-9_-]{0,200}") {
        let site = Site::new(php());
        let asked = site.ask_at("library.example", &format!("__Host-PHPSESSID={text}; PHPSESSID={text}"));
        proptest::prop_assert!(asked.is_err() || asked.is_ok_and(|asked| asked.seen.is_none()));
    }
}
