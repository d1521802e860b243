//! How often memory is asked for: a request without cookies costs none.

#![allow(clippy::unwrap_used)]

use http::header::{COOKIE, HOST};
use http::{HeaderValue, Request, Response};
use rempart_cookie::{CookiePolicy, CookieSettings, Cookies};
use rempart_guard::{Findings, Guard as _};
use rempart_tenant::KeyRing;

fn control() -> Cookies {
    let settings = CookieSettings {
        session: vec!["PHPSESSID".into(), "wordpress_*".into()],
        ..CookieSettings::default()
    };
    let ring = KeyRing::ephemeral().unwrap();
    let keys = ring.tenant(&"library".parse().unwrap()).derive_all("cookies");
    Cookies::new(CookiePolicy::new(settings, vec!["library.example".into()], &keys).unwrap())
}

/// Allocations of a request with these cookies and of its answer, which sets none.
fn allocations(cookies: Option<&'static str>) -> u64 {
    let control = control();
    let (mut head, ()) = Request::new(()).into_parts();
    head.headers.insert(HOST, HeaderValue::from_static("library.example"));
    if let Some(cookies) = cookies {
        head.headers.insert(COOKIE, HeaderValue::from_static(cookies));
    }
    let (mut answer, ()) = Response::new(()).into_parts();
    let counted = allocation_counter::measure(|| {
        let mut findings = Findings::default();
        let shown = control.check(&mut head, &mut findings).unwrap();
        control.amend(shown, &mut answer, &mut findings);
    });
    counted.count_total
}

#[test]
fn a_request_without_cookies_asks_for_no_memory() {
    assert_eq!(allocations(None), 0);
}

#[test]
fn a_request_whose_cookies_are_no_sessions_asks_for_none_either() {
    assert_eq!(allocations(Some("lang=fr; theme=dark; _ga=GA1.2.3")), 0);
}

#[test]
fn what_is_counted_is_counted() {
    assert!(allocations(Some("PHPSESSID=planted; lang=fr")) > 0);
}
