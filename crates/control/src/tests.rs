//! The socket and the address for scrapers, asked as anybody would, before an edge that is bound and serves nobody yet.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;

use rempart_config::Source;
use rempart_guard::Decision;
use rempart_proxy::Edge;
use rempart_sessions::Which;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::*;

/// An edge that can be asked.
struct Asked {
    directory: tempfile::TempDir,
    socket: PathBuf,
    scrapers: std::net::SocketAddr,
    drain: CancellationToken,
    _edge: Edge,
    _server: Server,
}

impl Asked {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("tenants.d")).unwrap();
        let vendor = "[listen]\nhttps = \"127.0.0.1:0\"\nworkers = 1\n\n[development]\ncertificates = true\n\n\
                      [metrics]\nlisten = \"127.0.0.1:0\"\n";
        fs::write(directory.path().join("rempart.toml"), vendor).unwrap();
        for tenant in ["library", "city"] {
            fs::write(
                directory.path().join(format!("tenants.d/{tenant}.toml")),
                file(tenant, ""),
            )
            .unwrap();
        }
        let edge = Edge::bind(Source::new(directory.path(), []), Arc::new(|_: Decision| {})).unwrap();
        let listeners = Listeners::bind(&edge.control().vendor()).unwrap();
        let (socket, scrapers) = (listeners.socket().to_owned(), listeners.metrics().unwrap());
        let drain = CancellationToken::new();
        let administration = Administration::new(edge.control().clone(), drain.clone());
        Self {
            directory,
            socket,
            scrapers,
            drain,
            _edge: edge,
            _server: Server::start(listeners, administration).unwrap(),
        }
    }

    fn client(&self) -> Client {
        Client::new(self.socket.clone())
    }

    fn rewrite(&self, file: &str, text: &str) {
        fs::write(self.directory.path().join(file), text).unwrap();
    }

    /// Sends bytes to the socket and reads until the end.
    fn send(&self, request: &str) -> String {
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        // An edge that has heard enough closes.
        let _ = stream.write_all(request.as_bytes());
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    }

    fn get(&self, path: &str) -> String {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: rempart\r\n\r\n"))
    }

    fn scrape(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.scrapers).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: rempart\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

fn file(tenant: &str, more: &str) -> String {
    format!("hosts = [\"{tenant}.localhost\"]\n[upstream]\nurl = \"http://127.0.0.1:9\"\n{more}")
}

fn states(client: &Client) -> Value {
    let reply = client.tenants().unwrap();
    let tenants = reply.body["tenants"].as_array().unwrap().iter();
    tenants.map(|one| json!([one["tenant"], one["state"]])).collect()
}

#[test]
fn a_reload_says_what_changed_and_a_broken_file_where() {
    let edge = Asked::new();
    let client = edge.client();
    edge.rewrite("tenants.d/museum.toml", &file("museum", ""));
    let reply = client.reload(&[]).unwrap();
    assert_eq!(
        (reply.status, &reply.body["outcome"]),
        (200, &json!("clean")),
        "{reply:?}"
    );
    assert_eq!(reply.body["added"], json!(["museum"]));
    assert_eq!(reply.body["problems"], Value::Null);
    let summary = reply.body["summary"].as_str().unwrap();
    assert!(summary.starts_with("added: museum; 2 unchanged; took "), "{summary}");

    edge.rewrite("tenants.d/city.toml", &file("city", "conect_timeout = \"1s\"\n"));
    let reply = client.reload(&["city".to_owned()]).unwrap();
    assert_eq!(
        (reply.status, &reply.body["outcome"]),
        (200, &json!("partial")),
        "{reply:?}"
    );
    let summary = reply.body["summary"].as_str().unwrap();
    assert!(
        summary.starts_with("3 unchanged; quarantined: city; took "),
        "{summary}"
    );
    let place = edge.directory.path().join("tenants.d/city.toml");
    assert_eq!(reply.body["wrong"][0]["file"], json!(place));
    let problems = reply.body["problems"].as_str().unwrap();
    let expected = format!("{}:4:1: error[unknown_key]: ", place.display());
    assert!(
        problems.starts_with(&expected) && problems.contains("\n4 | conect_timeout = \"1s\"\n"),
        "{problems}"
    );
    assert_eq!(
        states(&client),
        json!([["city", "last_good"], ["library", "current"], ["museum", "current"]])
    );
    let rows = client.tenants().unwrap().body;
    assert!(
        rows["tenants"][0]["problems"][0]
            .as_str()
            .unwrap()
            .starts_with(&expected),
        "{rows}"
    );
    assert!(rows["tenants"][0]["since"].as_u64().unwrap() > 1_700_000_000, "{rows}");
}

