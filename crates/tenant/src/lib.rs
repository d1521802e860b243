//! Stops one client's requests, keys and state from being another's: a **tenant is a stack**.
//!
//! A tenant is not a label that every layer looks up. It is one tower stack, built once, that owns all its state. This
//! crate holds the three things that make it so:
//!
//! - [`Tenants`] knows which host belongs to whom. It alone can make a [`Tenant`], so whoever holds one has the proof
//!   that the request was addressed to that tenant; SNI and `Host` must agree, and an unknown host gets nothing.
//! - [`KeyRing`] derives every secret from the vendor's roots, per tenant and per purpose (HKDF, RFC 5869), so no two tenants
//!   ever share a key and no layer can ask for its neighbour's. A root is replaced by a new one while the old one still opens.
//! - [`TenantStacks`] hands a request to its tenant's stack, in anybody's axum or hyper service.
//!
//! # A request for one tenant never reaches another's stack
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::{BodyExt, Full};
//! use rempart_guard::Reporter;
//! use rempart_tenant::{TenantStacks, Tenants};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let tenants = Tenants::builder()
//!     .tenant("library", ["library.example"]).unwrap()
//!     .tenant("city", ["city.example", "www.city.example"]).unwrap()
//!     .build();
//! let stacks = TenantStacks::new(tenants, Reporter::silent(), |tenant| {
//!     let name = tenant.id().to_string();
//!     ServiceBuilder::new().service(service_fn(move |_: Request<()>| {
//!         let answer = Response::new(Full::<Bytes>::from(name.clone()));
//!         async move { Ok::<_, std::convert::Infallible>(answer) }
//!     }))
//! });
//!
//! let ask = |host: &str| stacks.clone().oneshot(Request::get("/").header("host", host).body(()).unwrap());
//! let answer = ask("www.city.example").await.unwrap();
//! assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "city");
//! assert_eq!(ask("unknown.example").await.unwrap().status(), StatusCode::NOT_FOUND);
//! # }
//! ```
//!
//! # What it refuses
//!
//! | | status | code |
//! |---|---|---|
//! | no `Host`, two, or one that is no host name | 400 | `host_missing`, `host_repeated`, `host_invalid` |
//! | an absolute URI whose authority is not the `Host` (RFC 9112 section 3.2.2) | 400 | `host_disagrees` |
//! | a host that no tenant has | 404 | `host_unknown` |
//! | over HTTP/2, a host of another tenant than the handshake's SNI (RFC 9110 section 15.5.20) | 421 | `host_misdirected` |
//! | over HTTP/1.1, the same | 403 | `host_foreign` |
//!
//! # What it cannot stop
//!
//! Two tenants whose applications share a database, a file system or a login server behind their stacks. The upstream
//! has to refuse whoever does not come through the stack.

mod front;
mod host;
mod id;
mod keys;
mod message;
mod refusal;
mod stacks;
mod tenants;

#[cfg(test)]
mod tests;

pub use front::{ServerName, authority};
pub use host::{Host, HostError, HostPattern};
pub use id::{TenantId, TenantIdError};
pub use keys::{DerivedKey, KeyId, KeyIdError, KeyRing, KeyRingError, PurposeKey, PurposeKeys, TenantKeys};
pub use message::SealedMessages;
pub use refusal::TenantRefusal;
pub use stacks::{StackFuture, TenantStacks};
pub use tenants::{Tenant, Tenants, TenantsBuilder, TenantsError};
