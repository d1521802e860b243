//! The end of the edge.

use std::io::Write as _;
use std::process::{Child, Command};
use std::sync::Mutex;
use std::sync::mpsc::channel;

use crate::support::{Running, edge, stub};

#[test]
fn a_request_that_has_begun_is_answered_and_new_ones_are_not_taken() {
    let (go, gone) = channel::<()>();
    let gone = Mutex::new(gone);
    let upstream = stub(move |_, stream| {
        let _ = gone.lock().unwrap().recv();
        stream
            .get_mut()
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")
            .is_ok()
    });
    let mut edge = edge().tenant("library", upstream.address, "").start();
    let port = edge.https_port();
    std::thread::scope(|scope| {
        let clients: Vec<_> = ["--http1.1", "--http2"]
            .map(|protocol| {
                let edge = &edge;
                scope.spawn(move || edge.curl("library", "/", &[protocol]))
            })
            .into();
        while upstream.heads().len() < 2 {
            std::thread::yield_now();
        }
        edge.signal("TERM");
        // The listeners go first; what has begun is still waiting for the application.
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            std::thread::yield_now();
        }
        go.send(()).unwrap();
        go.send(()).unwrap();
        for client in clients {
            let answer = client.join().unwrap();
            assert_eq!((answer.status, answer.body.as_str()), (200, "late"));
        }
    });
    assert!(edge.wait().success(), "a drain that ends is no failure");
    assert!(!edge.log().contains("still open"), "{}", edge.log());
}

#[test]
fn a_request_that_never_ends_does_not_hold_the_drain_for_ever() {
    let (mut edge, mut client) = stuck("300ms");
    edge.signal("TERM");
    assert!(edge.wait().success());
    assert!(!client.wait().unwrap().success());
    edge.wait_for_log("still open");
}

#[test]
fn a_second_signal_ends_at_once() {
    let (mut edge, mut client) = stuck("1h");
    edge.signal("TERM");
    edge.wait_for_log("draining");
    edge.signal("INT");
    assert_eq!(edge.wait().code(), Some(130));
    assert!(!client.wait().unwrap().success());
}

/// An edge with this drain, and a client whose request has reached an application that never answers.
fn stuck(drain: &str) -> (Running, Child) {
    let upstream = stub(|_, stream| {
        let _ = std::io::Read::read(stream, &mut [0]);
        false
    });
    let vendor = format!("[shutdown]\ndrain = \"{drain}\"\n");
    let edge = edge().vendor(&vendor).tenant("library", upstream.address, "").start();
    let (ca, url) = (edge.ca(), edge.url("library", "/"));
    let client = Command::new("curl")
        .args(["-s", "--cacert", ca.to_str().unwrap(), &url])
        .spawn()
        .unwrap();
    while upstream.heads().is_empty() {
        std::thread::yield_now();
    }
    (edge, client)
}
