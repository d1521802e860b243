//! `multipart/form-data` (RFC 7578), as the most generous of servers reads it.

use crate::credentials::Found;

/// Reads the fields that are asked for. A second boundary is a doubt: two servers would part such a body in two ways.
pub(crate) fn read(media: &[u8], body: &[u8], found: &mut Found<'_>) {
    let mut boundaries = parameters(media, b"boundary");
    let Some(boundary) = boundaries.next().filter(|boundary| !boundary.is_empty()) else {
        return;
    };
    if boundaries.next().is_some() || boundary.len() > LONGEST_BOUNDARY {
        return found.doubt();
    }
    let delimiter = [b"--", boundary.as_slice()].concat();
    let mut parts = parts(body, &delimiter);
    // What stands before the first delimiter is not a part (RFC 2046 section 5.1.1).
    parts.next();
    for part in parts {
        let Some((head, value)) = divide(part) else { continue };
        for name in names(head) {
            found.take(&name, value);
        }
    }
}

/// RFC 2046 section 5.1.1 allows 70.
const LONGEST_BOUNDARY: usize = 128;

fn parts<'a>(body: &'a [u8], delimiter: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = Some(body);
    std::iter::from_fn(move || {
        let here = rest?;
        match find(here, delimiter) {
            Some(at) => {
                rest = Some(&here[at + delimiter.len()..]);
                Some(&here[..at])
            }
            None => rest.take(),
        }
    })
}

/// A part's head and its value, without the line break that belongs to the delimiter.
fn divide(part: &[u8]) -> Option<(&[u8], &[u8])> {
    let part = part.strip_prefix(b"--").map_or(part, |_| &part[..0]);
    let (at, length) = match (find(part, b"\r\n\r\n"), find(part, b"\n\n")) {
        (Some(strict), Some(lax)) if lax < strict => (lax, 2),
        (Some(strict), _) => (strict, 4),
        (None, Some(lax)) => (lax, 2),
        (None, None) => return None,
    };
    let value = &part[at + length..];
    let value = value.strip_suffix(b"\n").unwrap_or(value);
    Some((&part[..at], value.strip_suffix(b"\r").unwrap_or(value)))
}

/// The names in the `Content-Disposition` of a part: one, or as many as somebody has written to confuse.
fn names(head: &[u8]) -> Vec<Vec<u8>> {
    let lines = head.split(|byte| *byte == b'\n');
    let fields = lines.filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = line[..colon].trim_ascii();
        name.eq_ignore_ascii_case(b"content-disposition")
            .then(|| line[colon + 1..].trim_ascii())
    });
    fields
        .flat_map(|field| parameters(field, b"name").collect::<Vec<_>>())
        .collect()
}

/// The values of a parameter (RFC 9110 section 5.6.6), quoted or not.
pub(crate) fn parameters<'a>(field: &'a [u8], wanted: &'a [u8]) -> impl Iterator<Item = Vec<u8>> {
    let mut rest = after(field, b';');
    std::iter::from_fn(move || {
        loop {
            let here = rest?;
            let equals = here.iter().position(|byte| matches!(byte, b'=' | b';'))?;
            if here[equals] == b';' {
                rest = Some(&here[equals + 1..]);
                continue;
            }
            let (value, tail) = value(&here[equals + 1..]);
            rest = after(tail, b';');
            if here[..equals].trim_ascii().eq_ignore_ascii_case(wanted) {
                return Some(value);
            }
        }
    })
}

/// A value, and what follows it.
fn value(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let text = text.trim_ascii_start();
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let end = text.iter().position(|byte| *byte == b';').unwrap_or(text.len());
        return (text[..end].trim_ascii_end().to_vec(), &text[end..]);
    };
    let (mut value, mut rest) = (Vec::new(), quoted);
    loop {
        match rest {
            [] => return (value, rest),
            [b'"', tail @ ..] => return (value, tail),
            [b'\\', escaped @ (b'"' | b'\\'), tail @ ..] => {
                value.push(*escaped);
                rest = tail;
            }
            [byte, tail @ ..] => {
                value.push(*byte);
                rest = tail;
            }
        }
    }
}

fn after(text: &[u8], byte: u8) -> Option<&[u8]> {
    let at = text.iter().position(|there| *there == byte)?;
    Some(&text[at + 1..])
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}
