//! Who is let in, and how: users with few rights, passwords in files, TLS under an authority of one's own.

#![allow(clippy::unwrap_used)]

mod server;

use std::path::Path;
use std::time::Duration;

use rempart_redis::{RedisPolicy, RedisSettings, SharedState};
use server::{Node, RIGHTS, Server, certificates, charge, file, free_port, settings, tls_arguments, until};

fn with_user(rights: &str) -> Server {
    let rule = format!("user rempart on >hunter2 {rights}\nuser default off\nuser admin on >admin ~* &* +@all\n");
    let arguments = |directory: &Path| {
        let rules = file(directory, "users.acl", &rule);
        vec!["--aclfile".to_owned(), rules.display().to_string()]
    };
    Server::prepared(
        free_port(),
        arguments,
        &["--user", "admin", "--pass", "admin", "--no-auth-warning"],
    )
}

fn as_user(server: &Server, password: &str) -> RedisSettings {
    RedisSettings {
        user: Some("rempart".into()),
        password_file: Some(file(server.path(), "password", password)),
        ..settings(server)
    }
}

#[tokio::test]
async fn a_user_with_the_documented_rights_can_do_all_that_is_needed() {
    let server = with_user(RIGHTS);
    let nodes = [(); 2].map(|()| Node::there(as_user(&server, "hunter2\n")));
    let counts = nodes[0].state.tenant("daycare");
    assert!(!counts.take(vec![charge("1/h", 1)]).await.unwrap()[0].is_refused);
    let (sender, heard) = std::sync::mpsc::channel();
    nodes[0]
        .state
        .listen(move |told| sender.send(told.body.clone()).unwrap())
        .unwrap();
    nodes[1].state.tell("daycare", "kill", b"all").unwrap();
    assert_eq!(heard.recv_timeout(Duration::from_secs(5)).unwrap(), b"all");
    let denied = server.cli(&["ACL", "LOG"]);
    assert_eq!(denied, "", "something was asked that it may not");
}

#[test]
fn a_user_that_may_not_write_is_told_to_be_away_with_what_is_missing() {
    let server = with_user(&RIGHTS.replace("+set ", ""));
    let node = Node::open(as_user(&server, "hunter2"));
    until("it is told", || !node.aways().is_empty());
    let error = node.aways().remove(0);
    assert!(error.contains("can't run this command"), "{error}");
    assert!(!node.state.is_there());
}

#[test]
fn another_prefix_is_out_of_reach() {
    let server = with_user(RIGHTS);
    let node = Node::open(RedisSettings {
        prefix: "somebody".into(),
        ..as_user(&server, "hunter2")
    });
    until("it is told", || !node.aways().is_empty());
    assert!(!node.state.is_there(), "{:?}", node.aways());
}

#[test]
fn a_wrong_password_is_not_let_in_and_the_right_one_needs_no_restart() {
    let server = with_user(RIGHTS);
    let node = Node::open(as_user(&server, "hunter1"));
    until("it is told", || !node.aways().is_empty());
    let said = format!("{:?} {:?} {:?}", node.aways(), node.state, node.state.policy());
    assert!(!said.contains("hunter1"), "{said}");
    file(server.path(), "password", "hunter2");
    until("it is found", || node.state.is_there());
}

#[test]
fn files_that_are_not_there_are_told_at_once() {
    let open = |settings: RedisSettings| {
        let policy = RedisPolicy::try_from(settings).unwrap();
        SharedState::open(policy, |_| ()).unwrap_err().to_string()
    };
    let directory = tempfile::tempdir().unwrap();
    let missing = Some(directory.path().join("missing"));
    let error = open(RedisSettings {
        password_file: missing.clone(),
        ..RedisSettings::at("redis://127.0.0.1:1")
    });
    assert!(error.contains("missing: No such file"), "{error}");
    let error = open(RedisSettings {
        ca_file: missing,
        ..RedisSettings::at("rediss://127.0.0.1:1")
    });
    assert!(error.contains("missing: No such file"), "{error}");
    let error = open(RedisSettings {
        password_file: Some(file(directory.path(), "empty", "\n")),
        ..RedisSettings::at("redis://127.0.0.1:1")
    });
    assert!(error.contains("holds no password"), "{error}");
    let error = open(RedisSettings {
        ca_file: Some(file(directory.path(), "key.pem", "-----BEGIN PRIVATE KEY-----\n")),
        ..RedisSettings::at("rediss://127.0.0.1:1")
    });
    assert!(error.contains("holds no certificate in PEM"), "{error}");
}

fn with_tls(tls_port: u16) -> Server {
    Server::prepared(free_port(), |directory| tls_arguments(directory, tls_port), &[])
}

#[tokio::test]
async fn tls_is_spoken_with_an_authority_of_ones_own_and_with_no_other() {
    let port = free_port();
    let server = with_tls(port);
    for host in ["127.0.0.1", "localhost"] {
        let node = Node::there(RedisSettings {
            ca_file: Some(server.path().join("ca.pem")),
            timeout: "1s".into(),
            ..RedisSettings::at(format!("rediss://{host}:{port}"))
        });
        let counts = node.state.tenant("daycare");
        counts.take(vec![charge("10/h", 1)]).await.unwrap();
    }
    let other = tempfile::tempdir().unwrap();
    certificates(other.path());
    let node = Node::open(RedisSettings {
        ca_file: Some(other.path().join("ca.pem")),
        ..RedisSettings::at(format!("rediss://127.0.0.1:{port}"))
    });
    until("it is told", || !node.aways().is_empty());
    assert!(node.aways()[0].contains("certificate"), "{:?}", node.aways());
    assert!(!node.state.is_there());
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let port = free_port();
    let server = with_tls(port);
    let node = Node::open(RedisSettings {
        ca_file: Some(server.path().join("ca.pem")),
        ..RedisSettings::at(format!("rediss://127.0.0.2:{port}"))
    });
    // Nothing listens there but where all addresses of the loopback are one; either way it is not let through.
    until("it is told", || !node.aways().is_empty());
    assert!(!node.state.is_there());
}
