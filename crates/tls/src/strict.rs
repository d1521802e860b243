use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::ServerSessionMemoryCache;
use rustls::sign::SingleCertAndKey;
use rustls::{CipherSuite, ServerConfig};

use crate::Certificate;

/// A server configuration with today's TLS and nothing older (RFC 9325; Mozilla's *intermediate* without its CBC-free
/// exceptions).
///
/// TLS 1.3 and 1.2 with ECDHE and AEAD suites; key exchange by X25519MLKEM768 first (draft-ietf-tls-ecdhe-mlkem), then
/// X25519, P-256, P-384; HTTP/2 and HTTP/1.1 by ALPN; no 0-RTT, no renegotiation, no compression.
///
/// Sessions are kept in a store of this configuration's own, 1,024 of them, and resumed by identifier: there is no ticket
/// key that could be shared by mistake or has to be rotated. One TLS 1.3 ticket is sent per handshake, because each costs
/// the server and a browser that opens one connection uses one.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// let (ca, _) = rempart_tls::DevelopmentCa::open_or_create(directory.path(), rempart_tls::now())?;
/// let certificate = ca.issue(&["site.localhost"], rempart_tls::now())?;
/// let config = rempart_tls::StrictTls::new(certificate).config();
/// assert_eq!(config.max_early_data_size, 0);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct StrictTls {
    certificate: Certificate,
}

impl StrictTls {
    /// For one site's certificate.
    #[must_use]
    pub const fn new(certificate: Certificate) -> Self {
        Self { certificate }
    }

    /// The configuration, with session state that no other configuration has.
    #[must_use]
    pub fn config(self) -> Arc<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(Arc::new(provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .expect("the provider has suites and groups for both versions");
        let resolver = SingleCertAndKey::from(self.certificate.into_key());
        let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.session_storage = ServerSessionMemoryCache::new(SESSIONS);
        config.send_tls13_tickets = 1;
        config.max_early_data_size = 0;
        Arc::new(config)
    }
}

/// Sessions kept per configuration, the oldest dropped first: about 200 KiB when full.
const SESSIONS: usize = 1024;

/// The algorithms, named one by one: what a later version of the library adds is not in until somebody looks at it.
pub(crate) fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.retain(|suite| SUITES.contains(&suite.suite()));
    provider.kx_groups = vec![
        aws_lc_rs::kx_group::X25519MLKEM768,
        aws_lc_rs::kx_group::X25519,
        aws_lc_rs::kx_group::SECP256R1,
        aws_lc_rs::kx_group::SECP384R1,
    ];
    provider
}

pub(crate) const SUITES: [CipherSuite; 9] = [
    CipherSuite::TLS13_AES_256_GCM_SHA384,
    CipherSuite::TLS13_AES_128_GCM_SHA256,
    CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];
