//! The three example sites behind the edge, unchanged, with the files of `examples/vendor`: a person who uses them sees
//! nothing of the edge but what it is there for.

mod flaws;
mod streams;

use crate::support::{Browser, Stub, curl, python, vendor, vendor_with};

const CARD: &str = "29001000000017";
const PIN: &str = "4821";
const MAYOR: [(&str, &str); 2] = [("user", "mairesse"), ("password", "Riviere-2019")];

#[test]
fn a_patron_comes_in_renews_a_loan_and_leaves() {
    let vendor = vendor();
    let patron = Browser::new(&vendor);
    let found = patron.get("library", "/search?q=rivi%C3%A8re");
    assert!(found.status == 200 && found.body.contains("Suivante"), "{found:?}");
    let refused = patron.post("library", "/login", &[("card", CARD), ("pin", "0000")]);
    assert!(
        refused.status == 401 && refused.body.contains("Identifiants refusés"),
        "{refused:?}"
    );
    assert_eq!(patron.get("library", "/account").header("location"), Some("/login"));
    let entered = patron.post("library", "/login", &[("card", CARD), ("pin", PIN)]);
    assert_eq!((entered.status, entered.header("location")), (303, Some("/account")));
    let account = patron.get("library", "/account").body;
    assert!(
        account.contains(CARD) && account.matches("/renew\"").count() == 4,
        "{account}"
    );
    let form = account
        .split("action=\"")
        .find(|form| form.contains("/renew\""))
        .unwrap();
    let renewed = patron.post("library", form.split('"').next().unwrap(), &[]);
    assert_eq!((renewed.status, renewed.header("location")), (303, Some("/account")));
    assert_eq!(patron.post("library", "/logout", &[]).status, 303);
    assert_eq!(patron.get("library", "/account").header("location"), Some("/login"));
}

#[test]
fn a_librarian_sees_the_patrons_and_a_patron_does_not() {
    let vendor = vendor();
    let (librarian, patron) = (Browser::new(&vendor), Browser::new(&vendor));
    let staff = [("card", "bibliothecaire"), ("pin", "Marque-page-1987")];
    let entered = librarian.post("library", "/login", &staff);
    assert_eq!(entered.header("location"), Some("/patrons"));
    assert!(
        librarian
            .get("library", "/patrons?page=2")
            .body
            .contains("data-patron=\"41\"")
    );
    patron.post("library", "/login", &[("card", CARD), ("pin", PIN)]);
    assert_eq!(patron.get("library", "/patrons").status, 403);
}

