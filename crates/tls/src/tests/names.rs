//! Which name gets which certificate, and who gets none.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use rustls::crypto::aws_lc_rs::default_provider;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::fixture::{Ca, DEADLINE, Edge, client_hello, meet, text};
use crate::{AcceptError, Protocol, Sites};

#[test]
fn an_unknown_name_is_told_so_and_sees_no_certificate() {
    let (ca, versions) = (Ca::new(), ["-tls1_2", "-tls1_3"]);
    let edge = Edge::start(ca.two_sites());
    for version in versions {
        let said = edge.s_client(&[version, "-servername", "c.test"]);
        assert!(
            said.contains("unrecognized name") && said.contains("SSL alert number 112"),
            "{said}"
        );
        assert!(said.contains("no peer certificate available"), "{said}");
        let error = edge.seen().unwrap_err();
        assert!(
            matches!(&error, AcceptError::UnknownName(name) if name == "c.test"),
            "{error}"
        );
        assert_eq!(error.refusal(), Some("tls_server_name_unknown"));
    }
}

#[test]
fn no_name_and_an_address_for_a_name_are_refused() {
    let edge = Edge::start(Ca::new().two_sites());
    for args in [
        &["-noservername"][..],
        &["-servername", "127.0.0.1"],
        &["-servername", "::1"],
    ] {
        let said = edge.s_client(args);
        assert!(said.contains("SSL alert number 112"), "{args:?} {said}");
        assert!(said.contains("no peer certificate available"), "{said}");
        assert_eq!(
            edge.seen().unwrap_err().refusal(),
            Some("tls_server_name_missing"),
            "{args:?}"
        );
    }
}

#[test]
fn each_name_gets_its_own_certificate() {
    let ca = Ca::new();
    let edge = Edge::start(ca.two_sites());
    let file = text(ca.ca.certificate());
    for (name, other) in [("a.test", "b.test"), ("b.test", "a.test")] {
        let said = edge.s_client(&["-servername", name, "-CAfile", file, "-verify_hostname", name]);
        assert!(said.contains("Verification: OK"), "{said}");
        assert_eq!(edge.seen().unwrap().site, &name[..1]);
        let said = edge.s_client(&["-servername", name, "-CAfile", file, "-verify_hostname", other]);
        assert!(said.contains("hostname mismatch"), "{said}");
        assert_eq!(edge.seen().unwrap().site, &name[..1]);
    }
}

#[test]
fn upper_case_and_a_trailing_dot_mean_the_same_name() {
    let edge = Edge::start(Ca::new().two_sites());
    for name in ["A.TEST", "a.test.", "A.Test."] {
        edge.s_client(&["-servername", name, "-alpn", "h2"]);
        let seen = edge.seen().unwrap();
        assert_eq!((seen.site, seen.protocol), ("a", Protocol::Http2), "{name}");
    }
}

#[tokio::test]
async fn a_wildcard_covers_one_label_and_an_exact_name_goes_first() {
    let ca = Ca::new();
    let sites = Sites::builder()
        .site(
            ["*.Wild.Test.", "deep.er.wild.test"],
            ca.config(&["*.wild.test", "deep.er.wild.test"]),
            "wild",
        )
        .site(["Exact.wild.test"], ca.config(&["exact.wild.test"]), "exact")
        .build();
    let client = ca.client().into();
    for (name, site) in [
        ("any.wild.test", "wild"),
        ("exact.wild.test", "exact"),
        ("deep.er.wild.test", "wild"),
    ] {
        let (server, client) = meet(&sites, &client, name).await;
        assert_eq!((server.unwrap().value, client.is_ok()), (site, true), "{name}");
    }
    for name in [
        "wild.test",
        "other.er.wild.test",
        "a.b.wild.test",
        "exact.wild.test.evil.test",
        "test",
    ] {
        let (server, client) = meet(&sites, &client, name).await;
        assert!(
            matches!(server.unwrap_err(), AcceptError::UnknownName(of) if of == name),
            "{name}"
        );
        let error = client.unwrap_err().to_string();
        assert!(error.contains("UnrecognisedName"), "{error}");
    }
}

