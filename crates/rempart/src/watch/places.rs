use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use rempart_config::{Scope, TENANTS_DIRECTORY, VENDOR_FILE};
use rempart_proxy::Control;
use rempart_tenant::TenantId;

/// Which path is whose.
#[derive(Debug)]
pub(super) struct Places {
    directory: PathBuf,
    tenants: PathBuf,
    /// Certificates and keys by directory and name, each with the tenants that are served with it.
    certificates: BTreeMap<PathBuf, Files>,
}

type Files = BTreeMap<OsString, BTreeSet<TenantId>>;

impl Places {
    /// As they are in use now.
    pub(super) fn of(control: &Control) -> Self {
        let files = control.certificates().into_iter();
        let files = files.flat_map(|(tenant, files)| files.map(|file| (tenant.clone(), file)));
        Self::new(&control.directory(), files)
    }

    fn new(directory: &Path, files: impl IntoIterator<Item = (TenantId, PathBuf)>) -> Self {
        let mut certificates: BTreeMap<PathBuf, Files> = BTreeMap::new();
        let mut known: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
        for (tenant, file) in files {
            let (Some(parent), Some(name)) = (file.parent(), file.file_name()) else {
                continue;
            };
            let directory = known.entry(parent.to_owned()).or_insert_with(|| real(parent));
            let files = certificates.entry(directory.clone()).or_default();
            files.entry(name.to_owned()).or_default().insert(tenant);
        }
        Self {
            directory: real(directory),
            tenants: real(&directory.join(TENANTS_DIRECTORY)),
            certificates,
        }
    }

    /// The directories to watch.
    pub(super) fn directories(&self) -> BTreeSet<PathBuf> {
        let all = [&self.directory, &self.tenants]
            .into_iter()
            .chain(self.certificates.keys());
        all.cloned().collect()
    }

    /// What has to be read again when something happened to a path; `None` when it has nothing to do with us.
    pub(super) fn scope_of(&self, path: &Path) -> Option<Scope> {
        let of_configuration = self.of_configuration(path).into_iter();
        of_configuration.chain(self.of_certificates(path)).reduce(join)
    }

    fn of_certificates(&self, path: &Path) -> Option<Scope> {
        let all = |files: &Files| files.values().flatten().cloned().collect();
        if let Some(files) = self.certificates.get(path) {
            return Some(Scope::Tenants(all(files)));
        }
        let (files, name) = (self.certificates.get(path.parent()?)?, path.file_name()?);
        if name == SWAPPED {
            return Some(Scope::Tenants(all(files)));
        }
        files.get(name).cloned().map(Scope::Tenants)
    }

    fn of_configuration(&self, path: &Path) -> Option<Scope> {
        let (parent, name) = (path.parent()?, path.file_name()?);
        if path == self.directory || path == self.tenants {
            return Some(Scope::All);
        }
        if parent == self.directory {
            return (name == VENDOR_FILE || name == TENANTS_DIRECTORY || name == SWAPPED).then_some(Scope::All);
        }
        if parent != self.tenants {
            return None;
        }
        if name == SWAPPED {
            return Some(Scope::All);
        }
        let stem = path.file_stem()?.to_str();
        let is_tenants = path.extension() == Some(OsStr::new("toml")) && !name.as_encoded_bytes().starts_with(b".");
        // A file that has no tenant's name is named in the log, once somebody looks at all of them.
        is_tenants.then(|| match stem.and_then(|stem| stem.parse().ok()) {
            Some(tenant) => Scope::Tenants([tenant].into()),
            None => Scope::All,
        })
    }
}

/// The symbolic link that leads to all files of a mounted ConfigMap or Secret of Kubernetes, which change at once.
const SWAPPED: &str = "..data";

/// What has to be read for both.
pub(super) fn join(one: Scope, other: Scope) -> Scope {
    match (one, other) {
        (Scope::Tenants(mut one), Scope::Tenants(other)) => {
            one.extend(other);
            Scope::Tenants(one)
        }
        _ => Scope::All,
    }
}

/// A directory without links on the way: the system knows one that is reached in two ways as one.
fn real(directory: &Path) -> PathBuf {
    let or_absolute = |_| std::path::absolute(directory);
    fs::canonicalize(directory)
        .or_else(or_absolute)
        .unwrap_or_else(|_| directory.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenants(names: &[&str]) -> Option<Scope> {
        Some(Scope::Tenants(names.iter().map(|name| name.parse().unwrap()).collect()))
    }

    fn places() -> Places {
        let file = |tenant: &str, file: &str| (tenant.parse().unwrap(), PathBuf::from(file));
        let files = [
            file("library", "/nonexistent/tls/library.pem"),
            file("library", "/nonexistent/tls/library.key"),
            file("city", "/nonexistent/tls/both.pem"),
            file("daycare", "/nonexistent/tls/both.pem"),
        ];
        Places::new(Path::new("/nonexistent/etc"), files)
    }

    #[test]
    fn what_is_changed_is_what_is_read() {
        let scope_of = |path: &str| places().scope_of(&Path::new("/nonexistent").join(path));
        for (path, scope) in [
            ("etc/tenants.d/library.toml", tenants(&["library"])),
            ("etc/tenants.d/new.toml", tenants(&["new"])),
            ("etc/tenants.d/No Tenant.toml", Some(Scope::All)),
            ("etc/rempart.toml", Some(Scope::All)),
            ("etc/tenants.d", Some(Scope::All)),
            ("etc/..data", Some(Scope::All)),
            ("etc/tenants.d/..data", Some(Scope::All)),
            ("tls/library.key", tenants(&["library"])),
            ("tls/both.pem", tenants(&["city", "daycare"])),
            ("tls", tenants(&["city", "daycare", "library"])),
            ("tls/..data", tenants(&["city", "daycare", "library"])),
        ] {
            assert_eq!(scope_of(path), scope, "{path}");
        }
    }

    #[test]
    fn what_editors_leave_and_the_edge_writes_is_nothing() {
        for path in [
            "etc/tenants.d/.library.toml.swp",
            "etc/tenants.d/.library.toml",
            "etc/tenants.d/library.toml~",
            "etc/tenants.d/library.toml.new",
            "etc/tenants.d/#library.toml#",
            "etc/tenants.d/4913",
            "etc/tenants.d/tenant.schema.json",
            "etc/rempart.toml.bak",
            "etc/state",
            "etc/state/last-good/library.json",
            "etc/state/control.sock",
            "tls/other.pem",
            "tls/.library.pem.tmp",
            "elsewhere",
        ] {
            assert_eq!(places().scope_of(&Path::new("/nonexistent").join(path)), None, "{path}");
        }
    }

    #[test]
    fn directories_are_watched_and_each_once() {
        let paths = ["/nonexistent/etc", "/nonexistent/etc/tenants.d", "/nonexistent/tls"];
        assert_eq!(places().directories(), paths.map(PathBuf::from).into());
    }

    #[test]
    fn a_directory_that_is_reached_in_two_ways_is_one() {
        let here = tempfile::tempdir().unwrap();
        let (tls, link) = (here.path().join("tls"), here.path().join("link"));
        fs::create_dir(&tls).unwrap();
        std::os::unix::fs::symlink(&tls, &link).unwrap();
        let files = [("city", &tls), ("library", &link)];
        let files = files.map(|(tenant, place)| (tenant.parse().unwrap(), place.join("x.pem")));
        let places = Places::new(here.path(), files);
        assert_eq!(
            places.scope_of(&real(&tls).join("x.pem")),
            tenants(&["city", "library"])
        );
    }
}
