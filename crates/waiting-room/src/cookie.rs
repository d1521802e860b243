//! The cookie that carries a ticket: taken out of requests before anybody else sees it, and set on answers.

use http::header::{CACHE_CONTROL, COOKIE, EXPIRES, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode, response};

use crate::ticket::{Ticket, TicketKeys};

/// The name. A browser takes it only over HTTPS, from this host, for all its paths (RFC 6265bis section 4.1.3.2).
pub(crate) const NAME: &str = "__Host-waiting-room";

/// Takes the ticket out of a request, so that the application never sees it. Of several, the first that is one.
pub(crate) fn take(headers: &mut HeaderMap, keys: &TicketKeys) -> Option<Ticket> {
    let mut ticket = None;
    if !headers.get_all(COOKIE).iter().any(|line| contains(line, NAME)) {
        return None;
    }
    let lines: Vec<HeaderValue> = headers.get_all(COOKIE).iter().cloned().collect();
    headers.remove(COOKIE);
    for line in lines {
        let pairs = line.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let mut left: Vec<&[u8]> = Vec::new();
        for pair in pairs {
            match value_of(pair) {
                Some(value) => ticket = ticket.or_else(|| keys.open(value)),
                None => left.push(pair),
            }
        }
        left.retain(|pair| !pair.is_empty());
        if let (false, Ok(line)) = (left.is_empty(), HeaderValue::from_bytes(&left.join(&b"; "[..]))) {
            headers.append(COOKIE, line);
        }
    }
    ticket
}

/// The value of `Set-Cookie`. A day: longer than anybody waits, and what is older is worth nothing anyway.
pub(crate) fn set(ticket: Ticket, keys: &TicketKeys) -> HeaderValue {
    let line = format!(
        "{NAME}={}; Path=/; Max-Age=86400; Secure; HttpOnly; SameSite=Lax",
        keys.seal(ticket)
    );
    let mut line = HeaderValue::from_str(&line).expect("a sealed ticket is letters and digits");
    line.set_sensitive(true);
    line
}

/// Sets the cookie on an answer of the application, and keeps that answer out of caches that others share: from there,
/// everybody would have one place (RFC 9111 section 7.3).
pub(crate) fn add(line: HeaderValue, head: &mut response::Parts) {
    head.headers.append(SET_COOKIE, line);
    if may_be_shared(head) {
        head.headers
            .insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        head.headers.remove(EXPIRES);
    }
}

/// Whether an answer leaves it open that others get it too.
fn may_be_shared(head: &response::Parts) -> bool {
    let lines = head.headers.get_all(CACHE_CONTROL).iter();
    let words = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    let mut says = head.headers.contains_key(EXPIRES) || head.status == StatusCode::NOT_MODIFIED;
    for word in words {
        let word = word.trim().to_ascii_lowercase();
        if word == "no-store" || word == "private" {
            return false;
        }
        says |= !word.is_empty();
    }
    says
}

fn value_of(pair: &[u8]) -> Option<&[u8]> {
    let rest = pair.strip_prefix(NAME.as_bytes())?.trim_ascii_start();
    Some(rest.strip_prefix(b"=")?.trim_ascii())
}

fn contains(line: &HeaderValue, name: &str) -> bool {
    line.as_bytes().windows(name.len()).any(|part| part == name.as_bytes())
}

#[cfg(test)]
mod tests {
    use http::Response;

    use super::*;

    const TICKET: Ticket = Ticket {
        arrival: 5,
        seen: 6,
        is_inside: true,
    };

    #[test]
    fn the_ticket_is_taken_out_and_the_rest_stays() {
        let keys = TicketKeys::new(&[1; 32]);
        let mut headers = HeaderMap::new();
        let cookies = format!("a=1; {NAME}={}; b=\"2\"", keys.seal(TICKET));
        headers.append(COOKIE, cookies.parse().unwrap());
        headers.append(COOKIE, format!("{NAME}=forged").parse().unwrap());
        headers.append(COOKIE, "c=3".parse().unwrap());
        assert_eq!(take(&mut headers, &keys), Some(TICKET));
        let left: Vec<_> = headers.get_all(COOKIE).iter().collect();
        assert_eq!(left, ["a=1; b=\"2\"", "c=3"]);
    }

    #[test]
    fn a_request_without_one_is_left_alone() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "a=1;  b=2".parse().unwrap());
        assert_eq!(take(&mut headers, &TicketKeys::new(&[1; 32])), None);
        assert_eq!(headers[COOKIE], "a=1;  b=2");
    }

    #[test]
    fn an_answer_that_others_may_get_is_kept_from_them() {
        for (control, kept) in [
            ("public, max-age=60", "private, no-cache"),
            ("max-age=0", "private, no-cache"),
            ("private, max-age=60", "private, max-age=60"),
            ("no-store", "no-store"),
        ] {
            let (mut head, ()) = Response::new(()).into_parts();
            head.headers.insert(CACHE_CONTROL, control.parse().unwrap());
            add(set(TICKET, &TicketKeys::new(&[1; 32])), &mut head);
            assert_eq!(head.headers[CACHE_CONTROL], kept);
        }
    }
}
