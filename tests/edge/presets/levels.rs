//! The three example sites, unchanged, under `strict` and `legacy` with the presets of their kind.

use super::SEALED;
use crate::support::{Browser, Running, edge, site};

/// Name, preset, where one logs in, with what, and a page behind it with words of its own.
struct Site {
    name: &'static str,
    preset: &'static str,
    login: (&'static str, [(&'static str, &'static str); 2]),
    behind: (&'static str, &'static str),
    logout: &'static str,
}

const SITES: [Site; 3] = [
    Site {
        name: "library",
        preset: "php",
        login: ("/login", [("card", "29001000000017"), ("pin", "4821")]),
        behind: ("/account", "29001000000017"),
        logout: "/logout",
    },
    Site {
        name: "city",
        preset: "java-servlet",
        login: ("/intranet/login", [("user", "mairesse"), ("password", "Riviere-2019")]),
        behind: ("/intranet", "huis clos"),
        logout: "/intranet/logout",
    },
    Site {
        name: "daycare",
        preset: "aspnet",
        login: ("/login", [("user", "1017"), ("password", "2026-04-10")]),
        behind: ("/my-file", "data-file=\"1017\""),
        logout: "/logout",
    },
];

/// Goes in, looks around, and leaves; gives the cookies that were set on the way in.
fn visit(edge: &Running, site: &Site) -> Vec<String> {
    let person = Browser::new(edge);
    let (page, words) = site.behind;
    let home = person.get(site.name, "/");
    assert_eq!(home.status, 200, "{}", site.name);
    assert!(
        person.get(site.name, page).header("location").is_some(),
        "{}: closed at first",
        site.name
    );
    let entered = person.post(site.name, site.login.0, &site.login.1);
    assert!([302, 303].contains(&entered.status), "{}: {entered:?}", site.name);
    let shown = person.get(site.name, page);
    assert!(
        shown.status == 200 && shown.body.contains(words),
        "{}: {shown:?}",
        site.name
    );
    person.post(site.name, site.logout, &[]);
    assert!(
        person.get(site.name, page).header("location").is_some(),
        "{}: closed again",
        site.name
    );
    let set = [home, entered].map(|answer| answer.all("set-cookie").join("\n"));
    set.iter().flat_map(|lines| lines.lines()).map(str::to_owned).collect()
}

/// Runs the three sites at a level, and shows the edge with the cookies that each of them set.
fn at(level: &str, look: impl Fn(&Running, &Site, &[String])) {
    let sites = SITES.map(|one| (site(one.name), one));
    let builder = sites.iter().fold(edge(), |builder, (running, one)| {
        let top = format!("level = \"{level}\"\npreset = \"{}\"\n", one.preset);
        builder.tenant_with(one.name, running.address, &top, "")
    });
    let edge = builder.start();
    for (_, one) in &sites {
        look(&edge, one, &visit(&edge, one));
    }
}

#[test]
fn the_sites_work_under_strict_and_other_sites_bring_nobodys_session() {
    at("strict", |edge, site, cookies| {
        let page = edge.get(site.name, "/");
        assert_eq!(page.header("strict-transport-security"), Some("max-age=63072000"));
        assert_eq!(page.header("x-frame-options"), Some("DENY"));
        assert_eq!(page.header("content-security-policy"), Some("frame-ancestors 'none'"));
        assert_eq!(page.header("referrer-policy"), Some("same-origin"));
        let hardened = |cookie: &String| cookie.ends_with("; HttpOnly; SameSite=Strict; Secure");
        assert!(!cookies.is_empty() && cookies.iter().all(hardened), "{cookies:?}");
        assert!(
            cookies.iter().any(|cookie| cookie.contains(&format!("={SEALED}"))),
            "sealed: {cookies:?}"
        );
    });
}

#[test]
fn the_sites_survive_legacy_and_the_way_back_is_short() {
    at("legacy", |edge, site, cookies| {
        let page = edge.get(site.name, "/");
        assert_eq!(page.header("strict-transport-security"), Some("max-age=86400"));
        assert_eq!(page.header("x-frame-options"), Some("SAMEORIGIN"));
        assert!(page.header("server").is_none() && page.header("ratelimit-policy").unwrap().contains("q=100;"));
        let hardened = |cookie: &String| cookie.ends_with("; HttpOnly; SameSite=Lax; Secure");
        assert!(!cookies.is_empty() && cookies.iter().all(hardened), "{cookies:?}");
    });
}

#[test]
fn under_legacy_routes_are_told_and_under_strict_refused_where_data_of_persons_is() {
    let running = site("city");
    let top = |level: &str| format!("personal_data = true\nlevel = \"{level}\"\npreset = \"java-servlet\"\n");
    let told = edge().tenant_with("city", running.address, &top("legacy"), "").start();
    assert_eq!(told.get("city", "/permits").status, 200);
    let line = told.wait_for_log("route_unmapped");
    assert!(line.contains("enforcement=\"report\""), "{line}");
    let strict = edge().tenant_with("city", running.address, &top("strict"), "").start();
    let refused = strict.get("city", "/permits");
    assert!(
        refused.status == 404 && refused.body.contains("route_unmapped"),
        "{refused:?}"
    );
    let map = "[routes]\nrecord = [\"/permits/*\"]\n";
    let mapped = edge().tenant_with("city", running.address, &top("strict"), map).start();
    assert_eq!(mapped.get("city", "/permits").status, 200);
}
