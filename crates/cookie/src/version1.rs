//! Texts of version 1, which are opened and never made: AES-256-GCM-SIV (RFC 8452), bound to the tenant's key and the
//! cookie's name.
//!
//! ```text
//! base64url, no padding
//! ├─ 4 characters   format
//! ├─ 12 characters  tenant: 9 bytes derived from the tenant's key
//! └─ the rest       nonce (12 bytes), encrypted value, tag (16 bytes)
//! ```

use std::time::SystemTime;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk};
use base64_simd::{AsOut as _, URL_SAFE_NO_PAD};
use rempart_guard::SessionId;
use rempart_tenant::PurposeKey;
use zeroize::Zeroizing;

use crate::label::{Label, seconds};
use crate::period::expand;
use crate::seal::{Found, Opened};

/// What opens them: the key that is derived from `root`, which all of them were sealed with.
pub(crate) struct Version1 {
    key: LessSafeKey,
    prefix: [u8; PREFIX],
    until: Option<SystemTime>,
    /// What they do not say: when they were sealed.
    sealed: u64,
}

impl Version1 {
    /// Their format as a text.
    pub(crate) const FORMAT: &[u8] = b"tl4B";

    /// Of the first of these keys. Texts count as sealed, and their sessions as begun, at `now`.
    pub(crate) fn new<'a>(mut keys: impl Iterator<Item = &'a PurposeKey>, now: SystemTime) -> Option<Self> {
        let of = keys.next()?;
        let root = Prk::new_less_safe(HKDF_SHA256, of.key.as_bytes());
        let mut secret = Zeroizing::new([0; 32]);
        expand(&root, b"rempart cookie seal 1", secret.as_mut());
        let mut public = [0xb6, 0x5e, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        expand(&root, b"rempart cookie tenant 1", &mut public[3..]);
        let mut prefix = [0; PREFIX];
        let _ = URL_SAFE_NO_PAD.encode(&public, prefix.as_mut_slice().as_out());
        let key = UnboundKey::new(&AES_256_GCM_SIV, secret.as_ref()).expect("AES-256 takes 32 bytes");
        Some(Self {
            key: LessSafeKey::new(key),
            prefix,
            until: of.until,
            sealed: seconds(now),
        })
    }

    /// Appends the value of `text` to `line`. Without the key, nobody can say whose it was: it counts as ended.
    pub(crate) fn open(this: Option<&Self>, name: &[u8], text: &[u8], now: SystemTime, line: &mut Vec<u8>) -> Opened {
        let start = line.len();
        if text.len() < SHORTEST {
            return Opened::Unsealed;
        }
        if URL_SAFE_NO_PAD.decode_append(&text[PREFIX..], line).is_err() {
            return Opened::Broken;
        }
        let Some(this) = this else {
            return Opened::KeyEnded;
        };
        if text[..PREFIX] != this.prefix {
            return Opened::Foreign;
        }
        if this.until.is_some_and(|until| until <= now) {
            return Opened::KeyEnded;
        }
        match this.decrypt(name, line, start) {
            Some(label) => Opened::Own(Found {
                label,
                is_current: false,
                is_version_1: true,
                host: 0,
            }),
            None => Opened::Broken,
        }
    }

    fn decrypt(&self, name: &[u8], line: &mut Vec<u8>, start: usize) -> Option<Label> {
        let value = start + NONCE;
        // The tag is as random as a number that was drawn, and the same each time that the text is shown.
        let id: [u8; TAG] = line[line.len() - TAG..].try_into().ok()?;
        let nonce = Nonce::try_assume_unique_for_key(&line[start..value]).ok()?;
        let open = self
            .key
            .open_in_place(nonce, Aad::from(self.binding(name)), &mut line[value..]);
        let length = open.ok()?.len();
        line.copy_within(value..value + length, start);
        line.truncate(start + length);
        Some(Label {
            sealed: self.sealed,
            began: self.sealed,
            id: SessionId(id),
            ends: None,
            has_domain: false,
            path: None,
        })
    }
}

impl Version1 {
    /// The tenant and the name, each with its length in eight bytes before it.
    fn binding(&self, name: &[u8]) -> Vec<u8> {
        let parts = [self.prefix.as_slice(), name];
        parts
            .into_iter()
            .flat_map(|part| [&(part.len() as u64).to_be_bytes(), part].concat())
            .collect()
    }
}

/// Length of format and tenant in characters.
const PREFIX: usize = 16;
/// Bytes of a nonce.
const NONCE: usize = 12;
/// Bytes of the authentication tag (RFC 8452 section 6).
const TAG: usize = 16;
/// No text is shorter.
const SHORTEST: usize = PREFIX + ((NONCE + TAG) * 4).div_ceil(3);

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Seals as version 1 did.
    pub(crate) fn seal(key: &PurposeKey, name: &str, value: &str) -> String {
        let this = Version1::new([key].into_iter(), SystemTime::now()).unwrap();
        let nonce: [u8; NONCE] = std::array::from_fn(|at| (value.len() * 31 + at * 7) as u8);
        let mut sealed = nonce.to_vec();
        sealed.extend_from_slice(value.as_bytes());
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = this
            .key
            .seal_in_place_separate_tag(nonce, Aad::from(this.binding(name.as_bytes())), &mut sealed[NONCE..])
            .unwrap();
        sealed.extend_from_slice(tag.as_ref());
        String::from_utf8(this.prefix.to_vec()).unwrap() + &URL_SAFE_NO_PAD.encode_to_string(&sealed)
    }
}
