use std::fmt;
use std::time::Duration;

use rempart_guard::{SessionId, in_words};

use crate::moment::Moment;

/// Why a session that was shown is none any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// No request for so many milliseconds.
    Idle(u64),
    /// It is so many milliseconds old.
    Expired(u64),
    /// Somebody ended it from outside.
    Killed,
    /// Somebody logged out.
    LoggedOut,
    /// The account had too many.
    Crowded,
    /// It has another number since somebody logged in; `just` when requests with the old one may still be on their way.
    Renewed {
        /// Whether that was within the last seconds.
        just: bool,
    },
    /// The session that it came with has ended.
    With,
}

impl Ended {
    /// The stable code.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Idle(_) => "session_idle",
            Self::Expired(_) => "session_expired",
            Self::Killed | Self::LoggedOut | Self::Crowded | Self::With => "session_killed",
            Self::Renewed { .. } => "session_superseded",
        }
    }

    /// Whether the browser may well have a newer cookie by now, which must not be taken from it.
    pub(crate) const fn is_just_renewed(self) -> bool {
        matches!(self, Self::Renewed { just: true })
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whole seconds: nobody reads more of it.
        let words = |millis: u64| in_words(Duration::from_secs(millis / 1_000));
        match self {
            Self::Idle(rest) => write!(f, "no request for {}", words(*rest)),
            Self::Expired(age) => write!(f, "it began {} ago", words(*age)),
            Self::Killed => f.write_str("it was ended from outside"),
            Self::LoggedOut => f.write_str("somebody logged out of it"),
            Self::Crowded => f.write_str("the account had more than it may have"),
            Self::Renewed { .. } => f.write_str("it has had another number since a login"),
            Self::With => f.write_str("the session that it came with has ended"),
        }
    }
}

/// Why a number was ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    Killed,
    LoggedOut,
    Crowded,
    /// By which number and since when that one counts; not known any more after a restart.
    Renewed(Option<(SessionId, Moment)>),
}

impl Why {
    pub(crate) const fn ended(self, at: Moment, now: Moment) -> Ended {
        match self {
            Self::Killed => Ended::Killed,
            Self::LoggedOut => Ended::LoggedOut,
            Self::Crowded => Ended::Crowded,
            Self::Renewed(_) => Ended::Renewed {
                just: now.saturating_sub(at) < UNDER_WAY,
            },
        }
    }

    /// The word under which it is kept.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::LoggedOut => "logged_out",
            Self::Crowded => "crowded",
            Self::Renewed(_) => "renewed",
        }
    }

    pub(crate) fn read(word: &str) -> Option<Self> {
        let all = [Self::Killed, Self::LoggedOut, Self::Crowded, Self::Renewed(None)];
        all.into_iter().find(|why| why.as_str() == word)
    }
}

/// How long requests with the old number may still come from the same browser after it got a new one.
const UNDER_WAY: u64 = 30_000;
