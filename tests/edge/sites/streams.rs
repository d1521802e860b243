//! What the city sends and takes that is no page: upgrades, events, large files, trailers; and what it sees of a request.

use crate::support::{Vendor, python, vendor};

/// Runs a Python program that has `port`, `context` and `connect()`, a TLS connection for the city.
fn city(vendor: &Vendor, program: &str) -> String {
    let program = format!(
        r#"
import base64, hashlib, http.client, os, socket, ssl, struct, sys, time
port, context = int(sys.argv[1]), ssl.create_default_context(cafile=sys.argv[2])
def connect():
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="city.localhost")
{program}
"#
    );
    python(
        &program,
        &[&vendor.https_port().to_string(), vendor.ca().to_str().unwrap()],
    )
}

#[test]
fn a_websocket_speaks_with_the_city() {
    let said = city(
        &vendor(),
        r#"
def websocket(path):
    tls, key = connect(), base64.b64encode(os.urandom(16)).decode()
    tls.sendall(("GET %s HTTP/1.1\r\nHost: city.localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
                 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n" % (path, key)).encode())
    stream = tls.makefile("rb")
    print(stream.readline().decode().strip())
    head = {}
    while line := stream.readline().strip():
        name, _, value = line.decode().partition(": ")
        head[name.lower()] = value
    proof = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    print(head["upgrade"], head["sec-websocket-accept"] == base64.b64encode(proof).decode())
    return tls, stream

def send(tls, opcode, data):
    mask = os.urandom(4)
    length = bytes([0x80 | len(data)]) if len(data) < 126 else struct.pack("!BH", 0xfe, len(data))
    tls.sendall(bytes([0x80 | opcode]) + length + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

def receive(stream):
    opcode, length = stream.read(1)[0] & 15, stream.read(1)[0]
    if length == 126: length = struct.unpack("!H", stream.read(2))[0]
    return opcode, stream.read(length)

tls, stream = websocket("/ws/echo")
for message in ["La rivière monte", "é" * 20000]:
    send(tls, 1, message.encode())
    opcode, data = receive(stream)
    print(opcode, data.decode() == message)
send(tls, 9, b"there?")
print(receive(stream))
send(tls, 8, struct.pack("!H", 1000))
print(receive(stream)[0], stream.read(1))

tls, stream = websocket("/ws/notices")
print(*(receive(stream)[0] for _ in range(3)))
"#,
    );
    let opened = "HTTP/1.1 101 Switching Protocols";
    let expected = [
        opened,
        "websocket True",
        "1 True",
        "1 True",
        "(10, b'there?')",
        "8 b''",
        opened,
        "websocket True",
        "1 1 1",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn an_event_is_seen_when_it_happens() {
    let said = city(
        &vendor(),
        r#"
connection = http.client.HTTPSConnection("city.localhost", port, context=context)
connection.request("GET", "/events?n=2&every_ms=1500")
answer = connection.getresponse()
print(answer.getheader("content-type"))
times = []
for line in answer:
    if line.startswith(b"event: niveau"): times.append(time.monotonic())
print(len(times), times[1] - times[0] > 0.5)
"#,
    );
    assert_eq!(said.lines().collect::<Vec<_>>(), ["text/event-stream", "2 True"]);
}

#[test]
fn the_citys_checksum_follows_its_text() {
    let said = city(
        &vendor(),
        r#"
tls = connect()
tls.sendall(b"GET /api/trailer HTTP/1.1\r\nHost: city.localhost\r\nTE: trailers\r\nConnection: TE, close\r\n\r\n")
answer = b""
while piece := tls.recv(65536): answer += piece
head, _, rest = answer.partition(b"\r\n\r\n")
body = b""
while (line := rest.partition(b"\r\n"))[0] != b"0":
    length = int(line[0], 16)
    body, rest = body + line[2][:length], line[2][length + 2:]
hashed = 0xcbf29ce484222325
for byte in body: hashed = (hashed ^ byte) * 0x100000001b3 % 2**64
print(body.decode().strip())
print(rest.decode().lower().split() == ["0", "x-checksum:", "%016x" % hashed])
"#,
    );
    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        ["La rivière monte de trois centimètres par heure.", "True"]
    );
}

#[test]
fn the_citys_checksum_follows_its_text_over_http2() {
    let vendor = vendor();
    let over_http2 = vendor.curl(
        "city",
        "/api/trailer",
        &["--http2", "-H", "TE: trailers", "-D", "-", "-o", "/dev/null"],
    );
    assert!(
        over_http2.body.to_lowercase().contains("x-checksum: "),
        "{over_http2:?}"
    );
}

#[test]
fn a_large_file_is_as_long_and_as_regular_as_promised() {
    let said = city(
        &vendor(),
        r#"
connection = http.client.HTTPSConnection("city.localhost", port, context=context)
period = bytes(range(251))
for length in [0, 1, 50_000_003]:
    connection.request("GET", "/files/large?bytes=%d" % length)
    answer = connection.getresponse()
    whole = answer.read()
    print(answer.getheader("content-length"), whole == (period * (length // 251 + 1))[:length])
"#,
    );
    let expected = ["0 True", "1 True", "50000003 True"];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn the_city_sees_who_asks_and_how_and_no_invention_of_the_client() {
    let vendor = vendor();
    let invented = [
        "-H",
        "X-Forwarded-For: 6.6.6.6",
        "-H",
        "X-Forwarded-Proto: http",
        "-H",
        "X-Forwarded-Host: library.localhost",
        "-H",
        "Forwarded: for=6.6.6.6;host=library.localhost",
        "-H",
        "X-Real-IP: 6.6.6.6",
        "-H",
        "X-Own: kept",
    ];
    let seen = vendor.curl("city", "/api/whoami?x=%20", &invented).body;
    let host = format!("city.localhost:{}", vendor.https_port());
    for line in [
        format!("\"host\":[\"{host}\"]"),
        format!("\"x-forwarded-host\":[\"{host}\"]"),
        "\"x-forwarded-for\":[\"127.0.0.1\"]".to_owned(),
        "\"x-forwarded-proto\":[\"https\"]".to_owned(),
        format!("\"x-forwarded-port\":[\"{}\"]", vendor.https_port()),
        "\"x-own\":[\"kept\"]".to_owned(),
        "\"path\":\"/api/whoami\"".to_owned(),
        "\"query\":\"x=%20\"".to_owned(),
        "\"version\":\"HTTP/1.1\"".to_owned(),
    ] {
        assert!(seen.contains(&line), "{line} in {seen}");
    }
    assert!(!seen.contains("6.6.6.6") && !seen.contains("library"), "{seen}");
}
