//! What new settings do differently.

use cookie::SameSite;
use rempart_guard::{Change, Effect, Enforcement};

use crate::CookieSettings;
use crate::attributes::strictness;
use crate::pattern;
use crate::settings::{is_domain, read_same_site};

/// The cookies of one tenant as they can be compared: the settings with the hosts of the tenant, as they are handed to
/// [`CookiePolicy::new`](crate::CookiePolicy::new), but without its key, which no comparison needs.
#[derive(Clone, Copy, Debug)]
pub struct CookieRules<'a> {
    /// The settings, of which a policy can be made.
    pub settings: &'a CookieSettings,
    /// The values that a cookie's `Domain` may have.
    pub hosts: &'a [String],
}

impl CookieRules<'_> {
    /// What will be different for browsers and applications under `new`. Nothing when cookies leave and come alike: names
    /// in another order, or any setting of a control that is off before and after.
    ///
    /// ```
    /// use rempart_cookie::{CookieRules, CookieSettings};
    ///
    /// let (old, mut new) = (CookieSettings::default(), CookieSettings::default());
    /// new.session.push("PHPSESSID".to_owned());
    /// let [old, new] = [&old, &new].map(|settings| CookieRules { settings, hosts: &[] });
    /// assert_eq!(
    ///     old.changes_to(new)[0].to_string(),
    ///     "tightens: session cookie PHPSESSID is sealed from now on: everybody is logged out once",
    /// );
    /// ```
    #[must_use]
    pub fn changes_to(self, new: CookieRules<'_>) -> Vec<Change> {
        let CookieSettings {
            enforcement,
            // Nothing happens on that day, save that whoever checks the configuration is told.
            report_until: _,
            session: _,
            session_in_url,
            script_readable,
            same_site,
            prefix,
            rename_grace_until,
            max_age,
            max_cookies,
            rules,
        } = self.settings;
        let at_work = new.settings.enforcement;
        let mut changes: Vec<_> = enforcement.changes_to(at_work, "cookie rules").into_iter().collect();
        changes.extend(self.sealed(new));
        if enforcement.is_on() && at_work.is_on() {
            let other = of_url(session_in_url, &new.settings.session_in_url)
                .into_iter()
                .chain(of_readable(script_readable, &new.settings.script_readable))
                .chain(of_same_site(same_site, &new.settings.same_site))
                .chain(of_domains(self.hosts, new.hosts))
                .chain(more::of_prefix(
                    prefix,
                    &new.settings.prefix,
                    new.settings.rename_grace_until.as_deref(),
                ))
                .chain(more::of_grace(rename_grace_until, &new.settings.rename_grace_until))
                .chain(more::of_age("a cookie", max_age, &new.settings.max_age))
                .chain(more::of_count(*max_cookies, new.settings.max_cookies))
                .chain(more::of_rules(rules, &new.settings.rules));
            changes.extend(other.map(|change| change.under(at_work)));
        }
        changes
    }

    /// The sessions that are sealed, or no longer. An application does not know a session that it gets sealed, and one that
    /// was never sealed is not let in.
    fn sealed(self, new: CookieRules<'_>) -> Vec<Change> {
        let (old_names, new_names) = (&self.settings.session, &new.settings.session);
        let enforces = |rules: CookieRules<'_>| rules.settings.enforcement == Enforcement::Enforce;
        match (enforces(self), enforces(new)) {
            (true, true) => unseal(old_names, new_names).chain(seal(new_names, old_names)).collect(),
            (false, true) => seal(new_names, &[]).collect(),
            (true, false) => unseal(old_names, &[]).collect(),
            (false, false) if self.settings.enforcement.is_on() && new.settings.enforcement.is_on() => {
                let gone =
                    beyond(old_names, new_names).map(|name| format!("cookie {name} no longer counts as a session"));
                let more = beyond(new_names, old_names).map(|name| format!("cookie {name} counts as a session"));
                let changes = gone.chain(more).map(Change::other);
                changes.map(|change| change.under(Enforcement::Report)).collect()
            }
            (false, false) => Vec::new(),
        }
    }
}

fn seal(names: &[String], before: &[String]) -> impl Iterator<Item = Change> {
    uncovered(names, before).map(|name| {
        Change::tightens(format!(
            "session cookie {name} is sealed from now on: everybody is logged out once"
        ))
    })
}

fn unseal(names: &[String], after: &[String]) -> impl Iterator<Item = Change> {
    uncovered(names, after).map(|name| {
        Change::loosens(format!(
            "session cookie {name} is no longer sealed: everybody is logged out once"
        ))
    })
}

/// Case makes no difference there.
fn of_url(old: &[String], new: &[String]) -> Vec<Change> {
    let beyond = |names: &[String], others: &[String]| -> Vec<String> {
        let is_new = |name: &&String| !others.iter().any(|other| other.eq_ignore_ascii_case(name));
        names.iter().filter(is_new).cloned().collect()
    };
    let removed = beyond(new, old).into_iter().map(|name| {
        let then = "do not reach the application: clients without cookies cannot log in";
        Change::tightens(format!("sessions in the path, in `{name}`, {then}"))
    });
    let passes = beyond(old, new)
        .into_iter()
        .map(|name| Change::loosens(format!("sessions in the path, in `{name}`, reach the application")));
    removed.chain(passes).collect()
}

fn of_readable(old: &[String], new: &[String]) -> impl Iterator<Item = Change> {
    let hidden =
        uncovered(old, new).map(|name| Change::tightens(format!("scripts can no longer read the cookie {name}")));
    let shown = uncovered(new, old).map(|name| Change::loosens(format!("scripts can read the cookie {name}")));
    hidden.chain(shown)
}

fn of_same_site(old: &str, new: &str) -> Option<Change> {
    let strict = |word: &str| read_same_site(word).unwrap_or(SameSite::Strict);
    let effect = Effect::of([strictness(strict(new)).cmp(&strictness(strict(old)))]);
    let carried = match strict(new) {
        SameSite::None => "links, forms and frames of other sites carry the cookies",
        SameSite::Lax => "links of other sites carry the cookies, their forms and frames do not",
        SameSite::Strict => "nothing that comes from another site carries the cookies, not even a link",
    };
    (old != new).then(|| Change::new(effect, format!("SameSite: {carried}")))
}

fn of_domains(old: &[String], new: &[String]) -> impl Iterator<Item = Change> {
    let lost = beyond(old, new).filter(|host| is_domain(host)).map(|host| {
        Change::tightens(format!(
            "cookies with the Domain {host} lose it, and stay with the host that set them"
        ))
    });
    let kept = beyond(new, old).filter(|host| is_domain(host)).map(|host| {
        Change::loosens(format!(
            "cookies may have the Domain {host}, and reach every host below it"
        ))
    });
    lost.chain(kept)
}

/// The names of cookies, or patterns of them, that the others do not cover.
fn uncovered<'a>(names: &'a [String], others: &[String]) -> impl Iterator<Item = &'a String> {
    beyond(names, others).filter(move |name| !others.iter().any(|other| pattern::covers(other, name)))
}

/// The names that are not among the others, each once.
fn beyond<'a>(names: &'a [String], others: &[String]) -> impl Iterator<Item = &'a String> {
    let is_new = |(index, name): &(usize, &String)| !others.contains(name) && !names[..*index].contains(name);
    names.iter().enumerate().filter(is_new).map(|(_, name)| name)
}

mod more;
#[cfg(test)]
mod tests;
