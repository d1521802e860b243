//! A day in a tenant's file: until when somebody meant something to hold.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use time::{Date, Month, OffsetDateTime};

use crate::{Enforcement, Problem};

/// A day of the calendar, written `2026-12-31` (ISO 8601, RFC 3339 `full-date`).
///
/// ```
/// use rempart_guard::Day;
///
/// let (today, last): (Day, Day) = ("2026-11-22".parse().unwrap(), "2026-12-31".parse().unwrap());
/// assert!(today < last);
/// assert!("2026-02-29".parse::<Day>().is_err(), "no leap year");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

impl Day {
    /// The day of a moment, in UTC.
    #[must_use]
    pub fn of(moment: SystemTime) -> Self {
        Self(OffsetDateTime::from(moment).date())
    }

    /// The moment at which the day is over, in UTC.
    ///
    /// ```
    /// use rempart_guard::Day;
    ///
    /// let day: Day = "2026-12-31".parse().unwrap();
    /// assert_eq!(Day::of(day.end()).to_string(), "2027-01-01");
    /// ```
    #[must_use]
    pub fn end(self) -> SystemTime {
        let next = self.0.next_day().unwrap_or(Date::MAX);
        SystemTime::from(next.midnight().assume_utc())
    }

    /// Reads the key `report_until` of a control's settings.
    ///
    /// # Errors
    ///
    /// A text that is no day, as a problem of that key.
    pub fn report_until(written: Option<&str>) -> Result<Option<Self>, Problem> {
        let read = |text: &str| {
            text.parse().map_err(|error: DayError| {
                let message = format!("`{}`: {error}", text.escape_debug());
                Problem::new(["report_until"], "date_invalid", message).help(error.help())
            })
        };
        written.map(read).transpose()
    }
}

impl Enforcement {
    /// Whether a control is still only reporting although the last day on which somebody meant it to is over.
    ///
    /// Nothing happens at that moment: a control that enforced by itself on a Sunday night would be an outage. Whoever
    /// checks the configuration is told.
    ///
    /// ```
    /// use rempart_guard::{Day, Enforcement};
    ///
    /// let day = |text: &str| text.parse::<Day>().unwrap();
    /// let until = Some(day("2026-12-31"));
    /// assert!(!Enforcement::Report.is_overdue(until, day("2026-12-31")));
    /// assert!(Enforcement::Report.is_overdue(until, day("2027-01-01")));
    /// assert!(!Enforcement::Enforce.is_overdue(until, day("2027-01-01")));
    /// ```
    #[must_use]
    pub fn is_overdue(self, report_until: Option<Day>, today: Day) -> bool {
        self == Self::Report && report_until.is_some_and(|last| last < today)
    }
}

/// Why a text is no day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DayError {
    /// Not four digits, two and two with hyphens between them.
    #[error("this is not a date")]
    Form,
    /// The 30th of February.
    #[error("there is no such day in the calendar")]
    Calendar,
}

impl DayError {
    const fn help(self) -> &'static str {
        match self {
            Self::Form => "write year, month and day, such as \"2026-12-31\", without a time",
            Self::Calendar => "write a day that exists, such as \"2026-12-31\"",
        }
    }
}

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        let is_form = |(at, byte): (usize, u8)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        };
        if text.len() != 10 || !text.bytes().enumerate().all(is_form) {
            return Err(DayError::Form);
        }
        let number = |digits: &str| digits.parse::<u16>().map_err(|_| DayError::Form);
        let (year, month, day) = (number(&text[..4])?, number(&text[5..7])?, number(&text[8..])?);
        let small = |number: u16| u8::try_from(number).map_err(|_| DayError::Form);
        let month = Month::try_from(small(month)?).map_err(|_| DayError::Calendar)?;
        let date = Date::from_calendar_date(year.into(), month, small(day)?);
        date.map(Self).map_err(|_| DayError::Calendar)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.0.to_calendar_date();
        write!(f, "{year:04}-{:02}-{day:02}", u8::from(month))
    }
}

impl JsonSchema for Day {
    fn schema_name() -> Cow<'static, str> {
        "Day".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
            "examples": ["2026-12-31"],
            "x-form": "date",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_day_that_is_not_in_the_calendar_is_refused() {
        for text in [
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-04-31",
            "2026-01-00",
            "1900-02-29",
        ] {
            assert_eq!(text.parse::<Day>(), Err(DayError::Calendar), "{text}");
        }
        for text in [
            "",
            "2026-1-1",
            "31.12.2026",
            "2026/12/31",
            "2026-12-31T00:00:00Z",
            "+026-12-31",
            " 2026-12-31",
            "2026-12-3é",
            "20é6-12-31",
        ] {
            assert_eq!(text.parse::<Day>(), Err(DayError::Form), "{text}");
        }
        let problem = Day::report_until(Some("2026-02-30")).unwrap_err();
        assert_eq!(
            (problem.key, problem.code),
            (vec!["report_until".to_owned()], "date_invalid")
        );
        assert_eq!(Day::report_until(None), Ok(None));
    }

    #[test]
    fn days_follow_each_other() {
        let day = |text: &str| text.parse::<Day>().unwrap();
        assert!(day("2024-02-29") < day("2024-03-01") && day("2026-12-31") < day("2027-01-01"));
        assert_eq!(
            Day::of(SystemTime::UNIX_EPOCH + Duration::from_secs(86_400 * 365)),
            day("1971-01-01")
        );
    }

    proptest! {
        #[test]
        fn a_printed_day_reads_back_as_itself_and_no_text_panics(text in "[0-9]{4}-[01][0-9]-[0-3][0-9]|.{0,12}") {
            if let Ok(day) = text.parse::<Day>() {
                prop_assert_eq!(day.to_string(), text);
            }
        }
    }
}
