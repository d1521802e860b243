//! What changes in the vendor's own part.

use std::net::SocketAddr;
use std::path::Path;

use rempart_guard::{Change, Effect};

use crate::vendor::{Listen, VendorConfig};

use super::tenant::time;
use super::{beyond, turned, written};

impl VendorConfig {
    /// What will be different under `new`, of the same directory. What begins only when the program is started again says
    /// so.
    #[must_use]
    pub fn changes_to(&self, new: &Self) -> Vec<Change> {
        changes((self, Path::new("")), (new, Path::new("")))
    }
}

/// The same of two directories, for what is written relative to them.
pub(super) fn changes(
    (old, old_directory): (&VendorConfig, &Path),
    (new, new_directory): (&VendorConfig, &Path),
) -> Vec<Change> {
    let VendorConfig {
        listen,
        trusted_proxies,
        state,
        keys,
        development_certificates,
        drain,
        watch,
        metrics,
        capacity,
        redis,
    } = old;
    let (old_state, new_state) = (written(state, old_directory), written(&new.state, new_directory));
    let moved = (old_state != new_state).then(|| {
        let (old, new) = (old_state.display(), new_state.display());
        at_next_start(Change::other(format!("the state is kept in {new} instead of {old}")))
    });
    let (networks, new_networks) = (trusted_proxies.networks(), new.trusted_proxies.networks());
    let distrusted = beyond(networks, new_networks, |network| {
        Change::tightens(format!(
            "what {network} says of its clients is no longer believed: it is the client itself"
        ))
    });
    let trusted = beyond(new_networks, networks, |network| {
        Change::loosens(format!("what {network} says of its clients is believed"))
    });
    let certificates = turned(
        *development_certificates,
        new.development_certificates,
        Effect::Loosens,
        "tenants without a certificate get one of the development CA, which no browser trusts",
        "tenants without a certificate get none any more",
    );
    let drained = time(*drain, new.drain, |time| {
        format!("a stop waits for requests for {time}")
    });
    let watched = turned(
        *watch,
        new.watch,
        Effect::Changes,
        "a change of a file is loaded by itself",
        "a change of a file is no longer loaded by itself",
    );
    let measured = addresses("metrics are", metrics.as_slice(), new.metrics.as_slice());
    let measured = measured.into_iter().map(at_next_start);
    let shared = (*redis != new.redis).then(|| {
        at_next_start(match (redis, &new.redis) {
            (_, None) => Change::loosens("limits and ended sessions are this edge's alone"),
            (None, Some(_)) => Change::tightens("limits and ended sessions are shared with other edges"),
            (Some(_), Some(_)) => Change::other("limits and ended sessions are shared in another way, or elsewhere"),
        })
    });
    let lists = listen
        .changes_to(&new.listen)
        .into_iter()
        .chain(distrusted)
        .chain(measured)
        .chain(keys.changes_to(&new.keys))
        .chain(capacity.changes_to(&new.capacity))
        .chain(trusted);
    let switches = [moved, shared, certificates, drained, watched].into_iter().flatten();
    lists.chain(switches).collect()
}

impl Listen {
    fn changes_to(&self, new: &Self) -> Vec<Change> {
        let Self { https, http, workers } = self;
        let threads = (*workers != new.workers).then(|| {
            let say = |workers: Option<std::num::NonZeroUsize>| {
                workers.map_or("one worker for each core".to_owned(), |workers| {
                    format!("{workers} workers")
                })
            };
            Change::other(format!(
                "requests are served by {} instead of {}",
                say(new.workers),
                say(*workers)
            ))
        });
        let https = addresses("HTTPS is", https, &new.https);
        let http = addresses("plain HTTP is", http, &new.http);
        let changes = https.into_iter().chain(http).chain(threads);
        changes.map(at_next_start).collect()
    }
}

fn addresses(what: &str, old: &[SocketAddr], new: &[SocketAddr]) -> Vec<Change> {
    let mut changes = beyond(old, new, |address| {
        Change::other(format!("{what} no longer answered on {address}"))
    });
    changes.extend(beyond(new, old, |address| {
        Change::other(format!("{what} answered on {address} from now on"))
    }));
    changes
}

fn at_next_start(change: Change) -> Change {
    Change::new(change.effect, change.text + " (at the next start)")
}
