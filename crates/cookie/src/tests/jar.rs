//! Sealed cookies of a handler's own.

use std::time::Duration;

use http::header::{COOKIE, HOST, SET_COOKIE};
use http::{HeaderValue, Request, Response, request};
use rempart_guard::{Findings, Guard as _};

use super::site::*;
use crate::{CookiePolicy, Cookies, JarError, SealedJar, ShownCookies};

fn cookies(tenant: &str) -> Cookies {
    let keys = keys(tenant, &ring("root", 7));
    let policy = CookiePolicy::new(sessions(&["PHPSESSID"]), vec![], &keys).unwrap();
    Cookies::new(policy).with_jar()
}

fn ask(cookies: &Cookies, host: &str, cookie: &str) -> (request::Parts, SealedJar, ShownCookies) {
    let (mut head, ()) = Request::new(()).into_parts();
    head.headers.insert(HOST, host.parse().unwrap());
    head.headers.insert(COOKIE, HeaderValue::from_str(cookie).unwrap());
    let shown = cookies.check(&mut head, &mut Findings::default()).unwrap();
    let jar = head.extensions.get::<SealedJar>().unwrap().clone();
    (head, jar, shown)
}

fn answer(cookies: &Cookies, shown: ShownCookies) -> Vec<String> {
    let (mut head, ()) = Response::new(()).into_parts();
    cookies.amend(shown, &mut head, &mut Findings::default());
    let lines = head.headers.get_all(SET_COOKIE).iter();
    lines.map(|line| line.to_str().unwrap().to_owned()).collect()
}

#[test]
fn what_a_handler_sets_leaves_sealed_and_comes_back_to_it_alone() {
    let library = cookies("library");
    let (_, jar, shown) = ask(&library, "library.example", "lang=fr");
    assert_eq!(jar.get("basket"), None);
    jar.set("basket", "one").unwrap();
    jar.set_for("basket", "two apples; and é", Duration::from_secs(60))
        .unwrap();
    assert_eq!(
        jar.get("basket").as_deref(),
        Some("two apples; and é"),
        "in the same request"
    );
    let lines = answer(&library, shown);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("__Host-basket=tl4C"), "{lines:?}");
    assert!(
        lines[0].ends_with("; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"),
        "{lines:?}"
    );
    let (_, jar, shown) = ask(&library, "library.example", pair(&lines[0]));
    assert_eq!(jar.get("basket").as_deref(), Some("two apples; and é"));
    jar.remove("basket");
    assert_eq!(jar.get("basket"), None);
    assert!(answer(&library, shown)[0].starts_with("__Host-basket=; Path=/; Max-Age=0"));
    for (tenant, host) in [("city", "library.example"), ("library", "other.example")] {
        let (_, jar, _) = ask(&cookies(tenant), host, pair(&lines[0]));
        assert_eq!(jar.get("basket"), None, "{tenant} at {host}");
    }
    let renamed = pair(&lines[0]).replace("basket", "role");
    assert_eq!(ask(&library, "library.example", &renamed).1.get("role"), None);
}

#[test]
fn a_value_that_nobody_sealed_or_two_that_differ_are_none() {
    let library = cookies("library");
    assert_eq!(
        ask(&library, "library.example", "__Host-basket=planted; basket=x")
            .1
            .get("basket"),
        None
    );
    let sealed = |value: &str| {
        let (_, jar, shown) = ask(&library, "library.example", "");
        jar.set("basket", value).unwrap();
        pair(&answer(&library, shown)[0]).to_owned()
    };
    let both = format!("{}; {}", sealed("one"), sealed("other"));
    assert_eq!(ask(&library, "library.example", &both).1.get("basket"), None);
}

#[test]
fn names_of_the_application_and_names_that_are_none_are_refused() {
    let (_, jar, shown) = ask(&cookies("library"), "library.example", "");
    for name in ["PHPSESSID", "phpsessid"] {
        assert_eq!(jar.set(name, "1"), Err(JarError::Taken), "{name}");
    }
    for name in ["", "a b", "a=b", "__Host-a", "é"] {
        assert_eq!(jar.set(name, "1"), Err(JarError::Name), "{name}");
        assert_eq!(jar.get(name), None);
        jar.remove(name);
    }
    assert_eq!(jar.set("basket", &"x".repeat(4_000)), Err(JarError::TooLarge));
    assert!(answer(&cookies("library"), shown).is_empty());
}
