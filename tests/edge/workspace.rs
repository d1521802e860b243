//! The arrows of `ARCHITECTURE.md`, read out of `cargo metadata`.
//!
//! Only normal and build dependencies are arrows: a test may use whatever shows that the thing under test works.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

#[test]
fn every_arrow_points_down() {
    let turned = turned(&arrows());
    assert!(turned.is_empty(), "{turned:#?}");
}

#[test]
fn an_arrow_that_turns_is_refused() {
    for (from, to, why) in [
        ("rempart-guard", "rempart-tenant", "points up"),
        ("rempart-tenant", "rempart-cookie", "points up"),
        ("rempart-cookie", "rempart-config", "points up"),
        ("rempart-config", "rempart-proxy", "points up"),
        ("rempart-proxy", "rempart", "points up"),
        ("rempart-proxy", "rempart-control", "points up"),
        ("rempart-cookie", "rempart-headers", "points sideways"),
        ("rempart-rate-limit", "rempart-tls", "points sideways"),
        ("rempart-proxy", "rempart-example-sites", "points out of the product"),
        ("rempart-bench-floor", "rempart-tls", "points into the product"),
        ("rempart-ledger", "rempart-guard", "`rempart-ledger` has no place"),
    ] {
        let turned = turned(&[arrow(from, to)]);
        assert!(
            turned.len() == 1 && turned[0].contains(why),
            "{from} → {to}: {turned:?}"
        );
    }
}

#[test]
fn an_arrow_that_points_down_is_not_refused() {
    for (from, to) in [
        ("rempart", "rempart-proxy"),
        ("rempart-control", "rempart-proxy"),
        ("rempart", "rempart-guard"),
        ("rempart", "rempart-example-sites"),
        ("rempart-proxy", "rempart-tls"),
        ("rempart-config", "rempart-cookie"),
        ("rempart-cookie", "rempart-tenant"),
        ("rempart-tenant", "rempart-guard"),
        ("rempart-guard", "http"),
    ] {
        assert_eq!(turned(&[arrow(from, to)]), Vec::<String>::new());
    }
}

#[test]
fn only_tls_knows_rustls_and_beside_it_the_client_of_the_store() {
    // The client of the shared store brings its own, and leaves it to its user to say whose cryptography it uses.
    assert_only(&["rempart-tls", "rempart-redis"], &["rustls"]);
    assert_only(&["rempart-tls"], &["rcgen", "x509-parser"]);
}

#[test]
fn only_tls_and_the_proxy_know_a_tls_stream() {
    // `Sites::accept` hands over a `TlsStream`, and the proxy names that type to serve HTTP on it. Nothing else of it.
    assert_only(&["rempart-tls", "rempart-proxy"], &["tokio-rustls"]);
}

#[test]
fn only_config_knows_figment_and_toml() {
    assert_only(&["rempart-config"], &["figment"]);
    // Traefik's files are TOML too.
    assert_only(&["rempart-config", "rempart-import"], &["toml"]);
}

#[test]
fn only_the_proxy_and_the_administration_socket_know_sockets_and_hypers_server_and_client() {
    assert_only(
        &["rempart-proxy", "rempart-control"],
        &["hyper", "hyper-util", "socket2"],
    );
}

#[test]
fn the_product_needs_nothing_that_only_the_examples_need() {
    assert_only(&[], &["axum", "rusqlite"]);
}

#[test]
fn the_layers_stand_without_the_edge() {
    let all = arrows_of(|_| true);
    let edge = ["rempart-proxy", "rempart-config", "rempart"];
    let leads = |arrow: &&Arrow| arrow.from == "rempart-example-layers" && edge.contains(&&*arrow.to);
    assert!(all.iter().all(|arrow| !leads(&arrow)), "{all:#?}");
    assert!(
        all.iter()
            .any(|arrow| arrow.from == "rempart-example-layers" && arrow.to == "rempart-tenant")
    );
}

#[test]
fn a_stranger_to_a_dependency_is_refused() {
    let arrows = [
        arrow("rempart-tls", "rustls"),
        arrow("rempart-cookie", "rustls"),
        arrow("rempart-cookie", "http"),
        arrow("rempart-bench-floor", "rustls"),
    ];
    assert_eq!(
        strangers(&arrows, &["rempart-tls"], &["rustls"]),
        ["rempart-cookie depends on rustls"]
    );
}

