//! Tells a session that was carried to another program from one that was not: what a client offers in its ClientHello depends
//! on its TLS library, and hardly on anything else.
//!
//! The idea is JA4's (FoxIO, *JA4+ Network Fingerprinting*, 2023), with what rustls shows of a ClientHello: cipher suites,
//! signature schemes, groups and protocols. The numbers are not JA4's, and mean nothing elsewhere.

use rempart_guard::TlsFingerprint;
use rustls::server::ClientHello;

/// What a client offers. Nothing of it is a secret, and all of it is the client's to choose.
///
/// In the order in which it was sent, which is the library's order of preference. What browsers shuffle since 2023 is the order
/// of the *extensions*, which is not looked at. What the same browser changes from one connection to the next is left out:
/// values that are there to be ignored (GREASE, RFC 8701), the mark of a second try (RFC 7507), and whether it offers `h2` or
/// `http/1.1` or both, since a WebSocket is asked for over HTTP/1.1 only.
#[derive(Clone, Copy)]
struct Offer<'a> {
    suites: &'a [u16],
    schemes: &'a [u16],
    groups: &'a [u16],
    protocols: Option<&'a [&'a [u8]]>,
}

/// The fingerprint of a ClientHello.
pub(crate) fn fingerprint(hello: &ClientHello<'_>) -> TlsFingerprint {
    let suites: Vec<u16> = hello.cipher_suites().iter().map(|suite| u16::from(*suite)).collect();
    let schemes = hello.signature_schemes();
    let schemes: Vec<u16> = schemes.iter().map(|scheme| u16::from(*scheme)).collect();
    let groups = hello.named_groups().unwrap_or_default();
    let groups: Vec<u16> = groups.iter().map(|group| u16::from(*group)).collect();
    let protocols: Option<Vec<&[u8]>> = hello.alpn().map(Iterator::collect);
    Offer {
        suites: &suites,
        schemes: &schemes,
        groups: &groups,
        protocols: protocols.as_deref(),
    }
    .fingerprint()
}

impl Offer<'_> {
    fn fingerprint(self) -> TlsFingerprint {
        let mut hash = Fnv::new();
        let suites = self.suites.iter().filter(|suite| **suite != FALLBACK);
        hash.numbers(suites);
        hash.numbers(self.schemes);
        hash.numbers(self.groups);
        for protocol in self.protocols.unwrap_or_default() {
            if !is_http(protocol) && !is_grease_of(protocol) {
                hash.text(protocol);
            }
        }
        // To offer no protocol at all is a library's habit too.
        hash.text(if self.protocols.is_some() { b"alpn" } else { b"" });
        TlsFingerprint::new(hash.0)
    }
}

fn is_http(protocol: &[u8]) -> bool {
    matches!(protocol, b"h2" | b"http/1.1")
}

/// Values that are sent so that servers learn to ignore what they do not know: `0x0a0a`, `0x1a1a`, and so on to `0xfafa`
/// (RFC 8701 section 2).
pub(crate) const fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

fn is_grease_of(protocol: &[u8]) -> bool {
    <[u8; 2]>::try_from(protocol).is_ok_and(|bytes| is_grease(u16::from_be_bytes(bytes)))
}

/// FNV-1a with 64 bits (draft-eastlake-fnv): it has to tell some hundred programs apart. Whoever wants to look like another one
/// sends what that one sends, and needs no collision.
struct Fnv(u64);

impl Fnv {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn numbers<'a>(&mut self, numbers: impl IntoIterator<Item = &'a u16>) {
        for number in numbers.into_iter().filter(|number| !is_grease(**number)) {
            self.bytes(&number.to_be_bytes());
        }
        // No list runs into the next one: this is GREASE, which is in none.
        self.bytes(&[0x0a, 0x0a]);
    }

    fn text(&mut self, text: &[u8]) {
        self.bytes(&[u8::try_from(text.len()).unwrap_or(u8::MAX)]);
        self.bytes(text);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// `TLS_FALLBACK_SCSV` (RFC 7507).
const FALLBACK: u16 = 0x5600;

#[cfg(test)]
mod tests {
    use super::*;

    /// As curl with OpenSSL 3 offers, in short.
    const CURL: Offer<'_> = Offer {
        suites: &[0x1302, 0x1303, 0x1301, 0xc02c, 0xc030, 0x00ff],
        schemes: &[0x0403, 0x0503, 0x0603, 0x0807],
        groups: &[0x001d, 0x0017, 0x001e],
        protocols: Some(&[b"h2", b"http/1.1"]),
    };

    fn differs(other: Offer<'_>) -> bool {
        CURL.fingerprint() != other.fingerprint()
    }

    #[test]
    fn the_same_offer_is_the_same_program() {
        assert!(!differs(CURL));
        // Of every process and every machine.
        assert_eq!(CURL.fingerprint().to_string(), "b072d4f96fd18427");
    }

    #[test]
    fn another_offer_is_another_program() {
        let turned = [0x1303, 0x1302, 0x1301, 0xc02c, 0xc030, 0x00ff];
        for other in [
            Offer {
                suites: &turned,
                ..CURL
            },
            Offer {
                suites: &CURL.suites[1..],
                ..CURL
            },
            Offer {
                schemes: &CURL.schemes[..3],
                ..CURL
            },
            Offer {
                groups: &[0x11ec, 0x001d, 0x0017, 0x001e],
                ..CURL
            },
            Offer { groups: &[], ..CURL },
            Offer {
                protocols: None,
                ..CURL
            },
            Offer {
                protocols: Some(&[b"h2", b"http/1.1", b"http/1.0"]),
                ..CURL
            },
        ] {
            assert!(differs(other));
        }
    }

    #[test]
    fn what_moves_from_one_list_to_the_next_is_another_program() {
        let (suites, schemes) = (
            &[0x1302, 0x1303, 0x1301, 0xc02c, 0xc030][..],
            &[0x00ff, 0x0403, 0x0503, 0x0603, 0x0807][..],
        );
        assert!(differs(Offer {
            suites,
            schemes,
            ..CURL
        }));
    }

    #[test]
    fn grease_and_a_second_try_are_not_looked_at() {
        for grease in (0..16).map(|nibble| nibble << 12 | 0x0a00 | nibble << 4 | 0x000a) {
            assert!(is_grease(grease), "{grease:04x}");
            let with = |numbers: &[u16]| [&[grease], numbers, &[grease]].concat();
            let (suites, schemes, groups) = (with(CURL.suites), with(CURL.schemes), with(CURL.groups));
            let protocol = grease.to_be_bytes();
            let offer = Offer {
                suites: &suites,
                schemes: &schemes,
                groups: &groups,
                protocols: Some(&[&protocol, b"h2", b"http/1.1"]),
            };
            assert!(!differs(offer), "{grease:04x}");
        }
        for other in [0x0a1a, 0x1301, 0x0000, 0xa0a0] {
            assert!(!is_grease(other), "{other:04x}");
        }
        let again = [CURL.suites, &[FALLBACK]].concat();
        assert!(!differs(Offer { suites: &again, ..CURL }));
    }

    #[test]
    fn a_browsers_websocket_is_the_same_browser() {
        assert!(!differs(Offer {
            protocols: Some(&[b"http/1.1"]),
            ..CURL
        }));
    }
}
