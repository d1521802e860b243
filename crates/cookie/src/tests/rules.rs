//! What single cookies get.

use std::collections::BTreeMap;

use super::site::*;
use crate::{CookiePolicy, CookieRuleSettings, CookieSettings};

fn rule(change: impl FnOnce(&mut CookieRuleSettings)) -> CookieRuleSettings {
    let mut rule = CookieRuleSettings::default();
    change(&mut rule);
    rule
}

fn with(rules: &[(&str, CookieRuleSettings)]) -> CookieSettings {
    let rules = rules.iter().map(|(name, rule)| (name.to_string(), rule.clone()));
    CookieSettings {
        rules: rules.collect(),
        script_readable: vec!["lang".into()],
        ..sessions(&["PHPSESSID"])
    }
}

#[test]
fn the_most_particular_rule_that_says_something_counts() {
    let site = Site::new(with(&[
        (
            "shop_*",
            rule(|rule| {
                rule.same_site = Some("strict".into());
                rule.max_age = Some("1h".into());
            }),
        ),
        ("shop_cart_*", rule(|rule| rule.script_readable = Some(true))),
        ("shop_cart_1", rule(|rule| rule.same_site = Some("none".into()))),
    ]));
    for (set, left) in [
        (
            "shop_x=1; Max-Age=9999",
            "shop_x=1; Max-Age=3600; HttpOnly; SameSite=Strict; Secure",
        ),
        ("shop_cart_2=1", "shop_cart_2=1; SameSite=Strict; Secure"),
        (
            "shop_cart_1=1; Max-Age=9999",
            "shop_cart_1=1; Max-Age=3600; SameSite=None; Secure",
        ),
        ("shop=1", "shop=1; HttpOnly; SameSite=Lax; Secure"),
    ] {
        assert_eq!(site.leaves(set), left);
    }
}

#[test]
fn each_attribute_can_be_said_by_name() {
    let site = Site::new(with(&[
        (
            "frame",
            rule(|rule| {
                rule.partitioned = Some(true);
                rule.same_site = Some("none".into());
            }),
        ),
        ("moved", rule(|rule| rule.path = Some("/app".into()))),
        ("lang", rule(|rule| rule.script_readable = Some(false))),
    ]));
    for (set, left) in [
        ("frame=1", "frame=1; HttpOnly; SameSite=None; Secure; Partitioned"),
        (
            "frame=1; partitioned",
            "frame=1; partitioned; HttpOnly; SameSite=None; Secure",
        ),
        (
            "moved=1; Path=/; Path=/x",
            "moved=1; Path=/app; HttpOnly; SameSite=Lax; Secure",
        ),
        (
            "moved=1; Path=/app",
            "moved=1; Path=/app; HttpOnly; SameSite=Lax; Secure",
        ),
        ("lang=fr", "lang=fr; HttpOnly; SameSite=Lax; Secure"),
    ] {
        assert_eq!(site.leaves(set), left);
    }
}

#[test]
fn a_cookie_that_is_dropped_goes_neither_way() {
    let site = Site::new(with(&[("track_*", rule(|rule| rule.drop = Some(true)))]));
    assert_eq!(site.leaves("track_me=1; Path=/"), "");
    let asked = site.ask("a=1; track_me=2; b=3");
    assert_eq!(
        (asked.seen.as_deref(), asked.codes),
        (Some("a=1; b=3"), vec!["cookie_unwanted"])
    );
}

#[test]
fn any_cookie_can_be_the_hosts_own_outside() {
    let settings = with(&[("basket", rule(|rule| rule.prefix = Some("host".into())))]);
    let site = Site::new(settings.clone());
    assert_eq!(
        site.leaves("basket=1; Path=/shop; Domain=library.example"),
        "__Host-basket=1; Path=/; HttpOnly; SameSite=Lax; Secure"
    );
    assert_eq!(site.seen("a=1; __Host-basket=1").as_deref(), Some("a=1; basket=1"));
    let asked = site.ask("basket=tossed; __Host-basket=1");
    assert_eq!(
        (asked.seen.as_deref(), asked.codes),
        (Some("basket=1"), vec!["cookie_shadow"])
    );
    let grace = CookieSettings {
        rename_grace_until: Some("2026-09-30".into()),
        ..settings
    };
    let site = Site::new(grace);
    assert_eq!(site.seen("basket=1").as_deref(), Some("basket=1"));
    assert_eq!(site.seen("basket=old; __Host-basket=1").as_deref(), Some("basket=1"));
    assert_eq!(site.seen("__Host-basket=1; basket=old").as_deref(), Some("basket=1"));
}