#[tokio::test]
async fn only_protocols_that_are_not_http_are_refused() {
    let ca = Ca::new();
    let (sites, mut client) = (ca.two_sites(), ca.client());
    client.alpn_protocols = vec![b"ftp".to_vec(), b"smtp".to_vec(), b"http/1.0".to_vec()];
    let (server, client) = meet(&sites, &client.into(), "a.test").await;
    assert_eq!(server.unwrap_err().refusal(), Some("tls_protocol_unknown"));
    assert!(client.unwrap_err().to_string().contains("NoApplicationProtocol"));
}

#[test]
fn openssl_hears_why_its_protocols_are_refused() {
    let edge = Edge::start(Ca::new().two_sites());
    for version in ["-tls1_2", "-tls1_3"] {
        let said = edge.s_client(&[version, "-servername", "a.test", "-alpn", "ftp,imap"]);
        assert!(
            said.contains("no application protocol") && said.contains("SSL alert number 120"),
            "{said}"
        );
        assert!(said.contains("no peer certificate available"), "{said}");
        assert!(matches!(edge.seen().unwrap_err(), AcceptError::NoProtocol));
    }
}

#[tokio::test]
async fn http_2_goes_before_http_1_and_no_protocol_means_http_1() {
    let ca = Ca::new();
    let sites = ca.two_sites();
    for (offered, protocol) in [
        (&[&b"http/1.1"[..], b"h2"][..], Protocol::Http2),
        (&[b"ftp", b"h2"], Protocol::Http2),
        (&[b"http/1.1"], Protocol::Http11),
        (&[], Protocol::Http11),
    ] {
        let mut client = ca.client();
        client.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
        let (server, _) = meet(&sites, &client.into(), "a.test").await;
        assert_eq!(server.unwrap().protocol, protocol, "{offered:?}");
    }
}

#[test]
fn what_a_client_sends_beyond_its_hello_does_not_swallow_the_alert() {
    let ca = Ca::new();
    let edge = Edge::start(ca.two_sites());
    let mut stream = TcpStream::connect(edge.address).unwrap();
    let beyond = vec![23; 32 * 1024];
    stream
        .write_all(&[client_hello(ca.client(), "c.test"), beyond].concat())
        .unwrap();
    let mut alert = Vec::new();
    stream.read_to_end(&mut alert).unwrap();
    assert_eq!(alert, [21, 3, 3, 0, 2, 2, 112]);
}

#[tokio::test]
async fn what_a_refused_client_still_sends_is_read_so_that_no_reset_overtakes_the_alert() {
    let ca = Ca::new();
    // TLS 1.3 would encrypt this alert.
    let mut ftp = ca.client_with(default_provider(), &[&rustls::version::TLS12]);
    ftp.alpn_protocols = vec![b"ftp".to_vec()];
    let hellos = [
        client_hello(ca.client(), "c.test"),
        client_hello(ftp, "a.test"),
        b"GET / HTTP/1.1\r\n".to_vec(),
    ];
    for (hello, alert) in hellos.into_iter().zip([112, 120, 50]) {
        let (sites, (ours, mut theirs)) = (ca.two_sites(), tokio::io::duplex(4096));
        let client = async {
            theirs.write_all(&[hello, vec![23; 32 * 1024]].concat()).await.unwrap();
            theirs.shutdown().await.unwrap();
            let mut heard = Vec::new();
            theirs.read_to_end(&mut heard).await.unwrap();
            heard
        };
        let (server, heard) = tokio::join!(sites.accept(ours, DEADLINE), client);
        assert!(server.is_err());
        assert_eq!(heard.last(), Some(&alert), "{heard:?}");
    }
}

#[test]
fn bytes_that_are_not_tls_are_refused() {
    let edge = Edge::start(Ca::new().two_sites());
    for garbage in [
        &b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n"[..],
        b"\0\0\0\0\0\0\0\0",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(edge.address).unwrap();
        stream.write_all(garbage).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        // An alert and nothing else.
        assert!(answer.len() == 7 && answer.starts_with(&[21, 3]), "{answer:?}");
        let error = edge.seen().unwrap_err();
        assert!(
            matches!(error, AcceptError::Handshake(_)) && error.refusal().is_none(),
            "{error}"
        );
    }
}
