//! What every jar is fed with: a site's lines, hardened.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use http::Response;
use http::header::SET_COOKIE;
use rempart_cookie::{CookiePolicy, CookieSettings, Cookies, ShownCookies};
use rempart_guard::{Findings, Guard as _};
use rempart_tenant::KeyRing;

/// The library, with a key of its own every time: only the guard that sealed a cookie opens it.
pub fn library() -> Cookies {
    let settings = CookieSettings {
        session: vec!["PHPSESSID".into()],
        script_readable: vec!["XSRF-TOKEN".into()],
        ..Default::default()
    };
    let key = KeyRing::ephemeral()
        .unwrap()
        .tenant(&"library".parse().unwrap())
        .derive_all("cookies");
    Cookies::new(CookiePolicy::new(settings, vec!["library.vendor.example".into()], &key).unwrap())
}

pub fn hardened(cookies: &Cookies, lines: &[&str]) -> Vec<String> {
    let (mut head, ()) = Response::new(()).into_parts();
    for line in lines {
        head.headers.append(SET_COOKIE, line.parse().unwrap());
    }
    cookies.amend(ShownCookies::default(), &mut head, &mut Findings::default());
    head.headers
        .get_all(SET_COOKIE)
        .iter()
        .map(|line| line.to_str().unwrap().to_owned())
        .collect()
}

pub const LIBRARY: &str = "https://library.vendor.example/";
pub const CITY: &str = "https://city.vendor.example/";

/// A session for every site of the vendor's: the hole.
pub const BARE: &str = "PHPSESSID=ab12; Domain=.vendor.example; Path=/";

/// Cookies as applications write them, which the library's browser gets and sends back.
pub const OWN: [&str; 3] = ["PHPSESSID=ab12", "theme=\"dark, mostly\"", "XSRF-TOKEN=a=b=="];

/// Attributes that delete a cookie, each in a form that some framework writes, and whether Python's jar keeps the cookie all
/// the same: it does not read the last but one and takes 70 for 2070. Browsers delete.
pub const DELETIONS: [(&str, bool); 6] = [
    ("Expires=Thu, 01 Jan 1970 00:00:00 GMT", false),
    ("expires=Thu, 01-Jan-1970 00:00:01 GMT", false),
    ("Max-Age=0", false),
    ("Expires=Thu, 01-Jan-1970 00:00:01 GMT; Max-Age=0", false),
    ("expires=Thu Jan  1 00:00:01 1970", true),
    ("expires=Thursday, 01-Jan-70 00:00:01 GMT", true),
];

/// Lines with flags, lifetimes, a path and domains that are the library's own or nobody's to set.
pub const FLAGS: [&str; 5] = [
    "a=1; Domain=localhost; Path=/x",
    "b=2; Domain=library.vendor.example",
    "XSRF-TOKEN=3; Expires=Fri, 01-Jan-2055 00:00:00 GMT",
    "__Host-c=4; Path=/; Domain=library.vendor.example",
    "gone=5; Expires=Thu, 01-Jan-1970 00:00:01 GMT",
];
