//! Every tenant × tenant × route: what one tenant's session, connection and name get at every other. The table beside
//! this file is the expectation; a change of any cell shows up as a change of that file.

use std::fmt::Write as _;

use crate::support::{edge, site};

const ROUTES: [&str; 3] = ["/", "/login", "/healthz"];

#[test]
fn nothing_of_one_tenant_opens_another() {
    let sites = [
        ("library", "PHPSESSID"),
        ("city", "JSESSIONID"),
        ("daycare", "ASP.NET_SessionId"),
    ];
    let running: Vec<_> = sites.iter().map(|(name, _)| site(name)).collect();
    let mut builder = edge();
    for ((name, _), site) in sites.iter().zip(&running) {
        let names: Vec<_> = sites.iter().map(|(_, cookie)| format!("\"{cookie}\"")).collect();
        builder = builder.tenant(
            name,
            site.address,
            &format!("[cookies]\nsession = [{}]\n", names.join(", ")),
        );
    }
    let edge = builder.start();
    let mut table = String::from(
        "# session of  asked at   route      shown as its name  shown as the neighbour's  Host over HTTP/1.1  over HTTP/2\n",
    );
    for (from, from_cookie) in sites {
        let answer = edge.get(from, "/");
        let prefix = format!("__Host-{from_cookie}=");
        let sealed = answer
            .all("set-cookie")
            .iter()
            .find_map(|cookie| cookie.strip_prefix(&prefix))
            .unwrap()
            .to_owned();
        let sealed = sealed.split(';').next().unwrap();
        for (at, at_cookie) in sites {
            for route in ROUTES {
                let replay = |cookie: &str| {
                    edge.curl(at, route, &["-H", &format!("Cookie: __Host-{cookie}={sealed}")])
                        .status
                };
                let host = format!("Host: {at}.localhost:{}", edge.https_port());
                let crossed = |protocol: &str| edge.curl(from, route, &[protocol, "-H", &host]).status;
                let _ = writeln!(
                    table,
                    "{from:<13} {at:<10} {route:<10} {:<18} {:<25} {:<19} {}",
                    replay(from_cookie),
                    replay(at_cookie),
                    crossed("--http1.1"),
                    crossed("--http2"),
                );
            }
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/edge/matrix.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, &table).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    assert!(
        table == expected,
        "run again with UPDATE_EXPECT=1 if this is right:\n{table}"
    );
}
