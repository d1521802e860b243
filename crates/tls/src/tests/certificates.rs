//! Certificates, keys and settings that must not go live.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls::pki_types::UnixTime;

use super::fixture::{Ca, openssl, text};
use crate::{Certificate, CertificateError, TlsSettings, now};

const EC: [&str; 3] = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
const DAY: u64 = 86_400;

fn in_days(days: i64) -> UnixTime {
    let seconds = now().as_secs().saturating_add_signed(days * DAY as i64);
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

/// Code, key and text of what is wrong, the directory left out.
fn wrong(
    ca: &Ca,
    certificate: &Path,
    key: &Path,
    hosts: &[&str],
    now: UnixTime,
) -> (&'static str, &'static str, String) {
    let error: CertificateError = Certificate::from_files(certificate, key, hosts, now).unwrap_err();
    let directory = format!("{}/", text(ca.directory.path()));
    (error.code(), error.key(), error.to_string().replace(&directory, ""))
}

#[test]
fn keys_of_every_usual_kind_and_form_are_taken() {
    let ca = Ca::new();
    for (kind, key) in [
        ("rsa", &["rsa:2048"][..]),
        ("p256", &EC),
        ("p384", &["ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"]),
        ("ed25519", &["ed25519"]),
    ] {
        let (pem, key) = ca.self_signed(kind, key, "a.test");
        let certificate = Certificate::from_files(&pem, &key, &["a.test"], now()).unwrap();
        assert!(certificate.not_after() > in_days(29) && certificate.not_after() < in_days(31));
        if kind != "ed25519" {
            let traditional = ca.path("traditional.key");
            assert!(openssl(&["pkey", "-traditional", "-in", text(&key), "-out", text(&traditional)]).0);
            assert!(
                Certificate::from_files(&pem, &traditional, &["a.test"], now()).is_ok(),
                "{kind}"
            );
        }
    }
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let ca = Ca::new();
    let (pem, _) = ca.self_signed("a", &EC, "a.test");
    for (stem, kind) in [("b", &EC[..]), ("c", &["rsa:2048"])] {
        let (_, key) = ca.self_signed(stem, kind, "a.test");
        let text = format!("{stem}.key is not the key of the first certificate in a.pem");
        assert_eq!(
            wrong(&ca, &pem, &key, &["a.test"], now()),
            ("tls_key_mismatch", "key_file", text)
        );
    }
}

#[test]
fn dates_that_do_not_include_today_are_refused() {
    let ca = Ca::new();
    let (pem, key) = ca.self_signed("a", &EC, "a.test");
    let (code, at, said) = wrong(&ca, &pem, &key, &["a.test"], in_days(31));
    assert_eq!((code, at), ("tls_expired", "certificate"));
    assert!(
        said.starts_with("the certificate in a.pem expired on 20") && said.len() == 46,
        "{said}"
    );
    let (code, at, said) = wrong(&ca, &pem, &key, &["a.test"], in_days(-1));
    assert_eq!((code, at), ("tls_not_yet_valid", "certificate"));
    assert!(
        said.starts_with("the certificate in a.pem is not valid before 20") && said.len() == 55,
        "{said}"
    );
}

#[test]
fn a_name_that_is_not_covered_is_refused() {
    let ca = Ca::new();
    let (pem, key) = ca.self_signed("a", &EC, "a.test");
    for host in [
        "b.test",
        "x.a.test",
        "*.a.test",
        "test",
        "127.0.0.1",
        "[::1]",
        "not a host",
    ] {
        let text = format!("the certificate in a.pem does not cover {host}");
        assert_eq!(
            wrong(&ca, &pem, &key, &["a.test", host], now()),
            ("tls_name_not_covered", "certificate", text)
        );
    }
    assert!(Certificate::from_files(&pem, &key, &["A.Test"], now()).is_ok());
}

#[test]
fn a_wildcard_covers_itself_and_one_label_below() {
    let ca = Ca::new();
    let (pem, key) = ca.self_signed("wild", &EC, "*.wild.test");
    assert!(Certificate::from_files(&pem, &key, &["*.wild.test", "a.wild.test"], now()).is_ok());
    for host in ["wild.test", "a.b.wild.test", "*.test", "*.a.wild.test"] {
        assert_eq!(
            wrong(&ca, &pem, &key, &[host], now()).0,
            "tls_name_not_covered",
            "{host}"
        );
    }
}

#[test]
fn files_that_are_missing_empty_or_garbage_are_refused() {
    let ca = Ca::new();
    let (pem, key) = ca.self_signed("a", &EC, "a.test");
    let (nowhere, empty, garbage, half) = (
        ca.path("nowhere"),
        ca.path("empty"),
        ca.path("garbage"),
        ca.path("half"),
    );
    fs::write(&empty, "").unwrap();
    fs::write(&garbage, [0xff; 100]).unwrap();
    fs::write(&half, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    let (torn, cut) = (ca.path("torn"), fs::read_to_string(&pem).unwrap());
    fs::write(&torn, &cut[..cut.len() / 2]).unwrap();
    let rows: [(&PathBuf, &PathBuf, &str, &str, &str); 11] = [
        (
            &nowhere,
            &key,
            "tls_file_unreadable",
            "certificate",
            "cannot read nowhere: No such file",
        ),
        (
            &pem,
            &nowhere,
            "tls_file_unreadable",
            "key_file",
            "cannot read nowhere: No such file",
        ),
        (
            &empty,
            &key,
            "tls_no_certificate",
            "certificate",
            "empty holds no certificate",
        ),
        (
            &garbage,
            &key,
            "tls_no_certificate",
            "certificate",
            "garbage holds no certificate",
        ),
        (
            &key,
            &key,
            "tls_no_certificate",
            "certificate",
            "a.key holds no certificate",
        ),
        (
            &half,
            &key,
            "tls_certificate_malformed",
            "certificate",
            "half holds something that is no X.509",
        ),
        (
            &torn,
            &key,
            "tls_certificate_malformed",
            "certificate",
            "torn holds something that is no X.509",
        ),
        (&pem, &empty, "tls_no_key", "key_file", "empty holds no private key"),
        (&pem, &garbage, "tls_no_key", "key_file", "garbage holds no private key"),
        (&pem, &pem, "tls_no_key", "key_file", "a.pem holds no private key"),
        (&pem, &half, "tls_no_key", "key_file", "half holds no private key"),
    ];
    for (certificate, key, code, at, said) in rows {
        let error = wrong(&ca, certificate, key, &["a.test"], now());
        assert!(error.2.starts_with(said), "{said}: {error:?}");
        assert_eq!((error.0, error.1), (code, at), "{said}");
    }
}

#[test]
fn a_key_that_is_encrypted_or_too_short_is_refused() {
    let ca = Ca::new();
    let (pem, key) = ca.self_signed("a", &EC, "a.test");
    let locked = ca.path("locked.key");
    assert!(
        openssl(&[
            "pkey",
            "-aes128",
            "-passout",
            "pass:x",
            "-in",
            text(&key),
            "-out",
            text(&locked)
        ])
        .0
    );
    assert_eq!(wrong(&ca, &pem, &locked, &["a.test"], now()).0, "tls_no_key");
    let (short_pem, short) = ca.self_signed("short", &["rsa:1024"], "a.test");
    assert_eq!(wrong(&ca, &short_pem, &short, &["a.test"], now()).0, "tls_no_key");
}

#[test]
fn nothing_of_the_key_is_in_the_debug_form() {
    let ca = Ca::new();
    let certificate = ca.ca.issue(
        &["a.test"],
        UnixTime::since_unix_epoch(Duration::from_secs(2_000_000_000)),
    );
    // The day after the CA's last is not this far, but the CA's end bounds the certificate's: it is expired when made.
    assert!(certificate.is_err());
    let certificate = ca.ca.issue(&["a.test"], now()).unwrap();
    let seconds = certificate.not_after().as_secs();
    assert_eq!(
        format!("{certificate:?}"),
        format!("Certificate {{ not_after: {seconds}, .. }}")
    );
}

fn settings(toml: &str) -> TlsSettings {
    toml::from_str(toml).unwrap()
}

#[test]
fn both_files_or_neither() {
    let directory = Path::new("/etc/vendor");
    assert_eq!(settings("").resolve(directory), Ok(None));
    let files = settings("certificate = 'a.pem'\nkey_file = '/keys/a.key'")
        .resolve(directory)
        .unwrap()
        .unwrap();
    assert_eq!(
        (text(&files.certificate), text(&files.key)),
        ("/etc/vendor/a.pem", "/keys/a.key")
    );
    for key in ["certificate", "key_file"] {
        let half = settings(&format!("{key} = 'a'")).resolve(directory).unwrap_err();
        assert_eq!((half.key, half.code), (vec![key.to_owned()], "tls_half"));
    }
}

#[test]
fn an_unknown_setting_is_refused() {
    let error = toml::from_str::<TlsSettings>("key = 'a'").unwrap_err();
    assert!(error.to_string().contains("unknown field `key`"));
}

#[test]
fn an_endless_file_or_a_pipe_is_refused_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let (pipe, large) = (directory.path().join("pipe"), directory.path().join("large"));
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    fs::File::create(&large).unwrap().set_len(2 << 20).unwrap();
    for path in [Path::new("/dev/zero"), &pipe, &large] {
        let error = Certificate::from_files(path, path, &["site.example"], now()).unwrap_err();
        assert_eq!(error.code(), "tls_file_unreadable", "{error}");
    }
}
