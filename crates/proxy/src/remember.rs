//! What is kept of a tenant for a start with a broken file, and how it becomes a tenant again.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rempart_config::{Kept, KeptCertificate, TenantConfig, TenantFile, TenantState, TlsSource};
use rempart_tls::{DevelopmentCa, DevelopmentCaError, PemPair};

use crate::served::Site;

/// What is kept of a tenant that is served as its file says; `None` for another, of which the file is not good.
pub(crate) fn keep(state: TenantState, file: &TenantFile, site: &Site, since: Option<SystemTime>) -> Option<Kept> {
    if state != TenantState::Current {
        return None;
    }
    Some(Kept {
        file: file.text()?.to_owned(),
        certificate: certificate(site),
        at: seconds(SystemTime::now()),
        wrong_since: since.map(seconds),
    })
}

/// What was kept before, with the certificate that it is served with now, and the note since when the file in its place is
/// wrong.
pub(crate) fn marked(kept: Kept, site: &Site, since: Option<SystemTime>) -> Kept {
    let certificate = certificate(site);
    let at = if certificate == kept.certificate {
        kept.at
    } else {
        seconds(SystemTime::now())
    };
    Kept {
        certificate,
        at,
        wrong_since: since.map(seconds),
        ..kept
    }
}

fn certificate(site: &Site) -> Option<KeptCertificate> {
    let text = |pem: &[u8]| String::from_utf8_lossy(pem).into_owned();
    site.pair.as_ref().map(|pair| KeptCertificate {
        chain: text(pair.chain()),
        key: text(pair.key()),
    })
}

/// The certificate that was kept. It is judged by the time at which it was found good: one that has expired since then is
/// better than none, because the browser says so and the visitor sees whose site it is.
pub(crate) fn site(
    tenant: &TenantConfig,
    kept: &Kept,
    ca: impl FnOnce() -> Result<Arc<DevelopmentCa>, DevelopmentCaError>,
) -> Option<Site> {
    match (&tenant.tls, &kept.certificate) {
        (TlsSource::Development, _) => Site::load(tenant, None, ca).ok(),
        (TlsSource::Files { certificate, key }, Some(pair)) => {
            let pair = pair_of(pair, certificate, key);
            Site::of_pair(tenant, pair, kept.found_good()).ok()
        }
        (TlsSource::Files { .. }, None) => None,
    }
}

fn pair_of(kept: &KeptCertificate, chain: &Path, key: &Path) -> PemPair {
    PemPair::of(kept.chain.clone(), kept.key.clone(), chain, key)
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
