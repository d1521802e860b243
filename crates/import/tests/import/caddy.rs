use rempart_import::{Import, caddy};

use crate::{CADDY, draft, hosts, left, left_lines, line_of};

/// A site with one handler, which is on line 2.
fn with(handler: &str) -> Import {
    let text = format!(
        "{{\"apps\": {{\"http\": {{\"servers\": {{\"s\": {{\"routes\": [{{\"match\": [{{\"host\": [\"a.example\"]}}], \"handle\": [\n{handler}\n, {{\"handler\": \"reverse_proxy\", \"upstreams\": [{{\"dial\": \"127.0.0.1:81\"}}]}}]}}]}}}}}}}}}}"
    );
    caddy::import(&text, "caddy.json").unwrap()
}

#[test]
fn a_real_configuration_becomes_a_tenant_for_each_set_of_hosts() {
    let import = caddy::import(CADDY, "caddy.json").unwrap();
    let names: Vec<_> = import.drafts.iter().map(|draft| draft.id.as_str()).collect();
    assert_eq!(names, ["museum", "archive"]);
    let museum = draft(&import, "museum");
    assert_eq!(
        hosts(museum),
        ["museum.localhost", "www.museum.localhost", "old.localhost"]
    );
    assert_eq!(museum.upstream.as_deref(), Some("http://127.0.0.1:8081"));
    assert_eq!(
        (museum.connect_timeout.as_deref(), museum.response_timeout.as_deref()),
        (Some("5s"), Some("90s"))
    );
    assert_eq!(
        museum.certificate.as_ref().unwrap().certificate,
        "/certs/museum.localhost.crt"
    );
    assert_eq!(museum.remove, ["x-museum-node"]);
    assert!(museum.notes[0].contains("NOT carried over"), "the rule for /admin");
    assert_eq!(draft(&import, "archive").upstream, None);
    assert!(
        draft(&import, "archive").notes[0].contains("NOT carried over"),
        "the password"
    );
}

#[test]
fn a_real_configuration_says_line_by_line_what_was_left() {
    let words = [
        "X-Team\": [\"blue\"]\n",
        "encode",
        "remote_ip",
        "127.0.0.1:9000",
        "\"Host\": [",
        "8082",
        "\"vars\"",
        "http_basic",
        "*.php",
        "file_server",
        "https://museum.localhost{",
        "automation",
    ];
    let line = |words: &str| match words {
        "X-Team\": [\"blue\"]\n" => line_of(CADDY, "Strict-Transport-Security") + 1,
        // The route begins a line earlier.
        "remote_ip" => line_of(CADDY, words) - 1,
        words => line_of(CADDY, words),
    };
    let mut lines: Vec<_> = words.iter().map(|words| line(words)).collect();
    lines.sort_unstable();
    assert_eq!(left_lines(&caddy::import(CADDY, "caddy.json").unwrap()), lines);
}

#[test]
fn a_caddyfile_is_recognised() {
    for text in [
        "museum.example {\n\treverse_proxy 127.0.0.1:81\n}\n",
        "{\n\temail a@b.example\n}\nmuseum.example\n",
        "# a comment\n:80\n",
    ] {
        let error = caddy::import(text, "Caddyfile").unwrap_err().to_string();
        assert!(error.contains("caddy adapt --config Caddyfile"), "{error}");
    }
}

#[test]
fn what_is_no_configuration_is_refused_with_its_place() {
    let error = |text: &str| caddy::import(text, "caddy.json").unwrap_err().to_string();
    assert!(
        error("{\"apps\": {\n\"http\": }}").starts_with("caddy.json:2:"),
        "{}",
        error("{\"apps\": {\n\"http\": }}")
    );
    assert!(error("{}").contains("no `apps`"));
    assert!(error("{\"apps\": {}, \"apps\": {}}").contains("twice"));
}

#[test]
fn every_handler_that_the_edge_has_no_key_for_is_left_with_the_reason() {
    for (handler, why) in [
        ("{\"handler\": \"encode\"}", "compress"),
        ("{\"handler\": \"file_server\"}", "files"),
        ("{\"handler\": \"rewrite\", \"uri\": \"/x\"}", "path"),
        ("{\"handler\": \"request_body\", \"max_size\": 1}", "size"),
        ("{\"handler\": \"rate_limit\"}", "plugin"),
        ("{\"handler\": \"authentication\"}", "who"),
        (
            "{\"handler\": \"static_response\", \"status_code\": 200, \"body\": \"x\"}",
            "answers nothing",
        ),
        ("{\"handler\": \"teapot\"}", "nothing like"),
        (
            "{\"handler\": \"headers\", \"response\": {\"set\": {\"X-Team\": [\"blue\"]}}}",
            "no headers",
        ),
        (
            "{\"handler\": \"headers\", \"request\": {\"set\": {\"X-Team\": [\"blue\"]}}}",
            "no other headers",
        ),
        (
            "{\"handler\": \"reverse_proxy\", \"load_balancing\": {\"retries\": 2}, \"upstreams\": [{\"dial\": \"127.0.0.1:81\"}]}",
            "one application",
        ),
    ] {
        let import = with(handler);
        assert!(left(&import, 2).contains(why), "{handler}: {}", left(&import, 2));
        assert_eq!(left_lines(&import), [2], "{handler}");
    }
}

#[test]
fn addresses_that_the_edge_cannot_reach_are_left() {
    for (proxy, why) in [
        ("\"upstreams\": [{\"dial\": \"unix//run/app.sock\"}]", "Unix socket"),
        ("\"upstreams\": [{\"dial\": \"{env.APP}:80\"}]", "computed"),
        (
            "\"upstreams\": [{\"dial\": \"10.0.0.1:443\"}], \"transport\": {\"protocol\": \"http\", \"tls\": {}}",
            "https://",
        ),
        (
            "\"upstreams\": [{\"dial\": \"127.0.0.1:9000\"}], \"transport\": {\"protocol\": \"fastcgi\"}",
            "fastcgi",
        ),
        ("\"upstreams\": []", "no upstream"),
    ] {
        let import = with(&format!("{{\"handler\": \"reverse_proxy\", {proxy}}}"));
        assert!(left(&import, 2).contains(why), "{proxy}: {}", left(&import, 2));
        assert_eq!(import.drafts[0].upstream, None, "{proxy}");
    }
}

#[test]
fn redirects_to_https_are_what_the_edge_does() {
    let text = "{\"apps\": {\"http\": {\"servers\": {\"s\": {\"listen\": [\":80\"], \"routes\": [{\"match\": [{\"host\": [\"a.example\"]}], \"handle\": [{\"handler\": \"static_response\", \"status_code\": 308, \"headers\": {\"Location\": [\"https://{http.request.host}{http.request.uri}\"]}}]}]}, \"t\": {\"listen\": [\":443\"], \"routes\": [{\"match\": [{\"host\": [\"a.example\"]}], \"handle\": [{\"handler\": \"reverse_proxy\", \"upstreams\": [{\"dial\": \"127.0.0.1:81\"}]}]}]}}}}}";
    let import = caddy::import(text, "a.json").unwrap();
    assert_eq!(
        (import.drafts.len(), import.left().count()),
        (1, 0),
        "{:#?}",
        import.entries
    );
}
