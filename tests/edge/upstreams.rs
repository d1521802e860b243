//! Applications that are down, slow or broken, and their neighbours.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{Answer, Stub, edge, stub};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// An address where nobody listens.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Nothing of the inside is in the answer.
fn is_clean(answer: &Answer, upstream: SocketAddr) {
    let text = format!("{answer:?}").to_lowercase();
    for word in [
        "hyper",
        "rempart",
        "rust",
        "127.0.0.1",
        "refused",
        &upstream.port().to_string(),
    ] {
        assert!(!text.contains(word), "{word:?} in {answer:?}");
    }
    assert!(answer.body.contains("upstream_") && answer.body.contains("Service momentanément indisponible"));
}

#[test]
fn an_application_that_is_down_is_a_clean_502_and_the_neighbour_does_not_notice() {
    let (down, city) = (nobody(), Stub::fixed(OK));
    let edge = edge()
        .tenant("library", down, "")
        .tenant("city", city.address, "")
        .start();
    for _ in 0..3 {
        let answer = edge.get("library", "/");
        assert_eq!(answer.status, 502);
        is_clean(&answer, down);
        assert_eq!(edge.get("city", "/").status, 200);
    }
    edge.wait_for_log("upstream_unreachable");
}

#[test]
fn an_application_that_comes_back_is_reached_again() {
    let address = nobody();
    let edge = edge().tenant("library", address, "").start();
    assert_eq!(edge.get("library", "/").status, 502);
    let listener = TcpListener::bind(address).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
            let _ = stream.write_all(OK.as_bytes());
        }
    });
    assert_eq!(edge.get("library", "/").status, 200);
}

#[test]
fn an_application_that_does_not_answer_in_time_is_a_504() {
    let silent = stub(|_, stream| {
        let _ = std::io::Read::read(stream, &mut [0]);
        false
    });
    let lines = "response_timeout = \"300ms\"\n";
    let edge = edge().tenant("library", silent.address, lines).start();
    let answer = edge.get("library", "/");
    assert_eq!(answer.status, 504);
    is_clean(&answer, silent.address);
    assert_eq!(silent.heads().len(), 1, "a request that was sent is not sent again");
}

#[test]
fn an_answer_that_is_no_http_is_a_clean_502() {
    let garbage = stub(|_, stream| {
        let _ = stream.get_mut().write_all(b"SSH-2.0-OpenSSH_9.2\r\n\r\n");
        false
    });
    let edge = edge().tenant("library", garbage.address, "").start();
    let answer = edge.get("library", "/");
    assert_eq!(answer.status, 502);
    is_clean(&answer, garbage.address);
}

#[test]
fn when_every_connection_is_in_use_the_next_request_waits_and_is_then_told_to_come_back() {
    let slow = stub(|_, stream| {
        let _ = std::io::Read::read(stream, &mut [0]);
        false
    });
    let city = Stub::fixed(OK);
    let lines = "max_connections = 1\nconnect_timeout = \"200ms\"\nresponse_timeout = \"20s\"\n";
    let edge = edge()
        .vendor("")
        .tenant("library", slow.address, lines)
        .tenant("city", city.address, "")
        .start();
    let url = edge.url("library", "/");
    // One connection per worker is in use as soon as each of two workers has a request; three requests fill two workers
    // whatever the kernel's choice only on one connection, so the requests go over one HTTP/2 connection.
    let output = std::process::Command::new("curl")
        .args([
            "-s",
            "--http2",
            "-Z",
            "--max-time",
            "5",
            "--cacert",
            edge.ca().to_str().unwrap(),
        ])
        .args(["-w", "%{http_code} "])
        .args([
            &url,
            "-o",
            "/dev/null",
            &url,
            "-o",
            "/dev/null",
            &url,
            "-o",
            "/dev/null",
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.matches("503").count() >= 1, "{said}");
    assert_eq!(edge.get("city", "/").status, 200);
    edge.wait_for_log("upstream_busy");
}

#[test]
fn a_connection_that_the_application_closed_while_it_was_idle_costs_no_request() {
    static ANSWERED: AtomicUsize = AtomicUsize::new(0);
    // Every connection is closed right after its answer, which does not say so: the edge finds out by itself.
    let rude = stub(|_, stream| {
        ANSWERED.fetch_add(1, Ordering::Relaxed);
        let _ = stream.get_mut().write_all(OK.as_bytes());
        false
    });
    let edge = edge().tenant("library", rude.address, "").start();
    for pause in [0, 0, 20, 600, 0] {
        std::thread::sleep(Duration::from_millis(pause));
        assert_eq!(edge.get("library", "/").status, 200);
    }
    assert_eq!(ANSWERED.load(Ordering::Relaxed), 5);
}

#[test]
fn connections_to_the_application_are_reused() {
    static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            CONNECTIONS.fetch_add(1, Ordering::Relaxed);
            std::thread::spawn(move || {
                let mut stream = stream;
                let mut piece = [0; 4096];
                while let Ok(1..) = std::io::Read::read(&mut stream, &mut piece) {
                    let _ = stream.write_all(OK.as_bytes());
                }
            });
        }
    });
    let edge = edge().tenant("library", address, "").start();
    for _ in 0..20 {
        assert_eq!(edge.get("library", "/").status, 200);
    }
    let connections = CONNECTIONS.load(Ordering::Relaxed);
    assert!(
        connections <= 2,
        "{connections} connections for 20 requests over 2 workers"
    );
}

