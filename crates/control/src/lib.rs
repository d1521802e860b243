//! Stops a change of one client's file from being a restart of everybody's: how a running edge is asked to read its files
//! again, and how it says who is served as what.
//!
//! [`Listeners`] binds a Unix socket, `control.sock`, in the state directory; [`Server`] answers HTTP/1.1 with JSON on it;
//! [`Client`] asks. An optional address of `[metrics]` answers scrapers over TCP, who may ask for nothing that changes
//! anything.
//!
//! | | | scrapers |
//! |---|---|---|
//! | `POST /v1/reload` | reads the files again and answers when that is served; with `{"tenants":["x"]}` only these | |
//! | `GET /v1/plan` | what a reload would change in behaviour; with `?tenant=x` only of these | |
//! | `GET /v1/tenants` | how each tenant stands, since when, and what is wrong with its file | |
//! | `GET /v1/sessions` | who is logged in at `?tenant=x`, as far as it is known | |
//! | `POST /v1/sessions/kill` | ends sessions, from each one's next request on: `{"tenant":"x"}` with `"all":true`, `"account":"a"` or `"id":"0a1b2c"` | |
//! | `GET /metrics` | the same for Prometheus, in the text form of OpenMetrics | yes |
//! | `GET /livez` | 200 as long as the process answers at all | yes |
//! | `GET /readyz` | 200 while it takes new connections, 503 while it drains | yes |
//!
//! The answer of a reload has data (`outcome`, `changed`, `wrong`, …) and the same for a person (`summary`, `problems`): an
//! excerpt of a file with its caret can only be drawn by who has read it. Files are named by their absolute path.
//!
//! # What it refuses
//!
//! All of it as `application/problem+json` (RFC 9457) with a stable `code`.
//!
//! | | status | code |
//! |---|---|---|
//! | an account that is neither root nor the edge's own, whatever the file's mode | 403 | `peer_refused` |
//! | a path that is none, or none for scrapers | 404 | `not_found` |
//! | a tenant that is neither served nor has a file | 404 | `tenant_unknown` |
//! | another method | 405 | `method_refused` |
//! | a body that is no JSON or has unknown fields, a query that is not asked for | 400 | `body_invalid`, `query_invalid` |
//! | a body of more than 64 KiB, or one that does not come within 10 s | 413, 408 | `body_too_large`, `body_stalled` |
//! | a session that nobody has, or one of several | 404, 409 | `session_unknown`, `session_ambiguous` |
//! | sessions that were ended, which cannot be written down | 500 | `kill_not_kept` |
//! | a reload whose vendor's part is wrong; nothing has changed | 422 | `configuration_refused` |
//!
//! # Bounds
//!
//! At each entrance 32 connections at a time, each with one request; a head has at most 16 KiB and comes within 10 s. A
//! connection lasts at most 10 minutes, a scraper's 30 s. Two edges never share a state directory: the second does not start.
//!
//! # What it cannot stop
//!
//! Root, and whoever is the edge's own account: they can read its keys as well. Whoever can connect to the address of
//! `[metrics]` learns the tenants' names.

mod administration;
mod asked;
mod client;
mod metrics;
mod refusal;
mod reload;
mod routes;
mod server;
mod sessions;
mod socket;
mod tenants;

#[cfg(test)]
mod tests;

pub use administration::Administration;
pub use client::{Client, ClientError, Reply};
pub use rempart_sessions::Which;
pub use server::Server;
pub use socket::{BindError, Listeners, socket_path};
