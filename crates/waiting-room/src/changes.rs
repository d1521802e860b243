//! What a new policy does differently.

use std::cmp::Ordering;

use rempart_guard::{Change, Effect, Enforcement, RoutePattern, in_words};
use time::OffsetDateTime;

use crate::WaitingRoomPolicy;

impl WaitingRoomPolicy {
    /// What will be different for people under `new`. Nothing when both keep the same room, or none.
    ///
    /// Who is inside and who waits stays where they are under every new policy: a smaller `active` sends nobody out, and a
    /// smaller `max_waiting` nobody away.
    ///
    /// ```
    /// use rempart_waiting_room::{WaitingRoomPolicy, WaitingRoomSettings};
    ///
    /// let policy = |active| {
    ///     let settings = WaitingRoomSettings { active: Some(active), ..Default::default() };
    ///     WaitingRoomPolicy::try_from(settings).unwrap()
    /// };
    /// let changes = policy(500).changes_to(&policy(300));
    /// assert_eq!(changes[0].to_string(), "tightens: the waiting room lets 300 people in at once instead of 500");
    /// ```
    #[must_use]
    pub fn changes_to(&self, new: &Self) -> Vec<Change> {
        let (before, after) = (self.enforcement(), new.enforcement());
        let enforced = before.changes_to(after, "waiting rooms");
        if !after.is_on() {
            return enforced.into_iter().collect();
        }
        let changes = match before {
            Enforcement::Off => vec![new.whole()],
            _ => self.differences(new),
        };
        let changes = changes.into_iter().map(|change| change.under(after));
        enforced.into_iter().chain(changes).collect()
    }

    /// All of a room that was not there.
    fn whole(&self) -> Change {
        let bounds = [
            self.active.map(|active| format!("at most {active} people at once")),
            self.admit.map(|admit| format!("at most {admit}")),
            self.opens.map(|opens| format!("nobody before {}", in_full(opens))),
        ];
        let bounds: Vec<_> = bounds.into_iter().flatten().collect();
        let routes = match self.routes.as_slice() {
            [] => String::new(),
            routes => format!(", on {}", list(routes)),
        };
        Change::tightens(format!("a waiting room lets in {}{routes}", bounds.join(", ")))
    }

    fn differences(&self, new: &Self) -> Vec<Change> {
        let Self {
            enforcement: _,
            report_until: _,
            name,
            routes,
            except,
            active,
            admit,
            session,
            keep_place,
            opens,
            max_waiting,
            max_per_client,
        } = self;
        let mut changes = vec![
            bound(
                active,
                &new.active,
                |active| format!("{active} people in at once"),
                u32::cmp,
            ),
            bound(
                admit,
                &new.admit,
                |admit| format!("people in at {admit}"),
                |one, other| other.interval().cmp(&one.interval()),
            ),
            bound(
                opens,
                &new.opens,
                |opens| format!("people in from {} on", in_full(*opens)),
                |one, other| other.cmp(one),
            ),
        ];
        changes.push(of_routes("waits", routes, &new.routes));
        changes.push(of_routes("is let pass", except, &new.except));
        let times = [
            ("a place inside is given on after", *session, new.session),
            ("a place in the line is kept for", *keep_place, new.keep_place),
        ];
        changes.extend(times.map(|(what, old, new)| {
            let text = || format!("{what} {} instead of {}", in_words(new), in_words(old));
            (old != new).then(|| Change::other(text()))
        }));
        let counts = [
            ("may wait in all", *max_waiting, new.max_waiting),
            (
                "may wait and be inside behind one address",
                *max_per_client,
                new.max_per_client,
            ),
        ];
        changes.extend(counts.map(|(what, old, new)| {
            let effect = Effect::of([old.cmp(&new)]);
            (old != new).then(|| Change::new(effect, format!("{new} people instead of {old} {what}")))
        }));
        changes.push((*name != new.name).then(|| Change::other("the waiting room calls the site by another name")));
        changes.into_iter().flatten().collect()
    }
}

/// A bound that came, went, or is another one; `laxer` orders by how much it lets in.
fn bound<T: PartialEq>(
    old: &Option<T>,
    new: &Option<T>,
    said: impl Fn(&T) -> String,
    laxer: impl Fn(&T, &T) -> Ordering,
) -> Option<Change> {
    match (old, new) {
        (old, new) if old == new => None,
        (None, None) => None,
        (None, Some(new)) => Some(Change::tightens(format!("the waiting room lets {}", said(new)))),
        (Some(old), None) => Some(Change::loosens(format!(
            "the waiting room no longer lets only {}",
            said(old)
        ))),
        (Some(old), Some(new)) => {
            let effect = Effect::of([laxer(old, new)]);
            let before = said(old);
            let before = before
                .split(' ')
                .next()
                .filter(|_| before.contains("at once"))
                .map(str::to_owned);
            let before = before.unwrap_or_else(|| said(old).trim_start_matches("people in ").to_owned());
            Some(Change::new(
                effect,
                format!("the waiting room lets {} instead of {before}", said(new)),
            ))
        }
    }
}

