//! Stops a client site that nobody may change from being reached in any way but its own tenant's stack.
//!
//! The edge listens on one port for all tenants of a vendor, finds the tenant of each connection by its SNI and of each
//! request by its `Host`, runs that tenant's stack, and forwards over a pooled HTTP/1.1 connection to that tenant's
//! application and no other. [`Edge`] is the whole of it; the binary `rempart` is a command line around it.
//!
//! A request's way can be read top to bottom in `stack.rs`. The other files, outside in:
//!
//! | file | holds |
//! |---|---|
//! | `edge.rs` | the life of the edge: bind, serve, drain |
//! | `control.rs`, `roster.rs`, `remember.rs` | who is served as what, and how a reload changes it |
//! | `served.rs`, `table.rs` | one tenant as it is served; what a worker serves from |
//! | `worker.rs` | one thread, one runtime, its own listeners and stacks |
//! | `serve.rs`, `activity.rs`, `coalesce.rs`, `linger.rs` | HTTP on a connection, and the end to everything that lasts too long |
//! | `front.rs`, `hop.rs` | one canonical form of a request; who sent it, for whom |
//! | `stack.rs` | a tenant's controls |
//! | `upstream.rs`, `pool.rs`, `upload.rs`, `tunnel.rs` | the application: forwarding, its connections, upgrades |
//!
//! # What it refuses
//!
//! | | status | code |
//! |---|---|---|
//! | a handshake that names no tenant's host | TLS alert `unrecognized_name` | `tls_server_name_unknown` |
//! | `Host` of nobody, of another tenant, none, two | 404, 421 or 403, 400 | see `rempart-tenant` |
//! | TRACE and CONNECT | 405 | `method_refused` |
//! | a head of more than 32 KiB | 431 | `head_too_large` |
//! | an upgrade to `h2c` or another HTTP | dropped, answered as HTTP/1.1 | |
//! | `X-Forwarded-*`, `Forwarded`, `X-Real-IP` … from a stranger | dropped, set afresh | |
//! | what the tenant's own controls refuse | | see their crates |
//! | an application that is down | 502 | `upstream_unreachable`, `upstream_broken`, `upstream_upgrade` |
//! | one that is slow | 504 | `upstream_connect_timeout`, `upstream_timeout` |
//! | a client that stops in the middle of its body | 408 | `request_stalled` |
//! | one whose connections are all in use | 503 with `Retry-After` | `upstream_busy` |
//!
//! # Bounds
//!
//! A handshake ends within 10 s and the first request's head follows within 10 s; a connection without a new request
//! for 60 s is asked to end, and ended 5 s later when nothing is in flight; a request's head has at most 100 fields and 32 KiB; an HTTP/2
//! connection has at most 128 requests at once. Bodies are streamed both ways and never held whole. On drain, whatever
//! is still open after the configured limit is closed.
//!
//! # What it cannot stop
//!
//! An application that can be reached without the edge. It must listen where only the edge can connect, or refuse every
//! other peer.

mod activity;
mod admit;
mod body;
mod coalesce;
mod commons;
mod control;
mod edge;
mod front;
mod hop;
mod keys;
mod linger;
mod listen;
mod outcome;
mod pool;
mod redirect;
mod remember;
mod rooms;
mod roster;
mod rounds;
mod serve;
mod served;
mod stack;
mod table;
mod tunnel;
mod upload;
mod upstream;
mod worker;

#[cfg(test)]
mod tests;

pub use body::Body;
pub use control::{Control, History, Plan};
pub use edge::{Edge, StartError, check};
pub use outcome::{CountTable, Load, Reloaded, TenantStatus};
pub use rempart_redis::StoreStats;
pub use rempart_shares::{Kind, TenantUsage, Usage};
pub use rempart_waiting_room::Occupancy;
