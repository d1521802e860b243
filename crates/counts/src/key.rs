use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};

use siphasher::sip128::{Hasher128, SipHasher13};

/// What is counted, as a keyed hash: whoever reads a table or the shared store learns no address and no name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(u128);

impl Key {
    /// Of these 128 bits.
    #[must_use]
    pub const fn new(bits: u128) -> Self {
        Self(bits)
    }

    /// The 128 bits.
    #[must_use]
    pub const fn bits(self) -> u128 {
        self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:032x})", self.0)
    }
}

/// Makes keys of what a client sends: SipHash with 128 bits, under a secret, so that nobody can choose where a key falls.
///
/// SipHash-1-3 (Aumasson and Bernstein, *SipHash: a fast short-input PRF*, 2012; one round a word and three at the end, as
/// in the standard library's maps). Its secret has 16 bytes; more would not be used.
#[derive(Clone)]
pub struct Keys([u8; 16]);

impl Keys {
    /// With a secret of this process: for counts that are not shared.
    #[must_use]
    pub fn random() -> Self {
        // SipHash with keys from the system, of two numbers: nothing is learned of it, and no crate is needed.
        let system = RandomState::new();
        let half = |number: u64| u128::from(system.hash_one(number));
        Self(((half(0) << 64) | half(1)).to_le_bytes())
    }

    /// With a secret that all nodes have, such as one derived from the tenant's key.
    #[must_use]
    pub const fn of_secret(secret: [u8; 16]) -> Self {
        Self(secret)
    }

    /// The key of several parts. No part runs into the next: each is hashed with its length.
    #[must_use]
    pub fn key(&self, parts: &[&[u8]]) -> Key {
        let mut hasher = SipHasher13::new_with_key(&self.0);
        for part in parts {
            hasher.write_u64(part.len() as u64);
            hasher.write(part);
        }
        Key(hasher.finish128().as_u128())
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_runs_into_the_next() {
        let keys = Keys::of_secret([7; 16]);
        let all = [
            keys.key(&[]),
            keys.key(&[b""]),
            keys.key(&[b"", b""]),
            keys.key(&[b"ab", b"c"]),
            keys.key(&[b"a", b"bc"]),
            keys.key(&[b"abc"]),
            keys.key(&[b"abc", b""]),
            keys.key(&[b"\0\0\0\0\0\0\0\0"]),
        ];
        for (index, key) in all.iter().enumerate() {
            assert!(!all[..index].contains(key), "{index}");
        }
    }

    #[test]
    fn the_same_secret_makes_the_same_key_on_every_machine() {
        let key = Keys::of_secret([7; 16]).key(&[b"login", &[192, 0, 2, 1]]);
        assert_eq!(key, Keys::of_secret([7; 16]).key(&[b"login", &[192, 0, 2, 1]]));
        assert_ne!(key, Keys::of_secret([8; 16]).key(&[b"login", &[192, 0, 2, 1]]));
    }

    #[test]
    fn each_process_has_secrets_of_its_own_and_none_is_shown() {
        assert_ne!(Keys::random().key(&[b"a"]), Keys::random().key(&[b"a"]));
        assert_eq!(format!("{:?}", Keys::random()), "Keys");
    }
}
