//! What a new policy does differently.

use std::cmp::Ordering;
use std::fmt;

use rempart_guard::{Change, Effect, in_words};

use crate::policy::Keying;
use crate::scope::{Named, Scope};
use crate::{CostPolicy, Count, Per, QuotaPolicy, Rate, RateLimitPolicy, UsedUp};

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
            costs,
        } = self;
        let enforced = enforcement.changes_to(new.enforcement, "rate limits");
        if !new.enforcement.is_on() {
            return enforced.into_iter().collect();
        }
        // What is off limits nobody, as if it had no quotas.
        let (quotas, costs) = match enforcement.is_on() {
            true => (quotas.as_slice(), costs.as_slice()),
            false => (&[] as &[_], &[] as &[_]),
        };
        let mut changes = of_quotas(quotas, &new.quotas);
        changes.extend(of_costs(costs, &new.costs));
        let kept = |quota: &&QuotaPolicy| find(quotas, quota).is_some();
        let kept: Vec<_> = new.quotas.iter().filter(kept).collect();
        changes.extend(
            keying
                .changes_to(new.keying, &kept)
                .into_iter()
                .filter(|_| !kept.is_empty()),
        );
        let changes = changes.into_iter().map(|change| change.under(new.enforcement));
        enforced.into_iter().chain(changes).chain(self.told(new)).collect()
    }

    /// Whether answers tell clients their quotas.
    fn tells(&self) -> bool {
        self.enforcement == rempart_guard::Enforcement::Enforce
            && self.headers
            && self.quotas.iter().any(|quota| quota.per.is_own())
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
            count: _,
            scope,
            used_up,
        } = self;
        let begins = if new.counts_like(self) {
            ""
        } else {
            "; its counts begin anew"
        };
        let counted = self
            .count_to(new)
            .map(|change| Change::new(change.effect, change.text + begins));
        let changes = counted
            .into_iter()
            .chain(scope.changes_to(&new.scope, "counts"))
            .chain(used_up.changes_to(new.used_up));
        let named = |Change { effect, text }| Change::new(effect, format!("quota `{}`: {text}", self.name));
        changes.map(named).collect()
    }

    /// How often, what, and who shares the count.
    fn count_to(&self, new: &Self) -> Option<Change> {
        if new.counts_like(self) {
            return None;
        }
        let strictness = match (self.count.compare(&new.count), self.per.compare(&new.per)) {
            (Some(count), Some(per)) => {
                let [slower, smaller] = stricter_in(self.rate.units(), new.rate.units());
                Effect::of([slower, smaller, count.reverse(), per.reverse()])
            }
            _ => Effect::Changes,
        };
        let text = if (&self.per, &self.count) == (&new.per, &new.count) {
            let falls = match strictness {
                Effect::Tightens => "falls",
                Effect::Loosens => "rises",
                Effect::Changes => "changes",
            };
            format!("{falls} from {} to {}", self.rate, new.counted())
        } else {
            format!("{} instead of {}", new.counted(), self.counted())
        };
        Some(Change::new(strictness, text))
    }

    /// How often, what and for whom.
    fn counted(&self) -> String {
        let whose = self.per.whose();
        match &self.count {
            Count::Requests | Count::Bytes => format!("{} {whose}", self.rate),
            count => format!("{} {whose}, counting {count}", self.rate),
        }
    }

    /// A whole quota in a few words.
    fn terms(&self) -> String {
        let terms = match self.scope.named() {
            None => self.counted(),
            Some(named) => format!("{}, on {}", self.counted(), list(&named)),
        };
        match self.used_up {
            UsedUp::Refuse => terms,
            used_up => format!("{terms}; when it is used up, {used_up}"),
        }
    }
}

impl UsedUp {
    fn changes_to(self, new: Self) -> Option<Change> {
        let (effect, text) = match (self, new) {
            _ if self == new => return None,
            (Self::Refuse, _) => (Effect::Loosens, format!("{new} instead of being refused")),
            (_, Self::Refuse) => (Effect::Tightens, format!("{new} instead of waiting")),
            (
                Self::Delay { at_most, waiting },
                Self::Delay {
                    at_most: longer,
                    waiting: more,
                },
            ) => {
                let effect = Effect::of([at_most.cmp(&longer), waiting.cmp(&more)]);
                (effect, format!("{new} instead of {waiting} for {}", in_words(at_most)))
            }
        };
        Some(Change::new(effect, format!("when it is used up, {text}")))
    }
}

impl fmt::Display for UsedUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refuse => f.write_str("requests are refused"),
            Self::Delay { at_most, waiting } => {
                write!(f, "up to {waiting} requests wait for up to {}", in_words(*at_most))
            }
        }
    }
}

