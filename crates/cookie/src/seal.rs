//! How a value is sealed: AES-256-GCM-SIV (RFC 8452), bound to the tenant and to the cookie's name.
//!
//! ```text
//! base64url, no padding (RFC 4648 section 5)
//! ├─ 4 characters   format: two fixed bytes and the version
//! ├─ 12 characters  tenant: 9 bytes derived from the tenant's key, public, the same in all its cookies
//! └─ the rest       nonce (12 bytes), encrypted value, tag (16 bytes)
//! ```
//!
//! The first two parts end on a character's boundary, so that *whose is it* is a comparison of texts, before anything is
//! decoded.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rempart_tenant::DerivedKey;
use zeroize::Zeroizing;

use crate::nonce::{NONCE, Nonces};

/// A tenant's seal.
pub(crate) struct Sealer {
    key: LessSafeKey,
    prefix: [u8; PREFIX],
    nonces: Nonces,
}

/// What became of a text that should have been sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// It was ours and is open.
    Own,
    /// It has the form, and is another tenant's.
    Foreign,
    /// It says that it is ours and does not open: changed, cut, or sealed for a cookie of another name.
    Broken,
    /// It does not have the form.
    Unsealed,
}

impl Sealer {
    /// Derives what encrypts and what is shown from the tenant's key, each with its own label (HKDF, RFC 5869 section 2.3).
    pub(crate) fn new(key: &DerivedKey) -> Self {
        let root = Prk::new_less_safe(HKDF_SHA256, key.as_bytes());
        let mut secret = Zeroizing::new([0; 32]);
        expand(&root, b"rempart cookie seal 1", secret.as_mut());
        let mut public = [0; FORMAT.len() + TENANT];
        public[..FORMAT.len()].copy_from_slice(&FORMAT);
        expand(&root, b"rempart cookie tenant 1", &mut public[FORMAT.len()..]);
        let mut prefix = [0; PREFIX];
        URL_SAFE_NO_PAD
            .encode_slice(public, &mut prefix)
            .expect("twelve bytes are sixteen characters");
        let key = UnboundKey::new(&AES_256_GCM_SIV, secret.as_ref()).expect("AES-256 takes 32 bytes");
        Self {
            key: LessSafeKey::new(key),
            prefix,
            nonces: Nonces::new(),
        }
    }

    /// What a value is bound to besides the key: the tenant and the cookie's name, each with its length before it.
    pub(crate) fn binding(&self, name: &str) -> Vec<u8> {
        let parts = [self.prefix.as_slice(), name.as_bytes()];
        parts
            .into_iter()
            .flat_map(|part| [&(part.len() as u64).to_be_bytes(), part].concat())
            .collect()
    }

    /// Appends the sealed value to `line`.
    pub(crate) fn seal(&self, binding: &[u8], value: &[u8], line: &mut Vec<u8>) -> Result<(), Unspecified> {
        let nonce = self.nonces.next()?;
        let mut sealed = Vec::with_capacity(NONCE + value.len() + TAG);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(value);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce, Aad::from(binding), &mut sealed[NONCE..])?;
        sealed.extend_from_slice(tag.as_ref());
        line.extend_from_slice(&self.prefix);
        let start = line.len();
        line.resize(start + sealed_len(value.len()) - PREFIX, 0);
        URL_SAFE_NO_PAD
            .encode_slice(&sealed, &mut line[start..])
            .map_err(|_| Unspecified)?;
        Ok(())
    }

    /// Opens `text` and appends its value to `line`; appends nothing when it does not open.
    pub(crate) fn open(&self, binding: &[u8], text: &[u8], line: &mut Vec<u8>) -> Opened {
        let start = line.len();
        let opened = self.decrypt(binding, text, line, start);
        if opened != Opened::Own {
            line.truncate(start);
        }
        opened
    }

    fn decrypt(&self, binding: &[u8], text: &[u8], line: &mut Vec<u8>, start: usize) -> Opened {
        if text.len() < sealed_len(0) || text[..FORMAT_TEXT] != self.prefix[..FORMAT_TEXT] {
            return Opened::Unsealed;
        }
        if URL_SAFE_NO_PAD.decode_vec(&text[PREFIX..], line).is_err() {
            return Opened::Broken;
        }
        if text[..PREFIX] != self.prefix {
            return Opened::Foreign;
        }
        let value = start + NONCE;
        let Ok(nonce) = Nonce::try_assume_unique_for_key(&line[start..value]) else {
            return Opened::Broken;
        };
        let Ok(open) = self.key.open_in_place(nonce, Aad::from(binding), &mut line[value..]) else {
            return Opened::Broken;
        };
        let length = open.len();
        line.copy_within(value..value + length, start);
        line.truncate(start + length);
        Opened::Own
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(..)")
    }
}

/// How long a value of so many bytes is when it is sealed.
pub(crate) const fn sealed_len(value: usize) -> usize {
    PREFIX + ((NONCE + value + TAG) * 4).div_ceil(3)
}

/// Two bytes that no text of an application is likely to begin with by chance, and the version.
const FORMAT: [u8; 3] = [0xb6, 0x5e, 1];
/// Length of the format in characters.
const FORMAT_TEXT: usize = 4;
/// Bytes that say whose a cookie is: among a million tenants, two have the same with a chance below one in a billion.
const TENANT: usize = 9;
/// Length of format and tenant in characters.
const PREFIX: usize = 16;
/// Length of the authentication tag (RFC 8452 section 6).
const TAG: usize = 16;

fn expand(root: &Prk, label: &[u8], out: &mut [u8]) {
    root.expand(&[label], Length(out.len()))
        .and_then(|output| output.fill(out))
        .expect("a few bytes are fewer than the 8,160 that HKDF-SHA-256 can give");
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}
