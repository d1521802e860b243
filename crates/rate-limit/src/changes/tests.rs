use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use governor::clock::FakeRelativeClock;
use http::{Request, Response};
use proptest::prelude::*;
use rempart_guard::{ClientAddr, Downstream, Enforcement, Findings, RequestIds, Verdict, WaitingGuard as _};

use crate::{CostSettings, QuotaSettings, RateLimit, RateLimitPolicy, RateLimitSettings, WhenUsedUp};

fn policy(toml: &str) -> RateLimitPolicy {
    made(toml::from_str(toml).unwrap())
}

fn made(settings: RateLimitSettings) -> RateLimitPolicy {
    RateLimitPolicy::try_from(settings).unwrap()
}

/// What changes between two policies, a line each.
fn said(old: &str, new: &str) -> Vec<String> {
    let changes = policy(old).changes_to(&policy(new));
    changes.iter().map(ToString::to_string).collect()
}

fn login(more: &str) -> String {
    format!("[quotas.login]\n{more}\n")
}

#[test]
fn a_rate_falls_or_rises_or_does_something_of_both() {
    for (old, new, expected) in [
        ("10/m", "5/m", "tightens: quota `login`: falls from 10/m to 5/m"),
        ("5/m", "10/m", "loosens: quota `login`: rises from 5/m to 10/m"),
        ("5/15m", "5/h", "tightens: quota `login`: falls from 5/15m to 5/h"),
        (
            "5/m",
            "5/m burst 9",
            "loosens: quota `login`: rises from 5/m to 5/m burst 9",
        ),
        (
            "5/m",
            "10/m burst 2",
            "changes: quota `login`: changes from 5/m to 10/m burst 2",
        ),
        (
            "60/m",
            "1/s burst 60",
            "changes: quota `login`: changes from 60/m to 1/s burst 60",
        ),
    ] {
        let rate = |rate: &str| login(&format!("rate = \"{rate}\""));
        let expected = format!("{expected} for each client; its counts begin anew");
        assert_eq!(said(&rate(old), &rate(new)), [expected]);
    }
}

#[test]
fn who_shares_a_count_is_said_with_the_rate() {
    let each = login("rate = \"10/m\"");
    let together = |rate: &str| login(&format!("rate = \"{rate}\"\nper = \"tenant\""));
    assert_eq!(
        said(&each, &together("10/m")),
        [
            "tightens: quota `login`: 10/m for all clients together instead of 10/m for each client; its counts begin anew"
        ]
    );
    assert!(said(&together("10/m"), &each)[0].starts_with("loosens: "));
    assert_eq!(
        said(&each, &together("500/m")),
        [
            "changes: quota `login`: 500/m for all clients together instead of 10/m for each client; its counts begin anew"
        ]
    );
}

#[test]
fn routes_that_are_counted_too_or_no_longer_are_named_and_keep_their_counts() {
    let routes = |routes: &str| login(&format!("rate = \"10/m\"\nroutes = [{routes}]"));
    for (old, new, expected) in [
        (
            "'POST /login'",
            "'POST /login', 'POST /connexion'",
            &["tightens: quota `login`: now counts POST /connexion too"] as &[_],
        ),
        (
            "'POST /login', '/connexion'",
            "'POST /login'",
            &["loosens: quota `login`: no longer counts /connexion"],
        ),
        (
            "'/login'",
            "'/connexion'",
            &[
                "tightens: quota `login`: now counts /connexion too",
                "loosens: quota `login`: no longer counts /login",
            ],
        ),
        (
            "'/login'",
            "'POST /login'",
            &["loosens: quota `login`: no longer counts all of /login, only POST /login"],
        ),
        (
            "'/login'",
            "",
            &["tightens: quota `login`: now counts every route, not only /login"],
        ),
        (
            "",
            "'/login', '/a'",
            &["loosens: quota `login`: now counts /login, /a only, no longer every route"],
        ),
        ("'/a', '/b'", "'/b', '/a', '/b'", &[]),
        ("'/a/*'", "'/a/*', 'POST /a/{id}/x'", &[]),
        ("'/a/{id}', '/a/{name}'", "'/a/{x}'", &[]),
        ("", "'/*'", &[]),
    ] {
        assert_eq!(said(&routes(old), &routes(new)), expected, "{old} to {new}");
    }
}

