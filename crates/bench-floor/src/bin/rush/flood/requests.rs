//! Whole requests, many of them; and requests that do not end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::{Scene, add, from};
use crate::client::{Asked, Connection, Protocol};
use crate::drip::Drip;

/// Asks on one HTTP/1.1 connection, one request after the other, as often as `pause` says or as the server lets it.
pub(super) async fn on_a_kept_connection(scene: Arc<Scene>, number: u32, of: u32, pause: Duration) {
    scene.wait_for_turn(number, of).await;
    let mut held = None;
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while Instant::now() < scene.end {
        ticks.tick().await;
        if held.is_none() {
            held = scene.open(number, Protocol::Http11).await;
        }
        let Some(connection) = held.as_mut() else { continue };
        add(&scene.counts.asked);
        let asked = connection.ask(Drip::nothing()).await;
        scene.counts.answered(&asked);
        if !connection.is_open().await {
            held = None;
        }
    }
}

/// Asks on one HTTP/2 connection, up to `streams` at a time, in volleys of half as many.
pub(super) async fn multiplexed(scene: Arc<Scene>, number: u32, pause: Duration, streams: usize) {
    scene.wait_for_turn(number, super::ADDRESSES).await;
    let mut held: Option<Connection> = None;
    let places = Arc::new(Semaphore::new(streams));
    let volley = u32::try_from(streams.div_ceil(2)).unwrap_or(1);
    let mut volleys = interval(pause * volley);
    volleys.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while Instant::now() < scene.end {
        volleys.tick().await;
        let is_open = match held.as_mut() {
            Some(connection) => connection.is_open().await,
            None => false,
        };
        if !is_open {
            held = scene.open(number, Protocol::Http2).await;
        }
        for _ in 0..volley {
            let place = Arc::clone(&places).try_acquire_owned();
            let connection = held.as_ref().and_then(Connection::share);
            if let (Ok(place), Some(mut connection)) = (place, connection) {
                let scene = Arc::clone(&scene);
                tokio::spawn(async move {
                    add(&scene.counts.asked);
                    scene.counts.answered(&connection.ask(Drip::nothing()).await);
                    drop(place);
                });
            }
        }
    }
}

/// Posts a body that comes a byte at a time, and another when that one is refused.
pub(super) async fn slow(scene: Arc<Scene>, number: u32, of: u32) {
    scene.wait_for_turn(number, of).await;
    while Instant::now() < scene.end {
        if let Some(mut connection) = scene.open(number, Protocol::Http11).await {
            add(&scene.counts.asked);
            let asked: Result<Asked, _> = connection.ask(Drip::new(BODY, DROP)).await;
            scene.counts.answered(&asked);
        }
        sleep(DROP).await;
    }
}

impl Scene {
    async fn open(&self, number: u32, protocol: Protocol) -> Option<Connection> {
        add(&self.counts.tried);
        let opened = self.client.open(from(number), protocol).await.ok()?;
        add(&self.counts.connected);
        Some(opened)
    }
}

/// A body that will not be whole before the flood is over.
const BODY: u64 = 100_000;

/// A byte a second.
const DROP: Duration = Duration::from_secs(1);
