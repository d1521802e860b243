//! What the demo says first.

use std::fmt::Write as _;
use std::path::Path;

use rempart_proxy::Edge;

use super::{Running, shown};

/// The addresses, the CA, and five commands to paste.
pub(super) fn welcome(edge: &Edge, sites: &[Running], vendor: &Path) -> String {
    let port = edge.https().first().map_or(443, std::net::SocketAddr::port);
    let ca = edge.development_ca().map(shown).unwrap_or_default();
    let mut text = String::from("\nThree clients of one vendor, behind one edge:\n\n");
    for Running { site, address, .. } in sites {
        let name = site.name();
        let _ = writeln!(
            text,
            "  {name:<8} https://{name}.localhost:{port}/    bare: http://{address}/"
        );
    }
    let _ = writeln!(
        text,
        "\n  CA certificate   {ca}\n  configuration    {}\n",
        shown(vendor)
    );
    text.push_str("Worth trying, from another terminal in this directory:\n\n");
    for (number, (title, command)) in lines(port, &ca, sites).iter().enumerate() {
        let _ = writeln!(text, "  {}. {title}\n     {command}\n", number + 1);
    }
    text.push_str("Each decision of the edge is a line below. Ctrl-C ends the demo.\n\n");
    text
}

fn lines(port: u16, ca: &str, sites: &[Running]) -> [(&'static str, String); 5] {
    let curl = format!("curl -s --cacert {ca}");
    let library = format!("https://library.localhost:{port}");
    let city = format!("https://city.localhost:{port}");
    let bare = sites
        .first()
        .map(|running| running.address.to_string())
        .unwrap_or_default();
    let session = format!("$({curl} -D - -o /dev/null {library}/ | sed -n 's/.*PHPSESSID=\\([^;]*\\).*/\\1/p')");
    [
        (
            "A hardened cookie: sealed, Secure, HttpOnly, SameSite.",
            format!("{curl} -D - -o /dev/null {library}/ | grep -i set-cookie"),
        ),
        (
            "A refused host: a connection made for the library cannot ask for the city (421).",
            format!("{curl} -D - -o /dev/null -H 'Host: city.localhost:{port}' {library}/ | head -1"),
        ),
        (
            "Too many logins: 429 with Retry-After and RateLimit after the first few.",
            format!(
                "for i in 1 2 3 4 5 6 7 8; do {curl} -o /dev/null -w '%{{http_code}} ' -d card=1 -d pin=1 {library}/login; done"
            ),
        ),
        (
            "The library's session, replayed at the city: 403 cookie_foreign_tenant.",
            format!("{curl} -H 'Accept: application/json' -H \"Cookie: JSESSIONID={session}\" {city}/"),
        ),
        (
            "For comparison, the same library without the edge.",
            format!("curl -s -D - -o /dev/null http://{bare}/"),
        ),
    ]
}
