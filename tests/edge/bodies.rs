//! What streams through: long bodies, slow ones, trailers, and nothing held whole.

use std::io::{Read as _, Write as _};

use crate::support::{curl_with, edge, python, stub};

/// Reads a chunked body to its end, trailers included, and gives everything after the head as it came.
fn chunked(stream: &mut impl std::io::BufRead) -> String {
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") || !text.contains("0\r\n") {
        if stream.read_line(&mut text).unwrap_or(0) == 0 {
            break;
        }
    }
    text
}

#[test]
fn an_answer_begins_before_it_has_ended() {
    // The second half is sent only when the client has said that it saw the first.
    let upstream = stub(|head, stream| {
        if head.starts_with("GET /go") {
            return stream
                .get_mut()
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                .is_ok();
        }
        let _ = stream
            .get_mut()
            .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
        let mut go = [0];
        // Nothing comes on this connection; the half-second bounds how long the client may take to see the first half.
        let _ = stream
            .get_mut()
            .set_read_timeout(Some(std::time::Duration::from_millis(500)));
        let _ = stream.read(&mut go);
        stream.get_mut().write_all(b"6\r\nsecond\r\n0\r\n\r\n").is_ok()
    });
    let edge = edge().tenant("city", upstream.address, "").start();
    let said = python(
        r#"
import http.client, ssl, sys, time
context = ssl.create_default_context(cafile=sys.argv[2])
connection = http.client.HTTPSConnection("city.localhost", int(sys.argv[1]), context=context)
connection.request("GET", "/slow")
answer = connection.getresponse()
begun = time.monotonic()
first = answer.read(5)
at = time.monotonic() - begun
print(first.decode(), answer.read().decode(), "early" if at < 0.4 else "late")
"#,
        &[&edge.https_port().to_string(), edge.ca().to_str().unwrap()],
    );
    assert_eq!(said.trim(), "first second early");
}

#[test]
fn a_gibibyte_goes_through_in_little_memory() {
    let upstream = stub(|head, stream| {
        let megabyte = vec![b'x'; 1 << 20];
        let count = if head.starts_with("GET /large") { 1024 } else { 1 };
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", count << 20);
        let stream = stream.get_mut();
        stream.write_all(head.as_bytes()).is_ok() && (0..count).all(|_| stream.write_all(&megabyte).is_ok())
    });
    let edge = edge().tenant("city", upstream.address, "").start();
    edge.curl("city", "/small", &["-o", "/dev/null", "-D", "-"]);
    let before = resident(edge.pid());
    for protocol in ["--http1.1", "--http2"] {
        let answer = edge.curl(
            "city",
            "/large",
            &[protocol, "-o", "/dev/null", "-D", "-", "-w", "\r\n\r\n%{size_download}"],
        );
        assert!(answer.body.ends_with("1073741824"), "{answer:?}");
    }
    let grown = peak(edge.pid()).saturating_sub(before);
    assert!(grown < 64 << 20, "memory grew by {grown} bytes at its peak");
}

#[test]
fn an_upload_of_unknown_length_streams_through() {
    let upstream = stub(|_, stream| {
        let body = chunked(stream);
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", body.len(), body);
        stream.get_mut().write_all(answer.as_bytes()).is_ok()
    });
    let edge = edge().tenant("city", upstream.address, "").start();
    let answer = edge.curl(
        "city",
        "/",
        &["--http1.1", "-H", "Transfer-Encoding: chunked", "-d", "hello=1"],
    );
    assert_eq!(answer.body, "7\r\nhello=1\r\n0\r\n\r\n");
    let (ca, url) = (edge.ca(), edge.url("city", "/"));
    let answer = curl_with(
        ["--http2", "-T", "-", "--cacert", ca.to_str().unwrap(), &url],
        b"hello=2",
    );
    assert_eq!(
        answer.body, "7\r\nhello=2\r\n0\r\n\r\n",
        "HTTP/2 has no chunks, the application gets some"
    );
}

#[test]
fn trailers_survive_both_ways() {
    let upstream = stub(|_, stream| {
        let body = chunked(stream);
        assert!(
            body.to_lowercase().contains("x-sum: 17"),
            "the request's trailer came through: {body:?}"
        );
        let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Checksum\r\n\r\n2\r\nok\r\n0\r\nX-Checksum: 42\r\n\r\n";
        stream.get_mut().write_all(answer.as_bytes()).is_ok()
    });
    let edge = edge().tenant("city", upstream.address, "").start();
    let said = python(
        r#"
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
with context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))), server_hostname="city.localhost") as tls:
    tls.sendall(b"POST / HTTP/1.1\r\nHost: city.localhost\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n"
                b"Connection: close, TE\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 17\r\n\r\n")
    data = b""
    while piece := tls.recv(65536):
        data += piece
    print(data.decode().lower())
"#,
        &[&edge.https_port().to_string(), edge.ca().to_str().unwrap()],
    );
    assert!(said.contains("200 ok") && said.contains("x-checksum: 42"), "{said}");
}

#[test]
fn an_answer_that_breaks_off_is_seen_to_break_off() {
    let upstream = stub(|_, stream| {
        let _ = stream
            .get_mut()
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
        false
    });
    let edge = edge().tenant("city", upstream.address, "").start();
    for protocol in ["--http1.1", "--http2"] {
        let url = edge.url("city", "/");
        let output = std::process::Command::new("curl")
            .args([
                "-s",
                "--max-time",
                "20",
                protocol,
                "--cacert",
                edge.ca().to_str().unwrap(),
                &url,
            ])
            .output()
            .unwrap();
        assert!(
            !output.status.success(),
            "a short answer must not look whole over {protocol}"
        );
    }
}

#[test]
fn an_http_1_0_answer_does_not_end_the_clients_connection() {
    let upstream = stub(|_, stream| {
        let _ = stream
            .get_mut()
            .write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
        false
    });
    let edge = edge().tenant("city", upstream.address, "").start();
    let said = python(
        r#"
import http.client, ssl, sys
connection = http.client.HTTPSConnection("city.localhost", int(sys.argv[1]), context=ssl.create_default_context(cafile=sys.argv[2]))
for _ in range(3):
    connection.request("GET", "/")
    answer = connection.getresponse()
    print(answer.version, answer.read().decode(), connection.sock is not None)
"#,
        &[&edge.https_port().to_string(), edge.ca().to_str().unwrap()],
    );
    assert_eq!(said.lines().collect::<Vec<_>>(), ["11 ok True"; 3]);
}

/// Resident memory of a process in bytes, now and at its peak.
fn resident(pid: u32) -> u64 {
    status(pid, "VmRSS:")
}

fn peak(pid: u32) -> u64 {
    status(pid, "VmHWM:")
}

fn status(pid: u32, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn a_refused_upload_is_told_why_over_both_protocols() {
    let upstream = crate::support::Stub::fixed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let edge = edge()
        .tenant("city", upstream.address, "[rate_limit.quotas.client]\nrate = \"1/h\"\n")
        .start();
    let form = "field=".to_owned() + &"x".repeat(40_000);
    assert_eq!(edge.get("city", "/").status, 200);
    for protocol in ["--http1.1", "--http2"] {
        for _ in 0..10 {
            let answer = edge.curl("city", "/upload", &[protocol, "-H", "Expect:", "-d", &form]);
            assert_eq!(answer.status, 429, "{protocol}");
        }
    }
}
