use std::sync::{Arc, LazyLock};
use std::time::Instant;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::sign::SingleCertAndKey;
use rustls::{CipherSuite, ServerConfig};

use crate::Certificate;
use crate::sessions::Sessions;

/// A server configuration with today's TLS and nothing older (RFC 9325).
///
/// - TLS 1.3 and 1.2, with ephemeral keys and authenticated encryption only;
/// - key exchange by X25519MLKEM768 (RFC 10024), X25519, P-256 or P-384, whichever of them the client likes best;
///   browsers of today put the first one first, and OpenSSL from 3.5 on;
/// - HTTP/2 before HTTP/1.1 by ALPN (RFC 7301), and no connection for a client that offers only others;
/// - no early data, no renegotiation, no compression (RFC 9325 sections 3.3, 3.5 and 3.10), no key log.
///
/// Sessions are kept in a store of this configuration's own, 1,024 of them for a day, and resumed by identifier: there is
/// no ticket key that could be shared by mistake, stolen or left without rotation. One TLS 1.3 ticket is sent per
/// handshake, because a browser that opens one connection uses one. It costs the server a twentieth of the handshake; a
/// client that comes back with it saves less than a tenth with an ECDSA key, most of the handshake with an RSA key, and
/// for itself a chain to fetch and to check. Whoever wants none sets `send_tls13_tickets` to 0 in a clone.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// let (ca, _) = rempart_tls::DevelopmentCa::open_or_create(&directory.path().join("ca"), rempart_tls::now())?;
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
        let builder = ServerConfig::builder_with_provider(Arc::clone(provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .expect("the provider has suites and groups for both versions");
        let resolver = SingleCertAndKey::from(self.certificate.into_key());
        let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.session_storage = Arc::new(Sessions::new(Instant::now));
        config.send_tls13_tickets = 1;
        config.max_early_data_size = 0;
        Arc::new(config)
    }
}

/// The algorithms, named one by one: what a later version of the library adds is not in until somebody looks at it.
///
/// One for all configurations: it holds no key and no state.
pub(crate) fn provider() -> &'static Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(chosen()));
    &PROVIDER
}

fn chosen() -> CryptoProvider {
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

/// RFC 9325 sections 4.2 and 4.3 have these but ChaCha20-Poly1305, which is for clients without AES in hardware (RFC 7905).
const SUITES: [CipherSuite; 9] = [
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
