//! Every tenant's certificate, checked before anything is listened on.

use std::path::{Path, PathBuf};

use rempart_config::{Config, Diagnostics, TenantConfig, TlsSource};
use rempart_guard::Problem;
use rempart_tenant::{Tenant, Tenants};
use rempart_tls::{Certificate, DevelopmentCa, DevelopmentCaError, Sites, StrictTls, is_reserved, now};

/// The sites by name, and where the development CA is if a tenant uses one.
pub(crate) struct Certificates {
    pub(crate) sites: Sites<Tenant>,
    pub(crate) development_ca: Option<PathBuf>,
}

/// Loads or issues every tenant's certificate.
pub(crate) fn load(config: &Config, tenants: &Tenants) -> Result<Certificates, Diagnostics> {
    let mut sites = Sites::builder();
    let (mut ca, mut wrong) = (None, Vec::new());
    for (settings, tenant) in config.tenants.iter().zip(tenants.all()) {
        let hosts = hosts(settings);
        let certificate = match &settings.tls {
            TlsSource::Files { certificate, key } => from_files(settings, certificate, key),
            TlsSource::Development => issue(config, settings, &mut ca),
        };
        match certificate {
            Ok(certificate) => sites = sites.site(hosts, StrictTls::new(certificate).config(), tenant.clone()),
            Err(problem) => wrong.push(config.diagnose(&settings.id, problem)),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong.into_iter().collect());
    }
    let development_ca = ca.map(|ca: DevelopmentCa| ca.certificate().to_path_buf());
    Ok(Certificates {
        sites: sites.build(),
        development_ca,
    })
}

/// Checks what [`Edge::bind`](crate::Edge::bind) would find wrong with certificates, without making or binding anything.
///
/// # Errors
///
/// Everything that is wrong, with file, line and column of the key that names the certificate.
pub fn check(config: &Config) -> Result<(), Diagnostics> {
    let wrong = |tenant: &TenantConfig| Some(config.diagnose(&tenant.id, check_tenant(tenant).err()?));
    let wrong: Vec<_> = config.tenants.iter().filter_map(wrong).collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.into_iter().collect())
    }
}

fn check_tenant(tenant: &TenantConfig) -> Result<(), Problem> {
    match &tenant.tls {
        TlsSource::Files { certificate, key } => from_files(tenant, certificate, key).map(drop),
        TlsSource::Development => match hosts(tenant).into_iter().find(|host| !is_reserved(host)) {
            Some(host) => Err(development(&DevelopmentCaError::Public { host })),
            None => Ok(()),
        },
    }
}

fn from_files(tenant: &TenantConfig, certificate: &Path, key: &Path) -> Result<Certificate, Problem> {
    let checked = Certificate::from_files(certificate, key, &hosts(tenant), now());
    checked.map_err(|error| Problem::new(["tls", error.key()], error.code(), error.to_string()))
}

/// Issues a tenant's certificate from the CA, which is opened or made with the first one.
fn issue(config: &Config, tenant: &TenantConfig, ca: &mut Option<DevelopmentCa>) -> Result<Certificate, Problem> {
    let issued = (|| {
        let ca = match ca {
            Some(ca) => ca,
            None => ca.insert(DevelopmentCa::open_or_create(&config.state.join(DEVELOPMENT_CA), now())?.0),
        };
        ca.issue(&hosts(tenant), now())
    })();
    issued.map_err(|error| development(&error))
}

fn development(error: &DevelopmentCaError) -> Problem {
    Problem::new(["hosts"], error.code(), error.to_string())
}

fn hosts(tenant: &TenantConfig) -> Vec<String> {
    tenant.hosts.iter().map(ToString::to_string).collect()
}

/// The development CA's directory, in the state directory.
const DEVELOPMENT_CA: &str = "development-ca";