#[test]
fn a_connection_that_was_idle_for_too_long_is_closed_although_nobody_asks() {
    let (closed, was_closed) = std::sync::mpsc::channel();
    let closed = std::sync::Mutex::new(closed);
    let upstream = stub(move |_, stream| {
        let _ = stream.get_mut().write_all(OK.as_bytes());
        // Nothing more comes on this connection but its end.
        let end = std::io::Read::read(stream, &mut [0]);
        let _ = closed.lock().unwrap().send(end.is_ok_and(|length| length == 0));
        false
    });
    let edge = edge()
        .tenant("library", upstream.address, "idle_timeout = \"1s\"\n")
        .start();
    assert_eq!(edge.get("library", "/").status, 200);
    assert_eq!(was_closed.recv_timeout(Duration::from_secs(20)), Ok(true));
}

#[test]
fn an_application_that_hangs_up_at_once_is_a_502_and_not_asked_for_ever() {
    static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            CONNECTIONS.fetch_add(1, Ordering::Relaxed);
            drop(stream);
        }
    });
    let edge = edge().tenant("library", address, "").start();
    assert_eq!(edge.get("library", "/").status, 502);
    assert!(
        CONNECTIONS.load(Ordering::Relaxed) <= 2,
        "{CONNECTIONS:?} connections for one request"
    );
}

/// Uploads ten bytes with a pause of so many seconds before each; gives the status.
fn upload(edge: &crate::support::Running, sends: usize, pause: f32) -> String {
    let arguments = [
        edge.https_port().to_string(),
        edge.ca().display().to_string(),
        sends.to_string(),
        pause.to_string(),
    ];
    let arguments = arguments.each_ref().map(String::as_str);
    let said = crate::support::python(
        r#"
import http.client, ssl, sys, time
context = ssl.create_default_context(cafile=sys.argv[2])
connection = http.client.HTTPSConnection("city.localhost", int(sys.argv[1]), context=context)
connection.putrequest("POST", "/upload")
connection.putheader("Content-Length", "10")
connection.endheaders()
for _ in range(int(sys.argv[3])):
    time.sleep(float(sys.argv[4]))
    connection.send(b"x")
print(connection.getresponse().status)
"#,
        &arguments,
    );
    said.trim().to_owned()
}

#[test]
fn a_client_that_sends_slowly_is_not_an_application_that_answers_late() {
    let reader = stub(|_, stream| {
        let mut body = [0; 10];
        std::io::Read::read_exact(stream, &mut body).is_ok() && stream.get_mut().write_all(OK.as_bytes()).is_ok()
    });
    let edge = edge()
        .tenant("city", reader.address, "response_timeout = \"700ms\"\n")
        .start();
    assert_eq!(
        upload(&edge, 10, 0.15),
        "200",
        "1.5 s for the body, and the answer at once"
    );
    assert_eq!(upload(&edge, 5, 0.1), "408", "the rest does not come");
    edge.wait_for_log("request_stalled");
}
