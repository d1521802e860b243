//! Each control through the built binary: what it refuses, what it lets pass, and what `report` and `off` mean.

use std::io::Write as _;

use crate::support::{Stub, edge, python, stub};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// An application that sets a session the way old software does, and says which cookies it sees.
fn legacy(name: &'static str) -> Stub {
    stub(move |head, stream| {
        let seen = head
            .lines()
            .find_map(|line| line.strip_prefix("cookie: ").or(line.strip_prefix("Cookie: ")));
        let body = seen.unwrap_or("none");
        let answer = format!(
            "HTTP/1.1 200 OK\r\nServer: Apache/2.2\r\nX-Powered-By: PHP/5.3\r\nSet-Cookie: {name}=abc123; path=/\r\n\
             Set-Cookie: lang=fr; Domain=localhost; path=/\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.get_mut().write_all(answer.as_bytes()).is_ok()
    })
}

fn session(answer: &crate::support::Answer, name: &str) -> String {
    let prefix = format!("{name}=");
    let cookie = answer
        .all("set-cookie")
        .into_iter()
        .find_map(|cookie| cookie.strip_prefix(&prefix))
        .unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

#[test]
fn a_quota_that_is_used_up_is_a_429_that_says_when_to_come_back() {
    let upstream = Stub::fixed(OK);
    let quotas = "[rate_limit.quotas.client]\nrate = \"1000/h\"\n\
                  [rate_limit.quotas.login]\nrate = \"2/h\"\nroutes = [\"POST /login\"]\n";
    let edge = edge().tenant("library", upstream.address, quotas).start();
    let login = || edge.curl("library", "/login", &["-d", "card=1"]);
    let first = login();
    assert_eq!(first.status, 200);
    assert!(
        first
            .header("ratelimit-policy")
            .unwrap()
            .contains("\"login\";q=2;w=3600"),
        "{first:?}"
    );
    login();
    let refused = login();
    assert_eq!(refused.status, 429);
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=1800).contains(&wait), "{wait}");
    assert!(
        refused.header("ratelimit").unwrap().contains("\"login\";r=0;t="),
        "{refused:?}"
    );
    assert!(refused.body.contains("quota_used_up") && refused.body.contains("Trop de demandes"));
    assert!(
        refused.header("strict-transport-security").is_some(),
        "a refusal is hardened like any answer"
    );
    assert_eq!(
        edge.curl("library", "/login", &[]).status,
        200,
        "the form itself is another route"
    );
    assert_eq!(
        upstream.heads().len(),
        3,
        "what is refused does not reach the application"
    );
}

#[test]
fn one_tenants_quota_is_not_anothers() {
    let upstream = Stub::fixed(OK);
    let quota = "[rate_limit.quotas.client]\nrate = \"1/h\"\n";
    let edge = edge()
        .tenant("library", upstream.address, quota)
        .tenant("city", upstream.address, quota)
        .start();
    assert_eq!(edge.get("library", "/").status, 200);
    assert_eq!(edge.get("library", "/").status, 429);
    assert_eq!(edge.get("city", "/").status, 200);
}

#[test]
fn a_quota_holds_over_all_workers_connections_and_protocols() {
    let upstream = Stub::fixed(OK);
    let edge = edge()
        .tenant(
            "library",
            upstream.address,
            "[rate_limit.quotas.client]\nrate = \"20/h\"\n",
        )
        .start();
    let url = edge.url("library", "/");
    let mut children = Vec::new();
    for protocol in ["--http1.1", "--http2"] {
        for _ in 0..4 {
            let mut command = std::process::Command::new("curl");
            command.args([
                "-s",
                "-w",
                "%{http_code} ",
                "--cacert",
                edge.ca().to_str().unwrap(),
                protocol,
            ]);
            for _ in 0..10 {
                command.args(["-o", "/dev/null", &url]);
            }
            children.push(command.stdout(std::process::Stdio::piped()).spawn().unwrap());
        }
    }
    let said: String = children
        .into_iter()
        .map(|child| String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap())
        .collect();
    assert_eq!(said.matches("200").count(), 20, "{said}");
    assert_eq!(said.matches("429").count(), 60, "{said}");
}

#[test]
fn cookies_leave_hardened_and_stay_at_home() {
    let upstream = legacy("PHPSESSID");
    let edge = edge()
        .tenant("library", upstream.address, "[cookies]\nsession = [\"PHPSESSID\"]\n")
        .start();
    let answer = edge.get("library", "/");
    for cookie in answer.all("set-cookie") {
        let lower = cookie.to_lowercase();
        for attribute in ["; secure", "; httponly", "; samesite=lax"] {
            assert!(lower.contains(attribute), "{cookie}");
        }
        assert!(!lower.contains("domain"), "{cookie}");
    }
    let sealed = session(&answer, "__Host-PHPSESSID");
    assert!(!sealed.contains("abc123"), "{sealed}");
    let answer = edge.curl(
        "library",
        "/",
        &["-H", &format!("Cookie: lang=fr; __Host-PHPSESSID={sealed}")],
    );
    assert_eq!(
        answer.body, "lang=fr; PHPSESSID=abc123",
        "the application sees its own session"
    );
}