fn of_routes(what: &str, old: &[RoutePattern], new: &[RoutePattern]) -> Option<Change> {
    let same = old.iter().all(|route| new.contains(route)) && new.iter().all(|route| old.contains(route));
    let said = |routes: &[RoutePattern]| match routes {
        [] if what == "waits" => "every route".to_owned(),
        [] => "no route".to_owned(),
        routes => list(routes),
    };
    (!same).then(|| Change::other(format!("who asks for {} {what}, instead of {}", said(new), said(old))))
}

/// A moment as it was written, in the offset in which it was written.
fn in_full(moment: OffsetDateTime) -> String {
    let (date, hour, minute) = (moment.date(), moment.hour(), moment.minute());
    let (hours, minutes, _) = moment.offset().as_hms();
    let sign = if moment.offset().is_negative() { '-' } else { '+' };
    let (hours, minutes) = (hours.unsigned_abs(), minutes.unsigned_abs());
    format!("{date} {hour:02}:{minute:02} {sign}{hours:02}:{minutes:02}")
}

fn list(routes: &[RoutePattern]) -> String {
    let routes: Vec<_> = routes.iter().map(ToString::to_string).collect();
    routes.join(", ")
}

#[cfg(test)]
mod tests {
    use crate::{WaitingRoomPolicy, WaitingRoomSettings};

    fn policy(toml: &str) -> WaitingRoomPolicy {
        toml::from_str::<WaitingRoomSettings>(toml).unwrap().try_into().unwrap()
    }

    fn changes(old: &str, new: &str) -> Vec<String> {
        let changes = policy(old).changes_to(&policy(new));
        changes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_key_that_differs_is_told_once() {
        let both = |old: &str, new: &str| changes(&format!("active = 5\n{old}"), &format!("active = 5\n{new}"));
        for (old, new, said) in [
            (
                "",
                "admit = \"5/m\"",
                "tightens: the waiting room lets people in at 5/m",
            ),
            (
                "admit = \"5/m\"",
                "",
                "loosens: the waiting room no longer lets only people in at 5/m",
            ),
            (
                "admit = \"5/m\"",
                "admit = \"9/m\"",
                "loosens: the waiting room lets people in at 9/m instead of at 5/m",
            ),
            (
                "opens = \"2027-03-01T08:00:00-05:00\"",
                "opens = \"2027-03-02T08:00:00-05:00\"",
                "tightens: the waiting room lets people in from 2027-03-02 08:00 -05:00 on instead of from 2027-03-01 08:00 -05:00 on",
            ),
            (
                "",
                "routes = [\"/a\"]",
                "changes: who asks for /a waits, instead of every route",
            ),
            (
                "except = [\"/a\"]",
                "except = []",
                "changes: who asks for no route is let pass, instead of /a",
            ),
            (
                "",
                "session = \"20m\"",
                "changes: a place inside is given on after 20 minutes instead of 15 minutes",
            ),
            (
                "",
                "keep_place = \"3m\"",
                "changes: a place in the line is kept for 3 minutes instead of 2 minutes",
            ),
            (
                "",
                "max_waiting = 9",
                "tightens: 9 people instead of 50000 may wait in all",
            ),
            (
                "max_per_client = 5",
                "max_per_client = 6",
                "loosens: 6 people instead of 5 may wait and be inside behind one address",
            ),
            (
                "",
                "name = \"Camp\"",
                "changes: the waiting room calls the site by another name",
            ),
        ] {
            assert_eq!(both(old, new), [said]);
        }
    }

    #[test]
    fn a_room_that_was_not_there_is_told_as_a_whole() {
        assert_eq!(
            changes("", "active = 500\nroutes = [\"/camp/*\"]"),
            [
                "tightens: waiting rooms are enforced from now on",
                "tightens: a waiting room lets in at most 500 people at once, on /camp/*",
            ]
        );
        assert_eq!(changes("active = 500", ""), ["loosens: waiting rooms are switched off"]);
        assert!(changes("session = \"20m\"", "").is_empty(), "no room before and after");
        assert!(
            changes(
                "active = 5\nexcept = [\"/a\", \"/b\"]",
                "active = 5\nexcept = [\"/b\", \"/a\"]"
            )
            .is_empty()
        );
    }
}
