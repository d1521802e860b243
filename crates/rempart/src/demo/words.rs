//! What the demo says first.

use std::fmt::Write as _;
use std::path::Path;

use rempart_example_sites::{Site, city, daycare, library};
use rempart_proxy::Edge;

use super::{Running, shown};

/// The addresses, the CA, and five commands to paste.
pub(super) fn welcome(edge: &Edge, sites: &[Running], vendor: &Path) -> String {
    let port = edge.https().first().map_or(443, std::net::SocketAddr::port);
    let ca = edge.development_ca().map(shown).unwrap_or_default();
    let mut text = String::from(
        "\nThree clients of one vendor, behind one edge. All of it runs on this machine; all of the data is invented.\n\n",
    );
    for Running { site, address, .. } in sites {
        let (name, (path, user, password)) = (site.name(), account(*site));
        let _ = writeln!(text, "  {name:<8} https://{name}.localhost:{port}/");
        let _ = writeln!(text, "           log in at {path} with {user} and {password}");
        let _ = writeln!(text, "           without the edge: http://{address}/");
    }
    let _ = writeln!(
        text,
        "\nThe certificates are the demo's own. A browser warns of them: go on. curl is told to trust their CA:\n  {ca}\n\
         The edge is configured by the files in\n  {}\n",
        shown(vendor)
    );
    text.push_str("Worth trying, from another terminal in this directory:\n\n");
    for (number, (title, command)) in lines(port, &ca, sites).iter().enumerate() {
        let _ = writeln!(text, "  {}. {title}\n     {command}\n", number + 1);
    }
    text.push_str("From here on, each line is a decision of the edge, as it happens. Ctrl-C ends the demo.\n\n");
    text
}

/// Where one logs in at a site, and as whom.
const fn account(site: Site) -> (&'static str, &'static str, &'static str) {
    match site {
        Site::Library => ("/login", library::DEMO_CARD, library::DEMO_PIN),
        Site::City => ("/intranet", city::INTRANET[0].0, city::INTRANET[0].1),
        Site::Daycare => ("/login", daycare::CENTRE_17.0, daycare::CENTRE_17.1),
    }
}

fn lines(port: u16, ca: &str, sites: &[Running]) -> [(&'static str, String); 5] {
    let curl = format!("curl -s --cacert {ca}");
    let status = format!("{curl} -o /dev/null -w '%{{http_code}} '");
    let library = format!("https://library.localhost:{port}");
    let city = format!("https://city.localhost:{port}");
    let bare = sites
        .first()
        .map(|running| running.address.to_string())
        .unwrap_or_default();
    let session = format!("$({curl} -D - -o /dev/null {library}/ | sed -n 's/.*PHPSESSID=\\([^;]*\\).*/\\1/p')");
    [
        (
            "The library's session cookie, hardened: its value is sealed, and it is Secure, HttpOnly and SameSite.",
            format!("{curl} -D - -o /dev/null {library}/ | grep -i set-cookie"),
        ),
        (
            "A connection made for the library asks for the city: 421, and the city never hears of it.",
            format!("{curl} -D - -o /dev/null -H 'Host: city.localhost:{port}' {library}/ | head -1"),
        ),
        (
            "Eight wrong PINs in a row: the library says 401, more and more slowly, then the edge says 429. Another patron, \
             behind the same address, gets in: 303.",
            format!(
                "for i in 1 2 3 4 5 6 7 8; do {status} -d card=1 -d pin=$i {library}/login; done; {status} -d card={} -d pin={} {library}/login; echo",
                library::DEMO_CARD,
                library::DEMO_PIN
            ),
        ),
        (
            "The library's session, shown to the city: 403, cookie_foreign_tenant.",
            format!("{curl} -H 'Accept: application/json' -H \"Cookie: __Host-JSESSIONID={session}\" {city}/"),
        ),
        (
            "For comparison, the same library without the edge: a bare cookie, and banners with old versions.",
            format!("curl -s -D - -o /dev/null http://{bare}/"),
        ),
    ]
}
