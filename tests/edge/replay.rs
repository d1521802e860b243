//! Every tenant × tenant × session cookie: what the sealed session of one site gets at another, under its own name and under
//! each name that the other reads. The table beside this file is the expectation.

use std::fmt::Write as _;

use crate::support::{Browser, vendor};

/// A site, where one logs in, and the sessions that it gives out.
type Door = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
);

const DOORS: [Door; 3] = [
    (
        "library",
        "/login",
        &[("card", "29001000000017"), ("pin", "4821")],
        &["PHPSESSID"],
    ),
    (
        "city",
        "/intranet/login",
        &[("user", "mairesse"), ("password", "Riviere-2019")],
        &["JSESSIONID", "vendor_sso"],
    ),
    (
        "daycare",
        "/login",
        &[("user", "1017"), ("password", "2026-04-10")],
        &["ASP.NET_SessionId"],
    ),
];

#[test]
fn no_session_of_a_tenant_opens_anything_at_another() {
    let vendor = vendor();
    let mut table = String::from("# session            of        at        shown as                    status  code\n");
    for (from, login, account, sessions) in DOORS {
        let person = Browser::new(&vendor);
        person.get(from, "/");
        person.post(from, login, account);
        for session in sessions {
            let sealed = person.cookie(&format!("__Host-{session}")).unwrap();
            for (at, _, _, names) in DOORS {
                if at == from {
                    continue;
                }
                for shown in names
                    .iter()
                    .flat_map(|name| [format!("__Host-{name}"), (*name).to_owned()])
                {
                    let cookie = format!("Cookie: {shown}={sealed}");
                    let answer = vendor.curl(at, "/", &["-H", &cookie, "-H", "Accept: application/json"]);
                    let code = answer
                        .body
                        .split("\"code\":\"")
                        .nth(1)
                        .and_then(|rest| rest.split('"').next());
                    let code = code.unwrap_or("-");
                    let _ = writeln!(
                        table,
                        "{session:<20} {from:<9} {at:<9} {shown:<27} {:<7} {code}",
                        answer.status
                    );
                }
            }
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/edge/replay.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, &table).unwrap();
    }
    let refused = |line: &str| line.ends_with("403     cookie_foreign_tenant");
    assert!(table.lines().skip(1).all(refused), "{table}");
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        table == expected,
        "run again with UPDATE_EXPECT=1 if this is right:\n{table}"
    );
}
