//! A servlet container as it is seen on the wire: `servlet.py` beside this file.

use super::{passing, python, set_cookie};
use crate::support::{Browser, curl, edge};

const PRESET: &str = "preset = \"java-servlet\"\n";
const CLERK: [(&str, &str); 2] = [("j_username", "greffe"), ("j_password", "Riviere-2019")];

/// Where the first form or link of a page leads.
fn leads_to(page: &str) -> &str {
    let after = |word: &str| Some(page.split(word).nth(1)?.split('"').next().unwrap_or_default());
    after("action=\"")
        .or_else(|| after("href=\""))
        .unwrap_or_else(|| panic!("no link in {page}"))
}

#[test]
fn a_clerk_follows_links_with_a_session_in_them_and_comes_in_by_the_cookie() {
    let site = python("servlet.py", &[]);
    let edge = edge().tenant_with("city", site.address, PRESET, "").start();
    let clerk = Browser::new(&edge);
    let home = clerk.get("city", "/permits/").body;
    assert!(
        leads_to(&home).contains("/account;jsessionid="),
        "the container does not know yet: {home}"
    );
    let form = clerk.get("city", leads_to(&home)).body;
    assert_eq!(leads_to(&form), "/permits/j_security_check", "it has seen the cookie");
    let entered = clerk.post("city", "/permits/j_security_check;jsessionid=0A1B", &CLERK);
    assert_eq!(
        (entered.status, entered.header("location")),
        (303, Some("/permits/account")),
        "{entered:?}"
    );
    let line = set_cookie(&entered, "JSESSIONID");
    assert!(line.ends_with("; HttpOnly; SameSite=Lax; Secure"), "{line}");
    let account = clerk.get("city", "/permits/account").body;
    let session = account.split('>').nth(1).unwrap().trim_end_matches("</a");
    assert!(
        account.starts_with("greffe ") && session.len() == 32 && !line.contains(session),
        "{account}"
    );
    edge.wait_for_log("cookie_session_in_url");
}

#[test]
fn a_session_that_was_sent_in_a_link_is_nobodys() {
    let site = python("servlet.py", &[]);
    let edge = edge().tenant_with("city", site.address, PRESET, "").start();
    let bare = |path: &str| curl([format!("http://{}{path}", site.address)]).body;
    let attackers = bare("/permits/");
    let link = leads_to(&attackers);
    let session = link.split("jsessionid=").nth(1).unwrap();
    assert!(bare(link).contains(session), "the container takes it from anybody");
    for path in [
        link.to_owned(),
        link.replace("jsessionid", "JSESSIONID"),
        link.replace(';', "%3B"),
    ] {
        let page = edge.get("city", &path).body;
        assert!(
            !page.contains(session) && page.contains(";jsessionid="),
            "a session of its own: {path}: {page}"
        );
    }
    let victim = Browser::new(&edge);
    victim.get("city", link);
    let entered = victim.post("city", &link.replace("account", "j_security_check"), &CLERK);
    assert_eq!(entered.status, 303);
    assert!(!bare(link).contains("greffe"), "the attacker is not in with the clerk");
}

#[test]
fn passwords_are_not_tried_out_in_any_context() {
    let site = python("servlet.py", &[]);
    let edge = edge().tenant_with("city", site.address, PRESET, "").start();
    let paths = [
        "/j_security_check",
        "/permits/j_security_check",
        "/permits/j_security_check;jsessionid=1",
        "/permits/x/j_security_check",
        "/permits/x/..;/j_security_check",
        "/permits/j_security_check?j_username=greffe&j_password=0",
    ];
    let passed = passing(|number| {
        let path = paths[number % paths.len()];
        let form = ["--path-as-is", "-d", "j_username=greffe", "-d", "j_password=0"];
        edge.curl("city", path, if path.contains('?') { &form[..1] } else { &form })
    });
    assert!((10..40).contains(&passed), "{passed} tries passed");
    assert_eq!(
        edge.get("city", "/permits/account").status,
        200,
        "the form itself is still there"
    );
}
