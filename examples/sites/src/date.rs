//! Calendar dates as a count of days, enough for due dates and birthdays.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::text::Lang;

/// Days since 1970-01-01, in the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date(i32);

impl Date {
    pub(crate) fn today() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i32::try_from(since.as_secs() / 86_400).unwrap_or(i32::MAX))
    }

    pub(crate) fn plus(self, days: i32) -> Self {
        Self(self.0 + days)
    }

    /// The first day of `year`, from which seeds count.
    pub(crate) fn new_year(year: i32) -> Self {
        let y = year - 1;
        Self(y * 365 + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) - 719_162)
    }

    pub(crate) fn long(self, lang: Lang) -> String {
        let (year, month, day) = self.civil();
        let month = MONTHS[month - 1];
        match lang {
            Lang::Fr if day == 1 => format!("1er {} {year}", month.0),
            Lang::Fr => format!("{day} {} {year}", month.0),
            Lang::En => format!("{} {day}, {year}", month.1),
        }
    }

    /// Year, month (1 to 12) and day.
    fn civil(self) -> (i32, usize, i32) {
        let mut year = 1970 + self.0.div_euclid(366);
        while Self::new_year(year + 1) <= self {
            year += 1;
        }
        let mut day = self.0 - Self::new_year(year).0;
        let leap = Self::new_year(year + 1).0 - Self::new_year(year).0 == 366;
        let mut month = 0;
        for length in [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
            if day < length {
                break;
            }
            day -= length;
            month += 1;
        }
        (year, month + 1, day + 1)
    }
}

/// As ISO 8601 writes it.
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

const MONTHS: [(&str, &str); 12] = [
    ("janvier", "January"),
    ("février", "February"),
    ("mars", "March"),
    ("avril", "April"),
    ("mai", "May"),
    ("juin", "June"),
    ("juillet", "July"),
    ("août", "August"),
    ("septembre", "September"),
    ("octobre", "October"),
    ("novembre", "November"),
    ("décembre", "December"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_the_calendar_has_them() {
        assert_eq!(Date(0).to_string(), "1970-01-01");
        assert_eq!(Date(-1).to_string(), "1969-12-31");
        assert_eq!(Date(11_016).to_string(), "2000-02-29");
        assert_eq!(Date::new_year(2021).plus(127).to_string(), "2021-05-08");
        assert_eq!(Date::new_year(2024).plus(365).to_string(), "2024-12-31");
    }

    #[test]
    fn long_dates_follow_the_language() {
        let first = Date::new_year(2026).plus(212);
        assert_eq!(first.long(Lang::Fr), "1er août 2026");
        assert_eq!(first.long(Lang::En), "August 1, 2026");
    }
}
