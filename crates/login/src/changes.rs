//! What a new policy does differently.

use std::cmp::Ordering;

use rempart_guard::{Change, Effect, RoutePattern, in_words};

use crate::LoginPolicy;
use crate::marks::Marks;
use crate::policy::{Limits, Then};

impl LoginPolicy {
    /// What will be different for those who log in under `new`. Nothing when both guard alike.
    ///
    /// ```
    /// use rempart_login::{LoginPolicy, LoginSettings};
    ///
    /// let policy = |account: &str| {
    ///     let mut settings = LoginSettings { routes: vec!["POST /login".into()], ..Default::default() };
    ///     settings.limits.account = account.into();
    ///     LoginPolicy::try_from(settings).unwrap()
    /// };
    /// let changes = policy("30/h").changes_to(&policy("20/h"));
    /// assert_eq!(
    ///     changes[0].to_string(),
    ///     "tightens: failed logins of an account from strangers: 20/h instead of 30/h; their count begins anew",
    /// );
    /// assert!(policy("60/h").changes_to(&policy("60/60m burst 60")).is_empty());
    /// ```
    #[must_use]
    pub fn changes_to(&self, new: &Self) -> Vec<Change> {
        let (before, after) = (self.enforcement(), new.enforcement());
        let mut changes: Vec<_> = before.changes_to(after, "limits of logins").into_iter().collect();
        if before.is_on() && after.is_on() {
            let routes = self.by_purpose().into_iter().zip(new.by_purpose());
            let routes = routes.flat_map(|((purpose, old), (_, new))| {
                of_routes(
                    old,
                    new,
                    match purpose.key() {
                        "routes" => "is guarded as a login",
                        "code_routes" => "is guarded as the entry of a code",
                        _ => "is guarded as a request for a new password",
                    },
                )
            });
            let others = routes
                .chain(self.of_reading(new))
                .chain(self.limits.changes_to(&new.limits))
                .chain(self.of_delays(new))
                .chain(self.of_answers(new))
                .chain(self.of_keying(new));
            changes.extend(others.map(|change| change.under(after)));
        }
        changes
    }

    /// How a request and its answer are read.
    fn of_reading(&self, new: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut fields = |what: &str, old: &[String], new: &[String]| {
            if old != new {
                let text = format!("{what} are read from {} instead of {}", list(new), list(old));
                changes.push(Change::other(text));
            }
        };
        fields("accounts", &self.names.accounts, &new.names.accounts);
        fields("passwords", &self.names.passwords, &new.names.passwords);
        let mut marks = |what: &str, old: &Marks, new: &Marks| {
            if old != new {
                changes.push(Change::other(format!("{what} logins are known by other marks")));
            }
        };
        marks("failed", &self.failed, &new.failed);
        marks("successful", &self.succeeded, &new.succeeded);
        changes
    }

    fn of_delays(&self, new: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.free_failures != new.free_failures {
            let text = format!(
                "{} failures are free instead of {}",
                new.free_failures, self.free_failures
            );
            changes.push(Change::new(
                Effect::of([self.free_failures.cmp(&new.free_failures)]),
                text,
            ));
        }
        if self.max_delay != new.max_delay {
            let (old, longest) = (in_words(self.max_delay), in_words(new.max_delay));
            let text = format!("a login waits for at most {longest} instead of {old}");
            changes.push(Change::new(Effect::of([new.max_delay.cmp(&self.max_delay)]), text));
        }
        if self.max_waiting != new.max_waiting {
            let text = format!(
                "{} logins may wait at once instead of {}",
                new.max_waiting, self.max_waiting
            );
            changes.push(Change::other(text));
        }
        changes
    }

