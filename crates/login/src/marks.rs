//! By what an answer is known: to a password that was wrong, or to one that was right.

use http::header::LOCATION;
use http::{HeaderMap, HeaderName, StatusCode, response};

use crate::matcher::Matcher;

/// Marks of an answer. Any one of them is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) status: Vec<StatusCode>,
    pub(crate) location: Option<String>,
    pub(crate) header: Option<HeaderMark>,
    pub(crate) body: Option<String>,
}

/// A header, with any value or with this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeaderMark {
    pub(crate) name: HeaderName,
    pub(crate) value: Option<String>,
}

impl Marks {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the head of an answer has one of the marks. `path` is the request's: a `Location` may be relative to it.
    pub(crate) fn match_head(&self, path: &str, head: &response::Parts) -> bool {
        let location = |wanted: &String| target(path, &head.headers).is_some_and(|target| matches(wanted, &target));
        self.status.contains(&head.status)
            || self.location.as_ref().is_some_and(location)
            || self.header.as_ref().is_some_and(|mark| mark.is_in(&head.headers))
    }

    /// What finds the mark in a body: as UTF-8, and as the Latin-1 of old pages when it can be written so.
    pub(crate) fn matchers(&self) -> Vec<Matcher> {
        let Some(text) = &self.body else { return Vec::new() };
        let latin: Option<Vec<u8>> = text.chars().map(|letter| u8::try_from(letter).ok()).collect();
        let latin = latin.filter(|latin| latin.as_slice() != text.as_bytes());
        std::iter::once(Matcher::new(text.as_bytes()))
            .chain(latin.map(Matcher::new))
            .collect()
    }
}

impl HeaderMark {
    fn is_in(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(&self.name).iter();
        values.any(|value| match &self.value {
            Some(wanted) => value.as_bytes().trim_ascii() == wanted.as_bytes(),
            None => true,
        })
    }
}

/// Where an answer leads: path and query, from the root, without the host (RFC 9110 section 10.2.2).
pub(crate) fn target(path: &str, headers: &HeaderMap) -> Option<String> {
    let location = headers.get(LOCATION)?.to_str().ok()?.trim();
    let location = location.split('#').next().unwrap_or_default();
    let after_host = |rest: &str| {
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        match &rest[at..] {
            query if !query.starts_with('/') => format!("/{query}"),
            path => path.to_owned(),
        }
    };
    if let Some(rest) = location.strip_prefix("//") {
        return Some(after_host(rest));
    }
    if let Some((scheme, rest)) = location.split_once("://")
        && !scheme.contains(['/', '?'])
    {
        return Some(after_host(rest));
    }
    Some(match location.as_bytes().first() {
        Some(b'/') => location.to_owned(),
        Some(b'?') | None => format!("{path}{location}"),
        Some(_) => {
            let folder = path.rfind('/').map_or("/", |slash| &path[..=slash]);
            format!("{folder}{location}")
        }
    })
}

/// Whether a text is as it is wanted, where `*` stands for any letters or none.
fn matches(wanted: &str, text: &str) -> bool {
    let mut parts = wanted.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use http::Response;

    use super::*;

    fn head(location: &str) -> response::Parts {
        Response::builder()
            .status(303)
            .header("location", location)
            .header("x-login-failed", "bad password")
            .body(())
            .unwrap()
            .into_parts()
            .0
    }

    #[test]
    fn a_location_is_a_path_however_it_is_written() {
        for (written, path) in [
            ("/login?error=1", "/login?error=1"),
            ("https://city.example/login?error=1#form", "/login?error=1"),
            ("//city.example/login?error=1", "/login?error=1"),
            ("login?error=1", "/login?error=1"),
            ("?error=1", "/login?error=1"),
            ("https://city.example", "/"),
            ("https://city.example?x", "/?x"),
            ("/home?next=https://a/b", "/home?next=https://a/b"),
        ] {
            assert_eq!(
                target("/login", &head(written).headers).as_deref(),
                Some(path),
                "{written}"
            );
        }
        assert_eq!(
            target("/a/login.php", &head("home.php").headers).as_deref(),
            Some("/a/home.php")
        );
        assert_eq!(target("", &head("x").headers).as_deref(), Some("/x"));
    }

    #[test]
    fn a_star_stands_for_any_letters() {
        for (wanted, text, is) in [
            ("/login*", "/login?error=1", true),
            ("/login*", "/home", false),
            ("/login", "/login?error=1", false),
            ("*error=*", "/login?error=1", true),
            ("/*/login?*=1", "/fr/login?error=1", true),
            ("/*/login?*=1", "/fr/login?error=2", false),
            ("*", "", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(matches(wanted, text), is, "{wanted} {text}");
        }
    }

    #[test]
    fn one_mark_is_enough_and_none_is_none() {
        let header = |value: Option<&str>| Marks {
            header: Some(HeaderMark {
                name: HeaderName::from_static("x-login-failed"),
                value: value.map(str::to_owned),
            }),
            ..Marks::default()
        };
        let head = head("/login?error=1");
        assert!(header(None).match_head("/login", &head));
        assert!(header(Some("bad password")).match_head("/login", &head));
        assert!(!header(Some("bad")).match_head("/login", &head));
        let status = |status| Marks {
            status: vec![StatusCode::UNAUTHORIZED, status],
            ..Marks::default()
        };
        assert!(status(StatusCode::SEE_OTHER).match_head("/login", &head));
        assert!(!status(StatusCode::FORBIDDEN).match_head("/login", &head));
        assert!(!Marks::default().match_head("/login", &head));
    }

    #[test]
    fn a_mark_is_found_in_the_bytes_of_an_old_page() {
        let marks = Marks {
            body: Some("erroné".into()),
            ..Marks::default()
        };
        let found = |page: &[u8]| marks.matchers().iter_mut().any(|matcher| matcher.read(page));
        assert!(found("Mot de passe erroné".as_bytes()));
        assert!(found(b"Mot de passe erron\xe9"));
        assert!(!found(b"Mot de passe errone"));
    }
}
