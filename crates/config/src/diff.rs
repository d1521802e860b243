//! What a new configuration does differently from an old one, tenant by tenant.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use rempart_guard::{Change, Effect};
use rempart_tenant::TenantId;
use serde::{Serialize, Serializer};

use crate::config::Config;
use crate::tenant::TenantConfig;

mod tenant;
mod vendor;

/// All that is different in behaviour between two configurations, or between what runs and what would.
///
/// Comments, order, and a default that is written out are no difference. `Display` is for people, a line for each change;
/// `Serialize` is for programs: `vendor`, `tenants` with their `kind`, and `unchanged`.
///
/// ```text
/// rempart.toml: changes: HTTPS is answered on [::]:443 from now on (at the next start)
/// daycare: tightens: quota `login`: falls from 10/m to 5/m for each client; its counts begin anew
/// museum: new: answers museum.example from the application at 10.0.0.7:80
/// city, library: nothing
/// ```
///
/// # What it cannot see
///
/// What stands in files that a configuration names, such as a certificate that was renewed in its place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Differences {
    /// In the vendor's own part.
    pub vendor: Vec<Change>,
    /// In the tenants that are not as they were, by name.
    pub tenants: Vec<TenantDifference>,
    /// The tenants for whom nothing changes, by name.
    #[serde(serialize_with = "names")]
    pub unchanged: Vec<TenantId>,
}

/// One tenant that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TenantDifference {
    /// Which.
    #[serde(serialize_with = "name")]
    pub tenant: TenantId,
    /// In which way.
    #[serde(flatten)]
    pub kind: DifferenceKind,
}

/// In which way a tenant is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum DifferenceKind {
    /// It is new.
    Added {
        /// The hosts under which it is reached.
        hosts: Vec<String>,
        /// Where its application is.
        upstream: String,
    },
    /// It is gone.
    Removed {
        /// The hosts that are no longer answered.
        hosts: Vec<String>,
    },
    /// It behaves differently.
    Changed {
        /// How; at least one.
        changes: Vec<Change>,
    },
    /// It cannot be told, because its file is wrong.
    Wrong {
        /// In the old configuration, the new one, or both.
        sides: Vec<Side>,
    },
}

/// One of two configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The one that is compared.
    Old,
    /// The one that it is compared with.
    New,
}

impl Differences {
    /// Compares two configurations that were read from files, perhaps of two directories: files that they name relative to
    /// their own are the same.
    #[must_use]
    pub fn between(old: &Config, new: &Config) -> Self {
        let vendor = vendor::changes((&old.vendor, &old.directory), (&new.vendor, &new.directory));
        let tenants = |config| Self::whole_and_wrong(config);
        Self::of(vendor, tenants(old), tenants(new))
    }

    /// Compares two sets of tenants, such as those that run with those of the files.
    pub fn of_tenants<'a>(
        old: impl IntoIterator<Item = &'a TenantConfig>,
        new: impl IntoIterator<Item = &'a TenantConfig>,
    ) -> Self {
        let by_name = |tenant: &'a TenantConfig| (&tenant.id, Some(tenant));
        Self::of(
            Vec::new(),
            old.into_iter().map(by_name).collect(),
            new.into_iter().map(by_name).collect(),
        )
    }

    /// Whether nothing changes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.vendor.is_empty() && self.tenants.is_empty()
    }

    /// What is said of one tenant only; `None` when neither side has it.
    #[must_use]
    pub fn of_tenant(mut self, tenant: &str) -> Option<Self> {
        self.vendor.clear();
        self.tenants.retain(|difference| difference.tenant.as_str() == tenant);
        self.unchanged.retain(|unchanged| unchanged.as_str() == tenant);
        (self.tenants.len() + self.unchanged.len() > 0).then_some(self)
    }

    /// The tenants of which it cannot be told what changes.
    pub fn wrong(&self) -> impl Iterator<Item = &TenantId> {
        let wrong = self
            .tenants
            .iter()
            .filter(|one| matches!(one.kind, DifferenceKind::Wrong { .. }));
        wrong.map(|one| &one.tenant)
    }

    /// Every tenant that has a file, and what it says if that is right.
    fn whole_and_wrong(config: &Config) -> Tenants<'_> {
        let named = config.files().iter().map(|file| (file.id(), None));
        let whole = config.tenants.iter().map(|tenant| (&tenant.id, Some(&**tenant)));
        named.chain(whole).collect()
    }

    fn of(vendor: Vec<Change>, old: Tenants<'_>, new: Tenants<'_>) -> Self {
        let mut differences = Self {
            vendor,
            ..Self::default()
        };
        let mut all: Vec<&TenantId> = old.keys().chain(new.keys()).copied().collect();
        all.sort();
        all.dedup();
        for tenant in all {
            match DifferenceKind::between(old.get(tenant).copied(), new.get(tenant).copied()) {
                None => differences.unchanged.push(tenant.clone()),
                Some(kind) => differences.tenants.push(TenantDifference {
                    tenant: tenant.clone(),
                    kind,
                }),
            }
        }
        differences
    }
}

