//! What is right, and somebody should look at all the same.

use rempart_guard::Day;

use super::site::{LIBRARY, Site};

const FILE: &str = "tenants.d/library.toml";

/// The codes and places of the warnings on a day.
fn warnings(site: &Site, today: &str) -> Vec<String> {
    let today: Day = today.parse().unwrap();
    let config = site.load().unwrap_or_else(|wrong| panic!("{wrong}"));
    let lints = config.lints(today);
    assert!(!lints.has_errors());
    lints.iter().map(|one| format!("{} {}", one.place, one.code)).collect()
}

fn tenant(hosts: &str, port: u16, more: &str) -> String {
    format!("hosts = {hosts}\n[upstream]\nurl = \"http://127.0.0.1:{port}\"\n{more}")
}

const DAY: &str = "2026-11-22";

#[test]
fn a_sound_tenant_has_no_warning() {
    assert_eq!(warnings(&Site::new(), DAY), [""; 0]);
}

#[test]
fn a_host_below_a_neighbours_is_reached_by_the_neighbours_cookies() {
    let site = Site::new().file(
        "tenants.d/daycare.toml",
        tenant("[\"a.localhost\", \"kids.library.localhost\"]", 1, ""),
    );
    let lints = site.load().unwrap().lints(DAY.parse().unwrap()).to_string();
    let expected = "tenants.d/library.toml:1:10: warning[cookie_reaches_neighbour]: hosts[0]: another tenant has a host below \
                    library.localhost: a cookie with `Domain=library.localhost` would reach it\n";
    assert!(lints.starts_with(expected), "{lints}");
    let related = "note: tenants.d/daycare.toml:1:25: daycare has kids.library.localhost\n";
    assert!(
        lints.contains(related) && lints.ends_with("1 warning in 1 file"),
        "{lints}"
    );
}

#[test]
fn siblings_whose_cookies_nobody_confines_are_named_and_a_top_level_domain_is_no_parent() {
    let more = "[cookies]\nenforcement = \"report\"\n";
    let site = Site::new()
        .file(FILE, tenant("\"library.vendor.localhost\"", 1, more))
        .file("tenants.d/city.toml", tenant("\"city.vendor.localhost\"", 2, ""))
        .file("tenants.d/alone.toml", tenant("\"alone.localhost\"", 3, more));
    assert_eq!(
        warnings(&site, DAY),
        ["tenants.d/library.toml:5:15 cookie_domain_unguarded"]
    );
}

#[test]
fn a_host_that_a_neighbours_wildcard_would_have_taken_is_named() {
    let certificate = "[tls]\ncertificate = \"a.pem\"\nkey_file = \"a.key\"\n";
    let site = Site::new()
        .file(FILE, tenant("\"*.vendor.example\"", 1, certificate))
        .file("tenants.d/city.toml", tenant("\"city.vendor.example\"", 2, certificate));
    assert_eq!(warnings(&site, DAY), ["tenants.d/city.toml:1:9 host_within_wildcard"]);
}

#[test]
fn one_application_for_two_tenants_is_named_in_both_files() {
    let site = Site::new().file("tenants.d/city.toml", tenant("\"city.localhost\"", 9101, ""));
    assert_eq!(
        warnings(&site, DAY),
        [
            "tenants.d/city.toml:3:7 upstream_shared",
            "tenants.d/library.toml:3:7 upstream_shared"
        ]
    );
}

#[test]
fn a_switch_that_loosens_is_named_where_it_is_set_and_not_when_it_is_empty() {
    let leave = "[headers]\ndangerous_leave = [\"X-Frame-Options\"]\n";
    let site = Site::new().more(FILE, leave);
    assert_eq!(warnings(&site, DAY), ["tenants.d/library.toml:5:19 dangerous_switch"]);
    let site = Site::new().more(FILE, "[headers]\ndangerous_leave = []\n");
    assert_eq!(warnings(&site, DAY), [""; 0]);
    // In the vendor's defaults it is one line for all tenants.
    let defaults = leave.replace("headers", "defaults.headers");
    let site = Site::new()
        .more("rempart.toml", &defaults)
        .file("tenants.d/city.toml", tenant("\"city.localhost\"", 1, ""));
    assert_eq!(warnings(&site, DAY), ["rempart.toml:6:19 dangerous_switch"]);
}

#[test]
fn a_control_in_report_is_named_from_the_day_after_its_date() {
    let report = "[rate_limit]\nenforcement = \"report\"\nreport_until = 2026-11-22\n";
    let site = Site::new().more(FILE, report);
    assert_eq!(warnings(&site, "2026-11-22"), [""; 0]);
    assert_eq!(
        warnings(&site, "2026-11-23"),
        ["tenants.d/library.toml:6:16 report_overdue"]
    );
    let enforced = Site::new().more(FILE, &report.replace("\"report\"", "\"enforce\""));
    assert_eq!(warnings(&enforced, "2027-11-23"), [""; 0]);
}

#[test]
fn a_tenant_with_personal_data_whose_routes_nobody_has_named_is_warned_of() {
    let site = Site::new().file(FILE, format!("personal_data = true\n{LIBRARY}"));
    assert!(warnings(&site, DAY)[0].ends_with("routes_no_map"));
    let map =
        "[routes]\nrecord = [\"/files/{id}\"]\n[rate_limit.quotas.login]\nrate = \"5/m\"\nroutes = [\"POST /login\"]\n";
    let site = Site::new().file(FILE, format!("personal_data = true\n{LIBRARY}{map}"));
    assert_eq!(
        warnings(&site, DAY),
        ["tenants.d/library.toml:9:11 route_without_class"]
    );
}

#[test]
fn what_counts_by_class_where_no_route_has_one_is_named() {
    let quota = "[rate_limit.quotas.files]\nrate = \"5/m\"\nclasses = [\"record\"]\n\
                 [rate_limit.costs.files]\ncost = 5\nclasses = [\"record\"]\n";
    let said = warnings(&Site::new().more(FILE, quota), DAY);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said.iter().all(|one| one.ends_with("classes_without_routes")),
        "{said:?}"
    );
    let map = format!("{quota}[routes]\nrecord = [\"/files/{{id}}\"]\n");
    assert_eq!(warnings(&Site::new().more(FILE, &map), DAY), [""; 0]);
}

#[test]
fn a_store_that_is_reached_in_the_clear_is_named() {
    let store = |url: &str| Site::new().more("rempart.toml", &format!("[state]\nredis = \"{url}\"\n"));
    let said = warnings(&store("redis://10.0.0.5:6379"), DAY);
    assert!(said.len() == 1 && said[0].ends_with("store_in_the_clear"), "{said:?}");
    for sound in [
        "rediss://10.0.0.5:6379",
        "redis://127.0.0.1:6379",
        "unix:///run/redis.sock",
    ] {
        assert_eq!(warnings(&store(sound), DAY), [""; 0], "{sound}");
    }
}

#[test]
fn a_tenant_whose_file_is_wrong_has_problems_and_no_warnings() {
    let site = Site::new().file(
        "tenants.d/city.toml",
        tenant("\"city.localhost\"", 9101, "[rate_limit]\nx = 1\n"),
    );
    let config = crate::read(site.path(), []).unwrap();
    assert!(config.wrong.has_errors());
    assert!(config.lints(DAY.parse().unwrap()).is_empty());
}
