//! What a tenant's file may not say.

use std::time::Duration;

use rempart_guard::Problem;

use super::site::{LIBRARY, Site, VENDOR, expect};
use crate::TlsSource;

const FILE: &str = "tenants.d/library.toml";

/// A tenant's file with another upstream.
fn upstream(url: &str) -> Site {
    Site::new().file(FILE, LIBRARY.replace("http://127.0.0.1:9101", url))
}

/// A tenant's file with more lines, from line 4 on.
fn more(lines: &str) -> Site {
    Site::new().more(FILE, lines)
}

#[test]
fn a_tenants_values_arrive() {
    let site = more(
        "connect_timeout = \"5s\"\nmax_connections = 7\n[tls]\ncertificate = \"tls/a.pem\"\nkey_file = \"/b.key\"\n",
    );
    let config = site.load().unwrap();
    let library = &config.tenants[0];
    assert_eq!(library.id.as_str(), "library");
    assert_eq!(library.hosts, ["library.localhost".parse().unwrap()]);
    assert_eq!(library.upstream.authority, "127.0.0.1:9101");
    assert_eq!(library.upstream.connect_timeout, Duration::from_secs(5));
    assert_eq!(library.upstream.response_timeout, Duration::from_secs(30));
    assert_eq!(library.upstream.idle_timeout, Duration::from_secs(60));
    assert_eq!(library.upstream.max_connections.get(), 7);
    let (certificate, key) = (site.path().join("tls/a.pem"), "/b.key".into());
    assert_eq!(library.tls, TlsSource::Files { certificate, key });
    assert_eq!(library.file, site.path().join(FILE));
}

#[test]
fn an_upstream_always_has_a_port() {
    let authority = |url: &str| upstream(url).load().unwrap().tenants[0].upstream.authority.to_string();
    assert_eq!(authority("http://App.Internal"), "app.internal:80");
    assert_eq!(authority("HTTP://app:8080/"), "app:8080");
    assert_eq!(authority("http://[::1]"), "[::1]:80");
    assert_eq!(authority("http://[::1]:9101"), "[::1]:9101");
}

#[test]
fn an_upstream_is_plain_http_and_nothing_but_a_host_and_a_port() {
    let rendered = |url: &str, problem: &str| {
        let carets = "^".repeat(url.len() + 2);
        let help = "write the application's address, such as \"http://127.0.0.1:9101\"";
        format!(
            "tenants.d/library.toml:3:7: error[{problem}\n  |\n3 | url = \"{url}\"\n  |       {carets}\n  = help: {help}\n\n1 problem in 1 file"
        )
    };
    for (url, problem) in [
        (
            "https://127.0.0.1",
            "upstream_scheme]: upstream.url: upstreams over https:// are not supported yet",
        ),
        (
            "unix:///run/app",
            "upstream_scheme]: upstream.url: \"unix\" is not http",
        ),
        (
            "127.0.0.1:9101",
            "upstream_scheme]: upstream.url: the address has no http://",
        ),
        (
            "http://127.0.0.1/app",
            "upstream_path]: upstream.url: an upstream is a host and a port; the path of a request is forwarded as it is",
        ),
        ("http://", "upstream_host]: upstream.url: \"\": the host is empty"),
        (
            "http://a:99999",
            "upstream_host]: upstream.url: \"a:99999\": the port is not a number from 0 to 65535",
        ),
        (
            "http://a:0",
            "upstream_host]: upstream.url: \"a:0\": nothing listens on port 0",
        ),
        (
            "http://127.0.0.1:8443",
            "upstream_loop]: upstream.url: 127.0.0.1:8443 is the edge itself: a request would come back for ever",
        ),
    ] {
        expect(&upstream(url), &rendered(url, problem));
    }
}

#[test]
fn a_password_in_an_upstreams_address_is_refused_and_not_shown() {
    expect(
        &upstream("http://admin:hunter2@127.0.0.1"),
        r#"tenants.d/library.toml:3:7: error[upstream_userinfo]: upstream.url: there is a user or a password in this address
  = help: the edge sends no credentials of its own; take them out and change the password

1 problem in 1 file"#,
    );
}

