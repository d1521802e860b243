//! A service in axum that keeps a basket in the visitor's browser, in a cookie that nobody can read or change.
//!
//! ```console
//! $ cargo run -p rempart-example-layers --example sealed_jar_axum -- --listen 127.0.0.1:3000
//! $ curl -si http://127.0.0.1:3000/add/apple | grep -i set-cookie
//! $ curl -si -H "Cookie: <what stood there, up to the first semicolon>" http://127.0.0.1:3000/add/pear
//! $ curl -s -H "Cookie: <what stood there>" http://127.0.0.1:3000/
//! $ curl -s -H "Cookie: __Host-basket=apple" http://127.0.0.1:3000/
//! ```
//!
//! Outside, the cookie is called `__Host-basket`, so that no other host can set it, and its value is sealed for this tenant,
//! this name and this host. Handlers know neither: they ask a `SealedJar` for `basket`.

use std::error::Error;
use std::time::Duration;

use axum::extract::{Extension, Path};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Router, serve};
use rempart_cookie::{CookieLayer, CookiePolicy, CookieSettings, SealedJar};
use rempart_guard::Reporter;
use rempart_tenant::KeyRing;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A service keeps the root secret where only it can read it, as in the example `cookies_axum`.
    let ring = KeyRing::ephemeral()?;
    let keys = ring.tenant(&"shop".parse()?).derive_all("cookies");
    let policy = CookiePolicy::new(CookieSettings::default(), Vec::new(), &keys)?;
    let app = Router::new()
        .route("/", get(show))
        .route("/add/{what}", get(add))
        .route(
            "/empty",
            get(async |Extension(jar): Extension<SealedJar>| jar.remove(BASKET)),
        )
        .layer(CookieLayer::new(policy, Reporter::silent()).with_jar());
    serve(rempart_example_layers::listen("http").await?, app).await?;
    Ok(())
}

async fn show(Extension(jar): Extension<SealedJar>) -> String {
    format!("in the basket: {}\n", jar.get(BASKET).unwrap_or_default())
}

async fn add(Extension(jar): Extension<SealedJar>, Path(what): Path<String>) -> Result<(), StatusCode> {
    let before = jar.get(BASKET).unwrap_or_default();
    let basket = format!("{before}{what} ");
    jar.set_for(BASKET, &basket, WEEK)
        .map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)
}

const BASKET: &str = "basket";
const WEEK: Duration = Duration::from_secs(7 * 24 * 3_600);
