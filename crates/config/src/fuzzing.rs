//! Everything that becomes of a configuration's texts, without a file in between: what a fuzzer calls, over and over.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rempart_guard::Day;
use rempart_tenant::TenantId;

use crate::config::Config;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::diff::Differences;
use crate::document::Document;
use crate::environment;
use crate::files::{self, VENDOR_FILE};
use crate::ground::Ground;
use crate::provenance::as_toml;
use crate::settle::{Candidate, TenantState, settle};
use crate::source::Reading;
use crate::tenant_file::TenantFile;

/// What stands between two texts of an input, on a line of its own: the vendor's file, those of tenants, and variables, a
/// line each.
pub(crate) const BETWEEN: &str = "#----\n";

/// Takes texts as a configuration, and does with it whatever is done with one. Most are wrong.
///
/// # Panics
///
/// When a text makes anything panic, or what comes out is not as it must be.
#[cfg_attr(not(fuzzing), expect(unreachable_pub, reason = "the fuzzer calls it from outside"))]
pub fn take(input: &[u8]) {
    let mut texts = Texts(split(input));
    let vendor = texts.next();
    let tenants = [texts.next(), texts.next()];
    let before = texts.next();
    let variables = texts.next();
    let Some(ground) = ground(vendor, &variables).or_else(|| ground(SOUND.into(), &[])) else {
        return;
    };
    let [one, other] = ["city", "library"].map(|name| name.parse::<TenantId>().expect("this can be a tenant's name"));
    let [first, second] = tenants;
    let last_good = file(&one, before, &ground).tenant().ok().cloned();
    let files = vec![file(&one, first, &ground), file(&other, second, &ground)];
    files.iter().for_each(|file| read_again(file, &ground));
    settled(&files, last_good);
    let _ = files[0].settings().map(|settings| as_toml(&settings, true));
    whole(&ground, files);
}

/// Takes a text as the only tenant's file, over a vendor's file of which nothing is wrong.
///
/// # Panics
///
/// As [`take`].
#[cfg(test)]
pub(crate) fn take_file(text: &[u8]) {
    let ground = ground(SOUND.into(), &[]).expect("nothing is wrong with it");
    let city = "city".parse().expect("this can be a tenant's name");
    file(&city, text.to_vec(), &ground);
}

/// A vendor's file of which nothing is wrong.
const SOUND: &str = "[listen]\nhttps = \"127.0.0.1:8443\"\n[development]\ncertificates = true\n";

struct Texts(Vec<Vec<u8>>);

impl Texts {
    fn next(&mut self) -> Vec<u8> {
        self.0.pop().unwrap_or_default()
    }
}

/// The texts of an input, the first one last.
fn split(input: &[u8]) -> Vec<Vec<u8>> {
    let (mut texts, mut rest) = (Vec::new(), input);
    let between = BETWEEN.as_bytes();
    while let Some(at) = rest.windows(between.len()).position(|part| part == between) {
        texts.push(rest[..at].to_vec());
        rest = &rest[at + between.len()..];
    }
    texts.push(rest.to_vec());
    texts.reverse();
    texts
}

/// The vendor's part; `None` when something is wrong with it.
fn ground(text: Vec<u8>, variables: &[u8]) -> Option<Arc<Ground>> {
    let variables = String::from_utf8_lossy(variables);
    let variables = variables.lines().filter_map(|line| line.split_once('='));
    let variables = variables.map(|(name, value)| (format!("{}{name}", environment::PREFIX), value.to_owned()));
    let mut wrong = Vec::new();
    let environment = Arc::new(environment::read(variables, &mut wrong));
    environment::strangers(&environment, &["city", "library"], &mut wrong);
    let document = match files::decoded(text, VENDOR_FILE) {
        Ok(text) => {
            let (document, mut faults) = Document::parse(VENDOR_FILE.to_owned(), text.clone());
            faults.iter().for_each(|fault| stands_in(fault, &text));
            let sound = faults.is_empty();
            wrong.append(&mut faults);
            sound.then(|| Arc::new(document))
        }
        Err(error) => {
            wrong.push(*error);
            None
        }
    };
    let (ground, mut more) = Ground::read(Path::new("/etc/rempart").to_owned(), &environment, document);
    wrong.append(&mut more);
    told(&wrong.iter().cloned().collect());
    (wrong.is_empty() && ground.vendor.is_some()).then(|| Arc::new(ground))
}

