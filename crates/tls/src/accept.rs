//! A handshake, from the ClientHello to the first byte of HTTP.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::{StartHandshake, TlsStream};

/// A connection whose handshake is done.
#[derive(Debug)]
#[non_exhaustive]
pub struct Accepted<IO, T> {
    /// The stream, ready for HTTP.
    pub stream: TlsStream<IO>,
    /// What was stored beside the name's configuration.
    pub value: T,
    /// The protocol that both sides agreed on.
    pub protocol: Protocol,
}

/// What is spoken after the handshake (RFC 7301). A client that names none gets HTTP/1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/2, `h2`.
    Http2,
    /// HTTP/1.1, `http/1.1`.
    Http11,
}

/// Why a handshake did not end in a connection.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The client named nobody.
    #[error("the handshake names no server")]
    NoName,
    /// The client named somebody who is not here.
    #[error("the handshake names {0:?}, which is nobody here")]
    UnknownName(String),
    /// The client took too long.
    #[error("the handshake took longer than it may")]
    Deadline,
    /// The client offered nothing that is spoken here, or broke off.
    #[error("the handshake failed: {0}")]
    Handshake(io::Error),
}

impl AcceptError {
    /// The stable code of a refusal; `None` for what the network or the client's own limits did.
    #[must_use]
    pub const fn refusal(&self) -> Option<&'static str> {
        match self {
            Self::NoName => Some("tls_server_name_missing"),
            Self::UnknownName(_) => Some("tls_server_name_unknown"),
            Self::Deadline | Self::Handshake(_) => None,
        }
    }
}

/// Shakes hands with the configuration that `choose` finds for the client's server name.
pub(crate) async fn accept<IO, T>(
    stream: IO,
    deadline: Duration,
    choose: impl Fn(&str) -> Option<(Arc<ServerConfig>, T)>,
) -> Result<Accepted<IO, T>, AcceptError>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    timeout(deadline, handshake(stream, choose))
        .await
        .map_err(|_| AcceptError::Deadline)?
}

async fn handshake<IO, T>(
    stream: IO,
    choose: impl Fn(&str) -> Option<(Arc<ServerConfig>, T)>,
) -> Result<Accepted<IO, T>, AcceptError>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let start = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream);
    let start = start.await.map_err(AcceptError::Handshake)?;
    let chosen = match start.client_hello().server_name() {
        None => Err(AcceptError::NoName),
        Some(name) => choose(name).ok_or_else(|| AcceptError::UnknownName(name.to_owned())),
    };
    let (config, value) = match chosen {
        Ok(chosen) => chosen,
        Err(error) => return Err(refuse(start, error).await),
    };
    let stream = start.into_stream(config).await.map_err(AcceptError::Handshake)?;
    let protocol = match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Protocol::Http2,
        _ => Protocol::Http11,
    };
    Ok(Accepted {
        stream,
        value,
        protocol,
    })
}

/// Says why before it closes. rustls would say `access_denied`; what clients understand is `unrecognized_name`.
async fn refuse<IO: AsyncWrite + Unpin>(start: StartHandshake<IO>, error: AcceptError) -> AcceptError {
    let mut stream = start.io;
    // A client that is gone already is refused all the same.
    let _ = stream.write_all(&UNRECOGNIZED_NAME).await;
    let _ = stream.shutdown().await;
    error
}

/// A fatal alert in the clear (RFC 8446 sections 5.1 and 6): type 21, version 3.3, two bytes, level 2, description 112
/// (RFC 6066 section 3).
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];
