//! Stops the cookies of an application that nobody may change from being read by scripts, sent in the clear, carried by
//! other sites, or shown to a neighbour.
//!
//! Legacy session cookies (`PHPSESSID`, `JSESSIONID`, `ASP.NET_SessionId`) leave their application without any flag, some
//! with a `Domain` that covers every other client of the same vendor. [`CookieLayer`] hardens each of them on the way
//! out, and lets in only what it has sealed itself:
//!
//! **Out**: every `Set-Cookie` leaves with `Secure`, with `HttpOnly` (save the names in
//! [`script_readable`](CookieSettings::script_readable)), with `SameSite` at least as strict as the policy's, and without
//! a `Domain`, unless that is one of the tenant's own hosts; then it reaches the hosts below that one too, as it does in
//! any browser. The value of a cookie named in [`session`](CookieSettings::session) leaves *sealed*: encrypted with
//! AES-256-GCM-SIV (RFC 8452) under the tenant's own key, and bound to the cookie's name.
//!
//! **In**: sealed sessions are opened and the application sees its own value, as it wrote it.
//!
//! # What it refuses
//!
//! - `cookie_foreign_tenant`, 403: a session sealed by another tenant. Whose it is stands in the sealed text, so that it
//!   is recognised without any other tenant's key; somebody who forges it gets refused and nothing else. The answer
//!   deletes the cookie at `/`, so that a browser gets out again when a tenant's key was lost.
//! - `cookie_ambiguous`, 403: two sessions of one name that open to different values. A browser sends both when a
//!   neighbour has *tossed* one with a `Domain`, and the application would choose by chance.
//!
//! What it repairs, and says so, while the rest of the request or the answer goes on:
//!
//! | code | what is dropped |
//! |---|---|
//! | `cookie_unsealed` | a session that was never sealed: planted by script, tossed by a neighbour, or older than the seal |
//! | `cookie_broken` | a session that says it is ours and does not open: changed, cut, or moved to another name |
//! | `cookie_shadow` | a cookie that some application would read as the session: other case, `.` for `_`, `%50HPSESSID`, `PHPSESSID[]`, or hidden behind a comma in another cookie's value |
//! | `cookie_domain_removed` | a `Domain` that is not the tenant's own host; the cookie stays, for its host only |
//! | `cookie_dropped` | a `Set-Cookie` without a name, which each server and browser reads in its own way |
//! | `cookie_too_large` | a session that, sealed, is longer with its name than 4,096 bytes: no browser would keep it. A seal adds 54 characters and a third of the value |
//! | `cookie_unsealable` | a session, because the system had no random bytes to give |
//!
//! # What it leaves as it is
//!
//! Byte for byte: every other cookie in a request; in a `Set-Cookie` the name, the value (quotes and Latin-1 letters
//! included), and every attribute that is not named above, in its order: `Path`, `Expires` in whatever form an application
//! writes it, `Max-Age`, `Partitioned`, `Priority`. So a deletion stays a deletion. An empty value is not sealed.
//!
//! `Cookie` is read as servers must (draft-ietf-httpbis-rfc6265bis-22 section 4.2.2): split at each `;`, quotes without
//! meaning. Several lines, as HTTP/2 allows, become one (RFC 9113 section 8.2.3). The prefixes `__Secure-` and
//! `__Host-` (section 4.1.3), and `__Http-` and `__Host-Http-` that browsers added later, get what they promise where that is
//! ours to give: `Secure`, `HttpOnly`, no `Domain`.
//!
//! # What it cannot stop
//!
//! - A session stolen from the browser's machine and shown to the same tenant: the seal opens for whoever holds it.
//! - A neighbour who obtains a session of *this* tenant for itself and tosses it, with a `Domain`, into a browser that has
//!   none yet: it opens, and the visitor goes on in the neighbour's session. Into a browser that has one, it locks the
//!   visitor out (403) until it is gone. Hosts of clients under one registrable domain stay neighbours; give each its own,
//!   or have the domain listed as a public suffix.
//! - Cookies that an application's own scripts write. They never pass here.
//! - What other sites may still do under `SameSite=None`, and with plain links under `Lax`.
//! - A login by a form of *another* site (SAML, OpenID Connect's `form_post`) comes without `Lax` cookies: such a site needs
//!   `same_site = "none"`.
//!
//! # In axum, with no proxy at all
//!
//! ```
//! use axum::body::Body;
//! use axum::http::{HeaderMap, Request, StatusCode};
//! use axum::{Router, routing::get};
//! use rempart_cookie::{CookieLayer, CookiePolicy, CookieSettings};
//! use rempart_guard::Reporter;
//! use rempart_tenant::KeyRing;
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let ring = KeyRing::ephemeral().unwrap();
//! let site = |tenant: &str| {
//!     let settings = CookieSettings { session: vec!["PHPSESSID".into()], ..Default::default() };
//!     let key = ring.tenant(&tenant.parse().unwrap()).derive("cookies");
//!     let policy = CookiePolicy::new(settings, vec![format!("{tenant}.example")], &key).unwrap();
//!     Router::new()
//!         .route("/login", get(async || [("set-cookie", "PHPSESSID=ab12; Domain=.vendor.example")]))
//!         .route("/", get(async |headers: HeaderMap| format!("{:?}", headers.get("cookie").map(|line| line.as_bytes()))))
//!         .layer(CookieLayer::new(policy, Reporter::silent()))
//! };
//! let (library, city) = (site("library"), site("city"));
//!
//! let answer = library.clone().oneshot(Request::get("/login").body(Body::empty()).unwrap()).await.unwrap();
//! let set = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
//! assert!(set.starts_with("PHPSESSID=") && set.ends_with("; HttpOnly; SameSite=Lax; Secure"), "{set}");
//! assert!(!set.contains("ab12") && !set.contains("Domain"));
//!
//! let cookie = set.split(';').next().unwrap();
//! let ask = || Request::get("/").header("cookie", cookie).body(Body::empty()).unwrap();
//! let answer = library.oneshot(ask()).await.unwrap();
//! let seen = axum::body::to_bytes(answer.into_body(), 100).await.unwrap();
//! assert_eq!(seen, format!("{:?}", Some(b"PHPSESSID=ab12")), "the application sees its own value");
//! assert_eq!(city.oneshot(ask()).await.unwrap().status(), StatusCode::FORBIDDEN, "a replay at a neighbour");
//! # }
//! ```
//!
//! # Behind another proxy
//!
//! `Secure` is set whatever the connection to this service is: browsers then keep the cookie only if *their* connection is
//! HTTPS. A proxy outside that rewrites cookies (nginx: `proxy_cookie_domain`, `proxy_cookie_flags`) may add attributes, but
//! must not touch values.

mod guard;
mod incoming;
mod names;
mod nonce;
mod outgoing;
mod refusal;
mod seal;
mod settings;

#[cfg(test)]
mod tests;

pub use guard::{CookieLayer, Cookies};
pub use refusal::CookieRefusal;
pub use settings::{CookiePolicy, CookieSettings};
