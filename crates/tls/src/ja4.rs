//! Writes down what a client offers as JA4 does, so that the text means here what it means in the logs of others.
//!
//! The method is *JA4: TLS client fingerprinting* (FoxIO, 2023, BSD 3-clause), as `technical_details/JA4.md` of
//! <https://github.com/FoxIO-LLC/ja4> says it; the code is our own. Nothing of JA4+, which has another licence, is here.

use aws_lc_rs::digest::{SHA256, digest};
use rempart_guard::Ja4;

use crate::hello::{Hello, PROTOCOLS, SERVER_NAME};

/// Of what a client has sent first. `None` when there is no whole ClientHello in it.
pub(crate) fn ja4(sent: &[u8]) -> Option<Ja4> {
    Hello::of_records(sent)?.ja4()
}

impl Hello {
    fn ja4(mut self) -> Option<Ja4> {
        self.suites.sort_unstable();
        self.extensions.sort_unstable();
        let mut text = [b'_'; Ja4::LENGTH];
        text[0] = b't';
        text[1..3].copy_from_slice(self.version());
        text[3] = if self.extensions.contains(&SERVER_NAME) {
            b'd'
        } else {
            b'i'
        };
        text[4..6].copy_from_slice(&count(&self.suites));
        text[6..8].copy_from_slice(&count(&self.extensions));
        text[8..10].copy_from_slice(&ends(self.protocol.as_deref().unwrap_or_default()));
        // What the first part tells already.
        self.extensions.retain(|kind| ![SERVER_NAME, PROTOCOLS].contains(kind));
        let mut list = Vec::with_capacity((self.extensions.len() + self.schemes.len()).max(self.suites.len()) * 5);
        join(&mut list, &self.suites);
        text[11..23].copy_from_slice(&hash(&list));
        list.clear();
        join(&mut list, &self.extensions);
        if !self.schemes.is_empty() {
            list.push(b'_');
            join(&mut list, &self.schemes);
        }
        text[24..].copy_from_slice(&hash(&list));
        Ja4::try_from(text).ok()
    }

    /// The highest that is offered.
    fn version(&self) -> &'static [u8; 2] {
        let highest = match &self.versions {
            Some(versions) => versions.iter().copied().max(),
            None => Some(self.legacy_version),
        };
        match highest {
            Some(0x0304) => b"13",
            Some(0x0303) => b"12",
            Some(0x0302) => b"11",
            Some(0x0301) => b"10",
            Some(0x0300) => b"s3",
            Some(0x0002) => b"s2",
            Some(0xfeff) => b"d1",
            Some(0xfefd) => b"d2",
            Some(0xfefc) => b"d3",
            _ => b"00",
        }
    }
}

fn count(list: &[u16]) -> [u8; 2] {
    let count = u8::try_from(list.len()).unwrap_or(99).min(99);
    [b'0' + count / 10, b'0' + count % 10]
}

/// The first and the last character of a protocol, or of its bytes in hexadecimal when one of the two is no letter or digit.
fn ends(protocol: &[u8]) -> [u8; 2] {
    let (Some(first), Some(last)) = (protocol.first(), protocol.last()) else {
        return *b"00";
    };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        [*first, *last]
    } else {
        [digit(first >> 4), digit(*last)]
    }
}

/// Four digits each, with commas between them.
fn join(text: &mut Vec<u8>, numbers: &[u16]) {
    for (index, number) in numbers.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        let [high, low] = number.to_be_bytes();
        text.extend([high >> 4, high, low >> 4, low].map(digit));
    }
}

/// The first twelve digits; zeros for nothing, so that one sees that there was nothing.
fn hash(text: &[u8]) -> [u8; 12] {
    if text.is_empty() {
        return [b'0'; 12];
    }
    let hash = digest(&SHA256, text);
    let hash = hash.as_ref();
    std::array::from_fn(|at| digit(hash[at / 2] >> if at % 2 == 0 { 4 } else { 0 }))
}

/// The lower half of a byte.
const fn digit(byte: u8) -> u8 {
    b"0123456789abcdef"[(byte & 0x0f) as usize]
}
