//! Strict TLS on hyper.
//!
//! ```text
//! $ cargo run -p rempart-example-layers --example strict_tls_hyper -- --listen 127.0.0.1:3000
//! $ curl -sv --cacert CA https://site.localhost:3000/            # CA: the file that the second line names
//! $ curl -sv --cacert CA --tls-max 1.1 https://site.localhost:3000/
//! $ curl -svk --connect-to other.localhost:3000:127.0.0.1:3000 https://other.localhost:3000/
//! $ openssl s_client -connect 127.0.0.1:3000 -servername site.localhost -tls1_2 -cipher AES128-SHA </dev/null
//! ```
//!
//! The first is answered, over HTTP/2 and TLS 1.3. The others are refused in the handshake, before any request could be
//! sent: TLS 1.1, a name that is nobody's (and no certificate is shown to whoever tries names), and a suite without forward
//! secrecy or authenticated encryption.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rempart_tls::{DevelopmentCa, Protocol, Sites, StrictTls};
use tokio::net::TcpStream;

/// How long a client may take for the handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A certificate of a CA made here, so that the example needs no files. A real site has its own:
    // `Certificate::from_files("fullchain.pem", "privkey.pem", &["www.example.org"], rempart_tls::now())`.
    let directory = tempfile::tempdir()?;
    let (ca, _) = DevelopmentCa::open_or_create(&directory.path().join("ca"), rempart_tls::now())?;
    let certificate = ca.issue(&["site.localhost"], rempart_tls::now())?;
    let sites = Sites::builder()
        .site(["site.localhost"], StrictTls::new(certificate).config(), ())
        .build();
    let sites = Arc::new(sites);

    let listener = rempart_example_layers::listen("https").await?;
    rempart_example_layers::say(&format_args!("CA certificate {}", ca.certificate().display()));
    loop {
        let (stream, _) = listener.accept().await?;
        let sites = Arc::clone(&sites);
        // A handshake that is refused ends this connection and no other.
        tokio::spawn(async move { serve(&sites, stream).await });
    }
}

/// One connection: the handshake, then whichever HTTP it agreed on.
async fn serve(sites: &Sites<()>, stream: TcpStream) -> Result<(), Box<dyn Error + Send + Sync>> {
    let accepted = sites.accept(stream, HANDSHAKE).await?;
    let stream = TokioIo::new(accepted.stream);
    let service = service_fn(async |_| Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("hello\n")))));
    match accepted.protocol {
        Protocol::Http2 => {
            http2::Builder::new(TokioExecutor::new())
                .serve_connection(stream, service)
                .await?
        }
        Protocol::Http11 => {
            http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(stream, service)
                .await?
        }
    }
    Ok(())
}
