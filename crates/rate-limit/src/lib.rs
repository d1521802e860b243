//! Stops a client from asking more often than its share: quotas on every route and on single routes, several at once.
//!
//! A [`Rate`] is text with a unit (`"10/s"`, `"5/15m burst 3"`), so it cannot be mistaken for its inverse. Each quota is a
//! generic cell rate algorithm (GCRA), which spreads a rate evenly after its burst and has no window whose edge lets twice as
//! much through. Counts live in tables of a fixed size ([`rempart_counts`]): a million hostile addresses take no more memory
//! than one.
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
//! settings.quotas = [
//!     ("client".to_owned(), QuotaSettings::new("2/m")),
//!     ("scan".to_owned(), QuotaSettings { count: "not_found".into(), ..QuotaSettings::new("1/h") }),
//! ]
//! .into();
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
//! let ask = async |client: &str, path: &str| {
//!     let mut request = Request::get(path).body(Body::empty()).unwrap();
//!     request.extensions_mut().insert(ConnectInfo(client.parse::<SocketAddr>().unwrap()));
//!     app.clone().oneshot(request).await.unwrap()
//! };
//!
//! let passes = ask("203.0.113.9:4711", "/").await;
//! assert_eq!(passes.status(), StatusCode::OK);
//! assert_eq!(passes.headers()["ratelimit-policy"], r#""client";q=2;w=60, "scan";q=1;w=3600"#);
//! assert_eq!(passes.headers()["ratelimit"], r#""client";r=1;t=30, "scan";r=1;t=3600"#);
//!
//! ask("203.0.113.9:4712", "/").await;
//! let refused = ask("203.0.113.9:4713", "/").await;
//! assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
//! assert_eq!(refused.headers()["retry-after"], "30");
//!
//! assert_eq!(ask("198.51.100.7:4711", "/wp-login.php").await.status(), StatusCode::NOT_FOUND);
//! let refused = ask("198.51.100.7:4712", "/").await;
//! assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "it has looked for what is not there");
//!
//! assert_eq!(ask("192.0.2.1:4711", "/").await.status(), StatusCode::OK, "somebody else's quota is another");
//! # }
//! ```
//!
//! A quota of bytes needs a [`SentBytesLayer`](rempart_guard::SentBytesLayer) around all this, and one per session or account
//! stands below whatever puts [`EdgeSessions`](rempart_guard::EdgeSessions) and [`Account`](rempart_guard::Account) into
//! requests.
//!
//! # What it refuses
//!
//! A request is measured against every quota whose routes it takes and charged to all of them or to none. When one is
//! used up the answer is `429` with the code `quota_used_up` and `Retry-After` in seconds (RFC 6585 section 4, RFC 9110
//! section 10.2.3); of several that are used up, the one that takes the longest to recover decides. A request
//! without a [`Downstream`](rempart_guard::Downstream) is refused with 500 (`wiring_no_downstream`), never let through, and so
//! is one whose bytes are to be counted when nobody counts them (`wiring_no_sent_bytes`).
//!
//! Each quota counts on its own, so a used-up `login` leaves the other routes alone.
//!
//! # Who shares a count
//!
//! By default a client, and that is a network: an IPv4 address, or the /64 of an IPv6 address
//! ([`RateLimitSettings::ipv6_prefix`]). [`per`](QuotaSettings::per) makes it something else, or several things together:
//!
//! | `per` | one count for each | without it |
//! |---|---|---|
//! | `client` | network | |
//! | `tenant` | tenant: all together | |
//! | `session` | session, by the edge's number, which a login renews; of several that whose cookie's name comes first | the network |
//! | `account` | account that the application has named for the session | the network |
//! | `method` | method; those that are not of RFC 9110 or RFC 5789 are one | |
//! | `class` | class of route; those without one are one more | |
//! | `ja4` | program, by its TLS handshake | the network |
//! | `header:NAME` | value of the header, when it stands there once | the network |
//!
//! Nobody gets out of a count by leaving something out: what is missing is replaced by the client's network. And nobody gets
//! a fresh one by making something up. A client has as many sessions, handshakes and values of headers as it likes, alone or
//! in a list with its network. So such a quota is taken only beside one that has none of these, that counts requests (or the
//! same), and that holds on all of its routes: what one client invents is bounded by that one. Settings without it are refused
//! (`quota_key_invented`).
//!
//! # What is counted
//!
//! [`count`](QuotaSettings::count) says it: requests, before they go on, or what became of them. What is counted with the
//! answer is looked at before the request and charged after it, so it can be exceeded by the requests that are under way when
//! it is used up: at most as many as the client has at once, and of bytes all that their bodies hold. At most a whole burst
//! is owed, so that nobody waits for longer than it takes to fill the quota twice. Whoever hangs up before the answer to a
//! request that may change something (RFC 9110 section 9.2.1) is counted as if it had failed, since it has been tried.
//!
//! Bytes are those of bodies as they are handed to the connection, neither headers nor what is sent after an upgrade, each
//! body rounded up to whole KiB.
//!
//! [`costs`](RateLimitSettings::costs) make some requests worth several, in every quota that counts requests or answers. Of
//! several that hold the most counts: a path that can be read in two ways is never the cheaper one.
//!
//! # Waiting instead of being refused
//!
//! With [`when_used_up`](QuotaSettings::when_used_up)` = "delay"` a request is charged at once and goes on when its turn has
//! come, in the order in which requests came. Where it would wait for longer than `max_delay`, or `max_waiting` others wait
//! already, it is refused. A client that goes away meanwhile has used its turn. Whoever waited is told of as `quota_delayed`.
//! Under `report` nobody waits, and both are told.
//!
//! # What answers say
//!
//! Unless `headers = false`, every answer carries the client's own quotas that its request was counted against, after
//! draft-ietf-httpapi-ratelimit-headers-11: `RateLimit-Policy` with the count `q` and the period `w`, and `RateLimit` with
//! what is left (`r`) and for how long no more can be had (`t`, seconds until there is one more). Where bytes are counted,
//! `qu="content-bytes"` says that `q` and `r` are bytes. What is counted with the answer is told as it stood before it. On a
//! refusal `Retry-After` is when there is enough for this request, and each client's moment is its own, so that they do not
//! all come back at once. The burst is not told. A quota whose count is shared with strangers (one without client, session or
//! account) is not listed, as it would tell how busy the others are. Fields of the same name that the application sets are
//! kept beside ours: both limits are true.
//!
//! # Two places in a stack
//!
//! Whose session it is, is known below the layer that opens cookies, and a flood should end above it. [`RateLimit::above`]
//! and [`RateLimit::below`] are guards for both places. Where no quota is per session or account, the upper does everything.
//! Else the upper only looks at the quotas that need no session, on this machine, and refuses for those that are used up; the
//! lower charges all at once. What a layer between the two answers is charged by the upper with that answer.
//!
//! # What it cannot stop
//!
//! - Many clients that each stay below their quota. A quota per tenant bounds what they do together, at the price that
//!   they use it up for everybody.
//! - People behind one address, such as a school, are one client. Give such a quota a burst that a classroom needs, or count
//!   `session` beside a larger quota of the network.
//! - A route that the application reads in a way that no known server does. `/LOGIN;x=1`, `//login` and `/%6cogin` are
//!   counted as `/login`, whether they are that or not; what is left is listed in [`RoutePath`](rempart_guard::RoutePath).
//!   Put a quota on every route beside that of a single one.
//! - One large body: it is counted when it has left.
//! - Somebody who has many accounts.
//! - The connection, the handshake and the body of a request: a refused request has cost those. They are limited elsewhere.
//!
//! # Behind another proxy
//!
//! The client's address is that of the connection unless the peer is one of the
//! [`TrustedProxies`](rempart_guard::TrustedProxies); no header is read here, so the left-most `X-Forwarded-For` cannot be
//! taken for it. Behind a balancer that is not in the list everybody is one client; with a list that is too wide everybody can
//! be whom they like. Behind a balancer that ends TLS there is no JA4, and `ja4` is the network.
//!
//! # Bounds
//!
//! Each quota has a table of [`RateLimitSettings::max_keys`] places (65,536) of 16 bytes (1 MiB), whose memory is taken page
//! by page as keys come; one of methods and classes has 128, and one of the tenant none. A key takes a place only as long as
//! its bucket is not full again: one request under `"50/s"` holds it for 20 ms, one under `"5/15m"` for 180 s.
//!
//! When a table is full, nobody who is in it is moved out: their counts stay exact, whoever is over the limit stays over it,
//! and no key comes back with a full bucket. New keys then share a bucket with the quota of one, in each of 16 shards that a
//! keyed hash chooses. So a flood from ever new networks gets 16 quotas together, and the price is paid by clients that come
//! new during it. A table of the default size that is three quarters full turns away less than one new key in a thousand. The
//! tables of two quotas are two: filling that of `login` leaves the others open. A check looks at 16 places at most, and there
//! is no background task.
//!
//! A passing request allocates once for each answer, for the value of `RateLimit`, and not at all with `headers = false`; once
//! more when something is counted with its answer, and twice more where it is looked at in two places. At most 16 quotas and 32 rules about costs; at most
//! [`max_waiting`](QuotaSettings::max_waiting) requests wait for each quota.
//!
//! # Several machines
//!
//! Each counts by itself, unless they share a store ([`RateLimit::sharing_counts`]). Then all quotas of a request are asked in
//! one round trip, and what this machine knows to be used up is refused without one; while the store is away each machine
//! admits its share, never everything. What leaves this machine are names of quotas and keyed hashes. Limits whose rate,
//! `per`, `count` or prefixes differ are other limits, so that a file that is rolled out machine by machine mixes no counts.
//! `max_waiting` is each machine's own.
//!
//! # Sources
//!
//! GCRA: ITU-T I.371 and the documentation of [`governor`]. Two places to choose from: Azar, Broder, Karlin and Upfal,
//! *Balanced allocations* (1994). Addresses of a subscriber: RFC 6177.

mod answered;
mod changes;
mod count;
mod fields;
mod keying;
mod limit;
mod matched;
mod per;
mod places;
mod policy;
mod queue;
mod reading;
mod refusal;
mod scope;
mod settings;
mod state;
mod volume;
mod written;

#[cfg(test)]
mod tests;

pub use answered::Passed;
pub use count::Count;
pub use fields::RateLimitFields;
pub use limit::{RateLimit, RateLimitLayer, TableSize};
pub use per::{Part, Per};
pub use places::{Above, Below};
pub use policy::{CostPolicy, QuotaPolicy, RateLimitPolicy, UsedUp};
pub use refusal::{QuotaUsedUp, RateLimitRefusal};
pub use rempart_counts::{Rate, RateError};
pub use settings::{CostSettings, QuotaSettings, RateLimitSettings, WhenUsedUp};
pub use volume::{ByteRate, ByteRateError, QuotaRate};
pub use written::{CountSettings, PerSettings};
