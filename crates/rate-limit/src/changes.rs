//! What a new policy does differently.

use std::cmp::Ordering;

use rempart_guard::{Change, Effect, RoutePattern};

use crate::policy::Keying;
use crate::{Per, QuotaPolicy, Rate, RateLimitPolicy};

impl RateLimitPolicy {
    /// What will be different for clients under `new`. Nothing when both limit alike: routes in another order, a route
    /// that another one of the quota covers, or any setting of limits that are off before and after.
    ///
    /// *Its counts begin anew* is said of a quota exactly when
    /// [`RateLimit::with_policy`](crate::RateLimit::with_policy) keeps no counts of it.
    ///
    /// ```
    /// use rempart_rate_limit::{QuotaSettings, RateLimitPolicy, RateLimitSettings};
    ///
    /// let policy = |rate: &str| {
    ///     let quotas = [("login".to_owned(), QuotaSettings::new(rate))].into();
    ///     RateLimitPolicy::try_from(RateLimitSettings { quotas, ..Default::default() }).unwrap()
    /// };
    /// let changes = policy("10/m").changes_to(&policy("5/m"));
    /// assert_eq!(
    ///     changes[0].to_string(),
    ///     "tightens: quota `login`: falls from 10/m to 5/m for each client; its counts begin anew",
    /// );
    /// assert!(policy("60/m").changes_to(&policy("60/60s burst 60")).is_empty());
    /// ```
    #[must_use]
    pub fn changes_to(&self, new: &Self) -> Vec<Change> {
        let Self {
            enforcement,
            // Nothing happens on that day, save that whoever checks the configuration is told.
            report_until: _,
            headers: _,
            keying,
            quotas,
        } = self;
        let enforced = enforcement.changes_to(new.enforcement, "rate limits");
        if !new.enforcement.is_on() {
            return enforced.into_iter().collect();
        }
        // What is off limits nobody, as if it had no quotas.
        let quotas = if enforcement.is_on() { quotas.as_slice() } else { &[] };
        let mut changes = of_quotas(quotas, &new.quotas);
        if new.quotas.iter().any(|quota| find(quotas, quota).is_some()) {
            changes.extend(keying.changes_to(new.keying));
        }
        let changes = changes.into_iter().map(|change| change.under(new.enforcement));
        enforced.into_iter().chain(changes).chain(self.told(new)).collect()
    }

    /// Whether answers tell clients their quotas.
    fn tells(&self) -> bool {
        self.enforcement == rempart_guard::Enforcement::Enforce
            && self.headers
            && self.quotas.iter().any(|quota| quota.per == Per::Client)
    }

    fn told(&self, new: &Self) -> Option<Change> {
        match (self.tells(), new.tells()) {
            _ if self.headers == new.headers => None,
            (false, true) => Some(Change::other("answers tell clients their quotas, in `RateLimit`")),
            (true, false) => Some(Change::other(
                "answers no longer tell clients their quotas, in `RateLimit`",
            )),
            _ => None,
        }
    }
}

fn of_quotas(old: &[QuotaPolicy], new: &[QuotaPolicy]) -> Vec<Change> {
    let gone = old.iter().filter(|quota| find(new, quota).is_none());
    let mut changes: Vec<Change> = gone
        .map(|quota| Change::loosens(format!("quota `{}` is gone: {}", quota.name, quota.terms())))
        .collect();
    for quota in new {
        match find(old, quota) {
            Some(old) => changes.extend(old.changes_to(quota)),
            None => changes.push(Change::tightens(format!(
                "a new quota `{}`: {}",
                quota.name,
                quota.terms()
            ))),
        }
    }
    changes
}

fn find<'a>(quotas: &'a [QuotaPolicy], named: &QuotaPolicy) -> Option<&'a QuotaPolicy> {
    quotas.iter().find(|quota| quota.name == named.name)
}

impl QuotaPolicy {
    fn changes_to(&self, new: &Self) -> Vec<Change> {
        let Self {
            name: _,
            rate: _,
            per: _,
            routes,
        } = self;
        let begins = if new.counts_like(self) {
            ""
        } else {
            "; its counts begin anew"
        };
        let counted = self
            .count_to(new)
            .map(|change| Change::new(change.effect, change.text + begins));
        let changes = counted.into_iter().chain(of_routes(routes, &new.routes));
        let named = |Change { effect, text }| Change::new(effect, format!("quota `{}`: {text}", self.name));
        changes.map(named).collect()
    }

