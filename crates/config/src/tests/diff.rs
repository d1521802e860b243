//! What changes in behaviour between two configurations, and what does not.

use proptest::prelude::*;

use super::site::{LIBRARY, Site, VENDOR};
use crate::{Config, Differences, read};

const FILE: &str = "tenants.d/library.toml";

fn config(site: &Site) -> Config {
    read(site.path(), []).unwrap()
}

/// What a person is told, a line each.
fn said(old: &Site, new: &Site) -> Vec<String> {
    let differences = Differences::between(&config(old), &config(new));
    differences.to_string().lines().map(str::to_owned).collect()
}

/// What more lines in the tenant's file change; and what it changes to take them out again.
fn more(lines: &str) -> [Vec<String>; 2] {
    let (old, new) = (Site::new(), Site::new().more(FILE, lines));
    [said(&old, &new), said(&new, &old)]
}

/// The same for the vendor's file.
fn vendors(old: &str, new: &str) -> Vec<String> {
    let site = |more: &str| Site::new().file("rempart.toml", VENDOR.replace("[development]", more));
    said(
        &site(&format!("{old}\n[development]")),
        &site(&format!("{new}\n[development]")),
    )
}

fn tenant(name: &str) -> String {
    format!("hosts = [\"{name}.localhost\"]\n[upstream]\nurl = \"http://10.0.0.1\"\n")
}

#[test]
fn what_is_only_written_differently_changes_nothing() {
    let built_in = "# The old library.\n\
        upstream.url = 'HTTP://127.0.0.1:9101/'\nupstream.connect_timeout = '2000ms'\nupstream.max_connections = 256\n\
        hosts = ['LIBRARY.localhost.', \"library.localhost\"]\n\
        [rate_limit]\nipv6_prefix = 64\nenforcement = 'enforce'\nquotas.client.routes = ['/*']\n\
        quotas.client.rate = '50/1s burst 200'\n\
        [headers]\nhsts.max_age = '8760h'\nremove = ['Server']\n[cookies]\nsame_site = 'lax'\n";
    let vendor = "[shutdown]\ndrain = '30s'\n[state]\ndirectory = 'state'\n# all\n\
        [client]\ntrusted_proxies = []\n[defaults.upstream]\nresponse_timeout = '0030s'\n";
    let new = Site::new().file(FILE, built_in).more("rempart.toml", vendor);
    assert_eq!(said(&Site::new(), &new), ["library: nothing"]);
    assert!(Differences::between(&config(&Site::new()), &config(&new)).is_empty());
}

#[test]
fn another_order_changes_nothing() {
    let lines = |routes: &str, sessions: &str, quotas: [&str; 2]| {
        let [one, other] =
            quotas.map(|name| format!("[rate_limit.quotas.{name}]\nrate = '5/m'\nroutes = [{routes}]\n"));
        Site::new().more(FILE, &format!("{one}[cookies]\nsession = [{sessions}]\n{other}"))
    };
    let old = lines("'/a', '/b'", "'x', 'y'", ["one", "two"]);
    let new = lines("'/b', '/a'", "'y', 'x'", ["two", "one"]);
    assert_eq!(said(&old, &new), ["library: nothing"]);
}

#[test]
fn a_layer_is_no_difference_when_the_value_is_the_same() {
    let own = Site::new().more(FILE, "response_timeout = '5s'\n");
    let shared = Site::new().more("rempart.toml", "[defaults.upstream]\nresponse_timeout = '5s'\n");
    assert_eq!(said(&own, &shared), ["library: nothing"]);
}

#[test]
fn files_that_are_named_alike_in_two_directories_are_the_same() {
    let lines = "[tls]\ncertificate = 'tls/a.pem'\nkey_file = 'tls/a.key'\n";
    let site = || {
        Site::new()
            .more(FILE, lines)
            .more("rempart.toml", "[state]\ndirectory = 'var'\n")
    };
    assert_eq!(said(&site(), &site()), ["library: nothing"]);
}

