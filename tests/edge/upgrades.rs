//! Connections that leave HTTP.

use std::io::{Read as _, Write as _};

use crate::support::{Running, Stub, edge, python, stub};

/// An application that switches to an echo.
fn echo() -> Stub {
    stub(|head, stream| {
        if !head.to_lowercase().contains("upgrade: websocket") {
            return stream
                .get_mut()
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain")
                .is_ok();
        }
        let switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Application: here\r\n\r\n";
        let _ = stream.get_mut().write_all(switch);
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut piece) {
            if stream.get_mut().write_all(&piece[..length]).is_err() {
                break;
            }
        }
        false
    })
}

/// Opens a tunnel with Python's sockets, and runs the lines that follow with `tls` in hand.
fn tunnel(edge: &Running, lines: &str) -> String {
    let program = format!(
        r#"
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
tls = context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))), server_hostname="city.localhost")
tls.sendall(b"GET /ws HTTP/1.1\r\nHost: city.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
def until(end):
    data = b""
    while not data.endswith(end):
        piece = tls.recv(65536)
        if not piece: raise SystemExit("closed after %r" % data)
        data += piece
    return data
head = until(b"\r\n\r\n").decode().lower()
{lines}
"#
    );
    python(&program, &[&edge.https_port().to_string(), edge.ca().to_str().unwrap()])
}

#[test]
fn a_websocket_passes_both_ways_until_one_side_ends() {
    let upstream = echo();
    let edge = edge().tenant("city", upstream.address, "").start();
    let said = tunnel(
        &edge,
        r#"
print(head.split("\r\n")[0], "upgrade: websocket" in head, "x-application: here" in head)
blob = bytes(range(256)) * 4096
import threading
threading.Thread(target=tls.sendall, args=(blob,)).start()
data = b""
while len(data) < len(blob): data += tls.recv(65536)
print(data == blob)
"#,
    );
    assert_eq!(said.trim(), "http/1.1 101 switching protocols True True\nTrue");
}

#[test]
fn an_application_that_does_not_switch_answers_as_usual() {
    let upstream = Stub::fixed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain");
    let edge = edge().tenant("city", upstream.address, "").start();
    let answer = edge.curl(
        "city",
        "/ws",
        &["--http1.1", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket"],
    );
    assert_eq!((answer.status, answer.body.as_str()), (200, "plain"));
}

#[test]
fn an_upgrade_to_h2c_does_not_open_a_second_way_to_the_application() {
    let upstream = Stub::fixed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain");
    let edge = edge().tenant("city", upstream.address, "").start();
    let h2c = [
        "--http1.1",
        "-H",
        "Connection: Upgrade, HTTP2-Settings",
        "-H",
        "Upgrade: h2c",
        "-H",
        "HTTP2-Settings: AAM",
    ];
    assert_eq!(edge.curl("city", "/", &h2c).body, "plain");
    let head = upstream.heads()[0].to_lowercase();
    assert!(!head.contains("upgrade") && !head.contains("http2-settings"), "{head}");
}

#[test]
fn an_application_that_switches_unasked_is_a_502() {
    let upstream = Stub::fixed("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    let edge = edge().tenant("city", upstream.address, "").start();
    for protocol in ["--http1.1", "--http2"] {
        assert_eq!(edge.curl("city", "/", &[protocol]).status, 502);
    }
}

#[test]
fn a_refused_request_opens_no_tunnel() {
    let upstream = echo();
    let edge = edge()
        .tenant("city", upstream.address, "[rate_limit.quotas.client]\nrate = \"1/h\"\n")
        .start();
    assert_eq!(edge.get("city", "/").status, 200);
    let ws = ["--http1.1", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket"];
    assert_eq!(edge.curl("city", "/ws", &ws).status, 429);
    assert_eq!(upstream.heads().len(), 1);
}

#[test]
fn an_open_tunnel_does_not_outlast_the_drain() {
    let upstream = echo();
    let mut edge = edge()
        .vendor("[shutdown]\ndrain = \"1s\"\n")
        .tenant("city", upstream.address, "")
        .start();
    let (port, ca) = (edge.https_port(), edge.ca());
    std::thread::scope(|scope| {
        let client = scope.spawn(move || {
            python(
                r#"
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
tls = context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))), server_hostname="city.localhost")
tls.sendall(b"GET /ws HTTP/1.1\r\nHost: city.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
tls.recv(65536)
try: print("end", tls.recv(1))
except OSError: print("end")
"#,
                &[&port.to_string(), ca.to_str().unwrap()],
            )
        });
        while upstream.heads().is_empty() {
            std::thread::yield_now();
        }
        edge.signal("TERM");
        assert!(edge.wait().success());
        assert!(client.join().unwrap().starts_with("end"));
    });
    edge.wait_for_log("closing what is still open");
}
