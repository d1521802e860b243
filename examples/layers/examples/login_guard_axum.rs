//! Passwords that nobody guesses, in axum; and with `--redis`, on as many machines as there are.
//!
//! ```text
//! $ cargo run -p rempart-example-layers --example login_guard_axum -- --listen 127.0.0.1:3000
//! $ for i in 1 2 3 4 5; do curl -so /dev/null -w '%{http_code} after %{time_total} s\n' -d username=marie -d password=$i http://127.0.0.1:3000/login; done
//! $ curl -si -d username=paul -d password=tournesol http://127.0.0.1:3000/login
//! $ curl -si --interface 127.0.0.2 -d username=marie --data-urlencode 'password=correct horse' http://127.0.0.1:3000/login
//! ```
//!
//! The application leads back to its form four times, the third and the fourth after a second; the fifth try is a `429` with
//! `Retry-After`, and would be if it were right. Paul gets in from the same address. Marie gets in from another one: the
//! guesses were not hers.
//!
//! Two that share their counts, from two terminals with a `redis-server` beside them:
//!
//! ```text
//! $ cargo run -p rempart-example-layers --example login_guard_axum -- --listen 127.0.0.1:3000 --redis redis://127.0.0.1:6379
//! $ cargo run -p rempart-example-layers --example login_guard_axum -- --listen 127.0.0.1:3001 --redis redis://127.0.0.1:6379
//! ```
//!
//! Guess four times at one, and the other refuses the fifth. End the `redis-server`: both go on, each with half of every
//! limit, and say so.

use std::error::Error;
use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::response::Redirect;
use axum::routing::{get, post};
use axum::{Form, Router, serve};
use rempart_example_layers::Options;
use rempart_guard::{Decision, DownstreamLayer, Problems, Reporter, TrustedProxies};
use rempart_login::{LimitsSettings, LoginGuard, LoginGuardLayer, LoginKeys, LoginPolicy, LoginSettings};
use rempart_rate_limit::{QuotaSettings, RateLimit, RateLimitLayer, RateLimitPolicy, RateLimitSettings};
use rempart_redis::{RedisPolicy, RedisSettings, SharedState, StoreEvent};
use tokio::sync::Notify;
use tokio::time::timeout;
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::read(&["--redis"])?;
    let mut guard = LoginGuard::new(logins()?, LoginKeys::new(&SECRET, []));
    let mut limit = RateLimit::new(quotas()?);
    if let Some(url) = options.value("--redis") {
        // One connection for all tenants; each has its own keys in the store.
        let counts = open(url).await?.tenant("library");
        guard = guard.sharing(Some(Arc::clone(&counts)));
        limit = limit.sharing_counts(counts, *b"sixteen of yours");
    }

    let reporter = Reporter::front(Arc::new(|decision: Decision| log(&decision)));
    let app = Router::new()
        .route("/", get(async || "everybody may read this\n"))
        .route("/login", post(login))
        .layer(
            ServiceBuilder::new()
                .layer(DownstreamLayer::new(TrustedProxies::none(), |extensions| {
                    extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip())
                }))
                // Outside, where a flood ends: it counts requests, whatever becomes of them.
                .layer(RateLimitLayer::sharing(&limit, reporter.clone()))
                // Innermost: it goes by what the application answers.
                .layer(LoginGuardLayer::new(guard, reporter)),
        );
    serve(
        options.listen("http").await?,
        app.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .await?;
    Ok(())
}

/// Any application that leads home when it is content, and back to its form when it is not.
async fn login(Form(fields): Form<Vec<(String, String)>>) -> Redirect {
    let given = |name: &str| {
        fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| &**value)
    };
    let is_right = matches!(
        (given("username"), given("password")),
        (Some("marie"), Some("correct horse")) | (Some("paul"), Some("tournesol"))
    );
    Redirect::to(if is_right { "/" } else { "/login?error=1" })
}

/// Smaller than a service would choose, so that a few tries show it. What is not written is as it is shipped.
fn logins() -> Result<LoginPolicy, Problems> {
    LoginPolicy::try_from(LoginSettings {
        routes: vec!["POST /login".into()],
        free_failures: 2,
        max_delay: "1s".into(),
        limits: LimitsSettings {
            account_network: "4/h".into(),
            ..LimitsSettings::default()
        },
        ..LoginSettings::default()
    })
}

fn quotas() -> Result<RateLimitPolicy, Problems> {
    RateLimitPolicy::try_from(RateLimitSettings {
        quotas: [("client".into(), QuotaSettings::new("60/m"))].into(),
        ..RateLimitSettings::default()
    })
}

/// Opens the store, and waits for its first answer a while: until then each node would count alone.
async fn open(url: &str) -> Result<Arc<SharedState>, Box<dyn Error>> {
    let policy = RedisPolicy::try_from(RedisSettings {
        // How many share it. While it is away each admits its part of a limit, never all of it.
        nodes: 2,
        ..RedisSettings::at(url)
    })?;
    let there = Arc::new(Notify::new());
    let notify = Arc::clone(&there);
    let state = SharedState::open(policy, move |event| {
        log(&format_args!("{event:?}"));
        if let StoreEvent::Back { .. } = event {
            notify.notify_one();
        }
    })?;
    // A service that starts while it is away starts all the same.
    let _ = timeout(Duration::from_secs(2), there.notified()).await;
    Ok(state)
}

/// What signs the cookies of browsers that have logged in, and keys the counts. Yours are 32 random bytes from a file that
/// only the service can read, or from `rempart_tenant::KeyRing`; the same on all machines.
const SECRET: [u8; 32] = *b"an example's own, never a secret";

/// Every refusal comes here, and what becomes of the store. A service would hand it to its log, without waiting.
#[expect(clippy::print_stderr, reason = "this is the log of an example")]
fn log(line: &dyn Display) {
    eprintln!("{line}");
}
