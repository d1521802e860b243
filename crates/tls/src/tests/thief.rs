//! What somebody with the development CA's key cannot do either, by OpenSSL's word and rustls'.

use std::fs;
use std::path::Path;

use super::fixture::{Ca, openssl, text};
use crate::now;

/// A certificate that somebody with the CA's key signs by hand, and what `openssl verify` says of it.
fn signed_by_a_thief(ca: &Ca, subject: &str, extensions: &str, verify: &[&str]) -> (bool, String) {
    let pem = ca.ca.certificate();
    sign(ca, subject, extensions, (pem, &ca.path("ca/ca.key")));
    let leaf = ca.path("thief.pem");
    openssl(
        &[
            &["verify", "-x509_strict", "-CAfile", text(pem)],
            verify,
            &[text(&leaf)],
        ]
        .concat(),
    )
}

/// Leaves `thief.pem` and `thief.key`.
fn sign(ca: &Ca, subject: &str, extensions: &str, (issuer, issuer_key): (&Path, &Path)) {
    let [key, request, file, leaf] = ["thief.key", "thief.csr", "thief.ext", "thief.pem"].map(|name| ca.path(name));
    fs::write(&file, extensions).unwrap();
    let curve = "ec_paramgen_curve:prime256v1";
    let new = [
        "req",
        "-new",
        "-nodes",
        "-newkey",
        "ec",
        "-pkeyopt",
        curve,
        "-subj",
        subject,
        "-keyout",
        text(&key),
    ];
    assert!(openssl(&[&new[..], &["-out", text(&request)]].concat()).0);
    let sign = [
        "x509",
        "-req",
        "-in",
        text(&request),
        "-CA",
        text(issuer),
        "-CAkey",
        text(issuer_key),
        "-days",
        "1",
    ];
    let (signed, said) = openssl(&[&sign[..], &["-extfile", text(&file), "-out", text(&leaf)]].concat());
    assert!(signed, "{said}");
}

const STRICT: &str = "authorityKeyIdentifier=keyid\nbasicConstraints=critical,CA:FALSE\n";

#[test]
fn not_even_a_thief_of_the_key_can_sign_for_a_public_name() {
    let ca = Ca::new();
    let server = ["-purpose", "sslserver"];
    for name in [
        "DNS:localhost",
        "DNS:a.localhost",
        "DNS:a.b.test",
        "DNS:x.home.arpa",
        "IP:127.0.0.1",
        "IP:::1",
    ] {
        let (valid, said) = signed_by_a_thief(&ca, "/CN=Test", &format!("{STRICT}subjectAltName={name}\n"), &server);
        assert!(valid, "{name}: {said}");
    }
    for name in [
        "DNS:example.org",
        "DNS:notlocalhost",
        "DNS:a.test,DNS:example.org",
        "DNS:*.org",
        "IP:10.0.0.1",
        "IP:2001:db8::1",
    ] {
        let (valid, said) = signed_by_a_thief(&ca, "/CN=Test", &format!("{STRICT}subjectAltName={name}\n"), &server);
        assert!(!valid && said.contains("permitted subtree violation"), "{name}: {said}");
    }
    // By its common name alone, which some clients take when there is no other.
    let (valid, said) = signed_by_a_thief(&ca, "/CN=example.org", STRICT, &server);
    assert!(!valid && said.contains("permitted subtree violation"), "{said}");
}

#[test]
fn not_even_a_thief_of_the_key_can_sign_mail() {
    let ca = Ca::new();
    let mail = format!("{STRICT}subjectAltName=email:mayor@example.org\n");
    let (valid, said) = signed_by_a_thief(&ca, "/CN=Mayor", &mail, &["-purpose", "smimesign"]);
    assert!(!valid && said.contains("purpose"), "{said}");
}

#[test]
fn not_even_a_thief_of_the_key_can_sign_another_ca() {
    let ca = Ca::new();
    let below = "authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\nbasicConstraints=critical,CA:TRUE\n\
                 keyUsage=critical,keyCertSign\n";
    signed_by_a_thief(&ca, "/CN=Another CA", below, &[]);
    let [another, another_key, leaf] = ["another.pem", "another.key", "thief.pem"].map(|name| ca.path(name));
    fs::rename(ca.path("thief.pem"), &another).unwrap();
    fs::rename(ca.path("thief.key"), &another_key).unwrap();
    sign(
        &ca,
        "/CN=Test",
        &format!("{STRICT}subjectAltName=DNS:a.test\n"),
        (&another, &another_key),
    );
    let chain = [
        "verify",
        "-CAfile",
        text(ca.ca.certificate()),
        "-untrusted",
        text(&another),
        text(&leaf),
    ];
    let (valid, said) = openssl(&chain);
    assert!(!valid && said.contains("path length constraint exceeded"), "{said}");
}

#[test]
fn rustls_holds_to_the_constraints_too() {
    use rustls::client::danger::ServerCertVerifier as _;
    use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};

    let ca = Ca::new();
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(ca.ca.certificate()).unwrap())
        .unwrap();
    let provider = rustls::crypto::aws_lc_rs::default_provider().into();
    let verifier = rustls::client::WebPkiServerVerifier::builder_with_provider(std::sync::Arc::new(roots), provider);
    let verifier = verifier.build().unwrap();
    for (name, valid) in [
        ("localhost", true),
        ("a.localhost", true),
        ("example.org", false),
        ("notlocalhost", false),
    ] {
        signed_by_a_thief(&ca, "/CN=Test", &format!("{STRICT}subjectAltName=DNS:{name}\n"), &[]);
        let leaf = CertificateDer::from_pem_file(ca.path("thief.pem")).unwrap();
        let verified = verifier.verify_server_cert(&leaf, &[], &ServerName::try_from(name).unwrap(), &[], now());
        assert_eq!(verified.is_ok(), valid, "{name}: {verified:?}");
    }
}
