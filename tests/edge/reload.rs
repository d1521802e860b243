//! A configuration that changes under a running edge, and what asks it.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Answer, Running, Stub, curl, edge, openssl, python, rempart};

const ONE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none";
const TWO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo";

/// A tenant's file as the harness writes it.
fn file(name: &str, upstream: &Stub) -> String {
    format!(
        "hosts = [\"{name}.localhost\"]\n\n[upstream]\nurl = \"http://{}\"\n",
        upstream.address
    )
}

/// Runs Python with a connection `city` that is kept alive, and `reload(*more)`, which gives its exit status.
fn with_connection(edge: &Running, lines: &str) -> String {
    let program = format!(
        r#"
import http.client, os, signal, socket, ssl, subprocess, sys, time
port, ca, program, directory, pid, upstream = sys.argv[1:]
def reload(*more):
    return subprocess.run([program, "reload", "--config", directory, *more], capture_output=True).returncode
def write(name, text):
    path = directory + "/tenants.d/" + name
    open(path + ".beside", "w").write(text)
    os.rename(path + ".beside", path)
context = ssl.create_default_context(cafile=ca)
city = http.client.HTTPSConnection("city.localhost", int(port), context=context)
city.connect()
first = city.sock
def ask():
    city.request("GET", "/")
    answer = city.getresponse()
    return answer.status, answer.read().decode()
moved = 'hosts = ["city.localhost"]\n[upstream]\nurl = "http://%s"\n' % upstream
{lines}
"#
    );
    let (port, ca, pid) = (edge.https_port().to_string(), edge.ca(), edge.pid().to_string());
    let directory = edge.directory().to_str().unwrap();
    let two = Stub::fixed(TWO);
    let upstream = two.address.to_string();
    let binary = env!("CARGO_BIN_EXE_rempart");
    python(
        &program,
        &[&port, ca.to_str().unwrap(), binary, directory, &pid, &upstream],
    )
}

/// Asks the administration socket with curl.
fn ask(edge: &Running, path: &str) -> Answer {
    let socket = edge.directory().join("state/control.sock");
    curl(["--unix-socket", socket.to_str().unwrap(), &format!("http://edge{path}")])
}

/// How a tenant stands, as `rempart tenant list` tells programs.
fn standing(edge: &Running, tenant: &str) -> Value {
    let said = edge.rempart(&["tenant", "list", "--format", "json"]);
    assert_eq!(said.status, Some(0), "{said:?}");
    let all: Value = serde_json::from_str(&said.stdout).unwrap();
    all.as_array()
        .unwrap()
        .iter()
        .find(|one| one["tenant"] == tenant)
        .unwrap()
        .clone()
}

/// Waits for something that somebody else brings about.
fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_reload_changes_a_tenant_on_a_connection_that_is_open() {
    let one = Stub::fixed(ONE);
    let edge = edge()
        .tenant("city", one.address, "")
        .tenant("library", one.address, "")
        .start();
    let said = with_connection(
        &edge,
        r#"
print(*ask())
write("city.toml", moved)
print(*ask())
print(reload(), *ask(), city.sock is first)
"#,
    );
    assert_eq!(said, "200 one\n200 one\n0 200 two True\n");
    assert_eq!(edge.get("library", "/").body, "one");
}

#[test]
fn a_hang_up_reloads() {
    let one = Stub::fixed(ONE);
    let edge = edge().tenant("city", one.address, "").start();
    let said = with_connection(
        &edge,
        r#"
print(*ask())
write("city.toml", moved)
os.kill(int(pid), signal.SIGHUP)
end = time.monotonic() + 60
while ask() != (200, "two") and time.monotonic() < end: time.sleep(0.01)
print(*ask(), city.sock is first)
"#,
    );
    assert_eq!(said, "200 one\n200 two True\n");
}

