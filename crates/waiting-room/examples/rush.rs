//! A rush to look at: a site with twenty places, two hundred people who want in, and you.
//!
//! ```text
//! cargo run -p rempart-waiting-room --example rush
//! ```
//!
//! Then open `http://localhost:8088/` in a browser: a form to send, a line to wait in, and your turn after some minutes.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Html;
use axum::routing::get;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderValue, Request};
use rempart_guard::{DownstreamLayer, Reporter, TrustedProxies};
use rempart_waiting_room::{TicketKeys, WaitingRoomLayer, WaitingRoomPolicy, WaitingRoomSettings};
use tower::{ServiceBuilder, ServiceExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let settings = WaitingRoomSettings {
        name: Some("Camp Soleil".to_owned()),
        active: Some(20),
        session: "1m".to_owned(),
        opens: std::env::args().nth(1),
        ..WaitingRoomSettings::default()
    };
    let policy = WaitingRoomPolicy::try_from(settings)?;
    let form =
        || async { Html("<h1>Camp Soleil</h1><form method=post><input name=child><button>Register</button></form>") };
    let app = Router::new().route("/", get(form).post(form)).layer(
        ServiceBuilder::new()
            .layer(DownstreamLayer::new(TrustedProxies::none(), |extensions| {
                extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())
            }))
            .layer(WaitingRoomLayer::new(
                policy,
                TicketKeys::new(&[7; 32]),
                "camp",
                Reporter::silent(),
            )),
    );
    for number in 0..220 {
        tokio::spawn(visitor(app.clone(), number));
    }
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 8088)).await?;
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}

/// Somebody who comes, waits, is let in, and is content with one page.
async fn visitor(app: Router, number: u32) {
    let mut cookie: Option<HeaderValue> = None;
    for _ in 0..1_000 {
        let mut request = Request::get("/").body(Body::empty()).unwrap_or_default();
        request
            .headers_mut()
            .extend(cookie.clone().map(|cookie| (COOKIE, cookie)));
        let address = Ipv4Addr::from_bits(0x0a00_0000 + number);
        request
            .extensions_mut()
            .insert(ConnectInfo(SocketAddr::from((address, 4_711))));
        let Ok(answer) = app.clone().oneshot(request).await;
        if answer.status().is_success() && cookie.is_some() {
            return;
        }
        let set = answer
            .headers()
            .get(SET_COOKIE)
            .and_then(|line| line.to_str().ok()?.split(';').next()?.parse().ok());
        cookie = set.or(cookie);
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
}
