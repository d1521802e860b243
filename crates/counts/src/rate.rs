use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use governor::Quota;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How often, as a person writes it: `"10/s"`, `"300/m burst 40"`, `"5/15m burst 3"`.
///
/// A count, a slash, a period with one of the units `s`, `m`, `h`, `d` (a day is 24 hours), and perhaps a burst: how many
/// may come at once after a rest. Without `burst` it is the count. There is no way to write a bare number, because nobody
/// agrees whether `10` means ten a second or one every ten seconds.
///
/// ```
/// use rempart_counts::Rate;
///
/// let rate: Rate = "5/15m burst 3".parse().unwrap();
/// assert_eq!((rate.count(), rate.period().as_secs(), rate.burst()), (5, 900, 3));
/// assert_eq!(rate.to_string(), "5/15m burst 3");
/// assert_eq!("120/60s".parse::<Rate>().unwrap().to_string(), "120/m");
/// assert!("10".parse::<Rate>().unwrap_err().to_string().contains("no period"));
/// ```
///
/// # Bounds
///
/// At most a million a second, and a used-up burst is full again within 366 days. In any stretch of time no more than
/// *burst + elapsed × rate* requests are admitted: the time between two requests is rounded up to whole nanoseconds, so
/// rounding never admits more than is written (and at most one in a thousand less).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    count: NonZeroU32,
    period: Duration,
    burst: NonZeroU32,
}

impl Rate {
    /// A rate of `count` in every `period`, of which `burst` may come at once.
    ///
    /// # Errors
    ///
    /// A rate outside the bounds above, or a period that is not made of whole seconds.
    pub fn new(count: NonZeroU32, period: Duration, burst: NonZeroU32) -> Result<Self, RateError> {
        if period.is_zero() {
            return Err(RateError::Zero);
        }
        if period.subsec_nanos() != 0 {
            return Err(RateError::Period);
        }
        if period > LONGEST || u64::from(count.get()) > period.as_secs().saturating_mul(FASTEST) {
            return Err(RateError::DoesNotFit);
        }
        let rate = Self { count, period, burst };
        match rate.interval().checked_mul(burst.get()) {
            Some(refill) if refill <= LONGEST => Ok(rate),
            _ => Err(RateError::BurstDoesNotFit),
        }
    }

    /// How many requests the period allows.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.count.get()
    }

    /// The period, in whole seconds.
    #[must_use]
    pub const fn period(self) -> Duration {
        self.period
    }

    /// How many requests may come at once after a rest.
    #[must_use]
    pub const fn burst(self) -> u32 {
        self.burst.get()
    }

    /// The time after which one more request is allowed: period ÷ count, rounded up to whole nanoseconds.
    #[must_use]
    pub fn interval(self) -> Duration {
        let nanoseconds = self.period.as_nanos().div_ceil(u128::from(self.count.get()));
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }
}

impl From<Rate> for Quota {
    fn from(rate: Rate) -> Self {
        let quota = Self::with_period(rate.interval()).expect("an interval is rounded up, so it is not zero");
        quota.allow_burst(rate.burst)
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let mut words = text.split_whitespace();
        let rate = words.next().ok_or(RateError::NotARate)?;
        let (count, period) = rate.split_once('/').ok_or_else(|| match rate.parse::<u64>() {
            Ok(_) => RateError::NoPeriod,
            Err(_) => RateError::NotARate,
        })?;
        let count = number(count)?;
        let period = parse_period(period)?;
        let burst = match (words.next(), words.next(), words.next()) {
            (None, ..) => count,
            (Some("burst"), Some(burst), None) => number(burst)?,
            _ => return Err(RateError::Trailing),
        };
        Self::new(count, period, burst)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.period.as_secs();
        let whole = UNITS.iter().rev().find(|(_, length)| seconds.is_multiple_of(*length));
        let (unit, length) = whole.unwrap_or(&UNITS[0]);
        write!(f, "{}/", self.count)?;
        match seconds / length {
            1 => f.write_str(unit)?,
            periods => write!(f, "{periods}{unit}")?,
        }
        if self.burst == self.count {
            Ok(())
        } else {
            write!(f, " burst {}", self.burst)
        }
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rate({self})")
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn inline_schema() -> bool {
        true
    }

    /// The bounds are left to [`FromStr`].
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^\s*0*[1-9][0-9]*/(0*[1-9][0-9]*)?[smhd](\s+burst\s+0*[1-9][0-9]*)?\s*$",
            "examples": ["10/s", "300/m burst 40", "5/15m"],
            "x-form": "rate",
        })
    }
}

/// Why a text is no rate. `Display` says what is wrong, [`help`](Self::help) what to write instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// A bare number.
    #[error("a rate with no period is ambiguous: so many in what time?")]
    NoPeriod,
    /// No unit after the slash, or none that is known.
    #[error("the period after the slash is not one of the units s, m, h, d with or without a whole number before it")]
    Period,
    /// Nothing at all, or something that is not a number before the slash.
    #[error("a rate is a whole number, a slash and a period")]
    NotARate,
    /// A count, a period or a burst of zero.
    #[error("a rate, a period or a burst of zero would refuse everybody")]
    Zero,
    /// Words after the rate that are not `burst` and a number.
    #[error("after the period nothing can follow but `burst` and a whole number")]
    Trailing,
    /// More than a million a second, or a period over 366 days.
    #[error("the rate does not fit: at most a million a second, and a period of at most 366 days")]
    DoesNotFit,
    /// A burst so large that it would need more than 366 days to fill up again.
    #[error("the burst does not fit: at this rate it would take more than 366 days to fill up again")]
    BurstDoesNotFit,
}

