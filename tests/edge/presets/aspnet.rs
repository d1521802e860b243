//! ASP.NET as it is seen on the wire: `aspnet.py` beside this file.

use std::io::Write as _;

use super::{SEALED, inner, passing, python, set_cookie};
use crate::support::{Browser, curl, edge};

const PRESET: &str = "preset = \"aspnet\"\n";

#[test]
fn a_web_form_comes_back_with_all_of_its_view_state_and_logs_in() {
    let site = python("aspnet.py", &[]);
    let edge = edge().tenant_with("daycare", site.address, PRESET, "").start();
    let person = Browser::new(&edge);
    let form = person.get("daycare", "/Login.aspx");
    for banner in ["server", "x-powered-by", "x-aspnet-version"] {
        assert_eq!(form.header(banner), None, "{banner}");
    }
    let state = form.body.split("value=\"").nth(1).unwrap().trim_end_matches("\">");
    assert_eq!(state.len(), 200 * 1024);
    let mut fields = tempfile::NamedTempFile::new().unwrap();
    write!(fields, "{state}").unwrap();
    let state = format!("__VIEWSTATE@{}", fields.path().display());
    let form = [
        "--data-urlencode",
        &state,
        "-d",
        "user=direction",
        "-d",
        "password=Bottine-2014",
    ];
    let entered = person.curl("daycare", "/LOGIN.ASPX", &form);
    assert_eq!(
        (entered.status, entered.header("location")),
        (302, Some("/Default.aspx")),
        "{entered:?}"
    );
    let ticket = set_cookie(&entered, ".ASPXAUTH");
    assert!(
        ticket.len() > 500 && ticket.ends_with("; HttpOnly; SameSite=Lax; Secure"),
        "{ticket}"
    );
    assert_eq!(
        person.get("daycare", "/default.aspx").body,
        "direction asks for /default.aspx"
    );
    let cookies = person.cookies();
    let sealed = ["ASP.NET_SessionId", ".ASPXAUTH"];
    assert!(sealed.iter().all(|name| {
        cookies
            .iter()
            .any(|cookie| inner(&cookie[5]) == *name && cookie[6].starts_with(SEALED))
    }));
}

#[test]
fn a_session_in_the_path_does_not_reach_the_application() {
    let site = python("aspnet.py", &[]);
    let edge = edge().tenant_with("daycare", site.address, PRESET, "").start();
    let path = "/(S(chosenbytheattacker))/default.aspx";
    let bare = curl([format!("http://{}{path}", site.address)]);
    assert!(
        bare.body.ends_with(path) && bare.all("set-cookie").is_empty(),
        "the application takes it: {bare:?}"
    );
    for path in [path, "/%28S%28chosenbytheattacker%29%29/default.aspx"] {
        let answer = edge.get("daycare", path);
        assert_eq!(answer.body, "nobody asks for /default.aspx", "{path}");
        set_cookie(&answer, "ASP.NET_SessionId");
    }
    edge.wait_for_log("cookie_session_in_url");
}

#[test]
fn passwords_are_not_tried_out_in_any_case() {
    let site = python("aspnet.py", &[]);
    let edge = edge().tenant_with("daycare", site.address, PRESET, "").start();
    let paths = [
        "/Login.aspx",
        "/LOGIN.ASPX",
        "/(S(x))/login.aspx",
        "/login.aspx/x",
        "/Account/Login",
        "/site/Login.aspx",
    ];
    let passed = passing(|number| edge.curl("daycare", paths[number % paths.len()], &["-d", "user=direction"]));
    assert!((10..40).contains(&passed), "{passed} tries passed");
    assert_eq!(
        edge.get("daycare", "/Login.aspx").status,
        200,
        "the form itself is still there"
    );
}

#[test]
fn a_ticket_in_pieces_works_and_one_that_grows_too_long_is_dropped_with_a_word() {
    let site = python("aspnet.py", &[]);
    let edge = edge().tenant_with("daycare", site.address, PRESET, "").start();
    for (length, arrives) in [(1_200, 1_200), (2_900, 2_900), (6_000, 6_000), (3_600, 0)] {
        let person = Browser::new(&edge);
        person.get("daycare", &format!("/core?{length}"));
        let said = person.get("daycare", "/me").body;
        assert_eq!(said, format!("a ticket of {arrives} characters"), "{length}");
    }
    edge.wait_for_log("cookie_too_large");
}
