//! What the tests stand on: the built binary, upstreams, and independent clients.

mod browser;
mod clients;
mod running;
mod upstreams;
mod vendor;

pub(crate) use browser::Browser;
pub(crate) use clients::{Answer, curl, curl_with, openssl, python};
pub(crate) use running::{Running, edge, rempart};
pub(crate) use upstreams::{Application, Stub, application, site, stub};
pub(crate) use vendor::{Vendor, vendor, vendor_with};
