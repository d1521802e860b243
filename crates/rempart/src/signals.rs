//! How the program is told to end.

use std::{io, thread};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that SIGTERM or SIGINT cancels. A second signal ends the process at once, with the status that shells give
/// for SIGINT.
pub(crate) fn drain() -> io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let drain = token.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut term, mut int) = {
        let _inside = runtime.enter();
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
    };
    thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(async {
            loop {
                tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
                if drain.is_cancelled() {
                    std::process::exit(130);
                }
                tracing::info!("draining: a second signal ends at once");
                drain.cancel();
            }
        });
    })?;
    Ok(token)
}
