//! PHP itself, with its own sessions.

use std::net::SocketAddr;
use std::process::Command;

use super::{beside, passing, sent_back, set_cookie};
use crate::support::{Application, Browser, application, curl, edge};

/// PHP's own server (Debian: php-cli), with sessions in a folder of the test's.
pub(super) fn php(folder: &str) -> (Application, tempfile::TempDir) {
    let sessions = tempfile::tempdir().unwrap();
    let command = |address: SocketAddr| {
        let mut command = Command::new("php");
        command
            .args(["-S", &address.to_string(), "-d", "expose_php=1", "-d"])
            .arg(format!("session.save_path={}", sessions.path().display()))
            .arg("-t")
            .arg(beside(folder));
        command
    };
    (application(command), sessions)
}

const PRESET: &str = "preset = \"php\"\n";

#[test]
fn a_reader_comes_in_with_a_session_that_only_php_can_read() {
    let (site, _sessions) = php("php");
    let edge = edge().tenant_with("library", site.address, PRESET, "").start();
    let reader = Browser::new(&edge);
    let form = reader.get("library", "/login.php");
    assert_eq!((form.status, form.header("x-powered-by")), (200, None));
    assert!(
        form.header("cache-control").unwrap().contains("no-store"),
        "PHP's own headers stay: {form:?}"
    );
    let entered = reader.post("library", "/login.php/", &[("card", "2900"), ("pin", "4821")]);
    assert_eq!(
        (entered.status, entered.header("location")),
        (302, Some("/account.php")),
        "{entered:?}"
    );
    let line = set_cookie(&entered, "PHPSESSID");
    assert!(line.ends_with("; HttpOnly; SameSite=Lax; Secure"), "{line}");
    let account = reader.get("library", "/account.php").body;
    assert!(account.starts_with("reader 2900, https, session "), "{account}");
    let session = account.split("session ").nth(1).unwrap().trim();
    assert!(
        session.len() >= 26 && !line.contains(session),
        "the browser has {line}, PHP has {session}"
    );
    reader.post("library", "/logout.php", &[]);
    assert_eq!(
        reader.get("library", "/account.php").header("location"),
        Some("/login.php")
    );
}

#[test]
fn a_session_that_was_planted_or_is_a_neighbours_is_none() {
    let (site, _sessions) = php("php");
    let (address, top) = (site.address, PRESET);
    let edge = edge()
        .tenant_with("library", address, top, "")
        .tenant_with("city", address, top, "")
        .start();
    let planted = [
        "-d",
        "card=2900",
        "-d",
        "pin=4821",
        "-H",
        "Cookie: PHPSESSID=chosenbytheattacker",
    ];
    let url = format!("http://{address}/keep.php");
    let bare = curl(["-H", planted[5], url.as_str()]);
    assert!(
        bare.body.contains("chosenbytheattacker"),
        "PHP takes any session: {bare:?}"
    );
    let kept = edge.curl("library", "/keep.php", &planted[4..]);
    assert!(
        kept.status == 200 && !kept.body.contains("chosenbytheattacker"),
        "{kept:?}"
    );
    let entered = edge.curl("library", "/login.php", &planted[..4]);
    let session = sent_back(set_cookie(&entered, "PHPSESSID"));
    assert_eq!(edge.curl("library", "/account.php", &["-H", &session]).status, 200);
    let replayed = edge.curl("city", "/account.php", &["-H", &session]);
    assert!(
        replayed.status == 403 && replayed.body.contains("cookie_foreign_tenant"),
        "{replayed:?}"
    );
}

#[test]
fn pins_are_not_tried_out_however_the_path_goes_on() {
    let (site, _sessions) = php("php");
    let edge = edge().tenant_with("library", site.address, PRESET, "").start();
    let paths = [
        "/login.php",
        "/login.php/x",
        "/login.php/x/y.css",
        "//login.php/",
        "/./login.php",
        "/%6cogin.php",
    ];
    for path in paths {
        let url = format!("http://{}{path}", site.address);
        let bare = curl(["--path-as-is", "-d", "pin=0", url.as_str()]);
        assert!(bare.body.contains("wrong"), "PHP reads {path} as its login: {bare:?}");
    }
    let passed = passing(|number| {
        let path = paths[number % paths.len()];
        edge.curl("library", path, &["--path-as-is", "-d", "card=2900", "-d", "pin=0"])
    });
    assert!((10..40).contains(&passed), "{passed} tries passed");
    assert_eq!(
        edge.get("library", "/login.php").status,
        200,
        "the form itself is still there"
    );
}