fn of_costs(old: &[CostPolicy], new: &[CostPolicy]) -> Vec<Change> {
    let find = |costs: &[CostPolicy], name: &str| costs.iter().position(|cost| &*cost.name == name);
    let gone = old.iter().filter(|cost| find(new, &cost.name).is_none());
    let mut changes: Vec<Change> = gone
        .map(|cost| cost.weighs(Effect::Loosens, format!("is gone: {}", cost.terms())))
        .collect();
    for cost in new {
        match find(old, &cost.name) {
            Some(index) => changes.extend(old[index].changes_to(cost)),
            None => changes.push(cost.weighs(Effect::Tightens, format!("is new: {}", cost.terms()))),
        }
    }
    changes
}

impl CostPolicy {
    fn changes_to(&self, new: &Self) -> Vec<Change> {
        let Self { name: _, cost, scope } = self;
        let effect = Effect::of([new.cost.cmp(cost)]);
        let weight = (*cost != new.cost).then(|| self.weighs(effect, format!("{} instead of {cost}", new.cost)));
        let scopes = scope.changes_to(&new.scope, "holds for");
        let scopes = scopes
            .into_iter()
            .map(|Change { effect, text }| self.weighs(effect, text));
        weight.into_iter().chain(scopes).collect()
    }

    fn weighs(&self, effect: Effect, text: String) -> Change {
        Change::new(effect, format!("cost `{}`: {text}", self.name))
    }

    fn terms(&self) -> String {
        let named = self.scope.named().unwrap_or_default();
        format!("{} for {}", self.cost, list(&named))
    }
}

impl Scope {
    /// What more or less is meant, where what is meant `counts` or `holds for`.
    fn changes_to(&self, new: &Self, verb: &str) -> Vec<Change> {
        match (self.named(), new.named()) {
            (None, None) => Vec::new(),
            (Some(old), None) => vec![Change::tightens(format!(
                "now {verb} every route, not only {}",
                list(&old)
            ))],
            (None, Some(new)) => vec![Change::loosens(format!(
                "now {verb} {} only, no longer every route",
                list(&new)
            ))],
            (Some(old), Some(new)) => of_named(&old, &new, verb),
        }
    }
}

fn of_named(old: &[Named<'_>], new: &[Named<'_>], verb: &str) -> Vec<Change> {
    let more: Vec<_> = beyond(new, old).collect();
    let mut changes = Vec::new();
    if !more.is_empty() {
        changes.push(Change::tightens(format!("now {verb} {} too", list(&more))));
    }
    for lost in beyond(old, new) {
        let kept: Vec<_> = new.iter().copied().filter(|one| lost.covers(one)).collect();
        changes.push(Change::loosens(match kept.as_slice() {
            [] => format!("no longer {verb} {lost}"),
            kept => format!("no longer {verb} all of {lost}, only {}", list(kept)),
        }));
    }
    changes
}

/// What none of the others covers.
fn beyond<'a>(named: &[Named<'a>], others: &[Named<'_>]) -> impl Iterator<Item = Named<'a>> {
    named
        .iter()
        .copied()
        .filter(|one| !others.iter().any(|other| other.covers(one)))
}

fn list(named: &[Named<'_>]) -> String {
    let named: Vec<_> = named.iter().map(ToString::to_string).collect();
    named.join(", ")
}

impl Keying {
    fn changes_to(self, new: Self, kept: &[&QuotaPolicy]) -> Vec<Change> {
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
        // What is counted for all together, or by method or class, has neither clients nor room for them.
        let (lost, spared): (Vec<&QuotaPolicy>, Vec<_>) = kept.iter().partition(|quota| !quota.per.has_few());
        let lost: Vec<_> = lost.iter().map(|quota| format!("`{}`", quota.name)).collect();
        let text = match (lost.as_slice(), spared.as_slice()) {
            _ if changes.is_empty() => return changes,
            ([], _) => return changes,
            (_, []) => "the counts of all quotas begin anew".to_owned(),
            (lost, _) => format!("the counts of {} begin anew", lost.join(", ")),
        };
        changes.push(Change::other(text));
        changes
    }
}

impl Per {
    /// Which of two is shared by more, when one is shared by all who share the other.
    fn compare(&self, other: &Self) -> Option<Ordering> {
        if self == other {
            return Some(Ordering::Equal);
        }
        if self.is_wider_than(other) {
            return Some(Ordering::Greater);
        }
        other.is_wider_than(self).then_some(Ordering::Less)
    }
}

/// How much stricter another rate is: in the time until there is one more, and in what may come at once.
fn stricter_in(old: Rate, new: Rate) -> [Ordering; 2] {
    [new.interval().cmp(&old.interval()), old.burst().cmp(&new.burst())]
}

#[cfg(test)]
mod tests;