#[test]
fn the_librarys_telephone_application_works_with_json() {
    let vendor = vendor();
    let phone = Browser::new(&vendor);
    let json = |method: &str, path: &str, body: &str| {
        let arguments = ["-X", method, "-H", "Content-Type: application/json", "-d", body];
        phone.curl("library", path, &arguments)
    };
    let entered = json("POST", "/api/login", r#"{"card":"29001000000017","pin":"4821"}"#);
    assert_eq!((entered.status, entered.body.as_str()), (200, r#"{"role":"patron"}"#));
    let held = json("POST", "/api/holds", r#"{"title":1804}"#);
    assert_eq!(held.status, 201, "{held:?}");
    let id = held.body.split("\"id\":").nth(1).unwrap().split(',').next().unwrap();
    let gone = json("DELETE", &format!("/api/holds/{id}"), "");
    assert_eq!((gone.status, gone.body.as_str()), (204, ""));
    assert_eq!(json("DELETE", &format!("/api/holds/{id}"), "").status, 404);
}

#[test]
fn a_resident_reads_the_news_in_the_language_that_was_chosen() {
    let vendor = vendor();
    let resident = Browser::new(&vendor);
    assert!(resident.get("city", "/").body.contains("Bienvenue chez vous"));
    assert!(
        resident
            .get("city", "/page.do?id=3&lang=en")
            .body
            .contains("Leaf collection")
    );
    assert!(
        resident.get("city", "/news/3").body.contains("Leaf collection"),
        "the choice is a cookie that is not sealed"
    );
    assert_eq!(resident.cookie("lang").as_deref(), Some("en"));
    for path in ["/services", "/permits", "/permits?page=2", "/permits/new"] {
        assert_eq!(resident.get("city", path).status, 200, "{path}");
    }
    assert_eq!(resident.get("city", "/news/6").status, 404);
}

#[test]
fn a_permits_plan_comes_back_byte_for_byte() {
    let vendor = vendor();
    let folder = tempfile::tempdir().unwrap();
    let (sent, received) = (folder.path().join("plan d'été.png"), folder.path().join("received"));
    let plan: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 253) as u8).collect();
    std::fs::write(&sent, &plan).unwrap();
    for (protocol, number) in [("--http1.1", 49), ("--http2", 50)] {
        let document = format!("document=@{};type=image/png", sent.display());
        let form = ["-F", "applicant=Zoé Côté", "-F", "kind=Galerie", "-F", &document];
        let resident = Browser::new(&vendor);
        let asked = resident.curl("city", "/permits", &[&[protocol][..], &form].concat());
        let page = format!("/permits/{number}");
        assert_eq!((asked.status, asked.header("location")), (303, Some(page.as_str())));
        assert!(resident.get("city", &page).body.contains("Zoé Côté"));
        let given = resident.curl(
            "city",
            &format!("{page}/document"),
            &[protocol, "-D", "-", "-o", received.to_str().unwrap(), "--no-include"],
        );
        assert_eq!(given.header("content-type"), Some("image/png"));
        assert!(
            given.header("content-disposition").unwrap().contains("t%C3%A9.png"),
            "{given:?}"
        );
        assert!(
            std::fs::read(&received).unwrap() == plan,
            "{protocol}: other bytes came back"
        );
    }
}

#[test]
fn a_councillor_comes_in_and_leaves() {
    let vendor = vendor();
    let councillor = Browser::new(&vendor);
    assert_eq!(
        councillor.get("city", "/intranet").header("location"),
        Some("/intranet/login")
    );
    let wrong = [("user", "mairesse"), ("password", "Riviere-2020")];
    let refused = councillor.post("city", "/intranet/login", &wrong);
    assert_eq!(refused.header("location"), Some("/intranet/login?error=1"));
    let entered = councillor.post("city", "/intranet/login", &MAYOR);
    assert_eq!((entered.status, entered.header("location")), (302, Some("/intranet")));
    assert!(councillor.get("city", "/intranet").body.contains("huis clos"));
    let left = councillor.post("city", "/intranet/logout", &[]);
    assert_eq!(left.status, 302);
    assert_eq!(
        councillor.cookie("__Host-vendor_sso"),
        None,
        "the deletion reached the jar: {left:?}"
    );
    assert_eq!(
        councillor.get("city", "/intranet").header("location"),
        Some("/intranet/login")
    );
}

#[test]
fn the_citys_cookie_for_all_the_vendors_clients_stays_in_the_city() {
    let library = Stub::fixed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let vendor = vendor_with(&[("library", library.address)]);
    let bare = format!("http://{}/intranet/login", vendor.bare("city"));
    let bare = curl(["-d", "user=mairesse&password=Riviere-2019", bare.as_str()]);
    assert!(
        bare.all("set-cookie")
            .iter()
            .any(|cookie| cookie.ends_with("; Domain=localhost; Path=/")),
        "the site has its flaw: {bare:?}"
    );
    let councillor = Browser::new(&vendor);
    let entered = councillor.post("city", "/intranet/login", &MAYOR);
    for cookie in entered.all("set-cookie") {
        let lower = cookie.to_lowercase();
        assert!(!lower.contains("domain"), "{cookie}");
        for attribute in ["; secure", "; httponly", "; samesite=lax"] {
            assert!(lower.contains(attribute), "{cookie}");
        }
    }
    let kept = councillor.cookies();
    let sso = kept.iter().find(|cookie| cookie[5] == "__Host-vendor_sso").unwrap();
    assert_eq!((sso[0].as_str(), sso[1].as_str()), ("city.localhost", "FALSE"));
    assert_eq!(councillor.get("library", "/").status, 200);
    let seen = library.heads().concat();
    assert!(
        seen.starts_with("GET / HTTP/1.1") && !seen.to_lowercase().contains("cookie"),
        "{seen}"
    );
    let alone = councillor.cookie("__Host-vendor_sso").unwrap();
    let alone = format!("Cookie: __Host-vendor_sso={alone}");
    assert!(
        vendor
            .curl("city", "/intranet", &["-H", &alone])
            .body
            .contains("huis clos"),
        "in the city it is as good as before"
    );
}

#[test]
fn pythons_cookie_jar_takes_a_parent_a_centre_and_an_administrator_through_the_waiting_list() {
    let vendor = vendor();
    let said = python(
        r#"
import http.cookiejar, ssl, sys, urllib.error, urllib.parse, urllib.request
context = ssl.create_default_context(cafile=sys.argv[2])
base = "https://daycare.localhost:" + sys.argv[1]
class Person:
    def __init__(self):
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self.jar), urllib.request.HTTPSHandler(context=context))
    def ask(self, path, **form):
        data = urllib.parse.urlencode(form).encode() if form else None
        try:
            answer = self.opener.open(base + path, data)
        except urllib.error.HTTPError as error:
            answer = error
        return answer.status, answer.url.removeprefix(base), answer.read().decode()
    def enter(self, user, password):
        return self.ask("/login", user=user, password=password)

parent = Person()
print("parent", parent.enter("1017", "2026-04-11")[:2])
status, at, page = parent.enter("1017", "2026-04-10")
print("parent", status, at, 'data-file="1017"' in page)
print("parent", parent.ask("/list")[0], parent.ask("/admin")[0])
print("cookie", [(c.name, c.domain, c.secure, c.has_nonstandard_attr("HttpOnly")) for c in parent.jar])

centre = Person()
status, at, page = centre.enter("centre-017", "Tournesol-017")
print("centre", status, at, "CPE " in page)
total = int("".join(filter(str.isdigit, page.split('<p class="muted">')[1].split("<")[0])))
lines = centre.ask("/export.csv")[2].splitlines()
print("export", lines[0][:20], len(lines) == total + 1, all(line.endswith(",17") for line in lines[1:]))

admin = Person()
print("admin", admin.enter("admin", "Bottine-2014")[:2], admin.ask("/admin/accounts")[2].count("data-account"))
print("admin", admin.ask("/logout", bye="1")[:2], admin.ask("/admin")[:2])
"#,
        &[&vendor.https_port().to_string(), vendor.ca().to_str().unwrap()],
    );
    let expected = [
        "parent (401, '/login')",
        "parent 200 /my-file True",
        "parent 403 403",
        "cookie [('__Host-ASP.NET_SessionId', 'daycare.localhost', True, True), \
         ('__Host-device', 'daycare.localhost', True, True)]",
        "centre 200 /list True",
        "export id,child_first_name, True True",
        "admin (200, '/admin') 242",
        "admin (200, '/') (200, '/login')",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
}
