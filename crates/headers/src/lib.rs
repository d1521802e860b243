//! Stops a site from being framed, sniffed, downgraded to plain HTTP or read from its banners, whatever its application
//! sends.
//!
//! [`HeadersLayer`] amends the head of every answer. What an application sets is merged with the policy, never doubled
//! and never dropped where it is stricter:
//!
//! | header | an application's own value |
//! |---|---|
//! | `Strict-Transport-Security` (RFC 6797) | kept when its `max-age` is at least the policy's; a flag of the policy that it lacks is added; replaced when it is shorter, malformed or without `max-age` |
//! | `X-Content-Type-Options` (Fetch) | always `nosniff`, once |
//! | `Content-Security-Policy` (CSP Level 3) | never touched: the policy's `frame-ancestors` leaves as a header of its own beside it, and browsers enforce both (section 6.4.2 the directive, section 8.1 several policies). Not added when every source of the application's own `frame-ancestors` is in the policy's list |
//! | `X-Frame-Options` (HTML) | the stricter of the two. Because browsers ignore this header as soon as they see a `frame-ancestors`, an application's `DENY` is also said as `frame-ancestors 'none'`, and its `SAMEORIGIN` as `'self'` |
//! | `Referrer-Policy` (W3C) | kept when it tells no more than the policy's in each of three cases: same origin, other origin, HTTPS to HTTP; otherwise replaced |
//! | `Server`, `X-Powered-By`, `X-AspNet-Version`, … ([`BANNERS`]) | removed |
//!
//! # What it refuses
//!
//! No request: the control only amends answers. Settings that cannot be meant are refused when a [`HeadersPolicy`] is
//! made of [`HeadersSettings`], all of them at once.
//!
//! A repair says something about the application and not about one request, so each kind is told once in the life of a
//! [`Headers`], not once an answer: `headers_banner_removed`, `headers_hsts_replaced`, `headers_referrer_replaced`,
//! `headers_framing_narrowed`.
//!
//! # What it cannot stop
//!
//! - A browser's very first visit over plain HTTP: `Strict-Transport-Security` speaks from the second on, and browsers
//!   ignore it when it comes over plain HTTP or with a certificate they do not trust (RFC 6797 section 8.1). Use the layer
//!   where TLS ends, or behind it.
//! - Products that give themselves away by cookie names, error pages or the order of their headers.
//! - Scripts injected into a page: that is the work of a whole content security policy, and only the application, or
//!   somebody who knows it, can write one. Of CSP this control speaks `frame-ancestors` only.
//!
//! # An axum service, or any other, behind the layer
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use rempart_guard::Reporter;
//! use rempart_headers::{HeadersLayer, HeadersPolicy, HeadersSettings};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let policy = HeadersPolicy::try_from(HeadersSettings::default()).unwrap();
//! let service = ServiceBuilder::new()
//!     .layer(HeadersLayer::new(policy, Reporter::silent()))
//!     .service(service_fn(async |_: Request<()>| {
//!         let legacy = Response::builder()
//!             .header("server", "Apache/2.2.15 (CentOS)")
//!             .header("x-frame-options", "DENY")
//!             .header("referrer-policy", "unsafe-url");
//!         Ok::<_, http::Error>(legacy.body(Full::<Bytes>::from("hello"))?)
//!     }));
//!
//! let answer = service.oneshot(Request::get("/").body(()).unwrap()).await.unwrap();
//! assert!(!answer.headers().contains_key("server"), "a banner does not leave");
//! assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
//! assert_eq!(answer.headers()["referrer-policy"], "strict-origin-when-cross-origin", "the weaker value is replaced");
//! assert_eq!(answer.headers()["x-frame-options"], "DENY", "the stricter value is kept");
//! assert_eq!(answer.headers()["content-security-policy"], "frame-ancestors 'none'");
//! # }
//! ```
//!
//! # Behind another proxy
//!
//! A proxy outside that sets the same headers again (nginx: `add_header`) doubles them. Let one of the two do it.

mod banner;
mod changes;
mod framing;
mod guard;
mod hsts;
mod referrer;
mod settings;

#[cfg(test)]
mod tests;

pub use banner::BANNERS;
pub use guard::{Headers, HeadersLayer, NeverRefuses};
pub use settings::{HeadersPolicy, HeadersSettings, HstsSettings};
