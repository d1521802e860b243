//! Stops a rush from being decided by whoever reloads most: a tenant's waiting room, first come, first served.
//!
//! While there are free places nobody sees the room. When there are none, whoever comes gets a ticket in a cookie and a page
//! that says how many are ahead, about how long it takes, and that asks again by itself; it needs no script. A place that
//! becomes free goes to the next in the line.
//!
//! # In axum, without the edge
//!
//! ```
//! use std::net::SocketAddr;
//!
//! use axum::{Router, body::Body, extract::ConnectInfo, routing::get};
//! use http::{Request, StatusCode};
//! use rempart_guard::{DownstreamLayer, Reporter, TrustedProxies};
//! use rempart_waiting_room::{TicketKeys, WaitingRoomLayer, WaitingRoomPolicy, WaitingRoomSettings};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let settings = WaitingRoomSettings { active: Some(1), ..WaitingRoomSettings::default() };
//! let policy = WaitingRoomPolicy::try_from(settings).unwrap();
//! let keys = TicketKeys::new(&[7; 32]); // From a file, or `TenantKeys::derive_all`: never from the source.
//!
//! let app: Router = Router::new().route("/", get(async || "the form")).layer(
//!     ServiceBuilder::new()
//!         .layer(DownstreamLayer::new(TrustedProxies::none(), |extensions| {
//!             extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())
//!         }))
//!         .layer(WaitingRoomLayer::new(policy, keys, "Camp Soleil", Reporter::silent())),
//! );
//!
//! // A server does this for you: `axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())`.
//! let ask = async |client: &str, cookie: &str| {
//!     let mut request = Request::get("/").header("cookie", cookie).body(Body::empty()).unwrap();
//!     request.extensions_mut().insert(ConnectInfo(client.parse::<SocketAddr>().unwrap()));
//!     app.clone().oneshot(request).await.unwrap()
//! };
//!
//! let first = ask("203.0.113.9:4711", "").await;
//! assert_eq!(first.status(), StatusCode::OK);
//! let ticket = first.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap();
//!
//! let second = ask("198.51.100.7:4711", "").await;
//! assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);
//! assert_eq!((&second.headers()["retry-after"], &second.headers()["refresh"]), (&"5".parse().unwrap(), &"5".parse().unwrap()));
//!
//! assert_eq!(ask("203.0.113.9:4712", ticket).await.status(), StatusCode::OK, "who is inside stays inside");
//! # }
//! ```
//!
//! # Who is next
//!
//! A ticket is the microsecond of an arrival, in which nobody else arrived, with an HMAC-SHA-256 of the tenant's own key over
//! it. The line is in the order of arrival, and places go to its front: each time, to whoever stands first of those who have
//! asked within `keep_place`. Their place is held for them until they ask, as long as `keep_place` allows. Reloading changes
//! nothing but the time at which somebody was seen; a copy of a ticket is the same place, not another one; a ticket that is
//! forged, of another tenant or over is none, and its holder comes new. Who has left the line comes new too.
//!
//! Before [`opens`](WaitingRoomSettings::opens) nobody is let in. At that moment all who are there are put in an order that is
//! drawn by lot, and whoever comes later stands behind them. The lot is an HMAC of the arrival, so that nobody knows it before
//! and a restart does not draw again.
//!
//! # What waits
//!
//! A request to one of `routes` that is none of `except`. A picture, a prefetch, a `HEAD` and what a page of another site
//! embeds (by the browser's Fetch Metadata) neither take a ticket nor a place: without a place they pass while there are free
//! ones and are refused when there are none. A preflight (`OPTIONS` with `Access-Control-Request-Method`) always passes, as it
//! cannot carry a cookie.
//!
//! A request that would change something, by somebody without a place, is not sent on and not kept: the page says so, and
//! leads back to the form that it came from.
//!
//! # What people are told
//!
//! `503` with `Retry-After`, so that no search engine takes the page for the site's and no cache keeps it, and `Refresh` for
//! browsers (HTML, section 7.4.6). The page is in French and English, by `Accept-Language`; programs get
//! `application/problem+json` with `position`, `ahead`, `estimate` (`from` and `to` in seconds, or `null`), `retry_after`,
//! `place_kept`, and `"sent_on": false` where that is so. Codes: `waiting_room`, `waiting_room_not_open`, `waiting_room_full`,
//! and `waiting_room_network_full` with 429.
//!
//! The [`Estimate`] comes from how many places became free in the last 5, 15 and 60 minutes and how many of those who waited
//! left. It is a range that covers all three; until ten places have become free in at least a minute it says that it does not
//! know. In the simulated rush of the tests (5,000 people within ten minutes before 300 places) the middle is off by less than
//! a tenth in the median, and nine of ten waits end within the range; the test refuses a quarter, and eight of ten.
//!
//! # What it cannot stop
//!
//! - One person with several addresses has several tickets, and before an opening several lots. `max_per_client` bounds those
//!   of one address, and many people behind one address share that bound.
//! - Clients that come from ever new networks and ask for one page each take a place for `keep_place` each. That is a flood,
//!   for whoever counts requests; who stands in the line keeps their place in it.
//! - A telephone that is locked does not ask. Its owner loses the place after `keep_place`.
//! - Somebody who works on a form for longer than `session` without a request loses the place while others wait, and what they
//!   send then is refused.
//! - Whoever deletes cookies comes new with each request. While there are free places, what goes beyond `max_per_client` of one
//!   network passes without being counted: a program without cookies fills no room, and is not in the count of `active`.
//! - Several machines: each has its own line.
//! - A form that another site posts, as payment services do, comes without the ticket (`SameSite=Lax`): name its route in
//!   `except`.
//!
//! # Restart and reload
//!
//! A new policy moves nobody ([`WaitingRoom::with_policy`]). After a restart with [`WaitingRoom::keep`] and
//! [`restore`](WaitingRoom::restore) everybody is where they were, and the time between counts against nobody; addresses are
//! not kept, so that nobody of before is in the count of their network. Without, the tickets make the room again as they are
//! shown: once one of the line has come back nobody is let in for 45 seconds, in which all pages ask, and the order is that of
//! before. Who was inside is inside again, as far as there are places, or first in the line. Estimates begin anew.
//!
//! Time in which nobody at all could ask (the machine stood still, the network was away) counts against nobody in the line.
//!
//! # Bounds
//!
//! At most `max_waiting` people in the line and `active` inside (200,000 where only `admit` bounds them), at less than 100
//! bytes each, with the count of their network; 15 KiB more for the estimate while there is a line. When the line is full,
//! whoever comes is sent away, and nobody who is in it. A ticket that is not shown once within a minute is given up, and a
//! place inside within `keep_place`. There is no background task: requests look once a second at everybody, under the room's
//! lock (measured: 1.5 ms for 350,000 people, who took 59 bytes each). A request of somebody inside costs about two
//! microseconds, most of them for the ticket's HMAC.

mod changes;
mod clock;
mod cookie;
mod flow;
mod guard;
mod kept;
mod line;
mod networks;
mod page;
mod policy;
mod refusal;
mod room;
mod settings;
mod ticket;
mod words;

#[cfg(test)]
mod tests;

pub use clock::{Clock, SystemClock};
pub use flow::Estimate;
pub use guard::{Occupancy, WaitingRoom, WaitingRoomLayer};
pub use kept::KeptError;
pub use policy::WaitingRoomPolicy;
pub use refusal::{WaitingRoomRefusal, Waits};
pub use settings::WaitingRoomSettings;
pub use ticket::TicketKeys;