#[test]
fn no_cookie_that_has_a_rule_brings_a_session_behind_a_comma() {
    let called = |prefix: &str| rule(|rule| rule.prefix = Some(prefix.into()));
    let site = Site::new(CookieSettings {
        rename_grace_until: Some("2026-09-30".into()),
        ..with(&[("basket", called("host")), ("apps*", called("secure"))])
    });
    for tossed in [
        "__Host-basket=1, PHPSESSID=planted",
        "__Secure-apps=1,phpsessid=planted",
        "basket=1, PHPSESSID=planted",
        "PHPSESSID,x",
        "PHPSESSID , x=1",
    ] {
        let asked = site.ask(&format!("a=1; {tossed}; b=3"));
        let seen = (asked.seen.as_deref(), asked.codes);
        assert_eq!(seen, (Some("a=1; b=3"), vec!["cookie_shadow"]), "{tossed}");
    }
    let harmless = "a=1; basket=2, 3; apps=4,5";
    let shown = "a=1; __Host-basket=2, 3; __Secure-apps=4,5";
    assert_eq!(site.seen(shown).as_deref(), Some(harmless));
}

#[test]
fn a_rule_names_a_session_too() {
    let site = Site::new(with(&[(
        "PHPSESSID",
        rule(|rule| {
            rule.prefix = Some("secure".into());
            rule.path = Some("/app".into());
            rule.same_site = Some("strict".into());
        }),
    )]));
    let line = site.leaves("PHPSESSID=1; Path=/");
    assert!(line.starts_with("__Secure-PHPSESSID=tl4C"), "{line}");
    assert!(
        line.ends_with("; Path=/app; HttpOnly; SameSite=Strict; Secure"),
        "{line}"
    );
    assert_eq!(site.seen(pair(&line)).as_deref(), Some("PHPSESSID=1"));
}

#[test]
fn rules_that_cannot_be_meant_are_refused_with_their_keys() {
    let said = |settings: CookieSettings| {
        let problems = CookiePolicy::new(settings, vec![], &keys("library", &ring("root", 1))).err();
        let problems = problems.iter().flat_map(|problems| problems.iter());
        problems
            .map(|problem| format!("{} {}", problem.key.join("/"), problem.code))
            .collect::<Vec<_>>()
    };
    for (name, one, expected) in [
        ("a b", rule(|_| {}), "rules/a b cookie_name_invalid"),
        ("wp*", rule(|_| {}), "rules/wp* cookie_pattern_too_wide"),
        (
            "x",
            rule(|rule| rule.same_site = Some("Lax".into())),
            "rules/x/same_site cookie_same_site_unknown",
        ),
        (
            "x",
            rule(|rule| rule.prefix = Some("__Host-".into())),
            "rules/x/prefix cookie_prefix_unknown",
        ),
        (
            "x",
            rule(|rule| rule.max_age = Some("401d".into())),
            "rules/x/max_age cookie_max_age_invalid",
        ),
        (
            "x",
            rule(|rule| rule.max_age = Some("10".into())),
            "rules/x/max_age cookie_max_age_invalid",
        ),
        (
            "x",
            rule(|rule| rule.path = Some("app".into())),
            "rules/x/path cookie_path_invalid",
        ),
        (
            "x",
            rule(|rule| rule.path = Some("/a;b".into())),
            "rules/x/path cookie_path_invalid",
        ),
        (
            "x",
            rule(|rule| {
                rule.prefix = Some("host".into());
                rule.path = Some("/app".into());
            }),
            "rules/x/path cookie_prefix_conflict",
        ),
        (
            "PHPSESSID",
            rule(|rule| rule.path = Some("/app".into())),
            "rules/PHPSESSID/path cookie_prefix_conflict",
        ),
        (
            "PHPS*",
            rule(|rule| rule.script_readable = Some(true)),
            "rules/PHPS*/script_readable cookie_session_readable",
        ),
        (
            "__Http-x",
            rule(|rule| rule.script_readable = Some(true)),
            "rules/__Http-x/script_readable cookie_prefix_conflict",
        ),
    ] {
        assert_eq!(said(with(&[(name, one)])), [expected]);
    }
    let many: BTreeMap<_, _> = (0..65).map(|number| (format!("n{number}"), rule(|_| {}))).collect();
    let settings = CookieSettings {
        rules: many,
        ..CookieSettings::default()
    };
    assert_eq!(said(settings), ["rules cookie_rules_too_many"]);
    for (change, expected) in [
        (
            CookieSettings {
                prefix: "yes".into(),
                ..sessions(&[])
            },
            "prefix cookie_prefix_unknown",
        ),
        (
            CookieSettings {
                max_age: "0s".into(),
                ..sessions(&[])
            },
            "max_age cookie_max_age_invalid",
        ),
        (
            CookieSettings {
                max_cookies: 9,
                ..sessions(&[])
            },
            "max_cookies cookie_count_invalid",
        ),
        (
            CookieSettings {
                rename_grace_until: Some("soon".into()),
                ..sessions(&[])
            },
            "rename_grace_until date_invalid",
        ),
        (sessions(&["sid", "__Host-sid"]), "session cookie_name_repeated"),
    ] {
        assert_eq!(said(change), [expected]);
    }
}
