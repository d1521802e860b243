//! Reads a ClientHello as it was sent (RFC 8446 section 4.1.2), for what rustls does not show of it.
//!
//! rustls has read the same bytes before and was content with them. So this asks for no more than it needs: where lists begin
//! and end. Whatever the bytes are, it neither panics nor allocates more than they are long, some times over.

use std::borrow::Cow;

use crate::fingerprint::is_grease;

/// What a ClientHello offers, in the order in which it was sent, without what is there to be ignored (GREASE, RFC 8701).
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Hello {
    /// The version that old servers look at: 3.3 for TLS 1.2 and newer.
    pub(crate) legacy_version: u16,
    pub(crate) suites: Vec<u16>,
    /// The numbers of all extensions.
    pub(crate) extensions: Vec<u16>,
    /// `None` without the extension (RFC 8446 section 4.2.1).
    pub(crate) versions: Option<Vec<u16>>,
    /// Empty without the extension (RFC 8446 section 4.2.3).
    pub(crate) schemes: Vec<u16>,
    /// The first of the protocols (RFC 7301 section 3.1).
    pub(crate) protocol: Option<Vec<u8>>,
}

impl Hello {
    /// Of what a client has sent first, in however many records. `None` when there is no whole ClientHello in it.
    pub(crate) fn of_records(sent: &[u8]) -> Option<Self> {
        Self::of_message(&message(sent)?)
    }

    /// Of a message without its head.
    fn of_message(message: &[u8]) -> Option<Self> {
        let mut rest = Rest(message);
        let legacy_version = rest.number()?;
        let _random = rest.bytes(32)?;
        let _session = rest.short_list()?;
        let suites = numbers(rest.list()?);
        let _compressions = rest.short_list()?;
        let mut hello = Self {
            legacy_version,
            suites,
            ..Self::default()
        };
        // A client of before RFC 3546 ends here.
        if !rest.0.is_empty() {
            let mut extensions = Rest(rest.list()?);
            while !extensions.0.is_empty() {
                hello.extension(extensions.number()?, Rest(extensions.list()?))?;
            }
        }
        Some(hello)
    }

    fn extension(&mut self, kind: u16, mut body: Rest<'_>) -> Option<()> {
        if is_grease(kind) {
            return Some(());
        }
        self.extensions.push(kind);
        match kind {
            SUPPORTED_VERSIONS => self.versions = Some(numbers(body.short_list()?)),
            SIGNATURE_ALGORITHMS => self.schemes = numbers(body.list()?),
            PROTOCOLS => {
                let mut protocols = Rest(body.list()?);
                self.protocol = protocols.short_list().map(<[u8]>::to_vec);
            }
            _ => {}
        }
        Some(())
    }
}

/// The ClientHello of a client's first records (RFC 8446 section 5.1), put together where it was split, without its head.
fn message(sent: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut records = Rest(sent);
    let mut joined = Cow::Borrowed(&[][..]);
    loop {
        let [HANDSHAKE, _, _] = records.bytes(3)? else {
            return None;
        };
        let fragment = records.list()?;
        // Most come in one piece, of which nothing is copied.
        if joined.is_empty() {
            joined = Cow::Borrowed(fragment);
        } else {
            joined.to_mut().extend_from_slice(fragment);
        }
        let Some(([kind, length @ ..], _)) = joined.split_first_chunk::<4>() else {
            continue;
        };
        if *kind != CLIENT_HELLO {
            return None;
        }
        let end = 4 + usize::from(length[0]) * 0x1_0000 + usize::from(length[1]) * 0x100 + usize::from(length[2]);
        if joined.len() >= end {
            return Some(match joined {
                Cow::Borrowed(all) => Cow::Borrowed(&all[4..end]),
                Cow::Owned(mut all) => {
                    all.truncate(end);
                    all.drain(..4);
                    Cow::Owned(all)
                }
            });
        }
    }
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    fn number(&mut self) -> Option<u16> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u16::from_be_bytes(*bytes))
    }

    /// Bytes behind their count, which is two bytes itself.
    fn list(&mut self) -> Option<&'a [u8]> {
        let count = self.number()?;
        self.bytes(usize::from(count))
    }

    /// Bytes behind their count, which is one byte itself.
    fn short_list(&mut self) -> Option<&'a [u8]> {
        let (count, rest) = self.0.split_first()?;
        self.0 = rest;
        self.bytes(usize::from(*count))
    }
}

fn numbers(list: &[u8]) -> Vec<u16> {
    let (pairs, _) = list.as_chunks::<2>();
    let mut numbers = Vec::with_capacity(pairs.len());
    let all = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
    numbers.extend(all.filter(|number| !is_grease(*number)));
    numbers
}

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

const SIGNATURE_ALGORITHMS: u16 = 0x000d;
const SUPPORTED_VERSIONS: u16 = 0x002b;
/// Application-layer protocol negotiation.
pub(crate) const PROTOCOLS: u16 = 0x0010;
pub(crate) const SERVER_NAME: u16 = 0x0000;
