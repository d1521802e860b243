use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderName, SET_COOKIE};
use http::{HeaderValue, StatusCode};
use rempart_guard::{NoDownstream, Refusal, Rejection};
use time::{OffsetDateTime, UtcOffset};

use crate::Estimate;
use crate::room::Standing;

/// Why a request is answered by the waiting room.
#[derive(Debug)]
pub enum WaitingRoomRefusal {
    /// Nobody has said who the client is. Status 500: a layer that was forgotten lets nobody pass.
    NoDownstream(NoDownstream),
    /// There is no place for them now. Status 503 with `Retry-After` (RFC 9110 section 15.6.4), or 429 when their network has
    /// too many.
    Waits(Box<Waits>),
}

/// What somebody who is not let in is told.
#[derive(Clone, Debug)]
pub struct Waits {
    pub(crate) why: Why,
    pub(crate) site: Arc<str>,
    /// The `Set-Cookie` of their ticket.
    pub(crate) ticket: Option<HeaderValue>,
    /// Whether the request wanted to change something, which was not sent on.
    pub(crate) changes: bool,
    /// Where the page goes when it asks again, when that is not where it is: the form of what was not sent on.
    pub(crate) back: Option<String>,
    pub(crate) keep_place: Duration,
    pub(crate) opens: Option<OffsetDateTime>,
    pub(crate) now: OffsetDateTime,
}

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// They are in the line.
    Line(Standing),
    /// The site has not opened, and they have a ticket.
    Early(Standing),
    /// The line is full.
    Full,
    /// Their network has as many tickets as one may have.
    Crowded,
    /// No place, and nothing that a ticket is given to: a picture, a `HEAD`.
    NoPlace,
}

impl Waits {
    /// How many people are ahead, once that is known.
    #[must_use]
    pub const fn ahead(&self) -> Option<usize> {
        match self.why {
            Why::Line(standing) | Why::Early(standing) => standing.ahead,
            _ => None,
        }
    }

    /// About how long they wait, once something was seen that says it.
    #[must_use]
    pub const fn estimate(&self) -> Option<Estimate> {
        match self.why {
            Why::Line(standing) => standing.estimate,
            _ => None,
        }
    }

    /// After how long it is worth asking again: more often near the door, where a free place would otherwise stand empty.
    pub(crate) fn again(&self) -> Duration {
        let seconds = match self.why {
            Why::Line(Standing { ahead, estimate, .. }) => {
                let is_soon = estimate.is_some_and(|estimate| estimate.from < Duration::from_secs(60));
                if is_soon || ahead.is_some_and(|ahead| ahead < 10) {
                    5
                } else {
                    LONGEST
                }
            }
            Why::Early(_) => {
                let left = self.opens.map_or(0, |opens| (opens - self.now).whole_seconds());
                // Not before: they would all be back a moment later.
                u64::try_from(left).unwrap_or(0).saturating_add(1).min(LONGEST)
            }
            Why::NoPlace => LONGEST,
            Why::Full | Why::Crowded => 120,
        };
        let seconds = match self.changes {
            // Time to read that it was not sent on, and to save what was written.
            true => seconds.max(UNSENT),
            false => seconds,
        };
        Duration::from_secs(seconds)
    }

    const fn code(&self) -> &'static str {
        match self.why {
            Why::Line(_) | Why::NoPlace => "waiting_room",
            Why::Early(_) => "waiting_room_not_open",
            Why::Full => "waiting_room_full",
            Why::Crowded => "waiting_room_network_full",
        }
    }

    fn rejection(&self) -> Rejection {
        let status = match self.why {
            Why::Crowded => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        let mut rejection = Rejection::new(status, self.code()).retry_after(self.again());
        if let Some(ticket) = &self.ticket {
            rejection = rejection.header(SET_COOKIE, ticket.clone());
            rejection = rejection.header(REFRESH, self.refresh());
        }
        rejection.notice(self.clone())
    }

    /// In the header and not in the page: it works without scripts in every browser, and a `Content-Security-Policy` has no
    /// word for it.
    fn refresh(&self) -> HeaderValue {
        let seconds = self.again().as_secs();
        let line = match &self.back {
            Some(back) => format!("{seconds}; url={back}"),
            None => seconds.to_string(),
        };
        HeaderValue::try_from(line).unwrap_or_else(|_| HeaderValue::from(seconds))
    }

    /// The time zone of the site, as far as its file says one.
    pub(crate) fn offset(&self) -> UtcOffset {
        self.opens.map_or(UtcOffset::UTC, OffsetDateTime::offset)
    }
}

impl Refusal for WaitingRoomRefusal {
    fn rejection(&self) -> Rejection {
        match self {
            Self::NoDownstream(refusal) => refusal.rejection(),
            Self::Waits(waits) => waits.rejection(),
        }
    }
}

impl From<NoDownstream> for WaitingRoomRefusal {
    fn from(refusal: NoDownstream) -> Self {
        Self::NoDownstream(refusal)
    }
}

impl fmt::Display for WaitingRoomRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waits = match self {
            Self::NoDownstream(refusal) => return refusal.fmt(f),
            Self::Waits(waits) => waits,
        };
        match waits.why {
            Why::Line(Standing { ahead, waiting, .. }) => {
                write!(
                    f,
                    "waits with {} ahead, of {waiting} in the line",
                    ahead.unwrap_or_default()
                )
            }
            Why::Early(Standing { waiting, .. }) => write!(f, "came before the opening, as one of {waiting}"),
            Why::Full => f.write_str("the line is full"),
            Why::Crowded => f.write_str("its network has as many tickets as one may have"),
            Why::NoPlace => f.write_str("no place, and no request that a ticket is given to"),
        }
    }
}

impl std::error::Error for WaitingRoomRefusal {}

const REFRESH: HeaderName = HeaderName::from_static("refresh");
/// Seconds after which a page asks at the latest.
const LONGEST: u64 = 20;
/// Seconds after which the page asks that came instead of what a form should have led to.
const UNSENT: u64 = 40;
