//! Every way in which one tenant's file, its place or its certificate can be broken.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use super::town::{Town, name};

/// What is written in place of a tenant's file, and how it must be named: the code, and the line when there is one.
pub(super) type Text = (&'static str, fn(String) -> Vec<u8>, &'static str, Option<usize>);

/// Lines that a tenant's file ends with, or another file altogether.
pub(super) const TEXTS: &[Text] = &[
    // What does not parse.
    (
        "an unclosed bracket",
        |text| text.replacen(']', "", 1).into(),
        "syntax",
        Some(3),
    ),
    (
        "an unclosed quote",
        |text| text.replacen("localhost\"", "localhost", 1).into(),
        "syntax",
        Some(1),
    ),
    ("a NUL byte", |text| (text + "\0\n").into(), "syntax", Some(8)),
    (
        "UTF-16",
        |text| {
            [
                vec![0xff, 0xfe],
                text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            ]
            .concat()
        },
        "not_utf8",
        None,
    ),
    (
        "a letter in Latin-1",
        |text| [text.as_bytes(), b"# caf\xe9\n"].concat(),
        "not_utf8",
        Some(8),
    ),
    (
        "a key that is there twice",
        |text| (text + "max_age = \"7d\"\n").into(),
        "syntax",
        Some(8),
    ),
    (
        "a section that is there twice",
        |text| (text + "[upstream]\n").into(),
        "syntax",
        Some(8),
    ),
    (
        "ten megabytes of nesting",
        |_| format!("a = {}", "[".repeat(10 << 20)).into(),
        "file_too_large",
        None,
    ),
    (
        "nesting as long as a file may be",
        |_| format!("a = {}", "[".repeat(1_000_000)).into(),
        "syntax",
        Some(1),
    ),
    (
        "a key of half a million parts",
        |_| format!("{}a = 1\n", "a.".repeat(500_000)).into(),
        "syntax",
        Some(1),
    ),
    (
        "fifty thousand sections of one name",
        |_| "[a]\n".repeat(50_000).into(),
        "syntax",
        Some(2),
    ),
    (
        "a file of comments",
        |text| {
            text.replace("hosts", "# hosts")
                .replace("url", "# url")
                .replace("[", "# [")
                .replace("max", "# max")
                .into()
        },
        "missing_key",
        Some(1),
    ),
    (
        "half of a file",
        |text| text.split_at(text.len() / 2 - 5).0.into(),
        "syntax",
        Some(4),
    ),
    (
        "a page of HTML",
        |_| b"<!doctype html>\n<title>404</title>\n".into(),
        "syntax",
        Some(1),
    ),
    (
        "what a merge leaves",
        |text| format!("<<<<<<< HEAD\n{text}").into(),
        "syntax",
        Some(1),
    ),
    // What does not validate.
    (
        "an unknown key",
        |text| (text + "max_aeg = \"7d\"\n").into(),
        "unknown_key",
        Some(8),
    ),
    (
        "an unknown section",
        |text| (text + "[fire_wall]\n").into(),
        "unknown_key",
        Some(8),
    ),
    (
        "a number without its unit",
        |text| {
            (text + "[upstream2]\n")
                .replace("[upstream2]", "[rate_limit.quotas.a]\nrate = \"10\"")
                .into()
        },
        "rate_ambiguous",
        Some(9),
    ),
    (
        "a number where text should be",
        |text| text.replace("max_age = \"", "max_age = ").replace("s\"", "").into(),
        "wrong_type",
        Some(7),
    ),
    (
        "a word that is not known",
        |text| (text + "[headers]\nenforcement = \"enforced\"\n").into(),
        "unknown_word",
        Some(9),
    ),
    (
        "a number out of range",
        |text| text.replace("[headers", "max_connections = 0\n[headers").into(),
        "out_of_range",
        Some(6),
    ),
    (
        "a host that is none",
        |text| text.replacen("t-", "t ", 1).into(),
        "host_invalid",
        Some(1),
    ),
    (
        "a host that can be a real one",
        |text| text.replacen("localhost", "example.org", 1).into(),
        "development_host",
        Some(1),
    ),
    (
        "no host",
        |text| text.replacen("hosts", "# hosts", 1).into(),
        "missing_key",
        Some(1),
    ),
    (
        "no application",
        |text| text.replacen("url", "# url", 1).into(),
        "missing_key",
        Some(3),
    ),
    (
        "an application over HTTPS",
        |text| text.replace("http://", "https://").into(),
        "upstream_scheme",
        Some(4),
    ),
    (
        "half of a certificate",
        |text| (text + "[tls]\ncertificate = \"a.pem\"\n").into(),
        "tls_half",
        Some(9),
    ),
    (
        "a preset that is none",
        |text| ("preset = \"perl\"\n".to_owned() + &text).into(),
        "unknown_word",
        Some(1),
    ),
];

