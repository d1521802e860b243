use super::*;

fn read(toml: &str) -> Result<LoginPolicy, Problems> {
    LoginPolicy::try_from(toml::from_str::<LoginSettings>(toml).unwrap())
}

const WRONG: &str = r#"
    report_until = "soon"
    routes = ["login", "POST /login"]
    reset_routes = ["/a?b"]
    code_routes = ["x"]
    account_fields = ["username", " "]
    free_failures = 101
    max_delay = "15"
    max_waiting = 0
    then = "captcha"
    step_up_header = "Authorization"
    even_timing = "11s"
    device_cookie = "a b"
    max_keys = 1
    ipv4_prefix = 33
    ipv6_prefix = 8
    [failed]
    status = [999]
    location = "login"
    header = "a b"
    body = ""
    [limits]
    account = "30"
    reset = "0/h"
    [breached]
    directory = "ranges"
    header = "X-Forwarded-For"
"#;

#[test]
fn all_that_is_wrong_is_said_at_once_and_each_with_its_key() {
    let problems = read(WRONG).unwrap_err();
    let problems: Vec<_> = problems.into_iter().map(|one| (one.key.join("."), one.code)).collect();
    let expected = [
        ("report_until", "date_invalid"),
        ("routes.0", "route_invalid"),
        ("reset_routes.0", "route_invalid"),
        ("code_routes.0", "route_invalid"),
        ("account_fields.1", "login_field_invalid"),
        ("failed.status.0", "status_invalid"),
        ("failed.location", "location_invalid"),
        ("failed.header", "header_name_invalid"),
        ("failed.body", "login_mark_invalid"),
        ("limits.account", "rate_ambiguous"),
        ("limits.reset", "rate_zero"),
        ("free_failures", "out_of_range"),
        ("max_delay", "duration_ambiguous"),
        ("max_waiting", "out_of_range"),
        ("then", "login_then_unknown"),
        ("step_up_header", "header_name_invalid"),
        ("even_timing", "duration_out_of_range"),
        ("device_cookie", "cookie_name_invalid"),
        ("breached.directory", "path_not_absolute"),
        ("breached.header", "header_name_invalid"),
        ("max_keys", "out_of_range"),
        ("ipv4_prefix", "out_of_range"),
        ("ipv6_prefix", "out_of_range"),
    ];
    assert_eq!(problems, expected.map(|(key, code)| (key.to_owned(), code)));
}

#[test]
fn every_problem_says_what_to_write_instead() {
    let problems = read(WRONG).unwrap_err();
    let silent: Vec<_> = problems.iter().filter(|problem| problem.help.is_none()).collect();
    assert!(silent.is_empty(), "{silent:#?}");
}

#[test]
fn an_unknown_key_and_a_bare_number_are_refused() {
    for toml in [
        "route = []",
        "max_delay = 15",
        "[failed]\ntext = \"x\"",
        "[limits]\nip = \"1/s\"",
        "[limits]\naccount = 30",
        "[breached]\nheader = \"X-A\"",
    ] {
        assert!(toml::from_str::<LoginSettings>(toml).is_err(), "{toml}");
    }
}

#[test]
fn what_is_left_out_has_its_default_and_settings_read_back_as_themselves() {
    let defaults = LoginSettings::default();
    assert_eq!(toml::from_str::<LoginSettings>("").unwrap(), defaults);
    let written = serde_json::to_string(&defaults).unwrap();
    assert_eq!(serde_json::from_str::<LoginSettings>(&written).unwrap(), defaults);
    let policy = LoginPolicy::try_from(defaults).unwrap();
    assert_eq!(
        policy.enforcement(),
        rempart_guard::Enforcement::Off,
        "no route, no guard"
    );
    assert_eq!(
        read("routes = [\"/login\"]").unwrap().enforcement(),
        rempart_guard::Enforcement::Enforce
    );
    assert_eq!(policy.device_cookie(), Some("__Host-device"));
    assert_eq!(read("device_cookie = \"\"").unwrap().device_cookie(), None);
}

#[test]
fn what_the_documentation_shows_is_read() {
    let policy = read(
        r#"
        routes = ["POST /login"]
        reset_routes = ["POST /forgot"]
        code_routes = ["POST /code"]
        failed = { status = [401, 403], location = "/login*", header = "X-Login: failed", body = "Mot de passe invalide" }
        succeeded = { header = "X-Account" }
        even_timing = "800ms"
        then = "step_up"
        breached = { directory = "/var/lib/rempart/ranges" }
        "#,
    )
    .unwrap();
    assert_eq!(policy.then, Then::StepUp);
    assert_eq!(
        policy.routes().map(|(key, _)| key.join(".")).collect::<Vec<_>>(),
        ["routes.0", "code_routes.0", "reset_routes.0"]
    );
    assert_eq!(policy.failed.header.unwrap().value.as_deref(), Some("failed"));
    assert_eq!(policy.breached.unwrap().header, "x-password-breached");
}

#[test]
fn policies_are_equal_when_they_are_defined_equally() {
    let policy = |rate: &str| read(&format!("[limits]\nnetwork = \"{rate}\"")).unwrap();
    assert_eq!(policy("60/60m"), policy("60/h burst 60"));
    assert_ne!(policy("60/h"), policy("61/h"));
}

#[test]
fn every_setting_says_in_the_schema_what_it_is() {
    let schema = schemars::schema_for!(LoginSettings);
    let properties = schema.get("properties").unwrap().as_object().unwrap();
    assert_eq!(properties.len(), 21);
    let definitions = schema.get("$defs").unwrap().as_object().unwrap();
    for (name, property) in properties {
        assert!(property.get("description").is_some(), "{name}");
    }
    for name in ["MarksSettings", "LimitsSettings", "BreachedSettings"] {
        let properties = definitions[name]["properties"].as_object().unwrap();
        assert!(
            properties
                .values()
                .all(|property| property.get("description").is_some()),
            "{name}"
        );
    }
}
