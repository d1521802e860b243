//! What changes for one tenant.

use std::path::Path;
use std::time::Duration;

use rempart_cookie::CookieRules;
use rempart_guard::{Change, in_words};
use rempart_tenant::HostPattern;

use crate::tenant::{TenantConfig, TlsSource};
use crate::upstream::UpstreamPolicy;

use super::{beyond, written};

impl TenantConfig {
    /// What will be different for this tenant's clients under `new`, its next configuration. Nothing when both behave
    /// alike, however they are written.
    ///
    /// Files below the directory of the configuration are the same in two directories.
    #[must_use]
    pub fn changes_to(&self, new: &Self) -> Vec<Change> {
        let Self {
            id: _,
            hosts,
            upstream,
            tls,
            rate_limit,
            shares,
            waiting_room,
            routes,
            cookies,
            cookie_domains,
            sessions,
            login,
            headers,
            file: _,
        } = self;
        let lost = beyond(hosts, &new.hosts, |host| {
            Change::other(format!("no longer answers {host}"))
        });
        let more = beyond(&new.hosts, hosts, |host| {
            Change::other(format!("answers {host} from now on"))
        });
        let tls = tls_changes((tls, self.directory()), (&new.tls, new.directory()));
        // That cookies may have the `Domain` of a host goes without saying when the host itself comes or goes.
        let stays = |host: &&String| [self, new].iter().all(|side| side.answers(host));
        let [old_domains, new_domains] = [cookie_domains, &new.cookie_domains]
            .map(|domains| domains.iter().filter(stays).cloned().collect::<Vec<_>>());
        let [old_cookies, new_cookies] = [(cookies, &old_domains), (&new.cookies, &new_domains)]
            .map(|(settings, hosts)| CookieRules { settings, hosts });
        let parts = [
            lost,
            more,
            upstream.changes_to(&new.upstream),
            tls.into_iter().collect(),
            rate_limit.changes_to(&new.rate_limit),
            shares.changes_to(&new.shares),
            waiting_room.changes_to(&new.waiting_room),
            routes.changes_to(&new.routes),
            old_cookies.changes_to(new_cookies),
            sessions.changes_to(&new.sessions),
            login.changes_to(&new.login),
            headers.changes_to(&new.headers),
        ];
        parts.into_iter().flatten().collect()
    }

    fn answers(&self, name: &str) -> bool {
        let is_it = |host: &HostPattern| matches!(host, HostPattern::Exact(host) if host.as_str() == name);
        self.hosts.iter().any(is_it)
    }

    /// The directory of the configuration: its file is `tenants.d/NAME.toml` in it.
    fn directory(&self) -> &Path {
        let tenants = self.file.parent();
        tenants.and_then(Path::parent).unwrap_or(Path::new(""))
    }
}

impl UpstreamPolicy {
    fn changes_to(&self, new: &Self) -> Vec<Change> {
        let Self {
            authority,
            connect_timeout,
            response_timeout,
            idle_timeout,
            max_connections,
        } = self;
        let requests = (*authority != new.authority).then(|| {
            Change::other(format!(
                "requests go to the application at {} instead of {authority}",
                new.authority
            ))
        });
        let waits = [
            time(*connect_timeout, new.connect_timeout, |time| {
                format!("a connection to the application may take {time}")
            }),
            time(*response_timeout, new.response_timeout, |time| {
                format!("the application may wait with its answer for {time}")
            }),
            time(*idle_timeout, new.idle_timeout, |time| {
                format!("a connection to the application is kept without a request for {time}")
            }),
        ];
        let connections = (*max_connections != new.max_connections).then(|| {
            Change::other(format!(
                "each worker has at most {} connections to the application instead of {max_connections}",
                new.max_connections
            ))
        });
        requests
            .into_iter()
            .chain(waits.into_iter().flatten())
            .chain(connections)
            .collect()
    }
}

/// A time that is another, after what it is the time of.
pub(super) fn time(old: Duration, new: Duration, say: impl Fn(String) -> String) -> Option<Change> {
    (old != new).then(|| Change::other(format!("{} instead of {}", say(in_words(new)), in_words(old))))
}

fn tls_changes(old: (&TlsSource, &Path), new: (&TlsSource, &Path)) -> Option<Change> {
    let files = |(source, directory): (&TlsSource, &Path)| match source {
        TlsSource::Files { certificate, key } => Some(format!(
            "{} with {}",
            written(certificate, directory).display(),
            written(key, directory).display()
        )),
        TlsSource::Development => None,
    };
    match (files(old), files(new)) {
        (None, Some(new)) => Some(Change::tightens(format!(
            "the certificate is {new} instead of one of the development CA"
        ))),
        (Some(old), None) => Some(Change::loosens(format!(
            "the certificate is one of the development CA, which no browser trusts, instead of {old}"
        ))),
        (Some(old), Some(new)) if old != new => {
            Some(Change::other(format!("the certificate is {new} instead of {old}")))
        }
        _ => None,
    }
}
