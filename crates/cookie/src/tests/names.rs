//! What cookies are called outside.

use super::site::*;
use crate::{CookieRefusal, CookieSettings};

const HARD: &str = "; HttpOnly; SameSite=Lax; Secure";

fn named(prefix: &str, grace: Option<&str>) -> CookieSettings {
    CookieSettings {
        prefix: prefix.into(),
        rename_grace_until: grace.map(str::to_owned),
        ..sessions(&["PHPSESSID"])
    }
}

#[test]
fn outside_a_session_is_the_hosts_own_and_inside_it_has_its_name() {
    let site = Site::new(named("host", None));
    let line = site.leaves("PHPSESSID=1; path=/app; Domain=library.example");
    assert!(
        line.starts_with("__Host-PHPSESSID=tl4C") && line.ends_with(&format!("; Path=/{HARD}")),
        "{line}"
    );
    assert!(!line.contains("Domain") && !line.contains("/app"));
    assert_eq!(site.seen(pair(&line)).as_deref(), Some("PHPSESSID=1"));
    let line = site.leaves("PHPSESSID=1; path=/; Max-Age=60");
    assert!(line.ends_with(&format!("; path=/; Max-Age=60{HARD}")), "{line}");
}

#[test]
fn a_deletion_reaches_the_cookie_that_is_outside() {
    let site = Site::new(named("host", None));
    let line = site.leaves("PHPSESSID=; expires=Thu, 01-Jan-1970 00:00:01 GMT; path=/app");
    assert_eq!(
        line,
        format!("__Host-PHPSESSID=; expires=Thu, 01-Jan-1970 00:00:01 GMT; Path=/{HARD}")
    );
}

#[test]
fn what_the_application_prefixes_itself_keeps_its_name() {
    let settings = CookieSettings {
        session: vec!["__Host-sid".into(), "__secure-token".into()],
        ..CookieSettings::default()
    };
    let site = Site::new(settings);
    for name in ["__Host-sid", "__secure-token"] {
        let line = site.leaves(&format!("{name}=1; Path=/"));
        assert!(line.starts_with(&format!("{name}=tl4C")), "{line}");
        assert_eq!(site.seen(pair(&line)), Some(format!("{name}=1")));
    }
}

#[test]
fn without_a_prefix_names_and_paths_are_as_the_application_writes_them() {
    let site = Site::new(named("none", None));
    let line = site.leaves("PHPSESSID=1; Path=/app");
    assert!(
        line.starts_with("PHPSESSID=tl4C") && line.ends_with(&format!("; Path=/app{HARD}")),
        "{line}"
    );
    assert_eq!(site.seen(pair(&line)).as_deref(), Some("PHPSESSID=1"));
    let secure = Site::new(named("secure", None)).leaves("PHPSESSID=1; Path=/app");
    assert!(
        secure.starts_with("__Secure-PHPSESSID=") && secure.contains("; Path=/app;"),
        "{secure}"
    );
}

#[test]
fn the_old_name_is_not_read_unless_there_is_a_day() {
    let before = Site::new(named("none", None));
    let old = before.sealed("PHPSESSID=1; Path=/");
    let site = before.after(named("host", None), &ring("root", 7));
    assert_eq!((site.seen(&old), site.codes(&old)), (None, vec!["cookie_old_name"]));
    assert_eq!(site.codes("PHPSESSID=planted"), ["cookie_unsealed"]);
}

#[test]
fn until_that_day_the_old_name_is_read_and_moved() {
    let before = Site::new(named("none", None));
    let old = before.sealed("PHPSESSID=1; Path=/app; Max-Age=86400");
    let site = before.after(named("host", Some("2026-09-03")), &ring("root", 7));
    site.wait(std::time::Duration::from_secs(3_600));
    let asked = site.ask(&format!("lang=fr; {old}"));
    assert_eq!(asked.seen.as_deref(), Some("lang=fr; PHPSESSID=1"));
    let lines = site.answer(&asked, &[]);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("__Host-PHPSESSID=tl4C"), "{lines:?}");
    assert!(
        lines[0].ends_with(&format!("; Path=/; Max-Age=82800{HARD}")),
        "it ends when the old one did: {lines:?}"
    );
    assert_eq!(lines[1], format!("PHPSESSID=; Path=/app; Max-Age=0{HARD}"));
    let both = site.ask(&format!("{old}; {}", pair(&lines[0])));
    assert_eq!(both.seen.as_deref(), Some("PHPSESSID=1"));
    assert!(
        site.answer(&both, &[])[0].starts_with("PHPSESSID=;"),
        "what is left of the old one goes"
    );
    site.wait(DAY * 3);
    assert_eq!(site.codes(&old)[0], "cookie_expired");
    let lasting = before.sealed("PHPSESSID=1; Path=/");
    assert_eq!(site.codes(&lasting), ["cookie_old_name"], "the day is over");
}