#[test]
fn a_vendors_file_that_is_wrong_changes_nothing() {
    let edge = Asked::new();
    edge.rewrite("rempart.toml", "[listen]\nhttps = 7\n");
    edge.rewrite("tenants.d/museum.toml", &file("museum", ""));
    for reply in [edge.client().reload(&[]), edge.client().plan(&[])] {
        let reply = reply.unwrap();
        assert_eq!(
            (reply.status, &reply.body["code"]),
            (422, &json!("configuration_refused"))
        );
        assert_eq!(reply.body["outcome"], "refused");
        assert!(
            reply.body["problems"]
                .as_str()
                .unwrap()
                .contains("rempart.toml:2:9: error["),
            "{reply:?}"
        );
    }
    assert_eq!(
        states(&edge.client()),
        json!([["city", "current"], ["library", "current"]])
    );
    assert!(
        edge.get("/metrics")
            .contains("rempart_config_reloads_total{outcome=\"refused\"} 1\n")
    );
}

#[test]
fn a_plan_changes_nothing() {
    let edge = Asked::new();
    edge.rewrite("tenants.d/museum.toml", &file("museum", ""));
    edge.rewrite("tenants.d/city.toml", &file("city", "connect_timeout = \"1s\"\n"));
    edge.rewrite("tenants.d/library.toml", "hosts = 7\n");
    let plan = edge.client().plan(&[]).unwrap().body;
    assert_eq!(plan["outcome"], "partial");
    let summary = plan["summary"].as_str().unwrap();
    assert!(
        summary.contains("museum: new: ") && summary.contains("city: "),
        "{summary}"
    );
    assert!(
        plan["problems"]
            .as_str()
            .unwrap()
            .contains("library.toml:1:9: error[wrong_type]"),
        "{plan}"
    );
    let of_city = edge.client().plan(&["city".to_owned()]).unwrap().body;
    assert!(!of_city["summary"].as_str().unwrap().contains("museum"), "{of_city}");
    assert_eq!(
        states(&edge.client()),
        json!([["city", "current"], ["library", "current"]])
    );
}

#[test]
fn a_tenant_that_nobody_knows_is_refused() {
    let edge = Asked::new();
    for name in ["libary", "Library", "../rempart", "", "a&b=c d", "\r\nx"] {
        for reply in [
            edge.client().reload(&[name.to_owned()]),
            edge.client().plan(&[name.to_owned()]),
        ] {
            assert_eq!(reply.unwrap().body["code"], "tenant_unknown", "{name:?}");
        }
    }
    // One that has lost its file is still known.
    fs::remove_file(edge.directory.path().join("tenants.d/city.toml")).unwrap();
    let reply = edge.client().reload(&["city".to_owned()]).unwrap();
    assert_eq!(reply.body["removed"], json!(["city"]), "{reply:?}");
}

