//! Who is asked for, and who answers.

use std::process::Command;

use crate::support::{Stub, curl, edge, openssl, python};

const LIBRARY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nlibrary";
const CITY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ncity";

#[test]
fn every_tenant_answers_under_its_own_name_over_both_protocols() {
    let (library, city) = (Stub::fixed(LIBRARY), Stub::fixed(CITY));
    let edge = edge()
        .tenant("library", library.address, "")
        .tenant("city", city.address, "")
        .start();
    for protocol in ["--http1.1", "--http2"] {
        assert_eq!(edge.curl("library", "/", &[protocol]).body, "library");
        assert_eq!(edge.curl("city", "/", &[protocol]).body, "city");
    }
}

#[test]
fn a_host_of_another_tenant_is_refused_by_the_code_of_its_protocol() {
    let (library, city) = (Stub::fixed(LIBRARY), Stub::fixed(CITY));
    let edge = edge()
        .tenant("library", library.address, "")
        .tenant("city", city.address, "")
        .start();
    let host = format!("Host: city.localhost:{}", edge.https_port());
    let ask = |protocol: &str, host: &str| {
        let answer = edge.curl(
            "library",
            "/",
            &[protocol, "-H", host, "-H", "Accept: application/json"],
        );
        (
            answer.status,
            serde_json::from_str::<serde_json::Value>(&answer.body).unwrap()["code"].to_string(),
        )
    };
    assert_eq!(ask("--http2", &host), (421, "\"host_misdirected\"".into()));
    assert_eq!(ask("--http1.1", &host), (403, "\"host_foreign\"".into()));
    assert_eq!(
        ask("--http1.1", "Host: nobody.example"),
        (404, "\"host_unknown\"".into())
    );
    assert_eq!(ask("--http2", "Host: nobody.example"), (404, "\"host_unknown\"".into()));
    assert!(city.heads().is_empty(), "the neighbour's application was not reached");
    edge.wait_for_log("host_misdirected");
}

#[test]
fn a_connection_reused_for_a_neighbour_is_refused_even_after_good_requests() {
    let (library, city) = (Stub::fixed(LIBRARY), Stub::fixed(CITY));
    let edge = edge()
        .tenant("library", library.address, "")
        .tenant("city", city.address, "")
        .start();
    let said = python(
        r#"
import http.client, ssl, sys
port, ca = int(sys.argv[1]), sys.argv[2]
connection = http.client.HTTPSConnection("library.localhost", port, context=ssl.create_default_context(cafile=ca))
for host in ["library.localhost", "LIBRARY.localhost:%d" % port, "city.localhost", "library.localhost"]:
    connection.putrequest("GET", "/", skip_host=True)
    connection.putheader("Host", host)
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    print(answer.status)
"#,
        &[&edge.https_port().to_string(), edge.ca().to_str().unwrap()],
    );
    assert_eq!(
        said.split_whitespace().collect::<Vec<_>>(),
        ["200", "200", "403", "200"]
    );
    assert!(city.heads().is_empty());
}

/// Sends bytes over TLS as they are and gives the first line of what comes back.
fn raw(edge: &crate::support::Running, request: &str) -> String {
    let connect = format!("127.0.0.1:{}", edge.https_port());
    let arguments = [
        "s_client",
        "-quiet",
        "-connect",
        &connect,
        "-servername",
        "library.localhost",
        "-alpn",
        "http/1.1",
    ];
    let output = openssl(&arguments, request.as_bytes());
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn a_request_whose_host_is_missing_doubled_or_no_host_reaches_nobody() {
    let library = Stub::fixed(LIBRARY);
    let edge = edge().tenant("library", library.address, "").start();
    for (request, status) in [
        ("GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "400"),
        (
            "GET / HTTP/1.1\r\nHost: library.localhost\r\nHost: library.localhost\r\nConnection: close\r\n\r\n",
            "400",
        ),
        (
            "GET / HTTP/1.1\r\nHost: library.localhost, city.localhost\r\nConnection: close\r\n\r\n",
            "400",
        ),
        (
            "GET http://city.localhost/ HTTP/1.1\r\nHost: library.localhost\r\nConnection: close\r\n\r\n",
            "400",
        ),
        (
            "GET / HTTP/1.1\r\nHost: user@library.localhost\r\nConnection: close\r\n\r\n",
            "400",
        ),
        (
            "TRACE / HTTP/1.1\r\nHost: library.localhost\r\nConnection: close\r\n\r\n",
            "405",
        ),
        (
            "CONNECT library.localhost:443 HTTP/1.1\r\nHost: library.localhost:443\r\nConnection: close\r\n\r\n",
            "405",
        ),
    ] {
        let line = raw(&edge, request);
        assert!(
            line.starts_with(&format!("HTTP/1.1 {status}")),
            "{request:?} got {line:?}"
        );
    }
    assert!(library.heads().is_empty());
    let line = raw(
        &edge,
        "GET http://library.localhost/ HTTP/1.1\r\nHost: library.localhost\r\nConnection: close\r\n\r\n",
    );
    assert!(
        line.starts_with("HTTP/1.1 200"),
        "an absolute URI that agrees is served: {line:?}"
    );
    assert!(
        library.heads()[0].starts_with("GET / HTTP/1.1\r\n"),
        "and forwarded in origin form: {:?}",
        library.heads()
    );
}

#[test]
fn plain_http_redirects_known_hosts_and_no_others() {
    let library = Stub::fixed(LIBRARY);
    let edge = edge().tenant("library", library.address, "").start();
    let ask = |host: &str, path: &str| {
        let url = format!("http://127.0.0.1:{}{path}", edge.http_port());
        curl(["-H", &format!("Host: {host}"), "--path-as-is", &url])
    };
    let answer = ask("library.localhost", "/search?q=%C3%A9t%C3%A9");
    assert_eq!(answer.status, 308);
    let expected = format!("https://library.localhost:{}/search?q=%C3%A9t%C3%A9", edge.https_port());
    assert_eq!(answer.header("location"), Some(expected.as_str()));
    let answer = ask("LIBRARY.localhost:80", "//evil.example/");
    let expected = format!("https://library.localhost:{}//evil.example/", edge.https_port());
    assert_eq!(
        answer.header("location"),
        Some(expected.as_str()),
        "the host is ours, whatever the path"
    );
    let answer = ask("nobody.example", "/");
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("location"), None);
    assert!(library.heads().is_empty(), "nothing is forwarded over plain HTTP");
}

#[test]
fn a_second_edge_on_the_same_address_is_refused() {
    let library = Stub::fixed(LIBRARY);
    let first = edge().tenant("library", library.address, "").start();
    let second = edge().tenant("library", library.address, "").write();
    let output = Command::new(env!("CARGO_BIN_EXE_rempart"))
        .args(["run", "--config"])
        .arg(second.path())
        .env("REMPART__LISTEN__HTTPS", format!("127.0.0.1:{}", first.https_port()))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("cannot listen on") && said.contains("in use"), "{said}");
}