    /// How often, and who shares the count.
    fn count_to(&self, new: &Self) -> Option<Change> {
        if self.rate == new.rate && self.per == new.per {
            return None;
        }
        let [slower, smaller] = self.rate.stricter_in(new.rate);
        let effect = Effect::of([slower, smaller, new.per.cmp(&self.per)]);
        let text = if self.per == new.per {
            let falls = match effect {
                Effect::Tightens => "falls",
                Effect::Loosens => "rises",
                Effect::Changes => "changes",
            };
            format!("{falls} from {} to {} {}", self.rate, new.rate, new.per.whose())
        } else {
            let (rate, per) = (self.rate, self.per.whose());
            format!("{} {} instead of {rate} {per}", new.rate, new.per.whose())
        };
        Some(Change::new(effect, text))
    }

    /// A whole quota in a few words.
    fn terms(&self) -> String {
        let terms = format!("{} {}", self.rate, self.per.whose());
        match every_or_some(&self.routes) {
            None => terms,
            Some(routes) => format!("{terms}, on {}", list(&routes)),
        }
    }
}

/// What more or less is counted.
fn of_routes(old: &[RoutePattern], new: &[RoutePattern]) -> Vec<Change> {
    match (every_or_some(old), every_or_some(new)) {
        (None, None) => Vec::new(),
        (Some(old), None) => vec![Change::tightens(format!(
            "now counts every route, not only {}",
            list(&old)
        ))],
        (None, Some(new)) => vec![Change::loosens(format!(
            "now counts {} only, no longer every route",
            list(&new)
        ))],
        (Some(old), Some(new)) => of_some_routes(&old, &new),
    }
}

fn of_some_routes(old: &[&RoutePattern], new: &[&RoutePattern]) -> Vec<Change> {
    let more: Vec<_> = beyond(new, old).collect();
    let mut changes = Vec::new();
    if !more.is_empty() {
        changes.push(Change::tightens(format!("now counts {} too", list(&more))));
    }
    for lost in beyond(old, new) {
        let kept: Vec<_> = new.iter().copied().filter(|route| lost.covers(route)).collect();
        changes.push(Change::loosens(match kept.as_slice() {
            [] => format!("no longer counts {lost}"),
            kept => format!("no longer counts all of {lost}, only {}", list(kept)),
        }));
    }
    changes
}

/// The routes that none of the others covers.
fn beyond<'a>(routes: &[&'a RoutePattern], others: &[&RoutePattern]) -> impl Iterator<Item = &'a RoutePattern> {
    routes
        .iter()
        .copied()
        .filter(|route| !others.iter().any(|other| other.covers(route)))
}

/// The routes that say it all, each once; `None` for every route.
fn every_or_some(routes: &[RoutePattern]) -> Option<Vec<&RoutePattern>> {
    let every: RoutePattern = "/*".parse().expect("`/*` is a route");
    if routes.is_empty() || routes.contains(&every) {
        return None;
    }
    let is_told = |index: usize, route: &RoutePattern| {
        let covered = |(other, by): (usize, &RoutePattern)| {
            other != index && by.covers(route) && (other < index || !route.covers(by))
        };
        !routes.iter().enumerate().any(covered)
    };
    let told = routes
        .iter()
        .enumerate()
        .filter(|(index, route)| is_told(*index, route));
    Some(told.map(|(_, route)| route).collect())
}

fn list(routes: &[&RoutePattern]) -> String {
    let routes: Vec<_> = routes.iter().map(ToString::to_string).collect();
    routes.join(", ")
}

impl Keying {
    /// Every change of it costs all counts: see `RateLimit::with_policy`.
    fn changes_to(self, new: Self) -> Vec<Change> {
        let Self {
            max_keys,
            ipv4_prefix,
            ipv6_prefix,
        } = self;
        let mut changes = Vec::new();
        let mut prefix = |family: &str, old: u8, new: u8| {
            if old != new {
                let text = format!("{family} clients are counted by /{new} instead of /{old}");
                changes.push(Change::new(Effect::of([old.cmp(&new)]), text));
            }
        };
        prefix("IPv4", ipv4_prefix, new.ipv4_prefix);
        prefix("IPv6", ipv6_prefix, new.ipv6_prefix);
        if max_keys != new.max_keys {
            let text = format!("each quota has room for {} clients instead of {max_keys}", new.max_keys);
            changes.push(Change::other(text));
        }
        if !changes.is_empty() {
            changes.push(Change::other("the counts of all quotas begin anew"));
        }
        changes
    }
}

impl Per {
    const fn whose(self) -> &'static str {
        match self {
            Self::Client => "for each client",
            Self::Tenant => "for all clients together",
        }
    }
}

impl Rate {
    /// How much stricter another rate is: in the time until there is one more, and in what may come at once.
    fn stricter_in(self, new: Self) -> [Ordering; 2] {
        [new.interval().cmp(&self.interval()), self.burst().cmp(&new.burst())]
    }
}

#[cfg(test)]
mod tests;
