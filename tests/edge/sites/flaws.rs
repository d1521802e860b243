//! The sites' documented flaws behind the edge: what it stops today, and what is still open. A test named `still_open_…`
//! shows a hole: whoever closes it in the edge turns the test around, and renames it.

use crate::support::{Browser, vendor};

const PARENT: [(&str, &str); 2] = [("user", "1017"), ("password", "2026-04-10")];
const CENTRE: [(&str, &str); 2] = [("user", "centre-017"), ("password", "Tournesol-017")];
const PATRON: [(&str, &str); 2] = [("card", "29001000000017"), ("pin", "4821")];
const BROKEN: [(&str, &str); 3] = [
    ("library", "/index.php?id='"),
    ("city", "/page.do?id='"),
    ("daycare", "/file.aspx?id='"),
];

#[test]
fn still_open_an_administrator_is_made_by_somebody_who_never_logged_in() {
    let vendor = vendor();
    let intruder = Browser::new(&vendor);
    let made = intruder.post(
        "daycare",
        "/admin/accounts/create",
        &[("name", "intrus"), ("password", "nuit"), ("role", "admin")],
    );
    assert_eq!(made.status, 201);
    let entered = intruder.post("daycare", "/login", &[("user", "intrus"), ("password", "nuit")]);
    assert_eq!(entered.header("location"), Some("/admin"));
}

#[test]
fn still_open_a_parent_reads_any_file_by_its_number() {
    let vendor = vendor();
    let parent = Browser::new(&vendor);
    parent.post("daycare", "/login", &PARENT);
    let other = parent.get("daycare", "/api/files/41207");
    assert!(
        other.status == 200 && other.body.contains("Larivée-Désormeaux"),
        "{other:?}"
    );
    assert!(
        parent
            .get("daycare", "/file.aspx?id=63850")
            .body
            .contains("data-file=\"63850\"")
    );
}

#[test]
fn still_open_anybody_reads_any_permit_by_counting() {
    let vendor = vendor();
    for number in [1, 24, 48] {
        let permit = vendor.get("city", &format!("/api/permits/{number}"));
        assert!(
            permit.status == 200 && permit.body.contains("\"email\":\""),
            "{permit:?}"
        );
        let document = vendor.get("city", &format!("/permits/{number}/document"));
        assert!(document.body.starts_with("<svg"), "{document:?}");
    }
}

#[test]
fn still_open_a_centre_exports_all_the_86_000_files() {
    let vendor = vendor();
    let centre = Browser::new(&vendor);
    centre.post("daycare", "/login", &CENTRE);
    let export = centre.get("daycare", "/export.csv?centre=all");
    assert_eq!((export.status, export.body.lines().count()), (200, 86_001));
}

#[test]
fn still_open_a_librarian_exports_every_patron() {
    let vendor = vendor();
    let librarian = Browser::new(&vendor);
    let staff = [("card", "bibliothecaire"), ("pin", "Marque-page-1987")];
    librarian.post("library", "/login", &staff);
    for path in ["/patrons.csv", "/index.php?page=export"] {
        assert_eq!(librarian.get("library", path).body.lines().count(), 1_201, "{path}");
    }
}

#[test]
fn still_open_a_stack_trace_names_the_database() {
    let vendor = vendor();
    for (tenant, path) in BROKEN {
        let trace = vendor.get(tenant, path);
        assert!(
            trace.status == 500 && trace.body.contains(".vendor.internal"),
            "{trace:?}"
        );
    }
}

/// The application keeps the session that the thief was given here; at the login it gets a number that the thief has not.
#[test]
fn a_session_that_the_thief_got_here_is_not_the_victims_after_login() {
    let vendor = vendor();
    let (thief, victim) = (Browser::new(&vendor), Browser::new(&vendor));
    thief.get("library", "/");
    let planted = format!("__Host-PHPSESSID={}", thief.cookie("__Host-PHPSESSID").unwrap());
    let login = ["-b", &planted, "-d", "card=29001000000017&pin=4821"];
    assert_eq!(victim.curl("library", "/login", &login).status, 303);
    assert!(!thief.get("library", "/api/patron").body.contains("29001000000017"));
    assert!(victim.get("library", "/api/patron").body.contains("29001000000017"));
}

