//! Connections that have left HTTP: a WebSocket is bytes both ways until one side ends.

use std::time::Duration;

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional_with_sizes;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::pool::Lease;

/// The open tunnels of one tenant on one worker. A server's own drain does not know them, so they are counted here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tunnels {
    tasks: TaskTracker,
    removed: CancellationToken,
}

impl Tunnels {
    /// Tunnels that are counted among `tasks`, and closed when the tenant is `removed`.
    pub(crate) const fn new(tasks: TaskTracker, removed: CancellationToken) -> Self {
        Self { tasks, removed }
    }

    /// Joins the two sides. The lease counts the tunnel as a connection of the upstream until it ends.
    pub(crate) fn open(&self, ours: OnUpgrade, theirs: OnUpgrade, lease: Lease) {
        let removed = self.removed.clone();
        self.tasks.spawn(async move {
            let _held = lease;
            let both = async { tokio::try_join!(ours, theirs) };
            // The upstream has switched already; a client that does not follow is gone.
            let Ok(Ok((ours, theirs))) = tokio::time::timeout(SWITCH, both).await else {
                return;
            };
            let ended = tokio::select! {
                ended = relay(ours, theirs) => ended,
                () = removed.cancelled() => Ok(()),
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a tunnel ended");
            }
        });
    }
}

async fn relay(ours: Upgraded, theirs: Upgraded) -> std::io::Result<()> {
    let (mut ours, mut theirs) = (TokioIo::new(ours), TokioIo::new(theirs));
    copy_bidirectional_with_sizes(&mut ours, &mut theirs, BUFFER, BUFFER)
        .await
        .map(drop)
}

/// How long a client may take to switch after it was told that it can.
const SWITCH: Duration = Duration::from_secs(10);

/// Bytes held per direction of a tunnel.
const BUFFER: usize = 16 * 1024;
