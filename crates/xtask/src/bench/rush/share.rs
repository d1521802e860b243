//! What the flooded tenant may have, and how much more the flood takes.
//!
//! All servers are told the same numbers, each in its own words. They are small beside what one core can do: what is tried
//! is whether a limit holds and what it costs to hold it, not how much a core can bear.

use std::fmt;

/// What one tenant may have at a time and in a second.
#[derive(Clone, Copy)]
pub(crate) struct Share {
    /// Requests in a second.
    pub(crate) requests: u32,
    /// Requests at a time.
    pub(crate) in_flight: u32,
    /// New connections in a second.
    pub(crate) handshakes: u32,
    /// Connections at a time.
    pub(crate) connections: u32,
}

impl Share {
    /// Each tenant's.
    pub(crate) const OF_A_TENANT: Self = Self {
        requests: 200,
        in_flight: 16,
        handshakes: 50,
        connections: 64,
    };

    /// So many times as much.
    pub(crate) const fn times(self, factor: u32) -> Self {
        Self {
            requests: self.requests * factor,
            in_flight: self.in_flight * factor,
            handshakes: self.handshakes * factor,
            connections: self.connections * factor,
        }
    }

    /// What is left for each of several ways to ask and several ways to connect, when all are taken at once.
    pub(crate) const fn among(self, ways_to_ask: u32, ways_to_connect: u32) -> Self {
        Self {
            requests: self.requests / ways_to_ask,
            in_flight: self.in_flight / ways_to_ask,
            handshakes: self.handshakes / ways_to_connect,
            connections: self.connections / ways_to_connect,
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            requests,
            in_flight,
            handshakes,
            connections,
        } = self;
        write!(
            f,
            "{requests} requests and {handshakes} new connections a second, {in_flight} requests and {connections} connections at a time"
        )
    }
}

/// What one address may ask in a second of any tenant, and how much of it at once: enough for an office behind one address.
/// The flood comes from 39 addresses, so that this alone does not stop it.
pub(crate) const CLIENT: (u32, u32) = (200, 200);
