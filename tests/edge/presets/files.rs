//! A server of files: validators, ranges and caches.

use std::io::Write as _;

use crate::support::{Stub, edge, stub};

const PRESET: &str = "preset = \"static\"\n";

/// One file, with all that a good server says of it.
fn server() -> Stub {
    stub(|head, stream| {
        let head = head.to_lowercase();
        let about = "Server: nginx/1.22.1\r\nETag: \"65a-1\"\r\nLast-Modified: Sat, 21 Nov 2026 08:00:00 GMT\r\n\
                     Cache-Control: public, max-age=31536000, immutable\r\nAccept-Ranges: bytes\r\nVary: Accept-Encoding\r\n";
        let answer = if head.contains("if-none-match: \"65a-1\"") {
            format!("HTTP/1.1 304 Not Modified\r\n{about}\r\n")
        } else if head.contains("range: bytes=2-4") {
            format!(
                "HTTP/1.1 206 Partial Content\r\n{about}Content-Range: bytes 2-4/10\r\nContent-Length: 3\r\n\r\n234"
            )
        } else if head.starts_with("head ") {
            format!("HTTP/1.1 200 OK\r\n{about}Content-Length: 10\r\n\r\n")
        } else {
            format!("HTTP/1.1 200 OK\r\n{about}Content-Length: 10\r\n\r\n0123456789")
        };
        stream.get_mut().write_all(answer.as_bytes()).is_ok()
    })
}

#[test]
fn what_caches_live_on_passes_as_it_is() {
    let upstream = server();
    let edge = edge().tenant_with("park", upstream.address, PRESET, "").start();
    let whole = edge.get("park", "/trees/oak.jpg");
    assert_eq!(
        (whole.status, whole.body.as_str(), whole.header("server")),
        (200, "0123456789", None)
    );
    let again = edge.curl("park", "/trees/oak.jpg", &["-H", "If-None-Match: \"65a-1\""]);
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    for answer in [&whole, &again] {
        assert_eq!(answer.header("etag"), Some("\"65a-1\""));
        assert_eq!(answer.header("last-modified"), Some("Sat, 21 Nov 2026 08:00:00 GMT"));
        assert_eq!(
            answer.header("cache-control"),
            Some("public, max-age=31536000, immutable")
        );
        assert_eq!(answer.header("vary"), Some("Accept-Encoding"));
        assert!(answer.all("set-cookie").is_empty());
    }
    let part = edge.curl("park", "/trees/oak.jpg", &["-r", "2-4"]);
    assert_eq!((part.status, part.body.as_str()), (206, "234"));
    assert_eq!(part.header("content-range"), Some("bytes 2-4/10"));
    let head = edge.curl("park", "/", &["-I"]);
    assert_eq!((head.status, head.header("content-length")), (200, Some("10")));
    assert!(whole.header("strict-transport-security").is_some() && whole.header("x-frame-options").is_some());
}

#[test]
fn what_sends_something_is_refused_and_does_not_reach_the_server() {
    let upstream = server();
    let edge = edge().tenant_with("park", upstream.address, PRESET, "").start();
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"] {
        let refused = edge.curl("park", "/upload", &["-X", method, "-d", "x=1"]);
        assert!(
            refused.status == 404 && refused.body.contains("route_unmapped"),
            "{method}: {refused:?}"
        );
    }
    assert!(upstream.heads().is_empty(), "{:?}", upstream.heads());
    let form = "[routes]\npublic = [\"GET /*\", \"POST /contact.php\"]\n";
    let edge = crate::support::edge()
        .tenant_with("park", upstream.address, PRESET, form)
        .start();
    assert_eq!(
        edge.curl("park", "/contact.php", &["-d", "x=1"]).status,
        200,
        "a form can be named"
    );
    assert_eq!(edge.curl("park", "/upload", &["-d", "x=1"]).status, 404);
}
