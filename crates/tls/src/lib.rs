//! Stops a site from being spoken to over anything weaker than today's TLS, and one site's certificate, policy or session
//! from serving another.
//!
//! - [`StrictTls`] makes a [`rustls::ServerConfig`] that cannot be half built: a certificate that was checked against its
//!   key goes in, a configuration comes out.
//! - [`Certificate`] is that proof: chain and key belong together, the names are covered, today lies within the dates.
//! - [`Sites`] chooses the configuration by the name in the ClientHello, before anything is answered.
//! - [`DevelopmentCa`] gives certificates to names that can never be public, so that a first run needs no files.
//!
//! # Strict TLS on hyper
//!
//! ```no_run
//! use std::convert::Infallible;
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use http_body_util::Full;
//! use hyper::body::Bytes;
//! use hyper::{Response, service::service_fn};
//! use hyper_util::rt::TokioIo;
//! use rempart_tls::{DevelopmentCa, Protocol, Sites, StrictTls};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (ca, _) = DevelopmentCa::open_or_create("target/ca".as_ref(), rempart_tls::now())?;
//! let certificate = ca.issue(&["site.localhost"], rempart_tls::now())?;
//! let sites = Sites::builder().site(["site.localhost"], StrictTls::new(certificate).config(), ()).build();
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8443").await?;
//! loop {
//!     let (stream, _) = listener.accept().await?;
//!     let Ok(accepted) = sites.accept(stream, Duration::from_secs(10)).await else { continue };
//!     let service = service_fn(async |_| Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("hello"))));
//!     tokio::spawn(async move {
//!         let io = TokioIo::new(accepted.stream);
//!         match accepted.protocol {
//!             Protocol::Http2 => {
//!                 let executor = hyper_util::rt::TokioExecutor::new();
//!                 hyper::server::conn::http2::Builder::new(executor).serve_connection(io, service).await
//!             }
//!             Protocol::Http11 => hyper::server::conn::http1::Builder::new().serve_connection(io, service).await,
//!         }
//!     });
//! }
//! # }
//! ```
//!
//! # What it refuses
//!
//! | | how |
//! |---|---|
//! | TLS 1.1 and older; CBC, RC4, RSA key exchange, finite-field Diffie-Hellman (RFC 9325 sections 3.1 and 4) | handshake alert |
//! | no server name, or one that is an address (RFC 6066 section 3) | alert `unrecognized_name` |
//! | a server name that is nobody's | alert `unrecognized_name`, and no certificate is shown |
//! | only protocols that are not HTTP (RFC 7301 section 3.2; ALPACA) | alert `no_application_protocol` |
//! | a handshake that takes longer than its deadline | the connection is closed |
//! | a certificate and a key that are not a pair, that do not cover the names, that are not valid today | [`CertificateError`] |
//! | a development certificate for a name that could be public | [`DevelopmentCaError::Public`] |
//!
//! # Why state is separate
//!
//! A session that one configuration issued resumes at any other that shares its ticket keys or its session store, without
//! the second one's certificate, client authentication or policy being looked at again. So nothing is shared: each
//! configuration has its own session store, and no ticket keys at all. See RFC 8446 section 8 and RFC 5246 section F.1.4.
//!
//! # What it cannot stop
//!
//! The server name is readable on the wire: rustls has no Encrypted ClientHello on the server's side. Whoever watches the
//! network sees which client site is visited.

mod accept;
mod certificate;
mod development_ca;
mod names;
mod settings;
mod sites;
mod strict;

#[cfg(test)]
mod tests;

pub use accept::{AcceptError, Accepted, Protocol};
pub use certificate::{Certificate, CertificateError};
pub use development_ca::{DevelopmentCa, DevelopmentCaError, Origin};
pub use names::is_reserved;
pub use settings::{TlsFiles, TlsSettings};
pub use sites::{Sites, SitesBuilder};
pub use strict::StrictTls;

use rustls_pki_types::UnixTime;

/// The time by which certificates are judged and made.
#[must_use]
pub fn now() -> UnixTime {
    UnixTime::now()
}
