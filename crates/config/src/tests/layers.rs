//! Which layer counts, and which one is blamed.

use std::path::Path;
use std::time::Duration;

use rempart_guard::Enforcement;

use super::site::{Site, VENDOR, expect};
use crate::{Config, TenantConfig, load};

const FILE: &str = "tenants.d/library.toml";
const URL: &str = "REMPART__TENANTS__LIBRARY__UPSTREAM__URL";

fn library(site: &Site) -> TenantConfig {
    TenantConfig::clone(&site.load().unwrap().tenants[0])
}

fn rate(tenant: &TenantConfig, quota: &str) -> Option<String> {
    let found = tenant.rate_limit.quotas().iter().find(|one| one.name() == quota);
    found.map(|quota| quota.rate().to_string())
}

#[test]
fn each_layer_is_stronger_than_the_one_before() {
    let built_in = Site::new();
    assert_eq!(library(&built_in).upstream.connect_timeout, Duration::from_secs(2));
    let defaults = built_in.file(
        "rempart.toml",
        format!("{VENDOR}[defaults.upstream]\nconnect_timeout = \"3s\"\n"),
    );
    assert_eq!(library(&defaults).upstream.connect_timeout, Duration::from_secs(3));
    let environment = defaults.variable("REMPART__DEFAULTS__UPSTREAM__CONNECT_TIMEOUT", "4s");
    assert_eq!(library(&environment).upstream.connect_timeout, Duration::from_secs(4));
    let own = environment.more(FILE, "connect_timeout = \"5s\"\n");
    assert_eq!(library(&own).upstream.connect_timeout, Duration::from_secs(5));
    let variable = own.variable("REMPART__TENANTS__LIBRARY__UPSTREAM__CONNECT_TIMEOUT", "6s");
    assert_eq!(library(&variable).upstream.connect_timeout, Duration::from_secs(6));
}

#[test]
fn sections_are_merged_key_by_key_and_lists_are_replaced() {
    let site = Site::new()
        .file(
            "rempart.toml",
            format!("{VENDOR}[defaults.rate_limit.quotas.login]\nrate = \"5/m\"\nroutes = [\"/a\", \"/b\"]\n"),
        )
        .more(
            FILE,
            "[rate_limit.quotas.login]\nroutes = [\"/c\"]\n[rate_limit.quotas.search]\nrate = \"9/s\"\n",
        );
    let library = library(&site);
    assert_eq!(rate(&library, "login").unwrap(), "5/m", "from the defaults");
    assert_eq!(rate(&library, "search").unwrap(), "9/s", "its own");
    assert!(rate(&library, "client").is_some(), "what is built in stays");
    let login = library
        .rate_limit
        .quotas()
        .iter()
        .find(|one| one.name() == "login")
        .unwrap();
    let routes: Vec<_> = login.routes().iter().map(ToString::to_string).collect();
    assert_eq!(routes, ["/c"]);
}

#[test]
fn a_control_can_be_switched_to_report_for_one_tenant() {
    let site = Site::new().more(
        FILE,
        "[rate_limit]\nenforcement = \"report\"\n[cookies]\nenforcement = \"off\"\n",
    );
    let library = library(&site);
    assert_eq!(library.rate_limit.enforcement(), Enforcement::Report);
    assert_eq!(library.cookies.enforcement, Enforcement::Off);
    assert_eq!(library.headers.enforcement(), Enforcement::Enforce);
}

#[test]
fn a_problem_is_shown_in_the_layer_that_set_the_value() {
    let site = Site::new()
        .file(
            "rempart.toml",
            format!("{VENDOR}[defaults.rate_limit.quotas.login]\nrate = \"5\"\n"),
        )
        .more(FILE, "[rate_limit.quotas.login]\nroutes = [\"login\"]\n")
        .variable(URL, "gopher://10.0.0.1");
    expect(
        &site,
        r#"$REMPART__TENANTS__LIBRARY__UPSTREAM__URL: error[upstream_scheme]: tenants.library.upstream.url: "gopher" is not http
  = help: write the application's address, such as "http://127.0.0.1:9101"

rempart.toml:6:8: error[rate_ambiguous]: defaults.rate_limit.quotas.login.rate: `5`: a rate with no period is ambiguous: so many in what time?
  |
6 | rate = "5"
  |        ^^^
  = help: write a count and a period, such as "10/s" or "300/m burst 40"

tenants.d/library.toml:5:11: error[route_invalid]: rate_limit.quotas.login.routes[0]: `login`: a route is a path that begins with `/`, with a method before it or without
  |
5 | routes = ["login"]
  |           ^^^^^^^
  = help: write a path such as "/login" or "POST /api/*"

3 problems in 2 files and 1 variable"#,
    );
}

