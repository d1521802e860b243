use http::Request;
use proptest::prelude::*;

use super::*;

fn names() -> Names {
    Names {
        accounts: vec!["username".into(), "user[email]".into()],
        passwords: vec!["password".into()],
    }
}

fn read(uri: &str, media: &str, body: &[u8]) -> Credentials {
    let mut request = Request::post(uri);
    if !media.is_empty() {
        request = request.header("content-type", media);
    }
    let (head, ()) = request.body(()).unwrap().into_parts();
    Credentials::read(&names(), &head.uri, &head.headers, body)
}

/// The account, the password, and whether there was a doubt.
fn said(credentials: Credentials) -> (Option<String>, Option<String>, bool) {
    let password = credentials
        .password
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (credentials.account, password, credentials.is_ambiguous)
}

fn marie() -> (Option<String>, Option<String>, bool) {
    (Some("marie".into()), Some("a b&c".into()), false)
}

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn a_form_is_read() {
    for body in [
        "username=Marie&password=a+b%26c",
        "x=1&user%6eame=%4darie&password=a%20b%26c&y",
        "USERNAME=marie&Password=a+b%26c",
        "user%5Bemail%5D=marie;password=a+b%26c",
        "+username=marie&username%00x=marie&password=a+b%26c",
        "username=marie&username=Marie&password=a+b%26c",
    ] {
        assert_eq!(said(read("/login", FORM, body.as_bytes())), marie(), "{body}");
    }
    assert_eq!(said(read("/login?username=marie&password=a+b%26c", FORM, b"")), marie());
}

#[test]
fn json_is_read_at_any_depth_and_under_any_type() {
    for (media, body) in [
        ("application/json", r#"{"username": "Marie", "password": "a b&c"}"#),
        (
            "application/vnd.api+json",
            r#"{"data": {"attributes": [{"Username": "marie"}, {"password": "a b&c"}]}}"#,
        ),
        (
            "application/json; charset=utf-8",
            "\u{feff}{\"username\":\"m\\u0061rie\",\"password\":\"a b&c\"}",
        ),
        ("text/plain", r#"{"username":"marie","password":"a b&c"}"#),
        ("", r#"{"username":"marie","password":"a b&c"}"#),
        (FORM, r#"{"username":"marie","password":"a b&c"}"#),
    ] {
        assert_eq!(said(read("/login", media, body.as_bytes())), marie(), "{media} {body}");
    }
    let card = read("/login", "application/json", br#"{"username": 21234000123456}"#);
    assert_eq!(card.account.as_deref(), Some("21234000123456"));
}

#[test]
fn a_multipart_form_is_read() {
    for (media, body) in [
        (
            "multipart/form-data; boundary=AaB",
            "--AaB\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\nMarie\r\n--AaB\r\n\
             Content-Type: text/plain\r\ncontent-disposition: form-data; filename=\"x\"; name=password\r\n\r\na b&c\r\n--AaB--\r\n",
        ),
        (
            "Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"",
            "preamble\r\n--a b\nContent-Disposition: form-data; name=\"username\"\n\nmarie\n--a b\n\
             Content-Disposition: form-data; name=\"password\"\n\na b&c\n--a b--",
        ),
    ] {
        assert_eq!(said(read("/login", media, body.as_bytes())), marie(), "{body}");
    }
}

#[test]
fn http_basic_is_read() {
    let (head, ()) = Request::get("/")
        .header("authorization", "basic bWFyaWU6YSBiJmM=")
        .body(())
        .unwrap()
        .into_parts();
    assert_eq!(
        said(Credentials::read(&names(), &head.uri, &head.headers, b"")),
        marie()
    );
}

#[test]
fn two_accounts_or_two_passwords_are_a_doubt() {
    let twice = "--a\r\nContent-Disposition: form-data; name=username\r\n\r\nmarie\r\n--a--";
    for (uri, media, body) in [
        ("/login", FORM, "username=decoy&username=marie&password=x"),
        ("/login", FORM, "username=decoy;username=marie&password=x"),
        ("/login", FORM, "username=decoy&user[email]=marie"),
        ("/login?username=marie", FORM, "username=decoy&password=x"),
        ("/login", FORM, "username=marie&password=x&password=y"),
        (
            "/login",
            "application/json",
            r#"{"username":"decoy","username":"marie"}"#,
        ),
        ("/login", "application/json", r#"{"username":["decoy","marie"]}"#),
        ("/login", "multipart/form-data; boundary=a; boundary=b", twice),
    ] {
        assert!(read(uri, media, body.as_bytes()).is_ambiguous, "{uri} {media} {body}");
    }
}

#[test]
fn what_a_more_generous_reader_would_find_something_in_is_a_doubt() {
    let deep = format!(r#"{{"a":{}1{},"username":"marie"}}"#, "[".repeat(200), "]".repeat(200));
    for (media, body) in [
        ("application/json", deep.as_str()),
        ("application/json", "{'username': 'marie'}"),
        ("application/json", "{/* */ \"username\": \"marie\"}"),
        ("application/json", r#"{"username": "decoy"} {"username": "marie"}"#),
        ("application/x-www-form-urlencoded; charset=ibm037", "%A4%A2%85%99=x"),
        ("application/x-www-form-urlencoded; charset=\"utf-16\"", "u%00s%00=x"),
    ] {
        assert!(read("/login", media, body.as_bytes()).is_ambiguous, "{media} {body}");
    }
    assert!(!read("/login", "application/json", b"").is_ambiguous);
    assert!(
        !read(
            "/login",
            "application/x-www-form-urlencoded; charset=UTF-8",
            b"username=marie"
        )
        .is_ambiguous
    );
}

#[test]
fn what_is_not_there_is_not_found() {
    for (media, body) in [
        (FORM, ""),
        (FORM, "username=&password="),
        ("text/xml", "<login><username>marie</username></login>"),
        (
            "multipart/form-data",
            "--\r\nContent-Disposition: form-data; name=username\r\n\r\nmarie\r\n",
        ),
        ("multipart/form-data; boundary=", "--\r\nname=username\r\n\r\nmarie"),
        ("application/json", "\"username\""),
    ] {
        assert!(
            read("/login", media, body.as_bytes()) == Credentials::default(),
            "{media} {body}"
        );
    }
}

#[test]
fn a_deep_document_ends_before_the_stack_does() {
    let _ = read("/login", "application/json", &b"[".repeat(65_536));
    let _ = read("/login", "application/json", &b"{\"a\":".repeat(10_000));
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(
        media in prop::sample::select(vec![
            "", FORM, "application/json", "multipart/form-data; boundary=a", "multipart/form-data; boundary=\"",
            "multipart/form-data;;=;boundary", "text/plain",
        ]),
        odd in prop::collection::vec(any::<u8>(), 0..200),
        near in r#"(--a|\r\n|\n|name=|username|password|[%&=;{}\[\]":,\\+]|Content-Disposition:|[a-z0-9]){0,60}"#,
    ) {
        let _ = read("/login", media, &odd);
        let _ = read("/login", media, near.as_bytes());
    }

    #[test]
    fn what_a_browser_sends_is_what_is_read(account in "[a-z@.+&=% ]{1,20}", password in ".{1,20}") {
        let escaped = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let body = format!("username={}&password={}", escaped(&account), escaped(&password));
        let read = read("/login", FORM, body.as_bytes());
        prop_assert_eq!(read.account, normalise(account.as_bytes()));
        prop_assert_eq!(read.password.as_deref(), Some(password.as_bytes()));
        prop_assert!(!read.is_ambiguous);
    }
}
