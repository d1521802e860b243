//! The cookies of a request and of an answer, as the application writes and reads them: names and values, nothing else.

use std::sync::Arc;

use cookie::Cookie;
use http::header::{COOKIE, Entry, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

use crate::SessionsPolicy;
use crate::moment::Moment;
use crate::policy::Role;

/// Takes cookies of these names out of a request, and leaves the others as they are, byte for byte.
pub(crate) fn take_out(headers: &mut HeaderMap, names: &[Arc<str>]) {
    let is_out = |pair: &[u8]| names.iter().any(|name| name.as_bytes() == name_of(pair));
    let lines: Vec<HeaderValue> = headers.get_all(COOKIE).iter().cloned().collect();
    headers.remove(COOKIE);
    for line in lines {
        let kept: Vec<&[u8]> = pairs(&line).filter(|pair| !pair.is_empty() && !is_out(pair)).collect();
        if kept.is_empty() {
            continue;
        }
        let mut value = HeaderValue::try_from(kept.join(&b"; "[..])).expect("all of it was a header's value");
        value.set_sensitive(line.is_sensitive());
        headers.append(COOKIE, value);
    }
}

/// The value of a request's first cookie of this name.
pub(crate) fn value_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    let all = headers.get_all(COOKIE).iter().flat_map(pairs);
    let mut named = all.filter(|pair| name_of(pair) == name.as_bytes());
    named.next().map(value_in)
}

/// What an answer does with one watched cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Set {
    pub(crate) name: Arc<str>,
    pub(crate) role: Role,
    /// The value, when there is a line that sets one; else the cookie is deleted.
    pub(crate) value: Option<Vec<u8>>,
}

/// What an answer does with the watched cookies. The last line that sets a value counts: a browser may get a deletion for one
/// path and a value for another.
pub(crate) fn sets_of(headers: &HeaderMap, policy: &SessionsPolicy, now: Moment) -> Vec<Set> {
    let mut sets: Vec<Set> = Vec::new();
    for line in headers.get_all(SET_COOKIE) {
        let Some((name, value)) = set_by(line, now) else {
            continue;
        };
        let Ok(name) = std::str::from_utf8(name) else { continue };
        let Some(role) = policy.role(name) else { continue };
        match sets.iter_mut().find(|set| *set.name == *name) {
            Some(set) => set.value = value.or(set.value.take()),
            None => sets.push(Set {
                name: name.into(),
                role,
                value,
            }),
        }
    }
    sets
}

/// Drops every line that sets or deletes this cookie.
pub(crate) fn drop_set(headers: &mut HeaderMap, name: &str) {
    let Entry::Occupied(lines) = headers.entry(SET_COOKIE) else {
        return;
    };
    let is_other = |line: &HeaderValue| {
        name_of(line.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default()) != name.as_bytes()
    };
    let kept: Vec<_> = lines.remove_entry_mult().1.filter(is_other).collect();
    for line in kept {
        headers.append(SET_COOKIE, line);
    }
}

/// The name, and the value unless the line is a deletion.
fn set_by(line: &HeaderValue, now: Moment) -> Option<(&[u8], Option<Vec<u8>>)> {
    let pair = line.as_bytes().split(|byte| *byte == b';').next()?;
    if !pair.contains(&b'=') {
        return None;
    }
    let (name, value) = (name_of(pair), value_in(pair));
    let is_set = !value.is_empty() && !has_ended(line, now);
    Some((name, is_set.then(|| value.to_owned())))
}

/// Whether a browser deletes the cookie (RFC 6265 section 4.1.2: `Max-Age` goes before `Expires`).
fn has_ended(line: &HeaderValue, now: Moment) -> bool {
    let Ok(cookie) = Cookie::parse(String::from_utf8_lossy(line.as_bytes())) else {
        return false;
    };
    match (cookie.max_age(), cookie.expires_datetime()) {
        (Some(age), _) => !age.is_positive(),
        (None, Some(at)) => at.unix_timestamp() <= i64::try_from(now / 1_000).unwrap_or(i64::MAX),
        (None, None) => false,
    }
}

fn pairs(line: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    line.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii)
}

fn name_of(pair: &[u8]) -> &[u8] {
    pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii()
}

fn value_in(pair: &[u8]) -> &[u8] {
    let equals = pair.iter().position(|byte| *byte == b'=');
    equals.map_or(&[][..], |equals| pair[equals + 1..].trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = 1_795_340_000_000;

    fn set(line: &str) -> Option<Vec<u8>> {
        let line = HeaderValue::from_str(line).unwrap();
        set_by(&line, NOW).unwrap().1
    }

    #[test]
    fn what_old_software_writes_to_delete_a_cookie_deletes_it() {
        for deletion in [
            "PHPSESSID=deleted; expires=Thu, 01-Jan-1970 00:00:01 GMT; Max-Age=0; path=/",
            "JSESSIONID=; Path=/app",
            "JSESSIONID=\"\"; Expires=Thu, 01 Jan 1970 00:00:10 GMT; Path=/",
            "ASP.NET_SessionId=x; expires=Tue, 12-Oct-1999 07:00:00 GMT; path=/",
            "rememberMe=deleteMe; Path=/; Max-Age=-1",
        ] {
            assert_eq!(set(deletion), None, "{deletion}");
        }
    }

    #[test]
    fn what_sets_a_cookie_sets_it() {
        for line in [
            "a=b",
            "a=b; Max-Age=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "a=b; Expires=nonsense",
            "a = b ;x",
        ] {
            assert_eq!(set(line).as_deref(), Some(&b"b"[..]), "{line}");
        }
    }

    #[test]
    fn only_what_is_named_is_taken_out() {
        let mut headers = HeaderMap::new();
        headers.append(
            COOKIE,
            HeaderValue::from_bytes(b"a=1; sid=x;b=\"2;  sid = y; \xe9=3").unwrap(),
        );
        headers.append(COOKIE, HeaderValue::from_static("sid=z"));
        take_out(&mut headers, &["sid".into()]);
        let left: Vec<_> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
        assert_eq!(left, [&b"a=1; b=\"2; \xe9=3"[..]]);
    }

    #[test]
    fn lines_of_one_cookie_are_dropped_and_the_others_stay_in_their_order() {
        let mut headers = HeaderMap::new();
        for line in ["a=1", "sid=x; Path=/", "b=2", "sid=; Max-Age=0"] {
            headers.append(SET_COOKIE, HeaderValue::from_static(line));
        }
        drop_set(&mut headers, "sid");
        let left: Vec<_> = headers.get_all(SET_COOKIE).iter().map(HeaderValue::as_bytes).collect();
        assert_eq!(left, [&b"a=1"[..], b"b=2"]);
    }
}