#[test]
fn quotas_come_and_go_and_those_for_all_together_are_named_so() {
    let search = "[quotas.search]\nrate = \"50/s\"\nper = \"tenant\"\nroutes = [\"GET /search\"]\n";
    let login = login("rate = \"5/15m\"");
    assert_eq!(
        said(&login, search),
        [
            "loosens: quota `login` is gone: 5/15m for each client",
            "tightens: a new quota `search`: 50/s for all clients together, on GET /search",
        ]
    );
}

#[test]
fn what_is_counted_is_said_with_the_rate() {
    let count = |rate: &str, count: &str| login(&format!("rate = \"{rate}\"\ncount = {count}"));
    for (old, new, expected) in [
        (
            count("9/m", "\"failures\""),
            count("9/m", "\"requests\""),
            "tightens: quota `login`: 9/m for each client instead of 9/m for each client, counting failures",
        ),
        (
            count("9/m", "\"failures\""),
            count("9/m", "[401]"),
            "loosens: quota `login`: 9/m for each client, counting answers with 401 instead of 9/m for each client, \
             counting failures",
        ),
        (
            count("9/m", "\"requests\""),
            count("9MiB/m", "\"bytes\""),
            "changes: quota `login`: 9MiB/m for each client instead of 9/m for each client",
        ),
        (
            count("9MiB/m", "\"bytes\""),
            count("4MiB/m", "\"bytes\""),
            "tightens: quota `login`: falls from 9MiB/m to 4MiB/m for each client",
        ),
    ] {
        assert_eq!(said(&old, &new), [format!("{expected}; its counts begin anew")]);
    }
}

#[test]
fn waiting_instead_of_a_refusal_is_said_and_costs_no_count() {
    let delays = |more: &str| login(&format!("rate = \"9/m\"\nwhen_used_up = \"delay\"\n{more}"));
    let refuses = login("rate = \"9/m\"");
    let expected = "loosens: quota `login`: when it is used up, up to 100 requests wait for up to 2 seconds instead of being refused";
    assert_eq!(said(&refuses, &delays("")), [expected]);
    let expected = "tightens: quota `login`: when it is used up, requests are refused instead of waiting";
    assert_eq!(said(&delays(""), &refuses), [expected]);
    let expected = "tightens: quota `login`: when it is used up, up to 9 requests wait for up to 2 seconds instead of 100 for 2 seconds";
    assert_eq!(said(&delays(""), &delays("max_waiting = 9")), [expected]);
}

#[test]
fn what_costs_more_or_less_is_said() {
    let cost = |cost: u32, routes: &str| format!("[costs.search]\ncost = {cost}\nroutes = [{routes}]\n");
    for (old, new, expected) in [
        (
            String::new(),
            cost(5, "'/search'"),
            "tightens: cost `search`: is new: 5 for /search",
        ),
        (
            cost(5, "'/search'"),
            String::new(),
            "loosens: cost `search`: is gone: 5 for /search",
        ),
        (
            cost(5, "'/search'"),
            cost(9, "'/search'"),
            "tightens: cost `search`: 9 instead of 5",
        ),
        (
            cost(5, "'/a'"),
            cost(5, "'/a', '/b'"),
            "tightens: cost `search`: now holds for /b too",
        ),
    ] {
        assert_eq!(said(&old, &new), [expected]);
    }
}

#[test]
fn classes_are_named_beside_routes() {
    let classes = |classes: &str| login(&format!("rate = \"9/m\"\nclasses = [{classes}]\nroutes = ['/a']"));
    assert_eq!(
        said(&classes(""), &classes("'auth'")),
        ["tightens: quota `login`: now counts `auth` routes too"]
    );
    assert!(said(&classes("'auth', 'record'"), &classes("'record', 'auth'")).is_empty());
}

