//! How the program is told to end, and to read its configuration again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{io, thread};

use rempart_config::Scope;
use rempart_proxy::Control;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::reload;

/// A token that SIGTERM or SIGINT cancels. A second signal ends the process at once, with the status that shells give
/// for SIGINT.
pub(crate) fn drain() -> io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let drain = token.clone();
    watch(
        "signals",
        [SignalKind::terminate(), SignalKind::interrupt()],
        move || {
            if drain.is_cancelled() {
                std::process::exit(130);
            }
            tracing::info!("draining: a second signal ends at once");
            drain.cancel();
        },
    )?;
    Ok(token)
}

/// Reloads at each SIGHUP. Those that come while it reloads are one more reload together, which reads what each would.
pub(crate) fn reload_at_hang_up(control: &Control) -> io::Result<()> {
    let control = control.clone();
    watch("hang-ups", [SignalKind::hangup()], move || {
        // The log has said what came of it. After a panic the next hang-up is heard all the same.
        let reload = || drop(reload::reload(&control, &Scope::All, "SIGHUP"));
        if catch_unwind(AssertUnwindSafe(reload)).is_err() {
            tracing::error!("a reload panicked; the log has where");
        }
    })
}

/// Calls for every signal of these kinds, on a thread of its own.
fn watch<const N: usize>(
    name: &str,
    kinds: [SignalKind; N],
    mut each: impl FnMut() + Send + 'static,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals: Vec<Signal> = {
        let _inside = runtime.enter();
        kinds.into_iter().map(signal).collect::<io::Result<_>>()?
    };
    let thread = thread::Builder::new().name(name.into()).spawn(move || {
        runtime.block_on(async {
            loop {
                let any = std::future::poll_fn(|cx| {
                    let came = signals.iter_mut().any(|signal| signal.poll_recv(cx).is_ready());
                    if came {
                        std::task::Poll::Ready(())
                    } else {
                        std::task::Poll::Pending
                    }
                });
                any.await;
                each();
            }
        });
    });
    thread.map(drop)
}
