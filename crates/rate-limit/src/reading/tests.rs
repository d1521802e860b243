use std::collections::BTreeMap;

use rempart_guard::Problems;

use crate::{Per, QuotaSettings, RateLimitPolicy, RateLimitSettings};

fn read(toml: &str) -> Result<RateLimitPolicy, Problems> {
    RateLimitPolicy::try_from(toml::from_str::<RateLimitSettings>(toml).unwrap())
}

#[test]
fn all_that_is_wrong_is_said_at_once_and_each_with_its_key() {
    let problems = read(
        r#"
        max_keys = 10
        ipv4_prefix = 33
        ipv6_prefix = 0
        [quotas.login]
        rate = "10"
        per = "ip"
        count = "errors"
        routes = ["/login", "login", "/a?b"]
        classes = ["auth", "secret"]
        when_used_up = "delay"
        max_delay = "1h"
        max_waiting = 0
        [costs.search]
        cost = 0
        [quotas."Not a name"]
        rate = "0/s"
        "#,
    );
    let problems: Vec<_> = problems
        .unwrap_err()
        .into_iter()
        .map(|one| (one.key.join("."), one.code))
        .collect();
    let expected = [
        ("max_keys", "out_of_range"),
        ("ipv4_prefix", "out_of_range"),
        ("ipv6_prefix", "out_of_range"),
        ("quotas.Not a name", "quota_name_invalid"),
        ("quotas.Not a name.rate", "rate_zero"),
        ("quotas.login.count", "quota_count_unknown"),
        ("quotas.login.rate", "rate_ambiguous"),
        ("quotas.login.per", "quota_per_unknown"),
        ("quotas.login.routes.1", "route_invalid"),
        ("quotas.login.routes.2", "route_invalid"),
        ("quotas.login.classes.1", "class_unknown"),
        ("quotas.login.max_delay", "duration_out_of_range"),
        ("quotas.login.max_waiting", "out_of_range"),
        ("costs.search.cost", "out_of_range"),
        ("costs.search", "cost_without_route"),
    ];
    assert_eq!(problems, expected.map(|(key, code)| (key.to_owned(), code)));
}

#[test]
fn every_problem_says_what_to_write_instead() {
    let problems =
        read("[quotas.login]\nrate = \"10\"\nper = \"ip\"\ncount = \"x\"\nroutes = [\"x\"]\nclasses = [\"x\"]")
            .unwrap_err();
    assert!(
        problems
            .iter()
            .all(|problem| problem.help.as_ref().is_some_and(|help| help.contains('"')))
    );
}

#[test]
fn a_name_that_would_not_fit_into_a_header_is_refused() {
    for name in [
        "",
        "Login",
        "log in",
        "login\"",
        "é",
        "a.b",
        "abcdefghijklmnopqrstuvwxyz0123456",
    ] {
        let mut settings = RateLimitSettings::default();
        settings.quotas.insert(name.to_owned(), QuotaSettings::new("1/s"));
        let problems = RateLimitPolicy::try_from(settings).unwrap_err();
        assert_eq!(problems.iter().next().unwrap().code, "quota_name_invalid", "{name}");
    }
}

#[test]
fn a_seventeenth_quota_is_refused() {
    let mut settings = RateLimitSettings {
        quotas: BTreeMap::new(),
        ..RateLimitSettings::default()
    };
    for number in 0..=RateLimitPolicy::MAX_QUOTAS {
        settings.quotas.insert(format!("q{number}"), QuotaSettings::new("1/s"));
    }
    let problems = RateLimitPolicy::try_from(settings).unwrap_err();
    assert_eq!(problems.iter().next().unwrap().code, "quotas_too_many");
}

#[test]
fn an_unknown_key_and_a_bare_number_are_refused() {
    for toml in [
        "limit = 3",
        "[quotas.a]\nrate = \"1/s\"\nburst = 3",
        "[quotas.a]\nrate = 10",
        "[quotas.a]\nroutes = []",
        "[quotas.a]\nrate = \"1/s\"\nper = 1",
        "[quotas.a]\nrate = \"1/s\"\ncount = 404",
        "[quotas.a]\nrate = \"1/s\"\ncount = [\"404\"]",
        "[quotas.a]\nrate = \"1/s\"\nwhen_used_up = \"wait\"",
        "[costs.a]\nroutes = [\"/a\"]",
    ] {
        assert!(toml::from_str::<RateLimitSettings>(toml).is_err(), "{toml}");
    }
}

#[test]
fn what_is_left_out_has_its_default_and_settings_read_back_as_themselves() {
    let defaults = RateLimitSettings::default();
    assert_eq!(toml::from_str::<RateLimitSettings>("").unwrap(), defaults);
    let written = serde_json::to_string(&defaults).unwrap();
    assert_eq!(serde_json::from_str::<RateLimitSettings>(&written).unwrap(), defaults);
    let policy = RateLimitPolicy::try_from(defaults).unwrap();
    assert_eq!(policy.quotas()[0].rate().to_string(), "50/s burst 200");
    assert_eq!(*policy.quotas()[0].per(), Per::client());
}

