//! One client's connections to one host, from an address of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper::header::HOST;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::application::PAGE;
use crate::drip::Drip;
use crate::{BoxError, Server};

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http11,
    Http2,
}

/// Opens connections to one host. None resumes a session, so that every handshake is a full one.
#[derive(Clone)]
pub(crate) struct Client {
    server: SocketAddr,
    host: String,
    name: ServerName<'static>,
    http_1: Arc<ClientConfig>,
    http_2: Arc<ClientConfig>,
}

impl Client {
    pub(crate) fn new(server: &Server, host: &str) -> Result<Self, BoxError> {
        Ok(Self {
            server: server.connect,
            host: host.to_owned(),
            name: ServerName::try_from(host.to_owned())?,
            http_1: config(server, b"http/1.1")?,
            http_2: config(server, b"h2")?,
        })
    }

    /// A TCP connection from this address.
    pub(crate) async fn connect(&self, from: Ipv4Addr) -> Result<TcpStream, BoxError> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        let stream = socket.connect(self.server).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// A connection whose handshake is done.
    pub(crate) async fn shake_hands(
        &self,
        from: Ipv4Addr,
        protocol: Protocol,
    ) -> Result<TlsStream<TcpStream>, BoxError> {
        let stream = self.connect(from).await?;
        let connector = TlsConnector::from(Arc::clone(self.config(protocol)));
        Ok(connector.connect(self.name.clone(), stream).await?)
    }

    /// A connection that is ready for requests.
    pub(crate) async fn open(&self, from: Ipv4Addr, protocol: Protocol) -> Result<Connection, BoxError> {
        let stream = TokioIo::new(self.shake_hands(from, protocol).await?);
        let sender = match protocol {
            Protocol::Http11 => {
                let (sender, connection) = http1::handshake(stream).await?;
                tokio::spawn(connection);
                Sender::Http11(sender)
            }
            Protocol::Http2 => {
                let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
                tokio::spawn(connection);
                Sender::Http2(sender)
            }
        };
        Ok(Connection {
            sender,
            host: self.host.clone(),
        })
    }

    /// The first message of a handshake.
    pub(crate) fn hello(&self) -> Result<Vec<u8>, BoxError> {
        let mut connection = rustls::ClientConnection::new(Arc::clone(&self.http_2), self.name.clone())?;
        let mut hello = Vec::new();
        connection.write_tls(&mut hello)?;
        Ok(hello)
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    const fn config(&self, protocol: Protocol) -> &Arc<ClientConfig> {
        match protocol {
            Protocol::Http11 => &self.http_1,
            Protocol::Http2 => &self.http_2,
        }
    }
}

/// Open: over HTTP/1.1 for one request at a time, over HTTP/2 for many.
pub(crate) struct Connection {
    sender: Sender,
    host: String,
}

enum Sender {
    Http11(http1::SendRequest<Drip>),
    Http2(http2::SendRequest<Drip>),
}

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The whole page came.
    Page,
    /// An answer came that is not the page.
    Other(StatusCode, usize),
    /// The connection was closed before any of the request was sent: whoever browses does not notice.
    NotSent,
}

impl Connection {
    /// Another handle to the same connection, where requests need not wait for each other.
    pub(crate) fn share(&self) -> Option<Self> {
        match &self.sender {
            Sender::Http11(_) => None,
            Sender::Http2(sender) => Some(Self {
                sender: Sender::Http2(sender.clone()),
                host: self.host.clone(),
            }),
        }
    }

    /// Whether it can take a request. The other side may close a connection that is idle whenever it likes.
    pub(crate) async fn is_open(&mut self) -> bool {
        match &mut self.sender {
            Sender::Http11(sender) => sender.ready().await.is_ok(),
            Sender::Http2(sender) => sender.ready().await.is_ok(),
        }
    }

    /// Asks for the page; with a body, posts it.
    ///
    /// # Errors
    ///
    /// No whole answer.
    pub(crate) async fn ask(&mut self, body: Drip) -> Result<Asked, BoxError> {
        let answer = match self.send(body).await {
            Ok(answer) => answer,
            Err(error) if error.message().is_some() => return Ok(Asked::NotSent),
            Err(error) => return Err(error.into_error().into()),
        };
        let (head, body) = answer.into_parts();
        let length = body.collect().await?.to_bytes().len();
        Ok(match (head.status, length) {
            (StatusCode::OK, PAGE) => Asked::Page,
            (status, length) => Asked::Other(status, length),
        })
    }

    async fn send(&mut self, body: Drip) -> Result<Response<Incoming>, TrySendError<Request<Drip>>> {
        let mut request = Request::new(body);
        if !hyper::body::Body::is_end_stream(request.body()) {
            *request.method_mut() = Method::POST;
        }
        match &mut self.sender {
            Sender::Http11(sender) => {
                let host = self.host.parse().expect("a name of a host is a header's value");
                request.headers_mut().insert(HOST, host);
                *request.uri_mut() = "/page".parse().expect("a path is an address");
                sender.try_send_request(request).await
            }
            Sender::Http2(sender) => {
                let address = format!("https://{}/page", self.host);
                *request.uri_mut() = address.parse().expect("a host and a path are an address");
                sender.try_send_request(request).await
            }
        }
    }
}

/// X25519 alone, so that every server does the same key exchange: Debian's OpenSSL 3.0 has no ML-KEM.
fn config(server: &Server, protocol: &[u8]) -> Result<Arc<ClientConfig>, BoxError> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&server.issuer)?)?;
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = vec![aws_lc_rs::kx_group::X25519];
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![protocol.to_vec()];
    Ok(Arc::new(config))
}