/// What stands in place of a tenant's file.
pub(super) type Thing = (&'static str, fn(&Path), &'static str);

pub(super) const THINGS: &[Thing] = &[
    ("a directory", |path| fs::create_dir(path).unwrap(), "not_a_file"),
    (
        "a link to itself",
        |path| symlink(path, path).unwrap(),
        "file_unreadable",
    ),
    (
        "a link to nowhere",
        |path| symlink("nowhere", path).unwrap(),
        "file_unreadable",
    ),
    ("a pipe", pipe, "not_a_file"),
    (
        "a file that ends in an error",
        |path| symlink("/proc/self/mem", path).unwrap(),
        "file_unreadable",
    ),
];

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Takes away the right to read; `false` when this account needs none.
pub(super) fn forbid(path: &Path) -> bool {
    fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
    fs::File::open(path).is_err()
}

/// What becomes of a tenant's certificate or key, and the line of the key that must be named.
pub(super) type Pair = (&'static str, fn(&Town, usize), &'static str, usize);

pub(super) const PAIRS: &[Pair] = &[
    (
        "another certificate's key",
        |town, tenant| swap(town, tenant),
        "tls_key_mismatch",
        KEY,
    ),
    (
        "no certificate",
        |town, tenant| fs::remove_file(town.certificate(tenant).0).unwrap(),
        "tls_file_unreadable",
        PEM,
    ),
    (
        "no key",
        |town, tenant| fs::remove_file(town.certificate(tenant).1).unwrap(),
        "tls_file_unreadable",
        KEY,
    ),
    (
        "a certificate of garbage",
        |town, tenant| fs::write(town.certificate(tenant).0, PEM_OF_NOTHING).unwrap(),
        "tls_certificate_malformed",
        PEM,
    ),
    (
        "an empty certificate",
        |town, tenant| fs::write(town.certificate(tenant).0, "").unwrap(),
        "tls_no_certificate",
        PEM,
    ),
    (
        "an empty key",
        |town, tenant| fs::write(town.certificate(tenant).1, "").unwrap(),
        "tls_no_key",
        KEY,
    ),
    (
        "an expired certificate",
        |town, tenant| town.certify(tenant, &[&host(tenant)], (-30, -1)),
        "tls_expired",
        PEM,
    ),
    (
        "a certificate of next week",
        |town, tenant| town.certify(tenant, &[&host(tenant)], (7, 30)),
        "tls_not_yet_valid",
        PEM,
    ),
    (
        "another host's certificate",
        |town, tenant| town.certify(tenant, &["www.example.org"], (-1, 30)),
        "tls_name_not_covered",
        PEM,
    ),
    (
        "a directory for a certificate",
        |town, tenant| replace_by_directory(&town.certificate(tenant).0),
        "tls_file_unreadable",
        PEM,
    ),
    (
        "a directory for a key",
        |town, tenant| replace_by_directory(&town.certificate(tenant).1),
        "tls_file_unreadable",
        KEY,
    ),
];

/// The lines of `certificate` and `key_file` in a tenant's file.
const PEM: usize = 10;
const KEY: usize = 11;

const PEM_OF_NOTHING: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

fn host(tenant: usize) -> String {
    format!("{}.localhost", name(tenant))
}

/// Puts the next tenant's key in place of this one's.
fn swap(town: &Town, tenant: usize) {
    fs::copy(town.certificate(tenant + 1).1, town.certificate(tenant).1).unwrap();
}

fn replace_by_directory(path: &Path) {
    fs::remove_file(path).unwrap();
    fs::create_dir(path).unwrap();
}
