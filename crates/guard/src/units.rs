//! Numbers as people write them in a tenant's file: always with a unit, never a bare integer.

use std::time::Duration;

use schemars::{Schema, SchemaGenerator, json_schema};

/// A number whose unit is missing, unknown, or makes it too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// A bare number: seconds or milliseconds, bytes or megabytes?
    #[error("a number without a unit is ambiguous")]
    NoUnit,
    /// A unit that is not in the list.
    #[error("unknown unit")]
    UnknownUnit,
    /// Text that is no number at all.
    #[error("not a whole number followed by a unit")]
    NotANumber,
    /// More than fits.
    #[error("the number is too large")]
    TooLarge,
}

/// Reads a duration: a whole number and one of `ms`, `s`, `m`, `h`, `d`.
///
/// # Errors
///
/// A missing or unknown unit, or a number that does not fit.
///
/// ```
/// use std::time::Duration;
/// use rempart_guard::{UnitError, duration};
///
/// assert_eq!(duration("15m"), Ok(Duration::from_secs(900)));
/// assert_eq!(duration("30"), Err(UnitError::NoUnit));
/// ```
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    let (number, unit) = split(text)?;
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(UnitError::UnknownUnit),
    };
    number
        .checked_mul(milliseconds)
        .map(Duration::from_millis)
        .ok_or(UnitError::TooLarge)
}

/// Reads a size in bytes: a whole number and one of `B`, `KiB`, `MiB`, `GiB` (IEC 80000-13).
///
/// # Errors
///
/// A missing or unknown unit, or a number that does not fit.
///
/// ```
/// assert_eq!(rempart_guard::size("10MiB"), Ok(10_485_760));
/// ```
pub fn size(text: &str) -> Result<u64, UnitError> {
    let (number, unit) = split(text)?;
    let shift = match unit {
        "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return Err(UnitError::UnknownUnit),
    };
    number.checked_mul(1 << shift).ok_or(UnitError::TooLarge)
}

/// What [`duration`] reads, for an editor. Whoever has bounds adds them as `x-least` and `x-most`.
#[must_use]
pub fn duration_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "pattern": r"^\s*[0-9]+\s*(ms|s|m|h|d)\s*$",
        "examples": ["10s", "30s", "5m"],
        "x-form": "duration",
    })
}

/// What [`size`] reads, for an editor.
#[must_use]
pub fn size_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "pattern": r"^\s*[0-9]+\s*(B|KiB|MiB|GiB)\s*$",
        "examples": ["512B", "64KiB", "10MiB"],
        "x-form": "size",
    })
}

/// A duration as a person says it: in the largest unit that leaves no rest, down to milliseconds.
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(rempart_guard::in_words(Duration::from_secs(86_400)), "1 day");
/// assert_eq!(rempart_guard::in_words(Duration::from_secs(90)), "90 seconds");
/// ```
#[must_use]
pub fn in_words(duration: Duration) -> String {
    const UNITS: [(u128, &str); 5] = [
        (86_400_000, "day"),
        (3_600_000, "hour"),
        (60_000, "minute"),
        (1_000, "second"),
        (1, "millisecond"),
    ];
    let milliseconds = duration.as_millis();
    let fits = |(length, _): &&(u128, &str)| milliseconds >= *length && milliseconds.is_multiple_of(*length);
    let (length, unit) = UNITS.iter().find(fits).unwrap_or(&UNITS[3]);
    let number = milliseconds / length;
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

fn split(text: &str) -> Result<(u64, &str), UnitError> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    if number.is_empty() {
        return Err(UnitError::NotANumber);
    }
    let number = number.parse().map_err(|_| UnitError::TooLarge)?;
    match unit.trim_start() {
        "" => Err(UnitError::NoUnit),
        unit => Ok((number, unit)),
    }
}
