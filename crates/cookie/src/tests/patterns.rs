//! Sessions whose names are known by their beginning only.

use super::*;

const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015";

fn wordpress(tenant: &str) -> Cookies {
    tenant_with(
        tenant,
        CookieSettings {
            session: vec!["wordpress_logged_in_*".into(), "PHPSESSID".into()],
            script_readable: vec!["wp-settings-*".into()],
            ..Default::default()
        },
    )
}

fn logged_in(value: &str) -> String {
    format!("wordpress_logged_in_{HASH}={value}")
}

#[test]
fn every_cookie_that_begins_so_leaves_sealed_and_comes_back_open() {
    let library = wordpress("library");
    let left = leaves_from(&library, &logged_in("admin|17"));
    let outside = format!("__Host-{}", logged_in(""));
    assert!(left.starts_with(&outside) && left.ends_with(HARD), "{left}");
    assert!(!left.contains("admin"));
    let pair = sealed(&library, &logged_in("admin|17"));
    assert_eq!(
        sees(&library, &["lang=fr", &pair]),
        Some(format!("lang=fr; {}", logged_in("admin|17")))
    );
    assert_eq!(
        leaves_from(&library, "wordpress_logged_in=1"),
        format!("wordpress_logged_in=1{HARD}")
    );
}

#[test]
fn a_seal_holds_for_one_name_and_not_for_all_that_begin_alike() {
    let library = wordpress("library");
    let (_, value) = sealed(&library, &logged_in("admin")).split_once('=').map(own).unwrap();
    for other in ["wordpress_logged_in_0", "wordpress_logged_in_", "PHPSESSID"] {
        let (seen, found) = shows(&library, &[&format!("{other}={value}")]);
        assert_eq!((seen.unwrap(), found), (None, vec!["cookie_broken"]), "{other}");
    }
    let (_, value) = sealed(&library, "PHPSESSID=1").split_once('=').map(own).unwrap();
    assert_eq!(shows(&library, &[&logged_in(&value)]).1, ["cookie_broken"]);
}

#[test]
fn what_was_never_sealed_or_only_looks_like_one_of_them_is_dropped() {
    let library = wordpress("library");
    for (pair, code) in [
        (logged_in("admin"), "cookie_unsealed"),
        ("wordpress_logged_in_=x".to_owned(), "cookie_unsealed"),
        (format!("WordPress_Logged_In_{HASH}=x"), "cookie_shadow"),
        (format!("wordpress.logged.in_{HASH}=x"), "cookie_shadow"),
        (format!("wordpress_logged_in_{HASH}[]=x"), "cookie_shadow"),
        (format!("%77ordpress_logged_in_{HASH}=x"), "cookie_shadow"),
        ("wordpress_logged_in_sé=x".to_owned(), "cookie_shadow"),
        (format!("a=1,wordpress_logged_in_{HASH}=x"), "cookie_shadow"),
    ] {
        let (seen, found) = shows(&library, &["lang=fr", &pair]);
        assert_eq!(
            (seen.unwrap().as_deref(), found),
            (Some("lang=fr"), vec![code]),
            "{pair}"
        );
    }
    let innocent = "wordpress_logged=1; wordpress_test_cookie=1; logged_in_x=1";
    assert_eq!(sees(&library, &[innocent]).as_deref(), Some(innocent));
}

#[test]
fn a_neighbours_is_refused_and_deleted_under_its_own_name() {
    let (library, city) = (wordpress("library"), wordpress("city"));
    let theirs = sealed(&library, &logged_in("admin"));
    let refusal = shows(&city, &[&theirs]).0.unwrap_err();
    let deletion = format!("__Host-{}; Path=/; Max-Age=0", logged_in(""));
    match &refusal {
        CookieRefusal::ForeignTenant {
            name,
            deletion: Some(line),
        } => {
            assert_eq!(*name, format!("wordpress_logged_in_{HASH}"));
            let line = line.to_str().unwrap();
            assert!(line.starts_with(&deletion), "{line} is not {deletion}");
        }
        other => panic!("{other:?}"),
    }
    let ours = sealed(&city, &logged_in("editor"));
    let both = shows(&city, &[&ours, &theirs]).0.unwrap_err();
    assert!(
        matches!(both, CookieRefusal::ForeignTenant { deletion: None, .. }),
        "one's own is not deleted"
    );
}

