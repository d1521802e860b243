//! `Strict-Transport-Security` (RFC 6797).

use std::time::Duration;

use http::header::STRICT_TRANSPORT_SECURITY;
use http::{HeaderMap, HeaderValue};
use rempart_guard::{Change, Effect, in_words};

use crate::guard::{Notes, Repair};

/// What a `Strict-Transport-Security` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Directives {
    /// In seconds.
    pub(crate) max_age: u64,
    pub(crate) include_subdomains: bool,
    pub(crate) preload: bool,
}

/// The policy's own header, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hsts {
    ours: Directives,
    value: HeaderValue,
}

impl Hsts {
    pub(crate) fn new(ours: Directives) -> Self {
        Self {
            ours,
            value: ours.to_value(),
        }
    }

    /// A flag is only taken over from an application whose `max-age` counts: five careful minutes of
    /// `includeSubDomains` must not become a year of it.
    pub(crate) fn amend(&self, headers: &mut HeaderMap, notes: &mut Notes<'_>) {
        let mut lines = headers.get_all(STRICT_TRANSPORT_SECURITY).iter();
        let value = match (lines.next(), lines.next()) {
            (None, _) => self.value.clone(),
            (Some(line), second) => match Directives::parse(line.as_bytes()) {
                Some(sent) if second.is_none() && sent.covers(self.ours) => return,
                Some(sent) if sent.max_age >= self.ours.max_age => sent.and_flags_of(self.ours).to_value(),
                _ => {
                    notes.once(Repair::HstsReplaced, || Notes::shown(Some(line)));
                    self.value.clone()
                }
            },
        };
        headers.insert(STRICT_TRANSPORT_SECURITY, value);
    }

    /// What browsers will remember differently.
    pub(crate) fn changes_to(&self, new: &Self) -> Vec<Change> {
        let Directives {
            max_age,
            include_subdomains,
            preload,
        } = self.ours;
        let mut changes = Vec::new();
        if max_age != new.ours.max_age {
            let effect = Effect::of([new.ours.max_age.cmp(&max_age)]);
            let [old, new] = [max_age, new.ours.max_age].map(|age| in_words(Duration::from_secs(age)));
            changes.push(Change::new(
                effect,
                format!("HSTS: browsers remember {new} instead of {old}"),
            ));
        }
        match (include_subdomains, new.ours.include_subdomains) {
            (false, true) => changes.push(Change::tightens(
                "HSTS: holds for every host below too, and browsers open none of them over plain HTTP any more",
            )),
            (true, false) => changes.push(Change::loosens("HSTS: no longer holds for the hosts below")),
            _ => {}
        }
        match (preload, new.ours.preload) {
            (false, true) => changes.push(Change::tightens(
                "HSTS: browsers may ship the host in their built-in list, which takes months to leave",
            )),
            (true, false) => changes.push(Change::loosens(
                "HSTS: no longer asks for a place in the browsers' built-in list",
            )),
            _ => {}
        }
        changes
    }
}

impl Directives {
    /// RFC 6797 section 6.1: directives in any order and any case, values perhaps quoted, `max-age` required, none
    /// twice, unknown ones ignored. `None` for what a browser would ignore.
    fn parse(line: &[u8]) -> Option<Self> {
        let (mut max_age, mut include_subdomains, mut preload) = (None, false, false);
        for directive in std::str::from_utf8(line).ok()?.split(';') {
            let (name, value) = match directive.split_once('=') {
                Some((name, value)) => (name.trim(), Some(unquote(value.trim()))),
                None => (directive.trim(), None),
            };
            if name.eq_ignore_ascii_case("max-age") {
                if max_age.replace(seconds(value?)?).is_some() {
                    return None;
                }
            } else if name.eq_ignore_ascii_case("includeSubDomains") {
                if std::mem::replace(&mut include_subdomains, true) {
                    return None;
                }
            } else if name.eq_ignore_ascii_case("preload") {
                preload = true;
            }
        }
        Some(Self {
            max_age: max_age?,
            include_subdomains,
            preload,
        })
    }

    const fn covers(self, other: Self) -> bool {
        self.max_age >= other.max_age
            && (self.include_subdomains || !other.include_subdomains)
            && (self.preload || !other.preload)
    }

    const fn and_flags_of(self, other: Self) -> Self {
        Self {
            max_age: self.max_age,
            include_subdomains: self.include_subdomains || other.include_subdomains,
            preload: self.preload || other.preload,
        }
    }

    /// The default is a constant: it is cloned without touching a counter that other cores touch too.
    fn to_value(self) -> HeaderValue {
        if self == YEAR {
            return HeaderValue::from_static("max-age=31536000");
        }
        let include_subdomains = if self.include_subdomains {
            "; includeSubDomains"
        } else {
            ""
        };
        let preload = if self.preload { "; preload" } else { "" };
        HeaderValue::try_from(format!("max-age={}{include_subdomains}{preload}", self.max_age))
            .expect("a number and words are a header value")
    }
}

const YEAR: Directives = Directives {
    max_age: 31_536_000,
    include_subdomains: false,
    preload: false,
};

fn unquote(value: &str) -> &str {
    value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(value)
}

/// Digits only. A number beyond 64 bits is for ever, as it is to a browser.
fn seconds(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}
