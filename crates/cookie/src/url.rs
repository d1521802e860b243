//! Sessions in the path of a request, where applications carry them for clients without cookies.

use std::ops::Range;

use http::Uri;
use http::uri::PathAndQuery;
use rempart_guard::Findings;

use crate::names::decoded;

/// The word for the segment in which ASP.NET carries its session, `/(S(…))/`.
pub(crate) const ASPNET: &str = "(S)";

/// What carries a session in a path.
#[derive(Debug)]
pub(crate) struct UrlSessions {
    names: Vec<String>,
}

impl UrlSessions {
    /// The names come checked.
    pub(crate) const fn new(names: Vec<String>) -> Self {
        Self { names }
    }

    /// Takes the sessions out of the path; the rest of it, and the query, stay byte for byte.
    pub(crate) fn remove(&self, uri: &mut Uri, findings: &mut Findings) {
        let path = uri.path();
        if self.names.is_empty() || !may_hold(path.as_bytes()) {
            return;
        }
        let mut rest = String::with_capacity(path.len() + 1);
        let mut found: Vec<&str> = Vec::new();
        for part in Parts::of(path) {
            match self.name_of(part.kind, &path.as_bytes()[part.content]) {
                None => rest.push_str(&path[part.whole]),
                Some(name) if found.contains(&name) => {}
                Some(name) => found.push(name),
            }
        }
        if found.is_empty() {
            return;
        }
        found
            .iter()
            .for_each(|name| findings.note("cookie_session_in_url", *name));
        if !rest.starts_with('/') {
            rest.insert(0, '/');
        }
        if let Some(query) = uri.query() {
            rest.push('?');
            rest.push_str(query);
        }
        replace(uri, rest);
    }

    /// The name of the session that a part of a path is.
    fn name_of(&self, kind: Kind, content: &[u8]) -> Option<&str> {
        let is_it = |name: &&String| match (kind, name.as_str()) {
            (Kind::Segment, ASPNET) => is_cookieless(&decoded(content).collect::<Vec<_>>()),
            (Kind::Segment, _) | (Kind::Parameter, ASPNET) => false,
            (Kind::Parameter, name) => is_named(content, name.as_bytes()),
        };
        self.names.iter().find(is_it).map(String::as_str)
    }
}

/// A path without a part of it is a path, and the parts of a URI make a URI.
fn replace(uri: &mut Uri, path_and_query: String) {
    let mut parts = std::mem::take(uri).into_parts();
    let path_and_query = PathAndQuery::try_from(path_and_query).expect("what is left of a path is one");
    parts.path_and_query = Some(path_and_query);
    *uri = Uri::from_parts(parts).expect("only the path was replaced");
}

/// Whether there is anything in a path that begins a parameter or ASP.NET's segment.
fn may_hold(path: &[u8]) -> bool {
    path.iter().any(|byte| matches!(byte, b';' | b'(' | b'%'))
}

/// Whether a parameter has this name, in whatever case and however it is escaped. It need not have a value.
fn is_named(parameter: &[u8], name: &[u8]) -> bool {
    let written: Vec<u8> = decoded(parameter).take_while(|byte| *byte != b'=').collect();
    written.trim_ascii().eq_ignore_ascii_case(name)
}

/// `(S(…))`, or with a login (`F`) and an anonymous name (`A`) beside it.
fn is_cookieless(segment: &[u8]) -> bool {
    let inner = segment.strip_prefix(b"(").and_then(|rest| rest.strip_suffix(b")"));
    inner.is_some_and(|inner| matches!(inner, [letter, b'(', .., b')'] if letter.is_ascii_alphabetic()))
}

/// The parts of a path, as the laxest server sees them: a slash may be a backslash, and either it or a semicolon may be
/// escaped.
struct Parts<'a> {
    path: &'a [u8],
    at: usize,
}

/// A part with the separator before it.
struct Part {
    kind: Kind,
    whole: Range<usize>,
    content: Range<usize>,
}

#[derive(Clone, Copy)]
enum Kind {
    Segment,
    Parameter,
}

impl<'a> Parts<'a> {
    const fn of(path: &'a str) -> Self {
        Self {
            path: path.as_bytes(),
            at: 0,
        }
    }
}

impl Iterator for Parts<'_> {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        let start = self.at;
        let rest = self.path.get(start..).filter(|rest| !rest.is_empty())?;
        let (kind, length) = separator(rest).unwrap_or((Kind::Segment, 0));
        let content = (start + length..self.path.len()).find(|at| separator(&self.path[*at..]).is_some());
        self.at = content.unwrap_or(self.path.len());
        Some(Part {
            kind,
            whole: start..self.at,
            content: start + length..self.at,
        })
    }
}

