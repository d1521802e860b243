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
//! ```
//! use std::convert::Infallible;
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use http_body_util::Full;
//! use hyper::body::Bytes;
//! use hyper::server::conn::{http1, http2};
//! use hyper::{Response, service::service_fn};
//! use hyper_util::rt::{TokioExecutor, TokioIo};
//! use rempart_tls::{DevelopmentCa, Protocol, Sites, StrictTls};
//! use tokio::net::{TcpListener, TcpStream};
//!
//! async fn serve(stream: TcpStream, sites: Arc<Sites<&'static str>>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//!     let accepted = sites.accept(stream, Duration::from_secs(10)).await?;
//!     let hello = move |_| async move { Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(accepted.value))) };
//!     let stream = TokioIo::new(accepted.stream);
//!     match accepted.protocol {
//!         Protocol::Http2 => http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service_fn(hello)).await?,
//!         Protocol::Http11 => http1::Builder::new().serve_connection(stream, service_fn(hello)).await?,
//!     }
//!     Ok(())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let directory = &directory.path().join("ca");
//! let now = rempart_tls::now();
//! let (ca, _) = DevelopmentCa::open_or_create(directory, now)?;
//! let mut sites = Sites::builder();
//! for (host, text) in [("library.localhost", "books"), ("city.localhost", "permits")] {
//!     let certificate = ca.issue(&[host], now)?;
//!     sites = sites.site([host], StrictTls::new(certificate).config(), text);
//! }
//! let sites = Arc::new(sites.build());
//!
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! # let address = listener.local_addr()?;
//! tokio::spawn(async move {
//!     while let Ok((stream, _)) = listener.accept().await {
//!         // A task for each: a client that is slow to shake hands holds up nobody.
//!         tokio::spawn(serve(stream, Arc::clone(&sites)));
//!     }
//! });
//! # use {rustls::pki_types::{CertificateDer, pem::PemObject}, tokio::io::{AsyncReadExt, AsyncWriteExt}};
//! # let mut roots = rustls::RootCertStore::empty();
//! # roots.add(CertificateDer::from_pem_file(ca.certificate())?)?;
//! # let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
//! # let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
//! # let client = tokio_rustls::TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()));
//! # let mut stream = client.connect("city.localhost".try_into()?, TcpStream::connect(address).await?).await?;
//! # stream.write_all(b"GET / HTTP/1.1\r\nhost: city.localhost\r\nconnection: close\r\n\r\n").await?;
//! # let mut answer = String::new();
//! # stream.read_to_string(&mut answer).await?;
//! # assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\npermits"), "{answer}");
//! # Ok(()) }
//! ```
//!
//! # What it refuses
//!
//! | | how | [`refusal`](AcceptError::refusal) |
//! |---|---|---|
//! | TLS 1.1 and older; CBC, RC4, RSA key exchange, finite-field Diffie-Hellman (RFC 9325 sections 3.1.1 and 4.1) | handshake alert | `tls_nothing_in_common` |
//! | no server name, or one that is an address (RFC 6066 section 3) | alert `unrecognized_name` | `tls_server_name_missing` |
//! | a server name that is nobody's | alert `unrecognized_name`, and no certificate is shown | `tls_server_name_unknown` |
//! | only protocols that are not HTTP (RFC 7301 section 3.2; ALPACA, Brinkmann and others 2021) | alert `no_application_protocol` | `tls_protocol_unknown` |
//! | a session of another configuration | a full handshake instead | |
//! | bytes that are not TLS | the connection is closed | |
//! | a handshake that takes longer than its deadline | the connection is closed | |
//!
//! Before anything is served: a certificate and a key that are not a pair, that do not cover the names or are not valid today
//! are a [`CertificateError`], and a development certificate for a name that could be public is
//! [`DevelopmentCaError::Public`].
//!
//! # Why sessions are separate
//!
//! A session that one configuration issued resumes at any other that has the same ticket keys or the same session store,
//! without the second one's certificate, client authentication or policy being looked at (Delignat-Lavaud and Bhargavan,
//! *Network-based Origin Confusion Attacks against HTTPS Virtual Hosting*, 2015). So nothing is shared: each configuration
//! has its own session store, and no ticket keys at all. A configuration that replaces another begins with an empty one.
//!
//! # What tells one program from another
//!
//! [`Accepted::fingerprint`] is a number for what a client offers: cipher suites, signature schemes, groups, and protocols beyond
//! those of HTTP, after JA4's idea. It is the same for every connection of one program, also for one that resumes a session or
//! asks for a WebSocket. It says nothing about people: two with the same browser on the same kind of machine have the same one,
//! an update of a browser or of its system may change it, and so does a virus scanner that reads along. Whoever wants to can
//! offer what another program offers. So it is good for a signal and for nothing that locks out.
//!
//! [`Accepted::ja4`] is the JA4 of the same ClientHello (FoxIO, [*JA4: TLS client fingerprinting*][ja4], 2023), a text that means
//! the same in the logs and lists of others. It tells more apart than the number: which extensions there are, and also whether
//! the client resumes a session (`pre_shared_key`), fills up its ClientHello (`padding`), names the server, or asks over
//! `http/1.1` for a WebSocket. So a browser has three or four of them, and a session is better bound to the number. What counts
//! requests by it counts all people with one browser together: a limit for a JA4 stops a tool that changes its address with
//! every request, and has to be far above what all visitors with one browser do. A tool that offers what Chrome offers, and there
//! are such tools, has the JA4 of Chrome.
//!
//! The method is open: its own licence is BSD 3-clause, and this is an implementation of ours. Of JA4+, the further methods of the
//! same authors, which have another licence, nothing is here. It costs about a microsecond and a copy of the ClientHello, at most
//! 64 KiB, that is gone before the handshake goes on.
//!
//! [ja4]: https://github.com/FoxIO-LLC/ja4/blob/main/technical_details/JA4.md
//!
//! # What it cannot stop
//!
//! The server name is readable on the wire: rustls has no Encrypted ClientHello on the server's side. Whoever watches the
//! network sees which client site is visited.
//!
//! A client that offers nothing post-quantum is served with X25519, P-256 or P-384: what it says can be recorded now and read
//! by whoever has a quantum computer later.

mod accept;
mod certificate;
mod development_ca;
mod fingerprint;
#[cfg(any(test, fuzzing))]
mod fuzzing;
mod hello;
mod ja4;
mod names;
mod overheard;
mod sessions;
mod settings;
mod sites;
mod strict;

#[cfg(test)]
mod tests;

pub use accept::{AcceptError, Accepted, Greeted, Protocol};
pub use certificate::{Certificate, CertificateError, PemPair};
pub use development_ca::{DevelopmentCa, DevelopmentCaError, Origin};
#[cfg(fuzzing)]
pub use fuzzing::take_hello;
pub use names::is_reserved;
pub use settings::{TlsFiles, TlsSettings};
pub use sites::{Sites, SitesBuilder};
pub use strict::StrictTls;

/// A configuration as [`StrictTls`] makes it, for those who keep one and need its name.
pub use rustls::ServerConfig;

use rustls::pki_types::UnixTime;

/// The time by which certificates are judged and made.
#[must_use]
pub fn now() -> UnixTime {
    UnixTime::now()
}

/// Another time than [`now`], to judge what was judged before. What lies before 1970 is 1970.
#[must_use]
pub fn at(time: std::time::SystemTime) -> UnixTime {
    let since = time.duration_since(std::time::UNIX_EPOCH);
    UnixTime::since_unix_epoch(since.unwrap_or_default())
}
