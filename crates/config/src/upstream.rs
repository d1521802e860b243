use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use http::uri::Authority;
use rempart_guard::Problem;
use rempart_tenant::Host;

use crate::reader::Reader;
use crate::settings::{MOST_CONNECTIONS, UpstreamSettings};

/// The application of a tenant, and how long it is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamPolicy {
    /// Where it is: a host and always a port. Plain HTTP/1.1.
    pub authority: Authority,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long it may take to begin its answer.
    pub response_timeout: Duration,
    /// How long a connection without a request is kept.
    pub idle_timeout: Duration,
    /// How many connections each worker has at most.
    pub max_connections: NonZeroUsize,
}

impl UpstreamPolicy {
    /// Reads the section, which must not lead back to the edge's own `listeners`.
    pub(crate) fn read<T>(
        settings: &UpstreamSettings,
        listeners: &[SocketAddr],
        reader: &mut Reader<'_, T>,
    ) -> Option<Self> {
        let authority = read_url(settings.url.as_deref(), listeners, reader);
        let mut wait = |text: &crate::Written, most, name| {
            let key = ["upstream", name];
            reader.take(text.within(Duration::from_millis(1), Duration::from_secs(most), key))
        };
        let connect_timeout = wait(&settings.connect_timeout, 300, "connect_timeout");
        let response_timeout = wait(&settings.response_timeout, 86_400, "response_timeout");
        let idle_timeout = wait(&settings.idle_timeout, 3_600, "idle_timeout");
        let connections = within(
            settings.max_connections,
            MOST_CONNECTIONS,
            ["upstream", "max_connections"],
        );
        let max_connections = reader.take(connections);
        Some(Self {
            authority: authority?,
            connect_timeout: connect_timeout?,
            response_timeout: response_timeout?,
            idle_timeout: idle_timeout?,
            max_connections: max_connections?,
        })
    }
}

/// A number from 1 to `most`.
pub(crate) fn within<const N: usize>(number: u32, most: u32, key: [&str; N]) -> Result<NonZeroUsize, Problem> {
    let number = Some(number).filter(|number| (1..=most).contains(number));
    let number = number.and_then(|number| NonZeroUsize::new(number as usize));
    number.ok_or_else(|| {
        Problem::new(
            key,
            "out_of_range",
            format!("a number from 1 to {most} is expected here"),
        )
    })
}

const URL: [&str; 2] = ["upstream", "url"];

fn read_url<T>(url: Option<&str>, listeners: &[SocketAddr], reader: &mut Reader<'_, T>) -> Option<Authority> {
    const HELP: &str = "write the application's address, such as \"http://127.0.0.1:9101\"";
    let Some(url) = url else {
        let message = "the tenant's file does not say where its application is";
        reader.missing(Problem::new(URL, "missing_key", message).help(HELP));
        return None;
    };
    match authority(url) {
        Ok(authority) if leads_back(&authority, listeners) => {
            let message = format!("{authority} is the edge itself: a request would come back for ever");
            reader.problem(Problem::new(URL, "upstream_loop", message).help(HELP));
            None
        }
        Ok(authority) => Some(authority),
        Err((code @ "upstream_userinfo", message)) => {
            let help = "the edge sends no credentials of its own; take them out and change the password";
            reader.secret_problem(Problem::new(URL, code, message).help(help));
            None
        }
        Err((code, message)) => {
            reader.problem(Problem::new(URL, code, message).help(HELP));
            None
        }
    }
}

/// The host and port of a URL that has nothing else.
fn authority(url: &str) -> Result<Authority, (&'static str, String)> {
    if url.contains('@') {
        return Err((
            "upstream_userinfo",
            "there is a user or a password in this address".into(),
        ));
    }
    let (scheme, rest) = url
        .split_once("://")
        .ok_or_else(|| ("upstream_scheme", "the address has no http://".into()))?;
    match scheme.to_ascii_lowercase().as_str() {
        "http" => {}
        "https" => {
            return Err((
                "upstream_scheme",
                "upstreams over https:// are not supported yet".into(),
            ));
        }
        _ => return Err(("upstream_scheme", format!("{scheme:?} is not http"))),
    }
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains(['/', '?', '#']) {
        let message = "an upstream is a host and a port; the path of a request is forwarded as it is";
        return Err(("upstream_path", message.into()));
    }
    let wrong = |reason: &dyn std::fmt::Display| ("upstream_host", format!("{rest:?}: {reason}"));
    let host = Host::of_authority(rest).map_err(|error| wrong(&error))?;
    let port = match rest.rsplit_once(':') {
        Some((_, port)) if !port.ends_with(']') => port,
        _ => "80",
    };
    if port.bytes().all(|digit| digit == b'0') {
        return Err(wrong(&"nothing listens on port 0"));
    }
    format!("{host}:{port}").parse().map_err(|error| wrong(&error))
}

fn leads_back(upstream: &Authority, listeners: &[SocketAddr]) -> bool {
    let upstream: Option<SocketAddr> = upstream.as_str().parse().ok();
    upstream.is_some_and(|upstream| {
        listeners
            .iter()
            .any(|listener| crate::vendor::overlap(*listener, upstream))
    })
}
