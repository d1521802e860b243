//! Stops counts from growing with whoever comes: tables of a fixed size for who has asked how often, on one machine or on
//! several.
//!
//! A [`Limit`] is a rate with a table of its own. A request asks several limits at once ([`Counts::take`]), each with a
//! [`Key`] of what is counted, and is charged to all of them or to none. Without [`SharedCounts`] the answer is there at
//! once. With them it is asked of a store that all nodes have in common, but for what this node alone knows to be used up.
//!
//! ```
//! use rempart_counts::{Ask, Counts, Keys, Limit, Operation, Room, Taking};
//!
//! let counts = Counts::new(vec![
//!     Limit { name: "client".into(), rate: "10/m".parse().unwrap(), room: Room::For(65_536) },
//!     Limit { name: "login".into(), rate: "5/15m burst 2".parse().unwrap(), room: Room::For(65_536) },
//! ]);
//! let keys = Keys::random();
//! let asks = |client: &str| [0, 1].map(|limit| Ask {
//!     limit,
//!     key: keys.key(&[client.as_bytes()]),
//!     cost: 1,
//!     operation: Operation::CHARGE,
//! });
//! let take = |client: &str| match counts.take(&asks(client)) {
//!     Taking::Now(taken) => taken,
//!     Taking::Later(_) => unreachable!("nobody shares these counts"),
//! };
//!
//! assert!(take("203.0.113.9").passes && take("203.0.113.9").passes);
//! let refused = take("203.0.113.9");
//! assert!(!refused.passes && refused.standings[1].is_refused);
//! assert_eq!(refused.standings[0].remaining, 8, "what one limit refuses is charged to no other");
//! assert!(take("198.51.100.7").passes, "another key's bucket is another");
//!
//! counts.put(&[Ask { operation: Operation::Clear, ..asks("203.0.113.9")[1] }]);
//! assert!(take("203.0.113.9").passes, "a success resets");
//! ```
//!
//! # What it refuses
//!
//! Each limit is a generic cell rate algorithm (GCRA) with the arithmetic of [`governor`]: in any stretch of time what was
//! charged, less what was given back, is at most *burst + elapsed × rate*. A request may cost more than one, may rather
//! wait than be refused, may only look, or may be counted after the fact ([`Operation`]).
//!
//! # What it cannot stop
//!
//! - Many keys that each stay below their limit. A limit with [`Room::One`] bounds what they do together.
//! - While a shared store is away, up to one local share on each node beyond the limit (see [`Counts::shared`]).
//!
//! # Bounds
//!
//! 16 bytes a place, taken in pages of 4 KiB as keys come, and 1 KiB for a table that nobody comes to; while a shared store
//! is away, and after it was for the first time, twice that. What a passing request needs is on the stack, for up to 16
//! asks. What happens when a table is full is told at [`Counts`].
//!
//! # Sources
//!
//! GCRA: ITU-T I.371 appendix I and the documentation of [`governor`]. Two places to choose from: Azar, Broder, Karlin and
//! Upfal, *Balanced allocations* (1994). Keys: Aumasson and Bernstein, *SipHash: a fast short-input PRF* (2012).

mod ask;
mod charge;
mod counts;
mod gcra;
mod key;
mod rate;
mod shared;
mod standings;
mod store;
mod together;

pub use ask::{Ask, Limit, Operation, Room, Standing, Taken, Taking};
pub use counts::{Counts, TableSize};
pub use key::{Key, Keys};
pub use rate::{Rate, RateError};
pub use shared::{Away, SharedAsk, SharedCounts, SharedStanding};
pub use standings::Standings;

#[cfg(test)]
mod tests;
