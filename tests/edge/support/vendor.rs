//! The vendor of the examples: the edge with the very files of `examples/vendor`, and the three sites behind it.

use std::fs;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::Path;

use super::running::{Running, rempart};
use super::upstreams::{Site, site};

/// The edge on a copy of `examples/vendor`; where it listens and where the sites are is overridden in the environment,
/// as an operator would. Everything that a [`Running`] edge can be asked is asked of it.
pub(crate) struct Vendor {
    edge: Running,
    sites: Vec<(&'static str, Site)>,
}

/// Starts the three sites and the edge before them.
pub(crate) fn vendor() -> Vendor {
    vendor_with(&[])
}

/// As [`vendor`], with applications of the test's own in place of some sites.
pub(crate) fn vendor_with(others: &[(&str, SocketAddr)]) -> Vendor {
    let other = |name: &str| others.iter().find(|(given, _)| *given == name);
    let sites: Vec<_> = TENANTS
        .into_iter()
        .filter(|name| other(name).is_none())
        .map(|name| (name, site(name)))
        .collect();
    let directory = files();
    let mut command = rempart();
    command.args(["run", "--config"]).arg(directory.path());
    command
        .env("REMPART__LISTEN__HTTPS", "127.0.0.1:0")
        .env("REMPART__LISTEN__HTTP", "127.0.0.1:0");
    let started = sites.iter().map(|(name, site)| (*name, site.address));
    for (name, address) in started.chain(others.iter().copied()) {
        let key = format!("REMPART__TENANTS__{}__UPSTREAM__URL", name.to_uppercase());
        command.env(key, format!("http://{address}"));
    }
    Vendor {
        edge: Running::start(command, directory),
        sites,
    }
}

impl Vendor {
    /// Where a site is without the edge.
    pub(crate) fn bare(&self, name: &str) -> SocketAddr {
        let (_, site) = self.sites.iter().find(|(given, _)| *given == name).unwrap();
        site.address
    }

    /// Ends a site; what stands before it stays.
    pub(crate) fn stop(&mut self, name: &str) {
        self.sites.retain(|(given, _)| *given != name);
    }
}

impl Deref for Vendor {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.edge
    }
}

/// A copy of the vendor's files, without what an edge may have put beside them.
fn files() -> tempfile::TempDir {
    let from = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/vendor"));
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("tenants.d")).unwrap();
    let tenants = TENANTS.map(|name| format!("tenants.d/{name}.toml"));
    for file in tenants.iter().map(String::as_str).chain(["rempart.toml"]) {
        fs::copy(from.join(file), directory.path().join(file)).unwrap();
    }
    assert_eq!(
        fs::read_dir(from.join("tenants.d")).unwrap().count(),
        TENANTS.len(),
        "a tenant of the example that no test starts"
    );
    directory
}

const TENANTS: [&str; 3] = ["library", "city", "daycare"];