#[test]
fn a_reload_says_what_changed() {
    let one = Stub::fixed(ONE);
    let edge = edge()
        .tenant("city", one.address, "")
        .tenant("library", one.address, "")
        .start();
    edge.rewrite("tenants.d/museum.toml", &file("museum", &one));
    edge.rewrite(
        "tenants.d/city.toml",
        &format!("{}connect_timeout = \"1s\"\n", file("city", &one)),
    );
    let said = edge.rempart(&["reload", "--tenant", "museum"]);
    assert_eq!(said.status, Some(0), "{said:?}");
    assert!(said.stdout.starts_with("added: museum; 2 unchanged; took "), "{said:?}");
    let said = edge.rempart(&["reload"]);
    assert!(said.stdout.starts_with("changed: city; 2 unchanged; took "), "{said:?}");
    assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""));
    let said = edge.rempart(&["reload", "--format", "json"]);
    let json: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(
        (&json["outcome"], &json["unchanged"]),
        (&"clean".into(), &3.into()),
        "{json}"
    );
    assert_eq!(edge.get("museum", "/").body, "one");
}

#[test]
fn who_changes_alone_keeps_what_was_settled_among_all() {
    let one = Stub::fixed(
        "HTTP/1.1 200 OK\r\nSet-Cookie: lang=fr; Domain=city.localhost; Path=/\r\nContent-Length: 3\r\n\r\none",
    );
    let edge = edge().tenant("city", one.address, "").start();
    let has_domain = || {
        let cookie = edge.get("city", "/").all("set-cookie").concat().to_ascii_lowercase();
        cookie.contains("domain=city.localhost")
    };
    let reload = |tenant: &str| {
        let said = edge.rempart(&["reload", "--tenant", tenant]);
        assert_eq!(said.status, Some(0), "{said:?}");
        said.stdout
    };
    assert!(has_domain());
    let below = file("pool", &one).replace("pool.localhost", "pool.city.localhost");
    edge.rewrite("tenants.d/pool.toml", &below);
    let said = reload("pool");
    assert!(said.starts_with("changed: city; added: pool; 0 unchanged"), "{said}");
    assert!(!has_domain(), "a neighbour is below it");
    for timeout in ["1s", "2s"] {
        let text = format!("{}connect_timeout = \"{timeout}\"\n", file("city", &one));
        edge.rewrite("tenants.d/city.toml", &text);
        let said = reload("city");
        assert!(said.starts_with("changed: city; 1 unchanged"), "{said}");
        assert!(!has_domain(), "the neighbour is still there");
    }
    edge.rewrite("tenants.d/pool.toml", &file("pool", &one));
    let said = reload("pool");
    assert!(said.starts_with("changed: city, pool; 0 unchanged"), "{said}");
    assert!(has_domain());
}

#[test]
fn a_broken_file_leaves_its_tenant_as_it_was_and_is_named() {
    let (one, two) = (Stub::fixed(ONE), Stub::fixed(TWO));
    let edge = edge()
        .tenant("city", one.address, "")
        .tenant("library", one.address, "")
        .start();
    edge.rewrite(
        "tenants.d/city.toml",
        &format!("{}conect_timeout = \"1s\"\n", file("city", &two)),
    );
    edge.rewrite("tenants.d/library.toml", &file("library", &two));
    let said = edge.rempart(&["reload"]);
    assert_eq!(said.status, Some(1), "{said:?}");
    let place = edge.directory().join("tenants.d/city.toml");
    let expected = format!("{}:5:1: error[unknown_key]: upstream.conect_timeout: ", place.display());
    assert!(said.stderr.starts_with(&expected), "{}", said.stderr);
    assert!(
        said.stderr
            .contains("\n5 | conect_timeout = \"1s\"\n  | ^^^^^^^^^^^^^^\n"),
        "{}",
        said.stderr
    );
    // The very words of `rempart check`.
    let check = edge.rempart(&["check"]);
    assert_eq!((check.status, &check.stderr), (Some(1), &said.stderr));
    assert!(
        said.stdout
            .starts_with("changed: library; 1 unchanged; quarantined: city; took "),
        "{said:?}"
    );
    assert_eq!(
        (edge.get("city", "/").body, edge.get("library", "/").body),
        ("one".into(), "two".into())
    );
    edge.wait_for_log("code=\"unknown_key\"");
    // Put right, it is served again.
    edge.rewrite("tenants.d/city.toml", &file("city", &two));
    assert_eq!(edge.rempart(&["reload"]).status, Some(0));
    assert_eq!(edge.get("city", "/").body, "two");
}