    fn of_answers(&self, new: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        match (self.then, new.then) {
            (Then::Refuse, Then::StepUp) => changes.push(Change::loosens(
                "strangers who would be refused go on to the application, which is told to ask for more",
            )),
            (Then::StepUp, Then::Refuse) => changes.push(Change::tightens(
                "strangers are refused whom the application was told to ask for more",
            )),
            _ => {}
        }
        if self.step_up_header != new.step_up_header {
            let text = format!("the application is told in `{}` to ask for more", new.step_up_header);
            changes.push(Change::other(text));
        }
        if self.even_timing != new.even_timing {
            let text = match new.even_timing {
                Some(time) => format!("answers to failed logins take at least {}", in_words(time)),
                None => "answers to failed logins take as long as the application does".to_owned(),
            };
            changes.push(Change::new(Effect::of([new.even_timing.cmp(&self.even_timing)]), text));
        }
        if self.device_cookie != new.device_cookie {
            changes.push(Change::other(match &new.device_cookie {
                Some(name) => format!("browsers are known again by the cookie `{name}`"),
                None => "browsers are no longer known again".to_owned(),
            }));
        }
        if self.breached != new.breached {
            changes.push(Change::other(match &new.breached {
                Some(breached) => format!("passwords are looked up in {}", breached.directory.display()),
                None => "passwords are no longer looked up".to_owned(),
            }));
        }
        changes
    }

    /// Every change of it costs counts: see `LoginGuard::with_policy`.
    fn of_keying(&self, new: &Self) -> Vec<Change> {
        let (old, new) = (self.keying, new.keying);
        let mut changes = Vec::new();
        let mut prefix = |family: &str, old: u8, new: u8| {
            if old != new {
                let text = format!("{family} networks of logins are counted by /{new} instead of /{old}");
                changes.push(Change::new(Effect::of([old.cmp(&new)]), text));
            }
        };
        prefix("IPv4", old.ipv4_prefix, new.ipv4_prefix);
        prefix("IPv6", old.ipv6_prefix, new.ipv6_prefix);
        if old.max_keys != new.max_keys {
            let (new, old) = (new.max_keys, old.max_keys);
            changes.push(Change::other(format!(
                "each limit of logins has room for {new} keys instead of {old}"
            )));
        }
        if !changes.is_empty() {
            changes.push(Change::other("the counts of failed logins begin anew"));
        }
        changes
    }
}

impl Limits {
    fn changes_to(&self, new: &Self) -> Vec<Change> {
        let pairs = self.named().into_iter().zip(new.named());
        let changes = pairs.filter(|((_, old), (_, new))| old != new);
        changes
            .map(|((name, old), (_, new))| {
                let strictness = [new.interval().cmp(&old.interval()), old.burst().cmp(&new.burst())];
                let whose = whose(name);
                let text = format!("{whose}: {new} instead of {old}; their count begins anew");
                Change::new(Effect::of(strictness), text)
            })
            .collect()
    }
}

fn whose(limit: &str) -> &'static str {
    match limit {
        "account_network" => "failed logins of an account in one place",
        "account" => "failed logins of an account from strangers",
        "network" => "failed logins of a network",
        "session" => "failed logins of a session",
        "password" => "failed logins with one password",
        "fingerprint" => "accounts that fail with one kind of program",
        "code" => "wrong codes",
        _ => "requests for a new password",
    }
}

fn of_routes(old: &[RoutePattern], new: &[RoutePattern], what: &str) -> Vec<Change> {
    let beyond = |routes: &[RoutePattern], others: &[RoutePattern]| -> Vec<RoutePattern> {
        let covered = |route: &RoutePattern| others.iter().any(|other| other.covers(route));
        routes.iter().filter(|route| !covered(route)).cloned().collect()
    };
    let more = beyond(new, old);
    let less = beyond(old, new);
    let said = |effect: Ordering, routes: Vec<RoutePattern>, text: &str| {
        let told = move |route: RoutePattern| Change::new(Effect::of([effect]), format!("{route} {text}"));
        routes.into_iter().map(told).collect::<Vec<_>>()
    };
    let no_longer = what.replacen("is ", "is no longer ", 1);
    [
        said(Ordering::Greater, more, what),
        said(Ordering::Less, less, &no_longer),
    ]
    .concat()
}

