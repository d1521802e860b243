//! Times as programs write them, and as a tenant's file does.

/// A time of the input, from a millisecond to `most` seconds, as a tenant's file has it; else why it cannot be.
pub(crate) fn within(text: &str, most: u64) -> Result<String, String> {
    match milliseconds(text) {
        Some(time) if time > 0 && time <= most * 1_000 => Ok(written(time)),
        Some(_) => Err(format!("the edge waits from 1ms to {} here", seconds(most))),
        None => Err(format!("`{text}` is no time")),
    }
}

fn written(milliseconds: u64) -> String {
    if milliseconds.is_multiple_of(1_000) {
        seconds(milliseconds / 1_000)
    } else {
        format!("{milliseconds}ms")
    }
}

/// Seconds as a tenant's file has them.
pub(crate) fn seconds(seconds: u64) -> String {
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
    let whole = units
        .iter()
        .find(|(length, _)| seconds > 0 && seconds.is_multiple_of(*length));
    match whole {
        // A minute is written as sixty seconds, as people say it.
        Some((length, unit)) if seconds > 120 => format!("{}{unit}", seconds / length),
        _ => format!("{seconds}s"),
    }
}

/// Milliseconds of `60`, `60s`, `500ms`, `1m30s`: nginx's times, and Go's durations.
pub(crate) fn milliseconds(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut all: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: u64 = rest[..digits].parse().ok()?;
        let end = rest[digits..]
            .find(|c: char| c.is_ascii_digit())
            .map_or(rest.len(), |end| digits + end);
        let unit = match &rest[digits..end] {
            "ms" => 1,
            "" | "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            "M" => 2_592_000_000,
            "y" => 31_536_000_000,
            _ => return None,
        };
        all = all.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[end..];
    }
    (!text.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_nginx_and_go_write_them() {
        assert_eq!(milliseconds("60"), Some(60_000));
        assert_eq!(milliseconds("1m30s"), Some(90_000));
        assert_eq!(milliseconds("500ms"), Some(500));
        assert_eq!(milliseconds("1d"), Some(86_400_000));
        for wrong in ["", "s", "1x", "1.5s", "-1", "99999999999999999999", "9999999999999999y"] {
            assert_eq!(milliseconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_time_that_the_edge_does_not_wait_is_refused() {
        assert_eq!(within("90s", 300).unwrap(), "90s");
        assert_eq!(within("2m", 300).unwrap(), "120s");
        assert_eq!(within("1500ms", 300).unwrap(), "1500ms");
        assert!(within("0", 300).unwrap_err().contains("1ms"));
        assert!(within("1h", 300).unwrap_err().contains("to 5m"));
        assert!(within("$time", 300).unwrap_err().contains("no time"));
    }

    #[test]
    fn seconds_are_written_as_a_person_would() {
        let written = [1, 60, 300, 3_600, 31_536_000, 0].map(seconds);
        assert_eq!(written, ["1s", "60s", "5m", "1h", "365d", "0s"]);
    }
}
