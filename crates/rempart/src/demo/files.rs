//! The demo's configuration: the very files of `examples/vendor`, carried in the binary.

use std::fs;
use std::io;
use std::path::Path;

use super::Running;
use crate::cli::Demo;

const FILES: [(&str, &str); 4] = [
    ("rempart.toml", include_str!("../../../../examples/vendor/rempart.toml")),
    (
        "tenants.d/library.toml",
        include_str!("../../../../examples/vendor/tenants.d/library.toml"),
    ),
    (
        "tenants.d/city.toml",
        include_str!("../../../../examples/vendor/tenants.d/city.toml"),
    ),
    (
        "tenants.d/daycare.toml",
        include_str!("../../../../examples/vendor/tenants.d/daycare.toml"),
    ),
];

/// Writes the files that are not there yet; one that a person has changed stays as it is.
pub(super) fn write(vendor: &Path) -> io::Result<()> {
    for (name, text) in FILES {
        let path = vendor.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        if !path.exists() {
            fs::write(&path, text)?;
        }
    }
    Ok(())
}

/// The addresses of the command line, as the environment would give them.
pub(super) fn environment(arguments: &Demo, sites: &[Running]) -> impl Iterator<Item = (String, String)> {
    let listen = [("HTTPS", arguments.https), ("HTTP", arguments.http)];
    let listen = listen.map(|(key, address)| (format!("REMPART__LISTEN__{key}"), address.to_string()));
    let upstreams = sites.iter().map(|Running { site, address, .. }| {
        let key = format!("REMPART__TENANTS__{}__UPSTREAM__URL", site.name().to_uppercase());
        (key, format!("http://{address}"))
    });
    listen.into_iter().chain(upstreams.collect::<Vec<_>>())
}
