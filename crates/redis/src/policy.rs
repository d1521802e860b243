use std::fmt;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::address::Address;

/// The store that several nodes share, as it is used: made of [`RedisSettings`](crate::RedisSettings).
///
/// `Display` says where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisPolicy {
    pub(crate) place: Place,
    pub(crate) user: Option<String>,
    pub(crate) password_file: Option<PathBuf>,
    pub(crate) sentinel_user: Option<String>,
    pub(crate) sentinel_password_file: Option<PathBuf>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) nodes: NonZeroU32,
    pub(crate) timeout: Duration,
    pub(crate) prefix: Arc<str>,
}

/// Where the store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    One(Address),
    Sentinel { sentinels: Vec<Address>, master: String },
    Cluster(Vec<Address>),
}

impl RedisPolicy {
    /// The same with its files looked for from `directory`, when their paths do not begin with a slash.
    #[must_use]
    pub fn relative_to(mut self, directory: &Path) -> Self {
        let files = [
            &mut self.password_file,
            &mut self.sentinel_password_file,
            &mut self.ca_file,
        ];
        for file in files.into_iter().flatten() {
            *file = directory.join(&*file);
        }
        self
    }

    /// How many nodes share it.
    #[must_use]
    pub const fn nodes(&self) -> NonZeroU32 {
        self.nodes
    }

    /// How long a request waits for it.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Whether a password and keyed hashes go over a network that others may read: another machine, and no TLS.
    #[must_use]
    pub fn is_in_the_clear(&self) -> bool {
        self.place.addresses().iter().any(Address::is_in_the_clear)
    }
}

impl Place {
    pub(crate) fn is_tls(&self) -> bool {
        self.addresses().iter().any(Address::is_tls)
    }

    pub(crate) const fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    fn addresses(&self) -> &[Address] {
        match self {
            Self::One(address) => std::slice::from_ref(address),
            Self::Sentinel { sentinels, .. } => sentinels,
            Self::Cluster(addresses) => addresses,
        }
    }

    /// The port where no other is written.
    pub(crate) const fn port(&self) -> u16 {
        match self {
            Self::One(_) | Self::Cluster(_) => 6_379,
            Self::Sentinel { .. } => 26_379,
        }
    }
}

impl fmt::Display for RedisPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, address) in self.place.addresses().iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            address.write(f, self.place.port())?;
        }
        match &self.place {
            Place::One(_) => Ok(()),
            Place::Sentinel { master, .. } => write!(f, " (Sentinel, master {master:?})"),
            Place::Cluster(_) => f.write_str(" (cluster)"),
        }
    }
}