#[test]
fn a_vendors_file_that_is_wrong_changes_nothing() {
    let (one, two) = (Stub::fixed(ONE), Stub::fixed(TWO));
    let edge = edge().tenant("city", one.address, "").start();
    edge.rewrite("tenants.d/city.toml", &file("city", &two));
    let vendor = fs::read_to_string(edge.directory().join("rempart.toml")).unwrap();
    edge.rewrite("rempart.toml", &format!("{vendor}[nonsense]\n"));
    let plan = edge.rempart(&["reload", "--plan"]);
    let said = edge.rempart(&["reload"]);
    assert_eq!((plan.status, said.status), (Some(1), Some(1)), "{said:?}");
    assert!(
        said.stderr.contains("rempart.toml:12:2: error[unknown_key]: nonsense"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("error: nothing was changed"), "{}", said.stderr);
    assert_eq!((said.stdout.as_str(), edge.get("city", "/").body.as_str()), ("", "one"));
    let metrics = ask(&edge, "/metrics").body;
    assert!(
        metrics.contains("rempart_config_reloads_total{outcome=\"refused\"} 1\n"),
        "{metrics}"
    );
}

#[test]
fn a_plan_changes_nothing() {
    let (one, two) = (Stub::fixed(ONE), Stub::fixed(TWO));
    let edge = edge()
        .tenant("city", one.address, "")
        .tenant("library", one.address, "")
        .start();
    edge.rewrite("tenants.d/city.toml", &file("city", &two));
    edge.rewrite("tenants.d/museum.toml", &file("museum", &two));
    let said = edge.rempart(&["reload", "--plan"]);
    assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""), "{said:?}");
    assert!(
        said.stdout.contains("city: ") && said.stdout.contains("museum: new: "),
        "{said:?}"
    );
    assert!(said.stdout.contains("library: nothing"), "{said:?}");
    assert_eq!(edge.get("city", "/").body, "one");
    // What was looked at does not come in with somebody else's reload.
    let said = edge.rempart(&["reload", "--tenant", "library"]);
    assert!(said.stdout.starts_with("2 unchanged; took "), "{said:?}");
    assert_eq!(edge.get("city", "/").body, "one");
}

