//! One tenant as it is served: its configuration, its controls, its certificate.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rempart_config::{Stamp, TenantConfig, TlsSource};
use rempart_guard::{Day, DecisionSink, Problem, Problems, Reporter};
use rempart_sessions::Sessions;
use rempart_tenant::KeyRing;
use rempart_tls::{Certificate, DevelopmentCa, DevelopmentCaError, PemPair, ServerConfig, StrictTls, is_reserved, now};

use crate::commons::Commons;
use crate::rooms;
use crate::stack::Controls;

/// A tenant that is served, shared by the workers. Replaced as a whole.
pub(crate) struct Served {
    pub(crate) config: Arc<TenantConfig>,
    pub(crate) controls: Controls,
    pub(crate) site: Site,
    /// What the keys of its controls come from.
    pub(crate) ring: Arc<KeyRing>,
}

impl Served {
    /// Builds what the tenant's file asks for. Counts of the tenant that this one replaces are taken over, where they mean
    /// the same.
    pub(crate) fn new(
        config: Arc<TenantConfig>,
        site: Site,
        (ring, state): (&Arc<KeyRing>, &Path),
        (commons, sink): (&Commons, &Arc<dyn DecisionSink>),
        replaces: Option<&Self>,
    ) -> Result<Self, Problems> {
        let keys = ring.tenant(&config.id);
        let reporter = Reporter::new(config.id.clone(), Arc::clone(sink));
        let replaced = replaces.map(|served| &served.controls);
        let sessions = sessions(&config, state, replaced.map(Controls::sessions));
        commons.tell_of(&config.id, &sessions, &keys);
        let controls = Controls::new(&config, &keys, sessions, commons, reporter, replaced)?;
        if let Some(room) = controls.waiting_room()
            && replaced.is_none_or(|replaced| replaced.waiting_room().is_none())
        {
            rooms::restore(room, &rooms::place(state, &config.id));
        }
        Ok(Self {
            config,
            controls,
            site,
            ring: Arc::clone(ring),
        })
    }

    /// Takes the place of another: what it claims of the edge is its own from now on.
    pub(crate) fn settle_in(&self, was: &Self) {
        if self.config.shares != was.config.shares {
            self.controls.share().claim();
        }
        if self.config.upstream.authority != was.config.upstream.authority {
            self.controls.share().forget_upstream();
        }
    }

    /// Whether it serves just this already.
    pub(crate) fn is(&self, config: &Arc<TenantConfig>, site: &Site, ring: &Arc<KeyRing>) -> bool {
        (Arc::ptr_eq(&self.config, config) || *self.config == **config)
            && self.site.is(site)
            && (Arc::ptr_eq(&self.ring, ring) || *self.ring == **ring)
    }
}

/// The tenant's sessions: those that there are, under the policy as it is now, or what was kept of them.
fn sessions(config: &TenantConfig, state: &Path, replaces: Option<&Arc<Sessions>>) -> Arc<Sessions> {
    let policy = &config.sessions;
    match replaces {
        Some(same) if same.policy() == policy => return Arc::clone(same),
        Some(other) if other.home().is_some() => return Arc::new(other.with_policy(policy.clone())),
        _ => {}
    }
    let path = state.join(SESSIONS).join(format!("{}.json", config.id));
    if !policy.enforcement().is_on() && !path.exists() {
        return Arc::new(Sessions::new(policy.clone()));
    }
    let before = replaces.map_or(policy, |other| other.policy());
    let (sessions, read) = Sessions::new(before.clone()).kept_in(path);
    if let Err(error) = read {
        tracing::error!(%error, tenant = %config.id, "what was ended of a tenant's sessions cannot be read: all of them have ended");
    }
    Arc::new(sessions.with_policy(policy.clone()))
}

/// What outlives the edge of each tenant's sessions, in the state directory.
const SESSIONS: &str = "sessions";

/// A certificate that was checked, ready for handshakes.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) server: Arc<ServerConfig>,
    /// The last second at which the certificate is valid, from 1970.
    pub(crate) not_after: u64,
    /// What it was made of; `None` for the development CA's.
    pub(crate) pair: Option<Arc<PemPair>>,
    /// The stamps of the two files, when they tell one version from another.
    stamps: Option<[Stamp; 2]>,
}