fn list(fields: &[String]) -> String {
    match fields {
        [] => "no field".to_owned(),
        fields => format!("`{}`", fields.join("`, `")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LoginSettings;

    fn policy(change: impl FnOnce(&mut LoginSettings)) -> LoginPolicy {
        let mut settings = LoginSettings {
            routes: vec!["POST /login".into()],
            ..LoginSettings::default()
        };
        change(&mut settings);
        LoginPolicy::try_from(settings).unwrap()
    }

    fn said(old: &LoginPolicy, new: &LoginPolicy) -> Vec<String> {
        old.changes_to(new).iter().map(ToString::to_string).collect()
    }

    type Changed = fn(&mut LoginSettings);

    const TIGHTER: [(Changed, &str); 9] = [
        (
            |new| new.routes.push("POST /api/login".into()),
            "POST /api/login is guarded as a login",
        ),
        (
            |new| new.code_routes.push("POST /code".into()),
            "POST /code is guarded as the entry of a code",
        ),
        (
            |new| new.reset_routes.push("POST /forgot".into()),
            "POST /forgot is guarded as a request for a new password",
        ),
        (
            |new| new.limits.network = "20/h burst 30".into(),
            "failed logins of a network: 20/h burst 30 instead of 30/h; their count begins anew",
        ),
        (|new| new.free_failures = 1, "1 failures are free instead of 5"),
        (
            |new| new.max_delay = "30s".into(),
            "a login waits for at most 30 seconds instead of 15 seconds",
        ),
        (
            |new| new.even_timing = Some("800ms".into()),
            "answers to failed logins take at least 800 milliseconds",
        ),
        (
            |new| new.ipv4_prefix = 24,
            "IPv4 networks of logins are counted by /24 instead of /32",
        ),
        (
            |new| new.ipv6_prefix = 48,
            "IPv6 networks of logins are counted by /48 instead of /64",
        ),
    ];

    #[test]
    fn what_tightens_one_way_loosens_the_other() {
        let old = policy(|_| {});
        for (change, text) in TIGHTER {
            let new = policy(change);
            assert_eq!(said(&old, &new)[0], format!("tightens: {text}"));
            assert!(said(&new, &old)[0].starts_with("loosens: "), "{:?}", said(&new, &old));
        }
        let step_up = policy(|new| new.then = "step_up".into());
        assert!(said(&old, &step_up)[0].starts_with("loosens: strangers"));
        assert!(said(&step_up, &old)[0].starts_with("tightens: strangers"));
    }

    #[test]
    fn every_setting_is_told() {
        let old = policy(|_| {});
        let others: [Changed; 8] = [
            |new| new.account_fields = vec!["login".into()],
            |new| new.password_fields = vec!["pw".into()],
            |new| new.failed.status = vec![401],
            |new| new.succeeded.location = Some("/home*".into()),
            |new| new.max_waiting = 3,
            |new| new.step_up_header = "X-More".into(),
            |new| new.device_cookie = String::new(),
            |new| new.max_keys = 128,
        ];
        for change in others {
            let said = said(&old, &policy(change));
            assert!(
                !said.is_empty() && said.iter().all(|text| text.starts_with("changes: ")),
                "{said:?}"
            );
        }
        assert!(said(&old, &old).is_empty());
        assert!(said(&old, &policy(|new| new.report_until = Some("2026-12-31".into()))).is_empty());
    }

    #[test]
    fn what_is_off_has_no_other_changes() {
        let off = policy(|new| new.routes.clear());
        let on = policy(|new| new.limits.network = "1/h".into());
        assert_eq!(said(&off, &on), ["tightens: limits of logins are enforced from now on"]);
        assert_eq!(said(&on, &off), ["loosens: limits of logins are switched off"]);
        let report = |limit: &'static str| {
            policy(|new| {
                new.enforcement = rempart_guard::Enforcement::Report;
                new.limits.code = limit.into();
            })
        };
        assert!(said(&report("1/h"), &report("2/h"))[0].starts_with("changes: wrong codes"));
    }
}