#[test]
fn a_tenant_that_is_gone_is_answered_nowhere() {
    let switching = crate::support::stub(|head, stream| {
        if !head.to_lowercase().contains("upgrade: websocket") {
            return stream.get_mut().write_all(ONE.as_bytes()).is_ok();
        }
        let switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        let _ = stream.get_mut().write_all(switch);
        // Until the edge lets go of it.
        let _ = std::io::copy(stream, &mut std::io::sink());
        false
    });
    let edge = edge()
        .tenant("city", switching.address, "")
        .tenant("library", switching.address, "")
        .start();
    let said = with_connection(
        &edge,
        r#"
def connect(name):
    return context.wrap_socket(socket.create_connection(("127.0.0.1", int(port)), timeout=60), server_hostname=name)
tunnel = connect("city.localhost")
tunnel.sendall(b"GET /ws HTTP/1.1\r\nHost: city.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
               b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
head = b""
while not head.endswith(b"\r\n\r\n"): head += tunnel.recv(1)
print(*ask(), head.split(b"\r\n")[0].decode())
os.remove(directory + "/tenants.d/city.toml")
print(reload())
city.request("GET", "/")
answer = city.getresponse()
print(answer.status)
answer.read()
def ended(stream):
    try: return stream.recv(1) == b""
    except (ConnectionResetError, ssl.SSLError): return True
print(ended(first), ended(tunnel))
try: print(connect("city.localhost"))
except ssl.SSLError as error: print(error.reason)
print(connect("library.localhost").version())
"#,
    );
    assert_eq!(
        said,
        "200 one HTTP/1.1 101 Switching Protocols\n0\n421\nTrue True\nTLSV1_UNRECOGNIZED_NAME\nTLSv1.3\n"
    );
}

#[test]
fn a_change_is_loaded_by_itself_when_that_is_asked_for() {
    let (one, two) = (Stub::fixed(ONE), Stub::fixed(TWO));
    let edge = edge()
        .vendor("[reload]\nwatch = true\n")
        .tenant("city", one.address, "")
        .tenant("library", one.address, "")
        .start();
    edge.wait_for_log("watching files");
    // What an editor leaves beside the file, and what the edge itself writes.
    for name in [
        "tenants.d/.city.toml.swp",
        "tenants.d/city.toml~",
        "tenants.d/4913",
        "state/x.toml",
    ] {
        fs::write(edge.directory().join(name), "nonsense").unwrap();
    }
    edge.rewrite("tenants.d/city.toml", &file("city", &two));
    let line = edge.wait_for_log("a file changed");
    assert!(line.contains("reloaded: changed: city; 1 unchanged"), "{line}");
    assert_eq!(edge.get("city", "/").body, "two");
    // Vim's way: the old file moves aside, and a new one is written in its place.
    let path = edge.directory().join("tenants.d/library.toml");
    fs::rename(&path, path.with_extension("toml~")).unwrap();
    fs::write(&path, file("library", &two)).unwrap();
    edge.wait_for_log("reloaded: changed: library; 1 unchanged");
    assert_eq!(edge.get("library", "/").body, "two");
    let log = edge.log();
    assert!(!log.contains("removed: library"), "{log}");
}

#[test]
fn a_renewed_certificate_is_loaded_by_itself() {
    let one = Stub::fixed(ONE);
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name).display().to_string();
    renew(directory.path(), "first", "2");
    for end in ["pem", "key"] {
        fs::copy(place(&format!("first.{end}")), place(&format!("live.{end}"))).unwrap();
    }
    let tls = format!(
        "[tls]\ncertificate = \"{}\"\nkey_file = \"{}\"\n",
        place("live.pem"),
        place("live.key")
    );
    let edge = edge()
        .vendor("[reload]\nwatch = true\n")
        .tenant("city", one.address, &tls)
        .tenant("library", one.address, "")
        .start();
    edge.wait_for_log("watching files");
    let before = standing(&edge, "city")["certificate_ends"].as_u64().unwrap();
    renew(directory.path(), "second", "30");
    // Half of a pair is quarantined, and the old certificate stays.
    fs::rename(place("second.pem"), place("live.pem")).unwrap();
    edge.wait_for_log("tls_key_mismatch");
    assert_eq!(standing(&edge, "city")["certificate_ends"], before);
    fs::rename(place("second.key"), place("live.key")).unwrap();
    edge.wait_for_log("reloaded: changed: city; 1 unchanged");
    let after = standing(&edge, "city");
    assert!(
        after["certificate_ends"].as_u64().unwrap() > before && after["state"] == "current",
        "{after}"
    );
}

