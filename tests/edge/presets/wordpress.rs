//! WordPress, as far as its cookies and its doors go, in PHP.

use super::php::php;
use super::{inner, passing, set_cookie};
use crate::support::{Browser, edge};

const PRESET: &str = "preset = \"wordpress\"\n";

const EDITOR: [(&str, &str); 2] = [("log", "conservateur"), ("pwd", "Musee-1887")];

#[test]
fn an_editor_comes_in_and_every_cookie_of_the_login_is_sealed() {
    let (site, _sessions) = php("wordpress");
    let edge = edge().tenant_with("museum", site.address, PRESET, "").start();
    let editor = Browser::new(&edge);
    let door = editor.get("museum", "/wp-admin/");
    assert_eq!(
        door.header("location"),
        Some("/wp-login.php?redirect_to=%2Fwp-admin%2F&reauth=1")
    );
    assert_eq!(editor.get("museum", "/wp-login.php").status, 200);
    let entered = editor.post("museum", "/wp-login.php", &EDITOR);
    assert_eq!(
        entered.header("location"),
        Some("/wp-admin/"),
        "the test cookie came back: {entered:?}"
    );
    let tickets: Vec<_> = entered
        .all("set-cookie")
        .into_iter()
        .filter(|line| inner(line).starts_with("wordpress_"))
        .collect();
    assert_eq!(tickets.len(), 4, "{tickets:?}");
    for line in tickets {
        assert!(
            !line.contains("conservateur") && !line.contains("WP%20Cookie"),
            "{line}"
        );
        assert!(line.ends_with("; HttpOnly; SameSite=Lax; Secure"), "{line}");
    }
    let settings = set_cookie(&entered, "wp-settings-1");
    assert!(
        settings.contains("editor%3Dhtml") && !settings.contains("HttpOnly"),
        "scripts read it: {settings}"
    );
    let dashboard = editor.get("museum", "/wp-admin/index.php");
    assert_eq!(
        dashboard.body,
        "Dashboard of conservateur, settings editor=html&libraryContent=browse"
    );
    assert_eq!(editor.get("museum", "/").body, "Howdy, conservateur");
    let left = editor.get("museum", "/wp-login.php?action=logout");
    assert_eq!(editor.get("museum", "/").body, "Welcome");
    // Not by curl's jar: it keeps one of two cookies with one name and two paths, without the edge too.
    let deletions = left.all("set-cookie");
    let deletes = |line: &&str| line.contains("; Max-Age=0;");
    assert!(deletions.len() == 5 && deletions.iter().all(deletes), "{deletions:?}");
}

#[test]
fn a_ticket_that_was_made_elsewhere_opens_nothing() {
    let (site, _sessions) = php("wordpress");
    let (address, top) = (site.address, PRESET);
    let edge = edge()
        .tenant_with("museum", address, top, "")
        .tenant_with("theatre", address, top, "")
        .start();
    let editor = Browser::new(&edge);
    editor.get("museum", "/wp-login.php");
    let entered = editor.post("museum", "/wp-login.php", &EDITOR);
    let lines = entered.all("set-cookie");
    let line = lines
        .iter()
        .find(|line| inner(line).starts_with("wordpress_logged_in_"))
        .unwrap();
    let (name, rest) = line.split_once('=').unwrap();
    let sealed = rest.split(';').next().unwrap();
    let shown = |tenant: &str, cookie: String| edge.curl(tenant, "/", &["-H", &format!("Cookie: {cookie}")]);
    assert_eq!(shown("museum", format!("{name}={sealed}")).body, "Howdy, conservateur");
    let replayed = shown("theatre", format!("{name}={sealed}"));
    assert!(
        replayed.status == 403 && replayed.body.contains("cookie_foreign_tenant"),
        "{replayed:?}"
    );
    let moved = name.replace("logged_in", "sec");
    assert_eq!(shown("museum", format!("{moved}={sealed}")).body, "Welcome");
    // A ticket as WordPress itself would make it, for instance with a secret that leaked.
    let forged = editor
        .cookie("wp-settings-time-1")
        .map(|_| format!("{name}=conservateur|1999999999|0a1b"))
        .unwrap();
    assert_eq!(shown("museum", forged).body, "Welcome");
}

#[test]
fn passwords_are_not_tried_out_at_either_door() {
    let (site, _sessions) = php("wordpress");
    let edge = edge().tenant_with("museum", site.address, PRESET, "").start();
    let login = ["/wp-login.php", "/wp-login.php/x", "//wp-login.php", "/WP-LOGIN.php/"];
    let passed = passing(|number| {
        let path = login[number % login.len()];
        edge.curl("museum", path, &["--path-as-is", "-d", "log=admin", "-d", "pwd=0"])
    });
    assert!((10..40).contains(&passed), "{passed} tries passed");
    let call = [
        "-d",
        "<methodCall><methodName>wp.getUsersBlogs</methodName></methodCall>",
    ];
    let passed = passing(|number| edge.curl("museum", ["/xmlrpc.php", "/xmlrpc.php/x"][number % 2], &call));
    assert!((20..55).contains(&passed), "{passed} calls passed");
    assert_eq!(
        edge.get("museum", "/wp-login.php").status,
        200,
        "the form itself is still there"
    );
}

#[test]
fn the_customizer_is_a_frame_also_under_strict() {
    let (site, _sessions) = php("wordpress");
    let top = format!("level = \"strict\"\n{PRESET}");
    let edge = edge().tenant_with("museum", site.address, &top, "").start();
    let page = edge.get("museum", "/");
    assert_eq!(page.header("x-frame-options"), Some("SAMEORIGIN"));
    assert_eq!(page.header("content-security-policy"), Some("frame-ancestors 'self'"));
    assert_eq!(
        page.header("referrer-policy"),
        Some("same-origin"),
        "the rest is strict"
    );
    let editor = Browser::new(&edge);
    editor.get("museum", "/wp-login.php");
    let entered = editor.post("museum", "/wp-login.php", &EDITOR);
    assert!(
        entered
            .all("set-cookie")
            .iter()
            .all(|line| line.contains("; SameSite=Strict")),
        "{entered:?}"
    );
    assert_eq!(editor.get("museum", "/").body, "Howdy, conservateur");
}
