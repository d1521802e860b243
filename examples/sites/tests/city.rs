//! The city as a resident, a councillor and a stranger see it.

#![allow(clippy::unwrap_used)]

mod common;

use axum::Router;
use axum::http::StatusCode;
use common::{Answer, Browser};
use rempart_example_sites::city::{INTRANET, PERMITS, router};
use tempfile::TempDir;

fn city() -> (TempDir, Router) {
    let dir = tempfile::tempdir().unwrap();
    let router = router(dir.path(), "vendor.example").unwrap();
    (dir, router)
}

async fn ask(browser: &mut Browser, path: &str, document: &[u8]) -> Answer {
    let mut body = Vec::new();
    for (name, value) in [
        ("applicant", "Zoé Côté"),
        ("kind", "Galerie"),
        ("address", "3, rue du Quai"),
    ] {
        let part = format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    let head = "--edge\r\nContent-Disposition: form-data; name=\"document\"; filename=\"../../plan é.html\"\r\nContent-Type: text/html\r\n\r\n";
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(document);
    body.extend_from_slice(b"\r\n--edge--\r\n");
    browser
        .send("POST", path, "multipart/form-data; boundary=edge", body.into())
        .await
}

#[tokio::test]
async fn news_is_read_in_both_languages() {
    let (_dir, router) = city();
    let mut browser = Browser::new(&router);
    assert!(browser.get("/").await.text().contains("Bienvenue chez vous"));
    assert!(
        browser
            .get("/page.do?id=3&lang=en")
            .await
            .text()
            .contains("Leaf collection")
    );
    assert_eq!(
        browser.get("/api/news").await.json()["news"].as_array().unwrap().len(),
        5
    );
    assert_eq!(browser.get("/news/6").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_uploaded_plan_comes_back_byte_for_byte_as_the_type_it_claimed() {
    let (dir, router) = city();
    let mut browser = Browser::new(&router);
    let plan: Vec<u8> = (0..300_000_u32).map(|n| (n % 253) as u8).collect();
    let answer = ask(&mut browser, "/permits", &plan).await;
    assert_eq!(answer.header("location"), format!("/permits/{}", PERMITS + 1));
    let document = browser.get(&format!("/permits/{}/document", PERMITS + 1)).await;
    assert_eq!(document.header("content-type"), "text/html");
    assert_eq!(document.body, plan);
    assert!(
        dir.path()
            .join("permits")
            .join(format!("{}.document", PERMITS + 1))
            .exists()
    );
    let numbers = std::fs::read_dir(dir.path().join("permits")).unwrap().count();
    assert_eq!(
        numbers,
        (PERMITS as usize + 1) * 2,
        "nothing but numbered files, and no upload left over"
    );
}

#[tokio::test]
async fn a_request_without_a_document_or_with_too_large_a_one_is_refused() {
    let (dir, router) = city();
    let mut browser = Browser::new(&router);
    let form = "--edge\r\nContent-Disposition: form-data; name=\"applicant\"\r\n\r\nX\r\n--edge--\r\n";
    let answer = browser
        .send("POST", "/permits", "multipart/form-data; boundary=edge", form.into())
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let answer = ask(&mut browser, "/api/permits", &vec![0; (16 << 20) + 1]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(
        std::fs::read_dir(dir.path().join("permits")).unwrap().count(),
        PERMITS as usize * 2
    );
}

#[tokio::test]
async fn anybody_reads_any_permit_by_counting() {
    let (_dir, router) = city();
    let mut stranger = Browser::new(&router);
    for n in [1, PERMITS / 2, PERMITS] {
        let permit = stranger.get(&format!("/api/permits/{n}")).await.json();
        assert!(permit["email"].as_str().unwrap().contains('@'));
        assert!(
            stranger
                .get(&format!("/permits/{n}/document"))
                .await
                .text()
                .contains("<svg")
        );
    }
    assert_eq!(
        stranger.get(&format!("/api/permits/{}", PERMITS + 1)).await.status,
        StatusCode::NOT_FOUND
    );
    let list = stranger.get("/api/permits?size=200").await.json();
    assert_eq!(list["permits"].as_array().unwrap().len(), PERMITS as usize);
    assert!(list["permits"][0].get("applicant").is_none());
}

#[tokio::test]
async fn a_councillors_login_sets_a_cookie_that_reaches_the_neighbours() {
    let (_dir, router) = city();
    let mut browser = Browser::new(&router);
    assert!(browser.get("/").await.cookies()[0].ends_with("; Path=/"));
    assert_eq!(browser.get("/intranet").await.header("location"), "/intranet/login");
    let (user, password) = INTRANET[0];
    let answer = browser
        .post("/intranet/login", &format!("user={user}&password={password}"))
        .await;
    let cookies = answer.cookies();
    assert!(
        cookies[0].starts_with("vendor_sso=") && cookies[0].ends_with("; Domain=vendor.example; Path=/"),
        "{cookies:?}"
    );
    assert!(browser.get("/intranet").await.text().contains("huis clos"));
    browser.cookies.remove("JSESSIONID");
    assert_eq!(
        browser.get("/intranet").await.status,
        StatusCode::OK,
        "the shared cookie alone is enough"
    );
    browser.post("/intranet/logout", "").await;
    assert_eq!(browser.get("/intranet").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_wrong_password_is_sent_back_to_the_form() {
    let (_dir, router) = city();
    let mut browser = Browser::new(&router);
    let answer = browser.post("/intranet/login", "user=mairesse&password=x").await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::FOUND, "/intranet/login?error=1")
    );
    assert!(browser.get("/intranet/login?error=1").await.text().contains("refusés"));
    assert_eq!(browser.get("/intranet").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_number_that_is_none_ends_in_a_java_stack_trace() {
    let (_dir, router) = city();
    let mut browser = Browser::new(&router);
    for path in ["/page.do?id='", "/permits/1'", "/files/large?bytes=x"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(answer.text().contains("ora-prd-01.vendor.internal"));
    }
}

#[tokio::test]
async fn large_files_are_as_long_and_as_regular_as_promised() {
    let (_dir, router) = city();
    let mut browser = Browser::new(&router);
    let answer = browser.get("/files/large?bytes=1000003").await;
    assert_eq!(answer.header("content-length"), "1000003");
    assert_eq!(answer.body.len(), 1_000_003);
    assert!(
        answer
            .body
            .iter()
            .enumerate()
            .all(|(at, byte)| usize::from(*byte) == at % 251)
    );
    assert_eq!(browser.get("/files/large?bytes=0").await.body, b"");
    assert_eq!(
        browser.get("/files/large?bytes=1073741825").await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
}

#[tokio::test]
async fn requests_show_what_they_carried() {
    let (_dir, router) = city();
    let mut browser = Browser::new(&router);
    browser.cookies.insert("a".into(), "1".into());
    let seen = browser.get("/api/whoami?x=1").await.json();
    assert_eq!(
        (seen["method"].as_str(), seen["path"].as_str()),
        (Some("GET"), Some("/api/whoami"))
    );
    assert_eq!(
        (&seen["query"], &seen["headers"]["cookie"][0]),
        (&"x=1".into(), &"a=1".into())
    );
    assert!(browser.post("/api/echo", "h=é").await.body == "h=é".as_bytes());
}

#[tokio::test]
async fn events_come_and_then_end() {
    let (_dir, router) = city();
    let mut browser = Browser::new(&router);
    let answer = browser.get("/events?n=4&every_ms=1").await;
    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert_eq!(answer.text().matches("event: niveau").count(), 4);
}
