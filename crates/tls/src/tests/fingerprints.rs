//! Programs told apart by how they begin a handshake.

use std::sync::Arc;

use rempart_guard::TlsFingerprint;
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};

use super::fixture::{Ca, meet};
use crate::Sites;

async fn of(sites: &Sites<&'static str>, client: &Arc<ClientConfig>, name: &str) -> TlsFingerprint {
    let (server, client) = meet(sites, client, name).await;
    client.unwrap();
    server.unwrap().fingerprint
}

#[tokio::test]
async fn the_same_client_has_the_same_fingerprint_at_every_site_and_when_it_resumes() {
    let ca = Ca::new();
    let (sites, client) = (ca.two_sites(), Arc::new(ca.client()));
    let first = of(&sites, &client, "a.test").await;
    for name in ["a.test", "a.test", "b.test"] {
        assert_eq!(of(&sites, &client, name).await, first, "{name}");
    }
    assert_eq!(
        of(&sites, &ca.client().into(), "a.test").await,
        first,
        "another process"
    );
}

#[tokio::test]
async fn clients_that_offer_other_things_have_other_fingerprints() {
    let ca = Ca::new();
    let sites = ca.two_sites();
    let mut few_groups = default_provider();
    few_groups.kx_groups = vec![kx_group::X25519];
    let mut few_suites = default_provider();
    few_suites.cipher_suites.remove(0);
    let mut naming = ca.client();
    naming.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let clients = [
        ca.client(),
        ca.client_with(few_groups, rustls::DEFAULT_VERSIONS),
        ca.client_with(few_suites, rustls::DEFAULT_VERSIONS),
        ca.client_with(default_provider(), &[&rustls::version::TLS12]),
        naming,
    ];
    let mut seen = Vec::new();
    for client in clients {
        seen.push(of(&sites, &client.into(), "a.test").await);
    }
    let all = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), all);
}

#[tokio::test]
async fn a_page_and_a_websocket_of_one_client_have_one_fingerprint() {
    let ca = Ca::new();
    let sites = ca.two_sites();
    let mut seen = Vec::new();
    for protocols in [&[&b"h2"[..], b"http/1.1"][..], &[b"http/1.1"]] {
        let mut client = ca.client();
        client.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        seen.push(of(&sites, &client.into(), "a.test").await);
    }
    assert_eq!(seen[0], seen[1]);
}
