//! The built binary, spoken to by clients that are not ours: curl, openssl, Python's standard library.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

mod answers;
mod bodies;
mod clients_identity;
mod controls;
mod demo;
mod deploy;
mod drain;
mod matrix;
mod routing;
mod sites;
mod start;
mod tls;
mod upgrades;
mod upstreams;
mod workspace;
