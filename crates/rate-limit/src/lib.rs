//! Stops a client from asking more often than its share: quotas on every route and on single routes, several at once.
//!
//! A [`Rate`] is text with a unit (`"10/s"`, `"5/15m burst 3"`), so it cannot be mistaken for its inverse. Each quota is a
//! generic cell rate algorithm (GCRA) by [`governor`], which spreads a rate evenly after its burst and has no window whose
//! edge lets twice as much through. Counts live in tables of a fixed size: a million hostile addresses take no more
//! memory than one.
//!
//! # In axum, without the edge
//!
//! ```
//! use std::net::SocketAddr;
//!
//! use axum::{Router, body::Body, extract::ConnectInfo, routing::get};
//! use http::{Request, StatusCode};
//! use rempart_guard::{DownstreamLayer, Reporter, TrustedProxies};
//! use rempart_rate_limit::{QuotaSettings, RateLimitLayer, RateLimitPolicy, RateLimitSettings};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let mut settings = RateLimitSettings::default();
//! settings.quotas = [("client".to_owned(), QuotaSettings::new("2/m"))].into();
//! let policy = RateLimitPolicy::try_from(settings).unwrap();
//!
//! let app: Router = Router::new().route("/", get(async || "hello")).layer(
//!     ServiceBuilder::new()
//!         .layer(DownstreamLayer::new(TrustedProxies::none(), |extensions| {
//!             extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())
//!         }))
//!         .layer(RateLimitLayer::new(policy, Reporter::silent())),
//! );
//!
//! // A server does this for you: `axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())`.
//! let ask = async |client: &str| {
//!     let mut request = Request::get("/").body(Body::empty()).unwrap();
//!     request.extensions_mut().insert(ConnectInfo(client.parse::<SocketAddr>().unwrap()));
//!     app.clone().oneshot(request).await.unwrap()
//! };
//!
//! let passes = ask("203.0.113.9:4711").await;
//! assert_eq!(passes.status(), StatusCode::OK);
//! assert_eq!(passes.headers()["ratelimit-policy"], r#""client";q=2;w=60"#);
//! assert_eq!(passes.headers()["ratelimit"], r#""client";r=1;t=30"#);
//!
//! ask("203.0.113.9:4712").await;
//! let refused = ask("203.0.113.9:4713").await;
//! assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
//! assert_eq!(refused.headers()["retry-after"], "30");
//! assert_eq!(refused.headers()["ratelimit"], r#""client";r=0;t=30"#);
//!
//! assert_eq!(ask("198.51.100.7:4711").await.status(), StatusCode::OK, "somebody else's quota is another");
//! # }
//! ```
//!
//! # What it refuses
//!
//! A request is measured against every quota whose routes it takes and charged to all of them or to none. When one is
//! used up the answer is `429` with the code `quota_used_up` and `Retry-After` in seconds (RFC 6585 section 4, RFC 9110
//! section 10.2.3); of several that are used up, the one that takes the longest to recover decides. A request
//! without a [`Downstream`](rempart_guard::Downstream) is refused with 500 (`wiring_no_downstream`), never let through.
//!
//! A client is a network: an IPv4 address, or the /64 of an IPv6 address ([`RateLimitSettings::ipv6_prefix`]). Each quota
//! counts on its own, so a used-up `login` leaves the other routes alone.
//!
//! # What answers say
//!
//! Unless `headers = false`, every answer carries the quotas per client that its request was counted against, after
//! draft-ietf-httpapi-ratelimit-headers-11: `RateLimit-Policy` with the count `q` and the period `w`, and `RateLimit` with
//! what is left (`r`) and for how long no more can be had (`t`, seconds until there is one more). On a refusal
//! `Retry-After` is the `t` of the quota that is used up, and each client's moment is its own, so that they do not all come
//! back at once. The burst is not told. A quota that all clients share is not listed, as it would tell a stranger how busy
//! the others are. Fields of the same name that the application sets are kept beside ours: both limits are true.
//!
//! # What it cannot stop
//!
//! - Many clients that each stay below their quota. A quota per tenant bounds what they do together, at the price that
//!   they use it up for everybody.
//! - People behind one address, such as a school, are one client. Give such a quota a burst that a classroom needs.
//! - A route that the application reads in a way that no known server does. `/LOGIN;x=1`, `//login` and `/%6cogin` are
//!   counted as `/login`, whether they are that or not; what is left is listed in [`RoutePath`](rempart_guard::RoutePath).
//!   Put a quota on every route beside that of a single one.
//! - The connection, the handshake and the body: a refused request has cost those. They are limited elsewhere.
//! - Several machines: each counts by itself.
//!
//! # Behind another proxy
//!
//! The client's address is that of the connection unless the peer is one of the
//! [`TrustedProxies`](rempart_guard::TrustedProxies). Behind a balancer that is not in the list everybody is one client;
//! with a list that is too wide everybody can be whom they like.
//!
//! # Bounds
//!
//! Each quota per client has a table of [`RateLimitSettings::max_keys`] places (65,536) of 16 bytes (1 MiB), whose
//! memory is taken page by page as clients come. A client takes a place only as long as its bucket is not full again: one request under `"50/s"` holds it
//! for 20 ms, one under `"5/15m"` for 180 s.
//!
//! When a table is full, nobody who is in it is moved out: their counts stay exact, and whoever is over the limit stays
//! over it. New clients then share a bucket with the quota of one client, in each of 16 shards that a keyed hash chooses.
//! So a flood from ever new networks gets 16 quotas together, and the price is paid by clients that come new during it. A
//! table of the default size that is three quarters full turns away less than one new client in a thousand. The tables of
//! two quotas are two: filling that of `login` leaves the others open. A check looks at 16 places at most, and there is no
//! background task.
//!
//! A passing request allocates once for each answer, for the value of `RateLimit`, and not at all with `headers = false`.
//!
//! # Sources
//!
//! GCRA: ITU-T I.371 and the documentation of [`governor`]. Two places to choose from: Azar, Broder, Karlin and Upfal,
//! *Balanced allocations* (1994). Addresses of a subscriber: RFC 6177.

mod changes;
mod fields;
mod gcra;
mod limit;
mod matched;
mod policy;
mod rate;
mod refusal;
mod settings;
mod state;
mod store;

#[cfg(test)]
mod tests;

pub use fields::RateLimitFields;
pub use limit::{RateLimit, RateLimitLayer, TableSize};
pub use policy::{Per, QuotaPolicy, RateLimitPolicy};
pub use rate::{Rate, RateError};
pub use refusal::{QuotaUsedUp, RateLimitRefusal};
pub use settings::{QuotaSettings, RateLimitSettings};
