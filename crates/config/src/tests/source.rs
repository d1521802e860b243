//! Reading again: what has not changed stays the same object, and what has changed is never missed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use super::site::{LIBRARY, Site, VENDOR};
use crate::{Reading, Scope, Source, TenantConfig, TenantFile};

/// Three tenants, each with its own host.
const TENANTS: [&str; 3] = ["city", "daycare", "library"];

fn site() -> Site {
    TENANTS
        .iter()
        .fold(Site::new(), |site, name| site.file(&file(name), text(name)))
}

fn file(name: &str) -> String {
    format!("tenants.d/{name}.toml")
}

fn text(name: &str) -> String {
    LIBRARY.replace("library", name)
}

fn source(site: &Site) -> Source {
    Source::new(site.path(), [])
}

/// A moment at which every file of a test is old enough to be known by its stamp.
fn later() -> SystemTime {
    SystemTime::now() + Duration::from_secs(60)
}

fn names(reading: &Reading) -> Vec<&str> {
    reading.files.iter().map(|file| file.id().as_str()).collect()
}

fn of<'a>(reading: &'a Reading, name: &str) -> &'a Arc<TenantFile> {
    reading.files.iter().find(|file| file.id().as_str() == name).unwrap()
}

fn tenant<'a>(reading: &'a Reading, name: &str) -> &'a Arc<TenantConfig> {
    of(reading, name).tenant().unwrap()
}

