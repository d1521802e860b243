//! One axum service for three tenants.
//!
//! ```text
//! $ cargo run -p rempart-example-layers --example three_tenants_axum -- --listen 127.0.0.1:3000
//! $ curl -si http://library.localhost:3000/
//! $ curl -si http://nobody.localhost:3000/
//! $ for i in 1 2 3 4; do curl -so /dev/null -w '%{http_code} ' http://library.localhost:3000/; done
//! $ curl -si http://city.localhost:3000/
//! $ curl -si -H "Cookie: <the library's cookie>" http://city.localhost:3000/
//! ```
//!
//! A host that is nobody's gets `404`. The library's quota of three is used up and answers `429`, while the city and the
//! daycare answer: a tenant is a stack and owns its counts. The library's session, shown to the city, is a `403` with the
//! code `cookie_foreign_tenant`: the city's key does not open it.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use axum::routing::get;
use axum::{Router, serve};
use rempart_cookie::{CookieLayer, CookiePolicy, CookieSettings};
use rempart_guard::{Decision, DecisionSink, DownstreamLayer, Problems, Reporter, TrustedProxies};
use rempart_headers::{HeadersLayer, HeadersPolicy, HeadersSettings};
use rempart_rate_limit::{QuotaSettings, RateLimitLayer, RateLimitPolicy, RateLimitSettings};
use rempart_tenant::{KeyRing, Tenant, TenantStacks, Tenants};
use tower::ServiceBuilder;
use tower::util::BoxCloneSyncService;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let tenants = Tenants::builder()
        .tenant("library", ["library.localhost"])?
        .tenant("city", ["city.localhost", "www.city.localhost"])?
        .tenant("daycare", ["daycare.localhost"])?
        .build();
    // A service would keep the root secret: `KeyRing::open_or_create("/var/lib/NAME/root.key")`.
    let ring = KeyRing::ephemeral()?;
    let sink: Arc<dyn DecisionSink> = Arc::new(tell);

    // Every stack is built once, before the first request, and holds all that is its tenant's.
    let stacks = TenantStacks::new(tenants, Reporter::front(Arc::clone(&sink)), |tenant| {
        stack(tenant, &ring, &sink).expect("the settings below are right")
    });

    let app = Router::new()
        .fallback_service(stacks)
        .layer(DownstreamLayer::new(TrustedProxies::none(), |extensions| {
            extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip())
        }));
    let listener = rempart_example_layers::listen("http").await?;
    serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}

type Stack = BoxCloneSyncService<Request<Body>, Response, std::convert::Infallible>;

/// One tenant: its policies, its key, its application, and nothing of its neighbours'.
fn stack(tenant: &Tenant, ring: &KeyRing, sink: &Arc<dyn DecisionSink>) -> Result<Stack, Problems> {
    let reporter = Reporter::new(tenant.id().clone(), Arc::clone(sink));
    // The library is small and slow. Settings like these deserialise from a tenant's file.
    let rate = if tenant.id().as_str() == "library" {
        "3/m"
    } else {
        "50/s burst 200"
    };
    let limits = RateLimitSettings {
        quotas: [("client".into(), QuotaSettings::new(rate))].into(),
        ..RateLimitSettings::default()
    };
    let cookies = CookieSettings {
        session: vec!["SESSION".into()],
        ..CookieSettings::default()
    };
    let keys = ring.tenant(tenant.id()).derive_all("cookies");

    let stack = ServiceBuilder::new()
        // Outermost, so that a refusal leaves hardened too.
        .layer(HeadersLayer::new(
            HeadersPolicy::try_from(HeadersSettings::default())?,
            reporter.clone(),
        ))
        // Before everything that costs.
        .layer(RateLimitLayer::new(
            RateLimitPolicy::try_from(limits)?,
            reporter.clone(),
        ))
        // Innermost: only the application sees the session.
        .layer(CookieLayer::new(
            CookiePolicy::new(cookies, Vec::new(), &keys)?,
            reporter,
        ))
        .service(application(tenant));
    Ok(BoxCloneSyncService::new(stack))
}

/// The application of one tenant: any axum router.
fn application(tenant: &Tenant) -> Router {
    let welcome = format!("this is the {}\n", tenant.id());
    Router::new().route("/", get(async move || ([("set-cookie", "SESSION=ab12")], welcome)))
}

/// Every refusal comes here. A service would hand it to its log, without waiting.
#[expect(clippy::print_stderr, reason = "this is the log of an example")]
fn tell(decision: Decision) {
    eprintln!("{decision}");
}
