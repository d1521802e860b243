//! Every answer's header fields against a list. The list beside this file is the expectation; a field that is new, from a
//! site, a control or a library, shows up as a change of that file.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;

use crate::support::{Answer, Browser, Running, curl, python, vendor};

/// Pages of one site that are looked at; the daycare's list alone has thousands.
const PAGES: usize = 40;

/// What no answer says: what stands before the sites, and what it is made of.
const UNSAID: [&str; 5] = ["rempart", "hyper", "rust", "rustls", "tokio"];

/// The fields by which servers say what they are.
const BANNERS: [&str; 8] = [
    "server",
    "x-powered-by",
    "via",
    "x-aspnet-version",
    "x-aspnetmvc-version",
    "x-generator",
    "x-runtime",
    "x-served-by",
];

/// A site, where one logs in, the accounts, and pages that no page links to.
struct Tour {
    tenant: &'static str,
    login: &'static str,
    accounts: &'static [[(&'static str, &'static str); 2]],
    unlinked: &'static [&'static str],
}

const TOURS: [Tour; 3] = [
    Tour {
        tenant: "library",
        login: "/login",
        accounts: &[
            [("card", "29001000000017"), ("pin", "4821")],
            [("card", "bibliothecaire"), ("pin", "Marque-page-1987")],
        ],
        unlinked: &[
            "/healthz",
            "/nowhere",
            "/index.php?id='",
            "/api/titles",
            "/api/patron/loans",
            "/api/holds",
        ],
    },
    Tour {
        tenant: "city",
        login: "/intranet/login",
        accounts: &[[("user", "mairesse"), ("password", "Riviere-2019")]],
        unlinked: &[
            "/healthz",
            "/nowhere",
            "/page.do?id='",
            "/api/news",
            "/api/permits",
            "/api/permits/7",
            "/api/whoami",
            "/api/trailer",
            "/events?n=1",
            "/files/large?bytes=10",
            "/permits/7/document",
            "/ws/echo",
        ],
    },
    Tour {
        tenant: "daycare",
        login: "/login",
        accounts: &[
            [("user", "1017"), ("password", "2026-04-10")],
            [("user", "centre-017"), ("password", "Tournesol-017")],
            [("user", "admin"), ("password", "Bottine-2014")],
        ],
        unlinked: &[
            "/healthz",
            "/nowhere",
            "/file.aspx?id='",
            "/api/me",
            "/api/files",
            "/api/files/1",
            "/api/accounts",
            "/export.csv?centre=17",
        ],
    },
];

#[test]
fn every_header_field_of_every_answer_is_on_the_list() {
    let mut vendor = vendor();
    let mut seen = Seen::default();
    for tour in &TOURS {
        pages(&vendor, tour, &mut seen);
    }
    for (name, answer) in stack_refusals(&vendor) {
        assert_hardened(&answer, name);
        seen.answer("refusals", name, &answer);
    }
    for (name, answer) in front_refusals(&vendor).into_iter().chain(plain_answers(&vendor)) {
        seen.answer("refusals", name, &answer);
    }
    vendor.stop("city");
    let dead = vendor.get("city", "/");
    assert_eq!(dead.status, 502);
    assert_hardened(&dead, "502");
    seen.answer("refusals", "502", &dead);
    seen.compare();
}

#[test]
fn a_refusal_before_the_tenants_stack_is_hardened_too() {
    for (name, answer) in front_refusals(&vendor()) {
        if answer.header("content-type").is_some_and(is_read) {
            assert_hardened(&answer, name);
        }
    }
}

#[test]
fn an_answer_without_tls_promises_no_https() {
    for (name, answer) in plain_answers(&vendor()) {
        // RFC 6797 section 7.2: not over plain HTTP, where anybody could have written it.
        assert_eq!(answer.header("strict-transport-security"), None, "{name}");
    }
}

/// Fields, and in what kind of answer each came.
#[derive(Default)]
struct Seen(BTreeMap<String, BTreeSet<&'static str>>);

impl Seen {
    /// Notes the fields of an answer, after a look at what every answer must have and must not.
    fn answer(&mut self, kind: &'static str, name: &str, answer: &Answer) {
        for (field, value) in &answer.headers {
            assert!(!BANNERS.contains(&field.as_str()), "{kind} {name}: {field}: {value}");
            assert_unsaid(&format!("{field}: {value}"), &format!("{kind} {name}"));
            self.0.entry(field.clone()).or_default().insert(kind);
        }
        assert_unsaid(&answer.body, &format!("{kind} {name}"));
    }

    fn compare(&self) {
        let mut list = String::from("# field                     in answers of\n");
        for (field, kinds) in &self.0 {
            let kinds: Vec<_> = kinds.iter().copied().collect();
            let _ = writeln!(list, "{field:<27} {}", kinds.join(" "));
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/edge/answers.txt");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(path, &list).unwrap();
        }
        let expected = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            list == expected,
            "run again with UPDATE_EXPECT=1 if this is right:\n{list}"
        );
    }
}

/// Fails when one of the unsaid words stands in a text as a word of its own.
fn assert_unsaid(text: &str, place: &str) {
    let text = text.to_lowercase();
    for word in text.split(|c: char| !c.is_alphanumeric()) {
        assert!(!UNSAID.contains(&word), "{place} says {word:?}: {text}");
    }
}

/// Whether a media type is one that browsers show or programs parse.
fn is_read(kind: &str) -> bool {
    kind.contains("html") || kind.contains("json")
}

fn assert_hardened(answer: &Answer, place: &str) {
    let has = |field: &str, part: &str| answer.header(field).is_some_and(|value| value.contains(part));
    assert!(has("strict-transport-security", "max-age="), "{place}: {answer:?}");
    assert!(has("x-content-type-options", "nosniff"), "{place}: {answer:?}");
    assert!(
        has("content-security-policy", "frame-ancestors "),
        "{place}: {answer:?}"
    );
    assert!(has("referrer-policy", ""), "{place}: {answer:?}");
}

