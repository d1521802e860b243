//! The files of two hundred tenants, and how they are made good again.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use time::OffsetDateTime;

use super::load::applications;

/// Every tenant's file, as it should be.
pub(super) struct Town {
    pub(super) directory: PathBuf,
    applications: Vec<SocketAddr>,
    versions: Vec<u64>,
    ca: Issuer<'static, KeyPair>,
    pub(super) root: String,
}

impl Town {
    /// So many tenants, all with the first version of their files.
    pub(super) fn new(tenants: usize) -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters
            .distinguished_name
            .push(DnType::CommonName, "those who certify tenants");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = parameters.self_signed(&key).unwrap().pem();
        Self {
            directory: PathBuf::new(),
            applications: applications((0..tenants).map(name)),
            versions: vec![FIRST; tenants],
            ca: Issuer::new(parameters, key),
            root,
        }
    }

    /// The tenants, each with its version.
    pub(super) fn tenants(&self) -> impl Iterator<Item = (String, u64)> {
        self.versions
            .iter()
            .enumerate()
            .map(|(tenant, version)| (name(tenant), *version))
    }

    pub(super) fn application(&self, tenant: usize) -> SocketAddr {
        self.applications[tenant]
    }

    pub(super) fn version(&self, tenant: usize) -> u64 {
        self.versions[tenant]
    }

    /// The next version is the right one from now on; nothing is written.
    pub(super) fn raise(&mut self, tenant: usize) -> u64 {
        self.versions[tenant] += 1;
        self.versions[tenant]
    }

    /// A tenant's file as it should be.
    pub(super) fn text(&self, tenant: usize) -> String {
        self.text_for(tenant, &[name(tenant)])
    }

    /// A tenant's file with other hosts.
    pub(super) fn text_for(&self, tenant: usize, hosts: &[String]) -> String {
        let hosts: Vec<String> = hosts.iter().map(|host| format!("\"{host}.localhost\"")).collect();
        let head = format!("hosts = [{}]\n\n[upstream]\n", hosts.join(", "));
        head + &format!("url = \"http://{}\"\n", self.applications[tenant]) + &self.more(tenant)
    }

    /// What follows after the tenant's application.
    pub(super) fn more(&self, tenant: usize) -> String {
        let name = name(tenant);
        let version = format!("\n[headers.hsts]\nmax_age = \"{}s\"\n", self.versions[tenant]);
        match tenant < CERTIFIED {
            true => version + &format!("\n[tls]\ncertificate = \"{name}.pem\"\nkey_file = \"{name}.key\"\n"),
            false => version,
        }
    }

    /// Writes a tenant's file, whatever stands in its place.
    pub(super) fn write(&self, tenant: usize) {
        let path = self.path(tenant);
        let beside = path.with_extension("beside");
        fs::write(&beside, self.text(tenant)).unwrap();
        if path.is_dir() {
            fs::remove_dir_all(&path).unwrap();
        }
        fs::rename(beside, path).unwrap();
    }

    /// Makes a tenant a certificate for these hosts, which begins and ends so many days from now.
    pub(super) fn certify(&self, tenant: usize, hosts: &[&str], days: (i64, i64)) {
        let now = OffsetDateTime::now_utc();
        let mut parameters = CertificateParams::new(hosts.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        parameters.not_before = now + time::Duration::days(days.0);
        parameters.not_after = now + time::Duration::days(days.1);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.ca).unwrap();
        let (pem, key_file) = self.certificate(tenant);
        for path in [&pem, &key_file] {
            if path.is_dir() {
                fs::remove_dir_all(path).unwrap();
            }
        }
        fs::write(pem, certificate.pem()).unwrap();
        fs::write(key_file, key.serialize_pem()).unwrap();
    }

    /// Makes a tenant a certificate as it should be.
    pub(super) fn certify_well(&self, tenant: usize) {
        self.certify(tenant, &[&format!("{}.localhost", name(tenant))], (-1, 90));
    }

    pub(super) fn path(&self, tenant: usize) -> PathBuf {
        self.file(&name(tenant))
    }

    /// The file of any tenant.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.directory.join(format!("tenants.d/{name}.toml"))
    }

    /// A tenant's certificate and key.
    pub(super) fn certificate(&self, tenant: usize) -> (PathBuf, PathBuf) {
        let at = |end: &str| self.directory.join(format!("{}.{end}", name(tenant)));
        (at("pem"), at("key"))
    }

    pub(super) fn vendors_file(&self) -> PathBuf {
        self.directory.join("rempart.toml")
    }
}

/// A tenant's name.
pub(super) fn name(tenant: usize) -> String {
    format!("t-{tenant:03}")
}

/// So many tenants have certificates in files, the first ones; the others have the development CA's.
pub(super) const CERTIFIED: usize = 20;

/// The first version of every file.
const FIRST: u64 = 1_000;
