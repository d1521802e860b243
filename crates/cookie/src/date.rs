//! When a cookie ends, as browsers read it (RFC 6265 section 5.1.1 and 5.2.2): old applications write dates in every form.

/// Seconds since 1970 of the value of `Expires`; `None` when browsers would ignore it. A moment before 1970 is 1970.
pub(crate) fn expires(value: &[u8]) -> Option<u64> {
    let mut date = Date::default();
    for token in value
        .split(|byte| is_delimiter(*byte))
        .filter(|token| !token.is_empty())
    {
        date.take(token);
    }
    date.seconds()
}

/// Seconds of the value of `Max-Age`; `None` when browsers would ignore it. What is past is 0.
pub(crate) fn max_age(value: &[u8]) -> Option<u64> {
    let (past, digits) = match value {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0u64, |number, digit| {
        number.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
    });
    Some(if past { 0 } else { number })
}

#[derive(Default)]
struct Date {
    time: Option<[u64; 3]>,
    day: Option<u64>,
    month: Option<u64>,
    year: Option<u64>,
}

impl Date {
    /// Each token is the first of these that it can be and that is not there yet.
    fn take(&mut self, token: &[u8]) {
        if self.time.is_none()
            && let Some(time) = time(token)
        {
            self.time = Some(time);
        } else if self.day.is_none()
            && let Some(day) = number(token, 1..=2)
        {
            self.day = Some(day);
        } else if self.month.is_none()
            && let Some(month) = month(token)
        {
            self.month = Some(month);
        } else if self.year.is_none()
            && let Some(year) = number(token, 2..=4)
        {
            self.year = Some(match year {
                70..=99 => year + 1900,
                0..=69 => year + 2000,
                year => year,
            });
        }
    }

    fn seconds(&self) -> Option<u64> {
        let ([hour, minute, second], day, month, year) = (self.time?, self.day?, self.month?, self.year?);
        let is_date = (1..=days_of(month, year)).contains(&day) && year >= 1601;
        if !is_date || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let seconds = |days: u64| days * 86_400 + hour * 3_600 + minute * 60 + second;
        Some(days_since_1970(year, month, day).map_or(0, seconds))
    }
}

/// `None` before 1970.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let leap_days = |year: u64| year / 4 - year / 100 + year / 400;
    let before = (1..month).map(|month| days_of(month, year)).sum::<u64>();
    let years = year.checked_sub(1970)?;
    Some(years * 365 + leap_days(year - 1) - leap_days(1969) + before + day - 1)
}

fn days_of(month: u64, year: u64) -> u64 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 31,
    }
}

/// One or two digits, three times, with colons between them; what follows without being a digit does not matter.
fn time(token: &[u8]) -> Option<[u64; 3]> {
    let mut fields = token.splitn(3, |byte| *byte == b':');
    let [hour, minute, second] = [fields.next()?, fields.next()?, fields.next()?];
    let exact = |field: &[u8]| number(field, 1..=2).filter(|_| field.len() <= 2);
    Some([exact(hour)?, exact(minute)?, number(second, 1..=2)?])
}

/// So many digits, and no digit behind them.
fn number(token: &[u8], digits: std::ops::RangeInclusive<usize>) -> Option<u64> {
    let length = token.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let fold = |number: u64, digit: &u8| number * 10 + u64::from(digit - b'0');
    digits.contains(&length).then(|| token[..length].iter().fold(0, fold))
}

fn month(token: &[u8]) -> Option<u64> {
    const MONTHS: [&[u8; 3]; 12] = [
        b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
    ];
    let start = token.get(..3)?;
    let found = MONTHS
        .iter()
        .zip(1..)
        .find(|(month, _)| start.eq_ignore_ascii_case(**month));
    found.map(|(_, number)| number)
}

const fn is_delimiter(byte: u8) -> bool {
    matches!(byte, 0x09 | 0x20..=0x2f | 0x3b..=0x40 | 0x5b..=0x60 | 0x7b..=0x7e)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_are_read_in_every_form_that_applications_write() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 6-nov-1994 8:49:37",
            "1994 november 6 08:49:37",
        ] {
            assert_eq!(expires(text.as_bytes()), Some(784_111_777), "{text}");
        }
        assert_eq!(expires(b"Thu, 01-Jan-1970 00:00:01 GMT"), Some(1));
        assert_eq!(expires(b"Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(expires(b"Mon, 01 Jan 1601 00:00:00 GMT"), Some(0), "long past");
        assert_eq!(expires(b"Thu, 29 Feb 2024 00:00:00 GMT"), Some(1_709_164_800));
        assert_eq!(expires(b"Fri, 31 Dec 9999 23:59:59 GMT"), Some(253_402_300_799));
    }

    #[test]
    fn what_browsers_ignore_is_no_date() {
        for text in [
            "",
            "0",
            "-1",
            "tomorrow",
            "Sun, 06 Nov 1994",
            "Fri, 29 Feb 2023 00:00:00 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1600 08:49:37 GMT",
        ] {
            assert_eq!(expires(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn ages_are_digits() {
        assert_eq!(max_age(b"3600"), Some(3_600));
        assert_eq!((max_age(b"0"), max_age(b"-5")), (Some(0), Some(0)));
        assert_eq!(max_age(b"99999999999999999999999999"), Some(u64::MAX));
        for text in ["", "-", "1h", "+1", "1.5", "\"3\""] {
            assert_eq!(max_age(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,40}", date in "([A-Za-z]{0,4}|[0-9]{0,5}|[:,;/ -]){0,12}") {
            expires(text.as_bytes());
            expires(date.as_bytes());
            max_age(text.as_bytes());
        }
    }
}
