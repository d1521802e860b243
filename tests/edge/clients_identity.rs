//! What the application learns about the client, and from whom.

use crate::support::{Stub, edge};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// The value of a field in a request's head.
fn field<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines
        .filter(|(given, _)| given.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .collect()
}

const LIES: [&str; 12] = [
    "-H",
    "X-Forwarded-For: 10.1.1.1",
    "-H",
    "X-Forwarded-Proto: http",
    "-H",
    "X-Forwarded-Host: city.localhost",
    "-H",
    "X-Real-IP: 10.1.1.1",
    "-H",
    "Forwarded: for=10.1.1.1",
    "-H",
    "Proxy: http://evil.example",
];

#[test]
fn a_strangers_forwarded_fields_are_replaced() {
    let upstream = Stub::fixed(OK);
    let edge = edge().tenant("library", upstream.address, "").start();
    for protocol in ["--http1.1", "--http2"] {
        edge.curl("library", "/", &[&LIES[..], &[protocol]].concat());
    }
    let host = format!("library.localhost:{}", edge.https_port());
    for head in upstream.heads() {
        assert_eq!(field(&head, "x-forwarded-for"), ["127.0.0.1"], "{head}");
        assert_eq!(field(&head, "x-forwarded-proto"), ["https"]);
        assert_eq!(field(&head, "x-forwarded-host"), [host.as_str()]);
        assert_eq!(field(&head, "x-forwarded-port"), [edge.https_port().to_string()]);
        assert_eq!(
            field(&head, "host"),
            [host.as_str()],
            "the application sees the host that was asked for"
        );
        for absent in [
            "x-real-ip",
            "forwarded",
            "proxy",
            "connection",
            "te",
            "transfer-encoding",
        ] {
            assert!(field(&head, absent).is_empty(), "{absent} in {head}");
        }
    }
    assert_eq!(upstream.heads().len(), 2);
}

#[test]
fn a_trusted_proxy_is_believed_about_its_client() {
    let upstream = Stub::fixed(OK);
    let limit = "[rate_limit.quotas.client]\nrate = \"1/h\"\n";
    let trust = "[client]\ntrusted_proxies = [\"127.0.0.0/8\"]\n";
    let edge = edge().vendor(trust).tenant("library", upstream.address, limit).start();
    let ask = |chain: &str| {
        edge.curl("library", "/", &["-H", &format!("X-Forwarded-For: {chain}")])
            .status
    };
    assert_eq!(ask("203.0.113.1"), 200);
    assert_eq!(
        ask("6.6.6.6, 203.0.113.1"),
        429,
        "what stands left of the client is the client's own word"
    );
    assert_eq!(ask("203.0.113.2"), 200, "another client has its own quota");
    assert_eq!(
        field(&upstream.heads()[0], "x-forwarded-for"),
        ["203.0.113.1, 127.0.0.1"]
    );
}

#[test]
fn without_trust_a_forwarded_address_buys_no_second_quota() {
    let upstream = Stub::fixed(OK);
    let edge = edge()
        .tenant(
            "library",
            upstream.address,
            "[rate_limit.quotas.client]\nrate = \"1/h\"\n",
        )
        .start();
    assert_eq!(
        edge.curl("library", "/", &["-H", "X-Forwarded-For: 203.0.113.1"])
            .status,
        200
    );
    assert_eq!(
        edge.curl("library", "/", &["-H", "X-Forwarded-For: 203.0.113.2"])
            .status,
        429
    );
}