#[test]
fn a_tenant_without_hosts_or_upstream_is_refused() {
    expect(
        &Site::new().file(FILE, "# nothing yet\n"),
        r#"tenants.d/library.toml:1:1: error[missing_key]: hosts: the tenant has no host under which it is reached
  = help: write `hosts = ["library.example"]` at the top of the file

tenants.d/library.toml:1:1: error[missing_key]: upstream.url: the tenant's file does not say where its application is
  = help: write the application's address, such as "http://127.0.0.1:9101"

2 problems in 1 file"#,
    );
}

#[test]
fn hosts_that_cannot_be_are_refused() {
    let hosts = LIBRARY.replace("\"library", "\"*.localhost\", \"https://library.test\", \"library");
    expect(
        &Site::new().file(FILE, hosts),
        r#"tenants.d/library.toml:1:10: error[host_invalid]: hosts[0]: "*.localhost": `*` can only be the whole first label of a name with two more, as in `*.example.org`
  |
1 | hosts = ["*.localhost", "https://library.test", "library.localhost"]
  |          ^^^^^^^^^^^^^
  = help: such as "library.example" or "*.library.example"

tenants.d/library.toml:1:25: error[host_invalid]: hosts[1]: "https://library.test": a host name holds letters, digits, `-`, `_` and `.` only; write other letters in their xn-- form
  |
1 | hosts = ["*.localhost", "https://library.test", "library.localhost"]
  |                         ^^^^^^^^^^^^^^^^^^^^^^
  = help: a host is a name only, without https:// and without a port

2 problems in 1 file"#,
    );
}

#[test]
fn every_key_that_does_not_fit_is_named_and_not_only_the_first() {
    let lines = "conect_timeout = \"2s\"\nidle_timeout = 5\nmax_connections = 0\nhosts = []\n\
                 [rate_limit.quotas.login]\nroutes = [1, \"/a\", 2, 3]\n[rate_limit.quotas.all]\nrate = 10\n\
                 [cookies]\nenforcement = \"report_only\"\nsession = \"PHPSESSID\"\n";
    expect(
        &more(lines),
        r#"tenants.d/library.toml:4:1: error[unknown_key]: upstream.conect_timeout: there is no such key
  |
4 | conect_timeout = "2s"
  | ^^^^^^^^^^^^^^
  = help: did you mean `connect_timeout`?

tenants.d/library.toml:5:16: error[wrong_type]: upstream.idle_timeout: expected a duration in quotes with its unit, such as "30s", found the bare number 5
  |
5 | idle_timeout = 5
  |                ^

tenants.d/library.toml:6:19: error[out_of_range]: upstream.max_connections: a number from 1 to 65536 is expected here
  |
6 | max_connections = 0
  |                   ^

tenants.d/library.toml:7:1: error[unknown_key]: upstream.hosts: there is no such key
  |
7 | hosts = []
  | ^^^^^
  = help: `hosts` stands at the top of the file, before the first [section]

tenants.d/library.toml:8:1: error[missing_key]: rate_limit.quotas.login.rate: this key is needed here
  |
8 | [rate_limit.quotas.login]
  | ^^^^^^^^^^^^^^^^^^^^^^^^^

tenants.d/library.toml:9:11: error[wrong_type]: rate_limit.quotas.login.routes[0]: expected text in quotes, found the bare number 1
  |
9 | routes = [1, "/a", 2, 3]
  |           ^
  = help: a rate, a time or a size is text with its unit: "10/m", "30s", "1MiB"

tenants.d/library.toml:9:20: error[wrong_type]: rate_limit.quotas.login.routes[2]: expected text in quotes, found the bare number 2
  |
9 | routes = [1, "/a", 2, 3]
  |                    ^
  = help: a rate, a time or a size is text with its unit: "10/m", "30s", "1MiB"

tenants.d/library.toml:9:23: error[wrong_type]: rate_limit.quotas.login.routes[3]: expected text in quotes, found the bare number 3
  |
9 | routes = [1, "/a", 2, 3]
  |                       ^
  = help: a rate, a time or a size is text with its unit: "10/m", "30s", "1MiB"

tenants.d/library.toml:11:8: error[wrong_type]: rate_limit.quotas.all.rate: expected text in quotes, found the bare number 10
   |
11 | rate = 10
   |        ^^
   = help: a rate, a time or a size is text with its unit: "10/m", "30s", "1MiB"

tenants.d/library.toml:13:15: error[unknown_word]: cookies.enforcement: "report_only" is not known here
   |
13 | enforcement = "report_only"
   |               ^^^^^^^^^^^^^
   = help: known here: `enforce`, `report`, `off`

tenants.d/library.toml:14:11: error[wrong_type]: cookies.session: expected a list, found the text "PHPSESSID"
   |
14 | session = "PHPSESSID"
   |           ^^^^^^^^^^^

11 problems in 1 file"#,
    );
}

