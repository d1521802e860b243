//! Only the rate limit, in axum.
//!
//! ```text
//! $ cargo run -p rempart-example-layers --example rate_limit_axum -- --listen 127.0.0.1:3000
//! $ for i in 1 2 3 4; do curl -si -X POST http://127.0.0.1:3000/login | grep -iE '^(HTTP|ratelimit|retry)'; done
//! ```
//!
//! Three answers are `200` and count down in their `RateLimit` field; the fourth is a `429` with `Retry-After`. `curl
//! http://127.0.0.1:3000/` still answers: the login has a quota of its own. Wait twenty seconds and one more login passes.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use axum::{Router, serve};
use rempart_guard::{Decision, DownstreamLayer, Reporter, TrustedProxies};
use rempart_rate_limit::{QuotaSettings, RateLimitLayer, RateLimitPolicy, RateLimitSettings};
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Every route, and besides it the one on which somebody would guess passwords. As text these could stand in a file.
    let everything = QuotaSettings::new("50/s burst 200");
    let login = QuotaSettings {
        routes: vec!["POST /login".into()],
        ..QuotaSettings::new("3/m")
    };
    let settings = RateLimitSettings {
        quotas: [("client".into(), everything), ("login".into(), login)].into(),
        ..RateLimitSettings::default()
    };
    let policy = RateLimitPolicy::try_from(settings)?;

    let reporter = Reporter::front(Arc::new(tell));

    let app = Router::new()
        .route("/", get(async || "everybody may read this\n"))
        .route("/login", post(async || "a password would be checked here\n"))
        .layer(
            ServiceBuilder::new()
                // Who asks: the peer of the connection, and behind your own balancers whom they say. Without this layer
                // the next one answers 500 to everything, and lets nobody pass uncounted.
                .layer(DownstreamLayer::new(TrustedProxies::none(), |extensions| {
                    extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip())
                }))
                .layer(RateLimitLayer::new(policy, reporter)),
        );

    let listener = rempart_example_layers::listen("http").await?;
    serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}

/// Every refusal comes here. A service would hand it to its log, without waiting.
#[expect(clippy::print_stderr, reason = "this is the log of an example")]
fn tell(decision: Decision) {
    eprintln!("{decision}");
}
