use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rempart_guard::{Problem, TrustedProxies};
use rempart_tenant::{HostPattern, TenantId, Tenants, TenantsError};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::{Document, Part};
use crate::environment;
use crate::extract::Extract;
use crate::files::{Files, TENANTS_DIRECTORY, TenantFile};
use crate::layers::{Layer, Layers};
use crate::neighbours;
use crate::settings::DefaultSettings;
use crate::tenant::{Context, TenantConfig};
use crate::vendor::{Listen, Vendor};

/// A whole configuration without a problem.
#[derive(Debug)]
pub struct Config {
    /// Where the edge listens.
    pub listen: Listen,
    /// Whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: TrustedProxies,
    /// The state directory. It may not exist yet.
    pub state: PathBuf,
    /// Whether tenants without a certificate get one from the development CA.
    pub development_certificates: bool,
    /// How long requests may take to finish once the edge is asked to stop.
    pub drain: Duration,
    /// The tenants, by name.
    pub tenants: Vec<TenantConfig>,
    /// The directory that was read.
    pub directory: PathBuf,
    hosts: Tenants,
    vendor_layers: Layers,
    tenant_layers: HashMap<TenantId, Layers>,
}

/// Reads the configuration in `directory`, with `environment` (such as [`std::env::vars`]) over it.
///
/// # Errors
///
/// Everything that is wrong, in every file.
pub fn load(directory: &Path, environment: impl IntoIterator<Item = (String, String)>) -> Result<Config, Diagnostics> {
    let mut diagnostics = Vec::new();
    let environment = Arc::new(environment::read(environment, &mut diagnostics));
    let files = Files::read(directory, &mut diagnostics);
    let known: Vec<&str> = files.tenants.iter().map(|file| file.id.as_str()).collect();
    environment::strangers(&environment, &known, &mut diagnostics);

    let vendor_layers = files.vendor.as_ref().map(|file| vendor_layers(file, &environment));
    let vendor = vendor_layers.as_ref().map(|layers| {
        let (vendor, mut wrong) = Vendor::read(directory, layers);
        diagnostics.append(&mut wrong);
        vendor
    });
    check_defaults(files.vendor.as_ref(), &environment, &mut diagnostics);
    let context = Context {
        directory,
        vendor: vendor.as_ref(),
    };
    let tenants = read_tenants(&files, &environment, &context, &mut diagnostics);
    check_claims(&tenants, &mut diagnostics);
    finish(directory, vendor.zip(vendor_layers), tenants, diagnostics)
}