#[test]
fn of_both_names_the_new_one_counts_and_two_of_one_name_are_refused() {
    let before = Site::new(named("none", None));
    let site = before.after(named("host", Some("2026-09-30")), &ring("root", 7));
    let (old, other) = (before.sealed("PHPSESSID=tossed"), before.sealed("PHPSESSID=second"));
    let (new, more) = (site.sealed("PHPSESSID=own"), site.sealed("PHPSESSID=more"));
    for cookies in [format!("{old}; {new}"), format!("{new}; {old}")] {
        assert_eq!(site.seen(&cookies).as_deref(), Some("PHPSESSID=own"));
    }
    for cookies in [format!("{old}; {other}"), format!("{new}; {more}")] {
        let refused = site.ask_at("library.example", &cookies).unwrap_err();
        assert!(matches!(refused, CookieRefusal::Ambiguous { .. }));
    }
}

#[test]
fn the_way_back_has_a_grace_too() {
    let before = Site::new(named("host", None));
    let old = before.sealed("PHPSESSID=1");
    let site = before.after(named("none", Some("2026-09-30")), &ring("root", 7));
    let asked = site.ask(&old);
    assert_eq!(asked.seen.as_deref(), Some("PHPSESSID=1"));
    let lines = site.answer(&asked, &[]);
    assert!(
        lines[0].starts_with("PHPSESSID=tl4C") && lines[1].starts_with("__Host-PHPSESSID=; Path=/; Max-Age=0"),
        "{lines:?}"
    );
}

#[test]
fn what_looks_like_either_name_does_not_reach_the_application() {
    let site = Site::new(named("host", None));
    for name in [
        "__host-PHPSESSID",
        "__HOST-PHPSESSID",
        "..Host-PHPSESSID",
        "__Host-phpsessid",
        "__Host-PHPSESSID[]",
        "__Host-%50HPSESSID",
        "%5F_Host-PHPSESSID",
        "__secure-PHPSESSID",
        "phpsessid",
    ] {
        assert_eq!(site.codes(&format!("{name}=x")), ["cookie_shadow"], "{name}");
    }
    assert_eq!(site.codes("__Secure-PHPSESSID=x"), ["cookie_unsealed"]);
    let innocent = "__Host-other=1; __Secure-theme=2; __Host-=3; __Host-PHPSESSID2=4";
    assert_eq!(site.seen(innocent).as_deref(), Some(innocent));
}

#[test]
fn nothing_is_moved_in_an_answer_that_a_cache_may_keep_for_others() {
    let before = Site::new(named("none", None));
    let old = before.sealed("PHPSESSID=1; Path=/");
    let site = before.after(named("host", Some("2026-09-30")), &ring("root", 7));
    let asked = site.ask(&old);
    for caching in ["public, max-age=3600", "max-age=60"] {
        let (lines, after) = site.answer_with(&asked, &[], &[], Some(caching));
        assert_eq!((lines.len(), after.as_deref()), (0, Some(caching)));
    }
    assert_eq!(
        site.answer_with(&asked, &[], &[], Some("private, max-age=60")).0.len(),
        2
    );
}

#[test]
fn a_session_that_the_application_sets_or_deletes_in_that_answer_is_not_moved_beside_it() {
    let before = Site::new(named("none", None));
    let old = before.sealed("PHPSESSID=1; Path=/");
    let site = before.after(named("host", Some("2026-09-30")), &ring("root", 7));
    for set in ["PHPSESSID=2; Path=/", "PHPSESSID=; Max-Age=0; Path=/"] {
        let lines = site.answer(&site.ask(&old), &[set]);
        let new = lines.iter().filter(|line| line.starts_with("__Host-PHPSESSID="));
        assert_eq!((new.count(), lines.len()), (1, 2), "{lines:?}");
    }
}
