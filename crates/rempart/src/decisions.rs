//! From the request's path to the log, without waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use rempart_guard::{Decision, DecisionSink};

/// A sink that hands decisions to a thread which writes them. When the thread does not keep up, decisions are counted
/// instead of written, and the count is: a flood must not slow the requests that it is not part of.
pub(crate) struct DecisionLog {
    queue: SyncSender<Decision>,
    unwritten: Arc<AtomicU64>,
}

impl DecisionLog {
    /// Starts the thread. `write` gets each decision; `unwritten` gets how many it did not get, once there is room again.
    pub(crate) fn start(
        write: impl FnMut(&Decision) + Send + 'static,
        unwritten: impl FnMut(u64) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (queue, decisions) = sync_channel(QUEUE);
        let count = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&count);
        thread::Builder::new()
            .name("decisions".into())
            .spawn(move || drain(&decisions, &counted, write, unwritten))?;
        Ok(Self {
            queue,
            unwritten: count,
        })
    }

    /// A log that writes with `tracing`, one event per decision, with its parts as fields.
    pub(crate) fn tracing() -> std::io::Result<Self> {
        Self::start(
            log,
            |count| tracing::warn!(target: "decision", count, "decisions that were too many to log"),
        )
    }
}

impl DecisionSink for DecisionLog {
    fn record(&self, decision: Decision) {
        if self.queue.try_send(decision).is_err() {
            self.unwritten.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Decisions that wait to be written, at about 200 bytes each.
const QUEUE: usize = 4096;

fn drain(
    decisions: &Receiver<Decision>,
    count: &AtomicU64,
    mut write: impl FnMut(&Decision),
    mut unwritten: impl FnMut(u64),
) {
    while let Ok(decision) = decisions.recv() {
        write(&decision);
        match count.swap(0, Ordering::Relaxed) {
            0 => {}
            missed => unwritten(missed),
        }
    }
}

/// Nothing that a client chose reaches the terminal unescaped.
fn log(decision: &Decision) {
    let client = decision
        .downstream
        .map(|downstream| downstream.client.network(32, 64).to_string());
    let request = decision.downstream.map(|downstream| downstream.request.to_string());
    tracing::info!(
        target: "decision",
        tenant = decision.tenant.as_deref(),
        feature = decision.feature,
        code = decision.code,
        enforcement = decision.enforcement.as_str(),
        client,
        request,
        "{}",
        decision.evidence.escape_debug(),
    );
}