fn read_tenants(
    files: &Files,
    environment: &Arc<Document>,
    context: &Context<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<ReadTenant> {
    let mut tenants = Vec::with_capacity(files.tenants.len());
    for TenantFile { id, document } in &files.tenants {
        let Some(document) = document else { continue };
        let layers = tenant_layers(id, document, files.vendor.as_ref(), environment);
        let file = context.directory.join(document.name());
        let (tenant, hosts, mut wrong) = TenantConfig::read(id, file, &layers, context);
        diagnostics.append(&mut wrong);
        tenants.push(ReadTenant {
            id: id.clone(),
            tenant,
            hosts,
            layers,
        });
    }
    tenants
}

/// A tenant as far as it could be read.
struct ReadTenant {
    id: TenantId,
    tenant: Option<TenantConfig>,
    hosts: Vec<(String, HostPattern)>,
    layers: Layers,
}

fn vendor_layers(file: &Arc<Document>, environment: &Arc<Document>) -> Layers {
    Layers::new(vec![Layer::whole(file), Layer::without(environment, "tenants")], 0)
}

/// Weakest first: the vendor's defaults, the tenant's own file, the environment.
fn tenant_layers(
    id: &TenantId,
    file: &Arc<Document>,
    vendor: Option<&Arc<Document>>,
    environment: &Arc<Document>,
) -> Layers {
    let mut layers = defaults(vendor, environment);
    layers.push(Layer::whole(file));
    layers.push(Layer::table(environment, ["tenants", id.as_str()]));
    let own = layers.len() - 2;
    Layers::new(layers, own)
}

fn defaults(vendor: Option<&Arc<Document>>, environment: &Arc<Document>) -> Vec<Layer> {
    let documents = vendor.into_iter().chain([environment]);
    documents.map(|document| Layer::table(document, ["defaults"])).collect()
}

/// Checks `[defaults]` for keys that no tenant could have. What their values say is checked with each tenant, where they
/// meet the tenant's own; so is what they lack, because the tenant's file may have it.
fn check_defaults(vendor: Option<&Arc<Document>>, environment: &Arc<Document>, diagnostics: &mut Vec<Diagnostic>) {
    let layers = Layers::new(defaults(vendor, environment), 0);
    let mut wrong = Vec::new();
    let hints = [("hosts", "a host is one tenant's; it stands in the tenant's own file")];
    Extract::<DefaultSettings>::read(&layers, &hints, &mut wrong);
    diagnostics.extend(wrong.into_iter().filter(|one| one.code != "missing_key"));
}

/// Names, on both sides, every host that two tenants claim.
fn check_claims(tenants: &[ReadTenant], diagnostics: &mut Vec<Diagnostic>) {
    let mut claims: HashMap<&HostPattern, Vec<(&ReadTenant, &String)>> = HashMap::new();
    for tenant in tenants {
        for (index, host) in &tenant.hosts {
            let claims = claims.entry(host).or_default();
            // Twice in one file is once.
            if claims.last().is_none_or(|(other, _)| other.id != tenant.id) {
                claims.push((tenant, index));
            }
        }
    }
    let disputed = claims.iter().filter(|(_, claims)| claims.len() > 1);
    for (host, claims) in disputed {
        for (tenant, index) in claims {
            let key = ["hosts".to_owned(), (*index).clone()];
            let problem = Problem::new(
                key,
                "host_claimed",
                format!("another tenant claims the host {host} too"),
            );
            let mut diagnostic = tenant.layers.diagnostic(problem, Part::Value);
            diagnostic.tenant = Some(tenant.id.to_string());
            for (other, index) in claims.iter().filter(|(other, _)| other.id != tenant.id) {
                let place = other.layers.place(&["hosts".to_owned(), (*index).clone()]);
                diagnostic = diagnostic.related(place, format!("{} claims it here", other.id));
            }
            diagnostics.push(diagnostic);
        }
    }
}

fn finish(
    directory: &Path,
    vendor: Option<(Vendor, Layers)>,
    read: Vec<ReadTenant>,
    mut diagnostics: Vec<Diagnostic>,
) -> Result<Config, Diagnostics> {
    if diagnostics.is_empty()
        && let Some((vendor, vendor_layers)) = vendor
    {
        let (mut tenants, mut tenant_layers) = (Vec::new(), HashMap::new());
        for ReadTenant { id, tenant, layers, .. } in read {
            tenants.extend(tenant);
            tenant_layers.insert(id, layers);
        }
        neighbours::separate(&mut tenants);
        match hosts(&tenants) {
            Err(error) => diagnostics.push(Diagnostic::of_file(
                TENANTS_DIRECTORY,
                "host_claimed",
                error.to_string(),
            )),
            Ok(hosts) => {
                return Ok(Config {
                    listen: vendor.listen,
                    trusted_proxies: vendor.trusted_proxies,
                    state: vendor.state,
                    development_certificates: vendor.development_certificates,
                    drain: vendor.drain,
                    tenants,
                    directory: directory.to_owned(),
                    hosts,
                    vendor_layers,
                    tenant_layers,
                });
            }
        }
    }
    Err(diagnostics.into_iter().collect())
}

fn hosts(tenants: &[TenantConfig]) -> Result<Tenants, TenantsError> {
    let mut builder = Tenants::builder();
    for tenant in tenants {
        builder = builder.add(tenant.id.clone(), tenant.hosts.iter().cloned())?;
    }
    Ok(builder.build())
}

impl Config {
    /// Which host is whose, in the order of [`tenants`](Self::tenants).
    #[must_use]
    pub fn tenants(&self) -> Tenants {
        self.hosts.clone()
    }

    /// Says where the key of a problem was set that was found later, such as a certificate that does not match its key:
    /// the key is that of the tenant's file, `["tls", "certificate"]`.
    #[must_use]
    pub fn diagnose(&self, tenant: &TenantId, problem: Problem) -> Diagnostic {
        let layers = self.tenant_layers.get(tenant).unwrap_or(&self.vendor_layers);
        let mut diagnostic = layers.diagnostic(problem, Part::Value);
        diagnostic.tenant = Some(tenant.to_string());
        diagnostic
    }

    /// The same for a key of the vendor's file, such as an address that cannot be listened on: `["listen", "https", "0"]`.
    #[must_use]
    pub fn diagnose_vendor(&self, problem: Problem) -> Diagnostic {
        self.vendor_layers.diagnostic(problem, Part::Value)
    }
}
