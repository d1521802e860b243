use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

use rempart_guard::EdgeSession;

use super::site::{Browser, Site, number, settings};
use crate::moment::moment;
use crate::place::Place;
use crate::policy::Role;
use crate::table::Shown;
use crate::{KillError, Sessions, Which};

#[test]
fn killing_all_ends_what_has_begun_and_nothing_of_another_tenant() {
    let (library, city) = (Site::new(settings()), Site::new(settings()));
    let mut patrons = [library.logged_in("17"), library.logged_in("18")];
    let mut resident = city.logged_in("17");
    assert_eq!(library.sessions.kill(&Which::All).unwrap(), 2);
    library.codes();
    for patron in &mut patrons {
        assert_eq!(library.get(patron, "/").seen, "lang=fr");
    }
    assert_eq!(library.codes(), ["session_killed", "session_killed"]);
    assert!(library.sessions.list().iter().all(|session| session.account.is_none()));
    assert!(city.knows(&mut resident));
}

#[test]
fn whoever_logs_in_in_the_same_second_as_a_kill_is_in() {
    let site = Site::new(settings());
    let mut patron = site.logged_in("17");
    site.sessions.kill(&Which::All).unwrap();
    assert!(!site.knows(&mut patron));
    assert!(site.knows(&mut site.logged_in("17")));
}

#[test]
fn a_session_is_killed_by_the_number_that_the_list_shows() {
    let site = Site::new(settings());
    let (mut one, mut other) = (site.logged_in("17"), site.logged_in("18"));
    let (listed, id) = (site.sessions.list(), one.id().to_string());
    let shown = &listed.iter().find(|session| id.starts_with(&session.id)).unwrap().id;
    assert_eq!((listed.len(), shown.len()), (2, 12));
    assert_eq!(site.sessions.kill(&Which::Number(shown.to_uppercase())).unwrap(), 1);
    assert!(!site.knows(&mut one) && site.knows(&mut other));
}

#[test]
fn a_number_that_is_none_or_nobodys_kills_nobody() {
    let site = Site::new(settings());
    let mut patron = site.logged_in("17");
    let kill = |digits: &str| site.sessions.kill(&Which::Number(digits.into())).unwrap_err();
    for wrong in ["", "0a1b2", "0a1b2g", "0a1b2c0a1b2c0a1b2c0a1b2c0a1b2c0a1b", "é0a1b2"] {
        assert!(matches!(kill(wrong), KillError::NoNumber(_)), "{wrong}");
    }
    assert!(matches!(kill("000000000000"), KillError::Unknown(_)));
    assert!(site.knows(&mut patron));
}

#[test]
fn a_number_that_is_not_in_the_table_can_be_killed_whole() {
    let site = Site::new(settings());
    let mut patron = Browser::default();
    site.get(&mut patron, "/");
    // It has not come back yet, so it is known to nobody.
    assert!(site.sessions.list().is_empty());
    site.sessions.kill(&Which::Number(patron.id().to_string())).unwrap();
    assert_eq!(site.get(&mut patron, "/").seen, "lang=fr");
}

#[test]
fn a_kill_during_a_request_is_not_undone_by_its_answer() {
    use rempart_guard::{Findings, Guard as _, SessionOrder, SessionOrders};
    for (path, which) in [
        ("/login", Which::All),
        ("/login", Which::Number(String::new())),
        ("/", Which::All),
    ] {
        let site = Site::new(settings());
        let mut patron = site.logged_in("17");
        site.wait(600);
        site.get(&mut patron, "/bye?ignored=1");
        let patron = site.logged_in("17");
        site.wait(600);
        let mut head = site.request(&patron, http::Method::POST, path).into_parts().0;
        let mut findings = Findings::default();
        let ticket = site.sessions.check(&mut head, &mut findings).unwrap();
        let which = match which {
            Which::Number(_) => Which::Number(patron.id().to_string()),
            which => which,
        };
        site.sessions.kill(&which).unwrap();
        let mut head = http::Response::new(()).into_parts().0;
        site.sessions.amend(ticket, &mut head, &mut findings);
        let orders = head.extensions.remove::<SessionOrders>().unwrap_or_default().0;
        let renewed = orders.iter().any(|order| matches!(order, SessionOrder::Renew(_)));
        assert!(!renewed, "{path} {which:?}: {orders:?}");
    }
}

#[test]
fn no_worker_lets_a_session_in_once_a_kill_has_returned() {
    let sessions = Arc::new(Sessions::new(super::site::policy(settings())));
    let began = std::time::SystemTime::now() - std::time::Duration::from_secs(5);
    let all: Vec<_> = (0..64)
        .map(|_| EdgeSession {
            cookie: "sid".into(),
            id: number(),
            sealed: began,
            began,
        })
        .collect();
    let (killed, stop) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    for session in &all {
                        let was_killed = killed.load(Ordering::SeqCst);
                        let judged = judge(&sessions, session);
                        assert!(!(was_killed && judged), "a session passed after the kill");
                    }
                }
            });
        }
        while sessions.list().len() < all.len() {
            std::thread::yield_now();
        }
        sessions.kill(&Which::All).unwrap();
        killed.store(true, Ordering::SeqCst);
        for _ in 0..200 {
            std::thread::yield_now();
        }
        stop.store(true, Ordering::SeqCst);
    });
    assert!(sessions.list().is_empty());
}

#[test]
fn concurrent_logins_of_one_account_leave_as_many_as_it_may_have() {
    let site = Site::new(crate::SessionsSettings {
        per_account: Some(3),
        ..settings()
    });
    let browsers: Vec<_> = (0..24)
        .map(|_| {
            let mut browser = Browser::default();
            site.get(&mut browser, "/");
            browser
        })
        .collect();
    std::thread::scope(|threads| {
        for share in browsers.chunks(6) {
            let site = &site;
            threads.spawn(move || {
                for browser in share {
                    site.post(&mut browser.clone(), "/login?as=17&account=17");
                }
            });
        }
    });
    let of_account = site
        .sessions
        .list()
        .into_iter()
        .filter(|session| session.account.is_some());
    assert_eq!(of_account.count(), 3);
}

fn judge(sessions: &Sessions, session: &EdgeSession) -> bool {
    let shown = Shown {
        session,
        role: Role::Session,
        with: session.id,
        place: Place::default(),
    };
    assert!(moment(session.began) > moment(UNIX_EPOCH));
    sessions.table.judge(shown, sessions.limits(), sessions.now()).is_ok()
}
