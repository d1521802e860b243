//! A handshake, from the ClientHello to the first byte of HTTP.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rempart_guard::{Ja4, TlsFingerprint};
use rustls::{PeerIncompatible, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, StartHandshake};

use crate::fingerprint::fingerprint;
use crate::ja4::ja4;
use crate::overheard::Overheard;

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
    /// The same as others write it down, with the protocol and whether there is a name.
    pub ja4: Ja4,
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

/// A client that has said whose site it wants, and for whom nothing has been computed yet: whoever shares the processor
/// between tenants decides here whose turn it is. Dropped, it is a connection that is closed without a word.
#[must_use = "nobody has shaken hands yet"]
pub struct Greeted<IO, T> {
    start: StartHandshake<IO>,
    said: Vec<u8>,
    config: Arc<ServerConfig>,
    value: T,
    name: Box<str>,
    until: Instant,
}

impl<IO, T> Greeted<IO, T> {
    /// What was stored beside the name's configuration.
    pub const fn value(&self) -> &T {
        &self.value
    }

    /// The stream, from which the ClientHello is read and nothing else. A client that waits for its answer says nothing: an
    /// end of the stream means that it has gone.
    pub const fn stream(&self) -> &IO {
        &self.start.io
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin, T> Greeted<IO, T> {
    /// Does the rest of the handshake, within what is left of the deadline. `computed` is called once most of the processor's
    /// part of it is done, which is one piece of work without a pause: when the answer to the ClientHello has been made.
    ///
    /// # Errors
    ///
    /// A handshake that fails or takes too long.
    pub async fn accept(self, computed: impl FnOnce()) -> Result<Accepted<IO, T>, AcceptError> {
        let until = self.until;
        within(until, self.shake_hands(computed)).await
    }

    async fn shake_hands(self, computed: impl FnOnce()) -> Result<Accepted<IO, T>, Refused<IO>> {
        let Self {
            start,
            said,
            config,
            value,
            name,
            ..
        } = self;
        let fingerprint = fingerprint(&start.client_hello());
        let Some(ja4) = ja4(&said) else {
            return Err(Refused {
                error: AcceptError::Handshake(io::ErrorKind::InvalidData.into()),
                stream: Some(start.io),
                alert: &DECODE_ERROR,
            });
        };
        drop(said);
        let (mut shaking, mut computed) = (pin!(start.into_stream(config).into_fallible()), Some(computed));
        let shaken = poll_fn(|cx| {
            let polled = shaking.as_mut().poll(cx);
            computed.take().into_iter().for_each(|computed| computed());
            polled
        });
        match shaken.await {
            Ok(stream) => Ok(Accepted {
                protocol: protocol(&stream),
                stream,
                value,
                name,
                fingerprint,
                ja4,
            }),
            Err((error, stream)) => Err(Refused {
                error: error.into(),
                stream: Some(stream),
                alert: &[],
            }),
        }
    }
}

impl<IO, T: fmt::Debug> fmt::Debug for Greeted<IO, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Greeted")
            .field("name", &self.name)
            .field("value", &self.value)
            .finish_non_exhaustive()
    }
}

/// Reads what a client says first, and finds its configuration with `choose`.
pub(crate) async fn greet<IO, T>(
    stream: IO,
    deadline: Duration,
    choose: impl Fn(&str) -> Option<(Arc<ServerConfig>, T)>,
) -> Result<Greeted<IO, T>, AcceptError>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let until = Instant::now() + deadline;
    within(until, greeting(stream, until, choose)).await
}

/// Waits until then; tells a client that is refused, which takes no longer either.
async fn within<IO, V>(until: Instant, outcome: impl Future<Output = Result<V, Refused<IO>>>) -> Result<V, AcceptError>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let Refused { error, stream, alert } = match timeout_at(until, outcome).await {
        Err(_) => return Err(AcceptError::Deadline),
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(refused)) => refused,
    };
    // A client that is gone already, or never goes, is refused all the same.
    let _ = timeout_at(until.min(Instant::now() + PARTING), part(stream, alert)).await;
    Err(error)
}

/// A handshake that failed, and what is still to be sent.
struct Refused<IO> {
    error: AcceptError,
    stream: Option<IO>,
    /// Empty where rustls has sent its own.
    alert: &'static [u8],
}

async fn greeting<IO, T>(
    stream: IO,
    until: Instant,
    choose: impl Fn(&str) -> Option<(Arc<ServerConfig>, T)>,
) -> Result<Greeted<IO, T>, Refused<IO>>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let (start, said) = hello(stream).await?;
    let chosen = match start.client_hello().server_name() {
        None => Err(AcceptError::NoName),
        Some(name) => match choose(name) {
            Some((config, value)) => Ok((config, value, Box::from(name))),
            None => Err(AcceptError::UnknownName(name.to_owned())),
        },
    };
    match chosen {
        Ok((config, value, name)) => Ok(Greeted {
            start,
            said,
            config,
            value,
            name,
            until,
        }),
        Err(error) => Err(Refused {
            error,
            stream: Some(start.io),
            alert: &UNRECOGNIZED_NAME,
        }),
    }
}

/// Reads the ClientHello, and nothing but it is remembered of what is read.
async fn hello<IO>(stream: IO) -> Result<(StartHandshake<IO>, Vec<u8>), Refused<IO>>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut hello = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), Overheard::new(stream));
    match (&mut hello).await {
        Ok(start) => {
            let Overheard { stream, said } = start.io;
            Ok((StartHandshake::from_parts(start.accepted, stream), said))
        }
        Err(error) => Err(Refused {
            error: error.into(),
            stream: hello.take_io().map(|overheard| overheard.stream),
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

/// Description 50 (RFC 8446 section 6.2): rustls read a ClientHello where we find none. No client is known that hears this.
const DECODE_ERROR: [u8; 7] = [21, 3, 3, 0, 2, 2, 50];
