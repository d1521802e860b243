//! What is negotiable and nothing else, asked by OpenSSL and rustls.

use rustls::crypto::aws_lc_rs::{ALL_KX_GROUPS, default_provider, kx_group};
use rustls::{NamedGroup, version};

use super::fixture::{Ca, Edge, meet};
use crate::{AcceptError, Sites, StrictTls};

fn ecdsa_and_rsa(ca: &Ca) -> Edge {
    let rsa = StrictTls::new(ca.rsa("rsa.test")).config();
    Edge::start(
        Sites::builder()
            .site(["ecdsa.test"], ca.config(&["ecdsa.test"]), "e")
            .site(["rsa.test"], rsa, "r")
            .build(),
    )
}

/// What OpenSSL reports to have agreed on, the suite or the group.
fn agreed(said: &str, what: &str) -> String {
    let found = said.lines().find_map(|line| Some(line.split_once(what)?.1.trim()));
    match found {
        Some(agreed) if !agreed.contains("(NONE)") => agreed.split(',').next().unwrap_or(agreed).to_owned(),
        _ => "refused".to_owned(),
    }
}

const SUITES_12: [&str; 6] = [
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-CHACHA20-POLY1305",
];

#[test]
fn exactly_the_stated_suites_are_negotiable() {
    let ca = Ca::new();
    let edge = ecdsa_and_rsa(&ca);
    let everything_else = format!("ALL:COMPLEMENTOFALL:!{}:@SECLEVEL=0", SUITES_12.join(":!"));
    let mut table = String::new();
    for host in ["ecdsa.test", "rsa.test"] {
        for suite in SUITES_12.into_iter().chain([everything_else.as_str()]) {
            let said = edge.s_client(&["-tls1_2", "-servername", host, "-cipher", suite]);
            let suite = if suite.len() > 40 { "everything else" } else { suite };
            table += &format!("{host} 1.2 {suite}: {}\n", agreed(&said, "Cipher is "));
        }
        for suite in [
            "TLS_AES_256_GCM_SHA384",
            "TLS_AES_128_GCM_SHA256",
            "TLS_CHACHA20_POLY1305_SHA256",
            "TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256",
        ] {
            let said = edge.s_client(&["-tls1_3", "-servername", host, "-ciphersuites", suite]);
            table += &format!("{host} 1.3 {suite}: {}\n", agreed(&said, "Cipher is "));
        }
    }
    assert_eq!(table, SUITE_TABLE);
}

const SUITE_TABLE: &str = "\
ecdsa.test 1.2 ECDHE-ECDSA-AES256-GCM-SHA384: ECDHE-ECDSA-AES256-GCM-SHA384
ecdsa.test 1.2 ECDHE-ECDSA-AES128-GCM-SHA256: ECDHE-ECDSA-AES128-GCM-SHA256
ecdsa.test 1.2 ECDHE-ECDSA-CHACHA20-POLY1305: ECDHE-ECDSA-CHACHA20-POLY1305
ecdsa.test 1.2 ECDHE-RSA-AES256-GCM-SHA384: refused
ecdsa.test 1.2 ECDHE-RSA-AES128-GCM-SHA256: refused
ecdsa.test 1.2 ECDHE-RSA-CHACHA20-POLY1305: refused
ecdsa.test 1.2 everything else: refused
ecdsa.test 1.3 TLS_AES_256_GCM_SHA384: TLS_AES_256_GCM_SHA384
ecdsa.test 1.3 TLS_AES_128_GCM_SHA256: TLS_AES_128_GCM_SHA256
ecdsa.test 1.3 TLS_CHACHA20_POLY1305_SHA256: TLS_CHACHA20_POLY1305_SHA256
ecdsa.test 1.3 TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256: refused
rsa.test 1.2 ECDHE-ECDSA-AES256-GCM-SHA384: refused
rsa.test 1.2 ECDHE-ECDSA-AES128-GCM-SHA256: refused
rsa.test 1.2 ECDHE-ECDSA-CHACHA20-POLY1305: refused
rsa.test 1.2 ECDHE-RSA-AES256-GCM-SHA384: ECDHE-RSA-AES256-GCM-SHA384
rsa.test 1.2 ECDHE-RSA-AES128-GCM-SHA256: ECDHE-RSA-AES128-GCM-SHA256
rsa.test 1.2 ECDHE-RSA-CHACHA20-POLY1305: ECDHE-RSA-CHACHA20-POLY1305
rsa.test 1.2 everything else: refused
rsa.test 1.3 TLS_AES_256_GCM_SHA384: TLS_AES_256_GCM_SHA384
rsa.test 1.3 TLS_AES_128_GCM_SHA256: TLS_AES_128_GCM_SHA256
rsa.test 1.3 TLS_CHACHA20_POLY1305_SHA256: TLS_CHACHA20_POLY1305_SHA256
rsa.test 1.3 TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256: refused
";

#[test]
fn exactly_the_stated_groups_are_negotiable() {
    let ca = Ca::new();
    let edge = ecdsa_and_rsa(&ca);
    let mut table = String::new();
    for version in ["-tls1_2", "-tls1_3"] {
        for group in [
            "X25519",
            "P-256",
            "P-384",
            "P-521",
            "X448",
            "ffdhe2048:ffdhe3072:ffdhe4096",
        ] {
            // An RSA certificate: an ECDSA one would have its curve among the client's groups.
            let said = edge.s_client(&[version, "-servername", "rsa.test", "-groups", group]);
            table += &format!("{version} {group}: {}\n", agreed(&said, "Server Temp Key: "));
        }
    }
    assert_eq!(table, GROUP_TABLE);
}

