//! Whether an answer may be kept by a cache that others share (RFC 9111 section 3): then it cannot carry a session.

use http::header::{CACHE_CONTROL, EXPIRES};
use http::{HeaderMap, HeaderValue, StatusCode, response};

/// Whether an answer says that it may be kept. One that says nothing is not kept with a `Set-Cookie` by any cache that is
/// used; a 304 updates what is kept.
pub(crate) fn is_shared(head: &response::Parts) -> bool {
    let (mut keep, mut forbids) = (head.headers.contains_key(EXPIRES), false);
    for directive in directives(&head.headers) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "private" => return false,
            "no-cache" => forbids = true,
            "public" | "immutable" => keep = true,
            "max-age" | "s-maxage" if value.trim().trim_matches('"') == "0" => forbids = true,
            "max-age" | "s-maxage" => keep = true,
            _ => {}
        }
    }
    (keep && !forbids) || head.status == StatusCode::NOT_MODIFIED
}

/// Keeps an answer out of every cache.
pub(crate) fn forbid(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.remove(EXPIRES);
}

fn directives(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(CACHE_CONTROL).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(',').map(str::trim))
}

#[cfg(test)]
mod tests {
    use http::Response;

    use super::*;

    fn shared(control: &'static str) -> bool {
        let (mut head, ()) = Response::new(()).into_parts();
        head.headers.insert(CACHE_CONTROL, HeaderValue::from_static(control));
        is_shared(&head)
    }

    #[test]
    fn what_may_be_kept_for_everybody_is_known_from_what_may_not() {
        for control in [
            "public",
            "max-age=3600",
            "Public, s-maxage=60",
            "max-age=31536000, immutable",
        ] {
            assert!(shared(control), "{control}");
        }
        for control in [
            "no-store",
            "private, max-age=60",
            "no-cache",
            "max-age=0, must-revalidate",
            "",
            "No-Store, no-cache, must-revalidate",
        ] {
            assert!(!shared(control), "{control}");
        }
    }

    #[test]
    fn an_answer_that_is_forbidden_is_not_kept() {
        let (mut head, ()) = Response::new(()).into_parts();
        head.headers.insert(CACHE_CONTROL, HeaderValue::from_static("public"));
        head.headers
            .insert(EXPIRES, HeaderValue::from_static("Thu, 01 Jan 2099 00:00:00 GMT"));
        forbid(&mut head.headers);
        assert!(!is_shared(&head));
    }
}
