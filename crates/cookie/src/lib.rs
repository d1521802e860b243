//! Stops the cookies of an application that nobody may change from being read by scripts, sent in the clear, carried by
//! other sites, or shown to a neighbour.
//!
//! Legacy session cookies (`PHPSESSID`, `JSESSIONID`, `ASP.NET_SessionId`) leave their application without any flag, some
//! with a `Domain` that covers every other client of the same vendor. [`CookieLayer`] hardens each of them on the way
//! out, and lets in only what it has sealed itself:
//!
//! **Out**: every `Set-Cookie` leaves with `Secure`, with `HttpOnly` (save the names in
//! [`script_readable`](CookieSettings::script_readable)), with `SameSite` at least as strict as the policy's, without
//! a `Domain`, unless that is one of the tenant's own hosts (then it reaches the hosts below that one too, as it does in
//! any browser), and for [`max_age`](CookieSettings::max_age) at most. The value of a cookie named in
//! [`session`](CookieSettings::session) leaves *sealed*: encrypted with AES-256-GCM under the tenant's own key, and bound to
//! the tenant, the cookie's name, the host (its `Domain`, when it has one) and the key. Outside it is called `__Host-` and its
//! name, so that no other host can have set it. [`rules`](CookieSettings::rules) say what single cookies get, by name or by how
//! names begin. Where an application ends the name in what only it knows, such as WordPress in a hash,
//! `wordpress_logged_in_*` names all that begin so; each is sealed for its own whole name.
//!
//! **In**: sealed sessions are opened and the application sees its own name and value, as it wrote them. A session in the
//! path of a request (`/page;jsessionid=0A1B`), which came by a link and past the seal, is taken out where the policy names it.
//!
//! # What it refuses
//!
//! - `cookie_foreign_tenant`, 403: a session sealed by another tenant. Whose it is stands in the sealed text, so that it
//!   is recognised without any other tenant's key; somebody who forges it gets refused and nothing else. The answer
//!   deletes the cookie at `/`, so that a browser gets out again.
//! - `cookie_ambiguous`, 403: two sessions of one name that open to different values. A browser sends both when a
//!   neighbour has *tossed* one with a `Domain`, and the application would choose by chance. Under `__Host-` no browser does.
//!
//! What it repairs, and says so, while the rest of the request or the answer goes on:
//!
//! | code | what is dropped |
//! |---|---|
//! | `cookie_unsealed` | a session that was never sealed: planted by script, tossed by a neighbour, or older than the seal |
//! | `cookie_broken` | a session that says it is ours and does not open: changed, cut, or moved to another name or host |
//! | `cookie_key_ended` | a session sealed with a key that is not in the ring any more |
//! | `cookie_expired` | a session whose cookie has ended: a browser would not send it |
//! | `cookie_old_name` | a session under the name that it had outside before, when [`rename_grace_until`](CookieSettings::rename_grace_until) is over |
//! | `cookie_shadow` | a cookie that some application would read as the session: other case, `.` for `_`, `%50HPSESSID`, `PHPSESSID[]`, `..Host-PHPSESSID`, or hidden behind a comma in another cookie's value; and any other cookie without the prefix that it has outside |
//! | `cookie_session_in_url` | a session in the path, in a parameter or segment that [`session_in_url`](CookieSettings::session_in_url) names; the page is asked for without it |
//! | `cookie_domain_removed` | a `Domain` that is not the tenant's own host, or that `__Host-` forbids; the cookie stays, for its host only |
//! | `cookie_dropped` | a `Set-Cookie` without a name, which each server and browser reads in its own way |
//! | `cookie_unwanted` | a cookie that a rule drops, in either direction |
//! | `cookie_too_large` | a cookie that, with its name, is longer than 4,096 bytes, in either direction: no browser keeps it. A seal adds about a hundred characters and a third of the value |
//! | `cookie_too_many` | what comes after [`max_cookies`](CookieSettings::max_cookies); sessions are not counted |
//! | `cookie_unsealable` | a session, because the system had no random bytes to give |
//!
//! # What it leaves as it is
//!
//! Byte for byte: every other cookie in a request; in a `Set-Cookie` the name, the value (quotes and Latin-1 letters
//! included), and every attribute that is not named above, in its order: `Path` (but under `__Host-`), `Expires` in whatever
//! form an application writes it, `Max-Age`, `Partitioned`, `Priority`. So a deletion stays a deletion. An empty value is not
//! sealed.
//!
//! `Cookie` is read as servers must (draft-ietf-httpbis-rfc6265bis-22 section 4.2.2): split at each `;`, quotes without
//! meaning. Several lines, as HTTP/2 allows, become one (RFC 9113 section 8.2.3). A name to which the application has put
//! `__Secure-`, `__Host-` (section 4.1.3), `__Http-` or `__Host-Http-` itself stays, and gets what it promises where that is
//! ours to give: `Secure`, `HttpOnly`, no `Domain`.
//!
//! # Keys that change
//!
//! What is sealed says which key of the ring sealed it. A session that was sealed with a previous key, or that came under an
//! old name or in the form of an older version, opens and is sealed anew with the next answer that no shared cache may keep:
//! with its number, its beginning and its end. Previous keys, and with them the sessions of those who did not come back, end on
//! their day.
//!
//! # Who watches over sessions
//!
//! A sealed session has a number, the time at which it began and the time at which it was sealed. What opened is in the
//! request's extensions as [`EdgeSessions`](rempart_guard::EdgeSessions); what
//! [`SessionOrders`](rempart_guard::SessionOrders) in the answer's extensions say is done: a new number, or the end. The number
//! stays for as long as the browser shows it, whatever value the application gives the cookie.
//!
//! # Cookies of a handler's own
//!
//! [`CookieLayer::with_jar`] gives every request a [`SealedJar`]; [`Seal`] seals what is no cookie.
//!
//! # Cost
//!
//! Measured for 100 bytes on the machine that the aims were set on, with `cargo xtask bench cookies`: 0.28 µs to seal and
//! 0.25 µs to open, about half of what the private jar of the `cookie` crate takes. A request without cookies, or whose cookies
//! do not concern the policy, allocates nothing.
//!
//! # What it cannot stop
//!
//! - A session stolen from the browser's machine and shown to the same tenant: the seal opens for whoever holds it.
//! - With `prefix = "none"` or `"secure"`: a neighbour who obtains a session of *this* tenant for itself and tosses it, with a
//!   `Domain`, into a browser that has none yet: it opens, and the visitor goes on in the neighbour's session. Into a browser
//!   that has one, it locks the visitor out (403) until it is gone. The same under old names, until their day is over.
//! - Several applications on one host that set sessions of one name for their own paths: `__Host-` makes them one. Write
//!   `prefix = "secure"` for these.
//! - Sessions in the query, as PHP with `session.use_only_cookies = 0` reads them (`?PHPSESSID=ab12`): the query is never
//!   touched. Nor are links and redirects on the way out: an application that writes a session into them goes on doing so,
//!   and nobody gets in with it.
//! - Cookies that an application's own scripts write. They never pass here.
//! - What other sites may still do under `SameSite=None`, and with plain links under `Lax`.
//! - A login by a form of *another* site (SAML, OpenID Connect's `form_post`) comes without `Lax` cookies: such a site needs
//!   `same_site = "none"`.
//! - A session of version 1 that was copied: it says neither when it was sealed nor for which host. None open any more once
//!   the key `root` is out of the ring.
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
//!     let keys = ring.tenant(&tenant.parse().unwrap()).derive_all("cookies");
//!     let policy = CookiePolicy::new(settings, vec![format!("{tenant}.example")], &keys).unwrap();
//!     Router::new()
//!         .route("/login", get(async || [("set-cookie", "PHPSESSID=ab12; Domain=.vendor.example")]))
//!         .route("/", get(async |headers: HeaderMap| format!("{:?}", headers.get("cookie").map(|line| line.as_bytes()))))
//!         .layer(CookieLayer::new(policy, Reporter::silent()))
//! };
//! let (library, city) = (site("library"), site("city"));
//!
//! let answer = library.clone().oneshot(Request::get("/login").body(Body::empty()).unwrap()).await.unwrap();
//! let set = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
//! assert!(set.starts_with("__Host-PHPSESSID=") && set.ends_with("; HttpOnly; SameSite=Lax; Secure"), "{set}");
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

mod attributes;
mod behind;
mod binding;
mod caching;
mod changes;
mod date;
mod guard;
mod host;
mod incoming;
mod jar;
mod label;
mod names;
mod nonce;
mod outgoing;
mod pattern;
mod period;
mod prefix;
mod refusal;
mod rules;
mod seal;
mod sealing;
mod settings;
mod shown;
mod url;
mod version1;

#[cfg(test)]
mod tests;

pub use changes::CookieRules;
pub use guard::{CookieLayer, Cookies};
pub use jar::{JarError, SealedJar};
pub use refusal::CookieRefusal;
pub use rules::CookieRuleSettings;
pub use sealing::{Seal, SealError};
pub use settings::{CookiePolicy, CookieSettings};
pub use shown::ShownCookies;
