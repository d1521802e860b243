//! What a new policy does differently.

use rempart_guard::{Change, Effect, Enforcement, RouteClass, RoutePattern, in_words};

use crate::{AdaptivePolicy, Kind, SharesPolicy};

impl SharesPolicy {
    /// What will be different for clients under `new`. Nothing when both share alike, or when shares are off before and
    /// after.
    ///
    /// ```
    /// use rempart_shares::{SharesPolicy, SharesSettings};
    ///
    /// let policy = |weight| SharesPolicy::try_from(SharesSettings { weight, ..Default::default() }).unwrap();
    /// assert_eq!(policy(1).changes_to(&policy(2))[0].to_string(), "loosens: its share has the weight 2 instead of 1");
    /// assert!(policy(2).changes_to(&policy(2)).is_empty());
    /// ```
    #[must_use]
    pub fn changes_to(&self, new: &Self) -> Vec<Change> {
        let enforced = self.enforcement.changes_to(new.enforcement, "shares");
        if !new.enforcement.is_on() {
            return enforced.into_iter().collect();
        }
        let mut changes = Vec::new();
        if self.enforcement.is_on() {
            changes.extend(self.given(new));
            changes.extend(self.waits(new));
            changes.extend(self.clients(new));
            changes.extend(self.urgent(new));
        }
        let adaptive = self.adaptive.changes_to(&new.adaptive);
        let changes = changes.into_iter().chain(adaptive);
        enforced
            .into_iter()
            .chain(changes.map(|change| change.under(new.enforcement)))
            .collect()
    }

    fn given(&self, new: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.weight != new.weight {
            let text = format!("its share has the weight {} instead of {}", new.weight, self.weight);
            changes.push(Change::new(Effect::of([self.weight.cmp(&new.weight)]), text));
        }
        changes.extend(match (self.guaranteed, new.guaranteed) {
            (old, new) if old == new => None,
            (Some(old), Some(new)) => {
                let text = format!("{new} requests are guaranteed instead of {old}");
                Some(Change::new(Effect::of([old.cmp(&new)]), text))
            }
            (_, Some(new)) => Some(Change::other(format!(
                "{new} requests are guaranteed, whatever the weights are"
            ))),
            (Some(old), None) => Some(Change::other(format!(
                "what is guaranteed goes by the weight, no longer {old} requests"
            ))),
            (None, None) => None,
        });
        changes
    }

    fn waits(&self, new: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.max_wait != new.max_wait {
            let (old, new_wait) = (in_words(self.max_wait), in_words(new.max_wait));
            let text = format!("what is beyond the share waits up to {new_wait} instead of {old}");
            changes.push(Change::new(Effect::of([self.max_wait.cmp(&new.max_wait)]), text));
        }
        changes.extend(number("may wait", self.max_waiting, new.max_waiting));
        changes
    }

    fn clients(&self, new: &Self) -> Vec<Change> {
        let prefixes = [
            ("IPv4", self.ipv4_prefix, new.ipv4_prefix),
            ("IPv6", self.ipv6_prefix, new.ipv6_prefix),
        ];
        let prefixes = prefixes.into_iter().filter(|(_, old, new)| old != new);
        let prefixes = prefixes.map(|(family, old, new)| {
            let text = format!("the shares of {family} clients are counted by /{new} instead of /{old}");
            Change::new(Effect::of([old.cmp(&new)]), text)
        });
        let kinds = Kind::ALL.into_iter().filter_map(|kind| {
            let what = format!("{kind} of one client may be in progress");
            number(&what, self.per_client(kind), new.per_client(kind))
        });
        kinds.chain(prefixes).collect()
    }

    fn urgent(&self, new: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.rungs != new.rungs {
            let order: Vec<_> = new.rungs.in_order();
            let last = order.last().map(|(rung, _)| *rung);
            let named = order.iter().filter(|(rung, _)| Some(*rung) != last);
            let named: Vec<_> = named.map(|(_, class)| RouteClass::as_str(*class)).collect();
            let text = match named.as_slice() {
                [] => "no class of routes goes before another".to_owned(),
                named => format!("when requests wait, the order is {}, then the others", named.join(", ")),
            };
            changes.push(Change::other(text));
        }
        if self.health != new.health {
            let routes: Vec<_> = new.health.iter().map(RoutePattern::to_string).collect();
            let text = match routes.as_slice() {
                [] => "no route goes before all others".to_owned(),
                routes => format!("{} go before all others", routes.join(", ")),
            };
            changes.push(Change::other(text));
        }
        changes
    }
}

