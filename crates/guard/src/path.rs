//! A request's path, in every way in which a server may read it.

use std::borrow::Cow;
use std::fmt;

/// The path of a request as [`RoutePattern`](crate::RoutePattern)s are matched on it: not as it is written, but as servers
/// read it.
///
/// Servers differ. `/x/..;/login` is `/login` to Tomcat and a page below `/x` to nginx; `/LOGIN.aspx` is another page than
/// `/login.aspx` to PHP and the same to IIS. Which of them stands behind is not known here, so a path that can be read in
/// several ways has several [readings](Self::readings), and a route is taken when one of them takes it:
///
/// | in the path | the laxest reading | a standard one | a literal one |
/// |---|---|---|---|
/// | `%6c` | decoded, once; a bad escape stays as it is | the same | the same |
/// | `%2f`, `\`, `%5c` | a slash | part of a segment | part of a segment |
/// | `;jsessionid=x`, `%3bx` after a segment | dropped | dropped | dropped |
/// | `(S(x))`, the whole segment (ASP.NET's cookieless session) | dropped | a segment | a segment |
/// | `//`, `/./`, a slash at the end | dropped | dropped | dropped |
/// | `/../` | goes up, never above the root, with parameters (`..;`) too | goes up, without parameters only | a segment |
/// | upper and lower case letters of ASCII | the same | the same | the same |
///
/// That is too much for any one server, and on purpose. A quota that counts a request which took another route has lost
/// nothing; a request that is not counted is a password tried for free. Where a match *lets pass*, as in a route map,
/// the strictest class decides and each reading must have one: ask the [readings](Self::readings) one by one.
///
/// Most paths are plain: they have one reading, which borrows from the request and costs one look at each byte.
///
/// # What it cannot stop
///
/// Escapes that a server decodes twice (`%256c`) or that are no percent-encoding (`%u006c`), a name that the file system
/// reads generously (`login.aspx.`, `login~1`), what an application takes for its own page with more behind it
/// (`/login.php/x`: write `/login.php/*`), and whatever its own rewrite rules say.
#[derive(Clone, Debug)]
pub struct RoutePath<'a> {
    laxest: Cow<'a, [u8]>,
    others: Vec<Vec<u8>>,
}

impl<'a> RoutePath<'a> {
    /// Reads a path, which comes without a query.
    #[must_use]
    pub fn new(path: &'a str) -> Self {
        let path = path.as_bytes();
        if is_plain(path) {
            return Self {
                laxest: Cow::Borrowed(path),
                others: Vec::new(),
            };
        }
        let laxest = Server::Laxest.read(path);
        let mut others = Vec::new();
        for other in [Server::Standard.read(path), Server::Literal.read(path)] {
            if other != laxest && !others.contains(&other) {
                others.push(other);
            }
        }
        Self {
            laxest: Cow::Owned(laxest),
            others,
        }
    }

    /// The ways in which the path may be read: at least one, at most three, the laxest first.
    pub fn readings(&self) -> impl Iterator<Item = Reading<'_>> {
        let others = self.others.iter().map(Vec::as_slice);
        std::iter::once(&*self.laxest).chain(others).map(Reading)
    }
}

impl<'a> From<&'a http::Uri> for RoutePath<'a> {
    fn from(uri: &'a http::Uri) -> Self {
        Self::new(uri.path())
    }
}

/// One way to read a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading<'a>(&'a [u8]);

impl<'a> Reading<'a> {
    /// Its segments, in the case in which they were written.
    pub(crate) fn segments(self) -> impl Iterator<Item = &'a [u8]> {
        let segments = self.0.split(|byte| *byte == b'/');
        segments.filter(|segment| !is_nothing(segment))
    }
}

impl fmt::Display for Reading<'_> {
    /// The path without parameters, in which sessions travel. Whoever prints it escapes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut segments = self.segments().peekable();
        if segments.peek().is_none() {
            return f.write_str("/");
        }
        segments.try_for_each(|segment| write!(f, "/{}", String::from_utf8_lossy(segment)))
    }
}

