//! nginx limiting tenants: `limit_req` and `limit_conn`, by address and by host.

use std::process::Command;
use std::{fs, io};

use super::scene::{Scene, Tenant};
use super::share::{CLIENT, Share};
use crate::workspace::find_program;

/// Writes the configuration, and answers with the command that serves it.
///
/// # Errors
///
/// When the files cannot be written.
pub(crate) fn configured(scene: &Scene, port: u16) -> io::Result<Command> {
    let folder = scene.folder().join("nginx");
    fs::create_dir_all(&folder)?;
    let file = folder.join("nginx.conf");
    fs::write(&file, configuration(scene, port))?;
    let mut command = Command::new(find_program("nginx").unwrap_or("nginx".into()));
    command.arg("-p").arg(&folder).arg("-c").arg(&file);
    Ok(command)
}

/// `limit_conn` counts a connection while a request's head is read and the request is worked at, and each HTTP/2 request for
/// itself. Nothing in nginx limits handshakes, or connections that ask for nothing, of one host.
fn configuration(scene: &Scene, port: u16) -> String {
    let certificate = scene.certificate.certificate.display();
    let key = scene.certificate.key.display();
    let servers: String = Tenant::ALL.map(|tenant| server(scene, tenant, port)).concat();
    let (rate, burst) = CLIENT;
    let Share {
        requests, in_flight, ..
    } = Share::OF_A_TENANT;
    format!(
        r#"daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid nginx.pid;
error_log stderr crit;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    server_tokens off;
    tcp_nodelay on;
    keepalive_requests 1000000;
    client_header_timeout 10s;
    client_body_temp_path client-body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:tls:10m;
    limit_req_zone $server_name$binary_remote_addr zone=client:10m rate={rate}r/s;
    limit_req_zone $server_name zone=tenant:1m rate={requests}r/s;
    limit_conn_zone $server_name$binary_remote_addr zone=client_at_once:10m;
    limit_conn_zone $server_name zone=tenant_at_once:1m;
    limit_req zone=client burst={burst} nodelay;
    limit_req zone=tenant burst={requests} nodelay;
    limit_conn client_at_once {in_flight};
    limit_conn tenant_at_once {in_flight};
    limit_req_status 429;
    limit_conn_status 503;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto https;
    server {{
        listen 127.0.0.1:{port} ssl http2 default_server backlog=4096;
        return 404;
    }}
{servers}}}
"#
    )
}

fn server(scene: &Scene, tenant: Tenant, port: u16) -> String {
    let (name, host, application) = (tenant.name(), tenant.host(), scene.application(tenant));
    format!(
        "    upstream {name} {{ server 127.0.0.1:{application}; keepalive 64; keepalive_requests 1000000; }}
    server {{
        listen 127.0.0.1:{port} ssl http2;
        server_name {host};
        location / {{ proxy_pass http://{name}; }}
    }}
"
    )
}
