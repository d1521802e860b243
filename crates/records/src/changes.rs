//! What a new map does differently.

use rempart_guard::{Change, Effect, RouteClass, RoutePattern};

use crate::{RoutesPolicy, Unmapped};

impl RoutesPolicy {
    /// What will be different under `new`. Nothing when both classify and refuse alike: routes in another order, or any
    /// setting of a map that is off before and after.
    ///
    /// ```
    /// use rempart_records::{RoutesPolicy, RoutesSettings};
    ///
    /// let policy = |settings| RoutesPolicy::new(settings, true).unwrap();
    /// let old = RoutesSettings { public: vec!["/list".into()], ..Default::default() };
    /// let new = RoutesSettings { export: vec!["/list".into()], ..Default::default() };
    /// let changes = policy(old).changes_to(&policy(new));
    /// assert_eq!(changes[0].to_string(), "tightens: route /list is `export` instead of `public`");
    /// ```
    #[must_use]
    pub fn changes_to(&self, new: &Self) -> Vec<Change> {
        let Self {
            enforcement: _,
            report_until: _,
            unmapped,
            personal_data,
            map: _,
        } = self;
        let (before, after) = (self.enforcement(), new.enforcement());
        let mut changes: Vec<_> = before.changes_to(after, "route classes").into_iter().collect();
        if before.is_on() && after.is_on() {
            let others = of_unmapped(*unmapped, new.unmapped)
                .into_iter()
                .chain(self.of_routes(new));
            changes.extend(others.map(|change| change.under(after)));
        }
        if *personal_data != new.personal_data {
            let text = if new.personal_data {
                "the tenant holds personal data"
            } else {
                "the tenant holds no personal data"
            };
            changes.push(Change::other(text));
        }
        changes
    }

    /// For every route that either map names, the class that all its requests have at least, before and after.
    fn of_routes(&self, new: &Self) -> Vec<Change> {
        let mut seen = Vec::new();
        let mut changes = Vec::new();
        for route in self.map.iter().chain(&new.map).flatten() {
            if seen.contains(&route) {
                continue;
            }
            seen.push(route);
            changes.extend(new.of_route(route, self.class_of_all(route), new.class_of_all(route)));
        }
        changes
    }

    fn class_of_all(&self, route: &RoutePattern) -> Option<RouteClass> {
        self.strictest(|mapped| mapped.covers(route))
    }

    fn of_route(&self, route: &RoutePattern, old: Option<RouteClass>, new: Option<RouteClass>) -> Option<Change> {
        // What is in no class is more than guarded when it is refused, and less when it passes.
        let strictness = |class: Option<RouteClass>| match (class, self.unmapped) {
            (None, Unmapped::Refuse) => RouteClass::ALL.len(),
            (None, Unmapped::Pass) => 0,
            (Some(class), _) => class as usize,
        };
        let effect = Effect::of([strictness(new).cmp(&strictness(old))]);
        let text = match (old, new) {
            (old, new) if old == new => return None,
            (Some(old), Some(new)) => format!("route {route} is `{new}` instead of `{old}`"),
            (_, Some(new)) => format!("route {route} is `{new}`"),
            (_, None) => format!("route {route} is in no class any more"),
        };
        Some(Change::new(effect, text))
    }
}

fn of_unmapped(old: Unmapped, new: Unmapped) -> Option<Change> {
    match (old, new) {
        (Unmapped::Refuse, Unmapped::Pass) => Some(Change::loosens("routes that are in no class pass")),
        (Unmapped::Pass, Unmapped::Refuse) => Some(Change::tightens("routes that are in no class are refused")),
        _ => None,
    }
}
