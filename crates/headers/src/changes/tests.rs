use proptest::prelude::*;
use rempart_guard::Enforcement;

use crate::{HeadersPolicy, HeadersSettings, HstsSettings};

fn made(settings: HeadersSettings) -> HeadersPolicy {
    HeadersPolicy::try_from(settings).unwrap()
}

/// What changes between the settings that are built in and those that this makes of them, a line each; and back again.
fn there_and_back(change: impl Fn(&mut HeadersSettings)) -> [Vec<String>; 2] {
    let mut settings = HeadersSettings::default();
    change(&mut settings);
    let (old, new) = (made(HeadersSettings::default()), made(settings));
    [old.changes_to(&new), new.changes_to(&old)].map(|changes| changes.iter().map(ToString::to_string).collect())
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn what_browsers_remember_is_said_in_days_and_flags() {
    assert_eq!(
        there_and_back(|settings| settings.hsts.max_age = "90m".to_owned()),
        [
            ["loosens: HSTS: browsers remember 90 minutes instead of 365 days"],
            ["tightens: HSTS: browsers remember 365 days instead of 90 minutes"],
        ]
    );
    let [there, back] = there_and_back(|settings| {
        settings.hsts = HstsSettings {
            max_age: "730d".to_owned(),
            include_subdomains: true,
            preload: true,
        };
    });
    assert_eq!(
        there,
        [
            "tightens: HSTS: browsers remember 730 days instead of 365 days",
            "tightens: HSTS: holds for every host below too, and browsers open none of them over plain HTTP any more",
            "tightens: HSTS: browsers may ship the host in their built-in list, which takes months to leave",
        ]
    );
    assert!(back.len() == 3 && back.iter().all(|change| change.starts_with("loosens: HSTS: ")));
}

#[test]
fn a_header_that_is_left_to_the_application_loosens() {
    for (name, said) in [
        ("strict-transport-security", "Strict-Transport-Security"),
        ("x-content-type-options", "X-Content-Type-Options"),
        ("content-security-policy", "Content-Security-Policy"),
        ("x-frame-options", "X-Frame-Options"),
        ("referrer-policy", "Referrer-Policy"),
    ] {
        let [there, back] = there_and_back(|settings| settings.dangerous_leave = names(&[name]));
        assert_eq!(there, [format!("loosens: `{said}` is left to the application")]);
        assert_eq!(
            back,
            [format!("tightens: `{said}` is no longer left to the application")]
        );
    }
    assert_eq!(
        there_and_back(|settings| settings.dangerous_leave = names(&["server"])),
        [
            ["loosens: `server` is no longer removed: answers carry what the application sends"],
            ["tightens: `server` is removed"],
        ]
    );
}

#[test]
fn who_may_frame_the_site_is_named() {
    let framed = |sources: &[&str]| there_and_back(|settings| settings.frame_ancestors = names(sources));
    assert_eq!(
        framed(&["https://portal.example", "'SELF'"]),
        [
            ["loosens: https://portal.example may show the site in a frame"],
            ["tightens: https://portal.example may no longer show the site in a frame"],
        ]
    );
    assert_eq!(
        framed(&[]),
        [
            ["tightens: the site may no longer show its own pages in a frame"],
            ["loosens: the site may show its own pages in a frame"],
        ]
    );
    let old_header_only = |sources: &[&str]| HeadersSettings {
        frame_ancestors: names(sources),
        dangerous_leave: names(&["content-security-policy"]),
        ..Default::default()
    };
    let (only_self, portal) = (
        made(old_header_only(&["'self'"])),
        made(old_header_only(&["'self'", "portal.example"])),
    );
    assert!(
        only_self.changes_to(&portal).is_empty(),
        "`X-Frame-Options` cannot name another site"
    );
    let changes = only_self.changes_to(&made(old_header_only(&["portal.example"])));
    assert_eq!(
        changes[0].to_string(),
        "tightens: the site may no longer show its own pages in a frame"
    );
}

#[test]
fn a_referrer_policy_is_compared_by_what_it_tells() {
    for (word, effect) in [
        ("no-referrer", "tightens"),
        ("no-referrer-when-downgrade", "loosens"),
        ("origin", "changes"),
    ] {
        let [there, _] = there_and_back(|settings| settings.referrer_policy = word.to_owned());
        let usual = "strict-origin-when-cross-origin";
        assert_eq!(
            there,
            [format!("{effect}: `Referrer-Policy` is `{word}` instead of `{usual}`")]
        );
    }
}

#[test]
fn further_headers_are_removed_or_no_longer() {
    let [there, back] = there_and_back(|settings| settings.remove = names(&["X-Build", "Server", "x-build"]));
    assert_eq!(there, ["tightens: `x-build` is removed"]);
    assert_eq!(
        back,
        ["loosens: `x-build` is no longer removed: answers carry what the application sends"]
    );
}

#[test]
fn enforcement_is_said_and_what_is_only_reported_tightens_nothing() {
    let with = |enforcement, max_age: &str| {
        let hsts = HstsSettings {
            max_age: max_age.to_owned(),
            ..Default::default()
        };
        made(HeadersSettings {
            enforcement,
            hsts,
            ..Default::default()
        })
    };
    let said = |old: &HeadersPolicy, new: &HeadersPolicy| -> Vec<String> {
        old.changes_to(new).iter().map(ToString::to_string).collect()
    };
    use Enforcement::{Enforce, Off, Report};
    assert_eq!(
        said(&with(Report, "1d"), &with(Report, "2d")),
        ["changes: HSTS: browsers remember 2 days instead of 1 day (only reported)"]
    );
    assert_eq!(
        said(&with(Report, "1d"), &with(Enforce, "1d")),
        ["tightens: header rules are enforced where they were only reported"]
    );
    assert_eq!(
        said(&with(Enforce, "1d"), &with(Off, "2d")),
        ["loosens: header rules are switched off"]
    );
    assert!(said(&with(Off, "1d"), &with(Off, "2d")).is_empty());
}

#[test]
fn a_default_written_out_and_another_way_of_writing_change_nothing() {
    let nothing = there_and_back(|settings| {
        settings.hsts.max_age = "8760h".to_owned();
        settings.frame_ancestors = names(&["'Self'", "'self'"]);
        settings.referrer_policy = "Strict-Origin-When-Cross-Origin".to_owned();
        settings.remove = names(&["X-Powered-By"]);
    });
    assert_eq!(nothing, [[""; 0]; 2]);
}

/// Settings that make a policy that is at work, each list in one order.
fn settings() -> impl Strategy<Value = HeadersSettings> {
    let hsts =
        (prop::sample::select(vec!["1d", "365d", "730d"]), any::<bool>()).prop_map(|(age, below)| HstsSettings {
            max_age: age.to_owned(),
            include_subdomains: below,
            preload: below && age != "1d",
        });
    let some = |of: &'static [&'static str]| {
        let chosen = prop::sample::subsequence(of, 0..=of.len());
        chosen.prop_map(|chosen| names(&chosen))
    };
    let lists = (
        some(&["'self'", "a.example", "b.example"]),
        some(&["x-a", "x-b"]),
        // All of a header: whose `frame-ancestors` is left to the application needs no list.
        some(&["referrer-policy", "server", "x-content-type-options"]),
    );
    let word = prop::sample::select(vec!["no-referrer", "origin", "same-origin"]);
    (any::<bool>(), hsts, lists, word).prop_map(|(enforced, hsts, (frame_ancestors, remove, left), word)| {
        HeadersSettings {
            enforcement: if enforced {
                Enforcement::Enforce
            } else {
                Enforcement::Report
            },
            report_until: None,
            hsts,
            frame_ancestors,
            referrer_policy: word.to_owned(),
            remove,
            dangerous_leave: left,
        }
    })
}

proptest! {
    #[test]
    fn policies_are_equal_exactly_when_nothing_changes(old in settings(), new in settings()) {
        let (old, new) = (made(old), made(new));
        prop_assert_eq!(old.changes_to(&new).is_empty(), old == new, "{:?}", old.changes_to(&new));
        prop_assert!(old.changes_to(&old.clone()).is_empty());
    }
}
