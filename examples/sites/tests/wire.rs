//! What only shows on a socket: upgrades, trailers, keep-alive, and a first start that is killed.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rempart_example_sites::{Site, serve};
use tokio::net::TcpListener;

/// Serves `site` and gives a blocking client of it to `client`.
async fn with_site<T: Send + 'static>(site: Site, client: impl FnOnce(SocketAddr) -> T + Send + 'static) -> T {
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::select! {
        ended = serve(site, listener, dir.path()) => panic!("ended: {ended:?}"),
        done = tokio::task::spawn_blocking(move || client(address)) => done.unwrap(),
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Everything until the other side closes.
fn talk(address: SocketAddr, request: &str) -> String {
    let mut stream = connect(address);
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn read_until(stream: &mut TcpStream, end: &[u8]) -> Vec<u8> {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !seen.ends_with(end) {
        stream.read_exact(&mut byte).unwrap();
        seen.push(byte[0]);
    }
    seen
}

const UPGRADE: &str = "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A masked text frame of fewer than 126 bytes (RFC 6455, section 5.2), with a mask of zeros.
fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0];
    frame.extend_from_slice(text.as_bytes());
    frame
}

#[tokio::test]
async fn a_web_socket_opens_and_echoes() {
    with_site(Site::City, |address| {
        let mut stream = connect(address);
        stream
            .write_all(format!("GET /ws/echo HTTP/1.1\r\n{UPGRADE}").as_bytes())
            .unwrap();
        let head = String::from_utf8(read_until(&mut stream, b"\r\n\r\n")).unwrap();
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        // The example of RFC 6455, section 1.3.
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        stream.write_all(&frame("bonjour")).unwrap();
        assert_eq!(read_until(&mut stream, b"bonjour"), b"\x81\x07bonjour");
    })
    .await;
}

#[tokio::test]
async fn notices_come_by_themselves() {
    with_site(Site::City, |address| {
        let mut stream = connect(address);
        stream
            .write_all(format!("GET /ws/notices HTTP/1.1\r\n{UPGRADE}").as_bytes())
            .unwrap();
        read_until(&mut stream, "19 h 30.".as_bytes());
    })
    .await;
}

#[tokio::test]
async fn a_trailer_is_sent_to_who_takes_trailers_and_to_nobody_else() {
    with_site(Site::City, |address| {
        let with = talk(
            address,
            "GET /api/trailer HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nConnection: close, TE\r\n\r\n",
        );
        assert!(
            with.to_lowercase()
                .contains("\r\n0\r\nx-checksum: aa55724563aefb4c\r\n"),
            "{with}"
        );
        let without = talk(
            address,
            "GET /api/trailer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        );
        assert!(
            without.contains("par heure") && !without.contains("aa55724563aefb4c"),
            "{without}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_requests_own_trailer_comes_back() {
    with_site(Site::City, |address| {
        let answer = talk(
            address,
            "POST /api/echo HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\
             Connection: close\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 42\r\n\r\n",
        );
        assert!(answer.contains("3\r\nabc\r\n"), "{answer}");
        assert!(answer.to_lowercase().contains("x-sum: 42"), "{answer}");
    })
    .await;
}

#[tokio::test]
async fn a_body_comes_back_while_it_is_still_being_sent() {
    with_site(Site::City, |address| {
        let mut stream = connect(address);
        stream
            .write_all(b"POST /api/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nfirst")
            .unwrap();
        read_until(&mut stream, b"first");
        stream.write_all(b"later").unwrap();
        read_until(&mut stream, b"later");
    })
    .await;
}

#[tokio::test]
async fn one_connection_serves_several_requests_and_the_peer_is_seen() {
    with_site(Site::City, |address| {
        let mut stream = connect(address);
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        read_until(&mut stream, b"\r\n\r\nok\n");
        stream
            .write_all(b"GET /api/whoami HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        let own = stream.local_addr().unwrap().to_string();
        let answer = String::from_utf8(read_until(&mut stream, b"}")).unwrap();
        assert!(answer.contains(&own), "{answer}");
    })
    .await;
}

#[tokio::test]
async fn a_dropped_site_closes_its_connections() {
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut stream = tokio::select! {
        _ = serve(Site::Library, listener, dir.path()) => unreachable!(),
        stream = tokio::task::spawn_blocking(move || {
            let mut stream = connect(address);
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            read_until(&mut stream, b"ok\n");
            stream
        }) => stream.unwrap(),
    };
    tokio::task::spawn_blocking(move || assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0))
        .await
        .unwrap();
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_first_start_killed_at_any_moment_leaves_a_whole_list_or_none() {
    let dir = tempfile::tempdir().unwrap();
    for wait in [5, 60, 150, 300] {
        let mut child = daycare(dir.path());
        std::thread::sleep(Duration::from_millis(wait));
        child.kill().unwrap();
        child.wait().unwrap();
        let database = dir.path().join("daycare.sqlite");
        assert!(!database.exists() || files_in(&database) == 86_000);
    }
    let mut child = daycare(dir.path());
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line.trim().rsplit('/').next().unwrap().parse().unwrap();
    let home = talk(address, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(home.contains("86\u{202f}000"), "{home}");
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        1,
        "no half-made file is left"
    );
}

fn daycare(data: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_daycare-site"));
    command
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .stdout(Stdio::piped());
    command.spawn().unwrap()
}

fn files_in(database: &Path) -> u32 {
    let connection = rusqlite::Connection::open(database).unwrap();
    connection
        .query_row("SELECT count(*) FROM files", [], |row| row.get(0))
        .unwrap()
}