/// What the laxest server makes of one written segment.
pub(crate) fn each_step(written: &[u8], mut each: impl FnMut(Step<'_>)) {
    for part in decode(written).split(|byte| matches!(byte, b'/' | b'\\')) {
        match bare(part) {
            b".." => each(Step::Up),
            segment if is_nothing(segment) || is_cookieless(part) || is_cookieless(segment) => {}
            segment => each(Step::Down(segment)),
        }
    }
}

/// One step of a path.
pub(crate) enum Step<'a> {
    /// Into this segment.
    Down(&'a [u8]),
    /// Back, but not above the root.
    Up,
}

/// Whether a segment leads nowhere.
fn is_nothing(segment: &[u8]) -> bool {
    matches!(segment, b"" | b".")
}

/// How far a server goes in reading a path.
#[derive(Clone, Copy)]
enum Server {
    Laxest,
    Standard,
    Literal,
}

impl Server {
    /// The segments, each with a slash before it.
    fn read(self, path: &[u8]) -> Vec<u8> {
        let mut read = Vec::with_capacity(path.len());
        for written in path.split(|byte| *byte == b'/') {
            if matches!(self, Self::Laxest) {
                each_step(written, |step| take(&mut read, step));
                continue;
            }
            let segment = decode(written);
            match bare(&segment) {
                _ if matches!(self, Self::Standard) && *segment == *b".." => take(&mut read, Step::Up),
                bare if is_nothing(bare) => {}
                bare => take(&mut read, Step::Down(bare)),
            }
        }
        read
    }
}

fn take(read: &mut Vec<u8>, step: Step<'_>) {
    match step {
        Step::Up => read.truncate(read.iter().rposition(|byte| *byte == b'/').unwrap_or(0)),
        Step::Down(segment) => {
            read.push(b'/');
            for byte in segment {
                match byte {
                    // A slash that is part of a segment is no end of it.
                    b'/' => read.extend_from_slice(b"%2f"),
                    byte => read.push(*byte),
                }
            }
        }
    }
}

/// Whether all servers read a path in the same way, but for what [`Reading::segments`] leaves out.
fn is_plain(path: &[u8]) -> bool {
    let is_odd = |byte: &u8| matches!(byte, b'%' | b';' | b'\\' | b'(');
    !path.iter().any(is_odd) && !path.windows(2).any(|pair| pair == b"..")
}

/// A segment without its parameters (RFC 3986 section 3.3).
fn bare(segment: &[u8]) -> &[u8] {
    segment.split(|byte| *byte == b';').next().unwrap_or_default()
}

/// Whether a segment is the one in which ASP.NET carries what it would keep in cookies, `(S(…))` or `(A(…)F(…))`. It takes
/// that out of every path, whether the application uses it or not.
fn is_cookieless(segment: &[u8]) -> bool {
    let inner = segment.strip_prefix(b"(").and_then(|rest| rest.strip_suffix(b")"));
    inner.is_some_and(|inner| matches!(inner, [letter, b'(', .., b')'] if letter.is_ascii_alphabetic()))
}

/// Undoes percent-encoding, once. What is no escape stays.
fn decode(written: &[u8]) -> Cow<'_, [u8]> {
    if !written.contains(&b'%') {
        return Cow::Borrowed(written);
    }
    let (mut decoded, mut rest) = (Vec::with_capacity(written.len()), written);
    while let [first, after @ ..] = rest {
        let escape = match rest {
            [b'%', high, low, after @ ..] => hex(*high).zip(hex(*low)).map(|(high, low)| (high << 4 | low, after)),
            _ => None,
        };
        let (byte, after) = escape.unwrap_or((*first, after));
        decoded.push(byte);
        rest = after;
    }
    Cow::Owned(decoded)
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn readings(path: &str) -> Vec<String> {
        RoutePath::new(path)
            .readings()
            .map(|reading| reading.to_string())
            .collect()
    }

    #[test]
    fn a_plain_path_has_one_reading_that_borrows() {
        for path in [
            "/",
            "/login",
            "/files/17/",
            "//a/./b",
            "/.well-known/x",
            "/a.b",
            "/a,b=c",
            "*",
            "",
        ] {
            let read = RoutePath::new(path);
            assert!(
                matches!(read.laxest, Cow::Borrowed(_)) && read.others.capacity() == 0,
                "{path}"
            );
        }
    }

    #[test]
    fn what_all_servers_read_alike_has_one_reading() {
        for (path, expected) in [
            ("//login", "/login"),
            ("/./login/.", "/login"),
            ("/login/", "/login"),
            ("/%6cogin", "/login"),
            ("/login;jsessionid=x", "/login"),
            ("/a;x=1/b;y", "/a/b"),
            ("/caf%C3%A9", "/café"),
            ("/100%", "/100%"),
            ("/%zz%4", "/%zz%4"),
            ("/%256c", "/%6c"),
            ("/;x", "/"),
        ] {
            let read = readings(path);
            assert_eq!(read, [expected], "{path}");
        }
    }

    #[test]
    fn what_servers_read_differently_has_a_reading_for_each() {
        for (path, expected) in [
            ("/x/../login", &["/login", "/x/../login"][..]),
            ("/x/%2e%2E/login", &["/login", "/x/../login"]),
            ("/x/..;/login", &["/login", "/x/../login"]),
            ("/x/..%3b/login", &["/login", "/x/../login"]),
            ("/a/../admin/..;/x", &["/x", "/admin/../x", "/a/../admin/../x"]),
            ("/../../login", &["/login", "/../../login"]),
            ("/x%2flogin", &["/x/login", "/x%2flogin"]),
            ("/x\\..\\login", &["/login", "/x\\..\\login"]),
            ("/%2Flogin%", &["/login%", "/%2flogin%"]),
            ("/x%5clogin", &["/x/login", "/x\\login"]),
            ("/(S(abc))/login.aspx", &["/login.aspx", "/(S(abc))/login.aspx"]),
            ("/(A(a)F(b))/login", &["/login", "/(A(a)F(b))/login"]),
            ("/%28S%28x%29%29/login", &["/login", "/(S(x))/login"]),
        ] {
            assert_eq!(readings(path), expected, "{path}");
        }
    }

    proptest! {
        #[test]
        fn every_reading_is_a_path_and_the_laxest_has_nothing_left_to_read(path in "(/|\\.|\\.\\.|;|%2[eEfF]|%5c|%3b|\\\\|\\(S\\(|\\)|[a-z%]|é){0,20}") {
            for reading in RoutePath::new(&path).readings() {
                let text = reading.to_string();
                prop_assert!(text.starts_with('/') && !text.contains("//") && !text.contains("/./"));
            }
            let laxest = readings(&path)[0].clone();
            prop_assert!(!laxest.split('/').any(|segment| segment == ".."), "{}", laxest);
            prop_assert!(!laxest.contains([';', '\\']), "{}", laxest);
        }
    }
}
