//! Every example, built by cargo beside this test, started, and spoken to with curl.

#![allow(clippy::unwrap_used)]

mod example;
mod limits;

use std::process::Command;

use crate::example::{Answer, Example, path, run_curl};

#[test]
fn three_tenants_axum_keeps_counts_and_sessions_apart() {
    let example = Example::start("three_tenants_axum");
    let ask = |host: &str, more: &[&str]| example.curl_host(host, "/", more);

    let library = ask("library.localhost", &[]);
    assert_eq!((library.status, library.body.as_str()), (200, "this is the library\n"));
    assert_eq!(library.header("x-content-type-options"), Some("nosniff"));
    let cookie = format!("Cookie: {}", library.cookie());
    assert_eq!(ask("library.localhost", &["-H", &cookie]).status, 200);

    let refused = ask("city.localhost", &["-H", &cookie, "-H", "Accept: application/json"]);
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("cookie_foreign_tenant"), "{}", refused.body);

    assert_eq!(ask("library.localhost", &[]).status, 200);
    let limited = ask("library.localhost", &[]);
    assert_eq!(limited.status, 429);
    assert_eq!(
        limited.header("x-content-type-options"),
        Some("nosniff"),
        "refusals are hardened too"
    );
    for (host, body) in [
        ("www.city.localhost", "this is the city\n"),
        ("daycare.localhost", "this is the daycare\n"),
    ] {
        let answer = ask(host, &[]);
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, body),
            "one tenant's quota is not another's"
        );
    }
}

#[test]
fn three_tenants_axum_knows_no_fourth() {
    let example = Example::start("three_tenants_axum");
    for host in ["nobody.localhost", "library.localhost.evil.example", "127.0.0.1"] {
        assert_eq!(example.curl_host(host, "/", &[]).status, 404, "{host}");
    }
}

#[test]
fn cookies_axum_seals_what_leaves_and_opens_nothing_else() {
    let example = Example::start("cookies_axum");
    let welcome = example.curl("/login", &[]);
    let set = welcome.header("set-cookie").unwrap();
    assert!(
        set.starts_with("__Host-PHPSESSID=") && set.ends_with("; HttpOnly; SameSite=Lax; Secure"),
        "{set}"
    );
    assert!(!set.contains("ab12") && !set.to_lowercase().contains("domain"), "{set}");

    let sees = |cookie: &str| example.curl("/", &["-H", &format!("Cookie: {cookie}")]).body;
    let sealed = welcome.cookie();
    assert_eq!(sees(&sealed), "the application sees: PHPSESSID=ab12\n");
    assert_eq!(
        sees("PHPSESSID=ab12"),
        "the application sees: no cookie\n",
        "the right value, but nobody sealed it"
    );
    assert_eq!(
        sees(&sealed[..sealed.len() - 4]),
        "the application sees: no cookie\n",
        "cut"
    );
    assert_eq!(
        sees("colour=green; PHPSESSID=ab12"),
        "the application sees: colour=green\n"
    );
}

#[test]
fn sealed_jar_axum_keeps_what_nobody_else_can_write() {
    let example = Example::start("sealed_jar_axum");
    let with = |path: &str, cookie: &str| example.curl(path, &["-H", &format!("Cookie: {cookie}")]);
    let first = example.curl("/add/apple", &[]).cookie();
    assert!(
        first.starts_with("__Host-basket=") && !first.contains("apple"),
        "{first}"
    );
    let second = with("/add/pear", &first);
    let set = second.header("set-cookie").unwrap();
    assert!(
        set.ends_with("; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure"),
        "{set}"
    );
    assert_eq!(with("/", &second.cookie()).body, "in the basket: apple pear \n");
    for planted in ["__Host-basket=apple", "basket=apple", &second.cookie()[..60]] {
        assert_eq!(with("/", planted).body, "in the basket: \n", "{planted}");
    }
    let emptied = with("/empty", &second.cookie());
    assert!(
        emptied
            .header("set-cookie")
            .unwrap()
            .starts_with("__Host-basket=; Path=/; Max-Age=0")
    );
}

