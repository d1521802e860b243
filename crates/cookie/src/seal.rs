//! How a value is sealed: AES-256-GCM (NIST SP 800-38D), bound to the tenant, the cookie's name, the host and the key.
//!
//! ```text
//! base64url, no padding (RFC 4648 section 5)
//! ├─ 4 characters   format: two fixed bytes and the version
//! ├─ 8 characters   tenant: 6 bytes of its name's hash, public, the same in all its cookies
//! ├─ 8 characters   key: 4 bytes, public, the same until it is rotated; and the period, 2 bytes
//! └─ the rest       nonce (12 bytes), what is encrypted, tag (16 bytes)
//!
//! encrypted         when it was sealed (5 bytes, seconds since 1970), when the session began (5), its number (16),
//!                   when the cookie ends (5; 0 is with the browser), Domain or not (1 bit), the length of the path (7 bits),
//!                   the path, the value
//! additional data   version · tenant · name as the application writes it · host · the key's name, each with its length
//! ```
//!
//! The first parts end on a character's boundary, so that *whose is it* is a comparison of texts, before anything is
//! decoded.
//!
//! # Why this cipher
//!
//! With AES-256-GCM-SIV (RFC 8452), which forgives a repeated nonce, sealing and opening cost three times as much: a key for
//! each nonce. GCM forgives none, so that a nonce must not come twice under one key. They are random, 96 bits, and a key
//! seals for one *period* of 2²⁰ seconds (twelve days) only: at 4,096 cookies a second without a pause, day and night, that
//! is 2³² nonces, of which two are equal with a chance of 2⁻³³ (SP 800-38D section 8.3 allows 2⁻³²). The clock's nanoseconds
//! are mixed into each, so that two copies of one process memory, as a virtual machine's snapshot makes them, do not go on
//! with the same ones.
//!
//! # Version 1
//!
//! Texts of version 1 (GCM-SIV; bound to the tenant's key and the name, without time and number) still open while the root
//! that sealed them, `root`, is in the ring. None are made.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::aead::{Aad, Nonce};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::error::Unspecified;
use base64_simd::{AsOut as _, URL_SAFE_NO_PAD};
use rempart_guard::SessionId;
use rempart_tenant::PurposeKeys;

use crate::binding::Binding;
use crate::label::{LABEL, LONGEST_PATH, Label, seconds};
use crate::nonce::Randomness;
use crate::period::{KEY, SealKey, period};
use crate::version1::Version1;

/// A tenant's seal.
pub(crate) struct Sealer {
    tenant: String,
    /// Format and tenant, as they stand at the beginning of each text.
    prefix: [u8; FORMAT_TEXT + TENANT_TEXT],
    /// The current one first.
    keys: Vec<SealKey>,
    version1: Option<Version1>,
    randomness: Randomness,
}

/// What became of a text that should have been sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// It was ours and is open.
    Own(Found),
    /// It has the form, and is another tenant's.
    Foreign,
    /// It is ours, and sealed with a key that has ended.
    KeyEnded,
    /// It says that it is ours and does not open: changed, cut, or sealed for another name or host.
    Broken,
    /// It does not have the form.
    Unsealed,
}

/// An open value, beside its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) label: Label,
    /// Whether it was sealed as it would be now: in this version, with the current key.
    pub(crate) is_current: bool,
    /// Whether it is a text of version 1.
    pub(crate) is_version_1: bool,
    /// Which of the hosts it was sealed for.
    pub(crate) host: usize,
}

impl Sealer {
    /// Derives what encrypts and what is shown from the tenant's keys, each with its own label (HKDF, RFC 5869 section 2.3).
    pub(crate) fn new(keys: &PurposeKeys, now: SystemTime) -> Self {
        let tenant = keys.tenant().as_str().to_owned();
        let mut public = [0; FORMAT.len() + TENANT];
        public[..FORMAT.len()].copy_from_slice(&FORMAT);
        let hash = digest(&SHA256, format!("rempart cookie tenant 2 {tenant}").as_bytes());
        public[FORMAT.len()..].copy_from_slice(&hash.as_ref()[..TENANT]);
        let mut prefix = [0; FORMAT_TEXT + TENANT_TEXT];
        let _ = URL_SAFE_NO_PAD.encode(&public, prefix.as_mut_slice().as_out());
        let all = || [keys.current()].into_iter().chain(keys.previous());
        Self {
            version1: Version1::new(all().filter(|key| key.id.is_root()), now),
            keys: all().map(|key| SealKey::new(key, now)).collect(),
            prefix,
            tenant,
            randomness: Randomness::new(),
        }
    }

    /// A number for a new session.
    pub(crate) fn number(&self) -> Result<SessionId, Unspecified> {
        self.randomness.draw().map(SessionId)
    }

    /// Appends the sealed value to `line`.
    pub(crate) fn seal(
        &self,
        (name, host): (&[u8], &str),
        label: &Label,
        value: &[u8],
        now: SystemTime,
        line: &mut Vec<u8>,
    ) -> Result<(), Unspecified> {
        let key = &self.keys[0];
        let period = period(seconds(now));
        let binding = Binding::new(&[
            &FORMAT[2..],
            self.tenant.as_bytes(),
            name,
            host.as_bytes(),
            key.id.as_bytes(),
        ]);
        let mut nonce = self.randomness.draw::<NONCE>()?;
        let clock = now
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .subsec_nanos()
            .to_be_bytes();
        nonce[..4]
            .iter_mut()
            .zip(clock)
            .for_each(|(byte, clock)| *byte ^= clock);
        let path = label.kept_path();
        let mut sealed = Vec::with_capacity(KEY + PERIOD + NONCE + LABEL + path.len() + value.len() + TAG);
        sealed.extend_from_slice(&key.tag);
        sealed.extend_from_slice(&period.to_be_bytes());
        sealed.extend_from_slice(&nonce);
        label.write(path, &mut sealed);
        sealed.extend_from_slice(value);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = key.with(period, |cipher| {
            let plain = &mut sealed[KEY + PERIOD + NONCE..];
            cipher.seal_in_place_separate_tag(nonce, Aad::from(binding.as_bytes()), plain)
        })?;
        sealed.extend_from_slice(tag.as_ref());
        line.extend_from_slice(&self.prefix);
        URL_SAFE_NO_PAD.encode_append(&sealed, line);
        Ok(())
    }

