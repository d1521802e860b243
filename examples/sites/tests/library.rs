//! The library as a patron, a librarian and a stranger see it.

#![allow(clippy::unwrap_used)]

mod common;

use axum::http::StatusCode;
use common::Browser;
use rempart_example_sites::library::{DEMO_CARD, DEMO_PIN, PATRONS, STAFF_NAME, STAFF_PASSWORD, TITLES, router};

async fn patron() -> Browser {
    let mut browser = Browser::new(&router());
    let answer = browser
        .post("/login", &format!("card={DEMO_CARD}&pin={DEMO_PIN}"))
        .await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::SEE_OTHER, "/account")
    );
    browser
}

#[tokio::test]
async fn a_search_is_found_page_by_page() {
    let mut browser = Browser::new(&router());
    let first = browser.get("/api/titles?q=rivi%C3%A8re&size=10").await.json();
    let second = browser.get("/api/titles?q=riviere&size=10&page=2").await.json();
    assert_eq!(first["total"], second["total"]);
    assert_eq!(first["titles"].as_array().unwrap().len(), 10);
    assert_ne!(first["titles"][0]["id"], second["titles"][0]["id"]);
    let page = browser.get("/index.php?page=search&q=riviere").await;
    assert!(page.text().contains("Suivante"));
    assert_eq!(browser.get("/api/titles?size=1").await.json()["total"], TITLES);
}

#[tokio::test]
async fn a_title_is_shown_and_one_that_is_not_there_is_not() {
    let mut browser = Browser::new(&router());
    let title = browser.get("/api/titles/451").await.json();
    let page = browser.get("/titles/451").await;
    assert!(page.text().contains(title["author"].as_str().unwrap()));
    assert_eq!(browser.get("/api/titles/3001").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.get("/titles/0").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_wrong_pin_and_an_unknown_card_are_refused() {
    let mut browser = Browser::new(&router());
    for form in [
        format!("card={DEMO_CARD}&pin=0000"),
        "card=29001000009999&pin=4821".into(),
        String::new(),
    ] {
        assert_eq!(browser.post("/login", &form).await.status, StatusCode::UNAUTHORIZED);
    }
    let json = format!("{{\"card\":\"{DEMO_CARD}\",\"pin\":\"\"}}");
    assert_eq!(
        browser.post_json("/api/login", &json).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(browser.get("/api/patron/loans").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.get("/account").await.header("location"), "/login");
}

#[tokio::test]
async fn a_patron_sees_loans_and_renews_them_until_it_is_enough() {
    let mut browser = patron().await;
    let loans = browser.get("/api/patron/loans").await.json();
    assert_eq!(loans["loans"].as_array().unwrap().len(), 4);
    let renew = format!("/api/patron/loans/{}/renew", loans["loans"][0]["id"]);
    let mut last = StatusCode::OK;
    for _ in 0..3 {
        last = browser.post(&renew, "").await.status;
    }
    assert_eq!(last, StatusCode::CONFLICT);
    assert!(browser.get("/account").await.text().contains("2 / 2"));
}

#[tokio::test]
async fn a_patron_places_a_hold_and_cancels_it() {
    let mut browser = patron().await;
    let placed = browser.post_json("/api/holds", "{\"title\":1804}").await;
    assert_eq!(placed.status, StatusCode::CREATED);
    assert_eq!(
        browser.get("/api/holds").await.json()["holds"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let path = format!("/api/holds/{}", placed.json()["id"]);
    assert_eq!(
        browser.send("DELETE", &path, "", String::new().into()).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        browser.send("DELETE", &path, "", String::new().into()).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        browser.post("/titles/1804/hold", "").await.header("location"),
        "/account"
    );
}

#[tokio::test]
async fn the_patrons_export_has_no_limit_but_is_for_librarians() {
    let mut browser = patron().await;
    assert_eq!(browser.get("/patrons.csv").await.status, StatusCode::FORBIDDEN);
    let router = router();
    let mut staff = Browser::new(&router);
    assert_eq!(staff.get("/index.php?page=export").await.header("location"), "/login");
    staff
        .post("/login", &format!("card={STAFF_NAME}&pin={STAFF_PASSWORD}"))
        .await;
    let csv = staff.get("/index.php?page=export").await;
    assert_eq!(csv.text().lines().count(), PATRONS as usize + 1);
    assert!(csv.text().contains(DEMO_CARD));
}

#[tokio::test]
async fn login_keeps_the_session_that_somebody_else_chose() {
    let router = router();
    let mut victim = Browser::new(&router);
    victim.cookies.insert("PHPSESSID".into(), "chosen-by-the-thief".into());
    let answer = victim.post("/login", &format!("card={DEMO_CARD}&pin={DEMO_PIN}")).await;
    assert!(answer.cookies().is_empty());
    let mut thief = Browser::new(&router);
    thief.cookies.insert("PHPSESSID".into(), "chosen-by-the-thief".into());
    assert_eq!(thief.get("/api/patron").await.json()["card"], DEMO_CARD);
}

#[tokio::test]
async fn the_session_cookie_has_no_flags_and_every_answer_has_banners() {
    let mut browser = Browser::new(&router());
    let first = browser.get("/").await;
    let cookies = first.cookies();
    assert!(
        cookies[0].starts_with("PHPSESSID=") && cookies[0].ends_with("; path=/"),
        "{cookies:?}"
    );
    for path in ["/", "/nowhere", "/healthz", "/index.php?id='"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.header("server"), "Apache/2.4.10 (Debian)");
        assert_eq!(answer.header("x-powered-by"), "PHP/5.6.40");
        assert!(answer.cookies().is_empty(), "the browser has one already");
    }
}

#[tokio::test]
async fn a_number_that_is_none_ends_in_a_stack_trace() {
    let mut browser = Browser::new(&router());
    for path in [
        "/index.php?id='",
        "/index.php?page=title&id=1%27",
        "/titles/x",
        "/api/titles?page=-1",
    ] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(answer.text().contains("sql-prd-02.vendor.internal"));
    }
}

#[tokio::test]
async fn the_site_speaks_english_when_asked_and_remembers_it() {
    let mut browser = Browser::new(&router());
    assert!(browser.get("/").await.text().contains("Que lirez-vous"));
    assert!(browser.get("/?lang=en").await.text().contains("What will you read"));
    assert!(browser.get("/").await.text().contains("<html lang=\"en\">"));
}
