use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::{Running, Stub, edge, stub};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// An application that takes three seconds for each request.
fn slow() -> Stub {
    stub(|_, stream| {
        sleep(Duration::from_secs(3));
        stream.get_mut().write_all(OK.as_bytes()).is_ok()
    })
}

/// Many requests at once from one client, whose statuses are printed as they end.
fn crowd(edge: &Running, tenant: &str, requests: usize, from: &str) -> Child {
    let ca = edge.ca();
    let mut command = Command::new("curl");
    command.args([
        "-s",
        "--parallel",
        "--parallel-immediate",
        "--parallel-max",
        "300",
        "--http1.1",
    ]);
    command.args([
        "--interface",
        from,
        "-w",
        "%{http_code} ",
        "--cacert",
        ca.to_str().unwrap(),
    ]);
    for number in 0..requests {
        command.args(["-o", "/dev/null", &edge.url(tenant, &format!("/{number}"))]);
    }
    command.stdout(Stdio::piped()).spawn().unwrap()
}

fn said(child: Child) -> String {
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn a_tenant_beyond_its_share_waits_and_is_refused_and_its_neighbour_notices_nothing() {
    let (slow, quick) = (slow(), Stub::fixed(OK));
    let edge = edge()
        .vendor("[capacity]\nrequests = 16\n")
        .tenant(
            "library",
            slow.address,
            "[shares]\nmax_wait = \"500ms\"\nmax_waiting = 8\n",
        )
        .tenant("city", quick.address, "")
        .start();
    let crowd = crowd(&edge, "library", 40, "127.0.0.1");
    edge.wait_for_log("share_");
    let begun = Instant::now();
    for _ in 0..20 {
        assert_eq!(edge.get("city", "/").status, 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(10));
    let said = said(crowd);
    let (served, refused) = (said.matches("200").count(), said.matches("503").count());
    assert_eq!(served + refused, 40, "{said}");
    assert!((8..=24).contains(&served), "{said}");
    // What was lent has been given back.
    assert_eq!(edge.get("library", "/").status, 200);
}

#[test]
fn one_client_cannot_have_all_of_a_tenants_share() {
    let slow = slow();
    let edge = edge()
        .tenant("library", slow.address, "[shares]\nmax_in_flight_per_client = 4\n")
        .start();
    let greedy = crowd(&edge, "library", 12, "127.0.0.2");
    edge.wait_for_log("client_share_used_up");
    let other = edge.curl("library", "/", &["--interface", "127.0.0.3"]);
    assert_eq!(other.status, 200);
    let said = said(greedy);
    assert_eq!(
        (said.matches("200").count(), said.matches("429").count()),
        (4, 8),
        "{said}"
    );
}

#[test]
fn connections_of_one_client_are_bounded_and_idle_ones_count() {
    let quick = Stub::fixed(OK);
    let edge = edge()
        .tenant("library", quick.address, "[shares]\nmax_connections_per_client = 2\n")
        .start();
    let said = crate::support::python(
        r#"
import http.client, ssl, sys
port, ca = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
def ask():
    connection = http.client.HTTPSConnection("library.localhost", int(port), context=context, timeout=10)
    connection.request("GET", "/")
    connection.getresponse().read()
    return connection
held = [ask(), ask()]
try:
    ask()
    print("a third")
except (ConnectionError, ssl.SSLError) as error:
    print("closed")
held.pop().close()
import time
for _ in range(100):
    try:
        ask()
        print("again")
        break
    except (ConnectionError, ssl.SSLError):
        time.sleep(0.05)
"#,
        &[&edge.https_port().to_string(), edge.ca().to_str().unwrap()],
    );
    assert_eq!(said, "closed\nagain\n");
    edge.wait_for_log("client_share_used_up");
}

#[test]
fn who_holds_connections_and_says_nothing_keeps_nobody_out() {
    let quick = Stub::fixed(OK);
    let edge = edge()
        .vendor("[capacity]\nstrangers = 16\n")
        .tenant("library", quick.address, "")
        .start();
    let silent: Vec<_> = (0..40)
        .map(|_| TcpStream::connect(("127.0.0.1", edge.https_port())).unwrap())
        .collect();
    edge.wait_for_log("strangers_used_up");
    for _ in 0..3 {
        assert_eq!(edge.get("library", "/").status, 200);
    }
    let closed = silent.iter().filter(|stream| {
        let patience = Some(Duration::from_millis(200));
        stream.set_read_timeout(patience).unwrap();
        matches!((&mut &**stream).read(&mut [0]), Ok(0))
    });
    // Those who came first. The others have their time.
    assert!((24..40).contains(&closed.count()));
}

#[test]
fn who_goes_away_while_he_waits_for_a_connection_leaves_his_place_to_the_next() {
    let quick = Stub::fixed(OK);
    let edge = edge()
        .vendor("[capacity]\nconnections = 16\n")
        .tenant(
            "library",
            quick.address,
            "[shares]\nmax_wait = \"20s\"\nmax_waiting = 4\n",
        )
        .start();
    let said = crate::support::python(
        r#"
import socket, ssl, sys, time
port, ca = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
def shake():
    return context.wrap_socket(socket.create_connection(("127.0.0.1", int(port)), 15), server_hostname="library.localhost")
held = [shake() for _ in range(16)]
def hello():
    said, heard = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(heard, said, server_hostname="library.localhost").do_handshake()
    except ssl.SSLWantReadError:
        pass
    one = socket.create_connection(("127.0.0.1", int(port)), 15)
    one.sendall(said.read())
    return one
# The line is full: four wait, and a fifth is closed.
waiting = [hello() for _ in range(4)]
time.sleep(0.3)
fifth = hello()
print("closed" if fifth.recv(1) == b"" else "heard")
for one in waiting:
    one.close()
time.sleep(0.3)
last = hello()
held.pop().close()
print("heard" if last.recv(1) else "closed")
"#,
        &[&edge.https_port().to_string(), edge.ca().to_str().unwrap()],
    );
    assert_eq!(said, "closed\nheard\n");
}

#[test]
fn an_application_that_becomes_slow_is_given_less_at_once() {
    let slow = stub(|head, stream| {
        // A single worker behind: whoever comes beside others waits for them.
        static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let _turn = TURN.lock().unwrap();
        let pause = if head.contains("/quick") { 1 } else { 60 };
        sleep(Duration::from_millis(pause));
        stream.get_mut().write_all(OK.as_bytes()).is_ok()
    });
    let lines = "[shares]\nmax_wait = \"300ms\"\nmax_waiting = 4\n[shares.adaptive]\nenforcement = \"enforce\"\nmin = 2\nmax = 64\n";
    let edge = edge().tenant("library", slow.address, lines).start();
    for _ in 0..20 {
        assert_eq!(edge.get("library", "/quick").status, 200);
    }
    for _ in 0..6 {
        said(crowd(&edge, "library", 80, "127.0.0.1"));
    }
    let metrics = edge.rempart(&["tenant", "list"]);
    assert_eq!(metrics.status, Some(0));
    let line = edge.wait_for_log("upstream_share");
    assert!(line.contains("shares"), "{line}");
}

#[test]
fn what_limits_have_to_bear_is_measured() {
    let quick = Stub::fixed(OK);
    let edge = edge().tenant("library", quick.address, "").start();
    assert_eq!(edge.get("library", "/").status, 200);
    let socket = edge.directory().join("state/control.sock");
    let scraped = crate::support::curl(["--unix-socket", socket.to_str().unwrap(), "http://edge/metrics"]).body;
    for sample in [
        "rempart_share_in_use{tenant=\"library\",kind=\"requests\"} 0\n",
        "rempart_share_guaranteed{tenant=\"library\",kind=\"requests\"} 2048\n",
        "rempart_limit_table_bytes{tenant=\"library\",feature=\"rate_limit\",limit=\"client\"} 4096\n",
    ] {
        assert!(scraped.contains(sample), "{sample} is missing:\n{scraped}");
    }
}