#[test]
fn enforcement_is_said_and_what_is_only_reported_tightens_nothing() {
    let with = |word: &str, rate: &str| format!("enforcement = \"{word}\"\n[quotas.a]\nrate = \"{rate}\"\n");
    assert_eq!(
        said(&with("report", "1/s"), &with("enforce", "1/s")),
        ["tightens: rate limits are enforced where they were only reported"]
    );
    assert_eq!(
        said(&with("report", "2/s"), &with("report", "1/s")),
        ["changes: quota `a`: falls from 2/s to 1/s for each client; its counts begin anew (only reported)"]
    );
    assert_eq!(
        said(&with("off", "2/s"), &with("enforce", "1/s")),
        [
            "tightens: rate limits are enforced from now on",
            "tightens: a new quota `a`: 1/s for each client",
        ]
    );
    assert_eq!(
        said(&with("enforce", "2/s"), &with("off", "1/s")),
        ["loosens: rate limits are switched off"]
    );
    assert!(said(&with("off", "2/s"), &with("off", "1/s")).is_empty());
}

#[test]
fn another_way_to_tell_clients_apart_costs_every_count() {
    let anew = "changes: the counts of all quotas begin anew";
    for (old, new, expected) in [
        (
            "",
            "ipv6_prefix = 56",
            "tightens: IPv6 clients are counted by /56 instead of /64",
        ),
        (
            "ipv4_prefix = 24",
            "",
            "loosens: IPv4 clients are counted by /32 instead of /24",
        ),
        (
            "max_keys = 1000",
            "",
            "changes: each quota has room for 65536 clients instead of 1000",
        ),
    ] {
        assert_eq!(said(old, new), [expected, anew]);
    }
    let shared = "[quotas.a]\nrate = \"1/s\"\nper = \"tenant\"\n[quotas.b]\nrate = \"1/s\"";
    assert!(
        said(shared, &format!("max_keys = 1000\n{shared}"))
            .contains(&"changes: the counts of `b` begin anew".to_owned()),
        "all clients together need no room"
    );
    let (one, other) = (
        "[quotas.a]\nrate = \"1/s\"",
        "max_keys = 1000\n[quotas.b]\nrate = \"1/s\"",
    );
    assert!(
        !said(one, other).contains(&anew.to_owned()),
        "no quota is left to lose a count"
    );
}

#[test]
fn what_answers_tell_is_said_where_there_was_something_to_tell() {
    assert_eq!(
        said("", "headers = false"),
        ["changes: answers no longer tell clients their quotas, in `RateLimit`"]
    );
    assert_eq!(
        said("headers = false", ""),
        ["changes: answers tell clients their quotas, in `RateLimit`"]
    );
    assert!(said("quotas = {}", "headers = false\nquotas = {}").is_empty());
}

#[test]
fn a_default_written_out_and_another_way_of_writing_change_nothing() {
    let written = "enforcement = \"enforce\"\nmax_keys = 65536\nipv4_prefix = 32\nipv6_prefix = 64\nheaders = true\n\
                   [quotas.client]\nper = \"client\"\nroutes = []\nrate = \" 50/1s  burst  200 \"\n";
    assert!(said("", written).is_empty());
}

/// What is left to a client after one request, as the answer tells it.
fn left(limit: &RateLimit) -> String {
    let (mut head, ()) = Request::get("/").body(()).unwrap().into_parts();
    head.extensions.insert(Downstream {
        client: ClientAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        request: RequestIds::new().next_id(),
    });
    let Verdict::Now(Ok(ticket)) = limit.check(&mut head, &mut Findings::default()) else {
        panic!("it is refused")
    };
    let (mut head, ()) = Response::new(()).into_parts();
    limit.amend(ticket, &mut head, &mut Findings::default());
    head.headers["ratelimit"].to_str().unwrap().to_owned()
}

#[test]
fn counts_begin_anew_exactly_when_it_is_said() {
    let old = "[quotas.a]\nrate = \"9/h\"\nroutes = [\"/\"]";
    for (new, expected) in [
        ("[quotas.a]\nrate = \"9/h\"", false),
        (
            "headers = true\n[quotas.a]\nrate = \"9/60m\"\nroutes = [\"/\", \"/x\"]",
            false,
        ),
        ("[quotas.a]\nrate = \"8/h\"", true),
        ("ipv6_prefix = 48\n[quotas.a]\nrate = \"9/h\"", true),
        ("max_keys = 1000\n[quotas.a]\nrate = \"9/h\"", true),
        ("[quotas.a]\nrate = \"9/h\"\nwhen_used_up = \"delay\"", false),
        ("[quotas.a]\nrate = \"9/h\"\nper = [\"client\", \"method\"]", true),
        (
            "[costs.a]\ncost = 1\nroutes = [\"/\"]\n[quotas.a]\nrate = \"9/h\"",
            false,
        ),
    ] {
        let limit = RateLimit::with_clock(policy(old), FakeRelativeClock::default());
        assert!(left(&limit).starts_with("\"a\";r=8;"));
        let begun = left(&RateLimit::with_clock(policy(new), FakeRelativeClock::default()));
        let begins_anew = left(&limit.with_policy(policy(new))) == begun;
        let is_said = said(old, new).iter().any(|change| change.contains("begin anew"));
        assert_eq!((begins_anew, is_said), (expected, expected), "{new}");
    }
}

