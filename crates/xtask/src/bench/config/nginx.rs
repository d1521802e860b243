//! nginx with thousands of sites, each in a file of its own.

use std::ops::Range;
use std::path::PathBuf;
use std::process::Command;
use std::{fs, io, thread};

use super::fleet::{Fleet, max_age, name};
use super::rounds::{Bench, Server};
use super::sample::Sample;
use crate::workspace::find_program;

/// One round.
///
/// # Errors
///
/// When something could not be run or measured.
pub(crate) fn round(bench: &Bench) -> io::Result<Sample> {
    let all = Nginx::write(bench, "nginx", bench.fleet.tenants)?;
    let few = Nginx::write(bench, "nginx-few", bench.fleet.few())?;
    bench.round(&all, &few)
}

struct Nginx<'a> {
    folder: PathBuf,
    fleet: &'a Fleet,
    port: u16,
}

impl<'a> Nginx<'a> {
    fn write(bench: &'a Bench, name: &str, tenants: usize) -> io::Result<Self> {
        let nginx = Self {
            folder: bench.fleet.folder().join(name),
            fleet: &bench.fleet,
            port: bench.port,
        };
        fs::create_dir_all(nginx.folder.join("sites"))?;
        fs::write(nginx.folder.join("nginx.conf"), nginx.configuration())?;
        Server::write(&nginx, 0..tenants, 0)?;
        Ok(nginx)
    }

    /// As many workers as the edge has; the hash tables as large as nginx asks for.
    fn configuration(&self) -> String {
        let port = self.port;
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let [certificate, key] = self.fleet.certificate(0).map(|path| path.display().to_string());
        format!(
            r#"daemon off;
worker_processes {workers};
pid nginx.pid;
error_log stderr crit;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    server_tokens off;
    tcp_nodelay on;
    server_names_hash_max_size 131072;
    server_names_hash_bucket_size 128;
    client_body_temp_path client-body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_tickets off;
    limit_req_zone $server_name$binary_remote_addr zone=client:10m rate=1000000r/s;
    limit_req_zone $server_name$binary_remote_addr zone=login:10m rate=10r/m;
    limit_req zone=client burst=1000000 nodelay;
    limit_req_status 429;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto https;
    proxy_set_header X-Forwarded-Host $http_host;
    proxy_hide_header X-Powered-By;
    proxy_cookie_flags ~ secure httponly samesite=lax;
    server {{
        listen 127.0.0.1:{port} ssl http2 default_server;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        return 404;
    }}
    include sites/*.conf;
}}
"#
        )
    }

    fn file(&self, tenant: usize, version: u32) -> String {
        let [certificate, key] = self.fleet.certificate(tenant).map(|path| path.display().to_string());
        let (name, application, port, max_age) = (name(tenant), self.fleet.application, self.port, max_age(version));
        format!(
            r#"# {name}: an old PHP application that nobody may change.
upstream {name} {{
    server 127.0.0.1:{application};
    keepalive 16;
}}
server {{
    listen 127.0.0.1:{port} ssl http2;
    server_name {name}.localhost;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    proxy_read_timeout 30s;
    add_header Strict-Transport-Security "max-age={max_age}" always;
    add_header X-Content-Type-Options nosniff always;
    add_header Content-Security-Policy "frame-ancestors 'self'" always;
    add_header Referrer-Policy same-origin always;
    location / {{ proxy_pass http://{name}; }}
    location = /login {{ limit_req zone=login burst=5 nodelay; proxy_pass http://{name}; }}
    location = /index.php {{ limit_req zone=login burst=5 nodelay; proxy_pass http://{name}; }}
    location = /api/login {{ limit_req zone=login burst=5 nodelay; proxy_pass http://{name}; }}
}}
"#
        )
    }
}

impl Server for Nginx<'_> {
    fn name(&self) -> &'static str {
        "nginx"
    }

    fn command(&self) -> Command {
        let mut command = Command::new(find_program("nginx").unwrap_or("nginx".into()));
        command
            .arg("-p")
            .arg(&self.folder)
            .arg("-c")
            .arg(self.folder.join("nginx.conf"));
        command
    }

    fn write(&self, tenants: Range<usize>, version: u32) -> io::Result<()> {
        for tenant in tenants {
            let file = self.folder.join("sites").join(format!("{}.conf", name(tenant)));
            fs::write(file, self.file(tenant, version))?;
        }
        Ok(())
    }

    fn reload_one(&self, _: usize) -> io::Result<Option<Command>> {
        Ok(None)
    }

    fn kept(&self) -> Option<usize> {
        None
    }

    fn done(&self, _: &str) -> Option<usize> {
        None
    }
}
