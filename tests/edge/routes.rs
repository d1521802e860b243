//! The route map through the built binary: what is named passes, what nobody has named does not reach the application.

use crate::support::{Stub, edge};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

const MAP: &str = "[routes]\npublic = [\"/\", \"/static/*\"]\nauth = [\"/login\"]\nrecord = [\"/files/{id}\"]\n\
                   admin = [\"/admin/*\"]\n";

/// The more lines stand after those of `edge().tenant`, where a key of the top would be one of `[upstream]`.
const PERSONAL_DATA: &str = "[defaults]\npersonal_data = true\n";

#[test]
fn a_route_that_nobody_has_named_is_a_404_and_does_not_reach_the_application() {
    let upstream = Stub::fixed(OK);
    let edge = edge()
        .vendor(PERSONAL_DATA)
        .tenant("daycare", upstream.address, MAP)
        .start();
    for path in [
        "/",
        "/static/a/b.png",
        "/login?next=/",
        "/files/17",
        "/Files/17;v=1/",
        "/admin",
    ] {
        assert_eq!(edge.get("daycare", path).status, 200, "{path}");
    }
    let passed = upstream.heads().len();
    for path in [
        "/debug",
        "/files",
        "/files/17/raw",
        "/static/..%2fdebug",
        "/static/..;/debug",
        "/index.php",
    ] {
        let refused = edge.curl("daycare", path, &["--path-as-is"]);
        assert_eq!(refused.status, 404, "{path}");
        assert!(refused.body.contains("route_unmapped") && refused.body.contains("Page introuvable"));
        assert!(
            refused.header("strict-transport-security").is_some(),
            "hardened like any answer"
        );
    }
    assert_eq!(upstream.heads().len(), passed);
    let line = edge.wait_for_log("route_unmapped");
    assert!(line.contains("routes"), "{line}");
}

#[test]
fn report_tells_and_lets_pass() {
    let upstream = Stub::fixed(OK);
    let map = MAP.replace(
        "[routes]",
        "[routes]\nenforcement = \"report\"\nreport_until = 2026-12-31",
    );
    let edge = edge()
        .vendor(PERSONAL_DATA)
        .tenant("daycare", upstream.address, &map)
        .start();
    assert_eq!(edge.get("daycare", "/debug").status, 200);
    edge.wait_for_log("route_unmapped");
}

#[test]
fn one_tenants_map_is_not_anothers() {
    let upstream = Stub::fixed(OK);
    let edge = edge()
        .tenant(
            "daycare",
            upstream.address,
            &MAP.replace("[routes]", "[routes]\nunmapped = \"refuse\""),
        )
        .tenant("library", upstream.address, "")
        .tenant("city", upstream.address, MAP)
        .start();
    assert_eq!(edge.get("daycare", "/debug").status, 404);
    assert_eq!(edge.get("library", "/debug").status, 200);
    assert_eq!(
        edge.get("city", "/debug").status,
        200,
        "without personal data a map only classifies"
    );
}

#[test]
fn trying_out_paths_uses_up_the_quota() {
    let upstream = Stub::fixed(OK);
    let quota = "[rate_limit.quotas.client]\nrate = \"3/h\"\n";
    let edge = edge()
        .vendor(PERSONAL_DATA)
        .tenant("daycare", upstream.address, &format!("{MAP}{quota}"))
        .start();
    let tried = ["/a", "/b", "/c", "/d"].map(|path| edge.get("daycare", path).status);
    assert_eq!(tried, [404, 404, 404, 429]);
}

#[test]
fn a_quota_counts_its_route_however_the_path_is_written() {
    let upstream = Stub::fixed(OK);
    let quota = "[rate_limit.quotas.login]\nrate = \"4/h\"\nroutes = [\"POST /login\"]\n";
    let edge = edge().tenant("daycare", upstream.address, quota).start();
    let tried = [
        "/login",
        "//Login;jsessionid=1",
        "/x/..;/%6cogin",
        "/./login/",
        "/LOGIN",
        "/logins",
    ];
    let statuses = tried.map(|path| edge.curl("daycare", path, &["--path-as-is", "-d", "x=1"]).status);
    assert_eq!(statuses, [200, 200, 200, 200, 429, 200]);
}

#[test]
fn a_session_in_the_path_does_not_reach_the_application() {
    let upstream = Stub::fixed(OK);
    let cookies = "[cookies]\nsession = [\"JSESSIONID\"]\nsession_in_url = [\"jsessionid\", \"(S)\"]\n";
    let edge = edge()
        .tenant("city", upstream.address, cookies)
        .tenant("library", upstream.address, "")
        .start();
    let written = "/(S(x))/permits;v=1;JSessionID=abc/7%3bjsessionid=abc?q=;jsessionid=1";
    for protocol in ["--http1.1", "--http2"] {
        edge.curl("city", written, &["--path-as-is", protocol]);
        let head = upstream.heads().pop().unwrap();
        assert!(
            head.starts_with("GET /permits;v=1/7?q=;jsessionid=1 HTTP/1.1\r\n"),
            "{head}"
        );
    }
    edge.wait_for_log("cookie_session_in_url");
    edge.curl("library", written, &["--path-as-is"]);
    let head = upstream.heads().pop().unwrap();
    assert!(head.starts_with(&format!("GET {written} HTTP/1.1\r\n")), "{head}");
}
