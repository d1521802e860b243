//! What is in effect and who set it: `show`, `explain`, and what `check` says of files that are right.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use serde_json::Value;
use tempfile::TempDir;
use time::OffsetDateTime;

use crate::support::{edge, rempart};

/// Two clients of a vendor with defaults.
fn clients() -> TempDir {
    let upstream = "127.0.0.1:9".parse().unwrap();
    let clients = edge()
        .vendor("[defaults.rate_limit.quotas.login]\nrate = \"10/m\"\nroutes = [\"POST /login\"]")
        .tenant("city", "127.0.0.1:8".parse().unwrap(), "")
        .tenant("daycare", upstream, "[rate_limit.quotas.login]\nrate = \"5/m\"");
    clients.write()
}

/// The status, what is said, and what is said to be wrong.
fn run(directory: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> (i32, String, String) {
    let mut command = rempart();
    command.args(arguments).arg("--config").arg(directory);
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code().unwrap(), out, err)
}

#[test]
fn each_value_is_shown_with_the_line_or_the_variable_that_set_it() {
    let clients = clients();
    let variable = ("REMPART__TENANTS__DAYCARE__UPSTREAM__CONNECT_TIMEOUT", "7s");
    let (status, out, err) = run(
        clients.path(),
        &[variable],
        &["show", "--origin", "--tenant", "daycare"],
    );
    assert_eq!((status, err.as_str()), (0, ""));
    let shown = |line: &str| {
        let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(out.lines().any(|one| squeezed(one) == line), "{line}\n{out}");
    };
    shown("# tenants.d/daycare.toml");
    shown("hosts = [\"daycare.localhost\"] # tenants.d/daycare.toml:1:9");
    shown("connect_timeout = \"7s\" # $REMPART__TENANTS__DAYCARE__UPSTREAM__CONNECT_TIMEOUT");
    shown("rate = \"5/m\" # tenants.d/daycare.toml:6:8");
    shown("routes = [\"POST /login\"] # rempart.toml:14:10 [defaults]");
    shown("max_keys = 65536 # built in");
    assert!(!out.contains("[listen]"), "the vendor's part was not asked for");
}

#[test]
fn what_is_shown_can_be_read_as_the_same_configuration() {
    let (clients, again) = (clients(), clients());
    let (_, out, _) = run(clients.path(), &[], &["show"]);
    let parts: Vec<&str> = out.split("# tenants.d/").collect();
    assert_eq!(parts.len(), 3, "{out}");
    fs::write(again.path().join("rempart.toml"), parts[0]).unwrap();
    for part in &parts[1..] {
        let (name, text) = part.split_once('\n').unwrap();
        fs::write(again.path().join("tenants.d").join(name), text).unwrap();
    }
    let output = rempart()
        .arg("diff")
        .args([clients.path(), again.path()])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), said.as_str()),
        (Some(0), "city, daycare: nothing\n")
    );
}

