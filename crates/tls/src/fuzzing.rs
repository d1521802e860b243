//! What a fuzzer calls, over and over: two readers of a ClientHello, rustls' and ours.

use rustls::server::{Accepted, Acceptor};

use crate::fingerprint::is_grease;
use crate::hello::Hello;
use crate::ja4::ja4;

/// Takes bytes as the first that a client sends. Most are no ClientHello.
///
/// # Panics
///
/// When bytes make anything panic, when rustls reads a ClientHello in them that we do not read or read as another, or when it
/// matters in how many records it came.
#[cfg_attr(not(fuzzing), expect(unreachable_pub, reason = "the fuzzer calls it from outside"))]
pub fn take_hello(sent: &[u8]) {
    let ours = ja4(sent);
    let Some(theirs) = accepted(sent) else { return };
    let hello = Hello::of_records(sent).expect("rustls has read a ClientHello");
    let ours = ours.expect("what is read is written down");
    let theirs = theirs.client_hello();
    let plain = |numbers: Vec<u16>| {
        numbers
            .into_iter()
            .filter(|number| !is_grease(*number))
            .collect::<Vec<_>>()
    };
    let suites = theirs.cipher_suites().iter().map(|suite| u16::from(*suite)).collect();
    assert_eq!(hello.suites, plain(suites));
    let schemes = theirs
        .signature_schemes()
        .iter()
        .map(|scheme| u16::from(*scheme))
        .collect();
    assert_eq!(hello.schemes, plain(schemes));
    let first = theirs.alpn().and_then(|mut protocols| protocols.next());
    assert_eq!(hello.protocol.as_deref(), first);
    let is_named = ours.as_str().as_bytes()[3] == b'd';
    assert!(is_named || theirs.server_name().is_none());
    for size in [1, 3, 100] {
        assert_eq!(ja4(&split(sent, size)), Some(ours), "in records of {size} bytes");
    }
}

/// What rustls reads.
pub(crate) fn accepted(mut sent: &[u8]) -> Option<Accepted> {
    let mut acceptor = Acceptor::default();
    while !sent.is_empty() {
        acceptor.read_tls(&mut sent).ok()?;
        if let Some(accepted) = acceptor.accept().ok()? {
            return Some(accepted);
        }
    }
    None
}

/// The same messages in records of so many bytes.
pub(crate) fn split(sent: &[u8], size: usize) -> Vec<u8> {
    let (mut messages, mut rest) = (Vec::new(), sent);
    while let Some(([_, _, _, length @ ..], body)) = rest.split_first_chunk::<5>() {
        let end = usize::from(u16::from_be_bytes(*length)).min(body.len());
        messages.extend_from_slice(&body[..end]);
        rest = &body[end..];
    }
    let record = |fragment: &[u8]| {
        let length = u16::try_from(fragment.len()).unwrap_or(u16::MAX).to_be_bytes();
        [&[22, 3, 1], &length[..], fragment].concat()
    };
    messages.chunks(size).flat_map(record).collect()
}
