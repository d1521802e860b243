//! The development CA: what it makes, what it refuses, and what somebody with its key could not do either.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use rustls::pki_types::UnixTime;

use super::fixture::{Ca, Edge, run, text};
use crate::development_ca::{DevelopmentCa, DevelopmentCaError, Origin};
use crate::{is_reserved, now};

const DAY: u64 = 86_400;

fn in_days(days: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(now().as_secs() + days * DAY))
}

fn pem(directory: &Path) -> Vec<u8> {
    fs::read(directory.join("ca.pem")).unwrap()
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_ca_is_made_once_with_its_parents_and_only_the_owner_reads_the_key() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("var/lib/ca/");
    let (ca, origin) = DevelopmentCa::open_or_create(&directory, now()).unwrap();
    assert_eq!(
        (origin, ca.certificate()),
        (Origin::Made, directory.join("ca.pem").as_path())
    );
    let mode = fs::metadata(directory.join("ca.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    let made = pem(&directory);
    assert_eq!(
        DevelopmentCa::open_or_create(&directory, now()).unwrap().1,
        Origin::Found
    );
    assert_eq!(pem(&directory), made);
    assert_eq!(names_in(directory.parent().unwrap()), ["ca", "ca.lock"]);
}

#[test]
fn processes_that_start_at_once_agree_on_one() {
    for now in [now(), in_days(1000)] {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("ca");
        if now > in_days(500) {
            DevelopmentCa::open_or_create(&directory, crate::now()).unwrap();
        }
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let directory = directory.clone();
                std::thread::spawn(move || {
                    let (ca, origin) = DevelopmentCa::open_or_create(&directory, now).unwrap();
                    (pem(&directory), origin, ca.issue(&["a.test"], now).is_ok())
                })
            })
            .collect();
        let seen: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(seen.iter().all(|(pem, _, issued)| *issued && *pem == seen[0].0));
        assert_eq!(seen.iter().filter(|(_, origin, _)| *origin != Origin::Found).count(), 1);
    }
}

#[test]
fn what_a_killed_process_left_is_cleared_away() {
    let root = tempfile::tempdir().unwrap();
    let (directory, left) = (root.path().join("ca"), root.path().join("ca.new"));
    fs::create_dir(&left).unwrap();
    fs::write(left.join("ca.key"), "half a ke").unwrap();
    assert_eq!(
        DevelopmentCa::open_or_create(&directory, now()).unwrap().1,
        Origin::Made
    );
    assert_eq!(names_in(root.path()), ["ca", "ca.lock"]);
}

#[test]
fn a_ca_that_comes_of_age_is_made_again_and_the_last_one_is_kept() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("ca");
    let at = |days| DevelopmentCa::open_or_create(&directory, in_days(days)).unwrap();
    assert_eq!(at(0).1, Origin::Made);
    assert_eq!(at(392).1, Origin::Found);
    let first = pem(&directory);
    let (ca, origin) = at(394);
    assert_eq!(origin, Origin::Remade);
    assert_eq!(pem(&root.path().join("ca.expired")), first);
    assert!(ca.issue(&["a.test"], in_days(394)).is_ok());
    assert_eq!(at(394 + 394).1, Origin::Remade);
    assert_eq!(names_in(root.path()), ["ca", "ca.expired", "ca.lock"]);
}

#[test]
fn a_certificate_does_not_outlive_its_ca() {
    let ca = Ca::new();
    assert_eq!(ca.ca.issue(&["a.test"], in_days(0)).unwrap().not_after(), in_days(90));
    assert!(ca.ca.issue(&["a.test"], in_days(390)).unwrap().not_after() <= in_days(400));
}

