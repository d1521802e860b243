//! Handshakes: whole ones with nothing behind them, and ones that are never finished.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, interval, timeout};

use super::{ADDRESSES, Scene, add, from};
use crate::BoxError;
use crate::client::Protocol;

/// Shakes hands again and again, each time on a new connection, which is closed at once. They come in volleys, one from each
/// address at the same moment, so many a second in all.
pub(super) async fn shaken(scene: Arc<Scene>, pause: Duration) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut volleys = interval(pause * ADDRESSES);
    while Instant::now() < scene.end {
        volleys.tick().await;
        for number in 0..ADDRESSES {
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                break;
            };
            let scene = Arc::clone(&scene);
            tokio::spawn(async move {
                scene.shake_hands(number).await;
                drop(place);
            });
        }
    }
}

impl Scene {
    async fn shake_hands(&self, number: u32) {
        add(&self.counts.tried);
        let protocol = match number % 2 {
            0 => Protocol::Http2,
            _ => Protocol::Http11,
        };
        if let Ok(mut stream) = self.client.shake_hands(from(number), protocol).await {
            // The client is done before the server is: that it does not break off shows that it is done, too.
            let heard = timeout(GLANCE, stream.read_u8()).await;
            if !matches!(heard, Ok(Err(_))) {
                add(&self.counts.connected);
            }
        }
    }
}

/// Begins handshakes and leaves them: nothing is said, half a ClientHello, or a whole one and no more. The last `most`
/// connections are held.
pub(super) async fn held_out(scene: Arc<Scene>, pause: Duration, most: usize) {
    let mut held = VecDeque::with_capacity(most);
    let mut ticks = interval(pause);
    for number in 0.. {
        ticks.tick().await;
        if Instant::now() >= scene.end {
            return;
        }
        add(&scene.counts.tried);
        if let Ok(stream) = begin(&scene, number).await {
            add(&scene.counts.connected);
            held.push_back(stream);
        }
        if held.len() > most {
            held.pop_front();
        }
    }
}

async fn begin(scene: &Scene, number: u32) -> Result<TcpStream, BoxError> {
    let mut stream = scene.client.connect(from(number)).await?;
    let hello = scene.client.hello()?;
    match number % 3 {
        0 => {}
        1 => stream.write_all(&hello[..hello.len() / 2]).await?,
        _ => stream.write_all(&hello).await?,
    }
    Ok(stream)
}

/// Handshakes that may be on their way at a time.
const AT_ONCE: usize = 1_000;

/// How long a connection stays after its handshake.
const GLANCE: Duration = Duration::from_millis(50);
