use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use redis::{ConnectionAddr, parse_redis_url};

/// Where a server listens, and which of its databases is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) socket: Socket,
    pub(crate) database: u32,
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Socket {
    Host {
        host: String,
        /// When it is written.
        port: Option<u16>,
        is_tls: bool,
    },
    Path(PathBuf),
}

/// Why a text is no address. It is not repeated: there may be a secret in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddressError {
    #[error("a password stands in the URL, where everybody reads it who reads the configuration")]
    Password,
    #[error("this is not a URL of Redis")]
    NoUrl,
    #[error("there is no host that can be connected to")]
    NoHost,
    #[error("after the host only the number of a database can follow")]
    Rest,
    #[error("a user stands in the URL")]
    User,
}

impl AddressError {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Password => "redis_password_inline",
            _ => "redis_url_invalid",
        }
    }

    pub(crate) const fn help(self) -> &'static str {
        match self {
            Self::Password => {
                "write it into a file that only the edge's account may read, and name that: \
                 `password_file = \"/etc/rempart/redis.password\"`"
            }
            Self::User => "write `user = \"…\"` and `password_file = \"…\"` beside it",
            _ => "write \"redis://host:6379\", \"rediss://host:6380/1\" with TLS, or \"unix:///run/redis/redis.sock\"",
        }
    }
}

impl Address {
    pub(crate) const fn is_tls(&self) -> bool {
        matches!(self.socket, Socket::Host { is_tls: true, .. })
    }

    /// Whether there is a host, and nothing that only one server of its own can have.
    pub(crate) const fn is_plain_host(&self) -> bool {
        matches!(self.socket, Socket::Host { .. }) && self.database == 0
    }

    /// Whether what is sent leaves this machine for all to read.
    pub(crate) fn is_in_the_clear(&self) -> bool {
        match &self.socket {
            Socket::Path(_) | Socket::Host { is_tls: true, .. } => false,
            Socket::Host { host, .. } => {
                host != "localhost" && !host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            }
        }
    }

    pub(crate) fn connection(&self, port_if_none: u16) -> ConnectionAddr {
        match &self.socket {
            Socket::Path(path) => ConnectionAddr::Unix(path.clone()),
            Socket::Host { host, port, is_tls } => at(host.clone(), port.unwrap_or(port_if_none), *is_tls),
        }
    }

    pub(crate) fn write(&self, f: &mut fmt::Formatter<'_>, port_if_none: u16) -> fmt::Result {
        match &self.socket {
            Socket::Path(path) => write!(f, "unix://{}", path.display()),
            Socket::Host { host, port, is_tls } => {
                let scheme = if *is_tls { "rediss" } else { "redis" };
                let port = port.unwrap_or(port_if_none);
                match host.contains(':') {
                    true => write!(f, "{scheme}://[{host}]:{port}"),
                    false => write!(f, "{scheme}://{host}:{port}"),
                }
            }
        }?;
        match (&self.socket, self.database) {
            (_, 0) => Ok(()),
            (Socket::Path(_), database) => write!(f, "?db={database}"),
            (Socket::Host { .. }, database) => write!(f, "/{database}"),
        }
    }
}

/// A host, spoken to with TLS or not.
pub(crate) fn at(host: String, port: u16, is_tls: bool) -> ConnectionAddr {
    match is_tls {
        false => ConnectionAddr::Tcp(host, port),
        true => ConnectionAddr::TcpTls {
            host,
            port,
            insecure: false,
            tls_params: None,
        },
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let url = parse_redis_url(text).ok_or(AddressError::NoUrl)?;
        let query: Vec<_> = url.query_pairs().collect();
        if url.password().is_some() || query.iter().any(|(name, _)| name.starts_with("pass")) {
            return Err(AddressError::Password);
        }
        if !url.username().is_empty() {
            return Err(AddressError::User);
        }
        let path = url.path().trim_matches('/');
        let is_tls = matches!(url.scheme(), "rediss" | "valkeys");
        let has_host = url.host_str().is_some_and(|host| !host.is_empty());
        match (url.scheme(), query.as_slice()) {
            _ if url.fragment().is_some() => Err(AddressError::Rest),
            ("unix", _) if has_host || path.is_empty() => Err(AddressError::NoHost),
            ("unix", []) => Self::on_path(url.to_file_path(), 0),
            ("unix", [(name, number)]) if name == "db" => Self::on_path(url.to_file_path(), database(number)?),
            ("redis" | "rediss" | "valkey" | "valkeys", []) => {
                let number = if path.is_empty() { 0 } else { database(path)? };
                Self::on_host(url.host_str().unwrap_or_default(), url.port(), is_tls, number)
            }
            _ => Err(AddressError::Rest),
        }
    }
}

impl Address {
    fn on_path(path: Result<PathBuf, ()>, database: u32) -> Result<Self, AddressError> {
        let path = path.map_err(|()| AddressError::NoHost)?;
        Ok(Self {
            socket: Socket::Path(path),
            database,
        })
    }

    fn on_host(host: &str, port: Option<u16>, is_tls: bool, database: u32) -> Result<Self, AddressError> {
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_nobody = host.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified());
        if host.is_empty() || is_nobody || port == Some(0) {
            return Err(AddressError::NoHost);
        }
        Ok(Self {
            socket: Socket::Host { host, port, is_tls },
            database,
        })
    }
}

fn database(number: &str) -> Result<u32, AddressError> {
    let digits = !number.is_empty() && number.len() < 6 && number.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| number.parse().ok()).flatten();
    number.ok_or(AddressError::Rest)
}
