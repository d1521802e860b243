use http::{Method, StatusCode};
use rempart_guard::{Account, Findings, Guard as _};

use super::site::{Browser, MINUTE, Site, settings};
use crate::{SessionsSettings, Which};

fn two(beyond: &str) -> SessionsSettings {
    SessionsSettings {
        per_account: Some(2),
        beyond: beyond.into(),
        ..settings()
    }
}

fn enter(site: &Site, account: &str) -> Browser {
    let mut browser = Browser::default();
    site.get(&mut browser, "/");
    site.post(&mut browser, &format!("/login?as={account}&account={account}"));
    site.wait(1);
    browser
}

#[test]
fn one_session_too_many_ends_the_oldest() {
    let site = Site::new(two("end_oldest"));
    let (mut first, mut second) = (enter(&site, "17"), enter(&site, "17"));
    let mut neighbour = enter(&site, "18");
    site.codes();
    let mut third = enter(&site, "17");
    assert_eq!(site.codes(), ["session_too_many", "session_renewed"]);
    assert!(!site.knows(&mut first) && site.knows(&mut second) && site.knows(&mut third));
    assert!(site.knows(&mut neighbour), "another account's");
}

#[test]
fn one_session_too_many_is_refused_where_that_is_wanted() {
    let site = Site::new(two("refuse"));
    let (mut first, mut second) = (enter(&site, "17"), enter(&site, "17"));
    let mut third = enter(&site, "17");
    assert!(third.cookies.is_empty(), "the browser is left without a session");
    assert!(site.knows(&mut first) && site.knows(&mut second) && !site.knows(&mut third));
    site.get(&mut second, "/logout");
    assert!(site.knows(&mut enter(&site, "17")), "there is room again");
}

#[test]
fn who_logs_in_again_in_the_same_browser_is_no_other_session() {
    let site = Site::new(two("refuse"));
    let (_first, mut second) = (enter(&site, "17"), enter(&site, "17"));
    let answer = site.post(&mut second, "/login?as=17&account=17");
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(site.knows(&mut second));
    assert_eq!(site.sessions.list().len(), 2);
}

#[test]
fn a_session_that_has_ended_is_not_counted() {
    let site = Site::new(two("refuse"));
    let _gone = [enter(&site, "17"), enter(&site, "17")];
    site.wait(31 * MINUTE);
    assert!(site.knows(&mut enter(&site, "17")));
}

#[test]
fn an_account_that_an_answer_names_is_a_login_on_whatever_route() {
    let site = Site::new(two("end_oldest"));
    let mut thief = Browser::default();
    site.get(&mut thief, "/");
    site.get(&mut thief, "/");
    let mut victim = thief.clone();
    site.get(&mut victim, "/callback?as=17&account=17");
    assert_ne!(victim.id(), thief.id());
    assert_eq!(site.get(&mut thief, "/").seen, "lang=fr");
    let id = victim.id();
    site.get(&mut victim, "/?account=17");
    assert_eq!(victim.id(), id, "the same account again is nothing new");
    site.get(&mut victim, "/?account=admin");
    assert_ne!(victim.id(), id, "another one is");
}

#[test]
fn the_header_never_leaves() {
    for enforcement in [
        rempart_guard::Enforcement::Enforce,
        rempart_guard::Enforcement::Report,
        rempart_guard::Enforcement::Off,
    ] {
        let site = Site::new(SessionsSettings {
            enforcement,
            ..settings()
        });
        let answer = site.get(&mut Browser::default(), "/?account=17");
        assert!(!answer.headers.contains_key("x-rempart-account"), "{enforcement}");
    }
}

#[test]
fn killing_an_account_ends_its_sessions_and_no_others() {
    let site = Site::new(settings());
    let (mut one, mut two, mut other) = (enter(&site, "17"), enter(&site, "17"), enter(&site, "18"));
    assert_eq!(site.sessions.kill(&Which::Account("17".into())).unwrap(), 2);
    assert!(!site.knows(&mut one) && !site.knows(&mut two) && site.knows(&mut other));
    assert!(site.knows(&mut enter(&site, "17")), "whoever logs in again is in");
}

#[test]
fn a_session_that_is_only_learned_later_to_be_a_killed_accounts_ends_then() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("library.json");
    let site = Site::new(settings()).kept_in(&path);
    let mut browser = enter(&site, "17");
    let site = site.restarted(&path);
    // Nobody knows any more whose session it is.
    assert_eq!(site.sessions.kill(&Which::Account("17".into())).unwrap(), 0);
    let site = site.restarted(&path);
    site.wait(1);
    assert!(site.get(&mut browser, "/").seen.contains("sid="));
    site.codes();
    site.get(&mut browser, "/?account=17");
    assert!(!site.knows(&mut browser));
}

#[test]
fn after_a_restart_an_account_is_learned_without_a_new_number() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("library.json");
    let site = Site::new(settings()).kept_in(&path);
    let mut browser = enter(&site, "17");
    let site = site.restarted(&path);
    let id = browser.id();
    site.get(&mut browser, "/?account=17");
    assert_eq!(browser.id(), id);
    assert_eq!(site.sessions.list()[0].account.as_deref(), Some("17"));
}

#[test]
fn whose_session_it_is_stands_in_the_request_until_it_ends() {
    let site = Site::new(settings());
    let noted = |browser: &Browser| {
        let mut head = site.request(browser, Method::GET, "/").into_parts().0;
        site.sessions.mark(&mut head);
        let _ = site.sessions.check(&mut head, &mut Findings::default()).unwrap();
        head.extensions
            .get::<Account>()
            .map(|Account(account)| account.to_string())
    };
    let (first, second) = (enter(&site, "17"), enter(&site, "18"));
    assert_eq!(noted(&first).as_deref(), Some("17"));
    assert_eq!(noted(&Browser::default()), None, "a stranger is nobody");
    site.wait(31 * MINUTE);
    assert_eq!(noted(&second), None, "it was idle for too long");
    let third = enter(&site, "19");
    site.sessions.kill(&Which::All).unwrap();
    assert_eq!(noted(&third), None);
}
