use std::io::Write as _;
use std::time::{Duration, Instant};

use crate::support::{Answer, Browser, Running, Stub, edge, stub};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// An application with a session, and with an answer of the status that the path ends with.
fn application() -> Stub {
    stub(|head, stream| {
        let path = head.split(' ').nth(1).unwrap_or("/");
        let status = path.rsplit('/').next().and_then(|last| last.parse::<u16>().ok());
        let cookie = match head.to_lowercase().contains("sid=") {
            true => "",
            false => "Set-Cookie: sid=one; Path=/\r\n",
        };
        let answer = format!(
            "HTTP/1.1 {} X\r\n{cookie}Content-Length: 2\r\n\r\nok",
            status.unwrap_or(200)
        );
        stream.get_mut().write_all(answer.as_bytes()).is_ok()
    })
}

fn library(upstream: &Stub, lines: &str) -> Running {
    edge().tenant("library", upstream.address, lines).start()
}

fn statuses(answers: impl IntoIterator<Item = Answer>) -> Vec<u16> {
    answers.into_iter().map(|answer| answer.status).collect()
}

#[test]
fn a_quota_per_session_is_each_sessions_own_and_an_invented_session_is_none() {
    let upstream = application();
    let quota = "[cookies]\nsession = [\"sid\"]\n[rate_limit.quotas.reader]\nrate = \"4/h\"\nper = \"session\"\n";
    let edge = library(&upstream, quota);
    let [one, other] = [Browser::new(&edge), Browser::new(&edge)];
    // What comes without a session is counted by its network, which both share here.
    assert_eq!(
        statuses([one.get("library", "/"), other.get("library", "/")]),
        [200, 200]
    );
    assert_eq!(
        statuses((0..5).map(|_| one.get("library", "/"))),
        [200, 200, 200, 200, 429]
    );
    assert_eq!(
        statuses((0..5).map(|_| other.get("library", "/"))),
        [200, 200, 200, 200, 429]
    );
    let invented = |number: u32| edge.curl("library", "/", &["-b", &format!("__Host-sid=invented{number}")]);
    assert_eq!(
        statuses((0..4).map(invented)),
        [200, 200, 429, 429],
        "two of the network's four were used, and no name buys a fresh one"
    );
}

#[test]
fn a_quota_of_what_was_not_found_counts_nothing_else() {
    let upstream = application();
    let quota = "[rate_limit.quotas.scan]\nrate = \"3/h\"\ncount = \"not_found\"\n";
    let edge = library(&upstream, quota);
    let ask = |path: &str| edge.get("library", path).status;
    for _ in 0..6 {
        assert_eq!(ask("/here"), 200);
    }
    assert_eq!([ask("/a/404"), ask("/b/404"), ask("/c/404")], [404, 404, 404]);
    assert_eq!(
        ask("/here"),
        429,
        "somebody who tries out addresses is not told which are right either"
    );
}

#[test]
fn bytes_that_have_left_are_counted_and_then_no_more_leave() {
    let body = "x".repeat(600_000);
    let answer: &'static str = format!("HTTP/1.1 200 OK\r\nContent-Length: 600000\r\n\r\n{body}").leak();
    let upstream = Stub::fixed(answer);
    let quota = "[rate_limit.quotas.bulk]\nrate = \"1MiB/h\"\ncount = \"bytes\"\n";
    let edge = library(&upstream, quota);
    assert_eq!(statuses((0..2).map(|_| edge.get("library", "/"))), [200, 200]);
    let refused = edge.get("library", "/");
    assert_eq!(refused.status, 429, "1.2 MB have left");
    assert!(refused.header("retry-after").is_some());
}

#[test]
fn a_search_costs_more_than_a_page() {
    let upstream = Stub::fixed(OK);
    let quota = "[rate_limit.quotas.client]\nrate = \"12/h\"\n[rate_limit.costs.search]\ncost = 5\nroutes = [\"GET /search\"]\n";
    let edge = library(&upstream, quota);
    let ask = |path: &str| edge.get("library", path).status;
    assert_eq!([ask("/search?q=a"), ask("/search?q=b")], [200, 200]);
    assert_eq!(ask("/search?q=c"), 429, "two of twelve are left");
    assert_eq!([ask("/"), ask("/"), ask("/")], [200, 200, 429]);
}

#[test]
fn what_is_delayed_arrives_later_and_is_not_refused() {
    let upstream = Stub::fixed(OK);
    let quota = "[rate_limit.quotas.client]\nrate = \"60/m burst 1\"\nwhen_used_up = { delay = { max_delay = \"3s\", max_waiting = 2 } }\n";
    let quota = quota.replace(
        "when_used_up = { delay = { max_delay = \"3s\", max_waiting = 2 } }",
        "when_used_up = \"delay\"\nmax_delay = \"3s\"\nmax_waiting = 2",
    );
    let edge = library(&upstream, &quota);
    let begun = Instant::now();
    assert_eq!(statuses((0..3).map(|_| edge.get("library", "/"))), [200, 200, 200]);
    assert!(begun.elapsed() >= Duration::from_millis(1_900), "{:?}", begun.elapsed());
}

#[test]
fn a_quota_by_class_knows_the_class_of_a_route() {
    let upstream = Stub::fixed(OK);
    let lines = "[routes]\npublic = [\"/\"]\nrecord = [\"/files/{id}\"]\n\
                 [rate_limit.quotas.records]\nrate = \"2/h\"\nclasses = [\"record\"]\n";
    let edge = library(&upstream, lines);
    let ask = |path: &str| edge.get("library", path).status;
    assert_eq!([ask("/files/1"), ask("//files/2"), ask("/files/3")], [200, 200, 429]);
    assert_eq!(ask("/"), 200);
}

#[test]
fn a_quota_per_program_counts_by_the_handshake() {
    let upstream = Stub::fixed(OK);
    let quota = "[rate_limit.quotas.program]\nrate = \"2/h\"\nper = \"ja4\"\n";
    let edge = library(&upstream, quota);
    let curl = |protocol: &str| edge.curl("library", "/", &[protocol]).status;
    let one = [curl("--http2"), curl("--http2"), curl("--http2")];
    assert_eq!(one, [200, 200, 429]);
    assert_eq!(curl("--http1.1"), 200, "what a client offers to speak is a part of it");
}

#[test]
fn under_report_the_log_says_what_would_have_been_refused() {
    let upstream = Stub::fixed(OK);
    let quota = "[rate_limit]\nenforcement = \"report\"\n[rate_limit.quotas.client]\nrate = \"1/h\"\nper = [\"client\", \"method\"]\n";
    let edge = library(&upstream, quota);
    assert_eq!(statuses((0..3).map(|_| edge.get("library", "/"))), [200, 200, 200]);
    let line = edge.wait_for_log("quota_used_up");
    assert!(line.contains("enforcement=\"report\""), "{line}");
}
