//! What whoever watches over sessions is told, and what comes of its orders.

use rempart_guard::{EdgeSession, SessionId, SessionOrder};

use super::site::*;

fn site() -> Site {
    Site::new(sessions(&["PHPSESSID", "SSO"]))
}

#[test]
fn a_session_has_a_number_and_times_from_its_first_answer_on() {
    let site = site();
    let cookie = site.sealed("PHPSESSID=1");
    site.wait(DAY);
    let first = site.ask(&cookie);
    assert_eq!(first.sessions.len(), 1);
    let session = &first.sessions[0];
    assert_eq!(
        (&*session.cookie, session.began, session.sealed),
        ("PHPSESSID", morning(), morning())
    );
    let later = site.answer(&first, &["PHPSESSID=2"]).concat();
    let second = &site.ask(pair(&later)).sessions[0];
    assert_eq!(
        (second.id, second.began, second.sealed),
        (session.id, morning(), morning() + DAY)
    );
    let other = &site.ask(&site.sealed("PHPSESSID=1")).sessions[0];
    assert_ne!(other.id, session.id, "another visitor has another number");
    assert!(site.ask("lang=fr").sessions.is_empty());
}

#[test]
fn two_cookies_of_one_answer_have_one_number() {
    let site = site();
    let lines = site.answer(&site.ask(""), &["PHPSESSID=1", "SSO=2", "PHPSESSID=3"]);
    let [one, other] = [0, 2].map(|at| site.ask(pair(&lines[at])).sessions[0].id);
    assert_eq!(one, other);
}

fn numbered(cookie: &str, number: u8) -> EdgeSession {
    EdgeSession {
        cookie: cookie.into(),
        id: SessionId([number; 16]),
        sealed: morning(),
        began: morning() + DAY,
    }
}

#[test]
fn a_session_that_is_to_be_renewed_has_the_other_number_with_the_applications_value_or_the_shown_one() {
    let site = site();
    let cookie = site.sealed("PHPSESSID=1; Path=/; Max-Age=864000");
    site.wait(DAY);
    let asked = site.ask(&cookie);
    let order = [SessionOrder::Renew(numbered("PHPSESSID", 9))];
    for (sets, value) in [(&[][..], "PHPSESSID=1"), (&["PHPSESSID=2; Path=/"][..], "PHPSESSID=2")] {
        let (lines, _) = site.answer_with(&asked, sets, &order, None);
        assert_eq!(lines.len(), 1, "{lines:?}");
        let renewed = site.ask(pair(&lines[0]));
        assert_eq!(renewed.seen.as_deref(), Some(value));
        let session = &renewed.sessions[0];
        assert_eq!(
            (session.id, session.began, session.sealed),
            (SessionId([9; 16]), morning() + DAY, morning() + DAY)
        );
    }
    let (lines, _) = site.answer_with(&asked, &[], &order, None);
    assert!(
        lines[0].contains("; Path=/; Max-Age=777600;"),
        "it ends when it would have ended: {lines:?}"
    );
}

#[test]
fn a_session_that_is_to_end_is_deleted_whatever_the_application_sets() {
    let site = site();
    let asked = site.ask(&site.sealed("PHPSESSID=1; Path=/"));
    let order = [SessionOrder::End("PHPSESSID".into())];
    for sets in [&[][..], &["PHPSESSID=2; Path=/"][..]] {
        let (lines, _) = site.answer_with(&asked, sets, &order, None);
        assert_eq!(
            lines,
            ["__Host-PHPSESSID=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"]
        );
    }
    let (lines, _) = site.answer_with(&asked, &["lang=fr"], &order, None);
    assert_eq!(lines.len(), 2, "other cookies leave");
}

#[test]
fn the_end_is_the_last_word() {
    let site = site();
    let asked = site.ask(&site.sealed("PHPSESSID=1"));
    let orders = [
        SessionOrder::Renew(numbered("PHPSESSID", 9)),
        SessionOrder::End("PHPSESSID".into()),
    ];
    let (lines, _) = site.answer_with(&asked, &[], &orders, None);
    assert!(lines.len() == 1 && lines[0].contains("Max-Age=0"), "{lines:?}");
}

#[test]
fn an_order_for_what_was_not_shown_does_nothing() {
    let site = site();
    let order = [SessionOrder::Renew(numbered("PHPSESSID", 9))];
    assert!(site.answer_with(&site.ask("lang=fr"), &[], &order, None).0.is_empty());
}

#[test]
fn an_answer_with_a_renewed_session_is_kept_by_no_cache() {
    let site = site();
    let asked = site.ask(&site.sealed("PHPSESSID=1"));
    let order = [SessionOrder::Renew(numbered("PHPSESSID", 9))];
    let (lines, caching) = site.answer_with(&asked, &[], &order, Some("public, max-age=60"));
    assert_eq!((lines.len(), caching.as_deref()), (1, Some("no-store")));
}