#[test]
fn a_session_of_one_tenant_is_refused_at_another() {
    let (library, city) = (legacy("PHPSESSID"), legacy("PHPSESSID"));
    let cookies = "[cookies]\nsession = [\"PHPSESSID\"]\n";
    let edge = edge()
        .tenant("library", library.address, cookies)
        .tenant("city", city.address, cookies)
        .start();
    let sealed = session(&edge.get("library", "/"), "__Host-PHPSESSID");
    let replayed = edge.curl(
        "city",
        "/",
        &[
            "-H",
            &format!("Cookie: __Host-PHPSESSID={sealed}"),
            "-H",
            "Accept: application/json",
        ],
    );
    assert_eq!(replayed.status, 403);
    assert!(replayed.body.contains("cookie_foreign_tenant"), "{replayed:?}");
    assert!(city.heads().is_empty());
    edge.wait_for_log("cookie_foreign_tenant");
    for forged in ["abc123", "", &sealed[..sealed.len() - 1], &format!("{sealed}A")] {
        let answer = edge.curl(
            "library",
            "/",
            &["-H", &format!("Cookie: lang=fr; __Host-PHPSESSID={forged}")],
        );
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, "lang=fr"),
            "{forged:?} is dropped, the rest goes on"
        );
    }
}

#[test]
fn pythons_cookie_jar_keeps_the_session_and_sends_it_to_nobody_else() {
    let (library, city) = (legacy("PHPSESSID"), legacy("JSESSIONID"));
    let edge = edge()
        .tenant("library", library.address, "[cookies]\nsession = [\"PHPSESSID\"]\n")
        .tenant("city", city.address, "[cookies]\nsession = [\"JSESSIONID\"]\n")
        .start();
    let said = python(
        r#"
import http.cookiejar, ssl, sys, urllib.request
jar = http.cookiejar.CookieJar()
context = ssl.create_default_context(cafile=sys.argv[2])
opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar), urllib.request.HTTPSHandler(context=context))
for host in ["library", "library", "city"]:
    print(opener.open("https://%s.localhost:%s/" % (host, sys.argv[1])).read().decode())
print(all(cookie.secure for cookie in jar), len(jar))
"#,
        &[&edge.https_port().to_string(), edge.ca().to_str().unwrap()],
    );
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], "none");
    assert!(
        lines[1].contains("PHPSESSID=abc123") && lines[1].contains("lang=fr"),
        "{said}"
    );
    assert_eq!(lines[2], "none", "the city sees nothing of the library's");
    assert_eq!(lines[3], "True 4");
}

#[test]
fn headers_are_set_and_banners_are_gone() {
    let upstream = legacy("PHPSESSID");
    let edge = edge().tenant("library", upstream.address, "").start();
    let answer = edge.get("library", "/");
    assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert!(answer.header("referrer-policy").is_some());
    assert!(
        answer
            .header("content-security-policy")
            .unwrap()
            .contains("frame-ancestors")
    );
    assert_eq!(answer.header("server"), None);
    assert_eq!(answer.header("x-powered-by"), None);
}

#[test]
fn in_report_mode_everything_passes_unchanged_and_is_told() {
    let upstream = legacy("PHPSESSID");
    let lines = "[rate_limit]\nenforcement = \"report\"\n[rate_limit.quotas.client]\nrate = \"1/h\"\n\
                 [cookies]\nenforcement = \"report\"\nsession = [\"PHPSESSID\"]\n[headers]\nenforcement = \"report\"\n";
    let edge = edge().tenant("library", upstream.address, lines).start();
    edge.get("library", "/");
    let answer = edge.curl("library", "/", &["-H", "Cookie: PHPSESSID=plain"]);
    assert_eq!((answer.status, answer.body.as_str()), (200, "PHPSESSID=plain"));
    assert_eq!(
        answer.all("set-cookie"),
        ["PHPSESSID=abc123; path=/", "lang=fr; Domain=localhost; path=/"]
    );
    assert_eq!(answer.header("server"), Some("Apache/2.2"));
    assert_eq!(answer.header("ratelimit"), None);
    for code in ["quota_used_up", "cookie_domain_removed"] {
        let line = edge.wait_for_log(code);
        assert!(line.contains("enforcement=\"report\""), "{line}");
    }
}

#[test]
fn a_control_that_is_off_is_not_there() {
    let upstream = legacy("PHPSESSID");
    let lines = "[rate_limit]\nenforcement = \"off\"\n[rate_limit.quotas.client]\nrate = \"1/h\"\n\
                 [cookies]\nenforcement = \"off\"\n[headers]\nenforcement = \"off\"\n";
    let edge = edge().tenant("library", upstream.address, lines).start();
    edge.get("library", "/");
    let answer = edge.get("library", "/");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.all("set-cookie")[0], "PHPSESSID=abc123; path=/");
    assert_eq!(answer.header("x-powered-by"), Some("PHP/5.3"));
    assert!(!edge.log().contains("code="), "{}", edge.log());
}
