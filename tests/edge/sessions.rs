//! Login sessions through the built binary, with the example sites as they are: limits, logins, kills, and what outlives the
//! edge. These applications have no end for a session, and keep its number through a login.

use std::fs;
use std::io::Write as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Answer, Browser, Running, Stub, edge, python, site, stub, vendor};

const PATRON: [(&str, &str); 2] = [("card", "29001000000017"), ("pin", "4821")];
const PARENT: [(&str, &str); 2] = [("user", "1017"), ("password", "2026-04-10")];
const MAYOR: [(&str, &str); 2] = [("user", "mairesse"), ("password", "Riviere-2019")];

/// The library's login, and what else its file says of sessions.
fn library(more: &str) -> String {
    format!(
        "[cookies]\nsession = [\"PHPSESSID\"]\n[sessions]\ncookie = \"PHPSESSID\"\nlogin = [\"POST /login\"]\n\
         logout = [\"POST /logout\"]\n{more}"
    )
}

fn enter<'a>(edge: &'a Running, tenant: &str, account: &[(&str, &str)]) -> Browser<'a> {
    let browser = Browser::new(edge);
    browser.get(tenant, "/login");
    let entered = browser.post(tenant, "/login", account);
    assert_eq!(entered.status, 303, "{entered:?}");
    browser
}

/// The cookies of a browser as a thief or another process would send them.
fn copy(browser: &Browser<'_>) -> String {
    let cookies: Vec<_> = browser
        .cookies()
        .iter()
        .map(|cookie| format!("{}={}", cookie[5], cookie[6]))
        .collect();
    format!("Cookie: {}", cookies.join("; "))
}

fn is_in(answer: &Answer) -> bool {
    assert!([200, 302, 303].contains(&answer.status), "{answer:?}");
    answer.status == 200
}

fn listed(edge: &Running, tenant: &str) -> Vec<Value> {
    let said = edge.rempart(&["session", "list", "--format", "json", "--tenant", tenant]);
    assert_eq!(said.status, Some(0), "{said:?}");
    serde_json::from_str(&said.stdout).unwrap()
}

#[test]
fn the_example_sites_are_watched_from_login_to_logout() {
    let vendor = vendor();
    for (tenant, login, account, page, logout) in [
        ("library", "/login", &PATRON, "/account", "/logout"),
        ("city", "/intranet/login", &MAYOR, "/intranet", "/intranet/logout"),
        ("daycare", "/login", &PARENT, "/my-file", "/logout"),
    ] {
        let person = Browser::new(&vendor);
        person.get(tenant, login);
        let planted = copy(&person);
        person.post(tenant, login, account);
        assert!(is_in(&person.get(tenant, page)), "{tenant}");
        let with_planted = vendor.curl(tenant, page, &["-H", &planted]);
        assert!(
            !is_in(&with_planted),
            "{tenant}: the session from before the login is worth nothing: {with_planted:?}"
        );
        assert!(
            is_in(&person.get(tenant, page)),
            "{tenant}: and the person is not thrown out by who tries it"
        );
        assert_eq!(listed(&vendor, tenant).len(), 1);
        let stolen = copy(&person);
        let left = person.post(tenant, logout, &[]);
        assert_eq!(
            left.header("clear-site-data"),
            Some("\"storage\""),
            "{tenant}: {left:?}"
        );
        assert!(!is_in(&vendor.curl(tenant, page, &["-H", &stolen])), "{tenant}");
        assert!(listed(&vendor, tenant).is_empty());
    }
}

#[test]
fn a_session_ends_when_nobody_uses_it_and_at_its_time_however_busy() {
    let library_site = site("library");
    let edge = edge()
        .tenant(
            "library",
            library_site.address,
            &library("idle = \"3s\"\nabsolute = \"9s\"\n"),
        )
        .start();
    let (busy, idle) = (enter(&edge, "library", &PATRON), enter(&edge, "library", &PATRON));
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(5) {
        assert!(is_in(&busy.get("library", "/account")), "{}", edge.log());
        sleep(Duration::from_millis(400));
    }
    assert!(!is_in(&idle.get("library", "/account")));
    edge.wait_for_log("session_idle");
    while begun.elapsed() < Duration::from_millis(9_500) {
        busy.get("library", "/account");
        sleep(Duration::from_millis(400));
    }
    assert!(!is_in(&busy.get("library", "/account")));
    edge.wait_for_log("session_expired");
    assert!(
        is_in(&enter(&edge, "library", &PATRON).get("library", "/account")),
        "whoever logs in again is in"
    );
}

