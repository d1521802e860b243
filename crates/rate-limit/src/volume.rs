use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use rempart_guard::{UnitError, size};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{Rate, RateError};

/// How much, as a person writes it: `"100MiB/h"`, `"1GiB/d burst 200MiB"`.
///
/// A size with one of the units `KiB`, `MiB`, `GiB` (IEC 80000-13), or whole thousands of `B` that make such, then as in a
/// [`Rate`]. The unit says that bytes are meant and never bits, and a number without one is refused.
///
/// ```
/// use rempart_rate_limit::ByteRate;
///
/// let rate: ByteRate = "100MiB/h burst 1GiB".parse().unwrap();
/// assert_eq!((rate.bytes(), rate.burst(), rate.period().as_secs()), (104_857_600, 1 << 30, 3_600));
/// assert_eq!(rate.to_string(), "100MiB/h burst 1GiB");
/// assert!("300/m".parse::<ByteRate>().unwrap_err().to_string().contains("unit"));
/// ```
///
/// # Bounds
///
/// It is counted in whole KiB, and what is sent is rounded up to them: from `"1KiB/366d"` to 976 MiB a second, of at most
/// 4 TiB at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ByteRate(Rate);

impl ByteRate {
    /// How many bytes the period allows.
    #[must_use]
    pub fn bytes(self) -> u64 {
        u64::from(self.0.count()) * UNIT
    }

    /// The period, in whole seconds.
    #[must_use]
    pub const fn period(self) -> std::time::Duration {
        self.0.period()
    }

    /// How many bytes may leave at once after a rest.
    #[must_use]
    pub fn burst(self) -> u64 {
        u64::from(self.0.burst()) * UNIT
    }

    /// The same in units of [`UNIT`] bytes, as they are counted.
    pub(crate) const fn units(self) -> Rate {
        self.0
    }
}

/// The bytes that are counted as one.
pub(crate) const UNIT: u64 = 1_024;

/// How many units so many bytes are, rounded up.
pub(crate) fn units_of(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

/// Why a text is no rate of bytes. `Display` says what is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ByteRateError {
    /// What should be a size is none.
    #[error("a rate of bytes begins with a size: {0}")]
    Size(UnitError),
    /// Not whole KiB.
    #[error("a rate of bytes is made of whole KiB")]
    Fraction,
    /// More than 976 MiB a second.
    #[error("the rate does not fit: at most 976MiB/s, and a period of at most 366 days")]
    TooMuch,
    /// Anything else that makes it no rate.
    #[error(transparent)]
    Rate(RateError),
}

impl ByteRateError {
    /// The stable code of the problem.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Size(UnitError::TooLarge) | Self::TooMuch => "rate_too_large",
            Self::Size(_) | Self::Fraction => "rate_without_unit",
            Self::Rate(error) => error.code(),
        }
    }

    /// What to write instead.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::Rate(RateError::Period) => "write s, m, h or d, such as \"100MiB/h\"",
            Self::Rate(RateError::Zero) => {
                "write at least \"1KiB/366d\"; to switch the limit off, write enforcement = \"off\""
            }
            Self::Rate(RateError::BurstDoesNotFit) => "write a smaller burst, or leave it out, such as \"1GiB/d\"",
            Self::Rate(RateError::Trailing) => "write the burst as in \"100MiB/h burst 1GiB\", or leave it out",
            Self::TooMuch => "write a lower rate, such as \"100MiB/s\"",
            _ => "write a size, a slash and a period, such as \"100MiB/h\" or \"1GiB/d burst 200MiB\"",
        }
    }
}

impl FromStr for ByteRate {
    type Err = ByteRateError;

    fn from_str(text: &str) -> Result<Self, ByteRateError> {
        let mut words: Vec<_> = text.split_whitespace().map(Cow::Borrowed).collect();
        let rate = words.first().ok_or(ByteRateError::Rate(RateError::NotARate))?;
        let (bytes, period) = rate.split_once('/').ok_or(match size(rate) {
            Ok(_) => ByteRateError::Rate(RateError::NoPeriod),
            Err(error) => ByteRateError::Size(error),
        })?;
        words[0] = Cow::Owned(format!("{}/{period}", units(bytes)?));
        if let [_, burst, bytes] = words.as_mut_slice()
            && burst == "burst"
        {
            *bytes = Cow::Owned(units(bytes)?.to_string());
        }
        match words.join(" ").parse() {
            Ok(rate) => Ok(Self(rate)),
            Err(RateError::DoesNotFit) => Err(ByteRateError::TooMuch),
            Err(error) => Err(ByteRateError::Rate(error)),
        }
    }
}

fn units(text: &str) -> Result<u64, ByteRateError> {
    let bytes = size(text).map_err(ByteRateError::Size)?;
    match bytes.is_multiple_of(UNIT) {
        true => Ok(bytes / UNIT),
        false => Err(ByteRateError::Fraction),
    }
}