/// Makes `NAME.pem` and `NAME.key` for the city.
fn renew(directory: &Path, name: &str, days: &str) {
    let path = |end: &str| directory.join(format!("{name}.{end}")).display().to_string();
    let request = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ];
    let names = [
        "-subj",
        "/CN=city.localhost",
        "-addext",
        "subjectAltName=DNS:city.localhost",
    ];
    let (key, certificate) = (path("key"), path("pem"));
    let files = ["-days", days, "-keyout", &key, "-out", &certificate];
    let made = openssl(&[&request[..], &names, &files].concat(), b"");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn the_list_and_the_metrics_say_how_tenants_stand() {
    let one = Stub::fixed(ONE);
    let mut edge = edge()
        .vendor("[metrics]\nlisten = \"127.0.0.1:0\"\n")
        .tenant("city", one.address, "")
        .tenant("library", one.address, "")
        .start();
    edge.rewrite("tenants.d/city.toml", "hosts = \n");
    edge.rewrite("tenants.d/museum.toml", "hosts = [\"museum.localhost\"]\n");
    assert_eq!(edge.rempart(&["reload"]).status, Some(1));
    let list = edge.rempart(&["tenant", "list"]);
    assert_eq!((list.status, list.stderr.as_str()), (Some(0), ""), "{list:?}");
    let lines: Vec<_> = list.stdout.lines().collect();
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(lines[0])[..3], ["city", "last_good", "since"], "{list:?}");
    assert!(
        lines[0].contains("Z (") && lines[0].ends_with(&one.address.to_string()),
        "{list:?}"
    );
    let broken = edge.directory().join("tenants.d/city.toml");
    assert!(
        lines[1].starts_with(&format!("    {}:1:", broken.display())),
        "{list:?}"
    );
    assert!(lines[1].contains(": error[syntax]: "), "{list:?}");
    let library = ["library", "current", "-", "library.localhost"];
    assert_eq!(words(lines[2])[..4], library, "{list:?}");
    assert_eq!(words(lines[3])[..2], ["museum", "absent"], "{list:?}");
    assert!(lines[4].contains("museum.toml:1:1: error[missing_key]"), "{list:?}");

    let port = edge.port("serving metrics");
    let scraped = curl([format!("http://127.0.0.1:{port}/metrics")]);
    let form = scraped.header("content-type").unwrap();
    assert!(form.starts_with("application/openmetrics-text"), "{form}");
    for (tenant, state) in [("city", "last_good"), ("library", "current"), ("museum", "absent")] {
        for each in ["current", "last_good", "absent"] {
            let is = u8::from(each == state);
            let line = format!("rempart_config_tenant_state{{tenant=\"{tenant}\",state=\"{each}\"}} {is}\n");
            assert!(scraped.body.contains(&line), "{line}{}", scraped.body);
        }
    }
    assert!(
        scraped
            .body
            .contains("rempart_config_tenant_wrong_since_seconds{tenant=\"city\"}")
    );
    assert!(
        !scraped
            .body
            .contains("rempart_config_tenant_wrong_since_seconds{tenant=\"library\"}")
    );
    // Whoever can scrape can change nothing, and hears of nothing else.
    for path in ["v1/reload", "v1/tenants"] {
        assert_eq!(curl([format!("http://127.0.0.1:{port}/{path}")]).status, 404);
        let post = curl([format!("http://127.0.0.1:{port}/{path}"), "-X".into(), "POST".into()]);
        assert_eq!(post.status, 404);
    }
}

#[test]
fn after_a_restart_the_last_good_file_is_served_and_since_when_is_known() {
    let one = Stub::fixed(ONE);
    let edge = edge()
        .tenant("city", one.address, "")
        .tenant("library", one.address, "")
        .start();
    wait("the last good file is kept", || {
        edge.directory().join("state/last-good/city.json").exists()
    });
    edge.rewrite("tenants.d/city.toml", "hosts = \n");
    assert_eq!(edge.rempart(&["reload"]).status, Some(1));
    let before = standing(&edge, "city");
    assert_eq!(
        (&before["state"], before["since"].is_u64()),
        (&"last_good".into(), true),
        "{before}"
    );
    // Longer than a second ago, so that another time would be another number.
    let since = before["since"].as_u64().unwrap();
    let now = || {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs()
    };
    wait("a second passes", || now() > since + 1);
    let edge = edge.restart();
    let after = standing(&edge, "city");
    assert_eq!((&after["state"], &after["since"]), (&before["state"], &before["since"]));
    assert_eq!(edge.get("city", "/").body, "one");
    edge.wait_for_log("tenants.d/city.toml:1:");
}

