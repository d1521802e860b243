//! What a browser, a program and the application see.

use super::*;

const BROWSER: [(&str, &str); 2] = [("accept", "text/html,*/*;q=0.8"), ("accept-language", "en-CA,fr;q=0.5")];

fn with(mut request: Request<()>, headers: &[(&'static str, &str)]) -> Request<()> {
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    request
}

#[tokio::test]
async fn the_room_is_invisible_while_there_are_places_but_for_a_cookie_and_the_application_never_sees_that() {
    let site = Site::new("active = 1");
    let (answer, decisions, inside) = site.answer(Person::new(1).to_request("/")).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let line = answer.headers()[SET_COOKIE].to_str().unwrap();
    assert!(
        line.starts_with("__Host-waiting-room=")
            && line.ends_with("; Path=/; Max-Age=86400; Secure; HttpOnly; SameSite=Lax")
    );
    assert_eq!((decisions.len(), inside.as_deref()), (0, Some("")));
    let cookie = format!("a=1; {}", cookie_of(&answer.headers()[SET_COOKIE]));
    let person = Person {
        address: 1,
        cookie: Some(cookie),
    };
    let (answer, _, inside) = site.answer(person.to_request("/")).await;
    assert!(!answer.headers().contains_key(SET_COOKIE), "once is enough");
    assert_eq!(inside.as_deref(), Some("a=1"));
}

#[tokio::test]
async fn who_waits_gets_a_page_that_asks_again_by_itself_and_is_kept_by_nobody() {
    let site = Site::new("active = 1\nname = \"Camp <Soleil>\"");
    site.fill(1);
    let (answer, decisions, inside) = site.answer(with(Person::new(1).to_request("/"), &BROWSER)).await;
    assert_eq!((answer.status(), inside), (StatusCode::SERVICE_UNAVAILABLE, None));
    let header = |name: &str| answer.headers()[name].to_str().unwrap();
    assert_eq!(
        (header("retry-after"), header("refresh"), header("cache-control")),
        ("5", "5", "no-store")
    );
    assert!(answer.headers().contains_key(SET_COOKIE));
    assert_eq!(decisions.len(), 1);
    assert!(
        decisions[0].contains("refused waiting_room/waiting_room")
            && decisions[0].ends_with("waits with 0 ahead, of 1 in the line"),
        "{decisions:?}"
    );
    let page = text(answer).await;
    assert!(page.starts_with("<!doctype html>\n<html lang=en>"));
    assert!(
        page.contains("You are next · Camp &lt;Soleil&gt;") || page.contains("<title>You are next"),
        "{page}"
    );
    for said in [
        "Camp &lt;Soleil&gt;",
        "we do not know yet",
        "aria-live=polite",
        "lang=fr",
        "(UTC)",
        "2 minutes",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(!page.contains("<script") && !page.contains("Rempart") && !page.contains("rempart"));
}

#[tokio::test]
async fn a_program_is_told_its_place_in_numbers() {
    let site = Site::new("active = 1");
    site.fill(1);
    site.ask(&mut Person::new(2));
    let request = with(
        Person::new(1).to_request("POST /api/register"),
        &[("accept", "application/json")],
    );
    let (answer, ..) = site.answer(request).await;
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert!(answer.headers().contains_key("retry-after"));
    let json: serde_json::Value = serde_json::from_str(&text(answer).await).unwrap();
    assert_eq!((&json["status"], &json["code"]), (&503.into(), &"waiting_room".into()));
    assert_eq!((&json["position"], &json["ahead"]), (&2.into(), &1.into()));
    assert_eq!(
        (&json["estimate"], &json["place_kept"]),
        (&serde_json::Value::Null, &120.into())
    );
    assert_eq!((&json["sent_on"], &json["retry_after"]), (&false.into(), &40.into()));
}

#[tokio::test]
async fn a_form_that_is_not_sent_on_is_said_not_to_be_and_leads_back_to_where_it_was_written() {
    let site = Site::new("active = 1");
    site.fill(1);
    let refresh = async |host: &str, referer: &str| {
        let request = Person::new(1).to_request("POST /register");
        let headers = [("host", host), ("referer", referer), BROWSER[0], BROWSER[1]];
        let (answer, ..) = site.answer(with(request, &headers)).await;
        let refresh = answer.headers()["refresh"].to_str().unwrap().to_owned();
        assert!(text(answer).await.contains("was NOT passed on"));
        refresh
    };
    let form = refresh("camp.example", "https://camp.example/form?week=2").await;
    assert_eq!(form, "40; url=/form?week=2");
    for referer in [
        "https://evil.example/form",
        "https://camp.example//evil.example/",
        "https://camp.example/;url=x",
        "about:blank",
        "/form",
    ] {
        assert_eq!(refresh("camp.example", referer).await, "40; url=/", "{referer}");
    }
}

#[tokio::test]
async fn a_picture_a_head_and_a_prefetch_take_no_ticket_and_pass_while_there_are_places() {
    let site = Site::new("active = 1");
    let asked: [(&str, &[(&str, &str)]); 4] = [
        ("/", &[("sec-fetch-dest", "image")]),
        ("HEAD /", &[]),
        ("/", &[("sec-purpose", "prefetch;prerender")]),
        ("/", &[("sec-fetch-dest", "iframe"), ("sec-fetch-site", "cross-site")]),
    ];
    for (path, headers) in asked {
        let (answer, ..) = site.answer(with(Person::new(1).to_request(path), headers)).await;
        assert!(
            answer.status() == StatusCode::OK && !answer.headers().contains_key(SET_COOKIE),
            "{path}"
        );
    }
    assert_eq!(site.room.occupancy().inside, 0);
    site.fill(1);
    for (path, headers) in asked {
        let (answer, ..) = site.answer(with(Person::new(1).to_request(path), headers)).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers().contains_key("retry-after"));
        assert!(!answer.headers().contains_key(SET_COOKIE) && !answer.headers().contains_key("refresh"));
    }
    assert_eq!(site.room.occupancy().waiting, 0);
}

#[tokio::test]
async fn exceptions_other_routes_and_preflights_never_wait() {
    let site = Site::new("active = 1\nroutes = [\"/camp/*\"]\nexcept = [\"/camp/static/*\", \"POST /camp/payment\"]");
    let mut inside = Person::new(9);
    let seen = site.check(&mut inside.request("/camp"));
    inside.cookie = seen.cookie;
    for path in ["/", "/camp/static/a.css", "POST /camp/payment"] {
        assert_eq!(
            site.answer(Person::new(1).to_request(path)).await.0.status(),
            StatusCode::OK,
            "{path}"
        );
    }
    let preflight = Person::new(1).to_request("OPTIONS /camp/form");
    let preflight = with(preflight, &[("access-control-request-method", "POST")]);
    assert_eq!(site.answer(preflight).await.0.status(), StatusCode::OK);
    for path in ["/camp", "/camp/form", "OPTIONS /camp/form", "GET /camp/payment"] {
        let status = site.answer(Person::new(1).to_request(path)).await.0.status();
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
    // A style that is loaded with the page shows that the cookie was taken.
    site.wait(100);
    site.check(&mut inside.request("/camp/static/a.css"));
    site.wait(100);
    assert_eq!(site.room.occupancy().inside, 1);
}

#[tokio::test]
async fn report_tells_and_changes_nothing() {
    let site = Site::new("active = 1\nenforcement = \"report\"");
    let (answer, decisions, _) = site.answer(Person::new(1).to_request("/")).await;
    assert!(answer.headers().is_empty() && decisions.is_empty());
    let (answer, decisions, _) = site.answer(Person::new(1).to_request("/")).await;
    assert!(
        answer.headers().is_empty() && decisions.is_empty(),
        "the same network is the same person"
    );
    let (answer, decisions, inside) = site.answer(Person::new(2).to_request("/")).await;
    assert!(answer.status() == StatusCode::OK && answer.headers().is_empty() && inside.is_some());
    assert!(
        decisions[0].contains("would refuse waiting_room/waiting_room"),
        "{decisions:?}"
    );
}

#[tokio::test]
async fn who_nobody_has_identified_is_refused() {
    let site = Site::new("active = 1");
    let (answer, _, inside) = site.answer(Request::get("/").body(()).unwrap()).await;
    assert_eq!((answer.status(), inside), (StatusCode::INTERNAL_SERVER_ERROR, None));
}

#[tokio::test]
async fn a_full_line_and_a_full_network_are_told_as_what_they_are() {
    let site = Site::new("active = 1\nmax_waiting = 1\nmax_per_client = 1");
    site.fill(1);
    site.ask(&mut Person::new(1));
    for (address, status, code, said) in [
        (
            1,
            StatusCode::TOO_MANY_REQUESTS,
            "waiting_room_network_full",
            "another connection",
        ),
        (
            2,
            StatusCode::SERVICE_UNAVAILABLE,
            "waiting_room_full",
            "no place in the line",
        ),
    ] {
        let (answer, decisions, _) = site.answer(with(Person::new(address).to_request("/"), &BROWSER)).await;
        assert_eq!(
            (answer.status(), answer.headers()["retry-after"].to_str().unwrap()),
            (status, "120")
        );
        assert!(
            !answer.headers().contains_key(SET_COOKIE) && decisions[0].contains(code),
            "{decisions:?}"
        );
        assert!(text(answer).await.contains(said));
    }
}
