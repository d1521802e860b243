use rempart_guard::{Reporter, TrustedProxies};
use rempart_tenant::Tenants;

/// What the front knows, and what no tenant owns. Never changes while it is used; each worker has its own copy, so that
/// the count of its users is not shared between cores.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) tenants: Tenants,
    pub(crate) trusted_proxies: TrustedProxies,
    pub(crate) reporter: Reporter,
}
