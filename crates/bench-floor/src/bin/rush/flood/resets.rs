//! HTTP/2 requests that are taken back in the same write.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, interval, sleep};
use tokio_rustls::client::TlsStream;

use super::{ADDRESSES, Scene, add, frames, from};
use crate::BoxError;
use crate::client::Protocol;

/// Asks and takes back on one connection, in bursts, and on another when the server has had enough.
pub(super) async fn taken_back(scene: Arc<Scene>, number: u32, rate: u32) {
    scene.wait_for_turn(number, ADDRESSES).await;
    let each = rate.div_ceil(ADDRESSES);
    while Instant::now() < scene.end {
        add(&scene.counts.tried);
        if let Ok(stream) = scene.client.shake_hands(from(number), Protocol::Http2).await {
            add(&scene.counts.connected);
            if burst_after_burst(&scene, stream, each).await.is_err() {
                add(&scene.counts.broken);
            }
        }
        sleep(AGAIN).await;
    }
}

async fn burst_after_burst(scene: &Scene, stream: TlsStream<TcpStream>, rate: u32) -> Result<(), BoxError> {
    let (reader, mut writer) = tokio::io::split(stream);
    let mut bytes = frames::preface();
    bytes.extend(frames::acknowledgement());
    writer.write_all(&bytes).await?;
    let mut ticks = interval(BURST);
    let asking = async {
        let mut stream = 1;
        let (begun, mut asked) = (Instant::now(), 0);
        loop {
            ticks.tick().await;
            let due = (begun.elapsed().as_secs_f64() * f64::from(rate)) as u32;
            let mut bytes = Vec::new();
            while asked < due {
                bytes.extend(frames::request_and_reset(stream, scene.client.host()));
                add(&scene.counts.asked);
                (stream, asked) = (stream + 2, asked + 1);
            }
            if let Err(error) = async {
                writer.write_all(&bytes).await?;
                writer.flush().await
            }
            .await
            {
                return Err::<(), BoxError>(error.into());
            }
        }
    };
    tokio::select! {
        ended = asking => ended,
        ended = drain(reader) => ended,
    }
}

/// Reads what comes, and forgets it.
async fn drain(mut reader: impl AsyncRead + Unpin) -> Result<(), BoxError> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        if reader.read(&mut buffer).await? == 0 {
            return Err("the server closed the connection".into());
        }
    }
}

/// How often requests go out.
const BURST: Duration = Duration::from_millis(50);

/// How long until a connection that was closed is followed by another.
const AGAIN: Duration = Duration::from_millis(200);
