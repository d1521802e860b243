//! What new names, ages, numbers and rules do differently.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use rempart_guard::{Change, Effect, duration, in_words};

use crate::CookieRuleSettings;

pub(super) fn of_prefix(old: &str, new: &str, grace: Option<&str>) -> Option<Change> {
    let effect = Effect::of([strength(new).cmp(&strength(old))]);
    let then = match grace {
        Some(day) => format!("the old names are read until {day}"),
        None => "everybody is logged out once".to_owned(),
    };
    let named = named(new);
    (old != new).then(|| Change::new(effect, format!("session cookies are called {named} outside: {then}")))
}

pub(super) fn of_grace(old: &Option<String>, new: &Option<String>) -> Option<Change> {
    let text = match new {
        Some(day) => format!("cookies are still read under their old names until {day}"),
        None => "cookies are no longer read under their old names".to_owned(),
    };
    (old != new).then(|| Change::other(text))
}

pub(super) fn of_age(whose: &str, old: &str, new: &str) -> Option<Change> {
    let (old_age, new_age) = (duration(old).ok(), duration(new).ok());
    let effect = Effect::of([new_age.cmp(&old_age).reverse()]);
    let time = new_age.map_or_else(|| new.to_owned(), in_words);
    (old_age != new_age).then(|| Change::new(effect, format!("browsers keep {whose} for {time} at most")))
}

pub(super) fn of_count(old: u32, new: u32) -> Option<Change> {
    let effect = Effect::of([new.cmp(&old).reverse()]);
    (old != new).then(|| {
        Change::new(
            effect,
            format!("{new} cookies of a request reach the application at most, instead of {old}"),
        )
    })
}

type Rules = BTreeMap<String, CookieRuleSettings>;

/// Rule by rule: one that says nothing is none.
pub(super) fn of_rules(old: &Rules, new: &Rules) -> Vec<Change> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let none = CookieRuleSettings::default();
    let of = |rules: &Rules, name: &str| rules.get(name).cloned().unwrap_or_else(|| none.clone());
    names
        .into_iter()
        .flat_map(|name| of_rule(name, of(old, name), of(new, name)))
        .collect()
}

fn of_rule(name: &str, old: CookieRuleSettings, new: CookieRuleSettings) -> Vec<Change> {
    let CookieRuleSettings {
        same_site,
        script_readable,
        partitioned,
        path,
        max_age,
        prefix,
        drop,
    } = old;
    let rank = |words: [&str; 3], word: &Option<String>| {
        word.as_ref()
            .and_then(|word| words.iter().position(|known| known == word))
    };
    let sites = ["none", "lax", "strict"];
    let compared = |old: Option<usize>, new: Option<usize>| match (old, new) {
        (Some(old), Some(new)) => Effect::of([new.cmp(&old)]),
        _ => Effect::Changes,
    };
    let same = compared(rank(sites, &same_site), rank(sites, &new.same_site));
    let names = compared(prefix.as_deref().map(strength), new.prefix.as_deref().map(strength));
    let either = |is: Option<bool>, yes: Effect, no: Effect| match is {
        Some(true) => yes,
        Some(false) => no,
        None => Effect::Changes,
    };
    let readable = either(new.script_readable, Effect::Loosens, Effect::Tightens);
    let dropped = either(new.drop, Effect::Tightens, Effect::Changes);
    let ages = [&max_age, &new.max_age].map(|age| age.as_deref().and_then(|age| duration(age).ok()));
    let age = match ages {
        [Some(old), Some(new)] => Effect::of([Ordering::reverse(new.cmp(&old))]),
        _ => Effect::Changes,
    };
    let changes = [
        change(name, "same_site", same, &same_site, &new.same_site),
        change(
            name,
            "script_readable",
            readable,
            &script_readable,
            &new.script_readable,
        ),
        change(name, "partitioned", Effect::Changes, &partitioned, &new.partitioned),
        change(name, "path", Effect::Changes, &path, &new.path),
        change(name, "max_age", age, &max_age, &new.max_age).filter(|_| ages[0] != ages[1] || max_age.is_none()),
        change(name, "prefix", names, &prefix, &new.prefix),
        change(name, "drop", dropped, &drop, &new.drop),
    ];
    changes.into_iter().flatten().collect()
}

fn change<T: PartialEq + ToString>(
    name: &str,
    key: &str,
    effect: Effect,
    old: &Option<T>,
    new: &Option<T>,
) -> Option<Change> {
    let text = match (old, new) {
        (_, Some(new)) => format!("cookies {name}: {key} is {} from now on", new.to_string()),
        (_, None) => format!("cookies {name}: {key} is as for all others"),
    };
    (old != new).then(|| Change::new(effect, text))
}

fn named(prefix: &str) -> &'static str {
    match prefix {
        "host" => "`__Host-` and their name",
        "secure" => "`__Secure-` and their name",
        _ => "as the application calls them",
    }
}

fn strength(prefix: &str) -> usize {
    ["none", "secure", "host"]
        .iter()
        .position(|known| *known == prefix)
        .unwrap_or_default()
}
