//! What a new policy does differently.

use std::time::Duration;

use rempart_guard::{Change, Effect, RoutePattern, in_words};

use crate::SessionsPolicy;
use crate::policy::{Beyond, CookiePattern};

impl SessionsPolicy {
    /// What will be different for the sessions of a tenant under `new`. Nothing when both do alike.
    ///
    /// ```
    /// use rempart_sessions::{SessionsPolicy, SessionsSettings};
    ///
    /// let policy = |idle: &str| {
    ///     let settings = SessionsSettings { cookie: Some("PHPSESSID".into()), idle: idle.into(), ..Default::default() };
    ///     SessionsPolicy::try_from(settings).unwrap()
    /// };
    /// let changes = policy("1h").changes_to(&policy("30m"));
    /// assert_eq!(changes[0].to_string(), "tightens: a session ends after 30 minutes without a request instead of 1 hour");
    /// ```
    #[must_use]
    pub fn changes_to(&self, new: &Self) -> Vec<Change> {
        let Self {
            enforcement: _,
            report_until: _,
            cookie: _,
            beside: _,
            idle,
            absolute,
            per_account: _,
            beyond,
            login,
            logout,
            account_header,
            bind: _,
            cleared: _,
            clear_site_data,
        } = self;
        let (before, after) = (self.enforcement(), new.enforcement());
        let mut changes: Vec<_> = before.changes_to(after, "limits of sessions").into_iter().collect();
        if before.is_on() && after.is_on() {
            let times = [
                time(*idle, new.idle, |time| {
                    format!("a session ends after {time} without a request")
                }),
                time(*absolute, new.absolute, |time| format!("a session lasts {time} in all")),
            ];
            let told = (clear_site_data != &new.clear_site_data).then(|| {
                let data = |cleared: &[String]| match cleared {
                    [] => "nothing".to_owned(),
                    words => words.join(", "),
                };
                let (old, new) = (data(&self.cleared), data(&new.cleared));
                Change::other(format!("after a logout browsers forget {new} instead of {old}"))
            });
            let others = self
                .of_cookies(new)
                .into_iter()
                .chain(times.into_iter().flatten())
                .chain(self.of_crowds(new, *beyond))
                .chain(of_routes(login, &new.login, "gives the session a new number"))
                .chain(of_routes(logout, &new.logout, "ends the session"))
                .chain(self.of_bind(new))
                .chain(told);
            changes.extend(others.map(|change| change.under(after)));
        }
        if *account_header != new.account_header {
            let text = format!(
                "accounts are read from `{}` instead of `{account_header}`, which leaves the edge",
                new.account_header
            );
            changes.push(Change::other(text));
        }
        changes
    }

    fn of_cookies(&self, new: &Self) -> Vec<Change> {
        let names =
            |policy: &Self| -> Vec<CookiePattern> { policy.cookie.iter().chain(&policy.beside).cloned().collect() };
        let (old, now) = (names(self), names(new));
        let gone = old.iter().filter(|name| !now.contains(name));
        let gone = gone.map(|name| Change::loosens(format!("cookie {} is no longer watched", name.as_str())));
        let more = now.iter().filter(|name| !old.contains(name));
        let more = more.map(|name| Change::tightens(format!("cookie {} is watched as a session", name.as_str())));
        let main = [self, new].map(|policy| policy.cookie.as_ref().map(CookiePattern::as_str).unwrap_or_default());
        let main =
            (main[0] != main[1]).then(|| Change::other(format!("the session is {} instead of {}", main[1], main[0])));
        gone.chain(more).chain(main).collect()
    }

    fn of_crowds(&self, new: &Self, old_beyond: Beyond) -> Option<Change> {
        let said = |policy: &Self| match policy.per_account {
            Some(1) => "1 session at once".to_owned(),
            Some(most) => format!("{most} sessions at once"),
            None => "as many sessions as it likes".to_owned(),
        };
        let beyond = (old_beyond != new.beyond && new.per_account.is_some()).then_some(match new.beyond {
            Beyond::EndOldest => "one more ends the oldest",
            Beyond::Refuse => "one more is refused",
        });
        let strictness = |most: Option<usize>| usize::MAX - most.unwrap_or(usize::MAX);
        let effect = Effect::of([strictness(new.per_account).cmp(&strictness(self.per_account))]);
        match (self.per_account == new.per_account, beyond) {
            (true, None) => None,
            (true, Some(beyond)) => Some(Change::other(format!("of an account's {}, {beyond}", said(new)))),
            (false, beyond) => {
                let text = format!("an account has {} instead of {}", said(new), said(self));
                Some(Change::new(
                    effect,
                    beyond.map_or(text.clone(), |beyond| format!("{text}: {beyond}")),
                ))
            }
        }
    }

    fn of_bind(&self, new: &Self) -> Vec<Change> {
        let parts = [
            (self.bind.network, new.bind.network, "another network"),
            (self.bind.browser, new.bind.browser, "another browser"),
            (self.bind.tls, new.bind.tls, "a program with another TLS handshake"),
        ];
        let changed = parts.into_iter().filter(|(old, new, _)| old != new);
        let said = changed.map(|(_, new, what)| match new {
            true => format!("a session that comes from {what} is told"),
            false => format!("a session that comes from {what} is no longer told"),
        });
        said.map(Change::other).collect()
    }
}

fn time(old: Duration, new: Duration, say: impl Fn(String) -> String) -> Option<Change> {
    let text = || format!("{} instead of {}", say(in_words(new)), in_words(old));
    (old != new).then(|| Change::new(Effect::of([old.cmp(&new)]), text()))
}

fn of_routes(old: &[RoutePattern], new: &[RoutePattern], does: &str) -> Vec<Change> {
    let beyond = |routes: &[RoutePattern], others: &[RoutePattern]| -> Vec<RoutePattern> {
        let is_new = |route: &&RoutePattern| !others.iter().any(|other| other.covers(route));
        routes.iter().filter(is_new).cloned().collect()
    };
    let lost = beyond(old, new)
        .into_iter()
        .map(|route| Change::loosens(format!("{route} no longer {does}")));
    let more = beyond(new, old)
        .into_iter()
        .map(|route| Change::tightens(format!("{route} {does}")));
    lost.chain(more).collect()
}