/// Tenants by name; `None` for one whose file is wrong.
type Tenants<'a> = BTreeMap<&'a TenantId, Option<&'a TenantConfig>>;

impl DifferenceKind {
    fn between(old: Option<Option<&TenantConfig>>, new: Option<Option<&TenantConfig>>) -> Option<Self> {
        let hosts = |tenant: &TenantConfig| tenant.hosts.iter().map(ToString::to_string).collect();
        let is_wrong = |side: Option<Option<&TenantConfig>>| matches!(side, Some(None));
        match (old, new) {
            _ if is_wrong(old) || is_wrong(new) => {
                let sides = [(is_wrong(old), Side::Old), (is_wrong(new), Side::New)];
                let sides = sides.into_iter().filter(|(wrong, _)| *wrong).map(|(_, side)| side);
                Some(Self::Wrong { sides: sides.collect() })
            }
            (Some(Some(old)), Some(Some(new))) => {
                let changes = old.changes_to(new);
                (!changes.is_empty()).then_some(Self::Changed { changes })
            }
            (Some(Some(old)), _) => Some(Self::Removed { hosts: hosts(old) }),
            (_, Some(Some(new))) => Some(Self::Added {
                hosts: hosts(new),
                upstream: new.upstream.authority.to_string(),
            }),
            _ => None,
        }
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let vendor = self
            .vendor
            .iter()
            .map(|change| format!("{}: {change}", crate::files::VENDOR_FILE));
        let tenants = self.tenants.iter().map(ToString::to_string);
        let mut lines: Vec<String> = vendor.chain(tenants).collect();
        match self.unchanged.as_slice() {
            [] if lines.is_empty() => lines.push("nothing changes".to_owned()),
            [] => {}
            few if few.len() <= NAMED => {
                let names: Vec<_> = few.iter().map(TenantId::as_str).collect();
                lines.push(format!("{}: nothing", names.join(", ")));
            }
            many => lines.push(format!("{} tenants: nothing", many.len())),
        }
        f.write_str(&lines.join("\n"))
    }
}

impl fmt::Display for TenantDifference {
    /// A line for each change, without an end of line after the last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenant = &self.tenant;
        match &self.kind {
            DifferenceKind::Added { hosts, upstream } => {
                write!(
                    f,
                    "{tenant}: new: answers {} from the application at {upstream}",
                    hosts.join(", ")
                )
            }
            DifferenceKind::Removed { hosts } => {
                write!(f, "{tenant}: gone: no longer answers {}", hosts.join(", "))
            }
            DifferenceKind::Changed { changes } => {
                let lines: Vec<_> = changes.iter().map(|change| format!("{tenant}: {change}")).collect();
                f.write_str(&lines.join("\n"))
            }
            DifferenceKind::Wrong { sides } => {
                let sides = match sides.as_slice() {
                    [Side::Old] => "old file is",
                    [Side::New] => "new file is",
                    _ => "old and new files are",
                };
                write!(f, "{tenant}: not compared: its {sides} wrong")
            }
        }
    }
}

/// So many tenants are named when nothing changes for them; more are counted.
const NAMED: usize = 6;

/// A path as it is written, as far as that can be known: relative to the configuration's directory.
fn written<'a>(path: &'a Path, directory: &Path) -> &'a Path {
    path.strip_prefix(directory).unwrap_or(path)
}

/// What a list has that the other has not, each once, as changes.
fn beyond<T: PartialEq>(list: &[T], other: &[T], change: impl Fn(&T) -> Change) -> Vec<Change> {
    let is_new = |(index, one): &(usize, &T)| !other.contains(one) && !list[..*index].contains(one);
    let new = list.iter().enumerate().filter(is_new);
    new.map(|(_, one)| change(one)).collect()
}

/// A switch that was turned: what is so when it is on, and what is so when it is off.
fn turned(old: bool, new: bool, effect: Effect, on: &str, off: &str) -> Option<Change> {
    let back = match effect {
        Effect::Tightens => Effect::Loosens,
        Effect::Loosens => Effect::Tightens,
        Effect::Changes => Effect::Changes,
    };
    match (old, new) {
        (false, true) => Some(Change::new(effect, on)),
        (true, false) => Some(Change::new(back, off)),
        _ => None,
    }
}

fn name<S: Serializer>(tenant: &TenantId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(tenant)
}

fn names<S: Serializer>(tenants: &[TenantId], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(tenants.iter().map(TenantId::as_str))
}