impl AdaptivePolicy {
    /// What will be different for clients under `new`.
    #[must_use]
    pub fn changes_to(&self, new: &Self) -> Vec<Change> {
        let what = "limits of what the application is given at once";
        let enforced = self.enforcement.changes_to(new.enforcement, what);
        let mut changes: Vec<_> = enforced.into_iter().collect();
        if self.enforcement == Enforcement::Off || !new.enforcement.is_on() {
            return changes;
        }
        if (self.min, self.max) != (new.min, new.max) {
            let text = format!(
                "the application is given {} to {} requests at once instead of {} to {}",
                new.min, new.max, self.min, self.max
            );
            changes.push(Change::new(
                Effect::of([self.min.cmp(&new.min), self.max.cmp(&new.max)]),
                text,
            ));
        }
        changes
    }
}

fn number(what: &str, old: u32, new: u32) -> Option<Change> {
    let text = || format!("{new} {what} instead of {old}");
    (old != new).then(|| Change::new(Effect::of([old.cmp(&new)]), text()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SharesSettings;

    fn said(old: &str, new: &str) -> Vec<String> {
        let policy = |toml: &str| SharesPolicy::try_from(toml::from_str::<SharesSettings>(toml).unwrap()).unwrap();
        let changes = policy(old).changes_to(&policy(new));
        changes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_setting_says_what_it_does() {
        for (old, new, expected) in [
            (
                "weight = 3",
                "weight = 2",
                "tightens: its share has the weight 2 instead of 3",
            ),
            (
                "",
                "guaranteed = 9",
                "changes: 9 requests are guaranteed, whatever the weights are",
            ),
            (
                "guaranteed = 9",
                "",
                "changes: what is guaranteed goes by the weight, no longer 9 requests",
            ),
            (
                "guaranteed = 9",
                "guaranteed = 8",
                "tightens: 8 requests are guaranteed instead of 9",
            ),
            (
                "",
                "max_wait = \"1s\"",
                "tightens: what is beyond the share waits up to 1 second instead of 2 seconds",
            ),
            ("", "max_waiting = 300", "loosens: 300 may wait instead of 256"),
            (
                "",
                "max_connections_per_client = 9",
                "tightens: 9 connections of one client may be in progress instead of 2048",
            ),
            (
                "",
                "ipv6_prefix = 56",
                "tightens: the shares of IPv6 clients are counted by /56 instead of /64",
            ),
            (
                "",
                "priority = [\"auth\", \"public\"]",
                "changes: when requests wait, the order is auth, public, then the others",
            ),
            ("", "priority = []", "changes: no class of routes goes before another"),
            ("", "health_routes = [\"/ok\"]", "changes: /ok go before all others"),
            (
                "",
                "[adaptive]\nenforcement = \"enforce\"",
                "tightens: limits of what the application is given at once are enforced from now on",
            ),
            (
                "enforcement = \"off\"",
                "weight = 9",
                "tightens: shares are enforced from now on",
            ),
            (
                "",
                "weight = 9\nenforcement = \"off\"",
                "loosens: shares are switched off",
            ),
        ] {
            assert_eq!(said(old, new), [expected]);
        }
    }

    #[test]
    fn what_the_application_is_given_is_told_while_it_is_limited() {
        let adaptive = |more: &str| format!("[adaptive]\nenforcement = \"enforce\"\n{more}");
        assert_eq!(
            said(&adaptive(""), &adaptive("max = 10")),
            ["tightens: the application is given 8 to 10 requests at once instead of 8 to 512",]
        );
        assert!(said("", "[adaptive]\nmax = 10").is_empty());
    }

    #[test]
    fn what_is_only_reported_neither_tightens_nor_loosens() {
        let report = "enforcement = \"report\"\n";
        assert_eq!(
            said(report, &format!("{report}weight = 2")),
            ["changes: its share has the weight 2 instead of 1 (only reported)"]
        );
        assert!(said("enforcement = \"off\"", "enforcement = \"off\"\nweight = 9").is_empty());
    }
}
