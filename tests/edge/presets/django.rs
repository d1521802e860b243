//! Django itself (Debian: python3-django), with its admin.

use tempfile::TempDir;

use super::{passing, python, sent_back, set_cookie};
use crate::support::{Answer, Application, Browser, Running, edge};

const PRESET: &str = "preset = \"django\"\n";
const LOGIN: &str = "/admin/login/?next=/api";

fn django() -> (Application, TempDir) {
    let data = tempfile::tempdir().unwrap();
    (python("django_site.py", &[data.path()]), data)
}

/// Fills in the form of the admin, as a browser sends it from its own page.
fn enter(edge: &Running, person: &Browser<'_>, password: &str) -> Answer {
    let form = person.get("daycare", LOGIN).body;
    let token = form
        .split("csrfmiddlewaretoken\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let (token, password) = (format!("csrfmiddlewaretoken={token}"), format!("password={password}"));
    let page = edge.url("daycare", LOGIN);
    person.curl(
        "daycare",
        LOGIN,
        &["-e", &page, "-d", &token, "-d", "username=direction", "-d", &password],
    )
}

#[test]
fn the_direction_comes_in_and_scripts_have_the_token_that_they_send_back() {
    let (site, _data) = django();
    let edge = edge().tenant_with("daycare", site.address, PRESET, "").start();
    let person = Browser::new(&edge);
    let entered = enter(&edge, &person, "Escalier-3300");
    assert_eq!(
        (entered.status, entered.header("location")),
        (302, Some("/api")),
        "{entered:?}"
    );
    let session = set_cookie(&entered, "sessionid");
    assert!(
        session.ends_with("; HttpOnly; SameSite=Lax; Secure") && session.contains("Max-Age="),
        "{session}"
    );
    assert!(!set_cookie(&entered, "csrftoken").contains("HttpOnly"));
    let api = person.get("daycare", "/api").body;
    assert!(api.starts_with("direction, secure True, session "), "{api}");
    let own = api.split("session ").nth(1).unwrap();
    assert!(!session.contains(own), "the browser has another one than Django");
    let token = format!("X-CSRFToken: {}", person.cookie("csrftoken").unwrap());
    let page = edge.url("daycare", "/");
    let posted = person.curl("daycare", "/api", &["-X", "POST", "-H", &token, "-e", &page]);
    assert_eq!((posted.status, posted.body), (200, api));
    let forged = person.curl("daycare", "/api", &["-X", "POST", "-e", &page]);
    assert_eq!(forged.status, 403, "without the token");
    let silent = person.curl("daycare", "/api", &["-X", "POST", "-H", &token]);
    assert_eq!(
        silent.status, 403,
        "without a Referer, which is why `no-referrer` breaks it"
    );
}

#[test]
fn what_django_says_of_frames_and_referrers_stays_when_it_is_stricter() {
    let (site, _data) = django();
    let edge = edge().tenant_with("daycare", site.address, PRESET, "").start();
    let page = edge.get("daycare", LOGIN);
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    assert_eq!(page.header("content-security-policy"), Some("frame-ancestors 'none'"));
    assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    assert_eq!(page.header("server"), None);
}

#[test]
fn a_session_of_another_site_is_refused_and_a_planted_one_dropped() {
    let (site, _data) = django();
    let (address, top) = (site.address, PRESET);
    let edge = edge()
        .tenant_with("daycare", address, top, "")
        .tenant_with("school", address, top, "")
        .start();
    let entered = enter(&edge, &Browser::new(&edge), "Escalier-3300");
    let sealed = sent_back(set_cookie(&entered, "sessionid"));
    assert!(
        edge.curl("daycare", "/api", &["-H", &sealed])
            .body
            .starts_with("direction")
    );
    let replayed = edge.curl("school", "/api", &["-H", &sealed]);
    assert!(
        replayed.status == 403 && replayed.body.contains("cookie_foreign_tenant"),
        "{replayed:?}"
    );
    let own = edge.curl("daycare", "/api", &["-H", &sealed]).body;
    let bare = format!("Cookie: sessionid={}", own.split("session ").nth(1).unwrap());
    assert!(
        edge.curl("daycare", "/api", &["-H", &bare])
            .body
            .starts_with("AnonymousUser"),
        "a number that leaked"
    );
}

#[test]
fn passwords_are_not_tried_out_at_the_admin() {
    let (site, _data) = django();
    let edge = edge().tenant_with("daycare", site.address, PRESET, "").start();
    let paths = [
        "/admin/login/",
        "/admin/login",
        "/admin//login/",
        "/en/admin/login/",
        "/accounts/login/",
    ];
    let passed = passing(|number| {
        let path = paths[number % paths.len()];
        edge.curl("daycare", path, &["--path-as-is", "-d", "username=direction"])
    });
    assert!((10..40).contains(&passed), "{passed} tries passed");
    assert_eq!(edge.get("daycare", LOGIN).status, 200, "the form itself is still there");
}
