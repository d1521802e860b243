//! Each preset with traffic of its kind: what must work does, what must be refused is. The applications are real where a
//! package has them (PHP, Django), and behave as the real ones do where none has.

mod aspnet;
mod django;
mod files;
mod java_servlet;
mod levels;
mod php;
mod wordpress;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Answer, Application, application};

/// An application in Python, with the one of Debian, which has Debian's packages.
fn python(program: &str, arguments: &[&Path]) -> Application {
    application(|address| {
        let mut command = Command::new("/usr/bin/python3");
        command.arg(beside(program)).arg(address.to_string()).args(arguments);
        command
    })
}

/// A file or a folder beside these tests.
fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/edge/presets")
        .join(name)
}

/// How many tries pass until one is refused for its number. A quota fills up again while a busy machine asks, so that it may
/// be a few more than are written.
#[track_caller]
fn passing(mut ask: impl FnMut(usize) -> Answer) -> usize {
    let refused = (0..60).position(|number| {
        let answer = ask(number);
        assert!(
            answer.status != 429 || answer.body.contains("quota_used_up"),
            "{answer:?}"
        );
        answer.status == 429
    });
    refused.expect("sixty tries in a row are too many")
}

/// The one `Set-Cookie` line of this name, whatever prefix that has outside.
#[track_caller]
fn set_cookie<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let lines = answer.all("set-cookie");
    let mut lines = lines
        .into_iter()
        .filter(|line| inner(line).starts_with(&format!("{name}=")));
    let line = lines.next().unwrap_or_else(|| panic!("no {name} in {answer:?}"));
    assert_eq!(lines.next(), None, "{name} was set twice");
    line
}

/// A cookie from its name on, as the application calls it.
fn inner(cookie: &str) -> &str {
    let prefixes = ["__Host-", "__Secure-"];
    prefixes
        .iter()
        .find_map(|prefix| cookie.strip_prefix(prefix))
        .unwrap_or(cookie)
}

/// The `Cookie` header by which a browser sends the cookie of a line back.
fn sent_back(line: &str) -> String {
    format!("Cookie: {}", line.split(';').next().unwrap_or_default())
}

/// What every sealed value begins with, whichever its version.
const SEALED: &str = "tl4";
