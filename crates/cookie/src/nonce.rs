use std::sync::{Mutex, PoisonError};

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand;

/// Random bytes, drawn from the system in batches: one by one they would cost more than the encryption itself.
///
/// They become nonces and numbers of sessions, and neither is a secret once it is used. Nothing is given out twice.
pub(crate) struct Randomness(Mutex<Batch>);

impl Randomness {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Batch {
            bytes: [0; BATCH],
            used: BATCH,
        }))
    }

    /// The next bytes. Fails only when the system has none to give.
    pub(crate) fn draw<const N: usize>(&self) -> Result<[u8; N], Unspecified> {
        let batch = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if batch.used + N > BATCH {
            rand::fill(&mut batch.bytes)?;
            batch.used = 0;
        }
        let drawn = &mut batch.bytes[batch.used..batch.used + N];
        let mut bytes = [0; N];
        bytes.copy_from_slice(drawn);
        // What is gone is gone: whoever reads this memory later does not learn a session's number.
        drawn.fill(0);
        batch.used += N;
        Ok(bytes)
    }
}

struct Batch {
    bytes: [u8; BATCH],
    used: usize,
}

/// Bytes of a batch.
const BATCH: usize = 1_024;
