use http::Response;

use super::*;
use crate::LoginSettings;

fn policy(toml: &str) -> LoginPolicy {
    let settings: LoginSettings = toml::from_str(toml).unwrap();
    let routes = vec!["POST /login".into(), "POST /code".into()];
    LoginPolicy::try_from(LoginSettings { routes, ..settings }).unwrap()
}

/// The outcome of an answer whose body comes in these pieces.
fn outcome(policy: &LoginPolicy, answer: http::response::Builder, pieces: &[&str]) -> Outcome {
    let (head, ()) = answer.body(()).unwrap().into_parts();
    let mut reading = match Reading::of(policy, (&Method::POST, "/login"), &head) {
        Ok(reading) => reading,
        Err(outcome) => return outcome,
    };
    let early = pieces.iter().find_map(|piece| reading.read(piece.as_bytes()));
    early.unwrap_or_else(|| reading.end(true))
}

fn answer(status: u16) -> http::response::Builder {
    Response::builder().status(status)
}

fn leads(to: &str) -> http::response::Builder {
    answer(303).header("location", to)
}

#[test]
fn by_custom_only_a_redirect_elsewhere_is_a_success() {
    let policy = policy("");
    for (answer, is) in [
        (leads("/home"), Outcome::Succeeded),
        (leads("https://city.example/"), Outcome::Succeeded),
        (leads("/login?error=1"), Outcome::Failed),
        (leads("//city.example/LOGIN/;x"), Outcome::Failed),
        (leads("?error=1"), Outcome::Failed),
        (leads("/code"), Outcome::Failed),
        (answer(200), Outcome::Failed),
        (answer(401), Outcome::Failed),
        (answer(500), Outcome::Failed),
        (answer(204).header("location", "/home"), Outcome::Failed),
        (answer(502), Outcome::Unjudged),
        (answer(503), Outcome::Unjudged),
        (answer(504), Outcome::Unjudged),
    ] {
        let shown = format!("{answer:?}");
        assert_eq!(outcome(&policy, answer, &[]), is, "{shown}");
    }
}

#[test]
fn a_page_with_a_text_is_a_failure_and_every_other_a_success() {
    let policy = policy(r#"failed = { body = "Mot de passe invalide" }"#);
    assert_eq!(
        outcome(&policy, answer(200), &["<p>Mot de pas", "se inva", "lide</p>"]),
        Outcome::Failed
    );
    assert_eq!(outcome(&policy, answer(200), &["<p>Bienvenue</p>"]), Outcome::Succeeded);
    assert_eq!(outcome(&policy, leads("/home"), &[]), Outcome::Succeeded);
    assert_eq!(
        outcome(&policy, leads("/login"), &["Mot de passe invalide"]),
        Outcome::Failed
    );
    assert_eq!(outcome(&policy, answer(403), &[]), Outcome::Failed);
    assert_eq!(outcome(&policy, answer(503), &["maintenance"]), Outcome::Unjudged);
}

#[test]
fn a_page_that_cannot_be_read_to_its_end_is_no_success() {
    let policy = policy(r#"failed = { body = "invalide" }"#);
    let compressed = || answer(200).header("content-encoding", "gzip");
    assert_eq!(outcome(&policy, compressed(), &[]), Outcome::Failed);
    assert_eq!(
        outcome(&policy, answer(200).header("content-encoding", "identity"), &["bon"]),
        Outcome::Succeeded
    );
    let (head, ()) = answer(200).body(()).unwrap().into_parts();
    let mut reading = Reading::of(&policy, (&Method::POST, "/login"), &head).unwrap_or_else(|_| unreachable!());
    assert_eq!(reading.read(b"a long page"), None);
    assert_eq!(reading.end(false), Outcome::Failed);
}

#[test]
fn whoever_says_what_a_success_is_has_said_what_is_none() {
    let policy = policy(r#"succeeded = { header = "X-Account", body = "Bienvenue" }"#);
    assert_eq!(outcome(&policy, leads("/home"), &[]), Outcome::Failed);
    assert_eq!(
        outcome(&policy, leads("/home").header("x-account", "7"), &[]),
        Outcome::Succeeded
    );
    assert_eq!(outcome(&policy, answer(200), &["Bien", "venue"]), Outcome::Succeeded);
    assert_eq!(outcome(&policy, answer(200), &["Bien"]), Outcome::Failed);
}

#[test]
fn a_mark_of_a_failure_outweighs_one_of_a_success() {
    let policy =
        policy("failed = { location = \"/login*\", body = \"invalide\" }\nsucceeded = { status = [200, 303] }");
    assert_eq!(outcome(&policy, leads("/login?error=1"), &[]), Outcome::Failed);
    assert_eq!(outcome(&policy, answer(200), &["invalide"]), Outcome::Failed);
    assert_eq!(outcome(&policy, answer(200), &["bon"]), Outcome::Succeeded);
    assert_eq!(outcome(&policy, leads("/home"), &[]), Outcome::Succeeded);
    assert_eq!(outcome(&policy, answer(404), &[]), Outcome::Failed);
}
