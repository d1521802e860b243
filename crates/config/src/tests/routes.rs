//! The route map, personal data, and days until which a control reports.

use rempart_records::Unmapped;

use super::site::{LIBRARY, Site};

const FILE: &str = "tenants.d/library.toml";

fn with_personal_data() -> Site {
    Site::new().file(FILE, format!("personal_data = true\n{LIBRARY}"))
}

#[test]
fn where_personal_data_is_held_a_route_must_be_named() {
    let unmapped = |site: Site| site.load().unwrap().tenants[0].routes.unmapped();
    assert_eq!(unmapped(Site::new()), Unmapped::Pass);
    assert_eq!(unmapped(with_personal_data()), Unmapped::Refuse);
    assert_eq!(
        unmapped(with_personal_data().more(FILE, "[routes]\nunmapped = \"pass\"\n")),
        Unmapped::Pass
    );
    assert_eq!(
        unmapped(Site::new().more("rempart.toml", "[defaults]\npersonal_data = true\n")),
        Unmapped::Refuse
    );
}

#[test]
fn a_route_that_is_none_is_shown_at_its_line() {
    let site = with_personal_data().more(
        FILE,
        "[routes]\nrecord = [\n  \"/files/{id}\",\n  \"files/{id}/x\",\n]\n",
    );
    let says = site.says();
    assert!(
        says.contains("tenants.d/library.toml:8:3: error[route_invalid]: routes.record[1]: `files/{id}/x`"),
        "{says}"
    );
}

#[test]
fn a_day_is_a_text_or_a_bare_date() {
    for written in ["\"2026-12-31\"", "2026-12-31"] {
        let day = format!("enforcement = \"report\"\nreport_until = {written}\n");
        let sections = ["rate_limit", "routes", "cookies", "headers"].map(|name| format!("[{name}]\n{day}"));
        let config = Site::new().more(FILE, &sections.concat()).load().unwrap();
        let tenant = &config.tenants[0];
        let days = [
            tenant.rate_limit.report_until(),
            tenant.routes.report_until(),
            tenant.headers.report_until(),
            tenant.cookies.report_until.as_ref().and_then(|day| day.parse().ok()),
        ];
        assert_eq!(days.map(|day| day.unwrap().to_string()), ["2026-12-31"; 4]);
    }
}

#[test]
fn what_is_no_day_is_shown_with_what_would_be_right() {
    for written in ["\"31.12.2026\"", "2026-12-31T00:00:00Z", "\"2026-02-30\""] {
        let says = Site::new()
            .more(FILE, &format!("[cookies]\nreport_until = {written}\n"))
            .says();
        assert!(
            says.contains("tenants.d/library.toml:5:16: error[date_invalid]: cookies.report_until:")
                && says.contains("such as \"2026-12-31\""),
            "{says}"
        );
    }
}