impl fmt::Display for ByteRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The period as a rate writes it.
        let units = self.0.to_string();
        let period = units.split(['/', ' ']).nth(1).unwrap_or_default();
        write!(f, "{}/{period}", InUnits(self.bytes()))?;
        match self.burst() == self.bytes() {
            true => Ok(()),
            false => write!(f, " burst {}", InUnits(self.burst())),
        }
    }
}

impl fmt::Debug for ByteRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ByteRate({self})")
    }
}

/// Whole KiB in the largest unit that leaves no rest.
struct InUnits(u64);

impl fmt::Display for InUnits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(shift, _): &&(u32, &str)| self.0.is_multiple_of(1 << shift);
        let (shift, unit) = [(30, "GiB"), (20, "MiB")]
            .iter()
            .find(fits)
            .copied()
            .unwrap_or((10, "KiB"));
        write!(f, "{}{unit}", self.0 >> shift)
    }
}

/// How often or how much, as what a quota counts asks for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum QuotaRate {
    /// Of requests, or of answers.
    Requests(Rate),
    /// Of bytes.
    Bytes(ByteRate),
}

impl QuotaRate {
    /// As it is counted: of requests, or of KiB.
    #[must_use]
    pub const fn units(self) -> Rate {
        match self {
            Self::Requests(rate) => rate,
            Self::Bytes(rate) => rate.units(),
        }
    }

    /// What a client is told for one unit.
    pub(crate) const fn told(self) -> u64 {
        match self {
            Self::Requests(_) => 1,
            Self::Bytes(_) => UNIT,
        }
    }
}

impl fmt::Display for QuotaRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requests(rate) => rate.fmt(f),
            Self::Bytes(rate) => rate.fmt(f),
        }
    }
}

impl fmt::Debug for QuotaRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QuotaRate({self})")
    }
}

impl JsonSchema for QuotaRate {
    fn schema_name() -> Cow<'static, str> {
        "QuotaRate".into()
    }

    fn inline_schema() -> bool {
        true
    }

    /// The bounds, and which of the two it must be, are left to the reader.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^\s*0*[1-9][0-9]*(B|KiB|MiB|GiB)?/(0*[1-9][0-9]*)?[smhd](\s+burst\s+0*[1-9][0-9]*(B|KiB|MiB|GiB)?)?\s*$",
            "examples": ["10/s", "300/m burst 40", "5/15m"],
            "x-form": "rate",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_rate_of_bytes_is_read_as_it_is_meant() {
        let read = |text: &str| {
            let rate: ByteRate = text.parse().unwrap();
            (rate.bytes(), rate.period().as_secs(), rate.burst(), rate.to_string())
        };
        assert_eq!(read("100MiB/h"), (104_857_600, 3_600, 104_857_600, "100MiB/h".into()));
        assert_eq!(
            read(" 1GiB/24h  burst 512MiB "),
            (1 << 30, 86_400, 1 << 29, "1GiB/d burst 512MiB".into())
        );
        assert_eq!(read("2048B/s"), (2_048, 1, 2_048, "2KiB/s".into()));
    }

    #[test]
    fn a_rate_of_bytes_that_could_mean_something_else_is_refused() {
        for (text, code) in [
            ("100/h", "rate_without_unit"),
            ("100", "rate_without_unit"),
            ("100MiB", "rate_ambiguous"),
            ("100MB/h", "rate_without_unit"),
            ("100Mb/h", "rate_without_unit"),
            ("100MiB/h burst 100", "rate_without_unit"),
            ("100MiB/h 5MiB", "rate_invalid"),
            ("100MiB/week", "rate_ambiguous"),
            ("1000B/h", "rate_without_unit"),
            ("0KiB/h", "rate_zero"),
            ("1GiB/s", "rate_too_large"),
            ("1KiB/d burst 1GiB", "rate_too_large"),
            ("", "rate_invalid"),
            ("MiB/h", "rate_without_unit"),
        ] {
            let error = text.parse::<ByteRate>().unwrap_err();
            assert_eq!(error.code(), code, "{text}: {error}");
            assert!(error.help().contains('"'), "the help shows something to write");
        }
    }

    #[test]
    fn what_is_sent_is_rounded_up() {
        assert_eq!([0, 1, 1_024, 1_025, u64::MAX].map(units_of), [0, 1, 1, 2, u32::MAX]);
    }

    proptest! {
        #[test]
        fn a_printed_rate_of_bytes_reads_back_as_itself(count in 1u32..5_000, unit in 0usize..3, period in 1u32..100, burst in 1u32..5_000) {
            let unit = ["KiB", "MiB", "GiB"][unit];
            let text = format!("{count}{unit}/{period}h burst {burst}{unit}");
            if let Ok(rate) = text.parse::<ByteRate>() {
                prop_assert_eq!(rate.to_string().parse::<ByteRate>(), Ok(rate));
            }
        }

        #[test]
        fn no_text_makes_the_parser_of_bytes_panic(text in "[0-9/smhdKMGiB burst]{0,24}|.{0,20}") {
            let _ = text.parse::<ByteRate>();
        }
    }
}
