//! The built binary, spoken to by clients that are not ours: curl, openssl, Python's standard library.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

mod answers;
mod bodies;
mod chromium;
mod clients_identity;
mod controls;
mod demo;
mod deploy;
mod diff;
mod drain;
mod import;
mod keys;
mod limits;
mod matrix;
mod presets;
mod provenance;
mod reload;
mod replay;
mod routes;
mod routing;
mod schema;
mod sessions;
mod sites;
mod start;
mod tls;
mod two_hundred;
mod upgrades;
mod upstreams;
mod workspace;