#[test]
fn still_open_any_sites_page_posts_a_form_in_a_visitors_name() {
    let vendor = vendor();
    let patron = Browser::new(&vendor);
    patron.post("library", "/login", &PATRON);
    let foreign = [
        "-X",
        "POST",
        "-H",
        "Origin: https://evil.example",
        "-H",
        "Sec-Fetch-Site: cross-site",
    ];
    let held = patron.curl("library", "/titles/1804/hold", &foreign);
    assert_eq!((held.status, held.header("location")), (303, Some("/account")));
}

#[test]
fn a_session_that_a_neighbour_invented_is_not_the_victims_after_login() {
    let vendor = vendor();
    let invented = "PHPSESSID=chosen-by-the-thief";
    let victim = vendor.curl(
        "library",
        "/login",
        &["-b", invented, "-d", "card=29001000000017&pin=4821"],
    );
    assert_eq!(victim.status, 303, "the victim comes in all the same");
    let mut set = victim.all("set-cookie").into_iter();
    assert!(
        set.any(|line| line.starts_with("__Host-PHPSESSID=")),
        "under a new session: {victim:?}"
    );
    let bare = format!("http://{}/api/patron", vendor.bare("library"));
    let thief = crate::support::curl(["-b", invented, bare.as_str()]);
    assert_eq!(thief.status, 401, "the library never saw the invented one");
    vendor.wait_for_log("cookie_unsealed");
}

#[test]
fn a_neighbours_own_session_is_refused_before_the_login_sees_it() {
    let vendor = vendor();
    let thief = Browser::new(&vendor);
    thief.get("city", "/");
    let planted = format!("__Host-PHPSESSID={}", thief.cookie("__Host-JSESSIONID").unwrap());
    let victim = ["-b", &planted, "-d", "card=29001000000017&pin=4821"];
    let refused = vendor.curl("library", "/login", &victim);
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("cookie_foreign_tenant"), "{refused:?}");
}

#[test]
fn pins_are_not_tried_out_and_passwords_neither() {
    let vendor = vendor();
    for (tenant, path, wrong, right, refused) in [
        ("library", "/login", "card=29001000000017&pin=", "4821", 401),
        (
            "city",
            "/intranet/login",
            "user=mairesse&password=",
            "Riviere-2019",
            302,
        ),
        ("daycare", "/login.aspx", "user=1017&password=", "2026-04-10", 401),
    ] {
        let mut attempts = (0..5).map(|guess| vendor.curl(tenant, path, &["-d", &format!("{wrong}{guess:04}")]));
        assert!(attempts.all(|answer| answer.status == refused), "{tenant}");
        for guess in ["0005", right] {
            let answer = vendor.curl(tenant, path, &["-d", &format!("{wrong}{guess}")]);
            assert_eq!(answer.status, 429, "{tenant} {guess}");
            assert!(answer.header("retry-after").is_some());
        }
        assert_eq!(vendor.get(tenant, "/").status, 200, "the rest of the {tenant} goes on");
    }
    let json = r#"{"card": "29001000000017", "pin": "4821"}"#;
    let other_way = ["-H", "Content-Type: application/json", "-d", json];
    assert_eq!(
        vendor.curl("library", "/api/login", &other_way).status,
        429,
        "another way to the same login is no other count"
    );
    let neighbour = ["-d", "card=bibliothecaire&pin=Marque-page-1987"];
    assert_eq!(
        vendor.curl("library", "/login", &neighbour).status,
        303,
        "somebody else behind the same address"
    );
}

#[test]
fn no_answer_of_a_site_says_what_it_runs_on() {
    let vendor = vendor();
    for (tenant, broken) in BROKEN {
        for path in ["/", "/nowhere", "/healthz", broken] {
            let answer = vendor.get(tenant, path);
            for banner in ["server", "x-powered-by", "via", "x-aspnet-version"] {
                assert_eq!(answer.header(banner), None, "{tenant}{path}");
            }
        }
    }
}

#[test]
fn every_cookie_of_every_site_has_its_flags() {
    let vendor = vendor();
    for (tenant, same_site) in [("library", "Lax"), ("city", "Lax"), ("daycare", "Strict")] {
        let cookies = vendor.get(tenant, "/?lang=en");
        assert_eq!(cookies.all("set-cookie").len(), 2, "{cookies:?}");
        for cookie in cookies.all("set-cookie") {
            let attributes: Vec<_> = cookie.split("; ").skip(1).collect();
            for wanted in ["Secure", "HttpOnly", &format!("SameSite={same_site}")] {
                assert!(attributes.contains(&wanted), "{tenant}: {cookie}");
            }
        }
    }
}
