//! Times as they are counted here: whole milliseconds since 1970, so that they can be kept in a file and in an atomic.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970; a moment before that is 0.
pub(crate) type Moment = u64;

pub(crate) fn moment(time: SystemTime) -> Moment {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    millis(since)
}

pub(crate) fn time(moment: Moment) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(moment)
}

pub(crate) fn millis(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}

/// Whether something that began at `began` is ended by a mark of `mark`. Whole seconds are compared, because a beginning may
/// have been kept in seconds: what began in the same second counts as before.
pub(crate) const fn is_before(began: Moment, mark: Moment) -> bool {
    mark > 0 && began / 1_000 <= mark / 1_000
}

/// The beginning of something new, which no mark so far ends.
pub(crate) const fn after(now: Moment, mark: Moment) -> Moment {
    if is_before(now, mark) {
        (mark / 1_000 + 1) * 1_000
    } else {
        now
    }
}