#[test]
fn a_second_edge_on_the_same_state_says_so() {
    let one = Stub::fixed(ONE);
    let edge = edge().tenant("city", one.address, "").start();
    let second = edge.rempart(&["run"]);
    assert_eq!(second.status, Some(1), "{second:?}");
    let expected = format!("another edge (process {}) uses the state directory ", edge.pid());
    assert!(second.stderr.contains(&expected), "{}", second.stderr);
    // The first has lost nothing.
    assert_eq!(edge.rempart(&["reload"]).status, Some(0));
    assert_eq!(edge.get("city", "/").body, "one");
}

#[test]
fn an_edge_that_was_killed_leaves_nothing_that_keeps_the_next_from_starting() {
    let one = Stub::fixed(ONE);
    let mut edge = edge().tenant("city", one.address, "").start();
    edge.signal("KILL");
    edge.wait();
    let asked = edge.rempart(&["tenant", "list"]);
    assert_eq!(asked.status, Some(2), "{asked:?}");
    assert!(asked.stderr.contains("was killed: start it again"), "{}", asked.stderr);
    let edge = edge.again();
    assert_eq!(edge.rempart(&["tenant", "list"]).status, Some(0));
}

#[test]
fn without_an_edge_it_is_said_which_socket_was_tried_and_what_to_do() {
    let one = Stub::fixed(ONE);
    let mut edge = edge().tenant("city", one.address, "").start();
    assert_eq!((ask(&edge, "/readyz").status, ask(&edge, "/livez").status), (200, 200));
    edge.signal("TERM");
    assert!(edge.wait().success());
    let socket = edge.directory().join("state/control.sock");
    assert!(!socket.exists(), "the socket goes with the edge");
    // Even when the vendor's file is wrong.
    edge.rewrite("rempart.toml", "[state]\ndirectory = \"state\"\n[listen\n");
    for command in [&["reload"][..], &["reload", "--plan"], &["tenant", "list"]] {
        let said = edge.rempart(command);
        assert_eq!((said.status, said.stdout.as_str()), (Some(2), ""), "{said:?}");
        let expected = format!("error: no edge can be asked through {}: ", socket.display());
        assert!(said.stderr.starts_with(&expected), "{}", said.stderr);
        assert!(said.stderr.contains("is it running?"), "{}", said.stderr);
    }
    let elsewhere = rempart()
        .args(["reload", "--socket", "/nonexistent/x.sock"])
        .output()
        .unwrap();
    assert_eq!(elsewhere.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&elsewhere.stderr).contains("/nonexistent/x.sock"));
}

#[test]
fn a_tenant_that_does_not_exist_is_not_reloaded() {
    let one = Stub::fixed(ONE);
    let edge = edge().tenant("city", one.address, "").start();
    let said = edge.rempart(&["reload", "--tenant", "citty"]);
    assert_eq!(said.status, Some(2), "{said:?}");
    assert_eq!(
        said.stderr,
        "error: there is no tenant \"citty\", neither served nor in tenants.d\n"
    );
}

#[test]
fn another_account_is_refused_whatever_the_mode_of_the_socket() {
    let one = Stub::fixed(ONE);
    let edge = edge().tenant("city", one.address, "").start();
    let socket = edge.directory().join("state/control.sock");
    let said = python(
        r#"
import os, socket, sys
if os.geteuid() != 0: raise SystemExit(print("not root"))
for path, mode in [(sys.argv[1], 0o666), *((directory, 0o755) for directory in sys.argv[2:])]: os.chmod(path, mode)
os.setgid(65534); os.setuid(65534)
stream = socket.socket(socket.AF_UNIX)
stream.connect(sys.argv[1])
answer = b""
while piece := stream.recv(4096): answer += piece
print(answer.split(b"\r\n")[0].decode(), b'"peer_refused"' in answer)
"#,
        &[&socket, &edge.directory().join("state"), edge.directory()].map(|path| path.to_str().unwrap()),
    );
    // Whoever is not root cannot become somebody else to try it.
    assert!(
        ["HTTP/1.1 403 Forbidden True\n", "not root\n"].contains(&said.as_str()),
        "{said}"
    );
    assert_eq!(ask(&edge, "/livez").status, 200);
}