#[test]
fn files_that_are_no_ca_are_an_error_that_names_them_and_stay_as_they_are() {
    let (one, other) = (Ca::new(), Ca::new());
    let (pem, key) = other.self_signed("leaf", &["rsa:2048"], "a.test");
    let leaf_key = fs::read(key).unwrap();
    let (foreign_pem, foreign_key) = (
        fs::read(other.path("ca/ca.pem")).unwrap(),
        fs::read(other.path("ca/ca.key")).unwrap(),
    );
    let own = ["ca.pem", "ca.key"].map(|name| fs::read(one.path("ca").join(name)).unwrap());
    let rows: [(&str, &[u8], &str); 7] = [
        ("ca.pem", b"", "ca.pem"),
        ("ca.key", b"", "ca.key"),
        ("ca.pem", &[0xff; 64], "ca.pem"),
        (
            "ca.key",
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "ca.key",
        ),
        ("ca.pem", &foreign_pem, "ca.pem"),
        ("ca.key", &foreign_key, "ca.pem"),
        ("ca.key", &leaf_key, "ca.pem"),
    ];
    for (name, bytes, blamed) in rows
        .into_iter()
        .chain([("ca.pem", fs::read(pem).unwrap().leak() as &[u8], "ca.pem")])
    {
        let file = one.path("ca").join(name);
        fs::write(&file, bytes).unwrap();
        let error = DevelopmentCa::open_or_create(&one.path("ca"), now()).unwrap_err();
        assert!(matches!(error, DevelopmentCaError::Broken { .. }) && error.code() == "tls_development_ca");
        assert!(
            error.to_string().starts_with(text(&one.path("ca").join(blamed))),
            "{error}"
        );
        assert_eq!(fs::read(&file).unwrap(), bytes);
        fs::write(one.path("ca/ca.pem"), &own[0]).unwrap();
        fs::write(one.path("ca/ca.key"), &own[1]).unwrap();
    }
    assert_eq!(
        DevelopmentCa::open_or_create(&one.path("ca"), now()).unwrap().1,
        Origin::Found
    );
}

#[test]
fn half_a_ca_and_a_directory_of_something_else_are_errors() {
    for name in ["ca.pem", "ca.key"] {
        let ca = Ca::new();
        fs::remove_file(ca.path("ca").join(name)).unwrap();
        let error = DevelopmentCa::open_or_create(&ca.path("ca"), now()).unwrap_err();
        assert!(
            matches!(&error, DevelopmentCaError::File { path, .. } if path.ends_with(name)),
            "{error}"
        );
    }
    let root = tempfile::tempdir().unwrap();
    let thesis = root.path().join("thesis");
    fs::create_dir(&thesis).unwrap();
    fs::write(thesis.join("thesis.tex"), "years of work").unwrap();
    let error = DevelopmentCa::open_or_create(&thesis, now()).unwrap_err();
    assert!(
        matches!(&error, DevelopmentCaError::File { path, .. } if *path == thesis),
        "{error}"
    );
    assert_eq!(names_in(&thesis), ["thesis.tex"]);
    assert_eq!(names_in(root.path()), ["thesis", "thesis.lock"]);
}

#[test]
fn a_host_that_could_be_public_gets_no_certificate() {
    let ca = Ca::new();
    for host in [
        "example.org",
        "notlocalhost",
        "localhost.org",
        "*.org",
        "10.0.0.1",
        "[2001:db8::1]",
        "a.example.com",
    ] {
        let error = ca.ca.issue(&["a.localhost", host], now()).unwrap_err();
        assert_eq!(error.code(), "tls_development_public_host", "{host}");
        assert!(
            error.to_string().starts_with(&format!("{host} could be a public name")),
            "{error}"
        );
    }
    for host in [
        "localhost",
        "A.Localhost",
        "x.y.test",
        "a.home.arpa",
        "127.9.0.1",
        "[::1]",
        "*.a.internal",
    ] {
        assert!(ca.ca.issue(&[host], now()).is_ok(), "{host}");
    }
    assert!(is_reserved("HOME.arpa") && !is_reserved("arpa") && !is_reserved("myhome.arpa") && !is_reserved(""));
}

#[test]
fn openssl_and_curl_take_what_is_issued() {
    let ca = Ca::new();
    let sites = || ca.config(&["localhost", "a.localhost"]);
    let edge = Edge::start(
        crate::Sites::builder()
            .site(["localhost", "a.localhost"], sites(), "served")
            .build(),
    );
    for host in ["localhost", "a.localhost"] {
        let port = edge.address.port();
        let (url, resolve) = (format!("https://{host}:{port}/"), format!("{host}:{port}:127.0.0.1"));
        let curl = [
            "-sS",
            "--noproxy",
            "*",
            "--http1.1",
            "--resolve",
            &resolve,
            "--cacert",
            text(ca.ca.certificate()),
            &url,
        ];
        assert_eq!(run("curl", &curl), (true, "served".to_owned()));
        let strict = [
            "-CAfile",
            text(ca.ca.certificate()),
            "-verify_hostname",
            host,
            "-x509_strict",
            "-purpose",
            "sslserver",
        ];
        let said = edge.s_client(&[&["-verify_return_error", "-servername", host], &strict[..]].concat());
        assert!(said.contains("Verification: OK"), "{said}");
        // What curl trusts is this CA and nothing else.
        let (trusted, said) = run("curl", &["-sS", "--noproxy", "*", "--resolve", &resolve, &url]);
        assert!(!trusted && said.contains("certificate"), "{said}");
    }
}
