//! Only the headers, in axum.
//!
//! ```text
//! $ cargo run -p rempart-example-layers --example headers_axum -- --listen 127.0.0.1:3000
//! $ curl -si http://127.0.0.1:3000/
//! ```
//!
//! The application tells its make (`X-Powered-By`), lets everybody frame it and gives its addresses away in the referrer.
//! The answer has no banner, `Strict-Transport-Security`, `nosniff`, `frame-ancestors 'self'`, and the stricter referrer
//! policy. `curl -si http://127.0.0.1:3000/strict` shows the other half: what the application says more strictly stays.

use std::error::Error;

use axum::routing::get;
use axum::{Router, serve};
use rempart_guard::Reporter;
use rempart_headers::{HeadersLayer, HeadersPolicy, HeadersSettings};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let settings = HeadersSettings {
        referrer_policy: "same-origin".into(),
        ..HeadersSettings::default()
    };
    let policy = HeadersPolicy::try_from(settings)?;

    let loose = [
        ("x-powered-by", "PHP/5.3.3"),
        ("x-frame-options", "ALLOWALL"),
        ("referrer-policy", "unsafe-url"),
    ];
    let strict = [("x-frame-options", "DENY"), ("referrer-policy", "no-referrer")];
    let app = Router::new()
        .route("/", get(async move || (loose, "an old page\n")))
        .route("/strict", get(async move || (strict, "a careful page\n")))
        .layer(HeadersLayer::new(policy, Reporter::silent()));

    serve(rempart_example_layers::listen("http").await?, app).await?;
    Ok(())
}
