use std::fmt;
use std::num::NonZeroU64;

/// How a client's program begins a TLS handshake: the same for the same program on the same kind of machine, and for everybody
/// who has that program. An extension of requests that came straight from the client.
///
/// A sign and no proof: whoever wants to can begin a handshake as another program does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TlsFingerprint(NonZeroU64);

impl TlsFingerprint {
    /// Of this hash of what the client offers; all 64 bits count, save that 0 is taken for 1.
    #[must_use]
    pub const fn new(hash: u64) -> Self {
        match NonZeroU64::new(hash) {
            Some(hash) => Self(hash),
            None => Self(NonZeroU64::MIN),
        }
    }
}

impl fmt::Display for TlsFingerprint {
    /// Sixteen hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for TlsFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TlsFingerprint({self})")
    }
}