fn file(id: &TenantId, text: Vec<u8>, ground: &Arc<Ground>) -> Arc<TenantFile> {
    let name = format!("{id}.toml");
    let file = match files::decoded(text, &name) {
        Ok(text) => TenantFile::read(id.clone(), &name, text.into(), Arc::clone(ground)),
        Err(wrong) => TenantFile::unreadable(id.clone(), &name, *wrong, Arc::clone(ground)),
    };
    if let Err(wrong) = file.tenant() {
        assert!(!wrong.is_empty(), "a file that comes to nothing has something wrong");
        told(wrong);
        let own = wrong.iter().filter(|one| one.place.file == file.name());
        own.for_each(|one| stands_in(one, file.text().unwrap_or_default()));
    }
    Arc::new(file)
}

/// The same text comes to the same thing.
fn read_again(file: &TenantFile, ground: &Arc<Ground>) {
    let again = file.over(ground);
    match (file.tenant(), again.tenant()) {
        (Ok(one), Ok(other)) => assert!(Arc::ptr_eq(one, other), "the same text came to another tenant"),
        (Err(one), Err(other)) => assert_eq!(one, other, "the same text was found wrong in another way"),
        (one, other) => panic!("the same text came to {one:?} and {other:?}"),
    }
}

/// Of the two, the first was served as something else before.
fn settled(files: &[Arc<TenantFile>], last_good: Option<Arc<crate::TenantConfig>>) {
    let mut last_good = Some(last_good).into_iter().chain(std::iter::repeat(None));
    let candidates = files.iter().map(|file| Candidate {
        file: Arc::clone(file),
        new: file.tenant().cloned().map_err(Clone::clone),
        last_good: last_good.next().flatten(),
    });
    let candidates: Vec<Candidate> = candidates.collect();
    let standings = settle(&candidates);
    let mut hosts = HashSet::new();
    for (standing, candidate) in standings.iter().zip(&candidates) {
        told(&standing.wrong);
        let own: HashSet<_> = standing.tenant.iter().flat_map(|tenant| &tenant.hosts).collect();
        assert!(own.into_iter().all(|host| hosts.insert(host)), "a host is served twice");
        assert!(standing.state == TenantState::Current || !standing.wrong.is_empty());
        assert!(standing.state != TenantState::Absent || candidate.last_good.is_none());
    }
    let (old, new) = (
        candidates.iter().filter_map(|one| one.last_good.as_deref()),
        standings.iter(),
    );
    let _ = Differences::of_tenants(old, new.filter_map(|one| one.tenant.as_deref())).to_string();
}

/// What `rempart check` does.
fn whole(ground: &Ground, files: Vec<Arc<TenantFile>>) {
    let Some(vendor) = ground.vendor.clone() else { return };
    let strays = Diagnostics::default();
    let config = Config::of(&ground.directory, Reading { vendor, files, strays });
    told(&config.wrong);
    told(&config.lints(Day::of(SystemTime::UNIX_EPOCH)));
}

/// What every diagnostic is, whatever it is about.
fn told(diagnostics: &Diagnostics) {
    for one in diagnostics.iter() {
        assert!(!one.code.is_empty() && !one.message.is_empty());
        assert_eq!(one.place.line.is_some(), one.place.column.is_some());
        let said = one.to_string();
        assert!(said.chars().all(|c| c == '\n' || !c.is_control()), "{said:?}");
    }
    assert!(serde_json::to_string(diagnostics).is_ok());
}

/// It names a place that is there.
fn stands_in(one: &Diagnostic, text: &str) {
    let (Some(line), Some(column)) = (one.place.line, one.place.column) else {
        return;
    };
    let found = text.split('\n').nth(line - 1);
    let found = found.unwrap_or_else(|| panic!("{one} is beyond the end"));
    assert!(column <= found.chars().count() + 1, "{one} is beyond the line");
}