impl RateError {
    /// The stable code of the problem.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoPeriod | Self::Period => "rate_ambiguous",
            Self::NotARate | Self::Trailing => "rate_invalid",
            Self::Zero => "rate_zero",
            Self::DoesNotFit | Self::BurstDoesNotFit => "rate_too_large",
        }
    }

    /// What to write instead.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::NoPeriod | Self::NotARate => "write a count and a period, such as \"10/s\" or \"300/m burst 40\"",
            Self::Period => "write s, m, h or d, such as \"10/s\", or a number of them, such as \"5/15m\"",
            Self::Zero => "write at least \"1/366d\"; to switch the limit off, write enforcement = \"off\"",
            Self::Trailing => "write the burst as in \"300/m burst 40\", or leave it out",
            Self::DoesNotFit => "write a lower rate, such as \"10000/s\"",
            Self::BurstDoesNotFit => "write a smaller burst, such as \"1/d burst 30\", or leave it out",
        }
    }
}

const LONGEST: Duration = Duration::from_secs(366 * 86_400);
const FASTEST: u64 = 1_000_000;
const UNITS: [(&str, u64); 4] = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];

fn number(digits: &str) -> Result<NonZeroU32, RateError> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(RateError::NotARate);
    }
    let number: u32 = digits.parse().map_err(|_| RateError::DoesNotFit)?;
    NonZeroU32::new(number).ok_or(RateError::Zero)
}

fn parse_period(text: &str) -> Result<Duration, RateError> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (periods, unit) = text.split_at(end);
    let (_, length) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(RateError::Period)?;
    let periods = if periods.is_empty() {
        NonZeroU32::MIN
    } else {
        number(periods)?
    };
    Ok(Duration::from_secs(u64::from(periods.get()) * length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_rate_that_could_mean_two_things_is_refused_with_what_to_write() {
        let error = |text: &str| text.parse::<Rate>().unwrap_err();
        for (text, expected) in [
            ("10", RateError::NoPeriod),
            ("10/", RateError::Period),
            ("10/10", RateError::Period),
            ("10/ms", RateError::Period),
            ("10/week", RateError::Period),
            ("10/S", RateError::Period),
            ("10 per second", RateError::NoPeriod),
            ("", RateError::NotARate),
            ("/s", RateError::NotARate),
            ("-1/s", RateError::NotARate),
            ("+1/s", RateError::NotARate),
            ("1.5/s", RateError::NotARate),
            ("ten/s", RateError::NotARate),
            ("10r/s", RateError::NotARate),
            ("0/s", RateError::Zero),
            ("10/0s", RateError::Zero),
            ("10/s burst 0", RateError::Zero),
            ("10/s 20", RateError::Trailing),
            ("10/s burst", RateError::Trailing),
            ("10/s burst 5 nodelay", RateError::Trailing),
            ("1000001/s", RateError::DoesNotFit),
            ("5000000000/d", RateError::DoesNotFit),
            ("1/400d", RateError::DoesNotFit),
            ("1/4000000000d", RateError::DoesNotFit),
            ("1/d burst 367", RateError::BurstDoesNotFit),
            ("1/d burst 4000000000", RateError::BurstDoesNotFit),
        ] {
            assert_eq!(error(text), expected, "{text}");
            assert!(expected.help().contains('"'), "the help shows something to write");
        }
    }

    #[test]
    fn a_rate_is_read_as_it_is_meant() {
        let read = |text: &str| {
            let rate: Rate = text.parse().unwrap();
            (rate.count(), rate.period().as_secs(), rate.burst(), rate.to_string())
        };
        assert_eq!(read("10/s"), (10, 1, 10, "10/s".into()));
        assert_eq!(read(" 5/15m  burst 3 "), (5, 900, 3, "5/15m burst 3".into()));
        assert_eq!(read("300/m burst 40"), (300, 60, 40, "300/m burst 40".into()));
        assert_eq!(read("1/24h"), (1, 86_400, 1, "1/d".into()));
        assert_eq!(read("10/90s burst 10"), (10, 90, 10, "10/90s".into()));
        assert_eq!(read("1000000/s"), (1_000_000, 1, 1_000_000, "1000000/s".into()));
    }

    #[test]
    fn rounding_never_makes_a_rate_faster() {
        let rate: Rate = "3/s".parse().unwrap();
        assert_eq!(rate.interval().as_nanos(), 333_333_334);
        assert_eq!(Quota::from(rate).burst_size().get(), 3);
    }

    #[test]
    fn a_rate_is_text_in_a_file() {
        let rate: Rate = serde_json::from_str("\"10/s\"").unwrap();
        assert_eq!(serde_json::to_string(&rate).unwrap(), "\"10/s\"");
        assert!(serde_json::from_str::<Rate>("10").is_err());
    }

    proptest! {
        #[test]
        fn a_printed_rate_reads_back_as_itself(count in 1u32..2_000_000, periods in 1u32..100, unit in 0usize..4, burst in 1u32..10_000) {
            let text = format!("{count}/{periods}{} burst {burst}", UNITS[unit].0);
            if let Ok(rate) = text.parse::<Rate>() {
                prop_assert_eq!(rate.to_string().parse::<Rate>(), Ok(rate));
                prop_assert!(rate.interval() * rate.count() >= rate.period());
                prop_assert!(rate.interval() * rate.count() <= rate.period() + rate.period() / 1_000);
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[0-9/smhd burst]{0,24}|.{0,20}") {
            if let Ok(rate) = text.parse::<Rate>() {
                let _ = Quota::from(rate);
            }
        }
    }
}
