//! A handshake, from the ClientHello to the first byte of HTTP.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rempart_guard::TlsFingerprint;
use rustls::{PeerIncompatible, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use crate::fingerprint::fingerprint;

/// A connection whose handshake is done.
#[derive(Debug)]
#[non_exhaustive]
pub struct Accepted<IO, T> {
    /// The stream, ready for HTTP.
    pub stream: TlsStream<IO>,
    /// What was stored beside the name's configuration.
    pub value: T,
    /// The server name of the handshake, as the client wrote it but for capitals.
    pub name: Box<str>,
    /// The protocol that both sides agreed on.
    pub protocol: Protocol,
    /// What the client offered, as one number: it tells programs apart, and nothing about people.
    pub fingerprint: TlsFingerprint,
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
#[non_exhaustive]
pub enum AcceptError {
    /// The client named nobody, or an address.
    #[error("the handshake names no server")]
    NoName,
    /// The client named somebody who is not here.
    #[error("the handshake names {0:?}, which is nobody here")]
    UnknownName(String),
    /// The client offered only versions, suites, groups or signatures that are not spoken here.
    #[error("the handshake offers nothing that is spoken here: {0:?}")]
    Incompatible(PeerIncompatible),
    /// The client offered only protocols that are not HTTP.
    #[error("the handshake offers no protocol that is spoken here")]
    NoProtocol,
    /// The client took too long.
    #[error("the handshake took longer than it may")]
    Deadline,
    /// The client broke off, or what it sent is not TLS.
    #[error("the handshake failed: {0}")]
    Handshake(#[source] io::Error),
}

impl AcceptError {
    /// The stable code of a refusal; `None` for what the network did or a client that does not speak TLS.
    #[must_use]
    pub const fn refusal(&self) -> Option<&'static str> {
        match self {
            Self::NoName => Some("tls_server_name_missing"),
            Self::UnknownName(_) => Some("tls_server_name_unknown"),
            Self::Incompatible(_) => Some("tls_nothing_in_common"),
            Self::NoProtocol => Some("tls_protocol_unknown"),
            Self::Deadline | Self::Handshake(_) => None,
        }
    }
}

impl From<io::Error> for AcceptError {
    fn from(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(rustls::Error::PeerIncompatible(why)) => Self::Incompatible(why.clone()),
            Some(rustls::Error::NoApplicationProtocol) => Self::NoProtocol,
            _ => Self::Handshake(error),
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
    let began = Instant::now();
    let Refused { error, stream, alert } = match timeout(deadline, handshake(stream, choose)).await {
        Err(_) => return Err(AcceptError::Deadline),
        Ok(Ok(accepted)) => return Ok(accepted),
        Ok(Err(refused)) => refused,
    };
    let left = deadline.saturating_sub(began.elapsed()).min(PARTING);
    // A client that is gone already, or never goes, is refused all the same.
    let _ = timeout(left, part(stream, alert)).await;
    Err(error)
}

/// A handshake that failed, and what is still to be sent.
struct Refused<IO> {
    error: AcceptError,
    stream: Option<IO>,
    /// Empty where rustls has sent its own.
    alert: &'static [u8],
}

async fn handshake<IO, T>(
    stream: IO,
    choose: impl Fn(&str) -> Option<(Arc<ServerConfig>, T)>,
) -> Result<Accepted<IO, T>, Refused<IO>>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut hello = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream);
    let start = match (&mut hello).await {
        Ok(start) => start,
        Err(error) => {
            return Err(Refused {
                error: error.into(),
                stream: hello.take_io(),
                alert: &[],
            });
        }
    };
    let fingerprint = fingerprint(&start.client_hello());
    let chosen = match start.client_hello().server_name() {
        None => Err(AcceptError::NoName),
        Some(name) => match choose(name) {
            Some((config, value)) => Ok((config, value, Box::from(name))),
            None => Err(AcceptError::UnknownName(name.to_owned())),
        },
    };
    let (config, value, name) = match chosen {
        Ok(chosen) => chosen,
        Err(error) => {
            return Err(Refused {
                error,
                stream: Some(start.io),
                alert: &UNRECOGNIZED_NAME,
            });
        }
    };
    match start.into_stream(config).into_fallible().await {
        Ok(stream) => Ok(Accepted {
            protocol: protocol(&stream),
            stream,
            value,
            name,
            fingerprint,
        }),
        Err((error, stream)) => Err(Refused {
            error: error.into(),
            stream: Some(stream),
            alert: &[],
        }),
    }
}

fn protocol<IO>(stream: &TlsStream<IO>) -> Protocol {
    match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Protocol::Http2,
        _ => Protocol::Http11,
    }
}

/// Says why, and waits until the client has heard it: a socket that is closed while bytes of the client's are unread
/// answers with a reset, and a reset overtakes the alert (RFC 1122 section 4.2.2.13).
async fn part<IO: AsyncRead + AsyncWrite + Unpin>(stream: Option<IO>, alert: &[u8]) -> io::Result<()> {
    let Some(mut stream) = stream else { return Ok(()) };
    stream.write_all(alert).await?;
    stream.shutdown().await?;
    // On the heap, because few connections come here and the future of each has the room.
    let (mut unread, mut left) = (vec![0; 1024], PARTING_BYTES);
    while left > 0 {
        match stream.read(&mut unread).await? {
            0 => break,
            read => left = left.saturating_sub(read),
        }
    }
    Ok(())
}

/// How long, and for how many bytes, a client that was refused is listened to. Those who understand alerts close at once.
const PARTING: Duration = Duration::from_secs(1);
const PARTING_BYTES: usize = 64 * 1024;

/// A fatal alert in the clear: type 21, version 3.3, two bytes (RFC 8446 section 5.1), level 2, description 112 (RFC 6066
/// section 3). rustls would send `access_denied`, which tells a client nothing.
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];
