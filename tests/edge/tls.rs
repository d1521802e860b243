//! The handshake, as openssl sees it.

use crate::support::{Running, Stub, edge, openssl};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn s_client(edge: &Running, arguments: &[&str]) -> String {
    let connect = format!("127.0.0.1:{}", edge.https_port());
    let ca = edge.ca();
    let fixed = [
        "s_client",
        "-connect",
        &connect,
        "-CAfile",
        ca.to_str().unwrap(),
        "-verify_return_error",
    ];
    let output = openssl(&[&fixed[..], arguments].concat(), b"");
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn every_tenant_shows_its_own_certificate() {
    let upstream = Stub::fixed(OK);
    let edge = edge()
        .tenant("library", upstream.address, "")
        .tenant("city", upstream.address, "")
        .start();
    for tenant in ["library", "city"] {
        let name = format!("{tenant}.localhost");
        let said = s_client(&edge, &["-servername", &name, "-verify_hostname", &name]);
        assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
        let neighbour = if tenant == "library" {
            "city.localhost"
        } else {
            "library.localhost"
        };
        let said = s_client(&edge, &["-servername", &name, "-verify_hostname", neighbour]);
        assert!(said.contains("hostname mismatch"), "{said}");
    }
}

#[test]
fn an_unknown_name_and_none_are_refused_without_a_certificate() {
    let upstream = Stub::fixed(OK);
    let edge = edge().tenant("library", upstream.address, "").start();
    let said = s_client(&edge, &["-servername", "nobody.localhost"]);
    assert!(
        said.contains("unrecognized name") && said.contains("no peer certificate available"),
        "{said}"
    );
    let said = s_client(&edge, &["-noservername"]);
    assert!(
        said.contains("alert") && said.contains("no peer certificate available"),
        "{said}"
    );
    edge.wait_for_log("nobody.localhost");
}

#[test]
fn old_protocols_and_weak_suites_are_refused() {
    let upstream = Stub::fixed(OK);
    let edge = edge().tenant("library", upstream.address, "").start();
    let ask = |more: &[&str]| s_client(&edge, &[&["-servername", "library.localhost"], more].concat());
    for refused in [
        &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"][..],
        &["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
        &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"],
        &["-tls1_2", "-cipher", "AES128-GCM-SHA256"],
        &["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"],
        &["-alpn", "smtp"],
    ] {
        let said = ask(refused);
        assert!(said.contains("no peer certificate available"), "{refused:?} got {said}");
    }
    for accepted in [
        &["-tls1_3"][..],
        &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"],
        &["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"],
        &["-tls1_3", "-groups", "X25519"],
        &["-tls1_3", "-groups", "P-384"],
    ] {
        let said = ask(accepted);
        assert!(said.contains("Verify return code: 0 (ok)"), "{accepted:?} got {said}");
    }
}

#[test]
fn a_session_of_one_tenant_does_not_resume_at_another() {
    let upstream = Stub::fixed(OK);
    let edge = edge()
        .tenant("library", upstream.address, "")
        .tenant("city", upstream.address, "")
        .start();
    let kept = tempfile::NamedTempFile::new().unwrap();
    let path = kept.path().to_str().unwrap();
    for version in ["-tls1_2", "-tls1_3"] {
        // Reading the answer gives a TLS 1.3 client the time to receive its ticket.
        let connect = format!("127.0.0.1:{}", edge.https_port());
        let arguments = [
            "s_client",
            "-connect",
            &connect,
            version,
            "-servername",
            "library.localhost",
            "-sess_out",
            path,
            "-ign_eof",
        ];
        openssl(
            &arguments,
            b"GET / HTTP/1.1\r\nHost: library.localhost\r\nConnection: close\r\n\r\n",
        );
        let again = |name: &str| {
            let said = s_client(&edge, &[version, "-servername", name, "-sess_in", path]);
            said.contains("Reused, ")
        };
        assert!(!again("city.localhost"), "{version} resumed at the neighbour");
    }
}

#[test]
fn a_client_that_says_nothing_is_let_go() {
    // Ten seconds by the edge's own limit; the pure deadline is tested where the clock can be paused.
    let upstream = Stub::fixed(OK);
    let edge = edge().tenant("library", upstream.address, "").start();
    let mut silent = std::net::TcpStream::connect(("127.0.0.1", edge.https_port())).unwrap();
    silent
        .set_read_timeout(Some(std::time::Duration::from_secs(30)))
        .unwrap();
    let read = std::io::Read::read(&mut silent, &mut [0; 64]);
    assert!(matches!(read, Ok(0)) || read.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset));
}