#[test]
fn a_key_that_is_missing_in_a_section_of_the_defaults_may_stand_in_the_tenants_file() {
    let vendor = format!("{VENDOR}[defaults.rate_limit.quotas.login]\nroutes = [\"/login\"]\n");
    let site = Site::new().file("rempart.toml", vendor);
    expect(
        &site,
        r#"rempart.toml:5:1: error[missing_key]: defaults.rate_limit.quotas.login.rate: this key is needed here
  |
5 | [defaults.rate_limit.quotas.login]
  | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

1 problem in 1 file"#,
    );
    expect(&site.more(FILE, "[rate_limit.quotas.login]\nrate = \"5/m\"\n"), "");
}

#[test]
fn a_variable_is_toml_or_text() {
    let site = Site::new()
        .file("tenants.d/city-hall.toml", "")
        .variable("REMPART__TENANTS__CITY_HALL__HOSTS", "[\"city.test\", \"ville.test\"]")
        .variable("REMPART__TENANTS__CITY_HALL__UPSTREAM__URL", "http://10.0.0.1")
        .variable("REMPART__TENANTS__CITY_HALL__UPSTREAM__MAX_CONNECTIONS", "9")
        .variable("REMPART__TENANTS__LIBRARY__HOSTS", "library.test")
        .variable("REMPART__LISTEN__HTTPS", "[::1]:443")
        .variable("REMPART__CLIENT__TRUSTED_PROXIES", "'10.0.0.0/8'")
        .variable("REMPART_LOG", "debug")
        .variable("HOME", "/root");
    let config = site.load().unwrap();
    let city = &config.tenants[0];
    assert_eq!(
        (city.id.as_str(), city.hosts.len(), city.upstream.max_connections.get()),
        ("city-hall", 2, 9)
    );
    assert_eq!(config.tenants[1].hosts[0].to_string(), "library.test");
    assert_eq!(config.vendor.listen.https[0].to_string(), "[::1]:443");
    assert!(config.vendor.trusted_proxies.trusts("10.1.1.1".parse().unwrap()));
}

#[test]
fn variables_that_set_nothing_are_refused() {
    let site = Site::new()
        .variable("REMPART__", "1")
        .variable("REMPART__LISTEN____HTTPS", "1")
        .variable("REMPART__LISTEN__HTTP", "127.0.0.1:80")
        .variable("REMPART__LISTEN__HTTP__X", "1")
        .variable("REMPART__Listen__WORKERS", "1")
        .variable("REMPART__LISTEN__WORKERS", "2")
        .variable("REMPART__LISTEN__WORKER", "2")
        .variable("REMPART__TENANTS", "1")
        .variable("REMPART__TENANTS__LIBARRY__HOSTS", "x")
        .variable("REMPART__TENANTS__MUSEUM__HOSTS", "x");
    let help = "a variable is REMPART__SECTION__KEY, or REMPART__TENANTS__NAME__SECTION__KEY for one tenant";
    expect(
        &site,
        &r#"$REMPART__: error[environment_key]: this is no key
  = help: HELP

$REMPART__LISTEN__HTTP__X: error[environment_key]: another variable sets a key above this one
  = help: HELP

$REMPART__LISTEN__WORKER: error[unknown_key]: listen.worker: there is no such key
  = help: did you mean `workers`?

$REMPART__LISTEN____HTTPS: error[environment_key]: this is no key
  = help: HELP

$REMPART__Listen__WORKERS: error[environment_key]: another variable sets this key too
  = help: HELP

$REMPART__TENANTS: error[environment_key]: this names no tenant
  = help: HELP

$REMPART__TENANTS__LIBARRY__HOSTS: error[tenant_unknown]: there is no tenant "libarry"
  = help: did you mean `library`?

$REMPART__TENANTS__MUSEUM__HOSTS: error[tenant_unknown]: there is no tenant "museum"
  = help: a tenant is a file in tenants.d

8 problems in 8 variables"#
            .replace("HELP", help),
    );
}

#[test]
fn no_value_of_a_variable_is_ever_shown() {
    let said = Site::new()
        .variable("REMPART__TENANTS__LIBRARY__PASSWORD", "hunter2")
        .says();
    assert!(said.starts_with("$REMPART__TENANTS__LIBRARY__PASSWORD: error[unknown_key]") && !said.contains("hunter2"));
}

#[test]
fn the_example_has_nothing_to_say_and_means_what_its_comments_say() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/vendor");
    let config: Config = load(&directory, []).unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    let tenants = config
        .tenants
        .iter()
        .map(|one| (one.id.as_str(), one.upstream.authority.as_str()));
    let expected = [
        ("city", "127.0.0.1:9102"),
        ("daycare", "127.0.0.1:9103"),
        ("library", "127.0.0.1:9101"),
    ];
    assert_eq!(tenants.collect::<Vec<_>>(), expected);
    for tenant in &config.tenants {
        assert_eq!(tenant.login.enforcement().as_str(), "enforce", "{}", tenant.id);
        assert!(rate(tenant, "client").is_some());
        // The morning that it is for has not come.
        assert_eq!(tenant.waiting_room.enforcement().as_str(), "off", "{}", tenant.id);
        assert!(!tenant.cookies.session.is_empty());
        assert_eq!(tenant.hosts[0].to_string(), format!("{}.localhost", tenant.id));
    }
}
