//! What a new policy does differently. Each header says it for itself, where its policy is.

use rempart_guard::Change;

use crate::HeadersPolicy;

impl HeadersPolicy {
    /// What will be different for browsers under `new`. Nothing when answers leave alike: lists in another order, or any
    /// setting of a control that is off before and after.
    ///
    /// ```
    /// use rempart_headers::{HeadersPolicy, HeadersSettings};
    ///
    /// let policy = |max_age: &str| {
    ///     let mut settings = HeadersSettings::default();
    ///     settings.hsts.max_age = max_age.to_owned();
    ///     HeadersPolicy::try_from(settings).unwrap()
    /// };
    /// let changes = policy("1d").changes_to(&policy("365d"));
    /// assert_eq!(changes[0].to_string(), "tightens: HSTS: browsers remember 365 days instead of 1 day");
    /// assert!(policy("1d").changes_to(&policy("24h")).is_empty());
    /// ```
    #[must_use]
    pub fn changes_to(&self, new: &Self) -> Vec<Change> {
        let Self {
            enforcement,
            // Nothing happens on that day, save that whoever checks the configuration is told.
            report_until: _,
            hsts,
            nosniff,
            framing,
            referrer,
            banners,
        } = self;
        let mut changes: Vec<_> = enforcement
            .changes_to(new.enforcement, "header rules")
            .into_iter()
            .collect();
        if enforcement.is_on() && new.enforcement.is_on() {
            let parts = hand_over("Strict-Transport-Security", hsts.is_some(), new.hsts.is_some()).into_iter();
            let parts = parts.chain(both(hsts.as_ref(), new.hsts.as_ref(), |old, new| old.changes_to(new)));
            let parts = parts.chain(hand_over("X-Content-Type-Options", *nosniff, new.nosniff));
            let parts = parts.chain(framing.changes_to(&new.framing));
            let parts = parts.chain(hand_over("Referrer-Policy", referrer.is_some(), new.referrer.is_some()));
            let parts = parts.chain(both(*referrer, new.referrer, |old, new| {
                old.changes_to(new).into_iter().collect()
            }));
            let parts = parts.chain(banners.changes_to(&new.banners));
            changes.extend(parts.map(|change| change.under(new.enforcement)));
        }
        changes
    }
}

/// A header that one policy sets and the other leaves to the application.
pub(crate) fn hand_over(header: &str, is_ours: bool, will_be_ours: bool) -> Option<Change> {
    match (is_ours, will_be_ours) {
        (true, false) => Some(Change::loosens(format!("`{header}` is left to the application"))),
        (false, true) => Some(Change::tightens(format!(
            "`{header}` is no longer left to the application"
        ))),
        _ => None,
    }
}

fn both<T>(old: Option<T>, new: Option<T>, changes: impl Fn(T, T) -> Vec<Change>) -> Vec<Change> {
    old.zip(new).map(|(old, new)| changes(old, new)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
