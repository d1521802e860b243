//! What changes in behaviour between two directories, asked of the program.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{edge, rempart};

/// The configuration of two clients, with more lines in the daycare's file.
fn clients(daycare: &str) -> TempDir {
    let upstream = "127.0.0.1:9".parse().unwrap();
    let clients = edge().tenant("city", upstream, "").tenant("daycare", upstream, daycare);
    clients.write()
}

fn login(rate: &str) -> String {
    format!("[rate_limit.quotas.login]\nrate = \"{rate}\"\nroutes = [\"POST /login\"]\n")
}

/// The status, what is said, and what is said to be wrong.
fn diff(old: &Path, new: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = rempart().arg("diff").args(arguments).args([old, new]).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code().unwrap(), out, err)
}

#[test]
fn a_limit_that_falls_is_said_of_its_tenant_and_the_others_have_nothing() {
    let (old, new) = (clients(&login("10/m")), clients(&login("5/m")));
    let expected = "daycare: tightens: quota `login`: falls from 10/m to 5/m for each client; its counts begin anew\n\
                    city: nothing\n";
    assert_eq!(
        diff(old.path(), new.path(), &[]),
        (1, expected.to_owned(), String::new())
    );
}

#[test]
fn another_way_of_writing_is_status_0() {
    let (old, new) = (
        clients(&login("5/m")),
        clients(&format!("# slower\n{}", login("5/60s burst 5"))),
    );
    fs::write(
        new.path().join("tenants.d/city.toml"),
        "upstream.url = 'http://127.0.0.1:9'\nhosts = 'CITY.localhost'\n",
    )
    .unwrap();
    assert_eq!(
        diff(old.path(), new.path(), &[]),
        (0, "city, daycare: nothing\n".to_owned(), String::new())
    );
}

#[test]
fn a_tenant_whose_file_is_wrong_is_named_and_the_rest_is_compared() {
    let (old, new) = (clients(&login("10/m")), clients("[rate_limit]\nenforcment = \"off\"\n"));
    let city = new.path().join("tenants.d/city.toml");
    let more = "connect_timeout = \"3s\"\n";
    fs::write(&city, fs::read_to_string(&city).unwrap() + more).unwrap();
    let (status, out, err) = diff(old.path(), new.path(), &[]);
    assert_eq!(
        out,
        "city: changes: a connection to the application may take 3 seconds instead of 2 seconds\n\
         daycare: not compared: its new file is wrong\n"
    );
    let named = format!(
        "{}:6:1: error[unknown_key]",
        new.path().join("tenants.d/daycare.toml").display()
    );
    assert!(status == 2 && err.contains(&named), "{err}");

    let (status, out, err) = diff(old.path(), new.path(), &["--tenant", "city"]);
    assert!(
        status == 1 && out.starts_with("city: changes: ") && err.is_empty(),
        "{out}{err}"
    );
    let (status, ..) = diff(old.path(), new.path(), &["--tenant", "daycare"]);
    assert_eq!(status, 2);
}

#[test]
fn a_side_that_cannot_be_read_is_status_2_with_all_that_is_wrong() {
    let (old, new) = (clients(""), clients("quotas = 3\n"));
    fs::write(new.path().join("rempart.toml"), "[listen]\nhttps = 443\n[stat]\n").unwrap();
    for (one, other) in [(&old, &new), (&new, &old)] {
        let (status, out, err) = diff(one.path(), other.path(), &[]);
        assert_eq!((status, out.as_str()), (2, ""));
        assert!(err.contains("rempart.toml:2:9: error[wrong_type]"), "{err}");
        assert!(err.contains("rempart.toml:3:2: error[unknown_key]"), "{err}");
    }
    let (status, out, _) = diff(Path::new("/nowhere"), old.path(), &["--format", "json"]);
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, &answer["problems"][0]["code"]), (2, &"file_unreadable".into()));
    assert!(answer.get("tenants").is_none());
}

#[test]
fn a_tenant_that_neither_side_has_is_status_2() {
    let both = clients("");
    let (status, out, err) = diff(both.path(), both.path(), &["--tenant", "museum"]);
    assert_eq!((status, out.as_str()), (2, ""));
    assert_eq!(err, "error: neither configuration has a tenant `museum`\n");
    assert_eq!(diff(both.path(), both.path(), &["--nonsense"]).0, 2);
}

#[test]
fn a_program_reads_what_loosens() {
    let (old, new) = (clients(""), clients("[headers]\nenforcement = \"report\"\n"));
    let (status, out, _) = diff(old.path(), new.path(), &["--format", "json"]);
    let answer: Value = serde_json::from_str(&out).unwrap();
    let change = &answer["tenants"][0];
    assert_eq!(
        (status, &change["tenant"], &change["kind"]),
        (1, &"daycare".into(), &"changed".into())
    );
    assert_eq!(change["changes"][0]["effect"], "loosens");
    assert_eq!(
        change["changes"][0]["text"],
        "header rules are only reported from now on, and no longer enforced"
    );
    assert_eq!(answer["unchanged"], serde_json::json!(["city"]));
    assert_eq!(answer["problems"], serde_json::json!([]));
}
