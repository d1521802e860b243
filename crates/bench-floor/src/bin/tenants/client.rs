//! One connection to one tenant.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, STRICT_TRANSPORT_SECURITY};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::{BoxError, Server, name};

/// Opens connections, none of which resumes a session.
#[derive(Clone)]
pub(crate) struct Client {
    connector: TlsConnector,
    server: SocketAddr,
}

impl Client {
    pub(crate) fn new(server: &Server) -> Result<Self, BoxError> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&server.issuer)?)?;
        let mut provider = aws_lc_rs::default_provider();
        // The only one that both servers have: Debian's OpenSSL 3.0 has no ML-KEM.
        provider.kx_groups = vec![aws_lc_rs::kx_group::X25519];
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            server: server.connect,
        })
    }

    /// A new connection, with this tenant's certificate checked.
    pub(crate) async fn open(&self, tenant: usize) -> Result<Connection, BoxError> {
        let host = format!("{}.localhost", name(tenant));
        let stream = TcpStream::connect(self.server).await?;
        stream.set_nodelay(true)?;
        let stream = self
            .connector
            .connect(ServerName::try_from(host.clone())?, stream)
            .await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Connection { sender, host })
    }
}

/// Open, and free for one request at a time.
pub(crate) struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    host: String,
}

/// What became of a request.
pub(crate) enum Asked {
    /// The whole page came, with this word about HTTPS, which the tenant's configuration chooses.
    Answered(String),
    /// The connection was closed before any of the request was sent: whoever browses does not notice.
    NotSent,
}

impl Connection {
    /// Whether it can take a request. The other side may close a connection that is idle whenever it likes.
    pub(crate) async fn is_open(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Asks for a page of 1 KiB.
    ///
    /// # Errors
    ///
    /// An answer that is not the whole page, or none.
    pub(crate) async fn ask(&mut self) -> Result<Asked, BoxError> {
        let request = Request::get("/1k").header(HOST, &self.host).body(Empty::new())?;
        let answer = match self.sender.try_send_request(request).await {
            Ok(answer) => answer,
            Err(error) if error.message().is_some() => return Ok(Asked::NotSent),
            Err(error) => return Err(error.into_error().into()),
        };
        let (head, body) = answer.into_parts();
        let length = body.collect().await?.to_bytes().len();
        if (head.status, length) != (StatusCode::OK, 1024) {
            return Err(format!("status {}, {length} bytes", head.status).into());
        }
        let word = head.headers.get(STRICT_TRANSPORT_SECURITY);
        Ok(Asked::Answered(word.map_or_else(String::new, |word| {
            String::from_utf8_lossy(word.as_bytes()).replace(' ', "")
        })))
    }
}
