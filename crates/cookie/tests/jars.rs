//! What leaves, as cookie jars that are not ours understand it: Python's `http.cookiejar` and curl's.

#![allow(clippy::unwrap_used)]

mod feed;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use feed::{BARE, CITY, DELETIONS, FLAGS, LIBRARY, OWN, hardened, library};
use http::Request;
use http::header::COOKIE;
use rempart_guard::{Findings, Guard as _};
use serde_json::{Value, json};

/// What Python's jar sends at each step, after all that was set in the steps before it.
fn python(steps: &Value) -> Vec<Option<String>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/jar.py");
    let mut python = Command::new("python3")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test needs python3 (Debian: apt-get install python3)");
    python
        .stdin
        .take()
        .unwrap()
        .write_all(steps.to_string().as_bytes())
        .unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_bare_cookie_reaches_the_neighbour_and_a_hardened_one_does_not() {
    let bare = vec![BARE.to_owned()];
    let hard = hardened(&library(), &[&bare[0]]);
    let walk = |sets: &[String]| {
        python(&json!([
            {"url": LIBRARY, "sets": sets},
            {"url": CITY, "sets": []},
            {"url": "http://library.vendor.example/", "sets": []},
            {"url": LIBRARY, "sets": []},
        ]))
    };
    let own = Some("PHPSESSID=ab12".to_owned());
    assert_eq!(walk(&bare), [None, own.clone(), own.clone(), own], "this is the hole");
    let sent = walk(&hard);
    assert_eq!(
        sent[..3],
        [None, None, None],
        "not to the neighbour, and not over plain HTTP"
    );
    let (mut head, ()) = Request::new(()).into_parts();
    head.headers.insert(COOKIE, sent[3].as_ref().unwrap().parse().unwrap());
    // Another key every time: only the guard that sealed it opens it.
    library().check(&mut head, &mut Findings::default()).unwrap();
    assert!(!head.headers.contains_key(COOKIE));
}

#[test]
fn a_jar_sends_back_what_opens() {
    let library = library();
    let sets = hardened(&library, &OWN);
    let sent = python(&json!([{"url": LIBRARY, "sets": sets}, {"url": LIBRARY, "sets": []}]));
    let (mut head, ()) = Request::new(()).into_parts();
    head.headers.insert(COOKIE, sent[1].as_ref().unwrap().parse().unwrap());
    library.check(&mut head, &mut Findings::default()).unwrap();
    let seen = head.headers[COOKIE].to_str().unwrap();
    for pair in OWN {
        assert!(seen.split("; ").any(|cookie| cookie == pair), "{seen}");
    }
}

#[test]
fn a_deletion_in_any_old_form_still_deletes() {
    let library = library();
    let plain = ["PHPSESSID=ab12; Path=/", "a=1; Path=/"];
    let (plain, set) = (plain.map(str::to_owned), hardened(&library, &plain));
    let is_kept_after = |set: &[String], gone: &[String]| {
        let steps =
            json!([{"url": LIBRARY, "sets": set}, {"url": LIBRARY, "sets": gone}, {"url": LIBRARY, "sets": []}]);
        let sent = python(&steps);
        assert!(sent[1].is_some());
        sent[2].is_some()
    };
    for (deletion, is_kept) in DELETIONS {
        let bare = [
            format!("PHPSESSID=deleted; Path=/; {deletion}"),
            format!("a=; Path=/; {deletion}"),
        ];
        assert_eq!(
            is_kept_after(&plain, &bare),
            is_kept,
            "{deletion}, as the application sends it"
        );
        let gone = hardened(&library, &bare.each_ref().map(String::as_str));
        assert_eq!(is_kept_after(&set, &gone), is_kept, "{deletion}, hardened");
    }
}

/// The lines of curl's jar after one answer: domain, whether the hosts below are meant, path, secure, expiry, name, value.
fn curl(sets: &[String]) -> Vec<Vec<String>> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
    let lines: String = sets.iter().map(|line| format!("Set-Cookie: {line}\r\n")).collect();
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let _ = socket.read(&mut [0; 4096]).unwrap();
        write!(
            socket,
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n{lines}\r\n"
        )
        .unwrap();
    });
    let folder = tempfile::tempdir().unwrap();
    let jar = folder.path().join("jar");
    let status = Command::new("curl")
        .args([
            "--silent",
            "--noproxy",
            "*",
            "--ipv4",
            "--max-time",
            "5",
            &address,
            "--cookie-jar",
        ])
        .arg(&jar)
        .status()
        .expect("this test needs curl (Debian: apt-get install curl)");
    server.join().unwrap();
    assert!(status.success());
    let jar = std::fs::read_to_string(jar).unwrap();
    let mut lines: Vec<Vec<_>> = jar
        .lines()
        .filter(|line| line.contains('\t'))
        .map(|line| line.split('\t').map(String::from).collect())
        .collect();
    lines.sort_by(|one, other| one[6].cmp(&other[6]));
    lines
}

/// curl keeps `Secure` cookies of `localhost` although the connection is plain, as browsers do.
#[test]
fn curl_keeps_the_flags() {
    let sets = hardened(&library(), &FLAGS);
    let mut kept = curl(&sets);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let days = (kept[1][4].parse::<u64>().unwrap() - now).div_ceil(86_400);
    assert_eq!(days, 400, "and not until 2055");
    kept[1][4] = "later".to_owned();
    let shown: Vec<_> = kept.iter().map(|line| line.join(" ")).collect();
    assert_eq!(
        shown,
        [
            "#HttpOnly_localhost FALSE /x TRUE 0 a 1",
            "localhost FALSE / TRUE later XSRF-TOKEN 3",
            "#HttpOnly_localhost FALSE / TRUE 0 __Host-c 4",
        ],
        "b is another host's and gone is deleted"
    );
}
