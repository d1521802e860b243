use http::{HeaderMap, HeaderName, HeaderValue, Version};

use crate::hop::{self, Provenance};

fn fields(fields: &[(&str, &str)]) -> HeaderMap {
    let field = |(name, value): &(&str, &str)| {
        (
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        )
    };
    fields.iter().map(field).collect()
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    headers.keys().map(HeaderName::as_str).collect()
}

#[test]
fn what_belongs_to_one_connection_goes_no_further() {
    let mut headers = fields(&[
        ("connection", "close, X-Secret-Hop"),
        ("x-secret-hop", "1"),
        ("keep-alive", "timeout=5"),
        ("proxy-authorization", "Basic eA=="),
        ("proxy", "http://evil.example"),
        ("transfer-encoding", "chunked, identity"),
        ("te", "gzip"),
        ("expect", "100-continue"),
        ("accept", "*/*"),
    ]);
    hop::canonical(&mut headers, Version::HTTP_11);
    assert_eq!(names(&headers), ["accept"]);
}

#[test]
fn connection_cannot_take_away_what_the_application_decides_by() {
    let mut headers = fields(&[
        ("connection", "cookie, authorization, content-length, host"),
        ("cookie", "a=1"),
        ("authorization", "Bearer x"),
        ("content-length", "3"),
        ("host", "library.example"),
    ]);
    hop::canonical(&mut headers, Version::HTTP_11);
    assert_eq!(headers.len(), 4);
}

#[test]
fn an_upgrade_passes_only_when_it_is_asked_for_in_both_places_and_over_http_1() {
    let asked = [("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")];
    let mut headers = fields(&asked);
    hop::canonical(&mut headers, Version::HTTP_11);
    assert_eq!(headers["upgrade"], "websocket");
    assert_eq!(headers["connection"], "upgrade");
    for (without, version) in [
        (&asked[1..], Version::HTTP_11),
        (&asked[..1], Version::HTTP_11),
        (&asked[..], Version::HTTP_2),
    ] {
        let mut headers = fields(without);
        hop::canonical(&mut headers, version);
        assert!(headers.is_empty(), "{headers:?}");
    }
}

#[test]
fn an_upgrade_to_http_again_is_not_passed_on() {
    for protocol in ["h2c", "H2C", "websocket, h2c", "HTTP/2.0", "TLS/1.0"] {
        let mut headers = fields(&[
            ("connection", "Upgrade, HTTP2-Settings"),
            ("upgrade", protocol),
            ("http2-settings", "AAMAAABkAARAAAAAAAIAAAAA"),
        ]);
        hop::canonical(&mut headers, Version::HTTP_11);
        assert!(headers.is_empty(), "{protocol}: {headers:?}");
    }
}

#[test]
fn trailers_may_still_be_asked_for() {
    for te in ["Trailers", "gzip;q=0.5, trailers"] {
        let mut headers = fields(&[("te", te), ("trailer", "x-checksum"), ("connection", "TE, close")]);
        hop::canonical(&mut headers, Version::HTTP_11);
        assert_eq!(headers["te"], "trailers");
        assert_eq!(headers["trailer"], "x-checksum");
        assert_eq!(headers.len(), 2);
    }
}

#[test]
fn a_strangers_claims_are_dropped_and_the_truth_is_written_afresh() {
    let provenance = Provenance::new("203.0.113.9".parse().unwrap(), 8443);
    let mut headers = fields(&[
        ("x-forwarded-for", "10.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "city.example"),
        ("x-forwarded-server", "x"),
        ("x-forwarded", "for=10.0.0.1"),
        ("forwarded", "for=10.0.0.1"),
        ("x-real-ip", "10.0.0.1"),
        ("true-client-ip", "10.0.0.1"),
        ("cf-connecting-ip", "10.0.0.1"),
        ("accept", "*/*"),
    ]);
    provenance.stamp(
        &mut headers,
        false,
        Some(HeaderValue::from_static("library.example:8443")),
    );
    assert_eq!(headers.len(), 5);
    assert_eq!(headers["x-forwarded-for"], "203.0.113.9");
    assert_eq!(headers["x-forwarded-proto"], "https");
    assert_eq!(headers["x-forwarded-port"], "8443");
    assert_eq!(headers["x-forwarded-host"], "library.example:8443");
}

#[test]
fn a_trusted_proxys_chain_is_kept_and_grows_by_one() {
    let provenance = Provenance::new("10.0.0.2".parse().unwrap(), 443);
    let mut headers = fields(&[
        ("x-forwarded-for", "198.51.100.1"),
        ("x-forwarded-for", "10.0.0.1"),
        ("x-real-ip", "1.1.1.1"),
    ]);
    provenance.stamp(&mut headers, true, None);
    assert_eq!(headers["x-forwarded-for"], "198.51.100.1, 10.0.0.1, 10.0.0.2");
    assert!(!headers.contains_key("x-real-ip"));
}
