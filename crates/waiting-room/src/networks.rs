//! How many tickets and places each network has.

use std::collections::HashMap;
use std::net::IpAddr;

use rempart_guard::ClientAddr;

/// No network: who came back after a restart is in nobody's count.
pub(crate) const NOBODY: u64 = u64::MAX;

/// A client's network in eight bytes: an IPv4 address, or the first 64 bits of an IPv6 address, which begin with a bit that no
/// IPv4 address has here (RFC 4291 section 2.4: `::/32` is nobody's).
pub(crate) fn network(client: ClientAddr) -> u64 {
    match client.ip() {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        IpAddr::V6(address) => (address.to_bits() >> 64) as u64,
    }
}

/// Counts by network. It is never larger than the line and the places together.
#[derive(Debug, Default)]
pub(crate) struct Networks(HashMap<u64, u32>);

impl Networks {
    pub(crate) fn count(&self, network: u64) -> u32 {
        self.0.get(&network).copied().unwrap_or_default()
    }

    pub(crate) fn add(&mut self, network: u64) {
        if network != NOBODY {
            *self.0.entry(network).or_default() += 1;
        }
    }

    pub(crate) fn take(&mut self, network: u64) {
        if let Some(count) = self.0.get_mut(&network) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(&network);
            }
        }
    }

    /// All counts together.
    #[cfg(test)]
    pub(crate) fn sum(&self) -> usize {
        self.0.values().map(|count| *count as usize).sum()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// What a table of the standard library takes, at least, for its capacity.
    pub(crate) fn bytes(&self) -> usize {
        self.0.capacity() * (size_of::<(u64, u32)>() + 1) * 8 / 7
    }
}