#[test]
fn a_password_in_an_address_is_not_shown_and_the_file_is_said_to_be_wrong() {
    let clients = clients();
    let file = clients.path().join("tenants.d/daycare.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("http://", "http://user:hunter2@")).unwrap();
    let (status, out, err) = run(clients.path(), &[], &["show"]);
    assert!(
        status == 1 && !out.contains("hunter2") && !err.contains("hunter2"),
        "{out}{err}"
    );
    assert!(
        out.contains("url = \"http://[redacted]@127.0.0.1:9\"") && out.contains("# This file is wrong."),
        "{out}"
    );
    assert!(err.contains("daycare.toml:4:7: error[upstream_userinfo]"), "{err}");
}

#[test]
fn one_key_is_explained_with_what_it_went_over() {
    let clients = clients();
    let (status, out, err) = run(clients.path(), &[], &["explain", "daycare.rate_limit.login"]);
    assert_eq!((status, err.as_str()), (0, ""));
    let expected = "daycare.rate_limit.quotas.login.rate = \"5/m\"\n  set by  tenants.d/daycare.toml:6:8\n  \
                    over    rempart.toml:13:8 [defaults]: \"10/m\"\n  How often: ";
    assert!(out.starts_with(expected), "{out}");
    let (_, out, _) = run(clients.path(), &[], &["explain", "listen.https", "--format", "json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json[0]["origin"]["layer"], "file");
    assert_eq!(
        (&json[0]["key"], &json[0]["origin"]["line"]),
        (&"listen.https".into(), &2.into())
    );
}

#[test]
fn a_key_or_a_tenant_that_is_not_there_is_status_2_with_the_word_that_was_meant() {
    let clients = clients();
    for (arguments, said) in [
        (["explain", "daycare.rate_limit.logn"], "did you mean `login`?"),
        (["explain", "dayccare.rate_limit"], "did you mean `daycare`?"),
        (["show", "--tenant=citty"], "did you mean `city`?"),
        (["check", "--tenant=citty"], "there is no tenant `citty`"),
    ] {
        let (status, out, err) = run(clients.path(), &[], &arguments);
        assert!(
            status == 2 && out.is_empty() && err.contains(said),
            "{arguments:?}: {out}{err}"
        );
    }
}

#[test]
fn a_warning_is_no_failure_unless_it_is_asked_to_be() {
    let clients = clients();
    let file = clients.path().join("tenants.d/daycare.toml");
    let text = fs::read_to_string(&file).unwrap() + "\n[headers]\ndangerous_leave = [\"X-Frame-Options\"]\n";
    fs::write(&file, text).unwrap();
    let (status, out, err) = run(clients.path(), &[], &["check"]);
    assert!(status == 0 && out == "ok: 2 tenants\n", "{out}");
    assert!(
        err.contains("daycare.toml:9:19: warning[dangerous_switch]: headers.dangerous_leave: "),
        "{err}"
    );
    assert_eq!(run(clients.path(), &[], &["check", "--strict"]).0, 1);
    assert_eq!(
        run(clients.path(), &[], &["check", "--strict", "--tenant", "city"]).0,
        0
    );
}

#[test]
fn one_tenants_mistakes_are_not_another_ones() {
    let clients = clients();
    fs::write(clients.path().join("tenants.d/city.toml"), "hosts = [").unwrap();
    let (status, _, err) = run(clients.path(), &[], &["check"]);
    assert!(status == 1 && err.contains("city.toml:1:"), "{err}");
    let (status, out, _) = run(clients.path(), &[], &["check", "--tenant", "daycare"]);
    assert!(status == 0 && out == "ok: 1 tenant\n", "{out}");
    let (status, _, err) = run(clients.path(), &[], &["check", "--tenant", "city", "--format", "json"]);
    assert_eq!((status, err.as_str()), (1, ""));
}

#[test]
fn a_certificate_near_its_end_is_warned_of() {
    let clients = clients();
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let at = |days: i64| OffsetDateTime::from_unix_timestamp(now as i64 + days * 24 * 3_600 - 3_600).unwrap();
    let certificate = |from: i64, to: i64| {
        let mut parameters = rcgen::CertificateParams::new(["city.localhost".to_owned()]).unwrap();
        (parameters.not_before, parameters.not_after) = (at(from), at(to));
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        fs::write(clients.path().join("city.pem"), certificate.pem()).unwrap();
        fs::write(clients.path().join("city.key"), key.serialize_pem()).unwrap();
    };
    let file = clients.path().join("tenants.d/city.toml");
    let text = fs::read_to_string(&file).unwrap() + "\n[tls]\ncertificate = \"city.pem\"\nkey_file = \"city.key\"\n";
    fs::write(&file, text).unwrap();
    for (from, to, left) in [
        (-60, 30, None),
        (-1, 7, None),
        (-344, 20, Some("in 19 days")),
        (-7, 1, Some("in less than a day")),
    ] {
        certificate(from, to);
        let (status, _, err) = run(clients.path(), &[], &["check", "--strict"]);
        assert_eq!(status, i32::from(left.is_some()), "{from} {to} {err}");
        if let Some(left) = left {
            let warned = err
                .contains("city.toml:8:15: warning[certificate_ends_soon]: tls.certificate: the certificate ends on");
            assert!(warned && err.contains(left), "{err}");
        }
    }
}
