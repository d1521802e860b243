//! Only the cookies, in axum.
//!
//! ```text
//! $ cargo run -p rempart-example-layers --example cookies_axum -- --listen 127.0.0.1:3000
//! $ curl -si http://127.0.0.1:3000/login | grep -i set-cookie
//! $ curl -s -H "Cookie: <what stood there, up to the first semicolon>" http://127.0.0.1:3000/
//! $ curl -s -H "Cookie: PHPSESSID=ab12" http://127.0.0.1:3000/
//! ```
//!
//! The application sets `PHPSESSID=ab12; Domain=.vendor.example` as legacy software does. It leaves sealed, as
//! `__Host-PHPSESSID`, without the `Domain`, with `Secure`, `HttpOnly` and `SameSite`. Sent back as it left, the application sees its own `ab12` again; the
//! value that nobody sealed, though it is the right one, never reaches it.

use std::error::Error;

use axum::http::HeaderMap;
use axum::routing::get;
use axum::{Router, serve};
use rempart_cookie::{CookieLayer, CookiePolicy, CookieSettings};
use rempart_guard::Reporter;
use rempart_tenant::KeyRing;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The root secret, made when it is missing. One per service: each tenant and each purpose gets a key of its own out of
    // it. A service keeps it where it stays and only it can read, such as /var/lib/NAME, so that a restart logs nobody out.
    let directory = tempfile::tempdir()?;
    let ring = KeyRing::open_or_create(&directory.path().join("root.key"))?;
    let keys = ring.tenant(&"library".parse()?).derive_all("cookies");

    let settings = CookieSettings {
        session: vec!["PHPSESSID".into()],
        ..CookieSettings::default()
    };
    let policy = CookiePolicy::new(settings, vec!["library.example".into()], &keys)?;

    let app = Router::new()
        .route(
            "/login",
            get(async || ([("set-cookie", "PHPSESSID=ab12; Domain=.vendor.example")], "welcome\n")),
        )
        .route("/", get(seen))
        // Innermost, next to the application: whatever else stands outside sees sealed values only.
        .layer(CookieLayer::new(policy, Reporter::silent()));

    serve(rempart_example_layers::listen("http").await?, app).await?;
    Ok(())
}

/// What reaches the application.
async fn seen(headers: HeaderMap) -> String {
    let cookie = headers.get("cookie").and_then(|line| line.to_str().ok());
    format!("the application sees: {}\n", cookie.unwrap_or("no cookie"))
}