#[test]
fn sessions_axum_ends_what_the_application_never_ends() {
    let example = Example::start("sessions_axum");
    let cookie_of = |answer: &Answer| format!("Cookie: {}", answer.cookie());
    let account = |cookie: &str| example.curl("/", &["-H", cookie]).body;
    let enter = |cookie: &str| cookie_of(&example.curl("/login", &["-X", "POST", "-H", cookie]));

    let planted = cookie_of(&example.curl("/first", &[]));
    let own = enter(&planted);
    assert_eq!(account(&own), "your account\n");
    assert_eq!(
        account(&planted),
        "please log in\n",
        "whoever knew the cookie from before the login"
    );

    let left = example.curl("/logout", &["-X", "POST", "-H", &own]);
    assert_eq!(left.header("clear-site-data"), Some("\"storage\""));
    assert_eq!(account(&own), "please log in\n");

    let again = enter(&cookie_of(&example.curl("/first", &[])));
    assert_eq!(account(&again), "your account\n");
    assert_eq!(example.curl("/kill", &["-X", "POST"]).body, "1 ended\n");
    assert_eq!(account(&again), "please log in\n");
}

#[test]
fn headers_axum_hardens_a_loose_page_and_leaves_a_strict_one() {
    let example = Example::start("headers_axum");
    let loose = example.curl("/", &[]);
    assert_eq!(loose.header("x-powered-by"), None);
    assert_eq!(loose.header("x-frame-options"), Some("SAMEORIGIN"));
    assert_eq!(loose.header("content-security-policy"), Some("frame-ancestors 'self'"));
    assert_eq!(loose.header("referrer-policy"), Some("same-origin"));
    assert_eq!(loose.header("strict-transport-security"), Some("max-age=31536000"));

    let strict = example.curl("/strict", &[]);
    assert_eq!(strict.header("x-frame-options"), Some("DENY"));
    assert_eq!(strict.header("referrer-policy"), Some("no-referrer"));
}

#[test]
fn strict_tls_hyper_answers_its_own_name_over_todays_tls_only() {
    let (example, lines) = Example::start_and_read("strict_tls_hyper", 2);
    let ca = lines[1].strip_prefix("CA certificate ").unwrap();
    let port = example.base.rsplit(':').next().unwrap();
    let ask = |host: &str, more: &[&str]| {
        let (connect, url) = (
            format!("{host}:{port}:127.0.0.1:{port}"),
            format!("https://{host}:{port}/"),
        );
        let fixed = ["--cacert", ca, "--connect-to", &connect, "-w", "%{http_version}"];
        run_curl(&url, &[&fixed, more].concat())
    };
    for (more, version) in [
        (&["--tlsv1.3"][..], "2"),
        (&["--tls-max", "1.2"], "2"),
        (&["--http1.1"], "1.1"),
    ] {
        let output = ask("site.localhost", more);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && text.ends_with(&format!("hello\n{version}")),
            "{more:?}: {output:?}"
        );
    }
    for (host, more, alert) in [
        ("other.localhost", &["-k"][..], "unrecognized name"),
        (
            "site.localhost",
            &["-k", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0"],
            "alert handshake failure",
        ),
        (
            "site.localhost",
            &["-k", "--tls-max", "1.2", "--ciphers", "AES128-SHA"],
            "alert handshake failure",
        ),
    ] {
        let output = ask(host, more);
        // 35: the handshake failed. Had it succeeded, `-k` would have accepted any certificate.
        assert_eq!(output.status.code(), Some(35), "{host} {more:?}: {output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.contains(alert),
            "{host} {more:?} was not refused by the server: {said}"
        );
    }
}

#[test]
fn an_example_refuses_an_address_that_is_none() {
    let refused = Command::new(path("headers_axum"))
        .args(["--listen", "3000"])
        .output()
        .unwrap();
    assert!(!refused.status.success() && refused.stdout.is_empty());
}
