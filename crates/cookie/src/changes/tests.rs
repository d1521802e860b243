use proptest::prelude::*;
use rempart_guard::Enforcement::{self, Enforce, Off, Report};

use crate::{CookieRuleSettings, CookieRules, CookieSettings};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn said(old: &CookieSettings, new: &CookieSettings) -> Vec<String> {
    let [old, new] = [old, new].map(|settings| CookieRules { settings, hosts: &[] });
    old.changes_to(new).iter().map(ToString::to_string).collect()
}

fn sessions(enforcement: Enforcement, session: &[&str]) -> CookieSettings {
    CookieSettings {
        enforcement,
        session: names(session),
        ..Default::default()
    }
}

#[test]
fn a_session_that_is_sealed_or_no_longer_logs_everybody_out() {
    let sealed = "tightens: session cookie PHPSESSID is sealed from now on: everybody is logged out once";
    let open = "loosens: session cookie PHPSESSID is no longer sealed: everybody is logged out once";
    let (none, one) = (sessions(Enforce, &[]), sessions(Enforce, &["PHPSESSID"]));
    assert_eq!(said(&none, &one), [sealed]);
    assert_eq!(said(&one, &none), [open]);
    assert_eq!(
        said(&sessions(Report, &["PHPSESSID"]), &one),
        [
            "tightens: cookie rules are enforced where they were only reported",
            sealed
        ]
    );
    assert_eq!(
        said(&sessions(Off, &["PHPSESSID"]), &one),
        ["tightens: cookie rules are enforced from now on", sealed]
    );
    assert_eq!(
        said(&one, &sessions(Report, &["PHPSESSID"])),
        [
            "loosens: cookie rules are only reported from now on, and no longer enforced",
            open
        ]
    );
    assert_eq!(
        said(&one, &sessions(Off, &["PHPSESSID"])),
        ["loosens: cookie rules are switched off", open]
    );
}

#[test]
fn what_is_only_reported_seals_nothing() {
    assert_eq!(
        said(&sessions(Report, &["PHPSESSID"]), &sessions(Report, &["JSESSIONID"])),
        [
            "changes: cookie PHPSESSID no longer counts as a session (only reported)",
            "changes: cookie JSESSIONID counts as a session (only reported)",
        ]
    );
    assert!(said(&sessions(Off, &["a"]), &sessions(Off, &["b"])).is_empty());
    assert_eq!(
        said(&sessions(Off, &["a"]), &sessions(Report, &["a"])),
        ["changes: cookie rules are reported from now on"]
    );
}

#[test]
fn what_scripts_and_other_sites_may_do_with_cookies_is_said() {
    let with = |readable: &[&str], same_site: &str| CookieSettings {
        script_readable: names(readable),
        same_site: same_site.to_owned(),
        ..Default::default()
    };
    assert_eq!(
        said(&with(&["a"], "lax"), &with(&["b"], "lax")),
        [
            "tightens: scripts can no longer read the cookie a",
            "loosens: scripts can read the cookie b",
        ]
    );
    for (old, new, expected) in [
        (
            "lax",
            "none",
            "loosens: SameSite: links, forms and frames of other sites carry the cookies",
        ),
        (
            "none",
            "lax",
            "tightens: SameSite: links of other sites carry the cookies, their forms and frames do not",
        ),
        (
            "lax",
            "strict",
            "tightens: SameSite: nothing that comes from another site carries the cookies, not even a link",
        ),
    ] {
        assert_eq!(said(&with(&[], old), &with(&[], new)), [expected]);
    }
}

#[test]
fn a_domain_that_cookies_lose_or_may_have_is_named() {
    let settings = CookieSettings::default();
    let said = |old: &[&str], new: &[&str]| -> Vec<String> {
        let (old, new) = (names(old), names(new));
        let [old, new] = [&old, &new].map(|hosts| CookieRules {
            settings: &settings,
            hosts,
        });
        old.changes_to(new).iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        said(&["a.example", "b.example"], &["b.example", "c.example"]),
        [
            "tightens: cookies with the Domain a.example lose it, and stay with the host that set them",
            "loosens: cookies may have the Domain c.example, and reach every host below it",
        ]
    );
    assert!(
        said(&["localhost"], &[]).is_empty(),
        "a host without a dot is never a `Domain`"
    );
}

#[test]
fn sessions_in_the_path_that_are_removed_or_no_longer_are_said() {
    let removes = |list: &[&str]| CookieSettings {
        session_in_url: names(list),
        ..Default::default()
    };
    assert_eq!(
        said(&removes(&["jsessionid"]), &removes(&["(S)"])),
        [
            "tightens: sessions in the path, in `(S)`, do not reach the application: clients without cookies cannot log in",
            "loosens: sessions in the path, in `jsessionid`, reach the application",
        ]
    );
    assert_eq!(
        said(&removes(&["jsessionid", "sid"]), &removes(&["SID", "JSESSIONID"])),
        [""; 0]
    );
}

