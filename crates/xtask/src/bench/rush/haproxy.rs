//! HAProxy limiting tenants: stick-tables by address and by host, and a queue before each application.

use std::process::Command;
use std::{fs, io};

use super::scene::{Scene, Tenant};
use super::share::{CLIENT, Share};
use crate::workspace::find_program;

/// Writes the configuration, and answers with the command that serves it.
///
/// # Errors
///
/// When the file cannot be written.
pub(crate) fn configured(scene: &Scene, port: u16) -> io::Result<Command> {
    let file = scene.folder().join("haproxy.cfg");
    fs::write(&file, configuration(scene, port))?;
    let mut command = Command::new(find_program("haproxy").unwrap_or("haproxy".into()));
    command.arg("-db").arg("-f").arg(&file);
    Ok(command)
}

/// A connection is turned away before its handshake when its address has opened too many. The host is only known once the
/// handshake is done, so that a host's connections cannot be.
fn configuration(scene: &Scene, port: u16) -> String {
    let certificate = scene.certificate.both.display();
    let routes: String = Tenant::ALL.map(route).concat();
    let backends: String = Tenant::ALL.map(|tenant| backend(scene, tenant)).concat();
    let (rate, _) = CLIENT;
    let Share {
        requests,
        handshakes,
        connections,
        ..
    } = Share::OF_A_TENANT;
    format!(
        r#"global
    nbthread 1
    maxconn 4096
    ssl-default-bind-options ssl-min-ver TLSv1.2

defaults
    mode http
    timeout connect 2s
    timeout client 30s
    timeout server 30s
    timeout queue 1s
    timeout http-request 10s
    http-reuse always
    option forwardfor

frontend edge
    bind 127.0.0.1:{port} ssl crt {certificate} alpn h2,http/1.1 backlog 4096
    stick-table type ip size 100k expire 10s store conn_cur,conn_rate(1s),http_req_rate(1s)
    tcp-request connection track-sc0 src
    tcp-request connection reject if {{ sc_conn_rate(0) gt {handshakes} }} || {{ sc_conn_cur(0) gt {connections} }}
    http-request track-sc1 req.hdr(host),host_only,lower table hosts
    http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt {rate} }}
    http-request deny deny_status 429 if {{ sc_http_req_rate(1) gt {requests} }}
    http-request set-header X-Forwarded-Proto https
{routes}    default_backend nobody

backend hosts
    stick-table type string len 64 size 1k expire 10s store http_req_rate(1s)

backend nobody
    http-request deny deny_status 404
{backends}"#
    )
}

fn route(tenant: Tenant) -> String {
    let (name, host) = (tenant.name(), tenant.host());
    format!("    use_backend {name} if {{ req.hdr(host),host_only,lower -m str {host} }}\n")
}

fn backend(scene: &Scene, tenant: Tenant) -> String {
    let (name, application) = (tenant.name(), scene.application(tenant));
    let in_flight = Share::OF_A_TENANT.in_flight;
    format!("\nbackend {name}\n    server {name} 127.0.0.1:{application} maxconn {in_flight}\n")
}
