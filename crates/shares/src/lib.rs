//! Stops one tenant's rush from being the others' outage: what all tenants have together is shared fairly.
//!
//! An edge can bear so many requests in flight, so many connections, and so many handshakes at once. [`Shares`] divides that
//! among its tenants. Each is **guaranteed** a part, by weight or by a number; what others do not use is **lent** and
//! returned as soon as they want it; and what is beyond that waits for a bounded time in a bounded line, and is then refused
//! with 503 and `Retry-After`. A [`Priority`] says who goes first among the requests of one tenant, and an [`AdaptiveLimit`]
//! finds out how many requests an application answers well at once.
//!
//! # In axum, without the edge
//!
//! Two tenants on one server; one is flooded, the other is served.
//!
//! ```
//! use std::net::SocketAddr;
//! use std::num::NonZeroUsize;
//!
//! use axum::{Router, body::Body, extract::ConnectInfo, routing::get};
//! use http::{Request, StatusCode};
//! use rempart_guard::{DownstreamLayer, Reporter, TrustedProxies};
//! use rempart_shares::{CapacityPolicy, CapacitySettings, ConcurrencySharesLayer, Shares, SharesPolicy, SharesSettings};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let capacity = CapacitySettings { requests: Some(20), ..CapacitySettings::default() };
//! let shares = Shares::new(&CapacityPolicy::try_from(capacity).unwrap(), NonZeroUsize::MIN);
//!
//! let site = |name: &str| -> Router {
//!     let settings = SharesSettings { max_waiting: 5, max_wait: "10ms".to_owned(), ..SharesSettings::default() };
//!     let share = shares.tenant(name, SharesPolicy::try_from(settings).unwrap());
//!     Router::new().route("/", get(async || "hello")).layer(
//!         ServiceBuilder::new()
//!             .layer(DownstreamLayer::new(TrustedProxies::none(), |extensions| {
//!                 extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())
//!             }))
//!             .layer(ConcurrencySharesLayer::new(share, Reporter::silent())),
//!     )
//! };
//! let (library, city) = (site("library"), site("city"));
//!
//! // A server does this for you: `axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())`.
//! let ask = async |app: &Router| {
//!     let mut request = Request::get("/").body(Body::empty()).unwrap();
//!     request.extensions_mut().insert(ConnectInfo("203.0.113.9:4711".parse::<SocketAddr>().unwrap()));
//!     app.clone().oneshot(request).await.unwrap()
//! };
//!
//! // Whoever floods the library reads none of its answers: each is in use until its body has ended.
//! let mut flood = Vec::new();
//! for _ in 0..20 {
//!     flood.push(ask(&library).await);
//! }
//! assert!(flood.iter().all(|answer| answer.status() == StatusCode::OK), "what the city does not use is lent");
//! let refused = ask(&library).await;
//! assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
//! assert_eq!(refused.headers()["retry-after"], "1");
//!
//! // The city is guaranteed half of the capacity, and has it at once.
//! for _ in 0..10 {
//!     flood.push(ask(&city).await);
//!     assert_eq!(flood.last().unwrap().status(), StatusCode::OK);
//! }
//! # }
//! ```
//!
//! # The rule
//!
//! 1. **Below its guarantee a tenant is admitted at once**, whatever the others do.
//! 2. **Above it, it is admitted while fewer than the capacity are in use** in all, and nobody waits.
//! 3. Else it **waits** in a line of its own, of [`max_waiting`](SharesSettings::max_waiting), for
//!    [`max_wait`](SharesSettings::max_wait). What is returned goes to the tenant with the least load by weight; of equals, to
//!    the one that was served the longest ago. Within a tenant the more urgent go first, and equals in the order in which
//!    they came. When the line is full, somebody more urgent takes the place of the last. Of all tenants as many wait as the
//!    capacity is, and of each as many as it is guaranteed at least; of handshakes, 256 times as many.
//! 4. Then it is **refused**.
//!
//! *Load* is what a tenant has in use, and for requests besides how long its application was kept busy in the last ten
//! seconds or so, in busy seconds per second, which are requests at once on the average (Little's law). So upstream time is
//! shared as well: of two tenants that have as many in flight, the one goes first that has used less of late. It decides
//! only whose turn it is while several wait. What is guaranteed never depends on it.
//!
//! The **guarantees** of all tenants come to the capacity. What is claimed by a number
//! ([`guaranteed`](SharesSettings::guaranteed)) is given first, and cut in proportion where it is more than there is, so that
//! no tenant's file takes from another's more than its own part of the whole; the rest goes by
//! [`weight`](SharesSettings::weight). Everybody has at least one.
//!
//! The **ceiling**: rule 1 holds also when all is lent. So for a time there may be in use as many as the capacity *and* the
//! guarantees that were unused when it was lent: less than twice the capacity, and one for each tenant where there are more
//! tenants than that. What is above the capacity is not lent anew when it is returned. Set a capacity that the machine bears
//! twice. The test of rule 2 is not one step with rule 1's: while a guaranteed request comes on one core and another is
//! returned on the next, one more may be lent for each core.
//!
//! # What is shared
//!
//! | [`Kind`] | from | to |
//! |---|---|---|
//! | requests | the head of a request | the end of its answer's body ([`Held`]), so slow readers and slow senders use their own tenant's share |
//! | connections | the handshake that says whose it is | the connection's end |
//! | handshakes | before it is computed ([`TenantShare::handshake_turn`]) | its answer is written |
//!
//! Connections that have not said yet whose they are have a room of their own ([`Shares::stranger`]), in which the oldest
//! gives way to the newest when it is full: silence keeps nobody out.
//!
//! Within a tenant no client network may have more than so many of each, those that wait included: one address neither holds
//! a tenant's whole share nor fills its line.
//!
//! # What it refuses
//!
//! | | status | code |
//! |---|---|---|
//! | above the share, and as many wait as may | 503 | `share_used_up` |
//! | above the share, and nothing was returned in time | 503 | `share_wait_too_long` |
//! | the application has as many as it answers well, the same two | 503 | `upstream_share_used_up`, `upstream_wait_too_long` |
//! | one client network has as many as one may | 429 | `client_share_used_up` |
//! | no [`Downstream`](rempart_guard::Downstream) in the request | 500 | `wiring_no_downstream` |
//!
//! `Retry-After` is `max_wait`, and one second at least: by then all that waited before has been answered or refused. A
//! handshake or a connection without a turn is closed.
//!
//! # What it cannot stop
//!
//! - A tenant's own visitors wait behind its own flood. Quotas and per-client limits stand before; here a flood is contained.
//! - What is computed in one piece is not interrupted. A share bounds how much of it there is at once, not how long each
//!   takes.
//! - A client that asks for urgent routes is urgent. The login has limits of its own.
//! - Under `report` nothing waits and nothing is refused: the capacity that such a tenant uses is counted, and what it takes
//!   above its share is missing where others would be lent it. Their guarantees are not touched.
//! - Several machines: each shares what it has itself.
//!
//! # Behind another proxy
//!
//! Client networks are those of [`Downstream`](rempart_guard::Downstream); connections and handshakes are counted by their
//! peer, which is the proxy itself: raise `max_connections_per_client` and `max_handshakes_per_client` there.
//!
//! # Bounds and cost
//!
//! Per tenant some 700 bytes, and some 40 for each client network that has something in use or waits. Nothing is allocated
//! for what is admitted at once, once a tenant's table of networks has been used; whoever waits takes about 400 bytes. A
//! decision is a constant number of steps, and for who waits a logarithm of how many tenants wait; it does not depend on how
//! many tenants there are.
//!
//! While nobody waits, requests of different tenants on different cores write no common cache line: a worker's handle
//! ([`TenantShare::on_worker`]) keeps a few free credits for itself. Tenants that are busy on several cores share their own
//! count. Whoever finds no credit looks into every core's, before he waits.
//! Measured (`what_it_costs` in the tests): 87 ns for admitting a request and for its end together, below the guarantee or
//! above it, its client's network included; 300 ns where each of ten thousand tenants has its turn and little of it is in the
//! processor's caches; 73 ns for a place with the application, with three looks at the clock.
//!
//! # Sources
//!
//! Lending what is guaranteed to others is that of hierarchical link sharing (Floyd and Van Jacobson, *Link-sharing and
//! resource management models for packet networks*, 1995). Least load by weight first: Demers, Keshav and Shenker, *Analysis
//! and simulation of a fair queueing algorithm* (1989), with concurrency in the place of bytes. Load as a time average:
//! Little, *A proof for the queuing formula L = λW* (1961). The application's limit: see [`AdaptiveLimit`].

mod account;
mod adaptive;
mod admission;
mod busy;
mod capacity;
mod changes;
mod credits;
mod division;
mod held;
mod kind;
mod layer;
mod line;
mod lot;
mod networks;
mod policy;
mod refusal;
mod settings;
mod share;
mod shares;
mod strangers;
mod turn;
mod usage;

#[cfg(test)]
mod tests;

pub use adaptive::{AdaptiveLimit, AdaptivePolicy, Sample, UpstreamPermit};
pub use admission::{Admission, Permit, Waiting};
pub use capacity::{CapacityPolicy, CapacitySettings};
pub use held::Held;
pub use kind::{Kind, Priority};
pub use layer::{ConcurrencyShares, ConcurrencySharesLayer, SharesFuture};
pub use policy::SharesPolicy;
pub use refusal::{NoTurn, ShareRefusal};
pub use settings::{AdaptiveSettings, SharesSettings};
pub use share::TenantShare;
pub use shares::Shares;
pub use strangers::StrangerPermit;
pub use usage::{TenantUsage, Total, Usage};