#[test]
fn what_is_no_request_of_ours_is_refused() {
    let edge = Asked::new();
    let post = |body: &str| {
        let length = body.len();
        edge.send(&format!(
            "POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
    };
    for (answer, status, code) in [
        (edge.get("/"), 404, "not_found"),
        (edge.get("/v2/tenants"), 404, "not_found"),
        (edge.get("/v1/reload"), 405, "method_refused"),
        (edge.get("/v1/tenants?x=1"), 400, "query_invalid"),
        (edge.get("/v1/plan?force"), 400, "query_invalid"),
        (post("{\"force\":true}"), 400, "body_invalid"),
        (post("{"), 400, "body_invalid"),
        (post(&" ".repeat((64 << 10) + 1)), 413, "body_too_large"),
    ] {
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(
            answer.contains("content-type: application/problem+json\r\n"),
            "{answer}"
        );
        assert!(answer.contains(&format!("\"code\":\"{code}\"")), "{answer}");
    }
    for nonsense in [
        "\0\0\0\0\r\n\r\n",
        "GET\r\n\r\n",
        &format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(17 << 10)),
    ] {
        let answer = edge.send(nonsense);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_eq!(
        states(&edge.client()),
        json!([["city", "current"], ["library", "current"]])
    );
}

#[test]
fn a_scraper_reads_metrics_and_changes_nothing() {
    let edge = Asked::new();
    let metrics = edge.scrape("/metrics");
    assert!(
        metrics.contains("content-type: application/openmetrics-text; version=1.0.0"),
        "{metrics}"
    );
    assert!(
        metrics.contains("rempart_config_tenant_state{tenant=\"city\",state=\"current\"} 1\n"),
        "{metrics}"
    );
    assert!(edge.scrape("/livez").starts_with("HTTP/1.1 200 "));
    for path in [
        "/v1/tenants",
        "/v1/plan",
        "/v1/reload",
        "/v1/sessions?tenant=city",
        "/v1/sessions/kill",
    ] {
        assert!(edge.scrape(path).starts_with("HTTP/1.1 404 "), "{path}");
    }
}

#[test]
fn sessions_are_those_of_one_tenant_and_a_kill_of_nobody_is_refused() {
    let edge = Asked::new();
    let client = edge.client();
    let listed = client.sessions("library").unwrap();
    let expected = json!({ "tenant": "library", "enforcement": "off", "sessions": [], "more": 0 });
    assert_eq!((listed.status, listed.body), (200, expected));
    let killed = client.kill_sessions("library", &Which::All).unwrap();
    assert_eq!((killed.status, &killed.body["ended"]), (200, &json!(0)), "{killed:?}");
    assert!(
        killed.body["summary"].as_str().unwrap().contains("is off there"),
        "{killed:?}"
    );
    for (reply, status, code) in [
        (client.sessions("museum"), 404, "tenant_unknown"),
        (client.kill_sessions("museum", &Which::All), 404, "tenant_unknown"),
        (
            client.kill_sessions("library", &Which::Number("0a1b2c3d".into())),
            404,
            "session_unknown",
        ),
        (
            client.kill_sessions("library", &Which::Number("nonsense".into())),
            400,
            "body_invalid",
        ),
        (
            client.kill_sessions("library", &Which::Account(String::new())),
            400,
            "body_invalid",
        ),
    ] {
        let reply = reply.unwrap();
        assert_eq!((reply.status, &reply.body["code"]), (status, &json!(code)), "{reply:?}");
    }
    assert!(edge.get("/v1/sessions").contains("query_invalid"));
}

#[test]
fn an_edge_that_drains_is_alive_and_not_ready() {
    let edge = Asked::new();
    assert!(edge.get("/readyz").starts_with("HTTP/1.1 200 "));
    edge.drain.cancel();
    assert!(edge.get("/readyz").starts_with("HTTP/1.1 503 "));
    assert!(edge.get("/livez").starts_with("HTTP/1.1 200 "));
}

#[test]
fn clients_that_say_nothing_do_not_keep_others_out() {
    let edge = Asked::new();
    // One less than there are places: whoever comes next is answered while all of these wait.
    let silent: Vec<_> = (1..32).map(|_| UnixStream::connect(&edge.socket).unwrap()).collect();
    assert!(edge.get("/livez").starts_with("HTTP/1.1 200 "));
    // And scrapers cannot take the places of those at the socket.
    let strangers: Vec<_> = (0..40).map(|_| TcpStream::connect(edge.scrapers).unwrap()).collect();
    assert!(edge.get("/livez").starts_with("HTTP/1.1 200 "));
    drop((silent, strangers));
}

#[test]
fn without_an_edge_the_socket_that_was_tried_is_named() {
    let nowhere = Client::new("/nonexistent/control.sock".into());
    let said = nowhere.tenants().unwrap_err().to_string();
    assert!(
        said.starts_with("no edge can be asked through /nonexistent/control.sock: No such file"),
        "{said}"
    );
    let edge = Asked::new();
    let client = edge.client();
    drop(edge);
    assert!(matches!(client.tenants(), Err(ClientError::Unreachable { .. })));
}
