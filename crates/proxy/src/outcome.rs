use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rempart_config::{Diagnostics, TenantState};
use rempart_redis::StoreStats;
use rempart_shares::TenantUsage;
use rempart_tenant::TenantId;
use rempart_waiting_room::Occupancy;
use serde::{Serialize, Serializer};

use crate::served::Served;

/// What a reload did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Reloaded {
    /// Tenants that are served from now on.
    pub added: Vec<TenantId>,
    /// Tenants that are served otherwise from now on.
    pub changed: Vec<TenantId>,
    /// Tenants that are not served any more.
    pub removed: Vec<TenantId>,
    /// How many are served exactly as before.
    pub unchanged: usize,
    /// How many have a file.
    pub tenants: usize,
    /// Keys of the vendor's file that were changed and take effect at the next start.
    pub at_next_start: Vec<&'static str>,
    /// What is wrong with any file, and keeps its tenant as it was.
    pub wrong: Diagnostics,
    /// How long it took from the reading of the files until the last worker had its new table.
    #[serde(serialize_with = "seconds")]
    pub took: Duration,
}

impl Reloaded {
    /// Notes one tenant.
    pub(crate) fn note(&mut self, id: &TenantId, was: Option<&Arc<Served>>, is: Option<&Arc<Served>>) {
        match (was, is) {
            (None, None) => {}
            (None, Some(_)) => self.added.push(id.clone()),
            (Some(_), None) => self.removed.push(id.clone()),
            (Some(was), Some(is)) if Arc::ptr_eq(was, is) => self.unchanged += 1,
            (Some(_), Some(_)) => self.changed.push(id.clone()),
        }
    }
}

impl fmt::Display for Reloaded {
    /// `changed: library; added: museum; 198 unchanged`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = [
            ("changed", &self.changed),
            ("added", &self.added),
            ("removed", &self.removed),
        ];
        for (word, tenants) in lists.into_iter().filter(|(_, tenants)| !tenants.is_empty()) {
            write!(f, "{word}: {}; ", Names(tenants))?;
        }
        write!(f, "{} unchanged", self.unchanged)
    }
}

/// Names for a line that a person reads.
struct Names<'a>(&'a [TenantId]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().take(MOST_NAMES).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{name}")?;
        }
        match self.0.len().checked_sub(MOST_NAMES) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, " and {more} more"),
        }
    }
}

/// More names than this do not fit into a line.
const MOST_NAMES: usize = 10;

/// How one tenant stands.
#[derive(Clone, Debug, Serialize)]
pub struct TenantStatus {
    /// Its name.
    pub tenant: TenantId,
    /// Whether it is served as its file says.
    pub state: TenantState,
    /// Since when something is wrong with its file, in seconds since 1970.
    #[serde(serialize_with = "since")]
    pub since: Option<SystemTime>,
    /// The hosts that it is served under.
    pub hosts: Vec<String>,
    /// Where its application is.
    pub upstream: Option<String>,
    /// The last second at which its certificate is valid, since 1970.
    pub certificate_ends: Option<u64>,
    /// What is wrong with its file.
    pub wrong: Diagnostics,
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

fn since<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    let since = time.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.map(|since| since.as_secs()).serialize(serializer)
}

/// What limits have to bear at one moment.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Load {
    /// How each tenant stands with its share of the edge, by name.
    pub shares: Vec<TenantUsage>,
    /// The counts of quotas and of the login guards that have counted something.
    pub tables: Vec<CountTable>,
    /// Who is in waiting rooms.
    pub rooms: Vec<(TenantId, Occupancy)>,
    /// How the store does that several edges share.
    pub store: Option<StoreStats>,
}

/// The counts of one quota of one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountTable {
    /// Whose.
    pub tenant: TenantId,
    /// The control: `rate_limit` or `login`.
    pub feature: &'static str,
    /// The name of the quota, or of the login guard's limit.
    pub limit: String,
    /// The bytes of memory that it has taken.
    pub bytes: usize,
    /// How many requests were counted together with others for want of room.
    pub overflowed: u64,
}
