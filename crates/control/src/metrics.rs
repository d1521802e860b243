//! `GET /metrics`: what is true at that moment, in the text form of OpenMetrics 1.0.
//!
//! Nothing is counted here: the edge is asked when somebody scrapes. A label's value is a tenant that has a file, or a word
//! that stands in this file; nothing that a client of the edge sends becomes one.

use std::fmt;
use std::time::SystemTime;

use http::StatusCode;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use rempart_config::TenantState;
use rempart_proxy::{History, Load, TenantStatus};

use crate::administration::Administration;
use crate::refusal::{Answer, Refusal, text};

mod load;

/// Asks the edge, and writes what it says.
pub(crate) fn answer(administration: &Administration) -> Result<Answer, Refusal> {
    let control = administration.control();
    let scrape = Scrape {
        tenants: control.tenants(),
        history: control.history(),
        load: control.load(),
    };
    let written = scrape.written().map_err(|fmt::Error| Refusal::Internal)?;
    Ok(text(StatusCode::OK, FORM, written))
}

/// OpenMetrics 1.0, section 4.
const FORM: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything that is measured, at one time.
#[derive(Clone, Debug)]
struct Scrape {
    tenants: Vec<TenantStatus>,
    history: History,
    load: Load,
}

impl Scrape {
    fn written(self) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut written = String::new();
        prometheus_client::encoding::text::encode(&mut written, &registry)?;
        Ok(written)
    }

    fn of_tenants(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Whether a tenant is served as its file says (current), as its last good file said (last_good), or not \
                    at all (absent)";
        let mut states = encoder.encode_descriptor("rempart_config_tenant_state", help, None, MetricType::Gauge)?;
        for status in &self.tenants {
            for state in TenantState::ALL {
                let labels = [("tenant", status.tenant.as_str()), ("state", state.as_str())];
                let is = u32::from(status.state == state);
                states.encode_family(&labels)?.encode_gauge(&is)?;
            }
        }
        let help = "Since when something is wrong with a tenant's file";
        let name = "rempart_config_tenant_wrong_since_seconds";
        let mut since = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        self.each(&mut since, |status| status.since.map(seconds))?;
        let help = "The last second at which a tenant's certificate is valid";
        let name = "rempart_tls_cert_not_after_seconds";
        let mut ends = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        self.each(&mut ends, |status| status.certificate_ends)
    }

    /// One sample for each tenant that has one.
    fn each(&self, metric: &mut MetricEncoder<'_>, value: impl Fn(&TenantStatus) -> Option<u64>) -> fmt::Result {
        for status in &self.tenants {
            if let Some(value) = value(status) {
                let labels = [("tenant", status.tenant.as_str())];
                metric.encode_family(&labels)?.encode_gauge(&value)?;
            }
        }
        Ok(())
    }

    fn of_reloads(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let History {
            clean,
            partial,
            refused,
            last_clean,
            ..
        } = self.history;
        let help = "Reloads that found nothing wrong (clean), quarantined something (partial), or changed nothing because \
                    the vendor's part was wrong (refused)";
        let mut reloads = encoder.encode_descriptor("rempart_config_reloads", help, None, MetricType::Counter)?;
        for (outcome, count) in [("clean", clean), ("partial", partial), ("refused", refused)] {
            let labels = [("outcome", outcome)];
            reloads
                .encode_family(&labels)?
                .encode_counter::<[(&str, &str); 0], u64, u64>(&count, None)?;
        }
        let Some(last) = last_clean else { return Ok(()) };
        let name = "rempart_config_last_reload_success_timestamp_seconds";
        let help = "When a start or a reload last found nothing wrong";
        let mut success = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        success.encode_gauge(&seconds(last))
    }
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.of_tenants(&mut encoder)?;
        self.of_reloads(&mut encoder)?;
        load::write(&self.load, &mut encoder)?;
        let help = "The version that runs";
        let mut build = encoder.encode_descriptor("rempart_build", help, None, MetricType::Info)?;
        build.encode_info(&[("version", env!("CARGO_PKG_VERSION"))])
    }
}

/// Since 1970.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