#[test]
fn a_change_is_said_of_the_tenant_and_the_others_have_nothing() {
    let login = |rate: &str| format!("{}[rate_limit.quotas.login]\nrate = '{rate}'\n", tenant("daycare"));
    let site = |rate: &str| {
        Site::new()
            .file("tenants.d/daycare.toml", login(rate))
            .file("tenants.d/city.toml", tenant("city"))
    };
    assert_eq!(
        said(&site("10/m"), &site("5/m")),
        [
            "daycare: tightens: quota `login`: falls from 10/m to 5/m for each client; its counts begin anew",
            "city, library: nothing",
        ]
    );
}

#[test]
fn what_a_tenants_own_section_says_is_said_with_what_it_was() {
    for (lines, there, back) in [
        (
            "connect_timeout = '5s'\n",
            "changes: a connection to the application may take 5 seconds instead of 2 seconds",
            "changes: a connection to the application may take 2 seconds instead of 5 seconds",
        ),
        (
            "response_timeout = '2m'\n",
            "changes: the application may wait with its answer for 2 minutes instead of 30 seconds",
            "changes: the application may wait with its answer for 30 seconds instead of 2 minutes",
        ),
        (
            "idle_timeout = '90s'\n",
            "changes: a connection to the application is kept without a request for 90 seconds instead of 1 minute",
            "changes: a connection to the application is kept without a request for 1 minute instead of 90 seconds",
        ),
        (
            "max_connections = 7\n",
            "changes: each worker has at most 7 connections to the application instead of 256",
            "changes: each worker has at most 256 connections to the application instead of 7",
        ),
        (
            "[tls]\ncertificate = 'a.pem'\nkey_file = 'a.key'\n",
            "tightens: the certificate is a.pem with a.key instead of one of the development CA",
            "loosens: the certificate is one of the development CA, which no browser trusts, instead of a.pem with a.key",
        ),
        (
            "[headers.hsts]\nmax_age = '1d'\n",
            "loosens: HSTS: browsers remember 1 day instead of 365 days",
            "tightens: HSTS: browsers remember 365 days instead of 1 day",
        ),
        (
            "[cookies]\nsession = ['SID']\n",
            "tightens: session cookie SID is sealed from now on: everybody is logged out once",
            "loosens: session cookie SID is no longer sealed: everybody is logged out once",
        ),
    ] {
        assert_eq!(
            more(lines),
            [[format!("library: {there}")], [format!("library: {back}")]]
        );
    }
}

#[test]
fn hosts_and_the_application_are_said_with_what_they_were() {
    let file = LIBRARY
        .replace("library.localhost", "books.localhost")
        .replace("9101", "9109");
    assert_eq!(
        said(&Site::new(), &Site::new().file(FILE, file)),
        [
            "library: changes: no longer answers library.localhost",
            "library: changes: answers books.localhost from now on",
            "library: changes: requests go to the application at 127.0.0.1:9109 instead of 127.0.0.1:9101",
        ]
    );
}

#[test]
fn a_tenant_that_comes_or_goes_is_named_with_its_hosts() {
    let (old, new) = (Site::new(), Site::new().file("tenants.d/city.toml", tenant("city")));
    assert_eq!(
        said(&old, &new),
        [
            "city: new: answers city.localhost from the application at 10.0.0.1:80",
            "library: nothing",
        ]
    );
    assert_eq!(
        said(&new, &old),
        ["city: gone: no longer answers city.localhost", "library: nothing"]
    );
}

#[test]
fn a_neighbour_that_moves_in_below_changes_whom_a_cookie_may_reach() {
    let site = |host: &str| {
        let certificate = "[tls]\ncertificate = 'a'\nkey_file = 'b'\n";
        let file = |host: &str| format!("{}{certificate}", tenant("x").replace("x.localhost", host));
        Site::new()
            .file(FILE, file("vendor.example"))
            .file("tenants.d/city.toml", file(host))
    };
    let said = said(&site("city.example"), &site("city.vendor.example"));
    assert!(
        said.contains(
            &"library: tightens: cookies with the Domain vendor.example lose it, and stay with the host that set them"
                .to_owned()
        ),
        "{said:?}"
    );
}

