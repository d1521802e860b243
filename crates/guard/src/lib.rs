//! Stops a control from deciding in its own way: every control of the toolkit says *no* through the types of this crate.
//!
//! A control implements [`Guard`]: a check on the head of a request that returns `Result<Ticket, Refusal>`, and an
//! optional amendment of the head of the response. [`GuardLayer`] makes a [`tower`](tower_layer) layer of it and does
//! once, for all controls, what must never be done twice in two ways ([`WaitingGuardLayer`] of a [`WaitingGuard`], which may
//! have to wait, does the same):
//!
//! - [`Enforcement`]: `enforce` refuses and amends, `report` decides and records but changes nothing, `off` does nothing;
//! - a refusal becomes a [`Rejection`]: a status, a stable code, a page or `application/problem+json` (RFC 9457), with
//!   nothing internal in it;
//! - every refusal and would-be refusal becomes one [`Decision`] in a [`DecisionSink`].
//!
//! The crate also holds what controls have in common: who the client is ([`ClientAddr`], [`TrustedProxies`],
//! [`Downstream`], [`TlsFingerprint`], [`Ja4`]), which route a request takes ([`RoutePattern`], [`RoutePath`]) and what
//! it is for ([`RouteClass`]), and how settings are found wrong ([`Problem`]).
//!
//! # A guard that passes one request and refuses another
//!
//! ```
//! use bytes::Bytes;
//! use http::{Method, Request, Response, StatusCode, request};
//! use http_body_util::Full;
//! use rempart_guard::{Enforcement, Findings, Guard, GuardLayer, Refusal, Rejection, Reporter};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! #[derive(Debug, thiserror::Error)]
//! #[error("the method {0} is not allowed here")]
//! struct MethodRefused(Method);
//!
//! impl Refusal for MethodRefused {
//!     fn rejection(&self) -> Rejection {
//!         Rejection::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed")
//!     }
//! }
//!
//! struct ReadOnly;
//!
//! impl Guard for ReadOnly {
//!     const FEATURE: &'static str = "read_only";
//!     type Ticket = ();
//!     type Refusal = MethodRefused;
//!
//!     fn check(&self, head: &mut request::Parts, _: &mut Findings) -> Result<(), MethodRefused> {
//!         if head.method.is_safe() { Ok(()) } else { Err(MethodRefused(head.method.clone())) }
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let service = ServiceBuilder::new()
//!     .layer(GuardLayer::new(ReadOnly, Enforcement::Enforce, Reporter::silent()))
//!     .service(service_fn(async |_: Request<()>| {
//!         Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::from("hello")))
//!     }));
//!
//! let answer = service.clone().oneshot(Request::get("/").body(()).unwrap()).await.unwrap();
//! assert_eq!(answer.status(), StatusCode::OK);
//! let answer = service.oneshot(Request::delete("/").body(()).unwrap()).await.unwrap();
//! assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
//! # }
//! ```
//!
//! # What it cannot stop
//!
//! A guard sees heads, not bodies. One that counts how much leaves in a body is told by whoever writes it ([`SentBytes`]); a
//! layer that reads what leaves wraps the body itself and uses [`Reporter`] and [`Rejection`] directly.

mod change;
mod class;
mod client;
mod day;
mod decision;
mod downstream;
mod enforcement;
mod fingerprint;
mod guard;
mod ja4;
mod layer;
mod page;
mod path;
mod problem;
mod rejection;
mod route;
mod sent;
mod session;
mod units;
mod waiting;

#[cfg(test)]
mod tests;

pub use change::{Change, Effect};
pub use class::RouteClass;
pub use client::{ClientAddr, ClientNetwork, TrustedProxies};
pub use day::{Day, DayError};
pub use decision::{Action, Decision, DecisionSink, Reporter};
pub use downstream::{Downstream, DownstreamLayer, IdentifyDownstream, RequestId, RequestIds};
pub use enforcement::Enforcement;
pub use fingerprint::TlsFingerprint;
pub use guard::{Findings, Guard, Refusal};
pub use ja4::{Ja4, Ja4Error};
pub use layer::{GuardLayer, Guarded, ResponseFuture};
pub use path::{Reading, RoutePath};
pub use problem::{Problem, Problems};
pub use rejection::{NoDownstream, Notice, Rejection};
pub use route::{RouteError, RoutePattern};
pub use sent::{
    CountSentBytes, CountSentBytesFuture, CountedBody, Sending, SentBytes, SentBytesAreCounted, SentBytesLayer,
};
pub use session::{Account, EdgeSession, EdgeSessions, SessionId, SessionOrder, SessionOrders};
pub use units::{UnitError, duration, duration_schema, in_words, size, size_schema};
pub use waiting::{Deciding, Verdict, WaitingFuture, WaitingGuard, WaitingGuardLayer, WaitingGuarded};
