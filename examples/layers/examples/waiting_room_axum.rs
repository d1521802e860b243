//! More people than there is room for, in axum: who comes first is let in first.
//!
//! ```text
//! $ cargo run -p rempart-example-layers --example waiting_room_axum -- --listen 127.0.0.1:3000
//! $ curl -si http://127.0.0.1:3000/
//! $ curl -si http://127.0.0.1:3000/
//! $ curl -s -H 'Accept: application/json' -H "Cookie: <of the second answer, up to the semicolon>" http://127.0.0.1:3000/
//! ```
//!
//! The first is inside. The second gets `503`, a page that says who is ahead and that asks again by itself, and a ticket in a
//! cookie; with the ticket, and five seconds later, it is inside too. Whoever asks without one is at the end of the line,
//! however often. `/static/look.css` is there for everybody: the page before the door may need it.
//!
//! Open two browsers beside each other for what a person sees.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::routing::get;
use axum::{Router, serve};
use rempart_guard::{Decision, DownstreamLayer, Reporter, TrustedProxies};
use rempart_tenant::KeyRing;
use rempart_waiting_room::{TicketKeys, WaitingRoomLayer, WaitingRoomPolicy, WaitingRoomSettings};
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let policy = WaitingRoomPolicy::try_from(WaitingRoomSettings {
        // So many inside at once, each for `session` after their last request; and no more than one in five seconds.
        active: Some(100),
        admit: Some("12/m burst 1".into()),
        // On a morning with a date: `opens: Some("2027-03-01T08:00:00-05:00".into())`. Nobody is let in before, and those who
        // are there then are put in an order that is drawn by lot.
        ..WaitingRoomSettings::default()
    })?;
    // A service keeps the root secret, so that tickets are good after a restart: `KeyRing::open_or_create(path)`.
    let key = KeyRing::ephemeral()?.tenant(&"camp".parse()?).derive("waiting room");

    let app = Router::new()
        .route("/", get(async || "the form\n").post(async || "you are registered\n"))
        .route("/static/look.css", get(async || "body { color: navy }\n"))
        .layer(
            ServiceBuilder::new()
                .layer(DownstreamLayer::new(TrustedProxies::none(), |extensions| {
                    extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip())
                }))
                // A rate limit would stand here: the room bounds how many are inside, not how often they ask.
                .layer(WaitingRoomLayer::new(
                    policy,
                    TicketKeys::new(key.as_bytes()),
                    "Camp Soleil",
                    Reporter::front(Arc::new(tell)),
                )),
        );
    let listener = rempart_example_layers::listen("http").await?;
    serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}

/// Everybody who has to wait is told here. A service would hand it to its log, without waiting.
#[expect(clippy::print_stderr, reason = "this is the log of an example")]
fn tell(decision: Decision) {
    eprintln!("{decision}");
}