#[test]
fn the_vendors_own_part_says_what_waits_for_the_next_start() {
    for (old, new, expected) in [
        (
            "http = '127.0.0.1:8080'",
            "http = '127.0.0.1:8081'",
            &[
                "changes: plain HTTP is no longer answered on 127.0.0.1:8080 (at the next start)",
                "changes: plain HTTP is answered on 127.0.0.1:8081 from now on (at the next start)",
            ] as &[_],
        ),
        (
            "",
            "workers = 3",
            &["changes: requests are served by 3 workers instead of one worker for each core (at the next start)"],
        ),
        (
            "",
            "[state]\ndirectory = '/var/lib/rempart'",
            &["changes: the state is kept in /var/lib/rempart instead of state (at the next start)"],
        ),
        (
            "",
            "[client]\ntrusted_proxies = '10.0.0.0/8'",
            &["loosens: what 10.0.0.0/8 says of its clients is believed"],
        ),
        (
            "[client]\ntrusted_proxies = '10.0.0.0/8'",
            "",
            &["tightens: what 10.0.0.0/8 says of its clients is no longer believed: it is the client itself"],
        ),
        (
            "",
            "[shutdown]\ndrain = '1m'",
            &["changes: a stop waits for requests for 1 minute instead of 30 seconds"],
        ),
        (
            "",
            "[reload]\nwatch = true",
            &["changes: a change of a file is loaded by itself"],
        ),
        (
            "",
            "[metrics]\nlisten = '127.0.0.1:9464'",
            &["changes: metrics are answered on 127.0.0.1:9464 from now on (at the next start)"],
        ),
    ] {
        let expected: Vec<_> = expected.iter().map(|line| format!("rempart.toml: {line}")).collect();
        assert_eq!(
            vendors(old, new),
            [expected, vec!["library: nothing".to_owned()]].concat()
        );
    }
    let certificate = "[tls]\ncertificate = 'a'\nkey_file = 'b'\n";
    let site = |allowed: &str| {
        Site::new()
            .file("rempart.toml", VENDOR.replace("true", allowed))
            .more(FILE, certificate)
    };
    assert_eq!(
        said(&site("false"), &site("true"))[0],
        "rempart.toml: loosens: tenants without a certificate get one of the development CA, which no browser trusts"
    );
}

#[test]
fn a_tenant_whose_file_is_wrong_is_neither_gone_nor_unchanged() {
    let (right, wrong) = (Site::new(), Site::new().more(FILE, "conect_timeout = '1s'\n"));
    assert_eq!(said(&right, &wrong), ["library: not compared: its new file is wrong"]);
    assert_eq!(said(&wrong, &right), ["library: not compared: its old file is wrong"]);
    assert_eq!(
        said(&wrong, &wrong),
        ["library: not compared: its old and new files are wrong"]
    );
    let differences = Differences::between(&config(&right), &config(&wrong));
    assert_eq!(
        differences.wrong().map(ToString::to_string).collect::<Vec<_>>(),
        ["library"]
    );
    assert!(!differences.is_empty());
}

#[test]
fn many_tenants_without_a_change_are_counted() {
    let site = |of: usize| {
        (0..of).fold(Site::new(), |site, number| {
            site.file(&format!("tenants.d/t{number}.toml"), tenant(&format!("t{number}")))
        })
    };
    assert_eq!(said(&site(5), &site(5)), ["library, t0, t1, t2, t3, t4: nothing"]);
    assert_eq!(said(&site(6), &site(6)), ["7 tenants: nothing"]);
}

#[test]
fn one_tenant_can_be_asked_for() {
    let new = Site::new()
        .more("rempart.toml", "[shutdown]\ndrain = '1s'\n")
        .file("tenants.d/city.toml", tenant("city"));
    let of = |name: &str| {
        let differences = Differences::between(&config(&Site::new()), &config(&new));
        differences.of_tenant(name)
    };
    assert_eq!(of("library").unwrap().to_string(), "library: nothing");
    assert!(of("city").unwrap().to_string().starts_with("city: new: "));
    assert_eq!(of("museum"), None);
}