#[test]
fn two_of_one_name_are_refused_and_two_names_are_two_sessions() {
    let library = wordpress("library");
    let [one, other] = ["a", "b"].map(|value| sealed(&library, &logged_in(value)));
    let refusal = shows(&library, &[&one, &other]).0.unwrap_err();
    assert!(matches!(refusal, CookieRefusal::Ambiguous { name } if name.ends_with(HASH)));
    assert_eq!(
        sees(&library, &[&one, &one]),
        Some(logged_in("a")),
        "the same one twice is one"
    );
    let second = sealed(&library, "wordpress_logged_in_2=c");
    assert_eq!(
        sees(&library, &[&one, &second]),
        Some(format!("{}; wordpress_logged_in_2=c", logged_in("a")))
    );
}

#[test]
fn scripts_read_all_that_begin_so_and_no_others() {
    let library = wordpress("library");
    for (name, readable) in [
        ("wp-settings-1", true),
        ("wp-settings-time-1", true),
        ("wp-settings", false),
        ("WP-settings-1", false),
    ] {
        let left = leaves_from(&library, &format!("{name}=x"));
        assert_eq!(!left.contains("HttpOnly"), readable, "{left}");
    }
}

#[test]
fn patterns_that_cannot_be_meant_are_refused() {
    let codes = |session: &[&str], script_readable: &[&str]| {
        let settings = CookieSettings {
            session: session.iter().map(ToString::to_string).collect(),
            script_readable: script_readable.iter().map(ToString::to_string).collect(),
            ..Default::default()
        };
        let problems = CookiePolicy::new(settings, vec![], &key("library")).err();
        let problems = problems.iter().flat_map(|problems| problems.iter());
        problems.map(|problem| problem.code).collect::<Vec<_>>()
    };
    for (session, code) in [
        (&["*"][..], "cookie_pattern_too_wide"),
        (&["wp_*"], "cookie_pattern_too_wide"),
        (&["wordpress_*_x"], "cookie_name_invalid"),
        (&["wordpress_**"], "cookie_name_invalid"),
        (&["wordpress *"], "cookie_name_invalid"),
        (&["wordpress_*", "wordpress_sec_*"], "cookie_name_repeated"),
        (&["wordpress_x", "wordpress_*"], "cookie_name_repeated"),
        (&["wordpress_*", "wordpress_*"], "cookie_name_repeated"),
    ] {
        assert_eq!(codes(session, &[]), [code], "{session:?}");
    }
    assert_eq!(codes(&["wordpress_*"], &["wordpress_x"]), ["cookie_session_readable"]);
    assert_eq!(codes(&["wordpress_x"], &["wordpress_*"]), ["cookie_session_readable"]);
    assert!(codes(&["SESS*", "wordpress_*"], &["wp-settings-*"]).is_empty());
}

fn own((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

proptest! {
    #[test]
    fn whatever_comes_under_such_a_name_no_unsealed_session_passes(name in "[ -~]{0,12}", value in "[ -~]{0,80}") {
        let library = wordpress("library");
        let pair = format!("wordpress_logged_in_{name}={value}");
        let (seen, _) = shows(&library, &[&pair]);
        let seen = seen.unwrap().unwrap_or_default();
        prop_assert!(
            !seen.split(';').any(|pair| pair.trim().starts_with("wordpress_logged_in_") && !pair.trim().ends_with('=')),
            "{}", seen
        );
    }
}
