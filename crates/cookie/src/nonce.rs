use std::sync::{Mutex, PoisonError};

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand;

/// Random nonces, drawn from the system in batches: one by one they would cost more than the encryption itself.
///
/// A nonce is no secret, so that a batch need not be hidden or overwritten; and because the cipher resists a repeated
/// nonce (RFC 8452), a copied process memory (a virtual machine's snapshot) betrays no more than that two cookies of the
/// same name have the same value.
pub(crate) struct Nonces(Mutex<Batch>);

impl Nonces {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Batch {
            bytes: [0; BATCH],
            used: BATCH,
        }))
    }

    /// The next nonce. Fails only when the system has no random bytes to give.
    pub(crate) fn next(&self) -> Result<[u8; NONCE], Unspecified> {
        let batch = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if batch.used == BATCH {
            rand::fill(&mut batch.bytes)?;
            batch.used = 0;
        }
        let mut nonce = [0; NONCE];
        nonce.copy_from_slice(&batch.bytes[batch.used..batch.used + NONCE]);
        batch.used += NONCE;
        Ok(nonce)
    }
}

struct Batch {
    bytes: [u8; BATCH],
    used: usize,
}

pub(crate) const NONCE: usize = 12;
const BATCH: usize = 64 * NONCE;
