//! Two tenants in one axum service: one is flooded, the other is served.
//!
//! ```text
//! $ cargo run -p rempart-example-layers --example concurrency_shares_axum -- --listen 127.0.0.1:3000
//! $ curl -sZ --parallel-max 40 -o /dev/null -w '%{http_code} ' 'http://library.localhost:3000/export?[1-40]' &
//! $ curl -si http://library.localhost:3000/
//! $ curl -si http://city.localhost:3000/
//! ```
//!
//! The service bears 16 requests at once. The library's exports get its own eight, and the city's eight too, as long as the
//! city has no use for them; four wait for a moment, and the others are told `503` and when to come back. The city's page
//! comes at once.

use std::error::Error;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use axum::routing::get;
use axum::{Router, serve};
use rempart_guard::{Decision, DecisionSink, DownstreamLayer, Reporter, TrustedProxies};
use rempart_shares::{
    CapacityPolicy, CapacitySettings, ConcurrencySharesLayer, Held, Shares, SharesPolicy, SharesSettings,
};
use rempart_tenant::{Tenant, TenantStacks, Tenants};
use tower::ServiceBuilder;
use tower::util::BoxCloneSyncService;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // What all have together. Ask your service how much it bears; twice as much may be in use for a moment.
    let capacity = CapacityPolicy::try_from(CapacitySettings {
        requests: Some(16),
        ..CapacitySettings::default()
    })?;
    // All threads of this runtime ask the same handle. A worker with a stack of its own would take `share.on_worker(number)`.
    let shares = Shares::new(&capacity, NonZeroUsize::MIN);
    // Both alike: `weight`, or a number in `guaranteed`, would give one of them more.
    let policy = SharesPolicy::try_from(SharesSettings {
        max_waiting: 4,
        max_wait: "200ms".into(),
        ..SharesSettings::default()
    })?;

    let tenants = Tenants::builder()
        .tenant("library", ["library.localhost"])?
        .tenant("city", ["city.localhost"])?
        .build();
    let sink: Arc<dyn DecisionSink> = Arc::new(tell);
    let stacks = TenantStacks::new(tenants, Reporter::front(Arc::clone(&sink)), |tenant| {
        stack(tenant, &shares, policy.clone(), Arc::clone(&sink))
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

/// One tenant, with its part of the whole. Quotas and a login guard would stand outside of it.
fn stack(tenant: &Tenant, shares: &Shares, policy: SharesPolicy, sink: Arc<dyn DecisionSink>) -> Stack {
    let share = shares.tenant(tenant.id().as_str(), policy);
    let reporter = Reporter::new(tenant.id().clone(), sink);
    let stack = ServiceBuilder::new()
        // A request is in use until the last of its answer has left, so the body holds its place.
        .map_response(|answer: Response<Held<Body>>| answer.map(Body::new))
        .layer(ConcurrencySharesLayer::new(share, reporter))
        .service(application(tenant));
    BoxCloneSyncService::new(stack)
}

/// The application of one tenant: any axum router.
fn application(tenant: &Tenant) -> Router {
    let welcome = format!("this is the {}\n", tenant.id());
    Router::new()
        .route("/", get(async move || welcome))
        .route("/export", get(export))
}

async fn export() -> &'static str {
    tokio::time::sleep(Duration::from_secs(4)).await;
    "a long list\n"
}

/// Every refusal comes here. A service would hand it to its log, without waiting.
#[expect(clippy::print_stderr, reason = "this is the log of an example")]
fn tell(decision: Decision) {
    eprintln!("{decision}");
}