#[test]
fn what_a_control_finds_wrong_is_shown_at_its_key() {
    let site = more(
        "[rate_limit.quotas.login]\nrate = \"10\"\n[cookies]\nsame_site = \"lex\"\nsession = [\"a b\"]\n\
         [headers]\nreferrer_policy = \"none\"\nframe_ancestors = [\"x y\"]\n[headers.hsts]\nmax_age = \"1\"\n",
    );
    let diagnostics = site.load().unwrap_err();
    let found: Vec<_> = diagnostics
        .iter()
        .map(|one| format!("{} {}", one.place, one.key))
        .collect();
    assert_eq!(
        found,
        [
            "tenants.d/library.toml:5:8 rate_limit.quotas.login.rate",
            "tenants.d/library.toml:7:13 cookies.same_site",
            "tenants.d/library.toml:8:11 cookies.session",
            "tenants.d/library.toml:10:19 headers.referrer_policy",
            "tenants.d/library.toml:11:19 headers.frame_ancestors",
            "tenants.d/library.toml:13:11 headers.hsts.max_age",
        ],
        "{diagnostics}"
    );
}

#[test]
fn half_a_certificate_is_refused() {
    let half = |line: &str, key: &str, message: &str| {
        let carets = "^".repeat(7);
        let column = key.len() + 4;
        let indent = " ".repeat(column - 1);
        expect(
            &more(&format!("[tls]\n{line}\n")),
            &format!(
                r#"tenants.d/library.toml:5:{column}: error[tls_half]: tls.{key}: {message}
  |
5 | {line}
  | {indent}{carets}
  = help: a certificate and its key are written together, or neither

1 problem in 1 file"#
            ),
        );
    };
    half(
        "certificate = \"a.pem\"",
        "certificate",
        "a certificate without `key_file`",
    );
    half("key_file = \"a.key\"", "key_file", "a key without `certificate`");
}

#[test]
fn a_tenant_without_a_certificate_is_refused_outside_of_development() {
    expect(
        &Site::new()
            .file("rempart.toml", VENDOR.replace("true", "false"))
            .more(FILE, "[tls]\n"),
        r#"tenants.d/library.toml:4:1: error[certificate_missing]: tls.certificate: the tenant has no certificate
  |
4 | [tls]
  | ^^^^^
  = help: write `certificate` and `key_file` under [tls]; for a demonstration, set `[development] certificates = true` in rempart.toml

1 problem in 1 file"#,
    );
}

