//! Stops a limit from being multiplied by the number of machines: counts that several nodes share, in Redis 7 or Valkey.
//!
//! Three nodes that each admit 100 requests a minute admit 300. With a [`SharedState`] they admit 100: each request's limits
//! are measured and charged in the store, all of them or none, by one script in one round trip and on the store's own clock.
//! The arithmetic is that of one node ([`SharedCounts`](rempart_counts::SharedCounts) says it in numbers), and a test holds
//! the two together.
//!
//! # An example
//!
//! ```no_run
//! use rempart_counts::{Key, Operation, SharedAsk};
//! use rempart_redis::{RedisPolicy, RedisSettings, SharedState, StoreEvent};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let settings = RedisSettings {
//!     user: Some("rempart".into()),
//!     password_file: Some("/etc/rempart/redis.password".into()),
//!     nodes: 3,
//!     ..RedisSettings::at("rediss://redis.example.org:6380")
//! };
//! let policy = RedisPolicy::try_from(settings).unwrap();
//! let state = SharedState::open(policy, |event| match event {
//!     StoreEvent::Away { error } => tracing::error!(error, "each node counts alone"),
//!     StoreEvent::Back { after } => tracing::info!(?after, "nodes count together"),
//!     _ => {}
//! });
//! let counts = state.unwrap().tenant("daycare");
//!
//! let login = SharedAsk {
//!     limit: "login".into(),
//!     rate: "5/15m".parse().unwrap(),
//!     key: Key::new(0x5eed),
//!     cost: 1,
//!     operation: Operation::CHARGE,
//! };
//! match counts.take(vec![login]).await {
//!     Ok(standings) if standings[0].is_refused => println!("429, on whichever node"),
//!     Ok(_) => println!("passes"),
//!     Err(away) => println!("{away}: this node counts alone"),
//! }
//! # }
//! ```
//!
//! A limit's own counts ask by themselves: `Counts::new(limits).shared(state.tenant("daycare"))`.
//!
//! # What it costs
//!
//! One round trip a request, for all of its limits together: about 0.1 ms to a server on the same machine, and the way there
//! and back to another one. A request that comes alone leaves at once. While two calls are on their way, others wait and
//! leave together, at most 128 in a call, whichever tenant they are of (in a cluster those of one tenant); a bucket that
//! many of them ask for is read and written once. So the store sees fewer calls a request the more there are.
//!
//! # When it is away
//!
//! - A request waits for [`timeout`](RedisSettings::timeout) (50 ms), counted from when it was asked. The first that is not
//!   answered by then, an error, or a connection that breaks, and the store is *away*: all who wait are told at once, nobody
//!   else waits, and each node counts alone with its share ([`nodes`](RedisSettings::nodes)).
//! - It is tried again by one probe at a time, after 50 to 100 ms, then twice as long each time up to 5 s, with chance in it so
//!   that nodes do not come together. A probe connects, tells the script and *writes*: a replica, a full memory or a user
//!   who may not write is not taken for a store.
//! - When it answers as fast as it should, it is back. Nothing has queued up meanwhile, so nothing floods it.
//! - It is looked after once a second when nobody asks, so that nobody has to wait to find out.
//!
//! # How much more than the limit is admitted
//!
//! - While it is there, nothing. An interval is rounded up, never down.
//! - While it is away, on each node its share at most: with the right `nodes`, the limit once more in all.
//! - A server that restarts empty, or one that takes over before it has heard the last of what was counted (replication
//!   does not wait), has forgotten that much: buckets are full then.
//! - A request that got no answer may have been charged. That is too much charged and not too little.
//!
//! # What is in the store
//!
//! `PREFIX:{TENANT}:LIMIT:RATE:KEY`, such as `rempart:{daycare}:login:5-900s-5:` and 32 digits, with a time and how much is
//! missing from the bucket. The key is a keyed hash: no address and no name can be read there. It expires when the bucket
//! is full again. Braces keep a tenant in one slot of a cluster. `PREFIX:{}:…` is what probes count.
//!
//! `PREFIX:told` is what nodes [tell](SharedState::tell) each other, at most 10,000 messages of the last day.
//!
//! # Whom to let in
//!
//! ```text
//! ACL SETUSER rempart on >PASSWORD ~rempart:* -@all +eval +evalsha +time +mget +set +del +xadd +xtrim +xrange +pexpire
//! ```
//!
//! Also `+select` for another database than 0, `+role` with Sentinel, `+cluster|slots` with a cluster. The password stands in a file
//! ([`password_file`](RedisSettings::password_file)), never in the URL.
//!
//! # Sentinel and clusters
//!
//! Sentinels are asked one after the other at each new connection, and a server is believed to be the master only when it
//! says so itself. Of a cluster each tenant is on one of its masters; while a master is missing whose tenants are asked for, the
//! store comes and goes, ever more slowly, and each node counts alone in between. Client certificates are not supported.
//!
//! # What it cannot stop
//!
//! Whoever can write to the store can give themselves full buckets and tell nodes what they like: keep it on a network of
//! its own, with a password and TLS. Without TLS everybody on the way can ([`RedisPolicy::is_in_the_clear`]).
//!
//! # Sources
//!
//! Redis documentation: *Scripting with Lua*, *ACL*, *Redis cluster specification* (hash tags), *Guidelines for Redis clients
//! with support for Redis Sentinel*. Breakers: Nygard, *Release It!* (2007). Backoff with chance: Brooker, *Exponential
//! Backoff and Jitter* (2015).

mod address;
mod arithmetic;
mod backoff;
mod batch;
mod courier;
mod link;
mod policy;
mod script;
mod settings;
mod state;
mod stats;
mod told;

// The servers of the tests are the same for those inside and outside.
#[cfg(test)]
extern crate self as rempart_redis;

#[cfg(test)]
mod tests;

use std::io;
use std::thread;

pub use policy::RedisPolicy;
pub use settings::RedisSettings;
pub use state::{OpenError, SharedState, StoreEvent};
pub use stats::StoreStats;
pub use told::{TellError, Told};

/// Runs on a thread with a runtime of its own, so that no runtime of those who ask is needed.
fn own_thread(name: &str, work: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || runtime.block_on(work))?;
    Ok(())
}
