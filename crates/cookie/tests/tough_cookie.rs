//! What leaves, as Node's tough-cookie understands it. `cargo xtask conformance cookies` installs it and runs this.

#![allow(clippy::unwrap_used)]

mod feed;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use feed::{BARE, CITY, DELETIONS, FLAGS, LIBRARY, OWN, hardened, library};
use http::Request;
use http::header::COOKIE;
use rempart_guard::{Findings, Guard as _};
use serde::Deserialize;
use serde_json::{Value, json};

/// What the jar did in one step.
#[derive(Debug, Deserialize)]
struct Done {
    /// The line of cookies that it would send, before anything is set.
    sent: Option<String>,
    /// Of each line that was set, what it kept, or why not.
    sets: Vec<Value>,
}

/// Runs steps in one jar.
fn walk(steps: &Value) -> Vec<Done> {
    let folder = std::env::var("REMPART_TOUGH_COOKIE").expect("run `cargo xtask conformance cookies`");
    let mut node = Command::new("node")
        .arg("jar.cjs")
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this needs node: run `cargo xtask conformance cookies`");
    let mut input = node.stdin.take().unwrap();
    input.write_all(steps.to_string().as_bytes()).unwrap();
    drop(input);
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

fn step(url: &str, sets: &[String]) -> Value {
    json!({"url": url, "sets": sets})
}

fn ask(url: &str) -> Value {
    step(url, &[])
}

fn names(sent: Option<&String>) -> Vec<&str> {
    let pairs = sent.into_iter().flat_map(|line| line.split("; "));
    let mut names: Vec<_> = pairs.filter_map(|pair| Some(pair.split_once('=')?.0)).collect();
    names.sort_unstable();
    names
}

/// All that was looked at, and what was not as it must be.
#[derive(Default)]
struct Checks {
    all: usize,
    wrong: Vec<String>,
}

impl Checks {
    fn is(&mut self, holds: bool, what: &str, seen: impl std::fmt::Debug) {
        self.all += 1;
        if !holds {
            self.wrong.push(format!("{what}: {seen:?}"));
        }
    }
}

#[test]
#[ignore = "needs tough-cookie: run `cargo xtask conformance cookies`"]
fn tough_cookie_takes_what_we_say_is_set_and_keeps_from_the_neighbour_what_is_jailed() {
    let mut checks = Checks::default();
    the_hole(&mut checks);
    own(&mut checks);
    flags(&mut checks);
    deletions(&mut checks);
    println!(
        "tough-cookie: {} of {} checks",
        checks.all - checks.wrong.len(),
        checks.all
    );
    assert!(checks.wrong.is_empty(), "{:#?}", checks.wrong);
}

/// A bare session reaches the neighbour, which shows that this jar would tell; a hardened one does not.
fn the_hole(checks: &mut Checks) {
    let places = [
        CITY,
        "http://library.vendor.example/",
        "https://vendor.example/",
        "https://a.library.vendor.example/",
    ];
    let steps = |sets: &[String]| -> Value {
        let asked = places.iter().map(|url| ask(url));
        [step(LIBRARY, sets), ask(LIBRARY)].into_iter().chain(asked).collect()
    };
    let done = walk(&steps(&[BARE.to_owned()]));
    for (done, place) in done[2..].iter().zip(places) {
        checks.is(
            names(done.sent.as_ref()) == ["PHPSESSID"],
            &format!("bare at {place}"),
            done,
        );
    }
    let done = walk(&steps(&hardened(&library(), &[BARE])));
    checks.is(
        names(done[1].sent.as_ref()) == ["__Host-PHPSESSID"],
        "hardened at home",
        &done[1],
    );
    for (done, place) in done[2..].iter().zip(places) {
        checks.is(done.sent.is_none(), &format!("hardened at {place}"), done);
    }
    // Whoever takes away what the prefix promises has a cookie that no browser takes.
    let hard = &hardened(&library(), &[BARE])[0];
    for (from, to) in [
        ("; Secure", ""),
        ("; Secure", "; Secure; Domain=vendor.example"),
        ("; Path=/", "; Path=/x"),
    ] {
        let changed = hard.replace(from, to);
        let done = walk(&json!([step(LIBRARY, std::slice::from_ref(&changed)), ask(LIBRARY)]));
        checks.is(
            changed != *hard && done[1].sent.is_none(),
            &format!("`{to}` for `{from}`"),
            &done,
        );
    }
}

/// What is set is kept, is sent to its own site only, and opens there as what the application wrote.
fn own(checks: &mut Checks) {
    let library = library();
    let sets = hardened(&library, &OWN);
    let contexts = ["strict", "lax", "none"].map(|context| json!({"url": LIBRARY, "sets": [], "context": context}));
    let steps = [step(LIBRARY, &sets), ask(CITY)].into_iter().chain(contexts).collect();
    let done = walk(&steps);
    for (kept, line) in done[0].sets.iter().zip(&OWN) {
        let name = line.split_once('=').unwrap().0;
        let flags = [
            &kept["secure"],
            &kept["hostOnly"],
            &kept["same_site"],
            &kept["http_only"],
        ];
        let wanted = [json!(true), json!(true), json!("lax"), json!(name != "XSRF-TOKEN")];
        checks.is(flags == wanted.each_ref(), &format!("the flags of {name}"), kept);
    }
    checks.is(done[0].sets.len() == OWN.len(), "all are set", &done[0]);
    checks.is(done[1].sent.is_none(), "none at the neighbour's", &done[1]);
    checks.is(done[4].sent.is_none(), "none for other sites", &done[4]);
    for done in &done[2..4] {
        let (mut head, ()) = Request::new(()).into_parts();
        let line = done.sent.as_deref().unwrap_or_default();
        head.headers.insert(COOKIE, line.parse().unwrap());
        library.check(&mut head, &mut Findings::default()).unwrap();
        let seen = head.headers.get(COOKIE).map_or("", |line| line.to_str().unwrap());
        for pair in OWN {
            checks.is(
                seen.split("; ").any(|cookie| cookie == pair),
                &format!("{pair} comes back"),
                seen,
            );
        }
    }
}

/// Each line by itself: what is kept of it, or that nothing is.
fn flags(checks: &mut Checks) {
    let sets = hardened(&library(), &FLAGS);
    let done = walk(&json!([
        step(LIBRARY, &sets),
        ask(CITY),
        ask(LIBRARY),
        ask(&format!("{LIBRARY}x"))
    ]));
    let kept: BTreeMap<&str, &Value> = done[0]
        .sets
        .iter()
        .filter_map(|kept| Some((kept["name"].as_str()?, kept)))
        .collect();
    for (name, hosts, path, days) in [
        ("a", true, "/x", None),
        ("b", false, "/", None),
        ("XSRF-TOKEN", true, "/", Some(400)),
        ("__Host-c", true, "/", None),
    ] {
        let of = |key: &str| kept.get(name).map_or(&Value::Null, |kept| &kept[key]);
        checks.is(
            *of("domain") == "library.vendor.example",
            &format!("{name}: its host"),
            of("domain"),
        );
        checks.is(
            *of("hostOnly") == hosts,
            &format!("{name}: for that host only"),
            of("hostOnly"),
        );
        checks.is(*of("path") == path, &format!("{name}: its path"), of("path"));
        checks.is(
            *of("secure") == true && *of("same_site") == "lax",
            &format!("{name}: its flags"),
            kept.get(name),
        );
        let lives = of("lives").as_u64().map(|seconds| seconds.div_ceil(86_400));
        checks.is(lives == days, &format!("{name}: its days"), of("lives"));
    }
    checks.is(done[1].sent.is_none(), "none at the neighbour's", &done[1]);
    let home = names(done[2].sent.as_ref());
    checks.is(home == ["XSRF-TOKEN", "__Host-c", "b"], "at home", home.clone());
    let below = names(done[3].sent.as_ref());
    checks.is(below == ["XSRF-TOKEN", "__Host-c", "a", "b"], "below /x", below.clone());
}

/// A deletion in any old form deletes.
fn deletions(checks: &mut Checks) {
    let library = library();
    let set = hardened(&library, &["PHPSESSID=ab12; Path=/", "a=1; Path=/"]);
    for (deletion, _) in DELETIONS {
        let lines = ["PHPSESSID=deleted", "a="].map(|pair| format!("{pair}; Path=/; {deletion}"));
        let gone = hardened(&library, &lines.each_ref().map(String::as_str));
        let done = walk(&json!([step(LIBRARY, &set), step(LIBRARY, &gone), ask(LIBRARY)]));
        checks.is(
            names(done[1].sent.as_ref()).len() == 2,
            &format!("{deletion}: set before"),
            &done[1],
        );
        checks.is(done[2].sent.is_none(), deletion, &done[2]);
    }
}
