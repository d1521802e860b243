//! `limit_req_zone` and `limit_req` as quotas.

use super::Nginx;
use super::directive::Directive;
use crate::Quota;
use crate::account::Item;
use crate::site::{Said, Scope, Settings};

/// A `limit_req_zone`.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    item: Item,
    /// Requests, and the unit in which they are counted.
    rate: Result<(u32, char), String>,
    per_tenant: Result<bool, String>,
    used: bool,
    refused: Option<String>,
}

impl Nginx<'_> {
    pub(super) fn find_zone(&mut self, directive: &Directive) {
        let value = |name: &str| directive.words.iter().find_map(|word| word.strip_prefix(name));
        let Some(name) = value("zone=").and_then(|zone| zone.split(':').next()) else {
            return self.account.left(directive.item, "it names no zone");
        };
        let zone = Zone {
            item: directive.item,
            rate: rate(value("rate=").unwrap_or_default()),
            per_tenant: key(directive.word(0)),
            used: false,
            refused: None,
        };
        if let Some(first) = self.zones.get(name) {
            let why = format!("a zone of this name is at {} already", self.account.place(first.item));
            return self.account.left(directive.item, why);
        }
        self.zones.insert(name.to_owned(), zone);
    }

    /// Takes in a `limit_req` as a quota of the routes of the scope.
    pub(super) fn limit(&mut self, directive: &Directive, scope: &Scope, settings: &mut Settings) {
        match self.quota(directive, scope) {
            Ok((quota, zone)) => {
                self.account.carried(zone);
                settings.count(Said::new(quota, directive.item).at(scope.level()), &mut self.account);
            }
            Err(why) => {
                let name = zone_name(directive);
                if let Some(zone) = self.zones.get_mut(name) {
                    zone.refused = Some(why.clone());
                }
                let instead = "write a [rate_limit.quotas.…] with a rate such as \"10/s burst 20\"";
                self.account.left_but(directive.item, why, instead);
            }
        }
    }

    fn quota(&mut self, directive: &Directive, scope: &Scope) -> Result<(Quota, Item), String> {
        let value = |name: &str| directive.words.iter().find_map(|word| word.strip_prefix(name));
        let name = zone_name(directive);
        let zone = self
            .zones
            .get_mut(name)
            .ok_or_else(|| format!("there is no limit_req_zone `{name}` here"))?;
        let (count, unit) = zone.rate.clone()?;
        let per_tenant = zone.per_tenant.clone()?;
        let routes = scope.routes()?;
        let burst: u32 = match value("burst=") {
            None => 0,
            Some(burst) => burst.parse().map_err(|_| format!("`{burst}` is no number"))?,
        };
        let burst = burst.saturating_add(1);
        let refill = u64::from(burst) * if unit == 's' { 1 } else { 60 } / u64::from(count);
        if refill > 366 * 86_400 {
            return Err("its burst would take more than a year to fill up again".into());
        }
        zone.used = true;
        let was = format!("nginx: zone={name} rate={count}r/{unit} burst={}", burst - 1);
        // The quota that every tenant has by default gives way to the one that stood here for all routes.
        let name = if routes.is_empty() && !per_tenant {
            "client".to_owned()
        } else {
            quota_name(name)
        };
        let quota = Quota {
            name,
            rate: format!("{count}/{unit} burst {burst}"),
            per_tenant,
            routes,
            was,
        };
        Ok((quota, zone.item))
    }
}

impl Nginx<'_> {
    /// Answers for the zones that came into no draft.
    pub(super) fn close_zones(&mut self) {
        for zone in std::mem::take(&mut self.zones).into_values().filter(|zone| !zone.used) {
            match zone.refused {
                Some(why) => self.account.left(zone.item, why),
                None => self
                    .account
                    .understood(zone.item, "no limit_req of a site uses this zone"),
            }
        }
    }
}

/// The zone that a `limit_req` counts in.
fn zone_name(directive: &Directive) -> &str {
    let mut words = directive.words.iter();
    words.find_map(|word| word.strip_prefix("zone=")).unwrap_or_default()
}

/// `10r/s` or `30r/m`.
fn rate(text: &str) -> Result<(u32, char), String> {
    let read = text.split_once("r/").and_then(|(count, unit)| {
        let unit = match unit {
            "s" => 's',
            "m" => 'm',
            _ => return None,
        };
        Some((count.parse::<u32>().ok().filter(|count| *count > 0)?, unit))
    });
    let (count, unit) = read.ok_or_else(|| format!("`{text}` is no rate"))?;
    if count > 1_000_000 {
        return Err("a quota counts at most a million a second".into());
    }
    Ok((count, unit))
}

/// Whether all clients share one count.
fn key(key: &str) -> Result<bool, String> {
    match key {
        "$binary_remote_addr" | "$remote_addr" | "$binary_remote_addr$server_name" | "$binary_remote_addr$host" => {
            Ok(false)
        }
        "$server_name" | "$host" | "$http_host" => Ok(true),
        _ => Err(format!(
            "it counts by `{key}`, and a quota counts by client or by tenant"
        )),
    }
}

/// A zone's name as a quota's may be.
pub(crate) fn quota_name(zone: &str) -> String {
    let plain = |c: char| match c.to_ascii_lowercase() {
        c if c.is_ascii_alphanumeric() || c == '_' => c,
        _ => '-',
    };
    let name: String = zone.chars().take(32).map(plain).collect();
    if name.is_empty() || name == "client" {
        "limit".to_owned()
    } else {
        name
    }
}