/// The separator that text begins with, and its length.
fn separator(text: &[u8]) -> Option<(Kind, usize)> {
    let length = match text {
        [b'%', _, _, ..] => 3,
        _ => 1,
    };
    match decoded(&text[..length.min(text.len())]).next()? {
        b'/' | b'\\' => Some((Kind::Segment, length)),
        b';' => Some((Kind::Parameter, length)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn forwards_with(names: &[&str], uri: &str) -> (String, Vec<String>) {
        let sessions = UrlSessions::new(names.iter().map(ToString::to_string).collect());
        let mut uri: Uri = uri.parse().unwrap();
        let mut findings = Findings::default();
        sessions.remove(&mut uri, &mut findings);
        let told = findings.iter().map(|(code, evidence)| format!("{code} {evidence}"));
        (uri.to_string(), told.collect())
    }

    fn forwards(uri: &str) -> String {
        forwards_with(&["jsessionid", ASPNET], uri).0
    }

    #[test]
    fn a_session_in_a_parameter_does_not_reach_the_application() {
        for (uri, expected) in [
            ("/page;jsessionid=0A1B", "/page"),
            ("/page;jsessionid=0A1B?a=1;jsessionid=2", "/page?a=1;jsessionid=2"),
            ("/page;jsessionid=0A1B/x", "/page/x"),
            ("/page;JSessionID=0A1B", "/page"),
            ("/page;%6asessionid=0A1B", "/page"),
            ("/page%3Bjsessionid=0A1B", "/page"),
            ("/page%3bjsessionid%3d0A1B", "/page"),
            ("/page;jsessionid", "/page"),
            ("/page;jsessionid=", "/page"),
            ("/page; jsessionid=x".replace(' ', "%20").as_str(), "/page"),
            ("/a;v=1;jsessionid=x;w=2/b;jsessionid=y", "/a;v=1;w=2/b"),
            ("/a;jsessionid=x;jsessionid=y", "/a"),
            ("/a;%3Bjsessionid=x", "/a;"),
            ("/a%3%3Bjsessionid=xB", "/a%3"),
            ("/;jsessionid=x", "/"),
            ("/a;jsessionid=x%2f..%2fb", "/a%2f..%2fb"),
            ("/a;jsessionid=x\\b", "/a\\b"),
            ("/caf%C3%A9;jsessionid=x?q=%3B", "/caf%C3%A9?q=%3B"),
            ("https://city.example/a;jsessionid=x?q", "https://city.example/a?q"),
        ] {
            assert_eq!(forwards(uri), expected, "{uri}");
        }
    }

    #[test]
    fn a_session_in_aspnets_segment_does_not_reach_the_application() {
        for (uri, expected) in [
            ("/(S(lit3py55t21z5v55vlm25s55))/page.aspx?a", "/page.aspx?a"),
            ("/app/(s(x))/page.aspx", "/app/page.aspx"),
            ("/(A(a)S(b)F(c))/page.aspx", "/page.aspx"),
            ("/%28S%28x%29%29/page.aspx", "/page.aspx"),
            ("/(S(a))/(S(b))/page.aspx", "/page.aspx"),
            ("/app\\(S(x))\\page.aspx", "/app\\page.aspx"),
            ("/app%5c(S(x))%2fpage.aspx", "/app%2fpage.aspx"),
            ("/(S(x))\\page.aspx", "/\\page.aspx"),
            ("/(S(x))", "/"),
            ("/(S(x));v=1", "/;v=1"),
        ] {
            assert_eq!(forwards(uri), expected, "{uri}");
        }
    }

    #[test]
    fn everything_else_is_forwarded_byte_for_byte() {
        for uri in [
            "/",
            "/page;v=1;w",
            "/jsessionid=x",
            "/page;xjsessionid=x;jsessionidx=y",
            "/page;v=jsessionid",
            "/page?;jsessionid=x",
            "/page%253Bjsessionid=x",
            "/Foo_(bar)/(S)/S(x)/(x)/((x))",
            "/%zz;%;%3",
            "//a/./../b%2f;",
        ] {
            assert_eq!(forwards_with(&["jsessionid", ASPNET], uri), (uri.to_owned(), vec![]));
        }
        let other = "/(S(x))/page;jsessionid=x";
        assert_eq!(forwards_with(&[], other).0, other, "nothing is named");
        assert_eq!(forwards_with(&["jsessionid"], other).0, "/(S(x))/page");
        assert_eq!(forwards_with(&[ASPNET], other).0, "/page;jsessionid=x");
        assert_eq!(
            forwards_with(&["S"], "/(S(x))/a;S").0,
            "/(S(x))/a",
            "a parameter of that name"
        );
    }

    #[test]
    fn what_was_found_is_told_once_and_without_the_value() {
        let (_, told) = forwards_with(&["jsessionid", ASPNET], "/(S(x))/a;jsessionid=secret;jsessionid=secret");
        assert_eq!(told, ["cookie_session_in_url (S)", "cookie_session_in_url jsessionid"]);
    }

    proptest! {
        #[test]
        fn nothing_is_left_and_removing_twice_changes_nothing(
            path in "(/|\\\\|;|=|%3[bB]|%2[fF]|%5c|%|\\(S\\(|\\)\\)|jsessionid|JSESSIONID|%6asessionid|[a-z3B]){0,16}",
            query in "(\\?[a-z;=/]{0,8})?",
        ) {
            let uri = format!("/{path}{query}");
            prop_assume!(uri.parse::<Uri>().is_ok());
            let once = forwards(&uri);
            prop_assert_eq!(&forwards(&once), &once, "{}", uri);
            prop_assert!(once.ends_with(&query));
            let (left, _) = once.split_once('?').unwrap_or((&once, ""));
            let read = String::from_utf8(decoded(left.as_bytes()).collect()).unwrap_or_default().to_lowercase();
            let names = read.split(['/', '\\']).flat_map(|segment| segment.split(';').skip(1));
            prop_assert!(!names.map(|one| one.split('=').next().unwrap()).any(|name| name == "jsessionid"), "{} {}", uri, once);
        }
    }
}
