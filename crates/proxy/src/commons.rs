//! What tenants have in common: the machine's capacity, and a store that several edges share. A tenant holds its own part of
//! both and nobody else's.

use std::num::NonZeroUsize;
use std::sync::Arc;

use rempart_config::VendorConfig;
use rempart_counts::SharedCounts;
use rempart_guard::{Action, DecisionSink, Enforcement, Reporter};
use rempart_redis::{OpenError, SharedState, StoreEvent, StoreStats};
use rempart_sessions::Sessions;
use rempart_shares::Shares;
use rempart_tenant::{SealedMessages, TenantId, TenantKeys};

/// Made once, when the edge starts.
pub(crate) struct Commons {
    shares: Shares,
    store: Option<Arc<SharedState>>,
}

impl Commons {
    /// Opens what the vendor's file asks for. A store that is not there yet is no error.
    pub(crate) fn open(
        vendor: &VendorConfig,
        workers: NonZeroUsize,
        sink: &Arc<dyn DecisionSink>,
    ) -> Result<Self, OpenError> {
        let reporter = Reporter::front(Arc::clone(sink));
        let opened = vendor.redis.clone().map(|policy| {
            if policy.is_in_the_clear() {
                tracing::warn!("what edges share goes over the network in the clear: write rediss:// for TLS");
            }
            SharedState::open(policy, move |event| tell(&reporter, &event))
        });
        Ok(Self {
            shares: Shares::new(&vendor.capacity, workers),
            store: opened.transpose()?,
        })
    }

    /// Another capacity, after a reload.
    pub(crate) fn resize(&self, vendor: &VendorConfig) {
        self.shares.resize(&vendor.capacity);
    }

    /// What all tenants share of the machine.
    pub(crate) const fn shares(&self) -> &Shares {
        &self.shares
    }

    /// Tells other edges of every session of a tenant that ends here before its time.
    pub(crate) fn tell_of(&self, tenant: &TenantId, sessions: &Sessions, keys: &TenantKeys) {
        let Some(store) = self.store.clone() else { return };
        let (tenant, messages) = (tenant.clone(), messages(keys));
        sessions.tell(move |revocation| {
            let written = serde_json::to_vec(&revocation).ok();
            let sealed = written.and_then(|written| messages.seal(&written));
            let told = sealed.map(|sealed| store.tell(tenant.as_str(), SESSIONS, &sealed));
            if !matches!(told, Some(Ok(()))) {
                tracing::error!(%tenant, "a session that has ended here goes on at other edges: they could not be told");
            }
        });
    }

    /// Ends what has ended at other edges. `find` gives a tenant's sessions and keys, when it is served.
    pub(crate) fn listen(
        &self,
        find: impl Fn(&TenantId) -> Option<(Arc<Sessions>, TenantKeys)> + Send + 'static,
    ) -> Result<(), OpenError> {
        let Some(store) = &self.store else { return Ok(()) };
        store.listen(move |told| {
            let tenant = told.tenant.parse::<TenantId>().ok().filter(|_| told.topic == SESSIONS);
            let Some((sessions, keys)) = tenant.as_ref().and_then(&find) else {
                return;
            };
            let opened = messages(&keys).open(&told.body);
            match opened.and_then(|opened| serde_json::from_slice(&opened).ok()) {
                Some(revocation) => sessions.hear(&revocation),
                None => tracing::error!(
                    tenant = told.tenant,
                    "the shared store holds something that no edge with our root secret has told"
                ),
            }
        })
    }

    /// How the store does, when there is one.
    pub(crate) fn store_stats(&self) -> Option<StoreStats> {
        self.store.as_ref().map(|store| store.stats())
    }

    /// One tenant's part of the store.
    pub(crate) fn counts(&self, tenant: &TenantId) -> Option<Arc<dyn SharedCounts>> {
        self.store.as_ref().map(|store| store.tenant(tenant.as_str()))
    }
}

fn messages(keys: &TenantKeys) -> SealedMessages {
    SealedMessages::new(&keys.derive_all("messages between edges"))
}

/// What sessions are told of under.
const SESSIONS: &str = "sessions";

/// That limits are no longer common, and that they are again.
fn tell(reporter: &Reporter, event: &StoreEvent) {
    let (code, evidence) = match event {
        StoreEvent::Away { error } => {
            let evidence = format!("each edge counts alone, its share of every limit: {error}");
            ("store_away", evidence)
        }
        StoreEvent::Back { after } => {
            let evidence = format!("limits are common again, after {:.1} s", after.as_secs_f64());
            ("store_back", evidence)
        }
        _ => return,
    };
    reporter.record("state", code, Action::Notice, Enforcement::Enforce, None, evidence);
}
