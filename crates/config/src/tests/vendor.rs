//! What the vendor's file may not say.

use std::path::Path;
use std::time::Duration;

use super::site::{LIBRARY, Site, VENDOR, expect};

const FILE: &str = "rempart.toml";

/// A vendor's file in which one line stands for another.
fn with(line: &str, other: &str) -> Site {
    assert!(VENDOR.contains(line));
    Site::new().file(FILE, VENDOR.replace(line, other))
}

#[test]
fn the_vendors_values_arrive() {
    let vendor = "[listen]\nhttps = [\"127.0.0.1:8443\", \"[::1]:8443\"]\nhttp = \"127.0.0.1:8080\"\nworkers = 2\n\
                  [client]\ntrusted_proxies = [\"10.0.0.0/8\", \"192.0.2.7\", \"2001:db8::/32\"]\n\
                  [state]\ndirectory = \"../kept\"\n[development]\ncertificates = true\n[shutdown]\ndrain = \"500ms\"\n";
    let site = Site::new().file(FILE, vendor);
    let config = site.load().unwrap();
    assert_eq!(
        config
            .vendor
            .listen
            .https
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["127.0.0.1:8443", "[::1]:8443"]
    );
    assert_eq!(config.vendor.listen.http, ["127.0.0.1:8080".parse().unwrap()]);
    assert_eq!(config.vendor.listen.workers.map(usize::from), Some(2));
    assert!(config.vendor.trusted_proxies.trusts("10.9.9.9".parse().unwrap()));
    assert!(config.vendor.trusted_proxies.trusts("192.0.2.7".parse().unwrap()));
    assert!(!config.vendor.trusted_proxies.trusts("192.0.2.8".parse().unwrap()));
    assert_eq!(config.vendor.state, site.path().join("../kept"));
    assert_eq!(config.directory, site.path());
    assert!(config.vendor.development_certificates);
    assert_eq!(config.vendor.drain, Duration::from_millis(500));
}

#[test]
fn what_the_vendor_leaves_out_has_its_default() {
    let config = Site::new().load().unwrap();
    assert!(config.vendor.listen.http.is_empty() && config.vendor.listen.workers.is_none());
    assert!(!config.vendor.trusted_proxies.trusts("127.0.0.1".parse().unwrap()));
    assert!(config.vendor.state.ends_with(Path::new("state")));
    assert_eq!(config.vendor.drain, Duration::from_secs(30));
}

#[test]
fn an_edge_without_https_is_refused() {
    expect(
        &with("https = \"127.0.0.1:8443\"", "http = \"127.0.0.1:8080\""),
        r#"rempart.toml:1:1: error[missing_key]: listen.https: the edge has no address to listen on
  |
1 | [listen]
  | ^^^^^^^^
  = help: write `https = "0.0.0.0:443"` under [listen]

1 problem in 1 file"#,
    );
}

#[test]
fn addresses_that_cannot_be_or_meet_are_refused() {
    expect(
        &with(
            "\"127.0.0.1:8443\"",
            "[\"127.0.0.1:8443\", \"localhost:8443\"]\nhttp = [\"0.0.0.0:8443\", \"[::]:8443\"]",
        ),
        r#"rempart.toml:2:28: error[address_invalid]: listen.https[1]: "localhost:8443" is not an IP address and a port
  |
2 | https = ["127.0.0.1:8443", "localhost:8443"]
  |                            ^^^^^^^^^^^^^^^^
  = help: such as "0.0.0.0:443" for all of IPv4 or "[::]:443" for all of IPv6

rempart.toml:3:9: error[listen_twice]: listen.http[0]: the edge listens on 127.0.0.1:8443 already
  |
3 | http = ["0.0.0.0:8443", "[::]:8443"]
  |         ^^^^^^^^^^^^^^
  = help: give each listener a port of its own

2 problems in 1 file"#,
    );
    expect(&with("\"127.0.0.1:8443\"", "[\"127.0.0.1:0\", \"127.0.0.1:0\"]"), "");
}

#[test]
fn metrics_have_an_address_that_nobody_else_has() {
    let site = |listen: &str| Site::new().file(FILE, format!("{VENDOR}[metrics]\nlisten = {listen}\n"));
    let config = site("\"127.0.0.1:9464\"").load().unwrap();
    assert_eq!(config.vendor.metrics, Some("127.0.0.1:9464".parse().unwrap()));
    assert_eq!(Site::new().load().unwrap().vendor.metrics, None);
    expect(
        &site("\"0.0.0.0:8443\""),
        r#"rempart.toml:6:10: error[listen_twice]: metrics.listen: the edge listens on 127.0.0.1:8443 already
  |
6 | listen = "0.0.0.0:8443"
  |          ^^^^^^^^^^^^^^
  = help: give each listener a port of its own

1 problem in 1 file"#,
    );
    for (listen, code) in [
        ("\":9464\"", "address_invalid"),
        ("9464", "wrong_type"),
        ("[]", "wrong_type"),
    ] {
        let said = site(listen).says();
        assert!(
            said.contains(&format!("rempart.toml:6:10: error[{code}]: metrics.listen")),
            "{said}"
        );
    }
    let said = site("\"127.0.0.1:9101\"").says();
    assert!(said.contains("error[upstream_loop]"), "{said}");
}

