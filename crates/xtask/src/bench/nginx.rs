//! nginx doing the edge's job, set up as its own documentation advises for speed.

use std::process::Command;
use std::{fs, io};

use super::targets::{HOSTS, Site};
use crate::workspace::find_program;

/// Writes the configuration, and answers with the command that serves it.
///
/// # Errors
///
/// When the files cannot be written.
pub(crate) fn configured(site: &Site, port: u16) -> io::Result<Command> {
    let folder = site.folder.path().join("nginx");
    fs::create_dir_all(&folder)?;
    let file = folder.join("nginx.conf");
    fs::write(&file, configuration(site, port))?;
    let mut command = Command::new(find_program("nginx").unwrap_or("nginx".into()));
    command.arg("-p").arg(&folder).arg("-c").arg(&file);
    Ok(command)
}

/// One worker under its master; no log, no resumption; bodies are never written to disk; HTTP/2
/// frames as large as its neighbours make them. nginx cannot leave `Server` out, but it replaces
/// the application's.
fn configuration(site: &Site, port: u16) -> String {
    let upstream = site.upstream;
    let certificate = site.certificate.certificate.display();
    let key = site.certificate.key.display();
    let servers: String = HOSTS.map(|(tenant, host)| server(tenant, host, port)).concat();
    let upstreams: String = HOSTS.map(|(tenant, _)| pool(tenant, upstream)).concat();
    format!(
        r#"daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    server_tokens off;
    tcp_nodelay on;
    keepalive_requests 1000000000;
    http2_chunk_size 16k;
    client_body_temp_path client-body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.3;
    ssl_session_tickets off;
    ssl_session_cache off;
    limit_req_zone $binary_remote_addr zone=client:10m rate=1000000r/s;
    limit_req zone=client burst=1000000 nodelay;
    limit_req_status 429;
    proxy_http_version 1.1;
    proxy_buffers 16 16k;
    proxy_buffer_size 16k;
    proxy_busy_buffers_size 128k;
    proxy_max_temp_file_size 0;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto https;
    proxy_set_header X-Forwarded-Host $http_host;
    proxy_hide_header X-Powered-By;
    proxy_cookie_flags ~ secure httponly samesite=lax;
    add_header Strict-Transport-Security "max-age=31536000; includeSubDomains" always;
    add_header X-Content-Type-Options nosniff always;
    add_header X-Frame-Options DENY always;
    add_header Referrer-Policy strict-origin-when-cross-origin always;
{upstreams}    server {{
        listen 127.0.0.1:{port} ssl http2 default_server;
        return 404;
    }}
{servers}}}
"#
    )
}

fn pool(tenant: &str, upstream: u16) -> String {
    format!(
        "    upstream {tenant} {{
        server 127.0.0.1:{upstream};
        keepalive 256;
        keepalive_requests 1000000000;
    }}
"
    )
}

fn server(tenant: &str, host: &str, port: u16) -> String {
    format!(
        "    server {{
        listen 127.0.0.1:{port} ssl http2;
        server_name {host};
        location / {{ proxy_pass http://{tenant}; }}
    }}
"
    )
}
