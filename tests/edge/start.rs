//! What keeps the program from starting, in its own words; and its command line.

use std::fs;
use std::process::Output;

use crate::support::{Stub, edge, openssl, rempart};

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// What `check` and `run` say about a directory; both must refuse it alike.
fn refused(directory: &std::path::Path) -> String {
    let check = rempart().args(["check", "--config"]).arg(directory).output().unwrap();
    let run = rempart().args(["run", "--config"]).arg(directory).output().unwrap();
    assert_eq!((check.status.code(), run.status.code()), (Some(1), Some(1)));
    assert_eq!(said(&check), said(&run));
    said(&check)
}

#[test]
fn a_mistake_is_named_with_file_line_column_and_key() {
    let upstream = "127.0.0.1:9".parse().unwrap();
    let lines = "[rate_limit.quotas.login]\nrate = \"10\"\n\n[cookies]\nsesion = [\"PHPSESSID\"]\n";
    let directory = edge().tenant("daycare", upstream, lines).write();
    let text = refused(directory.path());
    assert!(text.contains("tenants.d/daycare.toml:6:8: error[rate_"), "{text}");
    assert!(
        text.contains("rate_limit.quotas.login.rate") && text.contains("rate = \"10\"\n"),
        "{text}"
    );
    assert!(
        text.contains("tenants.d/daycare.toml:9:1: error[unknown_key]"),
        "{text}"
    );
    assert!(text.contains("session"), "did you mean: {text}");
}

#[test]
fn a_certificate_that_is_not_its_keys_is_named_in_the_tenants_file() {
    let upstream = "127.0.0.1:9".parse().unwrap();
    let lines = "[tls]\ncertificate = \"a.pem\"\nkey_file = \"b.key\"\n";
    let directory = edge().tenant("library", upstream, lines).write();
    for name in ["a", "b"] {
        let path = |end: &str| directory.path().join(format!("{name}.{end}")).display().to_string();
        let made = openssl(
            &[
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=library.localhost",
                "-addext",
                "subjectAltName=DNS:library.localhost",
                "-keyout",
                &path("key"),
                "-out",
                &path("pem"),
            ],
            b"",
        );
        assert!(made.status.success(), "{}", said(&made));
    }
    let text = refused(directory.path());
    assert!(
        text.contains("tenants.d/library.toml:") && text.contains("error[tls_key_mismatch]"),
        "{text}"
    );
    fs::copy(directory.path().join("a.key"), directory.path().join("b.key")).unwrap();
    let check = rempart()
        .args(["check", "--config"])
        .arg(directory.path())
        .output()
        .unwrap();
    assert!(check.status.success(), "{}", said(&check));
    fs::remove_file(directory.path().join("a.pem")).unwrap();
    assert!(refused(directory.path()).contains("error[tls_file_unreadable]"));
}

#[test]
fn check_changes_nothing_and_says_ok() {
    let (library, city) = (Stub::fixed(""), Stub::fixed(""));
    let directory = edge()
        .tenant("library", library.address, "")
        .tenant("city", city.address, "")
        .write();
    let output = rempart()
        .args(["check", "--config"])
        .arg(directory.path())
        .output()
        .unwrap();
    assert_eq!(
        (output.status.code(), said(&output).as_str()),
        (Some(0), "ok: 2 tenants\n")
    );
    assert!(!directory.path().join("state").exists(), "check makes no key and no CA");
}

#[test]
fn check_gives_programs_a_json_array() {
    let directory = edge()
        .tenant("library", "127.0.0.1:9".parse().unwrap(), "wrong = 1\n")
        .write();
    let output = rempart()
        .args(["check", "--format", "json", "--config"])
        .arg(directory.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found[0]["code"], "unknown_key", "{found}");
    let text = found.to_string();
    assert!(
        text.contains("tenants.d/library.toml") && text.contains("\"line\":5"),
        "{text}"
    );
}

#[test]
fn a_directory_that_is_not_there_is_said_to_be() {
    let text = refused(std::path::Path::new("/nonexistent/rempart"));
    assert!(
        text.contains("/nonexistent/rempart/rempart.toml: error[file_unreadable]"),
        "{text}"
    );
}

#[test]
fn a_secret_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = edge().tenant("library", "127.0.0.1:9".parse().unwrap(), "").write();
    fs::create_dir(directory.path().join("state")).unwrap();
    let key = directory.path().join("state/root.key");
    fs::write(&key, [7; 32]).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let output = rempart()
        .args(["run", "--config"])
        .arg(directory.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("root.key has mode 644"), "{}", said(&output));
}

#[test]
fn the_command_line_explains_itself() {
    let help = |arguments: &[&str]| {
        let output = rempart().args(arguments).arg("--help").output().unwrap();
        assert!(output.status.success());
        said(&output)
    };
    let whole = help(&[]);
    for command in ["run", "check", "demo"] {
        assert!(whole.contains(&format!("  {command}")), "{whole}");
        let text = help(&[command]);
        assert!(
            text.contains("Examples:") && text.contains(&format!("rempart {command}")),
            "{text}"
        );
    }
    assert!(!whole.contains("demo-site"), "the site's own command is not for people");
    let wrong = rempart().arg("serve").output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn the_examples_of_a_vendor_are_right() {
    let vendor = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/vendor");
    let output = rempart().args(["check", "--config", vendor]).output().unwrap();
    assert_eq!(said(&output), "ok: 3 tenants\n");
}
