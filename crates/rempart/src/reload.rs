//! What a reload says to the log, whoever asked for it.

use std::path::Path;

use rempart_config::{Diagnostics, Scope, TenantState};
use rempart_proxy::{Control, Reloaded};

/// Reloads, and logs what came of it; `why` is who asked.
pub(crate) fn reload(control: &Control, scope: &Scope, why: &str) -> Result<Reloaded, Diagnostics> {
    let result = control.reload(scope);
    match &result {
        Ok(reloaded) => {
            say_standing(control);
            for key in &reloaded.at_next_start {
                tracing::warn!(key, "changed in rempart.toml; takes effect at the next start");
            }
            tracing::info!(why, took = ?reloaded.took, "reloaded: {reloaded}");
        }
        Err(wrong) => {
            say_wrong(wrong, &control.directory());
            tracing::error!(
                why,
                "nothing was reloaded: the vendor's part of the configuration is wrong"
            );
        }
    }
    result
}

/// Everything that is wrong with any file, and how the tenant is served all the same.
pub(crate) fn say_standing(control: &Control) {
    let wrong = control.wrong();
    say_wrong(&wrong, &control.directory());
    // Whoever is quarantined has something wrong. When nobody has, ten thousand need not be gone through.
    if wrong.is_empty() {
        return;
    }
    for status in control
        .tenants()
        .into_iter()
        .filter(|status| status.state != TenantState::Current)
    {
        let tenant = status.tenant.as_str();
        let since = status.since.and_then(|since| since.elapsed().ok()).unwrap_or_default();
        let state = status.state.as_str();
        match status.state {
            TenantState::Absent => tracing::error!(tenant, state, ?since, "quarantined, and not served"),
            _ => tracing::error!(tenant, state, ?since, "quarantined: served as its last good file said"),
        }
    }
}

/// One line for each problem: where, which, what.
fn say_wrong(wrong: &Diagnostics, directory: &Path) {
    for one in wrong.clone().under(directory).iter() {
        let (at, key) = (one.place.to_string(), one.key.to_string());
        tracing::error!(
            tenant = one.tenant.as_deref(),
            code = one.code,
            key,
            "{at}: {}",
            one.message.escape_debug()
        );
    }
}