#[test]
fn workers_are_one_at_least() {
    expect(
        &with("[development]", "workers = 0\n[development]"),
        r#"rempart.toml:3:11: error[out_of_range]: listen.workers: a number from 1 to 1024 is expected here
  |
3 | workers = 0
  |           ^

1 problem in 1 file"#,
    );
    let said = with("[development]", "workers = -1\n[development]").says();
    assert!(
        said.contains("3:11: error[invalid_value]: listen.workers: expected a whole number from 0 "),
        "{said}"
    );
}

#[test]
fn proxies_that_nobody_can_have_meant_are_refused() {
    let proxies =
        "[client]\ntrusted_proxies = [\"0.0.0.0/0\", \"10.0.0.1/8\", \"10.0.0\",\n  \"::ffff:10.0.0.0/104\"]\n";
    expect(
        &Site::new().file(FILE, format!("{VENDOR}{proxies}")),
        r#"rempart.toml:6:20: error[network_everybody]: client.trusted_proxies[0]: this believes everybody, and lets every client choose its address
  |
6 | trusted_proxies = ["0.0.0.0/0", "10.0.0.1/8", "10.0.0",
  |                    ^^^^^^^^^^^
  = help: name the networks of your own proxies

rempart.toml:6:33: error[network_host_bits]: client.trusted_proxies[1]: "10.0.0.1/8" is an address within a network
  |
6 | trusted_proxies = ["0.0.0.0/0", "10.0.0.1/8", "10.0.0",
  |                                 ^^^^^^^^^^^^
  = help: write "10.0.0.0/8" for the network, or one address

rempart.toml:6:47: error[network_invalid]: client.trusted_proxies[2]: "10.0.0" is not a network
  |
6 | trusted_proxies = ["0.0.0.0/0", "10.0.0.1/8", "10.0.0",
  |                                               ^^^^^^^^
  = help: such as "10.0.0.0/8" or "2001:db8::/32"

rempart.toml:7:3: error[network_mapped]: client.trusted_proxies[3]: "::ffff:10.0.0.0/104" is an IPv4 network in the form of IPv6, and would never match
  |
7 |   "::ffff:10.0.0.0/104"]
  |   ^^^^^^^^^^^^^^^^^^^^^
  = help: write it as IPv4, such as "10.0.0.0/8"

4 problems in 1 file"#,
    );
}

#[test]
fn state_is_not_kept_among_the_files_of_the_configuration() {
    for directory in ["tenants.d/state", "x/../tenants.d", ".", "./"] {
        let site = Site::new().file(FILE, format!("{VENDOR}[state]\ndirectory = \"{directory}\"\n"));
        let carets = "^".repeat(directory.len() + 2);
        expect(
            &site,
            &format!(
                r#"rempart.toml:6:13: error[state_in_configuration]: state.directory: the state directory is a directory of the configuration
  |
6 | directory = "{directory}"
  |             {carets}
  = help: give it one of its own, such as "state" or "/var/lib/rempart"

1 problem in 1 file"#
            ),
        );
    }
    expect(
        &Site::new().file(FILE, format!("{VENDOR}[state]\ndirectory = \"tenants.d-state\"\n")),
        "",
    );
}

#[test]
fn a_drain_has_a_unit_and_an_end() {
    let drain = |text: &str| Site::new().file(FILE, format!("{VENDOR}[shutdown]\ndrain = {text}\n"));
    expect(
        &drain("\"30\""),
        r#"rempart.toml:6:9: error[duration_ambiguous]: shutdown.drain: "30": a number without a unit is ambiguous
  |
6 | drain = "30"
  |         ^^^^
  = help: a duration is a whole number with ms, s, m, h or d, such as "500ms" or "30s"

1 problem in 1 file"#,
    );
    expect(
        &drain("\"half a minute\""),
        r#"rempart.toml:6:9: error[duration_invalid]: shutdown.drain: "half a minute": not a whole number followed by a unit
  |
6 | drain = "half a minute"
  |         ^^^^^^^^^^^^^^^
  = help: a duration is a whole number with ms, s, m, h or d, such as "500ms" or "30s"

1 problem in 1 file"#,
    );
    expect(
        &drain("\"2h\""),
        r#"rempart.toml:6:9: error[duration_out_of_range]: shutdown.drain: "2h" is not from 0ns to 3600s
  |
6 | drain = "2h"
  |         ^^^^

1 problem in 1 file"#,
    );
    expect(
        &drain("30"),
        r#"rempart.toml:6:9: error[wrong_type]: shutdown.drain: expected a duration in quotes with its unit, such as "30s", found the bare number 30
  |
6 | drain = 30
  |         ^^

1 problem in 1 file"#,
    );
    expect(&drain("\"0s\""), "");
}

#[test]
fn what_belongs_into_a_tenants_file_is_sent_there() {
    let defaults = "[tenants.library]\nx = 1\n[rate_limit]\n[defaults]\nhosts = []\n[defaults.upstrem]\nurl = 1\n";
    expect(
        &Site::new().file(FILE, format!("{VENDOR}{defaults}")),
        r#"rempart.toml:5:2: error[unknown_key]: tenants: there is no such key
  |
5 | [tenants.library]
  |  ^^^^^^^
  = help: each tenant has a file of its own in tenants.d

rempart.toml:7:2: error[unknown_key]: rate_limit: there is no such key
  |
7 | [rate_limit]
  |  ^^^^^^^^^^
  = help: what holds for all tenants stands in [defaults.rate_limit]

rempart.toml:9:1: error[unknown_key]: defaults.hosts: there is no such key
  |
9 | hosts = []
  | ^^^^^
  = help: a host is one tenant's; it stands in the tenant's own file

rempart.toml:10:11: error[unknown_key]: defaults.upstrem: there is no such key
   |
10 | [defaults.upstrem]
   |           ^^^^^^^
   = help: did you mean `upstream`?

4 problems in 1 file"#,
    );
    assert!(
        with("[listen]", "defaults = 3\n[listen]")
            .says()
            .contains("1:12: error[wrong_type]: defaults: expected sections")
    );
}

#[test]
fn a_mistake_in_the_defaults_is_told_once_for_all_tenants() {
    let site = Site::new()
        .file("tenants.d/city.toml", LIBRARY.replace("library", "city"))
        .file(FILE, format!("{VENDOR}[defaults.upstream]\nidle_timeout = \"0s\"\n"));
    expect(
        &site,
        r#"rempart.toml:6:16: error[duration_out_of_range]: defaults.upstream.idle_timeout: "0s" is not from 1ms to 3600s
  |
6 | idle_timeout = "0s"
  |                ^^^^

1 problem in 1 file"#,
    );
    let diagnostics = site.load().unwrap_err();
    assert_eq!(diagnostics.iter().next().unwrap().tenant, None);
}

#[test]
fn keys_that_cannot_be_meant_are_refused_at_their_lines() {
    let said = |keys: &str| Site::new().more("rempart.toml", keys).says();
    for (keys, code) in [
        ("[keys]\ncurrent = \"../root\"\n", "error[key_name]: keys.current:"),
        ("[keys]\ncurrent = \"\"\n", "error[key_name]: keys.current:"),
        (
            "[keys.previous]\n\"a/b\" = \"2026-12-31\"\n",
            "error[key_name]: keys.previous.\"a/b\":",
        ),
        (
            "[keys.previous]\nold = \"2026-02-30\"\n",
            "error[date_invalid]: keys.previous.old:",
        ),
        (
            "[keys.previous]\nroot = \"2026-12-31\"\n",
            "error[key_current_and_previous]: keys.previous.root:",
        ),
    ] {
        let said = said(keys);
        assert!(said.contains(code), "{keys}: {said}");
    }
    let many: String = (0..9).map(|number| format!("k{number} = \"2026-12-31\"\n")).collect();
    assert!(said(&format!("[keys.previous]\n{many}")).contains("error[keys_too_many]: keys.previous"));
    assert_eq!(
        said("[keys]\ncurrent = \"2026-11\"\n[keys.previous]\nroot = \"2027-02-28\"\n"),
        ""
    );
}

#[test]
fn the_shared_store_is_a_url_or_a_section_and_a_password_in_either_is_refused_and_not_shown() {
    let vendor = |redis: &str| Site::new().more(FILE, redis).says();
    assert_eq!(vendor("[state]\nredis = \"rediss://redis.example:6380\"\n"), "");
    assert_eq!(
        vendor("[state.redis]\nurl = \"redis://10.0.0.5:6379\"\nnodes = 3\npassword_file = \"redis.password\"\n"),
        ""
    );
    for wrong in [
        "[state]\nredis = \"redis://:hunter2@10.0.0.5:6379\"\n",
        "[state.redis]\nurl = \"redis://me:hunter2@10.0.0.5:6379\"\n",
        "[state.redis]\nurl = \"redis://10.0.0.5:6379\"\npassword = \"hunter2\"\n",
    ] {
        let said = vendor(wrong);
        assert!(
            said.contains("state.redis") && !said.contains("hunter2"),
            "{wrong}: {said}"
        );
    }
    let said = vendor("[state]\nredis = 6379\n");
    assert!(
        said.contains("error[wrong_type]") && said.contains("a URL in quotes"),
        "{said}"
    );
    let said = vendor("[state.redis]\nnodes = 3\n");
    assert!(said.contains("error[redis_place]: state.redis.url"), "{said}");
}
