//! What a new configuration does differently, in the words of somebody who runs a site.

use std::cmp::Ordering;
use std::fmt;

use serde::Serialize;

use crate::Enforcement;

/// One thing that is different under a new policy: what clients will see, and whether it makes the site safer.
///
/// Every control compares its own policies and is the only one that can: that two policies differ is told by `==`, what
/// the difference means is told by a list of these. Two policies that behave alike have an empty list between them,
/// however differently they are written.
///
/// ```
/// use rempart_guard::{Change, Effect, Enforcement};
///
/// let change = Change::tightens("quota `login`: falls from 10/m to 5/m for each client");
/// assert_eq!(change.to_string(), "tightens: quota `login`: falls from 10/m to 5/m for each client");
///
/// // A control that is only watched refuses nobody, however strict it is.
/// assert_eq!(change.under(Enforcement::Report).effect, Effect::Changes);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Whether it makes the site safer.
    pub effect: Effect,
    /// What will be different, without a full stop.
    pub text: String,
}

impl Change {
    /// A change with its effect.
    pub fn new(effect: Effect, text: impl Into<String>) -> Self {
        Self {
            effect,
            text: text.into(),
        }
    }

    /// A change that refuses or hides more than before.
    pub fn tightens(text: impl Into<String>) -> Self {
        Self::new(Effect::Tightens, text)
    }

    /// A change that lets pass or shows more than before.
    pub fn loosens(text: impl Into<String>) -> Self {
        Self::new(Effect::Loosens, text)
    }

    /// A change that is neither.
    pub fn other(text: impl Into<String>) -> Self {
        Self::new(Effect::Changes, text)
    }

    /// The same change of a control that will be at work as `enforcement` says: under `report` it only changes what is
    /// told, and so neither tightens nor loosens.
    #[must_use]
    pub fn under(self, enforcement: Enforcement) -> Self {
        match enforcement {
            Enforcement::Enforce => self,
            Enforcement::Report | Enforcement::Off => Self::other(self.text + " (only reported)"),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.effect, self.text)
    }
}

/// Whether a change makes a site safer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// More is refused or hidden than before.
    Tightens,
    /// More passes or shows than before.
    Loosens,
    /// Neither, or something of both.
    Changes,
}

impl Effect {
    /// The effect of a change with several aspects, each compared as *the new one with the old, the stricter the greater*.
    ///
    /// ```
    /// use rempart_guard::Effect;
    ///
    /// assert_eq!(Effect::of([2.cmp(&1), 5.cmp(&5)]), Effect::Tightens);
    /// assert_eq!(Effect::of([2.cmp(&1), 4.cmp(&5)]), Effect::Changes, "stricter in one, laxer in the other");
    /// ```
    pub fn of(strictness: impl IntoIterator<Item = Ordering>) -> Self {
        let (mut stricter, mut laxer) = (false, false);
        for aspect in strictness {
            stricter |= aspect.is_gt();
            laxer |= aspect.is_lt();
        }
        match (stricter, laxer) {
            (true, false) => Self::Tightens,
            (false, true) => Self::Loosens,
            _ => Self::Changes,
        }
    }

    /// The word in front of a change.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tightens => "tightens",
            Self::Loosens => "loosens",
            Self::Changes => "changes",
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Enforcement {
    /// What a new enforcement does to `controls`, a plural: "rate limits".
    #[must_use]
    pub fn changes_to(self, new: Self, controls: &str) -> Option<Change> {
        use Enforcement::{Enforce, Off, Report};
        match (self, new) {
            (Enforce, Enforce) | (Report, Report) | (Off, Off) => None,
            (Off, Enforce) => Some(Change::tightens(format!("{controls} are enforced from now on"))),
            (Report, Enforce) => Some(Change::tightens(format!(
                "{controls} are enforced where they were only reported"
            ))),
            (Off, Report) => Some(Change::other(format!("{controls} are reported from now on"))),
            (Report, Off) => Some(Change::other(format!("{controls} are no longer reported"))),
            (Enforce, Report) => Some(Change::loosens(format!(
                "{controls} are only reported from now on, and no longer enforced"
            ))),
            (Enforce, Off) => Some(Change::loosens(format!("{controls} are switched off"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_enforcement_is_said_once_for_every_pair() {
        use Enforcement::{Enforce, Off, Report};
        let said = |old: Enforcement, new| old.changes_to(new, "limits").map(|change| change.to_string());
        for same in [Enforce, Report, Off] {
            assert_eq!(said(same, same), None);
        }
        let said = |old, new| said(old, new).unwrap();
        assert_eq!(said(Off, Enforce), "tightens: limits are enforced from now on");
        assert_eq!(
            said(Report, Enforce),
            "tightens: limits are enforced where they were only reported"
        );
        assert_eq!(said(Off, Report), "changes: limits are reported from now on");
        assert_eq!(said(Report, Off), "changes: limits are no longer reported");
        assert_eq!(
            said(Enforce, Report),
            "loosens: limits are only reported from now on, and no longer enforced"
        );
        assert_eq!(said(Enforce, Off), "loosens: limits are switched off");
    }

    #[test]
    fn what_is_only_reported_neither_tightens_nor_loosens() {
        let change = Change::loosens("quota `login` is gone").under(Enforcement::Report);
        assert_eq!(change, Change::other("quota `login` is gone (only reported)"));
    }

    #[test]
    fn a_program_reads_effect_and_text() {
        let json = serde_json::to_string(&Change::loosens("x")).unwrap();
        assert_eq!(json, r#"{"effect":"loosens","text":"x"}"#);
    }
}
