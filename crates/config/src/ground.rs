use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rempart_tenant::TenantId;

use crate::diagnostic::Diagnostic;
use crate::document::Document;
use crate::layers::{Layer, Layers};
use crate::reader::Reader;
use crate::settings::DefaultSettings;
use crate::vendor::VendorConfig;

/// What every tenant's file is read over: the vendor's file, its `[defaults]`, and the environment.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) directory: PathBuf,
    pub(crate) environment: Arc<Document>,
    /// `None` when the vendor's file cannot be read: what depends on it is not judged then.
    pub(crate) document: Option<Arc<Document>>,
    /// As far as it could be read.
    pub(crate) vendor: Option<Arc<VendorConfig>>,
}

impl Ground {
    /// Reads what the vendor's document says, and what is wrong with it.
    pub(crate) fn read(
        directory: PathBuf,
        environment: &Arc<Document>,
        document: Option<Arc<Document>>,
    ) -> (Self, Vec<Diagnostic>) {
        let mut ground = Self {
            directory,
            environment: Arc::clone(environment),
            document,
            vendor: None,
        };
        let mut wrong = Vec::new();
        if let Some(layers) = ground.vendor_layers() {
            let (vendor, mut more) = VendorConfig::read(&ground.directory, &layers);
            ground.vendor = Some(Arc::new(vendor));
            wrong.append(&mut more);
        }
        ground.check_defaults(&mut wrong);
        (ground, wrong)
    }

    /// Whether both come from one text, and everything read over them is the same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let text = |ground: &Self| ground.document.as_ref().map(|document| document.text().to_owned());
        text(self).is_some() && text(self) == text(other)
    }

    /// Where the edge listens, as far as that is known.
    pub(crate) fn listeners(&self) -> impl Iterator<Item = SocketAddr> {
        let all = |vendor: &'_ Arc<VendorConfig>| {
            let VendorConfig { listen, metrics, .. } = &**vendor;
            let all: Vec<_> = listen
                .https
                .iter()
                .chain(&listen.http)
                .chain(metrics)
                .copied()
                .collect();
            all
        };
        self.vendor.iter().flat_map(all)
    }

    /// Weakest first: the vendor's file, the environment.
    pub(crate) fn vendor_layers(&self) -> Option<Layers> {
        let file = Layer::whole(self.document.as_ref()?);
        let environment = Layer::without(&self.environment, "tenants");
        Some(Layers::new(vec![file, environment], 0))
    }

    /// Weakest first: the vendor's defaults, the tenant's own file, the environment; each over the presets that it names.
    pub(crate) fn tenant_layers(&self, id: &TenantId, file: &Arc<Document>) -> Layers {
        let mut layers = self.default_layers();
        layers.push(Layer::whole(file));
        layers.push(Layer::table(&self.environment, ["tenants", id.as_str()]));
        let layers = Layer::over_presets(layers);
        let own = layers.iter().position(|layer| layer.is_of(file)).unwrap_or_default();
        Layers::new(layers, own)
    }

    fn default_layers(&self) -> Vec<Layer> {
        let documents = self.document.iter().chain([&self.environment]);
        documents.map(|document| Layer::table(document, [DEFAULTS])).collect()
    }

    /// Checks `[defaults]` on their own: a mistake in them is the vendor's, and no tenant's. What they lack, the tenants'
    /// files may have.
    fn check_defaults(&self, wrong: &mut Vec<Diagnostic>) {
        let layers = Layer::over_presets(self.default_layers());
        let own = layers.iter().position(|layer| !layer.is_shipped()).unwrap_or_default();
        let layers = Layers::new(layers, own);
        let hints = [("hosts", "a host is one tenant's; it stands in the tenant's own file")];
        let mut reader = Reader::<DefaultSettings>::new(&layers, &hints);
        reader.settings().check(self, &mut reader);
        wrong.extend(reader.finish().into_iter().filter(|one| one.code != "missing_key"));
    }
}

/// The table of the vendor's file that is every tenant's lowest layer.
const DEFAULTS: &str = "defaults";
