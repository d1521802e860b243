use std::fmt;
use std::sync::Arc;

use rempart_guard::Problem;
use rempart_tenant::{HostPattern, TenantId};

use crate::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::document::{Document, Part};
use crate::files::shown;
use crate::ground::Ground;
use crate::layers::Layers;
use crate::tenant::TenantConfig;

/// One file of `tenants.d`, and what it came to.
pub struct TenantFile {
    id: TenantId,
    name: String,
    /// `None` when it cannot be read as text.
    text: Option<Arc<str>>,
    ground: Arc<Ground>,
    /// With their indices in the file; also when something else is wrong, because others may claim them too.
    hosts: Vec<(String, HostPattern)>,
    outcome: Result<Arc<TenantConfig>, Diagnostics>,
}

impl TenantFile {
    /// Reads what a file says.
    pub(crate) fn read(id: TenantId, name: &str, text: Arc<str>, ground: Arc<Ground>) -> Self {
        let name = shown(name);
        let (document, wrong) = Document::parse(name.clone(), text.to_string());
        let (mut hosts, mut outcome) = (Vec::new(), Err(wrong));
        if let Err(none) = &outcome
            && none.is_empty()
        {
            let layers = ground.tenant_layers(&id, &Arc::new(document));
            let file = ground.directory.join(&name);
            let (tenant, claimed, wrong) = TenantConfig::read(&id, file, &layers, &ground);
            hosts = claimed;
            outcome = tenant.map(Arc::new).ok_or(wrong);
        }
        let outcome = outcome.map_err(|wrong| of_tenant(&id, wrong));
        Self {
            id,
            name,
            text: Some(text),
            ground,
            hosts,
            outcome,
        }
    }

    /// A file that cannot be read.
    pub(crate) fn unreadable(id: TenantId, name: &str, wrong: Diagnostic, ground: Arc<Ground>) -> Self {
        Self {
            name: shown(name),
            text: None,
            ground,
            hosts: Vec::new(),
            outcome: Err(of_tenant(&id, vec![wrong])),
            id,
        }
    }

    /// The same file over another ground; what it comes to is the same object when it is the same thing.
    pub(crate) fn over(&self, ground: &Arc<Ground>) -> Self {
        let Some(text) = &self.text else {
            return Self {
                id: self.id.clone(),
                name: self.name.clone(),
                text: None,
                ground: Arc::clone(ground),
                hosts: Vec::new(),
                outcome: self.outcome.clone(),
            };
        };
        let name = self.name.rsplit('/').next().unwrap_or_default();
        let mut file = Self::read(self.id.clone(), name, Arc::clone(text), Arc::clone(ground));
        if let (Ok(old), Ok(new)) = (&self.outcome, &mut file.outcome)
            && old == new
        {
            *new = Arc::clone(old);
        }
        file
    }

    /// The tenant's name: that of the file without `.toml`.
    #[must_use]
    pub const fn id(&self) -> &TenantId {
        &self.id
    }

    /// The file's own name, from the configuration's directory: `tenants.d/library.toml`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The tenant, or everything that is wrong with its file.
    ///
    /// # Errors
    ///
    /// All problems at once. Whether another tenant claims a host too is not asked here.
    pub const fn tenant(&self) -> Result<&Arc<TenantConfig>, &Diagnostics> {
        self.outcome.as_ref()
    }

    /// What stands in it; `None` when that is no text, or cannot be read.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Says where the key of a problem was set that was found later, such as a certificate that does not match its key:
    /// the key is that of the tenant's file, `["tls", "certificate"]`.
    #[must_use]
    pub fn diagnose(&self, problem: Problem) -> Diagnostic {
        let mut diagnostic = match self.layers() {
            Some(layers) => layers.diagnostic(problem, Part::Value),
            None => Diagnostic::new(Place::of_file(&self.name), None, problem),
        };
        diagnostic.tenant = Some(self.id.to_string());
        diagnostic
    }

    /// The hosts that it claims, with the key of each.
    pub(crate) fn claims(&self) -> &[(String, HostPattern)] {
        &self.hosts
    }

    /// Where it claims a host.
    pub(crate) fn place_of(&self, host: &HostPattern) -> Place {
        let index = self.hosts.iter().find(|(_, claimed)| claimed == host);
        match (self.layers(), index) {
            (Some(layers), Some((index, _))) => layers.place(&["hosts".to_owned(), index.clone()]),
            _ => Place::of_file(&self.name),
        }
    }

    /// Its layers, made again: ten thousand tenants need not be kept as text, tree and places.
    pub(crate) fn layers(&self) -> Option<Layers> {
        let (document, _) = Document::parse(self.name.clone(), self.text.as_ref()?.to_string());
        Some(self.ground.tenant_layers(&self.id, &Arc::new(document)))
    }
}

fn of_tenant(id: &TenantId, mut wrong: Vec<Diagnostic>) -> Diagnostics {
    wrong.iter_mut().for_each(|one| one.tenant = Some(id.to_string()));
    wrong.into_iter().collect()
}

impl fmt::Debug for TenantFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantFile")
            .field("name", &self.name)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}
