//! What a limit asks of the store, in whole numbers that its script can count with.
//!
//! The script's numbers are doubles, exact up to 2⁵³. A bucket is how much was missing from a full one (its *debt*) and when,
//! in microseconds since 1970, which fits until the year 2255. The debt is counted in nanoseconds, in which the interval of a
//! [`Rate`](rempart_counts::Rate) is whole; of buckets that take more than 52 days to fill, in microseconds, with the
//! interval rounded up. There an interval is at least a millisecond, so rounding admits at most one in a thousand less, and
//! never more.
//!
//! One thing is not as on one node: a charge of more than the whole burst, which is charged in full, makes no more debt than
//! 104 days.

use std::time::Duration;

use rempart_counts::{Operation, Rate, SharedAsk};

/// How the debt of a bucket is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    /// How many of it are in a microsecond: 1000 or 1.
    pub(crate) scale: u64,
}

/// One ask, as the script reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// With more debt than this it refuses; `None` never does, and is done even when the rest of the request is refused.
    pub(crate) refuses_above: Option<u64>,
    /// How much debt it adds.
    pub(crate) adds: i64,
    /// Up to how much debt.
    pub(crate) most: u64,
}

impl Unit {
    pub(crate) fn of(rate: Rate) -> Self {
        let full = rate.interval().as_nanos() * u128::from(rate.burst());
        let scale = if full <= NANOSECONDS_UP_TO { 1_000 } else { 1 };
        Self { scale }
    }

    /// The time in which so much debt is gone.
    pub(crate) const fn duration(self, debt: u64) -> Duration {
        match self.scale {
            1 => Duration::from_micros(debt),
            _ => Duration::from_nanos(debt),
        }
    }

    fn interval(self, rate: Rate) -> u64 {
        self.rounded_up(rate.interval())
    }

    fn rounded_up(self, duration: Duration) -> u64 {
        let units = duration.as_nanos().div_ceil(u128::from(1_000 / self.scale));
        u64::try_from(units).unwrap_or(u64::MAX)
    }

    fn rounded_down(self, duration: Duration) -> u64 {
        let units = duration.as_nanos() / u128::from(1_000 / self.scale);
        u64::try_from(units).unwrap_or(u64::MAX)
    }
}

impl Step {
    pub(crate) fn of(ask: &SharedAsk) -> Self {
        let unit = Unit::of(ask.rate);
        let interval = unit.interval(ask.rate);
        let full = interval * u64::from(ask.rate.burst());
        let needed = interval * u64::from(ask.cost.min(ask.rate.burst()));
        let all = interval.saturating_mul(u64::from(ask.cost)).min(EXACT);
        let owed = full * 2;
        let (refuses_above, adds, most) = match ask.operation {
            Operation::Charge { patience } => {
                let room = full + unit.rounded_down(patience.min(LONGEST_PATIENCE));
                (Some(room - needed), signed(all), EXACT)
            }
            Operation::Look => (Some(full - needed), 0, owed),
            Operation::Force => (None, signed(all), owed),
            Operation::Refund => (None, -signed(all), owed),
            Operation::Clear => (None, -signed(EXACT), owed),
        };
        Self {
            refuses_above,
            adds,
            most,
        }
    }
}

/// Up to here every whole number is a double.
const EXACT: u64 = 1 << 53;

/// Twice this is still exact: 52 days.
const NANOSECONDS_UP_TO: u128 = 1 << 52;

/// Nobody waits for longer, whoever asks.
const LONGEST_PATIENCE: Duration = Duration::from_secs(86_400);

const fn signed(number: u64) -> i64 {
    // Not above 2⁵³.
    number.cast_signed()
}
