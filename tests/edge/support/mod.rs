//! What the tests stand on: the built binary, upstreams, and independent clients.

mod clients;
mod running;
mod upstreams;

pub(crate) use clients::{Answer, curl, curl_with, openssl, python};
pub(crate) use running::{Running, edge, rempart};
pub(crate) use upstreams::{Stub, site, stub};
