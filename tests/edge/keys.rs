//! Root secrets that change under a running edge: nobody is logged out, and a wrong file changes nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Running, edge, python, stub};

/// An application that gives everybody who comes without one a session of their own, and says which.
fn counter() -> crate::support::Stub {
    let next = std::sync::atomic::AtomicU32::new(1);
    stub(move |head, stream| {
        use std::io::Write as _;
        let cookie = head
            .lines()
            .find_map(|line| line.split_once("SID="))
            .map(|(_, value)| value.to_owned());
        let (set, own) = match cookie {
            Some(own) => (String::new(), own),
            None => {
                let own = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst).to_string();
                (format!("Set-Cookie: SID={own}; Path=/\r\n"), own)
            }
        };
        let answer = format!("HTTP/1.1 200 OK\r\n{set}Content-Length: {}\r\n\r\n{own}", own.len());
        stream.get_mut().write_all(answer.as_bytes()).is_ok()
    })
}

const SID: &str = "[cookies]\nsession = [\"SID\"]\n";

/// Writes `[keys]` behind what the harness wrote.
fn write(edge: &Running, keys: &str) {
    let path = edge.directory().join("rempart.toml");
    let text = fs::read_to_string(path).unwrap();
    let kept = text.split("[keys]").next().unwrap();
    edge.rewrite("rempart.toml", &format!("{kept}{keys}"));
}

#[test]
fn a_key_is_made_named_and_reloaded_and_the_old_one_ends() {
    let site = counter();
    let edge = edge().tenant("library", site.address, SID).start();
    let first = edge.get("library", "/");
    let cookie = first
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let ask = |edge: &Running, cookie: &str| edge.curl("library", "/", &["-H", &format!("Cookie: {cookie}")]);

    let made = edge.rempart(&["keys", "new", "2026-11"]);
    assert_eq!(made.status, Some(0), "{made:?}");
    assert!(
        made.stdout
            .contains("[keys]\ncurrent = \"2026-11\"\n\n[keys.previous]\n\"root\" = \""),
        "{made:?}"
    );
    let file = edge.directory().join("state/keys/2026-11.key");
    let metadata = fs::metadata(&file).unwrap();
    assert_eq!((metadata.len(), metadata.permissions().mode() & 0o777), (32, 0o600));
    let again = edge.rempart(&["keys", "new", "2026-11"]);
    assert_eq!(
        (again.status, fs::read(&file).unwrap().len()),
        (Some(2), 32),
        "{again:?}"
    );

    write(
        &edge,
        "[keys]\ncurrent = \"2026-11\"\n[keys.previous]\nroot = \"2099-12-31\"\n",
    );
    let said = edge.rempart(&["reload"]);
    assert_eq!(said.status, Some(0), "{said:?}");
    let moved = ask(&edge, &cookie);
    assert_eq!(moved.body, first.body, "the old one opens");
    let fresh = moved
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    assert!(
        fresh != cookie && fresh.starts_with("__Host-SID="),
        "and is sealed anew: {fresh}"
    );

    write(
        &edge,
        "[keys]\ncurrent = \"2026-11\"\n[keys.previous]\nroot = \"2026-01-31\"\n",
    );
    assert_eq!(edge.rempart(&["reload"]).status, Some(0));
    assert_eq!(ask(&edge, &fresh).body, first.body);
    assert_ne!(ask(&edge, &cookie).body, first.body, "its day is over");
    edge.wait_for_log("cookie_key_ended");
}

