//! Sessions with an end, in axum: the cookies' layer seals, and inside it the sessions' layer says which seal still counts.
//!
//! ```text
//! $ cargo run -p rempart-example-layers --example sessions_axum -- --listen 127.0.0.1:3000
//! $ curl -si -X POST -H "Cookie: <the cookie of a first visit>" http://127.0.0.1:3000/login | grep -i set-cookie
//! $ curl -s -H "Cookie: <the cookie of the first visit>" http://127.0.0.1:3000/
//! $ curl -s -H "Cookie: <the cookie of the login>" http://127.0.0.1:3000/
//! $ curl -si -X POST http://127.0.0.1:3000/kill
//! ```
//!
//! The application keeps its session through the login and never ends one, as legacy software does. Whoever knew the cookie
//! from before the login has nothing of it; half an hour without a request ends it; and so does a service that says so.

use std::collections::HashSet;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use axum::routing::{get, post};
use axum::{Router, serve};
use rempart_cookie::{CookieLayer, CookiePolicy, CookieSettings};
use rempart_guard::Reporter;
use rempart_sessions::{Sessions, SessionsLayer, SessionsPolicy, SessionsSettings, Which};
use rempart_tenant::KeyRing;
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let settings = SessionsSettings {
        cookie: Some("sid".into()),
        idle: "30m".into(),
        login: vec!["POST /login".into()],
        logout: vec!["POST /logout".into()],
        // The client's network would need a `DownstreamLayer` outside.
        bind: vec!["browser".into()],
        ..SessionsSettings::default()
    };
    let directory = tempfile::tempdir()?;
    // A service keeps it where it stays: what was ended has ended after a restart too, once `save` was called.
    let kept = directory.path().join("sessions.json");
    let (sessions, read) = Sessions::new(SessionsPolicy::try_from(settings)?).kept_in(kept);
    read?;
    let sessions = Arc::new(sessions);

    let keys = KeyRing::open_or_create(&directory.path().join("root.key"))?
        .tenant(&"library".parse()?)
        .derive_all("cookies");
    let settings = CookieSettings {
        session: vec!["sid".into()],
        ..CookieSettings::default()
    };
    let cookies = CookiePolicy::new(settings, vec!["library.example".into()], &keys)?;

    let app = legacy()
        .layer(
            ServiceBuilder::new()
                .layer(CookieLayer::new(cookies, Reporter::silent()))
                // Directly inside: it needs what stood in the seal, and says what is to stand in the next.
                .layer(SessionsLayer::sharing(&sessions, Reporter::silent())),
        )
        // Outside of both, and in a real service behind a lock of its own.
        .route(
            "/kill",
            post(async move || match sessions.kill(&Which::All) {
                Ok(ended) => format!("{ended} ended\n"),
                Err(error) => format!("{error}\n"),
            }),
        );
    serve(rempart_example_layers::listen("http").await?, app).await?;
    Ok(())
}

/// An application that takes whoever shows a session for whoever logged in with it.
fn legacy() -> Router {
    Router::new()
        .route(
            "/first",
            get(async || ([("set-cookie", "sid=ab12; Path=/")], "hello\n")),
        )
        .route("/login", post(login))
        .route("/logout", post(async || "goodbye\n"))
        .route("/", get(account))
        .with_state(Users::default())
}

/// Who is logged in, by what their browsers send.
type Users = Arc<Mutex<HashSet<HeaderValue>>>;

async fn login(State(users): State<Users>, headers: HeaderMap) -> &'static str {
    let mut users = users.lock().unwrap_or_else(PoisonError::into_inner);
    users.extend(headers.get("cookie").cloned());
    "welcome\n"
}

async fn account(State(users): State<Users>, headers: HeaderMap) -> &'static str {
    let users = users.lock().unwrap_or_else(PoisonError::into_inner);
    let is_in = headers.get("cookie").is_some_and(|cookie| users.contains(cookie));
    if is_in { "your account\n" } else { "please log in\n" }
}
