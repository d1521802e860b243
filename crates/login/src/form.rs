//! `application/x-www-form-urlencoded`, as the URL Standard of WHATWG reads it in its section 5.1.

use std::borrow::Cow;

use crate::credentials::Found;

/// Reads a form, or a query. Fields are parted at `;` too, as older servers do: a browser sends it as `%3B`.
pub(crate) fn read(form: &[u8], found: &mut Found<'_>) {
    for field in form.split(|byte| matches!(byte, b'&' | b';')) {
        let equals = field.iter().position(|byte| *byte == b'=').unwrap_or(field.len());
        let name = decode(&field[..equals]);
        if found.wants(&name) {
            found.take(&name, &decode(field.get(equals + 1..).unwrap_or_default()));
        }
    }
}

/// `+` is a space, `%6c` a byte, and a bad escape stands for itself.
fn decode(written: &[u8]) -> Cow<'_, [u8]> {
    if !written.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        return Cow::Borrowed(written);
    }
    let mut decoded = Vec::with_capacity(written.len());
    let mut rest = written;
    while let [first, tail @ ..] = rest {
        (rest, _) = match (first, tail) {
            (b'+', _) => (tail, decoded.push(b' ')),
            (b'%', [high, low, after @ ..]) => match digit(*high).zip(digit(*low)) {
                Some((high, low)) => (after, decoded.push(high << 4 | low)),
                None => (tail, decoded.push(b'%')),
            },
            (byte, _) => (tail, decoded.push(*byte)),
        };
    }
    Cow::Owned(decoded)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