#[test]
fn a_kill_takes_effect_in_under_a_second_on_running_connections_and_at_one_tenant_only() {
    let vendor = vendor();
    let said = python(
        r#"
import http.client, ssl, subprocess, sys, time, urllib.parse
port, ca, program, directory = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
class Person:
    def __init__(self, tenant, page, **account):
        self.page, self.connection = page, http.client.HTTPSConnection(tenant + ".localhost", int(port), context=context)
        self.cookies, self.made = {}, 0
        self.ask("GET", "/login")
        self.ask("POST", "/login", urllib.parse.urlencode(account))
        self.socket = self.connection.sock
        assert self.is_in()
    def ask(self, method, path, body=None):
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        if body: headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        answer.read()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, value = line.split(";")[0].split("=", 1)
            self.cookies[name] = value
        return answer
    def is_in(self):
        return self.ask("GET", self.page).status == 200
patrons = [Person("library", "/account", card="29001000000017", pin="4821") for _ in range(4)]
parents = [Person("daycare", "/my-file", user="1017", password="2026-04-10") for _ in range(2)]
begun = time.monotonic()
kill = subprocess.run([program, "session", "kill", "--tenant", "library", "--all", "--config", directory],
                      capture_output=True, text=True)
still = sum(patron.is_in() for patron in patrons)
took = time.monotonic() - begun
print(kill.returncode, kill.stdout.strip() or kill.stderr.strip())
print("still in", still, "of", len(patrons), "same connections", all(p.connection.sock is p.socket for p in patrons))
print("in time", took < 1 or took)
print("parents", [parent.is_in() for parent in parents], [parent.connection.sock is parent.socket for parent in parents])
"#,
        &[
            &vendor.https_port().to_string(),
            vendor.ca().to_str().unwrap(),
            env!("CARGO_BIN_EXE_rempart"),
            vendor.directory().to_str().unwrap(),
        ],
    );
    let expected = [
        "0 ended: every session of library, 4 of them known",
        "still in 0 of 4 same connections True",
        "in time True",
        "parents [True, True] [True, True]",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_kill_and_a_logout_outlive_an_edge_that_is_killed_itself() {
    let library_site = site("library");
    let mut first = edge().tenant("library", library_site.address, &library("")).start();
    let [killed, left, staying] = [0; 3].map(|_| copy(&enter(&first, "library", &PATRON)));
    let account = |edge: &Running, cookie: &String| edge.curl("library", "/account", &["-H", cookie]);
    first.curl("library", "/logout", &["-X", "POST", "-H", &left]);
    // What a logout leaves is written within a second.
    let file = first.directory().join("state/sessions/library.json");
    let begun = Instant::now();
    while !fs::read_to_string(&file).unwrap_or_default().contains("logged_out") {
        assert!(begun.elapsed() < Duration::from_secs(10), "{}", first.log());
        sleep(Duration::from_millis(20));
    }
    account(&first, &killed);
    // The newest of the three that was used.
    let number = listed(&first, "library")[0]["id"].as_str().unwrap().to_owned();
    let said = first.rempart(&["session", "kill", "--tenant", "library", "--id", &number]);
    assert_eq!(said.status, Some(0), "{said:?}");
    first.signal("KILL");
    first.wait();
    let second = first.again();
    let still: Vec<_> = [&killed, &left, &staying]
        .map(|cookie| is_in(&account(&second, cookie)))
        .into();
    assert!(!still[1], "who had logged out");
    assert_eq!(
        still.iter().filter(|still| **still).count(),
        1,
        "one was killed, one had left: {still:?}"
    );
    let said = second.rempart(&["session", "kill", "--tenant", "library", "--all"]);
    assert_eq!(said.status, Some(0), "{said:?}");
    let third = second.restart();
    assert!(
        [&killed, &left, &staying]
            .iter()
            .all(|cookie| !is_in(&account(&third, cookie)))
    );
}

#[test]
fn a_reload_logs_nobody_in_or_out() {
    let library_site = site("library");
    let edge = edge().tenant("library", library_site.address, &library("")).start();
    let file = fs::read_to_string(edge.directory().join("tenants.d/library.toml")).unwrap();
    let (staying, killed) = (enter(&edge, "library", &PATRON), enter(&edge, "library", &PATRON));
    assert!(is_in(&killed.get("library", "/account")));
    let number = listed(&edge, "library")[0]["id"].as_str().unwrap().to_owned();
    let killed = copy(&killed);
    staying.get("library", "/account");
    edge.rempart(&["session", "kill", "--tenant", "library", "--id", &number]);
    for more in [
        "idle = \"20m\"\n",
        "per_account = 3\n",
        "enforcement = \"report\"\n",
        "",
    ] {
        edge.rewrite("tenants.d/library.toml", &format!("{file}{more}"));
        let said = edge.rempart(&["reload"]);
        assert_eq!(said.status, Some(0), "{said:?}");
        assert!(is_in(&staying.get("library", "/account")), "{more}");
        let killed = edge.curl("library", "/account", &["-H", &killed]);
        assert_eq!(is_in(&killed), more.contains("report"), "{more}");
    }
}

#[test]
fn a_ticket_of_another_cookie_ends_with_its_session() {
    let vendor = vendor();
    let mayor = Browser::new(&vendor);
    mayor.get("city", "/intranet/login");
    mayor.post("city", "/intranet/login", &MAYOR);
    assert!(is_in(&mayor.get("city", "/intranet")));
    let ticket = mayor
        .cookies()
        .into_iter()
        .find(|cookie| cookie[5].ends_with("vendor_sso"))
        .unwrap();
    let ticket = format!("Cookie: {}={}", ticket[5], ticket[6]);
    assert!(
        is_in(&vendor.curl("city", "/intranet", &["-H", &ticket])),
        "it lets in by itself"
    );
    let number = listed(&vendor, "city")[0]["id"].as_str().unwrap().to_owned();
    mayor.get("city", "/intranet");
    vendor.rempart(&["session", "kill", "--tenant", "city", "--id", &number]);
    assert!(!is_in(&vendor.curl("city", "/intranet", &["-H", &ticket])));
    assert!(!is_in(&mayor.get("city", "/intranet")));
}

/// An application that says whose session it is.
fn naming() -> Stub {
    stub(|head, stream| {
        let account = head.lines().find_map(|line| line.strip_prefix("x-as: "));
        let seen = head
            .lines()
            .find(|line| line.to_ascii_lowercase().starts_with("cookie:"))
            .unwrap_or("none");
        let mut answer = "HTTP/1.1 200 OK\r\n".to_owned();
        if !seen.contains("sid=") {
            answer += "Set-Cookie: sid=abc; Path=/\r\n";
        }
        if let Some(account) = account {
            answer += &format!("X-Rempart-Account: {account}\r\n");
        }
        answer += &format!("Content-Length: {}\r\n\r\n{seen}", seen.len());
        stream.get_mut().write_all(answer.as_bytes()).is_ok()
    })
}

#[test]
fn an_account_has_as_many_sessions_as_it_may_and_its_name_stays_inside() {
    let app = naming();
    let more =
        "[cookies]\nsession = [\"sid\"]\n[sessions]\ncookie = \"sid\"\nper_account = 2\nlogin = [\"POST /login\"]\n";
    let edge = edge().tenant("library", app.address, more).start();
    let login = |account: &str| {
        let browser = Browser::new(&edge);
        browser.get("library", "/");
        let header = format!("x-as: {account}");
        let answer = browser.curl("library", "/login", &["-X", "POST", "-H", &header]);
        assert_eq!(answer.header("x-rempart-account"), None);
        sleep(Duration::from_millis(20));
        browser
    };
    let people = [login("17"), login("17"), login("18"), login("17")];
    let ins = people
        .each_ref()
        .map(|browser| browser.get("library", "/").body.contains("sid=abc"));
    assert_eq!(ins, [false, true, true, true], "{}", edge.log());
    let of = |account: &str| {
        let said = edge.rempart(&["session", "list", "--tenant", "library", "--account", account]);
        assert_eq!(said.status, Some(0));
        said.stdout.lines().count()
    };
    assert_eq!((of("17"), of("18")), (2, 1));
    let said = edge.rempart(&["session", "kill", "--tenant", "library", "--account", "17"]);
    assert_eq!(
        said.stdout, "ended: every session of \"17\" at library, 2 of them known\n",
        "{said:?}"
    );
    let ins = people
        .each_ref()
        .map(|browser| browser.get("library", "/").body.contains("sid=abc"));
    assert_eq!(
        ins,
        [true, false, true, false],
        "who had been put out before has a session of nobody's by now"
    );
}

#[test]
fn what_cannot_be_killed_is_said() {
    let app = naming();
    let edge = edge().tenant("library", app.address, "").start();
    let kill = |arguments: &[&str]| edge.rempart(&[&["session", "kill"], arguments].concat());
    for (arguments, words) in [
        (&["--tenant", "museum", "--all"][..], "there is no tenant \"museum\""),
        (
            &["--tenant", "library", "--id", "0a1b2c3d"],
            "no session has a number that begins with \"0a1b2c3d\"",
        ),
        (
            &["--tenant", "library", "--id", "xyz"],
            "is not the beginning of a number",
        ),
        (
            &["--tenant", "library"],
            "the following required arguments were not provided",
        ),
        (
            &["--tenant", "library", "--all", "--account", "17"],
            "cannot be used with",
        ),
    ] {
        let said = kill(arguments);
        assert_eq!(said.status, Some(2), "{said:?}");
        assert!(said.stderr.contains(words), "{said:?}");
    }
    let said = edge.rempart(&["session", "list", "--tenant", "library"]);
    assert_eq!(
        (said.status, said.stdout.as_str()),
        (Some(0), "[sessions] is off at this tenant: nobody watches\n")
    );
}

#[test]
fn a_session_that_another_program_goes_on_with_under_the_same_name_is_told() {
    let log = curl_and_then_python("");
    assert_eq!(log.matches("session_moved").count(), 1, "{log}");
    assert!(log.contains("from the TLS handshake "), "{log}");
}

#[test]
fn the_handshake_of_a_trusted_proxy_is_nobodys() {
    let log = curl_and_then_python("[client]\ntrusted_proxies = [\"127.0.0.0/8\"]\n");
    assert!(!log.contains("session_moved"), "{log}");
}

/// One session in two programs that say to be the same browser, at an edge with more in its own file; what the edge has told.
fn curl_and_then_python(more: &str) -> String {
    let library_site = site("library");
    let bound = library("bind = [\"network\", \"browser\", \"tls\"]\n");
    let mut edge = edge()
        .vendor(more)
        .tenant("library", library_site.address, &bound)
        .start();
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0";
    let patron = Browser::new(&edge);
    let mut login = vec!["-A", agent, "--data-urlencode", "card=29001000000017"];
    login.extend(["--data-urlencode", "pin=4821"]);
    patron.curl("library", "/login", &["-A", agent]);
    assert_eq!(patron.curl("library", "/login", &login).status, 303);
    for version in ["--http1.1", "--http2", "--http1.1"] {
        assert!(is_in(&patron.curl("library", "/account", &["-A", agent, version])));
    }
    assert!(
        !edge.log().contains("session_moved"),
        "the same program, whatever it speaks: {}",
        edge.log()
    );
    let cookie = copy(&patron);
    let said = python(
        r#"
import http.client, ssl, sys
port, ca, agent, cookie = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
connection = http.client.HTTPSConnection("library.localhost", int(port), context=context)
connection.request("GET", "/account", headers={"User-Agent": agent, "Cookie": cookie.removeprefix("Cookie: ")})
print(connection.getresponse().status)
"#,
        &[
            &edge.https_port().to_string(),
            edge.ca().to_str().unwrap(),
            agent,
            &cookie,
        ],
    );
    assert_eq!(said.trim(), "200", "a signal locks nobody out");
    edge.signal("TERM");
    assert!(edge.wait().success());
    edge.log()
}