#[test]
fn the_workspace_forbids_unsafe_code_and_asks_for_documentation() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let lints = section(&manifest, "workspace.lints.rust");
    assert!(lints.contains(&r#"unsafe_code = "forbid""#), "{lints:?}");
    assert!(lints.contains(&r#"missing_docs = "deny""#), "{lints:?}");
}

#[test]
fn every_member_has_the_lints_of_the_workspace() {
    for member in members() {
        let manifest = fs::read_to_string(member["manifest_path"].as_str().unwrap()).unwrap();
        assert_eq!(section(&manifest, "lints"), ["workspace = true"], "{}", member["name"]);
    }
}

#[test]
fn every_member_has_the_licence_and_is_never_published_by_accident() {
    for member in members() {
        assert_eq!(member["license"], "MIT OR Apache-2.0", "{}", member["name"]);
        assert_eq!(member["publish"], Value::Array(Vec::new()), "{}", member["name"]);
    }
    for file in ["LICENSE-MIT", "LICENSE-APACHE"] {
        assert!(root().join(file).is_file(), "{file} is missing");
    }
}

#[test]
fn a_section_is_read_to_its_end_and_no_further() {
    let manifest = "[package]\nname = \"x\"\n\n[lints]\n# of all\nworkspace = true\n[dependencies]\nhttp = \"1\"\n";
    assert_eq!(section(manifest, "lints"), ["workspace = true"]);
    assert_eq!(section(manifest, "lint"), [""; 0]);
}

/// A package of the workspace, and one that it needs to be built.
#[derive(Clone, Debug)]
struct Arrow {
    from: String,
    to: String,
}

/// The floors of the product, from the top. An arrow leads from one to a lower one.
const FLOORS: [&[&str]; 8] = [
    &["rempart"],
    &["rempart-control"],
    &["rempart-proxy"],
    &["rempart-config"],
    // The middlewares, which do not know each other.
    &[
        "rempart-rate-limit",
        "rempart-tls",
        "rempart-cookie",
        "rempart-headers",
        "rempart-records",
        "rempart-sessions",
        "rempart-login",
        "rempart-redis",
        "rempart-shares",
        "rempart-waiting-room",
        // Drafts tenants' files as text, and knows nothing of what reads them.
        "rempart-import",
    ],
    &["rempart-tenant"],
    &["rempart-guard"],
    &["rempart-counts"],
];

/// What stands beside the product and is built without it. The examples use the middlewares as a test does.
const BESIDE: [&str; 4] = [
    "rempart-example-layers",
    "rempart-example-sites",
    "rempart-bench-floor",
    "xtask",
];

/// The one arrow from the product to what stands beside it: `rempart demo` starts the example sites.
const DEMO: (&str, &str) = ("rempart", "rempart-example-sites");

/// Every arrow that does not point down, with what is wrong with it.
fn turned(arrows: &[Arrow]) -> Vec<String> {
    let wrong = |Arrow { from, to }: &Arrow| Some(format!("{from} → {to} {}", fault(from, to)?));
    arrows.iter().filter_map(wrong).collect()
}

fn fault(from: &str, to: &str) -> Option<String> {
    let floor = |name: &str| FLOORS.iter().position(|floor| floor.contains(&name));
    let beside = |name: &str| BESIDE.contains(&name);
    if floor(from).is_none() && !beside(from) {
        return Some(format!("`{from}` has no place: give it one in FLOORS or in BESIDE"));
    }
    match (floor(from), floor(to)) {
        _ if (from, to) == DEMO => None,
        (Some(_), None) if beside(to) => Some("points out of the product".into()),
        (None, Some(_)) => Some("points into the product".into()),
        (Some(from), Some(to)) if from == to => Some("points sideways".into()),
        (Some(from), Some(to)) if from > to => Some("points up".into()),
        _ => None,
    }
}

fn assert_only(knowing: &[&str], known: &[&str]) {
    let strangers = strangers(&arrows(), knowing, known);
    assert!(strangers.is_empty(), "only {knowing:?} may: {strangers:#?}");
}

/// Which other part of the product than `knowing` depends on one of `known`. What stands beside it may.
fn strangers(arrows: &[Arrow], knowing: &[&str], known: &[&str]) -> Vec<String> {
    let strange = |Arrow { from, to }: &&Arrow| {
        let (from, to) = (from.as_str(), to.as_str());
        known.contains(&to) && !knowing.contains(&from) && !BESIDE.contains(&from)
    };
    arrows
        .iter()
        .filter(strange)
        .map(|Arrow { from, to }| format!("{from} depends on {to}"))
        .collect()
}

fn arrow(from: &str, to: &str) -> Arrow {
    Arrow {
        from: from.to_owned(),
        to: to.to_owned(),
    }
}

/// What every member's manifest says that it needs to be built.
fn arrows() -> Vec<Arrow> {
    arrows_of(|kind| kind != "dev")
}

/// Those of the kinds that are asked for: `dev`, `build`, or null for normal ones.
fn arrows_of(kind: impl Fn(&Value) -> bool) -> Vec<Arrow> {
    let mut arrows = Vec::new();
    for member in members() {
        for dependency in member["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| kind(&one["kind"]))
        {
            arrows.push(arrow(
                member["name"].as_str().unwrap(),
                dependency["name"].as_str().unwrap(),
            ));
        }
    }
    assert!(arrows.len() > 50, "the metadata was misread: {arrows:?}");
    arrows
}

/// The packages of the workspace as cargo sees them. `--no-deps` needs neither the lock nor the network.
fn members() -> Vec<Value> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root());
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// The lines of one section of a manifest, without comments.
fn section<'a>(manifest: &'a str, name: &str) -> Vec<&'a str> {
    let header = format!("[{name}]");
    let lines = manifest
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != header)
        .skip(1);
    lines
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