#[test]
fn a_program_reads_kinds_and_effects() {
    let new = Site::new()
        .file("tenants.d/city.toml", tenant("city"))
        .more(FILE, "[headers]\ndangerous_leave = ['x-frame-options']\n");
    let differences = Differences::between(&config(&Site::new()), &config(&new));
    let changes = [serde_json::json!({"effect": "loosens", "text": "`X-Frame-Options` is left to the application"})];
    assert_eq!(
        serde_json::to_value(&differences).unwrap(),
        serde_json::json!({
            "vendor": [],
            "tenants": [
                {"tenant": "city", "kind": "added", "hosts": ["city.localhost"], "upstream": "10.0.0.1:80"},
                {"tenant": "library", "kind": "changed", "changes": changes},
            ],
            "unchanged": [],
        })
    );
}

/// The lines of a tenant's file, each key in one of two or three ways, the first as it is built in.
fn lines() -> impl Strategy<Value = Vec<&'static str>> {
    const KEYS: [&[&str]; 9] = [
        &["upstream.url = 'http://10.0.0.1'", "upstream.url = 'http://10.0.0.2'"],
        &["upstream.connect_timeout = '2s'", "upstream.connect_timeout = '3s'"],
        &["upstream.response_timeout = '30s'", "upstream.response_timeout = '3s'"],
        &["upstream.idle_timeout = '60s'", "upstream.idle_timeout = '3s'"],
        &["upstream.max_connections = 256", "upstream.max_connections = 3"],
        &[
            "tls = {}",
            "tls = {certificate = 'a', key_file = 'b'}",
            "tls = {certificate = 'a', key_file = 'c'}",
        ],
        &["rate_limit.headers = true", "rate_limit.headers = false"],
        &["cookies.same_site = 'lax'", "cookies.same_site = 'none'"],
        &["headers.hsts.max_age = '365d'", "headers.hsts.max_age = '1d'"],
    ];
    KEYS.map(|ways| prop::sample::select(ways.to_vec())).to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn tenants_are_equal_exactly_when_nothing_changes(old in lines(), new in lines()) {
        let site = |lines: &[&str]| {
            Site::new().file(FILE, format!("hosts = 'library.localhost'\n{}\n", lines.join("\n")))
        };
        let [left, right] = [&old, &new].map(|lines| site(lines));
        let differences = Differences::between(&config(&left), &config(&right));
        prop_assert_eq!(differences.is_empty(), old == new, "{}", differences);
        let others = old.iter().zip(&new).filter(|(old, new)| old != new).count();
        prop_assert!(differences.to_string().lines().count() >= others);
    }
}

#[test]
fn a_rotation_of_keys_is_said() {
    let both = "[keys]\ncurrent = \"b\"\n[keys.previous]\nroot = \"2026-12-31\"\n";
    let later = "[keys]\ncurrent = \"b\"\n[keys.previous]\nroot = \"2027-01-31\"\n";
    let alone = "[keys]\ncurrent = \"b\"\n";
    assert_eq!(vendors("", "[keys]\ncurrent = \"root\"\n"), vendors("", ""));
    for (old, new, expected) in [
        (
            "",
            both,
            &[
                "cookies are sealed with the key b instead of root",
                "what the key root has sealed opens until 2026-12-31",
            ][..],
        ),
        (both, later, &["what the key root has sealed opens until 2027-01-31"]),
        (
            both,
            alone,
            &["tightens: what the key root has sealed opens no more: whoever still has it is logged out"],
        ),
        (
            alone,
            both,
            &["loosens: what the key root has sealed opens until 2026-12-31"],
        ),
    ] {
        let said = vendors(old, new);
        assert_eq!(said.len(), expected.len() + 1, "{said:?}");
        for (line, expected) in said.iter().zip(expected) {
            assert!(line.ends_with(expected), "{line}");
        }
    }
}
