use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What time it is. The waiting room asks nobody else, so that a test is a whole morning long and takes a second.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> SystemTime;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

impl<F: Fn() -> SystemTime + Send + Sync + 'static> Clock for F {
    fn now(&self) -> SystemTime {
        self()
    }
}

/// Microseconds since 1970: what tickets count in, so that no two arrivals are one.
pub(crate) type Moment = u64;

pub(crate) fn moment(time: SystemTime) -> Moment {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_micros().try_into().unwrap_or(u64::MAX)
}

pub(crate) fn time(moment: Moment) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(moment)
}

/// Tenths of a second since a room began: what is kept for each person, in four bytes that last thirteen years.
pub(crate) type Tick = u32;

pub(crate) const TICK: u64 = 100_000;

pub(crate) fn ticks(duration: Duration) -> Tick {
    Tick::try_from(duration.as_micros() / u128::from(TICK)).unwrap_or(Tick::MAX)
}
