//! The waiting list as a parent, a centre, an administrator and a thief see it.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::sync::OnceLock;

use axum::Router;
use axum::http::StatusCode;
use common::Browser;
use rempart_example_sites::daycare::{
    ADMIN, CENTRE_17, DATABASE, FILES, HOMONYM_FILE, MINISTER_FILE, MINISTER_NAME, PARENT_1017, router,
};
use tempfile::TempDir;

/// A site of one's own: the list is made once and copied.
fn daycare() -> (TempDir, Router) {
    static MADE: OnceLock<TempDir> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        drop(router(dir.path()).unwrap());
        dir
    });
    let dir = tempfile::tempdir().unwrap();
    fs::copy(made.path().join(DATABASE), dir.path().join(DATABASE)).unwrap();
    let router = router(dir.path()).unwrap();
    (dir, router)
}

async fn login(router: &Router, (user, password): (&str, &str)) -> Browser {
    let mut browser = Browser::new(router);
    let answer = browser
        .post("/login", &format!("user={user}&password={password}"))
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    browser
}

#[tokio::test]
async fn a_parent_sees_their_own_file() {
    let (_dir, router) = daycare();
    let mut parent = login(&router, PARENT_1017).await;
    let page = parent.get("/my-file").await;
    assert!(page.text().contains("data-file=\"1017\"") && page.text().contains(PARENT_1017.1));
    assert_eq!(parent.get("/list").await.status, StatusCode::FORBIDDEN);
    assert_eq!(parent.get("/export.csv").await.status, StatusCode::FORBIDDEN);
    assert_eq!(parent.get("/admin").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn wrong_credentials_are_refused() {
    let (_dir, router) = daycare();
    let mut browser = Browser::new(&router);
    for form in [
        "user=1017&password=2020-01-01",
        "user=86001&password=",
        "user=admin&password=admin",
        "user=centre-017",
        "",
    ] {
        assert_eq!(
            browser.post("/login", form).await.status,
            StatusCode::UNAUTHORIZED,
            "{form}"
        );
    }
    assert_eq!(
        browser.post("/login", "user=admin'--&password=x").await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(browser.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_centre_browses_its_own_list() {
    let (_dir, router) = daycare();
    let mut centre = login(&router, CENTRE_17).await;
    let first = centre.get("/api/files?size=50").await.json();
    let files = first["files"].as_array().unwrap();
    assert!(files.len() == 50 && files.iter().all(|file| file["centre"] == 17));
    let last = centre
        .get(&format!("/api/files?size=50&page={}", first["pages"]))
        .await
        .json();
    assert!(last["files"][0]["id"].as_u64() > files[49]["id"].as_u64());
    assert_eq!(
        centre.get("/api/files?size=5000").await.json()["files"]
            .as_array()
            .unwrap()
            .len(),
        200
    );
    assert_eq!(
        centre
            .get("/list.aspx?page=2")
            .await
            .text()
            .matches("<tr data-file=")
            .count(),
        25
    );
}

#[tokio::test]
async fn a_centre_exports_its_list_and_everybody_elses_without_a_limit() {
    let (_dir, router) = daycare();
    let mut centre = login(&router, CENTRE_17).await;
    let own = centre.get("/export.csv").await;
    let total = centre.get("/api/files").await.json()["total"].as_u64().unwrap();
    assert_eq!(own.text().lines().count() as u64, total + 1);
    assert!(own.text().starts_with("id,child_first_name,"));
    assert!(centre.get("/export.csv?centre=18").await.text().lines().count() > 200);
    let all = centre.get("/export.csv?centre=all").await;
    assert_eq!(all.text().lines().count(), FILES as usize + 1);
    let json = centre.get("/export.json").await.json();
    assert_eq!(json.as_array().unwrap().len() as u64, total);
}

#[tokio::test]
async fn nothing_is_read_without_a_login() {
    let (_dir, router) = daycare();
    let mut stranger = Browser::new(&router);
    for path in [
        "/list",
        "/export.csv",
        "/export.json?centre=all",
        "/file.aspx?id=1",
        "/admin",
        "/admin/accounts",
        "/admin/files",
    ] {
        let answer = stranger.get(path).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (StatusCode::SEE_OTHER, "/login"),
            "{path}"
        );
    }
    for path in ["/api/files", "/api/files/1", "/api/accounts"] {
        assert_eq!(stranger.get(path).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(
        stranger.post("/admin/files/1/delete", "").await.header("location"),
        "/login"
    );
}

#[tokio::test]
async fn anybody_logged_in_reads_any_file_by_its_number() {
    let (_dir, router) = daycare();
    let mut parent = login(&router, PARENT_1017).await;
    let minister = parent.get(&format!("/api/files/{MINISTER_FILE}")).await.json();
    assert_eq!(minister["parent1"], MINISTER_NAME);
    let page = parent.get(&format!("/file.aspx?id={HOMONYM_FILE}")).await;
    assert!(page.text().contains(MINISTER_NAME));
    assert_eq!(parent.get("/api/files/86001").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_stranger_makes_an_administrator_who_deletes_the_ministers_file() {
    let (_dir, router) = daycare();
    let mut thief = Browser::new(&router);
    assert_eq!(
        thief.get("/admin/accounts/create").await.status,
        StatusCode::SEE_OTHER,
        "the form is guarded"
    );
    let made = thief
        .post("/admin/accounts/create", "name=intrus&password=nuit&role=admin")
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "what the form leads to is not");
    let again = thief.post("/admin/accounts/create", "name=intrus&password=autre").await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert_eq!(
        thief.post("/admin/accounts/create", "name=&password=").await.status,
        StatusCode::BAD_REQUEST
    );

    let mut thief = login(&router, ("intrus", "nuit")).await;
    assert_eq!(thief.get("/api/me").await.json()["role"], "admin");
    let found = thief.get("/admin/files?q=Mathilde+Lariv%C3%A9e").await;
    assert_eq!(found.text().matches("<tr data-file=").count(), 2);
    let deleted = thief.post(&format!("/admin/files/{MINISTER_FILE}/delete"), "").await;
    assert_eq!(deleted.header("location"), "/admin/files");
    let path = format!("/api/files/{HOMONYM_FILE}");
    assert_eq!(
        thief.send("DELETE", &path, "", String::new().into()).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(thief.get(&path).await.status, StatusCode::NOT_FOUND);
    assert!(thief.get("/").await.text().contains("85\u{202f}998"));
}

#[tokio::test]
async fn only_an_administrator_deletes() {
    let (_dir, router) = daycare();
    let mut centre = login(&router, CENTRE_17).await;
    assert_eq!(
        centre.post("/admin/files/1/delete", "").await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        centre
            .send("DELETE", "/api/files/1", "", String::new().into())
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(centre.get("/api/files/1").await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_administrator_sees_the_accounts_and_never_their_passwords() {
    let (_dir, router) = daycare();
    let mut admin = login(&router, ADMIN).await;
    let accounts = admin.get("/api/accounts").await;
    assert_eq!(accounts.json()["accounts"].as_array().unwrap().len(), 242);
    assert!(!accounts.text().contains("Tournesol"));
    assert!(admin.get("/admin/accounts").await.text().contains("centre-017"));
    admin.post("/logout", "").await;
    assert_eq!(admin.get("/api/accounts").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_deleted_file_stays_deleted_after_a_restart() {
    let (dir, site) = daycare();
    login(&site, ADMIN).await.post("/admin/files/42/delete", "").await;
    drop(site);
    let again = router(dir.path()).unwrap();
    assert_eq!(
        login(&again, ADMIN).await.get("/api/files/42").await.status,
        StatusCode::NOT_FOUND
    );
    assert!(Browser::new(&again).get("/").await.text().contains("85\u{202f}999"));
}

#[tokio::test]
async fn the_session_is_fixed_the_cookie_bare_and_the_error_page_talkative() {
    let (_dir, router) = daycare();
    let mut browser = Browser::new(&router);
    let first = browser.get("/").await;
    assert!(first.cookies()[0].starts_with("ASP.NET_SessionId=") && first.cookies()[0].ends_with("; path=/"));
    assert_eq!(first.header("x-powered-by"), "ASP.NET");
    let before = browser.cookies.clone();
    browser
        .post("/login.aspx", &format!("user={}&password={}", ADMIN.0, ADMIN.1))
        .await;
    assert_eq!(browser.cookies, before);
    let trace = Browser::new(&router).get("/file.aspx?id='").await;
    assert_eq!(trace.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(trace.text().contains("sql-prd-03.vendor.internal"));
}