    /// Opens `text`, sealed for one of these hosts, and appends its value to `line`; appends nothing when it does not open.
    pub(crate) fn open(
        &self,
        (name, hosts): (&[u8], &[&str]),
        text: &[u8],
        now: SystemTime,
        line: &mut Vec<u8>,
    ) -> Opened {
        if text.len() < FORMAT_TEXT {
            return Opened::Unsealed;
        }
        let start = line.len();
        let (format, rest) = text.split_at(FORMAT_TEXT);
        let opened = if format == &self.prefix[..FORMAT_TEXT] {
            self.decrypt((name, hosts), rest, now, line)
        } else if format == Version1::FORMAT {
            Version1::open(self.version1.as_ref(), name, text, now, line)
        } else {
            Opened::Unsealed
        };
        if !matches!(opened, Opened::Own(_)) {
            line.truncate(start);
        }
        opened
    }

    fn decrypt(&self, (name, hosts): (&[u8], &[&str]), text: &[u8], now: SystemTime, line: &mut Vec<u8>) -> Opened {
        if text.len() < SHORTEST {
            return Opened::Unsealed;
        }
        let (tenant, body) = text.split_at(TENANT_TEXT);
        let start = line.len();
        if !decode(body, line) {
            return Opened::Broken;
        }
        if tenant != &self.prefix[FORMAT_TEXT..] {
            return Opened::Foreign;
        }
        let (mut tag, mut period, mut nonce) = ([0; KEY], [0; PERIOD], [0; NONCE]);
        let head = &line[start..start + KEY + PERIOD + NONCE];
        tag.copy_from_slice(&head[..KEY]);
        period.copy_from_slice(&head[KEY..KEY + PERIOD]);
        nonce.copy_from_slice(&head[KEY + PERIOD..]);
        let period = u16::from_be_bytes(period);
        let known = self
            .keys
            .iter()
            .enumerate()
            .filter(|(_, key)| key.tag == tag && key.is_open(now));
        let (mut fresh, mut failed) = (true, Opened::KeyEnded);
        for (index, key) in known {
            failed = Opened::Broken;
            for (host, name_of_host) in hosts.iter().enumerate() {
                // An attempt that failed leaves nothing of the text behind.
                if !fresh {
                    line.truncate(start);
                    decode(body, line);
                }
                fresh = false;
                let parts = [
                    &FORMAT[2..],
                    self.tenant.as_bytes(),
                    name,
                    name_of_host.as_bytes(),
                    key.id.as_bytes(),
                ];
                let binding = Binding::new(&parts);
                let plain = start + KEY + PERIOD + NONCE;
                let open = key.with(period, |cipher| {
                    let nonce = Nonce::assume_unique_for_key(nonce);
                    let open = cipher.open_in_place(nonce, Aad::from(binding.as_bytes()), &mut line[plain..])?;
                    // Hosts after the first are reached by cookies with a `Domain` only.
                    let read = Label::read(open).filter(|(label, _)| host == 0 || label.has_domain);
                    read.ok_or(Unspecified)
                });
                if let Ok((label, value)) = open {
                    line.copy_within(plain + value.start..plain + value.end, start);
                    line.truncate(start + value.len());
                    return Opened::Own(Found {
                        label,
                        is_current: index == 0,
                        is_version_1: false,
                        host,
                    });
                }
            }
        }
        failed
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(..)")
    }
}

/// How long a value of so many bytes is when it is sealed with a path.
pub(crate) fn sealed_len(value: usize, path: Option<&[u8]>) -> usize {
    let path = path.map_or(0, <[u8]>::len);
    let path = if path > LONGEST_PATH { 0 } else { path };
    FORMAT_TEXT + TENANT_TEXT + ((KEY + PERIOD + NONCE + LABEL + path + value + TAG) * 4).div_ceil(3)
}

/// Decodes base64url behind what is in `line` already.
fn decode(text: &[u8], line: &mut Vec<u8>) -> bool {
    URL_SAFE_NO_PAD.decode_append(text, line).is_ok()
}

/// Two bytes that no text of an application is likely to begin with by chance, and the version.
const FORMAT: [u8; 3] = [0xb6, 0x5e, 2];
/// Length of the format in characters.
const FORMAT_TEXT: usize = 4;
/// Bytes that say whose a cookie is: among a thousand tenants, two have the same with a chance of one in 500 million. Then a
/// replay between these two would be dropped and not refused.
const TENANT: usize = 6;
const TENANT_TEXT: usize = 8;
/// Bytes of the period.
const PERIOD: usize = 2;
/// Bytes of a nonce.
const NONCE: usize = 12;
/// Length of the authentication tag.
const TAG: usize = 16;
/// No text is shorter, behind its format.
const SHORTEST: usize = TENANT_TEXT + ((KEY + PERIOD + NONCE + LABEL + TAG) * 4).div_ceil(3);