/// Whose file is the same object in both, and whose configuration.
fn same(one: &Reading, other: &Reading) -> (Vec<String>, Vec<String>) {
    let both = TENANTS.iter().filter(|name| {
        let has = |reading: &Reading| names(reading).contains(*name);
        has(one) && has(other)
    });
    let both: Vec<&str> = both.copied().collect();
    let pick = |same: &dyn Fn(&str) -> bool| both.iter().filter(|name| same(name)).map(ToString::to_string).collect();
    (
        pick(&|name| Arc::ptr_eq(of(one, name), of(other, name))),
        pick(&|name| match (of(one, name).tenant(), of(other, name).tenant()) {
            (Ok(one), Ok(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }),
    )
}

fn scope(tenants: &[&str]) -> Scope {
    Scope::Tenants(
        tenants
            .iter()
            .map(|name| name.parse().unwrap())
            .collect::<BTreeSet<_>>(),
    )
}

#[test]
fn what_has_not_changed_is_the_same_object() {
    let site = site();
    let mut source = source(&site);
    let first = source.read(&Scope::All).unwrap();
    for now in [SystemTime::now(), later(), later()] {
        let again = source.read_at(&Scope::All, now).unwrap();
        assert!(Arc::ptr_eq(&first.vendor, &again.vendor));
        assert_eq!(same(&first, &again).0, TENANTS);
    }
}

#[test]
fn a_file_that_is_touched_and_says_the_same_is_the_same_object() {
    let site = site();
    let mut source = source(&site);
    let first = source.read_at(&Scope::All, later()).unwrap();
    let site = site.file(&file("city"), text("city")).file("rempart.toml", VENDOR);
    let again = source.read_at(&Scope::All, later()).unwrap();
    assert_eq!(same(&first, &again).0, TENANTS);
    drop(site);
}

#[test]
fn a_comment_changes_the_text_and_nothing_else() {
    let site = site();
    let mut source = source(&site);
    let first = source.read(&Scope::All).unwrap();
    let site = site.more(&file("city"), "# the mayor's\n");
    let again = source.read(&Scope::All).unwrap();
    assert_eq!(same(&first, &again).0, ["daycare", "library"]);
    assert_eq!(tenant(&first, "city"), tenant(&again, "city"));
    drop(site);
}

#[test]
fn other_defaults_change_everybody_and_a_comment_in_them_nobody() {
    let site = site();
    let mut source = source(&site);
    let first = source.read_at(&Scope::All, later()).unwrap();
    let site = site.more("rempart.toml", "# a comment\n");
    let again = source.read_at(&Scope::All, later()).unwrap();
    assert_eq!(same(&first, &again), (Vec::new(), TENANTS.map(str::to_owned).to_vec()));
    // Although no tenant's file is looked at.
    let site = site.more("rempart.toml", "[defaults.upstream]\nresponse_timeout = \"7s\"\n");
    for scope in [Scope::All, scope(&["city"])] {
        let changed = source.read_at(&scope, later()).unwrap();
        for name in TENANTS {
            assert_eq!(
                tenant(&changed, name).upstream.response_timeout,
                Duration::from_secs(7),
                "{name}"
            );
        }
    }
    drop(site);
}

#[test]
fn a_scope_touches_nobody_else() {
    let site = site().file(&file("city"), text("city") + "# 1\n");
    let mut source = source(&site);
    let first = source.read(&Scope::All).unwrap();
    // One outside changes, one breaks, one is new and one is gone.
    let site = site
        .file(&file("city"), text("city") + "# 2\n")
        .file(&file("daycare"), "hosts = [\n")
        .file(&file("museum"), text("museum"));
    fs::remove_file(site.path().join(file("library"))).unwrap();
    let again = source.read(&scope(&["nobody"])).unwrap();
    assert_eq!(
        (names(&again), same(&first, &again).0),
        (TENANTS.to_vec(), TENANTS.map(str::to_owned).to_vec())
    );
    let one = source.read(&scope(&["city"])).unwrap();
    assert_eq!(same(&again, &one).0, ["daycare", "library"]);
    assert!(of(&one, "city").text().unwrap().ends_with("# 2\n"));
    assert!(
        of(&source.read(&scope(&["daycare"])).unwrap(), "daycare")
            .tenant()
            .is_err()
    );
    let appears = source.read(&scope(&["museum"])).unwrap();
    assert_eq!(names(&appears), ["city", "daycare", "library", "museum"]);
    let disappears = source.read(&scope(&["library"])).unwrap();
    assert_eq!(names(&disappears), ["city", "daycare", "museum"]);
    assert_eq!(names(&source.read(&Scope::All).unwrap()), ["city", "daycare", "museum"]);
}

#[test]
fn a_wrong_vendors_file_changes_nothing() {
    let site = site();
    let mut source = source(&site);
    let first = source.read(&Scope::All).unwrap();
    let site = site
        .file("rempart.toml", "[listen\n")
        .file(&file("city"), "hosts = [\n")
        .file("tenants.d/museum.toml", text("museum"));
    for _ in 0..2 {
        let said = source.read(&Scope::All).unwrap_err().to_string();
        assert!(said.contains("rempart.toml:1:8: error[syntax]"), "{said}");
        assert!(
            said.contains("tenants.d/city.toml:1:10: error[syntax]"),
            "what is wrong beside it: {said}"
        );
    }
    let site = site.file("rempart.toml", VENDOR);
    let again = source.read(&Scope::All).unwrap();
    assert!(of(&again, "city").tenant().is_err());
    assert_eq!(same(&first, &again).1, ["daycare", "library"]);
    drop(site);
}

#[test]
fn a_variable_for_nobody_is_told_and_touches_nobody() {
    let site = site();
    let variable = (
        "REMPART__TENANTS__NOBODY__UPSTREAM__URL".to_owned(),
        "http://127.0.0.1:1".to_owned(),
    );
    let reading = Source::new(site.path(), [variable]).read(&Scope::All).unwrap();
    let said = reading.strays.to_string();
    assert!(
        said.starts_with("$REMPART__TENANTS__NOBODY__UPSTREAM__URL: error["),
        "{said}"
    );
    assert!(reading.files.iter().all(|file| file.tenant().is_ok()));
}

#[test]
fn a_change_within_one_step_of_the_clock_is_noticed() {
    let site = site();
    let mut source = source(&site);
    let path = site.path().join(file("city"));
    for number in 10..60 {
        let text = text("city") + &format!("# {number}\n");
        fs::write(&path, &text).unwrap();
        let reading = source.read(&Scope::All).unwrap();
        assert_eq!(of(&reading, "city").text(), Some(text.as_str()));
    }
}

#[test]
fn a_change_with_its_old_length_and_time_is_noticed() {
    let site = site();
    let mut source = source(&site);
    let path = site.path().join(file("city"));
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for number in 10..20 {
        let text = text("city") + &format!("# {number}\n");
        fs::write(&path, &text).unwrap();
        fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(time)
            .unwrap();
        // Whoever reads later trusts the stamp, and this change still gives another.
        let reading = source.read_at(&Scope::All, later()).unwrap();
        assert_eq!(of(&reading, "city").text(), Some(text.as_str()));
    }
}

#[test]
fn a_file_that_is_renamed_over_another_is_noticed() {
    let site = site();
    let mut source = source(&site);
    let (path, beside) = (site.path().join(file("city")), site.path().join("beside"));
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for number in 10..20 {
        let text = text("city") + &format!("# {number}\n");
        fs::write(&beside, &text).unwrap();
        fs::File::options()
            .write(true)
            .open(&beside)
            .unwrap()
            .set_modified(time)
            .unwrap();
        fs::rename(&beside, &path).unwrap();
        let reading = source.read_at(&Scope::All, later()).unwrap();
        assert_eq!(of(&reading, "city").text(), Some(text.as_str()));
    }
}

#[test]
fn a_link_that_is_turned_to_another_file_is_noticed() {
    let site = site();
    let mut source = source(&site);
    let path = site.path().join(file("city"));
    for name in ["one", "two"] {
        let (target, link) = (site.path().join(name), site.path().join("link"));
        fs::write(&target, text("city") + "# " + name).unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        fs::rename(&link, &path).unwrap();
        let reading = source.read_at(&Scope::All, later()).unwrap();
        assert!(of(&reading, "city").text().unwrap().ends_with(name));
    }
}

#[test]
fn what_becomes_no_file_and_a_file_again_is_noticed() {
    let site = site();
    let mut source = source(&site);
    let path = site.path().join(file("city"));
    let first = source.read_at(&Scope::All, later()).unwrap();
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let reading = source.read_at(&Scope::All, later()).unwrap();
    let wrong = of(&reading, "city").tenant().unwrap_err();
    assert_eq!(wrong.iter().map(|one| one.code).collect::<Vec<_>>(), ["not_a_file"]);
    fs::remove_dir(&path).unwrap();
    fs::write(&path, text("city")).unwrap();
    let again = source.read_at(&Scope::All, later()).unwrap();
    assert_eq!(tenant(&first, "city"), tenant(&again, "city"));
}

/// Reads a file while it is written again and again, and once more when that is over: how often it was whole, empty, changing
/// and torn. A write that the system interrupts in its middle looks like one that is done, so that only a file that is renamed
/// into its place is never torn.
fn read_while(write: impl Fn(&PathBuf, &str) + Send + Sync) -> [usize; 4] {
    let site = site();
    let mut source = source(&site);
    let path = site.path().join(file("city"));
    let done = AtomicBool::new(false);
    let [mut whole, mut empty, mut changing, mut torn] = [0; 4];
    thread::scope(|threads| {
        let end = End(&done);
        threads.spawn(|| {
            for number in 0.. {
                write(&path, &version(number));
                if done.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        for _ in 0..25 {
            let reading = source.read(&Scope::All).unwrap();
            let city = of(&reading, "city");
            match (city.text(), city.tenant()) {
                // Whoever truncates a file has made an empty one.
                (Some(""), Err(_)) => empty += 1,
                (Some(text), Ok(_)) if is_one_version(text) => whole += 1,
                (None, Err(wrong)) => {
                    assert_eq!(wrong.iter().next().unwrap().code, "file_changing");
                    changing += 1;
                }
                _ => torn += 1,
            }
            assert!(of(&reading, "library").tenant().is_ok(), "nobody else is touched");
        }
        drop(end);
    });
    let reading = source.read(&Scope::All).unwrap();
    assert!(
        is_one_version(of(&reading, "city").text().unwrap()),
        "in the end it is whole"
    );
    [whole, empty, changing, torn]
}

/// Ends the writing, also when the reading panics.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A file of some 60 KiB of which every line says its number.
fn version(number: usize) -> String {
    let mut version = text("city");
    for line in 0..2_000 {
        let _ = writeln!(version, "# version {number:08} line {line:08}");
    }
    version
}

fn is_one_version(text: &str) -> bool {
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("# version")).collect();
    let numbers: BTreeSet<&str> = lines.iter().map(|line| &line[..18]).collect();
    text == self::text("city") || (lines.len() == 2_000 && numbers.len() == 1)
}

#[test]
fn a_file_that_is_written_over_while_it_is_read_is_whole_in_the_end() {
    let counts = read_while(|path, text| fs::write(path, text).unwrap());
    println!("truncated and written: whole, empty, changing, torn: {counts:?}");
}

#[test]
fn a_file_that_is_written_in_place_while_it_is_read_is_whole_in_the_end() {
    use std::os::unix::fs::FileExt as _;
    let counts = read_while(|path, text| {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.write_all_at(text.as_bytes(), 0).unwrap();
    });
    println!("written in place: whole, empty, changing, torn: {counts:?}");
}

#[test]
fn a_file_that_is_replaced_while_it_is_read_is_whole() {
    let [whole, empty, changing, torn] = read_while(|path, text| {
        let beside = path.with_extension("new");
        fs::write(&beside, text).unwrap();
        fs::rename(&beside, path).unwrap();
    });
    assert_eq!((empty, torn), (0, 0));
    println!("replaced: {whole} whole, {changing} changing");
}