impl Site {
    /// Loads or issues a tenant's certificate. The one it is served with is taken when nothing has changed: sessions that
    /// clients have are resumed then.
    pub(crate) fn load(
        tenant: &TenantConfig,
        before: Option<&Served>,
        ca: impl FnOnce() -> Result<Arc<DevelopmentCa>, DevelopmentCaError>,
    ) -> Result<Self, Problem> {
        let before = before
            .filter(|served| served.config.tls == tenant.tls && served.config.hosts == tenant.hosts)
            .map(|served| &served.site);
        match (&tenant.tls, before) {
            (TlsSource::Development, Some(site)) => Ok(site.clone()),
            (TlsSource::Development, None) => {
                let issued = ca().and_then(|ca| ca.issue(&hosts(tenant), now()));
                Ok(Self::of(issued.map_err(|error| development(&error))?))
            }
            (TlsSource::Files { certificate, key }, before) => Self::of_files(tenant, certificate, key, before),
        }
    }

    fn of_files(tenant: &TenantConfig, chain: &Path, key: &Path, before: Option<&Self>) -> Result<Self, Problem> {
        let stamps = stamps(chain, key);
        if let Some(site) = before
            && stamps.is_some()
            && stamps == site.stamps
        {
            return Ok(site.clone());
        }
        let pair = PemPair::read(chain, key).map_err(|error| problem(&error))?;
        match before {
            Some(site) if site.pair.as_deref() == Some(&pair) => Ok(Self { stamps, ..site.clone() }),
            _ => Ok(Self {
                stamps,
                ..Self::of_pair(tenant, pair, SystemTime::now())?
            }),
        }
    }

    /// A certificate that was read before, and was good at that time.
    pub(crate) fn of_pair(tenant: &TenantConfig, pair: PemPair, at: SystemTime) -> Result<Self, Problem> {
        let certificate = pair
            .check(&hosts(tenant), rempart_tls::at(at))
            .map_err(|error| problem(&error))?;
        Ok(Self {
            pair: Some(Arc::new(pair)),
            ..Self::of(certificate)
        })
    }

    fn of(certificate: Certificate) -> Self {
        Self {
            not_after: certificate.not_after().as_secs(),
            server: StrictTls::new(certificate).config(),
            pair: None,
            stamps: None,
        }
    }

    /// Whether both are the same certificate, with the same sessions.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.server, &other.server)
    }
}

/// The stamps of both files, when no later version of either can have the same.
fn stamps(chain: &Path, key: &Path) -> Option<[Stamp; 2]> {
    let stamp = |path: &Path| {
        let stamp = Stamp::of(&std::fs::metadata(path).ok()?);
        stamp.is_settled(SystemTime::now()).then_some(stamp)
    };
    Some([stamp(chain)?, stamp(key)?])
}

/// What is wrong with a tenant's certificate, without making anything; and of one that is right, whether it ends soon.
pub(crate) fn check(tenant: &TenantConfig, now: SystemTime) -> Result<Option<Problem>, Problem> {
    match &tenant.tls {
        TlsSource::Files { certificate, key } => {
            let checked = Certificate::from_files(certificate, key, &hosts(tenant), rempart_tls::at(now));
            let checked = checked.map_err(|error| problem(&error))?;
            Ok(ends_soon(&checked, now))
        }
        TlsSource::Development => match hosts(tenant).into_iter().find(|host| !is_reserved(host)) {
            Some(host) => Err(development(&DevelopmentCaError::Public { host })),
            None => Ok(None),
        },
    }
}

fn ends_soon(certificate: &Certificate, now: SystemTime) -> Option<Problem> {
    let [from, to] = [certificate.not_before(), certificate.not_after()].map(|time| time.as_secs());
    let left = to.saturating_sub(rempart_tls::at(now).as_secs());
    let notice = (to.saturating_sub(from) / 4).min(NOTICE.as_secs());
    let day = Day::of(UNIX_EPOCH + Duration::from_secs(to));
    let message = format!("the certificate ends on {day}, {}", days(left));
    let problem = Problem::new(["tls", "certificate"], "certificate_ends_soon", message);
    (left < notice).then(|| problem.help("renew it; `rempart reload` takes the new one without losing a request"))
}

fn days(seconds: u64) -> String {
    match seconds / (24 * 3_600) {
        0 => "in less than a day".to_owned(),
        1 => "in 1 day".to_owned(),
        days => format!("in {days} days"),
    }
}

/// Three weeks: whoever renews by hand has two more weekends, and one who renews by machine (a month before, usually) has
/// had a week of failures.
const NOTICE: Duration = Duration::from_secs(21 * 24 * 3_600);

fn problem(error: &rempart_tls::CertificateError) -> Problem {
    Problem::new(["tls", error.key()], error.code(), error.to_string())
}

fn development(error: &DevelopmentCaError) -> Problem {
    Problem::new(["hosts"], error.code(), error.to_string())
}

fn hosts(tenant: &TenantConfig) -> Vec<String> {
    tenant.hosts.iter().map(ToString::to_string).collect()
}
