//! HAProxy doing the edge's job.

use std::process::Command;
use std::{fs, io};

use super::targets::{HOSTS, Site};
use crate::workspace::find_program;

/// Writes the configuration, and answers with the command that serves it.
///
/// # Errors
///
/// When the file cannot be written.
pub(crate) fn configured(site: &Site, port: u16) -> io::Result<Command> {
    let file = site.folder.path().join("haproxy.cfg");
    fs::write(&file, configuration(site, port))?;
    let mut command = Command::new(find_program("haproxy").unwrap_or("haproxy".into()));
    command.arg("-db").arg("-f").arg(&file);
    Ok(command)
}

/// One thread; no log, no resumption; as many streams in a connection as nginx allows.
fn configuration(site: &Site, port: u16) -> String {
    let certificate = site.certificate.both.display();
    let routes: String = HOSTS.map(|(tenant, host)| route(tenant, host)).concat();
    let backends: String = HOSTS.map(|(tenant, _)| backend(tenant, site.upstream)).concat();
    format!(
        r#"global
    nbthread 1
    maxconn 4096
    tune.ssl.cachesize 0
    tune.h2.max-concurrent-streams 128
    ssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets

defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    http-reuse always
    option forwardfor

frontend edge
    bind 127.0.0.1:{port} ssl crt {certificate} alpn h2,http/1.1
    stick-table type ipv6 size 100k expire 10s store http_req_rate(1s)
    http-request track-sc0 src
    http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt 1000000 }}
    http-request set-header X-Forwarded-Proto https
    http-request set-header X-Forwarded-Host %[req.hdr(host)]
    http-response del-header Server
    http-response del-header X-Powered-By
    http-response replace-header Set-Cookie (.*) "\1; Secure; HttpOnly; SameSite=Lax"
    http-response set-header Strict-Transport-Security "max-age=31536000; includeSubDomains"
    http-response set-header X-Content-Type-Options nosniff
    http-response set-header X-Frame-Options DENY
    http-response set-header Referrer-Policy strict-origin-when-cross-origin
{routes}    default_backend nobody

backend nobody
    http-request deny deny_status 404
{backends}"#
    )
}

fn route(tenant: &str, host: &str) -> String {
    format!("    use_backend {tenant} if {{ req.hdr(host),host_only,lower -m str {host} }}\n")
}

fn backend(tenant: &str, upstream: u16) -> String {
    format!("\nbackend {tenant}\n    server {tenant} 127.0.0.1:{upstream}\n")
}