#[test]
fn the_development_authority_signs_for_nobody_real_and_for_no_wildcard() {
    let hosts = LIBRARY.replace(
        "library.localhost",
        "library.quebec.ca\", \"*.library.test\", \"a.test\", \"notlocalhost",
    );
    expect(
        &Site::new().file(FILE, hosts),
        r#"tenants.d/library.toml:1:10: error[development_host]: hosts[0]: library.quebec.ca can be a real host and needs a real certificate
  |
1 | hosts = ["library.quebec.ca", "*.library.test", "a.test", "notlocalhost"]
  |          ^^^^^^^^^^^^^^^^^^^
  = help: write `certificate` and `key_file` under [tls], or use a name under .localhost or .test

tenants.d/library.toml:1:31: error[development_wildcard]: hosts[1]: *.library.test needs a certificate of its own
  |
1 | hosts = ["library.quebec.ca", "*.library.test", "a.test", "notlocalhost"]
  |                               ^^^^^^^^^^^^^^^^
  = help: the development CA makes none for wildcards; write `certificate` and `key_file` under [tls]

tenants.d/library.toml:1:59: error[development_host]: hosts[3]: notlocalhost can be a real host and needs a real certificate
  |
1 | hosts = ["library.quebec.ca", "*.library.test", "a.test", "notlocalhost"]
  |                                                           ^^^^^^^^^^^^^^
  = help: write `certificate` and `key_file` under [tls], or use a name under .localhost or .test

3 problems in 1 file"#,
    );
}

#[test]
fn a_host_that_two_tenants_claim_is_named_in_both_files() {
    let city =
        "hosts = [\n  \"city.localhost\",\n  \"Library.localhost.\",\n]\n[upstream]\nurl = \"http://127.0.0.1:9102\"\n";
    let site = Site::new().file("tenants.d/city.toml", city);
    expect(
        &site,
        r#"tenants.d/city.toml:3:3: error[host_claimed]: hosts[1]: another tenant claims the host library.localhost too
  |
3 |   "Library.localhost.",
  |   ^^^^^^^^^^^^^^^^^^^^
  = note: tenants.d/library.toml:1:10: library claims it here

tenants.d/library.toml:1:10: error[host_claimed]: hosts[0]: another tenant claims the host library.localhost too
  |
1 | hosts = ["library.localhost"]
  |          ^^^^^^^^^^^^^^^^^^^
  = note: tenants.d/city.toml:3:3: city claims it here

2 problems in 2 files"#,
    );
    let named: Vec<_> = site
        .load()
        .unwrap_err()
        .into_iter()
        .map(|one| one.tenant.unwrap())
        .collect();
    assert_eq!(named, ["city", "library"]);
}

#[test]
fn a_host_twice_in_one_file_is_once() {
    expect(
        &Site::new().file(FILE, LIBRARY.replace("\"library", "\"LIBRARY.localhost\", \"library")),
        "",
    );
}

#[test]
fn a_cookies_domain_is_never_one_that_reaches_a_neighbour() {
    let tenant = |hosts: &str| format!("hosts = [{hosts}]\n[upstream]\nurl = \"http://10.0.0.1\"\n");
    let site = Site::new()
        .file(
            FILE,
            tenant("\"vendor.example\", \"library.vendor.example\", \"kids.library.vendor.example\""),
        )
        .file(
            "tenants.d/city.toml",
            tenant("\"city.vendor.example\", \"ville.example\", \"maps.test\""),
        )
        .file("tenants.d/daycare.toml", tenant("\"a.maps.test\""));
    let domains = |index: usize| site.load().unwrap().tenants[index].cookie_domains.clone();
    assert_eq!(
        domains(0),
        ["city.vendor.example", "ville.example"],
        "the daycare is below maps.test"
    );
    assert_eq!(
        domains(2),
        ["library.vendor.example", "kids.library.vendor.example"],
        "the city is below vendor.example"
    );
}

#[test]
fn a_problem_found_later_is_shown_at_the_line_of_its_key() {
    let site = more("[tls]\ncertificate = \"a.pem\"\nkey_file = \"a.key\"\n");
    let config = site.load().unwrap();
    let problem = Problem::new(
        ["tls", "certificate"],
        "certificate_mismatch",
        "the key is of another certificate",
    );
    let diagnostic = config.diagnose(&config.tenants[0].id, problem);
    assert_eq!(
        diagnostic.to_string(),
        r#"tenants.d/library.toml:5:15: error[certificate_mismatch]: tls.certificate: the key is of another certificate
  |
5 | certificate = "a.pem"
  |               ^^^^^^^
"#
    );
}
