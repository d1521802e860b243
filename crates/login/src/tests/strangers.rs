//! Nobody is locked out by a stranger, and strangers who are many are known.

use std::time::Duration;

use http::StatusCode;
use rempart_guard::Ja4;

use super::site::{Browser, Site, home};

const QUICK: &str = "max_delay = \"0s\"";
const RIGHT: StatusCode = StatusCode::SEE_OTHER;

fn bot(number: usize) -> Browser {
    Browser::at([10, 0, (number / 250) as u8, (number % 250) as u8])
}

/// Guesses at one account from so many addresses.
async fn attack(site: &Site, account: &str, addresses: usize) -> usize {
    let mut heard = 0;
    for number in 0..addresses {
        heard += site.guess(&bot(number), account, 3).await;
    }
    heard
}

#[tokio::test(start_paused = true)]
async fn an_account_that_strangers_guess_at_is_open_to_who_has_logged_in_before() {
    let site = Site::new(QUICK);
    let (home, phone) = (Browser::at([192, 0, 2, 7]), Browser::at([192, 0, 2, 8]));
    assert_eq!(site.login(&home, "marie", "right").await, RIGHT);
    assert_eq!(site.login(&phone, "marie", "right").await, RIGHT);
    assert_eq!(attack(&site, "marie", 100).await, 30, "from all addresses together");

    let stranger = Browser::at([192, 0, 2, 9]);
    assert_eq!(
        site.login(&stranger, "marie", "right").await,
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(
        site.login(&Browser::at([192, 0, 2, 7]), "marie", "right").await,
        RIGHT,
        "the network is known"
    );
    let phone = phone.moves([198, 51, 100, 1]);
    assert_eq!(
        site.guess(&phone, "marie", 9).await,
        9,
        "the browser is known, in any network"
    );
    assert_eq!(site.login(&phone, "marie", "right").await, RIGHT);
    assert_eq!(
        site.login(&phone, "pierre", "right").await,
        RIGHT,
        "and is a stranger to others"
    );
}

#[tokio::test(start_paused = true)]
async fn who_is_known_by_the_browser_is_not_harmed_by_a_neighbour() {
    let site = Site::new(QUICK);
    let (marie, neighbour) = (Browser::at([192, 0, 2, 7]), Browser::at([192, 0, 2, 7]));
    assert_eq!(site.login(&marie, "marie", "right").await, RIGHT);
    assert_eq!(site.guess(&neighbour, "marie", 50).await, 10);
    assert_eq!(site.login(&marie, "marie", "right").await, RIGHT);
}

#[tokio::test(start_paused = true)]
async fn those_who_are_known_in_a_network_can_log_in_while_another_guesses_there() {
    let site = Site::new(QUICK);
    let school = || Browser::at([192, 0, 2, 7]);
    for pupil in 0..100 {
        assert_eq!(site.login(&school(), &format!("pupil{pupil}"), "right").await, RIGHT);
    }
    let mut guessed = 0;
    for pupil in 0..50 {
        guessed += site.guess(&school(), &format!("pupil{pupil}"), 8).await;
    }
    assert!(guessed <= 30 + 2 * 50, "{guessed}");
    for pupil in 50..100 {
        assert_eq!(
            site.login(&school(), &format!("pupil{pupil}"), &format!("typo{pupil}"))
                .await,
            RIGHT,
            "is heard"
        );
        assert_eq!(site.login(&school(), &format!("pupil{pupil}"), "right").await, RIGHT);
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_is_known_for_a_month() {
    let site = Site::new(QUICK);
    site.login(&Browser::at([192, 0, 2, 7]), "marie", "right").await;
    site.pass(Duration::from_secs(31 * 86_400));
    attack(&site, "marie", 100).await;
    let later = site.login(&Browser::at([192, 0, 2, 7]), "marie", "right").await;
    assert_eq!(later, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test(start_paused = true)]
async fn one_password_with_many_accounts_is_refused_wherever_it_comes_from() {
    let site = Site::new(QUICK);
    for number in 0..60 {
        site.login(&bot(number), &format!("clerk{number}"), "Summer2026!").await;
    }
    assert_eq!(site.heard(), 20);
    assert!(site.codes().contains(&"login_spraying"));
    assert_eq!(site.login(&bot(1_000), "clerk99", "another").await, RIGHT, "is heard");
    assert_eq!(site.heard(), 21);
}

#[tokio::test(start_paused = true)]
async fn a_password_that_many_have_and_that_is_right_is_not_sprayed() {
    let site = Site::new(QUICK);
    for number in 0..300 {
        let class = Browser::at([192, 0, 2, 7]);
        assert_eq!(site.login(&class, &format!("pupil{number}"), "right").await, RIGHT);
    }
    assert!(site.codes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn many_accounts_from_one_network_are_stuffing() {
    let site = Site::new(QUICK);
    for number in 0..100 {
        site.login(&home(), &format!("stolen{number}"), &format!("password{number}"))
            .await;
    }
    assert_eq!(site.heard(), 22, "twenty, and two of those that cost five");
    assert!(site.codes().ends_with(&["login_stuffing"; 10]));
}

#[tokio::test(start_paused = true)]
async fn many_accounts_from_many_networks_by_one_program_are_stuffing_too() {
    let site = Site::new(QUICK);
    let program: Ja4 = "t13d190900_9dc949149365_97f8aa674fd9".parse().unwrap();
    for number in 0..2_000 {
        let mut request = bot(number % 20).login(&format!("stolen{number}"), &format!("password{number}"));
        request.extensions_mut().insert(program);
        site.send(request).await;
    }
    // Sixty at the old price, and then five and a half of each network's thirty.
    assert!(site.heard() <= 60 + 20 * 6, "{}", site.heard());
    let other = Browser::at([192, 0, 2, 99]);
    assert_eq!(site.guess(&other, "marie", 9).await, 9, "by another program");
}

#[tokio::test(start_paused = true)]
async fn a_stranger_goes_on_to_be_asked_for_more() {
    let site = Site::new(&format!("{QUICK}\nthen = \"step_up\""));
    assert!(
        attack(&site, "marie", 100).await > 200,
        "the application is asked each time"
    );
    let heard = site.heard.lock().unwrap().clone();
    let told = |at: usize| {
        heard[at]
            .0
            .get("x-login-step-up")
            .map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!((told(0), told(29)), (None, None));
    assert_eq!(told(31).as_deref(), Some("login_refused"));
    assert_eq!(site.codes().first(), Some(&"login_stepped_up"));
    assert_eq!(
        site.guess(&bot(7), "marie", 20).await,
        7,
        "one place has ten and no more"
    );
}

#[tokio::test(start_paused = true)]
async fn what_tells_the_application_is_not_for_clients_to_write() {
    let site = Site::new("");
    for path in ["/login", "/elsewhere"] {
        let mut request = home().post(path, "username=marie&password=right");
        request
            .headers_mut()
            .insert("x-login-step-up", "login_refused".parse().unwrap());
        site.send(request).await;
    }
    assert!(
        site.heard
            .lock()
            .unwrap()
            .iter()
            .all(|(headers, _)| !headers.contains_key("x-login-step-up"))
    );
}

#[tokio::test(start_paused = true)]
async fn requests_for_a_new_password_are_counted_by_account_and_by_network() {
    let site = Site::new("reset_routes = [\"POST /forgot\"]");
    let mut asked = 0;
    for number in 0..20 {
        asked += usize::from(site.send(bot(number).post("/forgot", "email=marie")).await.status() == StatusCode::OK);
    }
    assert_eq!(asked, 3, "of one account, from anywhere");
    for number in 0..60 {
        site.send(home().post("/forgot", format!("email=user{number}"))).await;
    }
    assert_eq!(site.heard(), 3 + 30, "from one network");
    assert_eq!(
        site.login(&home(), "marie", "right").await,
        RIGHT,
        "logins are counted for themselves"
    );
}

#[tokio::test(start_paused = true)]
async fn codes_are_counted_by_browser_and_by_the_account_that_they_are_for() {
    let site = Site::new(&format!("{QUICK}\ncode_routes = [\"POST /code\"]"));
    let browser = Browser::at([192, 0, 2, 7]);
    assert_eq!(site.login(&browser, "marie", "right").await, RIGHT);
    let code = async |from: &Browser, code: &str| site.send(from.post("/code", format!("code={code}"))).await.status();
    for number in 0..8 {
        code(&browser, &format!("{number}")).await;
    }
    assert_eq!(site.heard(), 1 + 5);
    // With the password one begins anew as often as one likes, but not without end.
    // Wrong passwords leave no login behind that a code would have to follow.
    site.guess(&home(), "marie", 9).await;
    let mut logins = 0;
    for number in 0..60 {
        logins += usize::from(site.login(&bot(number), "marie", "right").await == RIGHT);
    }
    assert_eq!(logins, 29);
    // A right code sets it all back.
    site.pass(Duration::from_secs(3_600));
    assert_eq!(code(&browser, "right").await, RIGHT);
    assert_eq!(site.login(&bot(99), "marie", "right").await, RIGHT);
}