#[test]
fn policies_are_equal_when_they_are_defined_equally() {
    let policy = |rate: &str| read(&format!("[quotas.client]\nrate = \"{rate}\"")).unwrap();
    assert_eq!(policy("60/60s"), policy("60/m burst 60"));
    assert_ne!(policy("60/m"), policy("61/m"));
}

fn codes(toml: &str) -> Vec<(String, &'static str)> {
    let problems = read(toml).err().into_iter().flatten();
    problems.map(|one| (one.key.join("."), one.code)).collect()
}

#[test]
fn a_rate_whose_unit_does_not_fit_what_is_counted_is_refused_with_what_to_write() {
    let quota = |rate: &str, count: &str| format!("[quotas.a]\nrate = \"{rate}\"\ncount = \"{count}\"");
    for (rate, count, code) in [
        ("100MiB/h", "requests", "rate_with_unit"),
        ("100MiB/h", "failures", "rate_with_unit"),
        ("300/m", "bytes", "rate_without_unit"),
        ("300", "bytes", "rate_without_unit"),
        ("100MiB", "bytes", "rate_ambiguous"),
    ] {
        let problems = read(&quota(rate, count)).unwrap_err();
        let problem = problems.iter().next().unwrap();
        assert_eq!((problem.key.join(".").as_str(), problem.code), ("quotas.a.rate", code));
        assert!(problem.help.as_ref().unwrap().contains('"'));
    }
    assert!(read(&quota("100MiB/h", "bytes")).is_ok());
}

#[test]
fn a_key_that_a_client_invents_is_refused_unless_its_network_is_counted_besides() {
    let invented = |per: &str, more: &str| codes(&format!("[quotas.a]\nrate = \"1/s\"\nper = {per}\n{more}"));
    let refused = [("quotas.a.per".to_owned(), "quota_key_invented")];
    let beside = |more: &str| format!("[quotas.b]\nrate = \"9/s\"\n{more}");
    for per in [
        "\"session\"",
        "\"ja4\"",
        "\"header:x-api-key\"",
        "[\"client\", \"header:x-api-key\"]",
        "[\"account\", \"ja4\"]",
    ] {
        assert_eq!(invented(per, ""), refused, "{per}");
        assert_eq!(invented(per, &beside("")), [], "{per}");
        assert_eq!(invented(per, &beside("per = \"tenant\"")), [], "{per}");
    }
    let header = "\"header:x-api-key\"";
    assert_eq!(
        invented(header, &beside("routes = [\"/login\"]")),
        refused,
        "not on all routes"
    );
    assert_eq!(
        invented(header, &beside("count = \"failures\"")),
        refused,
        "not all requests"
    );
    assert_eq!(
        invented(header, &beside("per = \"ja4\"")),
        [refused[0].clone(), ("quotas.b.per".to_owned(), "quota_key_invented")],
        "invented as well"
    );
    let api = format!("{header}\nroutes = [\"/api/v1/*\"]");
    assert_eq!(invented(&api, &beside("routes = [\"/api/*\"]")), []);
    assert_eq!(
        codes("[quotas.a]\nrate = \"1/s\"\nper = [\"client\", \"method\", \"class\"]"),
        []
    );
    assert_eq!(codes("[quotas.a]\nrate = \"1/s\"\nper = \"account\""), []);
}

#[test]
fn what_is_counted_with_the_answer_cannot_wait() {
    let delay = |count: &str| format!("[quotas.a]\nrate = \"1/s\"\ncount = {count}\nwhen_used_up = \"delay\"");
    assert_eq!(
        codes(&delay("\"failures\"")),
        [("quotas.a.when_used_up".to_owned(), "quota_delay_unfit")]
    );
    assert_eq!(codes(&delay("\"requests\"")), []);
}

#[test]
fn statuses_are_those_of_answers() {
    let count = |count: &str| codes(&format!("[quotas.a]\nrate = \"1/s\"\ncount = {count}"));
    let refused = [("quotas.a.count".to_owned(), "quota_count_unknown")];
    assert_eq!(count("[99]"), refused);
    assert_eq!(count("[600]"), refused);
    assert_eq!(count("[]"), refused);
    assert_eq!(count("[401, 403, 302]"), []);
}

#[test]
fn every_example_of_the_documentation_is_a_policy() {
    let example = r#"
        [quotas.client]
        rate = "300/m burst 100"
        [quotas.scan]
        rate = "20/10m"
        count = "not_found"
        [quotas.download]
        rate = "2GiB/d"
        count = "bytes"
        routes = ["GET /archive/*"]
        [quotas.person]
        rate = "60/m"
        per = "session"
        [quotas.export]
        rate = "1/s"
        per = "account"
        classes = ["export"]
        when_used_up = "delay"
        max_delay = "5s"
        [costs.search]
        cost = 5
        routes = ["GET /search", "/api/search/*"]
        [costs.export]
        cost = 50
        classes = ["export"]
    "#;
    assert_eq!(codes(example), []);
}
