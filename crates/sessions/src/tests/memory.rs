//! What outlives the program.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::site::{BEGIN, Browser, HOUR, MINUTE, Site, settings};
use crate::{SessionsSettings, Which};

fn home() -> (tempfile::TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sessions/library.json");
    (directory, path)
}

#[test]
fn a_kill_outlives_a_restart_without_a_farewell() {
    for which in ["all", "account", "number"] {
        let (_directory, path) = home();
        let site = Site::new(settings()).kept_in(&path);
        let mut patron = Browser::default();
        site.get(&mut patron, "/");
        site.post(&mut patron, "/login?as=17&account=17");
        site.wait(2);
        let which = match which {
            "all" => Which::All,
            "account" => Which::Account("17".into()),
            _ => Which::Number(patron.id().to_string()),
        };
        site.sessions.kill(&which).unwrap();
        let site = site.restarted(&path);
        assert!(!site.knows(&mut patron), "{which:?}");
    }
}

#[test]
fn a_logout_outlives_a_restart_once_it_was_saved() {
    let (_directory, path) = home();
    let site = Site::new(settings()).kept_in(&path);
    let mut patron = site.logged_in("17");
    let mut copy = patron.clone();
    site.get(&mut patron, "/logout");
    assert!(site.sessions.is_unsaved());
    site.sessions.save().unwrap();
    assert!(!site.sessions.is_unsaved());
    let site = site.restarted(&path);
    assert!(!site.knows(&mut copy));
}

#[test]
fn a_restart_logs_nobody_out_and_gives_nobody_a_new_lease() {
    let (_directory, path) = home();
    let site = Site::new(settings()).kept_in(&path);
    site.sessions.save().unwrap();
    let (mut busy, mut idle) = (site.logged_in("17"), site.logged_in("18"));
    for _ in 0..18 {
        site.wait(5 * MINUTE);
        assert!(site.knows(&mut busy));
    }
    let site = site.restarted(&path);
    assert!(site.knows(&mut busy), "known by its seal");
    assert!(!site.knows(&mut idle));
}

#[test]
fn what_is_switched_on_first_ends_nobody_who_is_there() {
    let (_directory, path) = home();
    let site = Site::new(settings()).kept_in(&path);
    let mut patron = site.logged_in("17");
    site.wait(2 * HOUR);
    fs::remove_file(&path).unwrap_or_default();
    // The edge was updated, or the section was written: seals were not renewed before.
    let site = site.restarted(&path);
    assert!(site.knows(&mut patron));
    site.wait(31 * MINUTE);
    assert!(!site.knows(&mut patron));
}

#[test]
fn from_report_to_enforce_everybody_has_the_whole_limit() {
    let report = SessionsSettings {
        enforcement: rempart_guard::Enforcement::Report,
        ..settings()
    };
    let site = Site::new(report);
    let mut patron = site.logged_in("17");
    site.wait(2 * HOUR);
    let site = site.reloaded(settings());
    assert!(site.knows(&mut patron));
    site.wait(31 * MINUTE);
    assert!(!site.knows(&mut patron));
}

#[test]
fn from_report_to_enforce_over_a_restart_too() {
    let (_directory, path) = home();
    let report = SessionsSettings {
        enforcement: rempart_guard::Enforcement::Report,
        ..settings()
    };
    let site = Site::new(report).kept_in(&path);
    let mut patron = site.logged_in("17");
    site.sessions.save().unwrap();
    site.wait(2 * HOUR);
    let site = site.restarted_under(settings(), &path);
    assert!(site.knows(&mut patron));
    site.sessions.save().unwrap();
    site.wait(31 * MINUTE);
    let site = site.restarted(&path);
    assert!(!site.knows(&mut patron), "once, and not at each restart");
}

#[test]
fn a_reload_keeps_who_is_logged_in_and_who_is_not() {
    let site = Site::new(settings());
    let (mut patron, mut gone) = (site.logged_in("17"), site.logged_in("18"));
    site.sessions.kill(&Which::Number(gone.id().to_string())).unwrap();
    site.wait(20 * MINUTE);
    assert!(site.knows(&mut patron));
    site.wait(9 * MINUTE);
    let site = site.reloaded(SessionsSettings {
        idle: "10m".into(),
        absolute: "80h".into(),
        ..settings()
    });
    assert!(site.knows(&mut patron), "last seen 9 minutes ago");
    assert!(!site.knows(&mut gone));
    site.wait(11 * MINUTE);
    assert!(!site.knows(&mut patron), "the new limit holds at once");
}

#[test]
fn a_file_that_cannot_be_read_ends_everybodys_session() {
    for wrong in ["", "{", "null", "{\"version\":2}", "\u{0}"] {
        let (_directory, path) = home();
        let site = Site::new(settings()).kept_in(&path);
        let mut patron = site.logged_in("17");
        site.sessions.save().unwrap();
        site.wait(5);
        fs::write(&path, wrong).unwrap();
        let site = site.restarted(&path);
        assert!(!site.knows(&mut patron), "{wrong:?}");
        assert!(site.knows(&mut site.logged_in("17")));
        site.sessions.save().unwrap();
        let site = site.restarted(&path);
        assert!(!site.knows(&mut patron), "and it was written anew");
    }
}

#[test]
fn a_number_in_the_file_that_is_none_makes_it_unreadable() {
    let (_directory, path) = home();
    let site = Site::new(settings()).kept_in(&path);
    site.sessions.kill(&Which::Number("0a".repeat(16))).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(&"0a".repeat(16)) && text.contains("killed"), "{text}");
    for (right, wrong) in [("0a0a", "0é0"), ("killed", "kiled"), ("\"version\":1", "\"version\":9")] {
        fs::write(&path, text.replacen(right, wrong, 1)).unwrap();
        assert!(crate::kept::Kept::read(&path).is_err(), "{wrong}");
    }
}

#[test]
fn nobody_else_reads_the_file_and_no_cookie_stands_in_it() {
    let (directory, path) = home();
    let site = Site::new(settings()).kept_in(&path);
    let mut patron = site.logged_in("17");
    let value = patron.cookies["sid"].1.clone();
    site.get(&mut patron, "/logout");
    site.sessions.save().unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&directory.path().join("sessions"))), (0o600, 0o700));
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains(&format!("\"{value}\"")), "{text}");
    assert!(text.contains(&format!("\"watched\":{BEGIN}")), "{text}");
}

#[test]
fn a_kill_that_cannot_be_kept_has_effect_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    // A directory stands where the file should be.
    let path = directory.path().join("library.json");
    let site = Site::new(settings()).kept_in(&path);
    let mut patron = site.logged_in("17");
    fs::remove_file(&path).unwrap_or_default();
    fs::create_dir_all(path.join("x")).unwrap();
    let error = site.sessions.kill(&Which::All).unwrap_err();
    assert!(error.to_string().contains("a restart would undo it"), "{error}");
    assert!(!site.knows(&mut patron));
    assert!(site.sessions.is_unsaved(), "it is tried again");
}
