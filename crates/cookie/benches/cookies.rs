//! What sealing costs, beside the private jar of the `cookie` crate: `cargo xtask bench cookies`.
//!
//! All cases take turns in short rounds, so that a slow moment of the machine hits each of them; medians and the spread of
//! the middle half are printed, in nanoseconds. Nothing here fails by timing.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::hint::black_box;
use std::time::Instant;

use cookie::{Cookie, CookieJar, Key};
use http::header::{COOKIE, HOST, SET_COOKIE};
use http::{HeaderValue, Request, Response, request, response};
use rempart_cookie::{CookiePolicy, CookieSettings, Cookies, Seal, ShownCookies};
use rempart_guard::{Findings, Guard as _};
use rempart_tenant::{KeyRing, PurposeKeys};

/// Operations of one case in one round.
const OPERATIONS: u32 = 2_000;
const ROUNDS: usize = 101;

const HOSTNAME: &str = "library.vendor.example";

struct Case {
    name: &'static str,
    aim: Option<u32>,
    run: Box<dyn FnMut()>,
    rounds: Vec<f64>,
}

fn main() {
    let mut cases = cases();
    for _ in 0..ROUNDS {
        for case in &mut cases {
            let begun = Instant::now();
            (0..OPERATIONS).for_each(|_| (case.run)());
            case.rounds
                .push(begun.elapsed().as_secs_f64() * 1e9 / f64::from(OPERATIONS));
        }
    }
    println!(
        "{:<58} {:>7}  {:>15}  {:>5}",
        "ns per operation", "median", "middle half", "aim"
    );
    for case in &mut cases {
        case.rounds.sort_by(f64::total_cmp);
        let at = |part: usize| case.rounds[ROUNDS * part / 4];
        let middle = format!("{:.0} to {:.0}", at(1), at(3));
        let aim = case.aim.map_or_else(String::new, |aim| aim.to_string());
        println!("{:<58} {:>7.0}  {middle:>15}  {aim:>5}", case.name, at(2));
    }
}

fn cases() -> Vec<Case> {
    let case = |name, aim, run: Box<dyn FnMut()>| Case {
        name,
        aim,
        run,
        rounds: Vec::new(),
    };
    vec![
        case("seal 100 bytes", Some(350), seal()),
        case("seal 100 bytes: private jar of `cookie`", None, jar_seal()),
        case("open 100 bytes", Some(250), open()),
        case("open 100 bytes: private jar of `cookie`", None, jar_open()),
        case("an answer that sets a session", None, answer()),
        case(
            "a request with four cookies, one a session",
            None,
            ask(&["a=1", "b=2", "c=3"], true),
        ),
        case(
            "a request with three cookies and no session",
            None,
            ask(&["a=1", "b=2", "c=3"], false),
        ),
        case("a request without cookies", None, ask(&[], false)),
    ]
}

fn keys() -> PurposeKeys {
    let ring = KeyRing::ephemeral().unwrap();
    ring.tenant(&"library".parse().unwrap()).derive_all("cookies")
}

fn value() -> String {
    "x".repeat(100)
}

fn seal() -> Box<dyn FnMut()> {
    let (seal, value) = (Seal::new(&keys()), value());
    let mut text = Vec::with_capacity(400);
    Box::new(move || {
        text.clear();
        seal.seal("PHPSESSID", HOSTNAME, black_box(value.as_bytes()), &mut text)
            .unwrap();
        black_box(&text);
    })
}

fn open() -> Box<dyn FnMut()> {
    let seal = Seal::new(&keys());
    let (mut text, mut open) = (Vec::new(), Vec::with_capacity(400));
    seal.seal("PHPSESSID", HOSTNAME, value().as_bytes(), &mut text).unwrap();
    Box::new(move || {
        open.clear();
        assert!(seal.open("PHPSESSID", HOSTNAME, black_box(&text), &mut open));
        black_box(&open);
    })
}

fn jar_seal() -> Box<dyn FnMut()> {
    let (key, value) = (Key::generate(), value());
    Box::new(move || {
        let mut jar = CookieJar::new();
        jar.private_mut(&key)
            .add(Cookie::new("PHPSESSID", black_box(value.clone())));
        black_box(&jar);
    })
}

fn jar_open() -> Box<dyn FnMut()> {
    let key = Key::generate();
    let mut jar = CookieJar::new();
    jar.private_mut(&key).add(Cookie::new("PHPSESSID", value()));
    Box::new(move || {
        black_box(jar.private(&key).get(black_box("PHPSESSID")).unwrap());
    })
}

fn control() -> Cookies {
    let settings = CookieSettings {
        session: vec!["PHPSESSID".into()],
        ..CookieSettings::default()
    };
    Cookies::new(CookiePolicy::new(settings, vec![HOSTNAME.into()], &keys()).unwrap())
}

fn head(cookies: &str) -> request::Parts {
    let (mut head, ()) = Request::new(()).into_parts();
    head.headers.insert(HOST, HeaderValue::from_static(HOSTNAME));
    if !cookies.is_empty() {
        head.headers.insert(COOKIE, cookies.parse().unwrap());
    }
    head
}

/// The head is made anew each time only where the control changes it.
fn ask(others: &[&str], with_session: bool) -> Box<dyn FnMut()> {
    let control = control();
    let mut all: Vec<String> = others.iter().map(ToString::to_string).collect();
    if with_session {
        let mut asked = head("");
        let shown = control.check(&mut asked, &mut Findings::default()).unwrap();
        let set = set(&control, shown).headers[SET_COOKIE].to_str().unwrap().to_owned();
        all.push(set.split(';').next().unwrap().to_owned());
    }
    let (mut head, line) = (head(&all.join("; ")), all.join("; "));
    let line = HeaderValue::try_from(line).unwrap();
    Box::new(move || {
        if with_session {
            head.headers.insert(COOKIE, line.clone());
        }
        black_box(control.check(&mut head, &mut Findings::default()).unwrap());
    })
}

fn answer() -> Box<dyn FnMut()> {
    let control = control();
    Box::new(move || {
        black_box(set(&control, ShownCookies::default()));
    })
}

fn set(control: &Cookies, shown: ShownCookies) -> response::Parts {
    let (mut head, ()) = Response::new(()).into_parts();
    let line = format!("PHPSESSID={}; path=/", value());
    head.headers.insert(SET_COOKIE, line.parse().unwrap());
    control.amend(shown, &mut head, &mut Findings::default());
    head
}
