//! Only the rate limit, in axum: several quotas at once, each counting something else.
//!
//! ```text
//! $ cargo run -p rempart-example-layers --example rate_limit_axum -- --listen 127.0.0.1:3000
//! $ for i in 1 2 3 4; do curl -si -X POST http://127.0.0.1:3000/login | grep -iE '^(HTTP|ratelimit|retry)'; done
//! ```
//!
//! Three answers are `200` and count down in their `RateLimit` field; the fourth is a `429` with `Retry-After`. `curl
//! http://127.0.0.1:3000/` still answers: the login has a quota of its own. Wait twenty seconds and one more login passes.
//!
//! ```text
//! $ curl -si http://127.0.0.1:3000/enter | grep -i set-cookie
//! $ for i in 1 2 3; do curl -so /dev/null -w '%{http_code} ' -H "Cookie: <up to the first semicolon>" http://127.0.0.1:3000/search; done
//! ```
//!
//! A search costs five, and a visitor has ten: the third is a `429`. Another visitor, with a cookie of their own, searches on
//! behind the same address. A cookie that somebody made up is no session, and counts with its network.
//!
//! ```text
//! $ for path in a b c d; do curl -so /dev/null -w '%{http_code} ' http://127.0.0.1:3000/$path; done
//! ```
//!
//! Three answers are `404`; then whoever looks for what is not there gets `429`, also for what is there.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use axum::{Router, serve};
use rempart_cookie::{CookieLayer, CookiePolicy, CookieSettings};
use rempart_guard::{Decision, DownstreamLayer, Problems, Reporter, TrustedProxies, WaitingGuardLayer};
use rempart_rate_limit::{CostSettings, QuotaSettings, RateLimit, RateLimitPolicy, RateLimitSettings};
use rempart_tenant::KeyRing;
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let limit = RateLimit::new(policy()?);
    let enforcement = limit.policy().enforcement();
    let reporter = Reporter::front(Arc::new(tell));

    let app = Router::new()
        .route("/", get(async || "everybody may read this\n"))
        .route("/enter", get(async || ([("set-cookie", "sid=ab12")], "welcome\n")))
        .route("/search", get(async || "a slow database would be asked here\n"))
        .route("/login", post(async || "a password would be checked here\n"))
        .layer(
            ServiceBuilder::new()
                // Who asks: the peer of the connection, and behind your own balancers whom they say. Without this layer
                // the next one answers 500 to everything, and lets nobody pass uncounted.
                .layer(DownstreamLayer::new(TrustedProxies::none(), |extensions| {
                    extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip())
                }))
                // A flood ends here, before a cookie is opened. A service without quotas per session or account needs no
                // two places: `RateLimitLayer::new(policy, reporter)` is all.
                .layer(WaitingGuardLayer::new(limit.above(), enforcement, reporter.clone()))
                .layer(CookieLayer::new(cookies()?, reporter.clone()))
                // Whose session it is, is known from here on.
                .option_layer(
                    limit
                        .below()
                        .map(|below| WaitingGuardLayer::new(below, enforcement, reporter)),
                ),
        );

    let listener = rempart_example_layers::listen("http").await?;
    serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}

/// As text these could stand in a file.
fn policy() -> Result<RateLimitPolicy, Problems> {
    let quotas = [
        // Every route, each client network for itself.
        ("client", QuotaSettings::new("50/s burst 200")),
        (
            "login",
            QuotaSettings {
                routes: vec!["POST /login".into()],
                ..QuotaSettings::new("3/m")
            },
        ),
        // Counted when the answer is there.
        (
            "scan",
            QuotaSettings {
                count: "not_found".into(),
                ..QuotaSettings::new("3/h")
            },
        ),
        // Not instead of `client` but beside it: anybody can have as many sessions as he likes.
        (
            "visitor",
            QuotaSettings {
                per: "session".into(),
                ..QuotaSettings::new("10/m")
            },
        ),
    ];
    let search = CostSettings {
        cost: 5,
        routes: vec!["GET /search".into()],
        classes: Vec::new(),
    };
    RateLimitPolicy::try_from(RateLimitSettings {
        quotas: quotas.map(|(name, quota)| (name.to_owned(), quota)).into(),
        costs: [("search".into(), search)].into(),
        ..RateLimitSettings::default()
    })
}

/// What makes a session one that nobody can make up: it leaves sealed.
fn cookies() -> Result<CookiePolicy, Box<dyn Error>> {
    let settings = CookieSettings {
        session: vec!["sid".into()],
        ..CookieSettings::default()
    };
    // A service keeps the root secret: `KeyRing::open_or_create("/var/lib/NAME/root.key")`.
    let keys = KeyRing::ephemeral()?.tenant(&"library".parse()?).derive_all("cookies");
    Ok(CookiePolicy::new(settings, vec!["library.example".into()], &keys)?)
}

/// Every refusal comes here. A service would hand it to its log, without waiting.
#[expect(clippy::print_stderr, reason = "this is the log of an example")]
fn tell(decision: Decision) {
    eprintln!("{decision}");
}