#[test]
fn a_pattern_that_covers_a_name_logs_nobody_out_of_it() {
    let (one, all) = (sessions(Enforce, &["wordpress_x"]), sessions(Enforce, &["wordpress_*"]));
    assert_eq!(
        said(&one, &all),
        ["tightens: session cookie wordpress_* is sealed from now on: everybody is logged out once"]
    );
    assert_eq!(
        said(&all, &one),
        ["loosens: session cookie wordpress_* is no longer sealed: everybody is logged out once"]
    );
    let readable = |name: &str| CookieSettings {
        script_readable: names(&[name]),
        ..Default::default()
    };
    assert_eq!(
        said(&readable("wp-settings-*"), &readable("wp-settings-1")),
        ["tightens: scripts can no longer read the cookie wp-settings-*"]
    );
}

#[test]
fn another_order_changes_nothing() {
    let with = |session: &[&str], readable: &[&str]| CookieSettings {
        script_readable: names(readable),
        ..sessions(Enforce, session)
    };
    assert!(said(&with(&["a", "b"], &["c", "d"]), &with(&["b", "a"], &["d", "c"])).is_empty());
}

#[test]
fn names_ages_and_numbers_that_change_are_said() {
    let with = |prefix: &str, grace: Option<&str>, max_age: &str, max_cookies: u32| CookieSettings {
        prefix: prefix.to_owned(),
        rename_grace_until: grace.map(str::to_owned),
        max_age: max_age.to_owned(),
        max_cookies,
        ..Default::default()
    };
    assert_eq!(
        said(
            &with("none", None, "400d", 100),
            &with("host", Some("2026-12-31"), "30d", 50)
        ),
        [
            "tightens: session cookies are called `__Host-` and their name outside: the old names are read until 2026-12-31",
            "changes: cookies are still read under their old names until 2026-12-31",
            "tightens: browsers keep a cookie for 30 days at most",
            "tightens: 50 cookies of a request reach the application at most, instead of 100",
        ]
    );
    assert_eq!(
        said(
            &with("host", Some("2026-12-31"), "1d", 50),
            &with("secure", None, "24h", 50)
        ),
        [
            "loosens: session cookies are called `__Secure-` and their name outside: everybody is logged out once",
            "changes: cookies are no longer read under their old names",
        ]
    );
}

#[test]
fn rules_that_change_are_said_key_by_key() {
    let with = |rules: &[(&str, CookieRuleSettings)]| CookieSettings {
        rules: rules
            .iter()
            .map(|(name, rule)| (name.to_string(), rule.clone()))
            .collect(),
        ..Default::default()
    };
    let rule = |same_site: Option<&str>, readable: Option<bool>, max_age: Option<&str>| CookieRuleSettings {
        same_site: same_site.map(str::to_owned),
        script_readable: readable,
        max_age: max_age.map(str::to_owned),
        ..Default::default()
    };
    assert_eq!(
        said(
            &with(&[
                ("a", rule(Some("lax"), None, Some("1d"))),
                ("b", rule(None, Some(true), None))
            ]),
            &with(&[("a", rule(Some("none"), Some(true), Some("2d")))]),
        ),
        [
            "loosens: cookies a: same_site is none from now on",
            "loosens: cookies a: script_readable is true from now on",
            "loosens: cookies a: max_age is 2d from now on",
            "changes: cookies b: script_readable is as for all others",
        ]
    );
    let nothing = [("a", CookieRuleSettings::default())];
    assert!(
        said(&with(&nothing), &with(&[])).is_empty(),
        "a rule that says nothing is none"
    );
    assert!(
        said(
            &with(&[("a", rule(None, None, Some("1d")))]),
            &with(&[("a", rule(None, None, Some("24h")))])
        )
        .is_empty()
    );
}

/// Settings that make a policy that is at work, each list in one order, and domains.
fn rules() -> impl Strategy<Value = (CookieSettings, Vec<String>)> {
    let some = |of: &'static [&'static str]| {
        let chosen = prop::sample::subsequence(of, 0..=of.len());
        chosen.prop_map(|chosen| names(&chosen))
    };
    let lists = (some(&["a", "b"]), some(&["c", "d"]), some(&["x.example", "y.example"]));
    let word = prop::sample::select(vec!["strict", "lax", "none"]);
    (any::<bool>(), lists, word).prop_map(|(enforced, (session, script_readable, hosts), same_site)| {
        let settings = CookieSettings {
            enforcement: if enforced { Enforce } else { Report },
            session,
            script_readable,
            same_site: same_site.to_owned(),
            ..Default::default()
        };
        (settings, hosts)
    })
}

proptest! {
    #[test]
    fn rules_are_equal_exactly_when_nothing_changes(old in rules(), new in rules()) {
        let [left, right] = [&old, &new].map(|(settings, hosts)| CookieRules { settings, hosts });
        let changes = left.changes_to(right);
        prop_assert_eq!(changes.is_empty(), old == new, "{:?}", changes);
        prop_assert!(left.changes_to(left).is_empty());
    }
}
