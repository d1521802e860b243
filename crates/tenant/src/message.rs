use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, Nonce, RandomizedNonceKey};

use crate::PurposeKeys;

/// Seals what one node of a tenant tells another over a place that others can read: nobody without the tenant's key reads it,
/// or tells anything in its name.
///
/// AES-256-GCM-SIV (RFC 8452) under a random nonce of 96 bits, which stands before the sealed text. What is said twice is not
/// seen to be the same. Whoever can write there can leave a message out, or show an old one again: a message says when it is
/// from, and what it asks for must do no harm twice.
///
/// ```
/// use rempart_tenant::{KeyRing, SealedMessages};
///
/// let ring = KeyRing::from_secret(&[7; 32]).unwrap();
/// let of = |tenant: &str| SealedMessages::new(&ring.tenant(&tenant.parse().unwrap()).derive_all("messages"));
/// let sealed = of("library").seal(b"session 17 has ended").unwrap();
/// assert_eq!(of("library").open(&sealed).unwrap(), b"session 17 has ended");
/// assert!(of("city").open(&sealed).is_none());
/// ```
pub struct SealedMessages {
    /// The one that seals first.
    keys: Vec<RandomizedNonceKey>,
}

impl SealedMessages {
    /// Seals with the current key, and opens with the previous ones as well: a message is a day old at most, so it does not
    /// matter when they end.
    ///
    /// # Panics
    ///
    /// Never: a derived key is as long as a key of this kind.
    #[must_use]
    pub fn new(keys: &PurposeKeys) -> Self {
        let all = std::iter::once(keys.current()).chain(keys.previous());
        let keys = all.map(|one| {
            RandomizedNonceKey::new(&AES_256_GCM_SIV, one.key.as_bytes()).expect("a derived key has 32 bytes")
        });
        Self { keys: keys.collect() }
    }

    /// Seals a message; 28 bytes are added. `None` when the system gives no random bytes.
    #[must_use]
    pub fn seal(&self, message: &[u8]) -> Option<Vec<u8>> {
        let mut sealed = message.to_vec();
        let nonce = self.keys[0].seal_in_place_append_tag(Aad::empty(), &mut sealed).ok()?;
        Some([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// The message, when it was sealed with one of the keys.
    #[must_use]
    pub fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, text) = sealed.split_first_chunk::<12>()?;
        self.keys.iter().find_map(|key| {
            let mut text = text.to_vec();
            let length = key
                .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut text)
                .ok()?
                .len();
            text.truncate(length);
            Some(text)
        })
    }
}

impl fmt::Debug for SealedMessages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedMessages({} keys)", self.keys.len())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::KeyRing;

    fn messages(ring: &KeyRing) -> SealedMessages {
        SealedMessages::new(&ring.tenant(&"library".parse().unwrap()).derive_all("messages"))
    }

    #[test]
    fn what_was_changed_or_cut_is_no_message() {
        let messages = messages(&KeyRing::from_secret(&[1; 32]).unwrap());
        let sealed = messages.seal(b"ended").unwrap();
        assert_eq!(sealed.len(), 12 + 5 + 16);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(messages.open(&changed).is_none(), "{at}");
            assert!(messages.open(&sealed[..at]).is_none(), "{at}");
        }
        assert_ne!(
            sealed,
            messages.seal(b"ended").unwrap(),
            "nobody sees that it is the same"
        );
    }

    #[test]
    fn a_message_of_before_the_keys_changed_is_still_read() {
        let old = KeyRing::from_secret(&[1; 32]).unwrap();
        let new = KeyRing::from_secret(&[2; 32]).unwrap();
        let sealed = messages(&old).seal(b"ended").unwrap();
        assert!(messages(&new).open(&sealed).is_none());
        let both = new.with_previous(&old, SystemTime::now() + Duration::from_secs(60));
        assert_eq!(messages(&both).open(&sealed).unwrap(), b"ended");
        assert!(messages(&old).open(&messages(&both).seal(b"x").unwrap()).is_none());
    }
}