/// Settings that make a policy that is at work and counts every client.
fn settings() -> impl Strategy<Value = RateLimitSettings> {
    let rate = prop::sample::select(vec!["1/s", "2/s", "60/m", "5/15m burst 3"]);
    let routes = || prop::collection::btree_set(prop::sample::select(vec!["/a", "POST /b", "/c/{id}"]), 0..3);
    let classes = prop::collection::btree_set(prop::sample::select(vec!["auth", "record"]), 0..2);
    let per = prop::sample::select(vec!["client", "tenant", "account", "session", "header:a"]);
    let count = prop::sample::select(vec!["requests", "failures", "not_found"]);
    let quota = (rate, per, count, routes(), classes, any::<bool>());
    let quota = quota.prop_map(|(rate, per, count, routes, classes, delays)| QuotaSettings {
        per: per.into(),
        count: count.into(),
        routes: routes.into_iter().map(str::to_owned).collect(),
        classes: classes.into_iter().map(str::to_owned).collect(),
        when_used_up: match delays && count == "requests" {
            true => WhenUsedUp::Delay,
            false => WhenUsedUp::Refuse,
        },
        ..QuotaSettings::new(rate)
    });
    let cost = (1u32..3, routes()).prop_map(|(cost, routes)| CostSettings {
        cost,
        routes: routes.into_iter().chain(["/always"]).map(str::to_owned).collect(),
        classes: vec![],
    });
    let costs = prop::collection::btree_map("[ab]", cost, 0..2);
    let name = prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned);
    let quotas = prop::collection::btree_map(name, quota, 0..3).prop_map(|mut quotas: BTreeMap<_, _>| {
        quotas.insert("client".to_owned(), QuotaSettings::new("50/s"));
        quotas
    });
    let numbers = (1000u32..1002, 31u8..33, 63u8..65, any::<bool>());
    (any::<bool>(), quotas, costs, numbers).prop_map(
        |(enforced, quotas, costs, (max_keys, ipv4_prefix, ipv6_prefix, headers))| {
            RateLimitSettings {
                enforcement: if enforced {
                    Enforcement::Enforce
                } else {
                    Enforcement::Report
                },
                quotas,
                costs,
                max_keys,
                ipv4_prefix,
                ipv6_prefix,
                // What answers would tell is not told under `report`.
                headers: headers || !enforced,
                ..Default::default()
            }
        },
    )
}

proptest! {
    #[test]
    fn policies_are_equal_exactly_when_nothing_changes(old in settings(), new in settings()) {
        let (old, new) = (made(old), made(new));
        prop_assert_eq!(old.changes_to(&new).is_empty(), old == new, "{:?}", old.changes_to(&new));
        prop_assert!(old.changes_to(&old.clone()).is_empty());
    }

    /// One change back and forth is as much looser as it was stricter.
    #[test]
    fn the_way_back_loosens_what_the_way_there_tightens(old in settings(), new in settings()) {
        use rempart_guard::Effect::{Loosens, Tightens};
        let (old, new) = (made(old), made(new));
        let count = |changes: Vec<rempart_guard::Change>, effect| changes.iter().filter(|one| one.effect == effect).count();
        if (old.enforcement(), new.enforcement()) == (Enforcement::Enforce, Enforcement::Enforce) {
            let (there, back) = (old.changes_to(&new), new.changes_to(&old));
            prop_assert_eq!(count(there, Tightens) > 0, count(back, Loosens) > 0);
        }
    }
}
