//! `Referrer-Policy` (W3C, Referrer Policy, section 3 the policies, section 8.1 the header).

use std::str::FromStr;

use http::header::REFERRER_POLICY;
use http::{HeaderMap, HeaderValue};
use rempart_guard::{Change, Effect};

use crate::guard::{Notes, Repair};

/// One of the eight policies, by what it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReferrerPolicy {
    name: &'static str,
    tells: [Told; 3],
}

/// What the page that is asked learns: nothing, the origin of the page that links to it, or that page's whole address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Nothing,
    Origin,
    All,
}

use Told::{All, Nothing, Origin};

/// To the same origin, to another origin, and from HTTPS to HTTP.
#[rustfmt::skip]
const POLICIES: [ReferrerPolicy; 8] = [
    ReferrerPolicy { name: "no-referrer", tells: [Nothing, Nothing, Nothing] },
    ReferrerPolicy { name: "same-origin", tells: [All, Nothing, Nothing] },
    ReferrerPolicy { name: "strict-origin", tells: [Origin, Origin, Nothing] },
    ReferrerPolicy { name: "origin", tells: [Origin, Origin, Origin] },
    ReferrerPolicy { name: "strict-origin-when-cross-origin", tells: [All, Origin, Nothing] },
    ReferrerPolicy { name: "origin-when-cross-origin", tells: [All, Origin, Origin] },
    ReferrerPolicy { name: "no-referrer-when-downgrade", tells: [All, All, Nothing] },
    ReferrerPolicy { name: "unsafe-url", tells: [All, All, All] },
];

impl ReferrerPolicy {
    /// The names of all, from the most silent to the most talkative.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        POLICIES.into_iter().map(Self::name)
    }

    pub(crate) const fn name(self) -> &'static str {
        self.name
    }

    pub(crate) fn amend(self, headers: &mut HeaderMap, notes: &mut Notes<'_>) {
        let mut lines = headers.get_all(REFERRER_POLICY).iter();
        let (first, second) = (lines.next(), lines.next());
        let sent = first.and_then(|_| Self::effective(headers));
        let value = match sent {
            Some(sent) if sent.tells_no_more_than(self) && second.is_none() => return,
            Some(sent) if sent.tells_no_more_than(self) => sent,
            _ => self,
        };
        if first.is_some() && sent != Some(value) {
            notes.once(Repair::ReferrerReplaced, || Notes::shown(first));
        }
        headers.insert(REFERRER_POLICY, HeaderValue::from_static(value.name));
    }

    /// The last policy that a browser knows, over all lines; words it does not know are passed over (section 8.1).
    fn effective(headers: &HeaderMap) -> Option<Self> {
        let lines = headers.get_all(REFERRER_POLICY).iter();
        let words = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','));
        words.filter_map(|word| word.parse().ok()).next_back()
    }

    /// What other sites will learn differently.
    pub(crate) fn changes_to(self, new: Self) -> Option<Change> {
        let less = self.tells.iter().zip(new.tells).map(|(old, new)| old.cmp(&new));
        let text = || format!("`Referrer-Policy` is `{}` instead of `{}`", new.name, self.name);
        (self != new).then(|| Change::new(Effect::of(less), text()))
    }

    fn tells_no_more_than(self, other: Self) -> bool {
        self.tells
            .iter()
            .zip(other.tells)
            .all(|(told, allowed)| *told <= allowed)
    }
}

impl FromStr for ReferrerPolicy {
    type Err = UnknownPolicy;

    fn from_str(word: &str) -> Result<Self, UnknownPolicy> {
        let word = word.trim();
        POLICIES
            .into_iter()
            .find(|policy| policy.name.eq_ignore_ascii_case(word))
            .ok_or(UnknownPolicy)
    }
}

/// A word that is none of the eight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnknownPolicy;