const GROUP_TABLE: &str = "\
-tls1_2 X25519: X25519
-tls1_2 P-256: ECDH
-tls1_2 P-384: ECDH
-tls1_2 P-521: refused
-tls1_2 X448: refused
-tls1_2 ffdhe2048:ffdhe3072:ffdhe4096: refused
-tls1_3 X25519: X25519
-tls1_3 P-256: ECDH
-tls1_3 P-384: ECDH
-tls1_3 P-521: refused
-tls1_3 X448: refused
-tls1_3 ffdhe2048:ffdhe3072:ffdhe4096: refused
";

#[tokio::test]
async fn exactly_the_stated_groups_of_all_that_rustls_has_are_negotiable() {
    let ca = Ca::new();
    let (sites, mut chosen) = (ca.two_sites(), Vec::new());
    for group in ALL_KX_GROUPS {
        let mut provider = default_provider();
        provider.kx_groups = vec![*group];
        let (server, _) = meet(&sites, &ca.client_with(provider, &[&version::TLS13]).into(), "a.test").await;
        chosen.extend(server.is_ok().then_some(group.name()));
    }
    chosen.sort_by_key(|group| u16::from(*group));
    let stated = [
        NamedGroup::secp256r1,
        NamedGroup::secp384r1,
        NamedGroup::X25519,
        NamedGroup::X25519MLKEM768,
    ];
    assert_eq!(chosen, stated);
}

#[test]
fn tls_1_1_and_older_are_refused() {
    let edge = ecdsa_and_rsa(&Ca::new());
    for version in ["-tls1_1", "-tls1"] {
        let said = edge.s_client(&[version, "-servername", "rsa.test", "-cipher", "ALL:@SECLEVEL=0"]);
        assert!(
            said.contains("SSL alert number") && said.contains("no peer certificate available"),
            "{said}"
        );
        let error = edge.seen().unwrap_err();
        assert!(matches!(error, AcceptError::Incompatible(_)), "{error}");
        assert_eq!(error.refusal(), Some("tls_nothing_in_common"));
    }
}

#[test]
fn cbc_rsa_key_exchange_and_finite_field_diffie_hellman_are_refused() {
    let edge = ecdsa_and_rsa(&Ca::new());
    for suite in [
        "ECDHE-RSA-AES128-SHA256",
        "AES128-GCM-SHA256",
        "DHE-RSA-AES128-GCM-SHA256",
        "AES256-SHA",
    ] {
        let said = edge.s_client(&[
            "-tls1_2",
            "-servername",
            "rsa.test",
            "-cipher",
            &format!("{suite}:@SECLEVEL=0"),
        ]);
        assert!(
            said.contains("handshake failure") && said.contains("Cipher is (NONE)"),
            "{said}"
        );
        assert_eq!(
            edge.seen().unwrap_err().refusal(),
            Some("tls_nothing_in_common"),
            "{suite}"
        );
    }
}

#[test]
fn renegotiation_compression_and_early_data_are_not_there() {
    let ca = Ca::new();
    let edge = ecdsa_and_rsa(&ca);
    let old = edge.s_client(&["-tls1_2", "-servername", "ecdsa.test", "-comp", "-legacy_renegotiation"]);
    assert!(
        old.contains("Compression: NONE") && old.contains("Secure Renegotiation IS supported"),
        "{old}"
    );
    let new = edge.s_client(&["-tls1_3", "-servername", "ecdsa.test"]);
    assert!(
        new.contains("Max Early Data: 0") && new.contains("Early data was not sent"),
        "{new}"
    );
}

#[tokio::test]
async fn the_hybrid_group_is_chosen_when_the_client_prefers_it_and_x25519_when_it_does_not_have_it() {
    let ca = Ca::new();
    let sites = ca.two_sites();
    let (hybrid, x25519) = (kx_group::X25519MLKEM768, kx_group::X25519);
    for (offered, chosen) in [
        (default_provider().kx_groups, NamedGroup::X25519MLKEM768),
        (vec![hybrid, x25519], NamedGroup::X25519MLKEM768),
        (vec![x25519], NamedGroup::X25519),
        (vec![x25519, hybrid], NamedGroup::X25519),
    ] {
        let mut provider = default_provider();
        provider.kx_groups = offered;
        let (server, client) = meet(&sites, &ca.client_with(provider, rustls::ALL_VERSIONS).into(), "a.test").await;
        assert!(client.is_ok());
        let stream = server.unwrap().stream;
        assert_eq!(
            stream.get_ref().1.negotiated_key_exchange_group().unwrap().name(),
            chosen
        );
    }
}

#[tokio::test]
async fn tls_1_2_alone_is_served() {
    let ca = Ca::new();
    let client = ca.client_with(default_provider(), &[&version::TLS12]);
    let (server, client) = meet(&ca.two_sites(), &client.into(), "a.test").await;
    assert!(client.is_ok());
    let version = server.unwrap().stream.get_ref().1.protocol_version();
    assert_eq!(version, Some(rustls::ProtocolVersion::TLSv1_2));
}
