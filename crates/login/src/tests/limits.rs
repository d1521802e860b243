//! Guesses are counted, and what is right is not.

use std::time::Duration;

use http::StatusCode;
use http::header::RETRY_AFTER;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::site::{Browser, Site, home, policy};
use crate::LoginKeys;

const QUICK: &str = "max_delay = \"0s\"";

#[tokio::test(start_paused = true)]
async fn the_eleventh_guess_is_refused_and_an_hour_later_twenty_more_are_heard() {
    let site = Site::new(QUICK);
    assert_eq!(site.guess(&home(), "marie", 15).await, 10);
    let refused = site.send(home().login("marie", "wrong")).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()[RETRY_AFTER], "180");
    assert!(site.codes().iter().all(|code| *code == "login_refused"));
    assert_eq!(site.guess(&home(), " MARIE", 1).await, 0, "the same account");
    assert_eq!(site.guess(&home(), "pierre", 1).await, 1, "another");
    site.pass(Duration::from_secs(180));
    assert_eq!(site.guess(&home(), "marie", 2).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_success_sets_an_account_back_and_not_its_network() {
    let site = Site::new(&format!("{QUICK}\n[limits]\nnetwork = \"30/h burst 15\""));
    site.guess(&home(), "marie", 9).await;
    assert_eq!(site.login(&home(), "marie", "right").await, StatusCode::SEE_OTHER);
    let others = Browser::at([192, 0, 2, 7]);
    assert_eq!(
        site.guess(&others, "pierre", 20).await,
        7,
        "of fifteen, with the one that a success gives back"
    );
    assert_eq!(site.guess(&home(), "marie", 20).await, 10);
}

#[tokio::test(start_paused = true)]
async fn right_passwords_are_never_counted() {
    let site = Site::new("");
    for number in 0..200 {
        assert_eq!(
            site.login(&home(), &format!("user{}", number % 3), "right").await,
            StatusCode::SEE_OTHER
        );
    }
    assert!(site.codes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_hundred_guesses_at_once_do_not_all_find_the_last_place_free() {
    let site = Site::new(QUICK);
    let mut tries = JoinSet::new();
    for number in 0..100 {
        tries.spawn(tower::ServiceExt::oneshot(
            site.service.clone(),
            home().login("marie", &format!("wrong{number}")),
        ));
    }
    while tries.join_next().await.is_some() {}
    assert_eq!(site.heard(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_network_may_have_more_under_way_than_may_fail_but_not_without_bounds() {
    let site = Site::new(QUICK);
    let mut tries = JoinSet::new();
    for number in 0..1_000 {
        tries.spawn(tower::ServiceExt::oneshot(
            site.service.clone(),
            home().login(&format!("user{number}"), &format!("x{number}")),
        ));
    }
    while tries.join_next().await.is_some() {}
    assert!(site.heard() <= 128, "{}", site.heard());
    let before = site.heard();
    site.pass(Duration::from_secs(3_600));
    site.guess(&home(), "another", 100).await;
    assert!(site.heard() - before <= 2, "what was too much is paid for");
}

#[tokio::test(start_paused = true)]
async fn a_class_that_logs_in_at_once_is_not_refused() {
    let site = Site::new("");
    let mut pupils = JoinSet::new();
    for number in 0..600 {
        let pupil = Browser::at([192, 0, 2, 8]).login(&format!("pupil{number}"), &format!("right{number}"));
        pupils.spawn(tower::ServiceExt::oneshot(site.service.clone(), pupil));
    }
    while let Some(answer) = pupils.join_next().await {
        assert_eq!(answer.unwrap().unwrap().status(), StatusCode::SEE_OTHER);
    }
}

#[tokio::test(start_paused = true)]
async fn each_failure_waits_longer_up_to_the_longest() {
    let site = Site::new("free_failures = 2\nmax_delay = \"5s\"");
    let mut waited = Vec::new();
    for number in 0..7 {
        let began = Instant::now();
        site.login(&home(), "marie", &format!("wrong{number}")).await;
        waited.push(began.elapsed().as_secs());
    }
    assert_eq!(waited, [0, 0, 1, 2, 4, 5, 5]);
    assert_eq!(site.codes(), ["login_delayed"; 5]);
}

#[tokio::test(start_paused = true)]
async fn only_so_many_wait_at_once() {
    let site = Site::new("free_failures = 0\nmax_waiting = 2");
    let mut tries = JoinSet::new();
    for number in 0..6 {
        tries.spawn(tower::ServiceExt::oneshot(
            site.service.clone(),
            home().login("marie", &format!("wrong{number}")),
        ));
    }
    let mut refused = 0;
    while let Some(answer) = tries.join_next().await {
        refused += usize::from(answer.unwrap().unwrap().status() == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!((refused, site.guard.waiting()), (4, 0));
}

#[tokio::test(start_paused = true)]
async fn whoever_hangs_up_after_sending_has_guessed_and_before_has_not() {
    let site = Site::new("free_failures = 5\n[limits]\naccount_network = \"20/h burst 6\"");
    for number in 0..5 {
        let guess = site.send(home().login("marie", &format!("wrong{number}")));
        assert!(tokio::time::timeout(Duration::from_millis(10), guess).await.is_err());
    }
    assert_eq!(site.heard(), 5);
    for _ in 0..5 {
        let waits = site.send(home().login("marie", "wrong5"));
        assert!(tokio::time::timeout(Duration::from_millis(10), waits).await.is_err());
    }
    assert_eq!((site.heard(), site.guard.waiting()), (5, 0));
    assert_eq!(site.guess(&home(), "marie", 3).await, 1, "of six");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_changes_its_network_and_its_account_is_counted() {
    use rempart_guard::{EdgeSession, EdgeSessions, SessionId};
    let site = Site::new(QUICK);
    for number in 0..30u8 {
        let mut guess = Browser::at([10, 0, 0, number]).login(&format!("user{number}"), &format!("x{number}"));
        let now = std::time::SystemTime::now();
        let session = EdgeSession {
            cookie: "sid".into(),
            id: SessionId([1; 16]),
            sealed: now,
            began: now,
        };
        guess.extensions_mut().insert(EdgeSessions(vec![session]));
        site.send(guess).await;
    }
    assert_eq!(site.heard(), 10);
    assert!(
        site.decisions()[0].evidence.starts_with("session used up"),
        "{}",
        site.decisions()[0]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_not_a_login_passes_unread() {
    let site = Site::new("");
    for _ in 0..50 {
        assert_eq!(
            site.send(home().post("/search", "username=marie&password=wrong"))
                .await
                .status(),
            StatusCode::OK
        );
    }
    assert!(site.codes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn under_report_all_is_told_and_nobody_is_refused_or_waits() {
    let site =
        Site::new("enforcement = \"report\"\nfree_failures = 2\neven_timing = \"9s\"\nfailed = { body = \"x\" }");
    let began = Instant::now();
    for number in 0..20 {
        let mut guess = home().login("marie", &format!("wrong{number}"));
        guess.headers_mut().insert("x-login-step-up", "1".parse().unwrap());
        let answer = site.send(guess).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        assert!(!answer.headers().contains_key("set-cookie"));
    }
    assert!(began.elapsed() < Duration::from_secs(2));
    let heard = site.heard.lock().unwrap().clone();
    assert!(
        heard
            .iter()
            .all(|(headers, _)| headers.contains_key("x-login-step-up") && !headers.contains_key("accept-encoding"))
    );
    let site = Site::new("enforcement = \"report\"\nfree_failures = 2");
    assert_eq!(site.guess(&home(), "marie", 20).await, 20);
    let codes = site.codes();
    assert_eq!(codes.iter().filter(|code| **code == "login_delayed").count(), 8);
    assert_eq!(codes.iter().filter(|code| **code == "login_refused").count(), 10);
}

#[tokio::test(start_paused = true)]
async fn what_is_off_or_has_no_route_looks_at_nothing() {
    let site = Site::new("enforcement = \"off\"");
    assert_eq!(site.guess(&home(), "marie", 50).await, 50);
}

#[tokio::test(start_paused = true)]
async fn a_reload_gives_nobody_a_fresh_start() {
    let site = Site::new(QUICK);
    site.guess(&home(), "marie", 10).await;
    let same = LoginKeys::new(&[7; 32], []);
    let policy = policy("max_delay = \"1s\"\nfree_failures = 100\n[limits]\nnetwork = \"1000/h\"");
    let reloaded = Site::of(site.guard.with_policy(policy, same), site.clock.clone());
    assert_eq!(reloaded.guess(&home(), "marie", 1).await, 0);
    assert_eq!(reloaded.guess(&home(), "pierre", 1).await, 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_that_is_told_names_an_account_or_a_password() {
    let site = Site::new("free_failures = 1");
    site.guess(&home(), "marie.tremblay", 12).await;
    let decisions = site.decisions();
    assert!(decisions.iter().any(|decision| decision.code == "login_refused"));
    for decision in decisions {
        let told = decision.to_string();
        assert!(!told.contains("marie") && !told.contains("wrong"), "{told}");
        assert!(told.contains("account #"), "{told}");
    }
}
