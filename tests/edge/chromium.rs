//! What leaves, in a browser: headless Chromium, which refuses a `__Host-` cookie that does not keep its promise by itself.

use std::process::Command;

use crate::support::{Stub, edge, stub};

/// Redirects on the first ask, and says what it was told on the second.
fn site(sets: &'static [&'static str], next: String) -> Stub {
    stub(move |head, stream| {
        use std::io::Write as _;
        let answer = if head.starts_with("GET /start ") {
            let sets: String = sets.iter().map(|set| format!("Set-Cookie: {set}\r\n")).collect();
            format!("HTTP/1.1 302 Found\r\nLocation: /next\r\n{sets}Content-Length: 0\r\n\r\n")
        } else {
            format!("HTTP/1.1 302 Found\r\nLocation: {next}\r\nContent-Length: 0\r\n\r\n")
        };
        stream.get_mut().write_all(answer.as_bytes()).is_ok()
    })
}

fn visit(url: &str) {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--ignore-certificate-errors",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--no-proxy-server",
        ])
        .args([
            "--host-resolver-rules=MAP *.vendor.test 127.0.0.1",
            "--timeout=20000",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(url)
        .output()
        .expect("this test needs Chromium (Debian: apt-get install chromium)");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The cookies that a stub was shown with a request whose line begins so.
fn shown(stub: &Stub, line: &str) -> String {
    let heads = stub.heads();
    let head = heads
        .iter()
        .find(|head| head.starts_with(line))
        .unwrap_or_else(|| panic!("{line}: {heads:?}"));
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    let cookies = fields.filter(|(name, _)| name.eq_ignore_ascii_case("cookie"));
    cookies
        .map(|(_, value)| value.to_owned())
        .collect::<Vec<_>>()
        .join("; ")
}

#[test]
fn a_browser_keeps_what_leaves_and_shows_it_to_nobody_else() {
    let end = Stub::fixed("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok");
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let city_url = format!("https://city.vendor.test:{port}/end");
    let library = site(
        &[
            "PHPSESSID=ab12; path=/; Domain=.vendor.test",
            "basket=full; Path=/shop",
            "odd=\"a, b\"; Path=/; Expires=Fri, 01-Jan-2055 00:00:00 GMT",
            "gone=1; Path=/; Expires=Thu, 01-Jan-1970 00:00:01 GMT",
        ],
        city_url,
    );
    let library_url = format!("https://library.vendor.test:{port}/start");
    // The neighbour is no tenant: nobody hardens what it sets for all hosts of the vendor.
    let neighbour = site(
        &[
            "PHPSESSID=tossed; Domain=vendor.test; Path=/",
            "__Host-PHPSESSID=tossed; Domain=vendor.test; Path=/; Secure",
            "theme=tossed; Domain=vendor.test; Path=/",
        ],
        library_url,
    );
    let cookies = "[cookies]\nsession = [\"PHPSESSID\"]\n[cookies.rules]\nbasket = { prefix = \"host\" }\ntheme = { prefix = \"host\" }\n";
    let edge = edge()
        .tenant("library", library.address, cookies)
        .tenant("city", end.address, cookies)
        .variable("REMPART__TENANTS__LIBRARY__HOSTS", "library.vendor.test")
        .variable("REMPART__TENANTS__CITY__HOSTS", "city.vendor.test")
        .variable("REMPART__LISTEN__HTTPS", &format!("127.0.0.1:{port}"))
        .start();
    assert_eq!(edge.https_port(), port);
    visit(&format!(
        "http://neighbour.vendor.test:{}/start",
        neighbour.address.port()
    ));
    let first = shown(&library, "GET /start ");
    assert_eq!(first, "", "what the neighbour tossed did not reach the application");
    let second = shown(&library, "GET /next ");
    let mut pairs: Vec<_> = second.split("; ").collect();
    pairs.sort_unstable();
    assert_eq!(
        pairs,
        ["PHPSESSID=ab12", "basket=full", "odd=\"a, b\""],
        "the browser kept and sent them: {second}"
    );
    assert_eq!(shown(&end, "GET /end "), "", "and not to the city");
    edge.wait_for_log("cookie_unsealed");
}

/// Tenant, login, what is typed there, where it leads, what stands there, logout, and where that leads.
const TOURS: &str = r#"[
    ["library", "/login", {"card": "29001000000017", "pin": "4821"}, "/account", "29001000000017", "/logout", "/"],
    ["city", "/intranet/login", {"user": "mairesse", "password": "Riviere-2019"}, "/intranet", "huis clos", "/intranet/logout", "/"],
    ["daycare", "/login", {"user": "admin", "password": "Bottine-2014"}, "/admin", "Administration", "/logout", "/"]
]"#;

#[test]
fn the_three_sites_log_in_browse_and_log_out_in_a_browser_with_every_session_sealed_and_renamed() {
    let vendor = crate::support::vendor();
    let said = crate::support::python(include_str!("chromium.py"), &[&vendor.https_port().to_string(), TOURS]);
    // By the device's cookie, signed and of no worth to the application, a login knows the browser the next time.
    let expected = [
        "library __Host-PHPSESSID / secure hidden Lax sealed",
        "library __Host-device / secure hidden Lax open",
        "library in and still and out",
        "city __Host-JSESSIONID / secure hidden Lax sealed",
        "city __Host-device / secure hidden Lax open",
        "city __Host-vendor_sso / secure hidden Lax sealed",
        "city in and still and out",
        "daycare __Host-ASP.NET_SessionId / secure hidden Strict sealed",
        "daycare __Host-device / secure hidden Strict open",
        "daycare in and still and out",
        "others []",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
}
