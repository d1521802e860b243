//! Connections that have left HTTP: a WebSocket is bytes both ways until one side ends.

use std::time::Duration;

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional_with_sizes;
use tokio_util::task::TaskTracker;

use crate::pool::Lease;

/// The open tunnels of one worker. A server's own drain does not know them, so they are counted here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tunnels(TaskTracker);

impl Tunnels {
    pub(crate) fn new(tasks: TaskTracker) -> Self {
        Self(tasks)
    }

    /// Joins the two sides. The lease counts the tunnel as a connection of the upstream until it ends.
    pub(crate) fn open(&self, ours: OnUpgrade, theirs: OnUpgrade, lease: Lease) {
        self.0.spawn(async move {
            let _held = lease;
            let both = async { tokio::try_join!(ours, theirs) };
            // The upstream has switched already; a client that does not follow is gone.
            let Ok(Ok((ours, theirs))) = tokio::time::timeout(SWITCH, both).await else {
                return;
            };
            if let Err(error) = relay(ours, theirs).await {
                tracing::debug!(%error, "a tunnel ended");
            }
        });
    }
}

async fn relay(ours: Upgraded, theirs: Upgraded) -> std::io::Result<(u64, u64)> {
    let (mut ours, mut theirs) = (TokioIo::new(ours), TokioIo::new(theirs));
    copy_bidirectional_with_sizes(&mut ours, &mut theirs, BUFFER, BUFFER).await
}

/// How long a client may take to switch after it was told that it can.
const SWITCH: Duration = Duration::from_secs(10);

/// Bytes held per direction of a tunnel.
const BUFFER: usize = 16 * 1024;
