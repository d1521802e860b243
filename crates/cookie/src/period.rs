//! One of the tenant's keys, as a seal uses it: another one in each period.

use std::sync::OnceLock;
use std::time::SystemTime;

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk};
use rempart_tenant::PurposeKey;
use zeroize::Zeroizing;

use crate::label::seconds;

/// The key, its name, and what is derived from it.
pub(crate) struct SealKey {
    pub(crate) id: String,
    pub(crate) tag: [u8; KEY],
    until: Option<SystemTime>,
    root: Prk,
    /// What encrypts in each period, from `first` on: derived when it is needed.
    periods: Box<[OnceLock<LessSafeKey>]>,
    first: u16,
}

impl SealKey {
    pub(crate) fn new(key: &PurposeKey, now: SystemTime) -> Self {
        let root = Prk::new_less_safe(HKDF_SHA256, key.key.as_bytes());
        let mut tag = [0; KEY];
        expand(&root, b"rempart cookie key 2", &mut tag);
        Self {
            id: key.id.as_str().to_owned(),
            tag,
            until: key.until,
            root,
            periods: (0..PERIODS_BEFORE + PERIODS_AFTER).map(|_| OnceLock::new()).collect(),
            first: period(seconds(now)).saturating_sub(PERIODS_BEFORE),
        }
    }

    pub(crate) fn is_open(&self, now: SystemTime) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Does something with what encrypts in a period. One that is out of reach, after a year without a reload, or in a text
    /// that nobody sealed, is derived and thrown away.
    pub(crate) fn with<T>(&self, period: u16, act: impl FnOnce(&LessSafeKey) -> T) -> T {
        let at = period.checked_sub(self.first).map(usize::from);
        match at.and_then(|at| self.periods.get(at)) {
            Some(kept) => act(kept.get_or_init(|| self.derive(period))),
            None => act(&self.derive(period)),
        }
    }

    fn derive(&self, period: u16) -> LessSafeKey {
        let mut secret = Zeroizing::new([0; 32]);
        let [high, low] = period.to_be_bytes();
        let label = [b"rempart cookie seal 2 ".as_slice(), &[high, low]].concat();
        expand(&self.root, &label, secret.as_mut());
        let key = UnboundKey::new(&AES_256_GCM, secret.as_ref()).expect("AES-256 takes 32 bytes");
        LessSafeKey::new(key)
    }
}

/// The period of a moment: 2²⁰ seconds.
pub(crate) fn period(seconds: u64) -> u16 {
    u16::try_from(seconds >> 20).unwrap_or(u16::MAX)
}

pub(crate) fn expand(root: &Prk, label: &[u8], out: &mut [u8]) {
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

/// Bytes that say which key sealed.
pub(crate) const KEY: usize = 4;
/// 400 days, the longest that a cookie lives.
const PERIODS_BEFORE: u16 = 34;
/// A year.
const PERIODS_AFTER: u16 = 31;