#[test]
fn a_key_file_that_is_wrong_is_named_with_its_line_and_changes_nothing() {
    let site = counter();
    let edge = edge().tenant("library", site.address, SID).start();
    let keys = edge.directory().join("state/keys");
    fs::create_dir(&keys).unwrap();
    fs::write(keys.join("open.key"), [7; 32]).unwrap();
    fs::set_permissions(keys.join("open.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let cookie = edge
        .get("library", "/")
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    for (written, said_at) in [
        (
            "current = \"none\"\n",
            "13:11: error[key_file_unreadable]: keys.current:",
        ),
        ("current = \"open\"\n", "13:11: error[key_file_exposed]: keys.current:"),
        (
            "[keys.previous]\nopen = \"2099-12-31\"\n",
            "14:8: error[key_file_exposed]: keys.previous.open:",
        ),
        ("current = \"a/b\"\n", "13:11: error[key_name]: keys.current:"),
        (
            "[keys.previous]\nroot = \"soon\"\n",
            "14:8: error[date_invalid]: keys.previous.root:",
        ),
    ] {
        write(&edge, &format!("[keys]\n{written}"));
        let said = edge.rempart(&["reload"]);
        assert_eq!(said.status, Some(1), "{written}: {said:?}");
        let expected = format!("{}:{said_at}", edge.directory().join("rempart.toml").display());
        assert!(said.stderr.starts_with(&expected), "{expected}: {}", said.stderr);
        let check = edge.rempart(&["check"]);
        assert!(
            check.status == Some(1) && check.stderr.starts_with(&expected),
            "{check:?}"
        );
    }
    assert_eq!(
        edge.curl("library", "/", &["-H", &format!("Cookie: {cookie}")]).body,
        "1"
    );
}

#[test]
fn under_load_a_rotation_logs_nobody_out() {
    let (library, city) = (counter(), counter());
    let quota = "[rate_limit.quotas.client]\nrate = \"100000/s\"\n";
    let edge = edge()
        .tenant("library", library.address, &format!("{SID}{quota}"))
        .tenant("city", city.address, &format!("{SID}{quota}"))
        .start();
    for name in ["a", "b", "c"] {
        assert_eq!(edge.rempart(&["keys", "new", name]).status, Some(0));
    }
    let program = r#"
import http.client, os, ssl, subprocess, sys, threading, time
port, ca, program, directory = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
stop, lost, asked, renewed, failed = threading.Event(), [], [], [], []
def visitor(host):
    connection, cookie, own = http.client.HTTPSConnection(host, int(port), context=context), None, None
    try:
        while not stop.is_set() or own is None:
            connection.request("GET", "/", headers={"Cookie": cookie} if cookie else {})
            answer = connection.getresponse()
            body, set = answer.read().decode(), answer.getheader("Set-Cookie")
            if answer.status != 200:
                failed.append(answer.status)
            if own is not None and body != own:
                lost.append((host, own, body))
            own = body
            if set:
                renewed.append(host)
                cookie = set.split(";")[0]
            asked.append(1)
    except Exception as error:
        failed.append(repr(error))
visitors = [threading.Thread(target=visitor, args=(host,)) for host in ["library.localhost", "city.localhost"] * 10]
for one in visitors: one.start()
path = directory + "/rempart.toml"
base = open(path).read()
previous = 'root = "2099-12-31"\n'
for name in ["a", "b", "c"]:
    time.sleep(0.3)
    open(path + ".new", "w").write(base + '[keys]\ncurrent = "%s"\n[keys.previous]\n%s' % (name, previous))
    os.rename(path + ".new", path)
    subprocess.run([program, "reload", "--config", directory], check=True, capture_output=True)
    previous += '%s = "2099-12-31"\n' % name
time.sleep(0.3)
open(path + ".new", "w").write(base + '[keys]\ncurrent = "c"\n')
os.rename(path + ".new", path)
subprocess.run([program, "reload", "--config", directory], check=True, capture_output=True)
time.sleep(0.2)
stop.set()
for one in visitors: one.join()
print(len(lost), failed[:3], len(asked) > 500, len(renewed))
"#;
    let (port, ca) = (edge.https_port().to_string(), edge.ca());
    let directory = edge.directory().to_str().unwrap();
    let said = python(
        program,
        &[&port, ca.to_str().unwrap(), env!("CARGO_BIN_EXE_rempart"), directory],
    );
    // Twenty visitors get their first cookie, and three more each.
    assert_eq!(said.trim(), "0 [] True 80", "lost, failed, asked, renewed");
}
