use rempart_import::{Import, traefik};

use crate::{DYNAMIC_TOML, DYNAMIC_YAML, draft, hosts, left, left_lines, line_of};

fn import(text: &str) -> Import {
    traefik::import(text, "dynamic.toml").unwrap()
}

/// A router with a middleware that is on line 2 and after.
fn with(middleware: &str) -> Import {
    import(&format!(
        "[http.middlewares.m]\n{middleware}\n[http.routers.a]\nrule = \"Host(`a.example`)\"\nservice = \"a\"\nmiddlewares = [\"m\"]\n[[http.services.a.loadBalancer.servers]]\nurl = \"http://127.0.0.1:81\"\n"
    ))
}

#[test]
fn a_real_configuration_becomes_a_tenant_for_each_set_of_hosts() {
    let import = import(DYNAMIC_TOML);
    let names: Vec<_> = import.drafts.iter().map(|draft| draft.id.as_str()).collect();
    assert_eq!(names, ["museum", "archive"]);
    let museum = draft(&import, "museum");
    assert_eq!(hosts(museum), ["museum.localhost", "www.museum.localhost"]);
    assert_eq!(museum.upstream.as_deref(), Some("http://127.0.0.1:8081"));
    assert_eq!(
        (museum.connect_timeout.as_deref(), museum.response_timeout.as_deref()),
        (Some("5s"), Some("90s"))
    );
    assert_eq!(
        museum.certificate.as_ref().unwrap().key_file,
        "/etc/certs/museum.localhost.key"
    );
    let quotas: Vec<_> = museum
        .quotas
        .iter()
        .map(|quota| (quota.rate.as_str(), quota.routes.len()))
        .collect();
    assert_eq!(quotas, [("100/m burst 50", 0), ("5/15m burst 1", 1)]);
    assert_eq!(museum.frame_ancestors.as_deref(), Some(&[][..]));
    assert_eq!(museum.remove, ["x-museum-node"]);
    assert!(museum.hsts.as_ref().unwrap().include_subdomains);
    assert_eq!(
        draft(&import, "archive").upstream.as_deref(),
        Some("http://10.0.0.7:9000")
    );
    assert_eq!(draft(&import, "archive").notes.len(), 1);
}

#[test]
fn a_real_configuration_says_line_by_line_what_was_left() {
    let words = [
        "certResolver",
        "[http.routers.clubs]",
        "X-Team",
        "[http.middlewares.staff.basicAuth]",
        "[http.middlewares.strip.stripPrefix]",
        "[http.middlewares.forgotten.compress]",
        "[http.services.museum.loadBalancer.healthCheck]",
        "[tls.options.default]",
        "[tcp.routers.mail]",
    ];
    let mut lines: Vec<_> = words.iter().map(|words| line_of(DYNAMIC_TOML, words)).collect();
    // The second server and the second certificate have headers of their own.
    lines.extend([
        line_of(DYNAMIC_TOML, "8082") - 1,
        line_of(DYNAMIC_TOML, "wildcard.pem") - 1,
    ]);
    lines.sort_unstable();
    assert_eq!(left_lines(&import(DYNAMIC_TOML)), lines);
}

#[test]
fn yaml_is_read_with_its_lines() {
    let import = traefik::import(DYNAMIC_YAML, "dynamic.yml").unwrap();
    assert_eq!(import.drafts[0].upstream.as_deref(), Some("http://127.0.0.1:8081"));
    assert_eq!(import.drafts[0].quotas[0].rate, "10/s burst 20");
    assert_eq!(left_lines(&import), [line_of(DYNAMIC_YAML, "guests")]);
    // Without a name that says it, the notation is seen.
    assert_eq!(traefik::import(DYNAMIC_YAML, "x").unwrap().drafts.len(), 1);
    assert_eq!(traefik::import(DYNAMIC_TOML, "x").unwrap().drafts.len(), 2);
}

#[test]
fn a_user_and_a_password_are_not_repeated() {
    let import = with("basicAuth.users = [\"admin:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/\"]");
    let said = format!("{:?}{}", import.entries, import.drafts[0].to_toml());
    assert!(!said.contains("apr1"), "{said}");
    assert!(left(&import, 2).contains("who"));
    assert!(import.drafts[0].to_toml().contains("# ATTENTION: "));
}

#[test]
fn every_middleware_that_the_edge_has_no_key_for_is_left_with_the_reason() {
    for (middleware, why) in [
        ("compress = {}", "compress"),
        ("buffering.maxRequestBodyBytes = 1000", "size"),
        ("stripPrefix.prefixes = [\"/a\"]", "path"),
        ("redirectRegex.regex = \"x\"", "nowhere else"),
        ("redirectScheme.scheme = \"http\"", "nothing elsewhere"),
        ("inFlightReq.amount = 1", "under way"),
        ("ipAllowList.sourceRange = [\"10.0.0.0/8\"]", "who"),
        ("forwardAuth.address = \"http://auth\"", "who"),
        ("plugin.x.y = 1", "plugins"),
        ("teapot.x = 1", "nothing like"),
        ("headers.stsPreload = true", "stsSeconds"),
        ("headers.accessControlAllowMethods = [\"GET\"]", "no such header"),
        ("headers.customRequestHeaders.X-Team = \"blue\"", "no headers"),
        ("rateLimit = {average = 1, period = \"500ms\"}", "whole seconds"),
        (
            "rateLimit = {average = 1, sourceCriterion = {requestHeaderName = \"X\"}}",
            "every client chooses",
        ),
    ] {
        let import = with(middleware);
        assert!(left(&import, 2).contains(why), "{middleware}: {}", left(&import, 2));
        assert_eq!(left_lines(&import), [2], "{middleware}");
    }
}

#[test]
fn chains_that_contain_each_other_end() {
    let import = with("chain.middlewares = [\"m\"]");
    assert!(left(&import, 2).contains("each other"));
}

#[test]
fn services_that_are_no_single_application_are_left() {
    for (service, why) in [
        ("[http.services.a.weighted]\nservices = []", "no loadBalancer"),
        (
            "[[http.services.a.loadBalancer.servers]]\nurl = \"https://10.0.0.1\"",
            "https://",
        ),
        ("[http.services.b.loadBalancer]\npassHostHeader = true", "not defined"),
    ] {
        let import = import(&format!(
            "[http.routers.a]\nrule = \"Host(`a.example`)\"\nservice = \"a\"\n{service}\n"
        ));
        assert_eq!(import.drafts[0].upstream, None, "{service}");
        assert!(left(&import, 3).contains(why), "{service}: {}", left(&import, 3));
    }
}

#[test]
fn what_is_no_dynamic_configuration_is_refused() {
    let error = |text: &str, file: &str| traefik::import(text, file).unwrap_err().to_string();
    let said = error("[entryPoints.web]\naddress = \":80\"\n", "traefik.toml");
    assert!(
        said.starts_with("traefik.toml:1:1: error: ") && said.contains("providers.file"),
        "{said}"
    );
    assert!(
        error("[http\n", "a.toml").starts_with("a.toml:1:"),
        "{}",
        error("[http\n", "a.toml")
    );
    assert!(error("http:\n  routers: [\n", "a.yml").starts_with("a.yml:"));
    assert!(error("http: &x\n  a: *x\n", "a.yml").contains("anchor"));
}
