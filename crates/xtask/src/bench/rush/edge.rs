//! The edge's configuration for the rush. This is the only place of this benchmark that knows how the edge is configured.

use std::path::Path;
use std::process::Command;
use std::{fs, io};

use super::scene::{Scene, Tenant};
use super::share::{CLIENT, Share};

/// Writes a configuration folder, and answers with the command that serves it.
///
/// # Errors
///
/// When the files cannot be written.
pub(crate) fn configured(scene: &Scene, port: u16, limits: Limits) -> io::Result<Command> {
    let folder = scene.folder().join(limits.name());
    fs::create_dir_all(folder.join("tenants.d"))?;
    fs::write(folder.join("rempart.toml"), vendor(&folder, port, limits))?;
    for tenant in Tenant::ALL {
        let file = folder.join("tenants.d").join(format!("{}.toml", tenant.name()));
        fs::write(file, self::tenant(scene, tenant, limits))?;
    }
    let mut command = Command::new(&scene.edge);
    command.args(["run", "--config"]).arg(folder);
    Ok(command)
}

/// Whether tenants are limited.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limits {
    Off,
    On,
}

impl Limits {
    const fn name(self) -> &'static str {
        match self {
            Self::Off => "edge-off",
            Self::On => "edge-on",
        }
    }
}

fn vendor(folder: &Path, port: u16, limits: Limits) -> String {
    let state = folder.join("state");
    let capacity = match limits {
        Limits::Off => String::new(),
        Limits::On => capacity(),
    };
    format!(
        r#"[listen]
https = "127.0.0.1:{port}"
workers = 1

[state]
directory = "{}"
{capacity}"#,
        state.display()
    )
}

/// What all have together, so that each is guaranteed what its share is. How fast handshakes are computed is not a number of
/// the edge: it computes some, lets everybody's requests go on, and takes the next from whoever has had the fewest.
fn capacity() -> String {
    let all = Tenant::ALL.len() as u32;
    let Share {
        in_flight, connections, ..
    } = Share::OF_A_TENANT;
    format!(
        r#"
[capacity]
requests = {}
connections = {}
"#,
        in_flight * all,
        connections * all
    )
}

fn tenant(scene: &Scene, tenant: Tenant, limits: Limits) -> String {
    let (host, application) = (tenant.host(), scene.application(tenant));
    let certificate = scene.certificate.certificate.display();
    let key = scene.certificate.key.display();
    let Share {
        requests, in_flight, ..
    } = Share::OF_A_TENANT;
    let (rate, burst) = CLIENT;
    let limited = match limits {
        Limits::Off => "\n[rate_limit]\nenforcement = \"off\"\n\n[shares]\nenforcement = \"off\"\n".to_owned(),
        Limits::On => format!(
            r#"max_connections = {in_flight}

[rate_limit.quotas.client]
rate = "{rate}/s burst {burst}"

[rate_limit.quotas.tenant]
rate = "{requests}/s"
per = "tenant"
"#
        ),
    };
    format!(
        r#"hosts = ["{host}"]

[tls]
certificate = "{certificate}"
key_file = "{key}"

[upstream]
url = "http://127.0.0.1:{application}"
{limited}"#
    )
}