/// Follows the links of a site from its home page, as a stranger and then under each account.
fn pages(edge: &Running, tour: &Tour, seen: &mut Seen) {
    let strangers = Browser::new(edge);
    crawl(&strangers, tour, "/", PAGES / 4, seen);
    for account in tour.accounts {
        let person = Browser::new(edge);
        let entered = person.post(tour.tenant, tour.login, account);
        assert!([302, 303].contains(&entered.status), "{}: {entered:?}", tour.tenant);
        seen.answer(tour.tenant, tour.login, &entered);
        let home = entered.header("location").unwrap();
        crawl(&person, tour, home, PAGES * 3 / 4 / tour.accounts.len(), seen);
        let left = person.get(tour.tenant, home);
        assert_eq!(left.status, 200, "{} {home} is still open to the person", tour.tenant);
    }
}

fn crawl(browser: &Browser<'_>, tour: &Tour, home: &str, most: usize, seen: &mut Seen) {
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut waiting: VecDeque<String> = [home, tour.login].map(str::to_owned).into();
    waiting.extend(tour.unlinked.iter().map(|path| (*path).to_owned()));
    let most = most + waiting.len();
    while let Some(path) = waiting.pop_front().filter(|_| known.len() < most) {
        if !known.insert(path.clone()) {
            continue;
        }
        let answer = browser.get(tour.tenant, &path);
        seen.answer(tour.tenant, &path, &answer);
        assert_hardened(&answer, &path);
        let redirect = answer.header("location").map(str::to_owned);
        waiting.extend(links(&answer.body).into_iter().chain(redirect));
    }
    assert!(known.len() > tour.unlinked.len() + 2, "{} has no links", tour.tenant);
}

/// The links to pages of the same host.
fn links(page: &str) -> Vec<String> {
    let attributes = page.split("href=\"").skip(1);
    attributes
        .filter_map(|rest| rest.split('"').next())
        .filter(|link| link.starts_with('/') && !link.starts_with("//"))
        // The whole list, for an administrator: one centre's part of it is on the tour.
        .filter(|link| !link.starts_with("/export."))
        .map(|link| link.replace("&amp;", "&"))
        .collect()
}

/// Each way in which a tenant's stack says no while the sites are well.
fn stack_refusals(edge: &Running) -> Vec<(&'static str, Answer)> {
    let neighbour = Browser::new(edge);
    neighbour.get("library", "/");
    let foreign = format!(
        "Cookie: __Host-JSESSIONID={}",
        neighbour.cookie("__Host-PHPSESSID").unwrap()
    );
    let login = |accept: &str| edge.curl("city", "/intranet/login", &["-d", "user=x", "-H", accept]);
    (0..5).for_each(|_| drop(login(HTML)));
    expect(vec![
        ("403", 403, edge.curl("city", "/", &["-H", &foreign])),
        ("403 json", 403, edge.curl("city", "/", &["-H", &foreign, "-H", JSON])),
        ("429", 429, login(HTML)),
        ("429 json", 429, login(JSON)),
    ])
}

/// Each way in which the edge says no before it is a tenant's.
fn front_refusals(edge: &Running) -> Vec<(&'static str, Answer)> {
    let city = format!("Host: city.localhost:{}", edge.https_port());
    let long = format!("X-Long: {}", "a".repeat(100_000));
    expect(vec![
        ("404", 404, edge.curl("library", "/", &["-H", "Host: nobody.localhost"])),
        ("403 host", 403, edge.curl("library", "/", &["--http1.1", "-H", &city])),
        ("421", 421, edge.curl("library", "/", &["--http2", "-H", &city])),
        (
            "421 json",
            421,
            edge.curl("library", "/", &["--http2", "-H", &city, "-H", JSON]),
        ),
        ("405", 405, edge.curl("city", "/", &["-X", "TRACE"])),
        (
            "431",
            431,
            edge.curl("city", "/", &["--http1.1", "-H", &long, "-H", &long, "-H", &long]),
        ),
        ("431", 431, edge.curl("city", "/", &["--http2", "-H", &long[..50_000]])),
        ("400", 400, garbled(edge)),
    ])
}

/// What the listener without TLS answers.
fn plain_answers(edge: &Running) -> Vec<(&'static str, Answer)> {
    expect(vec![
        ("308, plain", 308, plain(edge, "library.localhost")),
        ("404, plain", 404, plain(edge, "nobody.localhost")),
    ])
}

fn expect(answers: Vec<(&'static str, u16, Answer)>) -> Vec<(&'static str, Answer)> {
    let checked = answers.into_iter().map(|(name, status, answer)| {
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        (name, answer)
    });
    checked.collect()
}

const HTML: &str = "Accept: text/html";
const JSON: &str = "Accept: application/json";

/// Asks the listener without TLS.
fn plain(edge: &Running, host: &str) -> Answer {
    let url = format!("http://{host}:{}/", edge.http_port());
    curl(["--resolve", &format!("{host}:{}:127.0.0.1", edge.http_port()), &url])
}

/// Says something that is no HTTP.
fn garbled(edge: &Running) -> Answer {
    let said = python(
        r#"
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
tls = context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))), server_hostname="city.localhost")
tls.sendall(b"GET / HTTP/1.1\r\nHost: city.localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")
data = b""
while piece := tls.recv(65536): data += piece
sys.stdout.buffer.write(data)
"#,
        &[&edge.https_port().to_string(), edge.ca().to_str().unwrap()],
    );
    Answer::parse(&said)
}
