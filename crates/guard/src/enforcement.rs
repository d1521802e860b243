use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a control acts, only tells, or is not there; the same three words for every control of every tenant.
///
/// ```
/// use rempart_guard::Enforcement;
///
/// let written: Enforcement = serde_json::from_str("\"report\"").unwrap();
/// assert_eq!(written, Enforcement::Report);
/// assert_eq!(Enforcement::default(), Enforcement::Enforce);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Enforcement {
    /// Refuse and amend, and record it. The default: a control that is configured is meant to work.
    #[default]
    Enforce,
    /// Decide and record what would have been refused or amended, and let everything pass unchanged.
    Report,
    /// Decide nothing. A stack leaves the layer out altogether.
    Off,
}

impl Enforcement {
    /// The word as it is written in a tenant's file, a metric's label and a log line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Report => "report",
            Self::Off => "off",
        }
    }

    /// Whether the control decides at all.
    #[must_use]
    pub const fn is_on(self) -> bool {
        !matches!(self, Self::Off)
    }
}

impl std::fmt::Display for Enforcement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
