use std::io::Write as _;

use crate::support::{Answer, Running, Stub, edge, site, stub};

/// The library's own application, which answers a wrong PIN with 401.
const LIBRARY: &str = "[cookies]\nsession = [\"PHPSESSID\"]\n\
                       [login]\nroutes = [\"POST /login\", \"POST /api/login\"]\naccount_fields = [\"card\"]\n\
                       password_fields = [\"pin\"]\nfailed = { status = [401, 403] }\nmax_delay = \"0s\"\n";

fn try_in(edge: &Running, from: &str, card: &str, pin: &str) -> Answer {
    let (card, pin) = (format!("card={card}"), format!("pin={pin}"));
    let fields = ["--interface", from, "--data-urlencode", &card, "--data-urlencode", &pin];
    edge.curl("library", "/login", &fields)
}

#[test]
fn a_pin_is_not_tried_out_and_its_owner_is_not_locked_out() {
    let library = site("library");
    let edge = edge().tenant("library", library.address, LIBRARY).start();
    let card = "29001000000017";
    let tried: Vec<u16> = (0..20)
        .map(|pin| try_in(&edge, "127.0.0.2", card, &format!("{pin:04}")).status)
        .collect();
    assert_eq!(tried[0], 401, "the application says so itself");
    assert_eq!(*tried.last().unwrap(), 429, "{tried:?}");
    let refused = try_in(&edge, "127.0.0.2", card, "4821");
    assert_eq!(refused.status, 429, "also when it is right, or it would be found out");
    assert!(
        refused.header("retry-after").is_some() && refused.body.contains("login_refused"),
        "{refused:?}"
    );
    assert!(
        !edge.wait_for_log("login_refused").contains(card),
        "the log names nobody"
    );
    assert_eq!(
        try_in(&edge, "127.0.0.3", card, "4821").status,
        303,
        "the owner comes from elsewhere"
    );
}

#[test]
fn who_mistypes_and_then_logs_in_has_all_tries_again() {
    let library = site("library");
    let edge = edge().tenant("library", library.address, LIBRARY).start();
    for _ in 0..6 {
        for _ in 0..3 {
            assert_eq!(try_in(&edge, "127.0.0.2", "29001000000017", "0000").status, 401);
        }
        assert_eq!(try_in(&edge, "127.0.0.2", "29001000000017", "4821").status, 303);
    }
}

#[test]
fn json_logins_count_with_the_form() {
    let library = site("library");
    let edge = edge().tenant("library", library.address, LIBRARY).start();
    let json = |pin: u32| {
        let body = format!(r#"{{"card": "29001000000017", "pin": "{pin:04}"}}"#);
        let arguments = [
            "-H",
            "Content-Type: application/json",
            "-d",
            &body,
            "--interface",
            "127.0.0.2",
        ];
        edge.curl("library", "/api/login", &arguments).status
    };
    let tried: Vec<u16> = (0..20).map(json).collect();
    assert_eq!((tried[0], *tried.last().unwrap()), (401, 429), "{tried:?}");
    assert_eq!(try_in(&edge, "127.0.0.2", "29001000000017", "1").status, 429);
}

#[test]
fn a_failure_that_only_the_page_tells_is_one_and_the_page_arrives_whole() {
    const PAGE: &str = "<html><p>Mot de passe invalide</p></html>";
    let upstream: Stub = stub(|head, stream| {
        // An old application: 200 whatever happens, in two pieces that split the words.
        let _ = head;
        let (one, two) = PAGE.split_at(20);
        let head = format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{one}\r\n",
            one.len()
        );
        let rest = format!("{:x}\r\n{two}\r\n0\r\n\r\n", two.len());
        let stream = stream.get_mut();
        stream.write_all(head.as_bytes()).is_ok() && stream.write_all(rest.as_bytes()).is_ok()
    });
    let lines =
        "[login]\nroutes = [\"POST /login\"]\nfailed = { body = \"Mot de passe invalide\" }\nmax_delay = \"0s\"\n";
    let edge = edge().tenant("city", upstream.address, lines).start();
    let try_in = || edge.curl("city", "/login", &["-d", "username=a&password=b"]);
    let first = try_in();
    assert_eq!((first.status, first.body.as_str()), (200, PAGE));
    let tried: Vec<u16> = (0..19).map(|_| try_in().status).collect();
    assert_eq!(*tried.last().unwrap(), 429, "{tried:?}");
}

#[test]
fn one_password_on_many_accounts_is_told_as_spraying() {
    let library = site("library");
    let edge = edge().tenant("library", library.address, LIBRARY).start();
    let mut last = 0;
    for number in 0..60 {
        let from = format!("127.0.0.{}", 10 + number % 20);
        last = try_in(&edge, &from, &format!("2900200000{number:04}"), "1234").status;
    }
    assert_eq!(last, 429);
    edge.wait_for_log("login_spraying");
}

#[test]
fn under_report_nobody_is_slowed_or_refused() {
    let library = site("library");
    let lines = LIBRARY.replace("[login]\n", "[login]\nenforcement = \"report\"\n");
    let edge = edge().tenant("library", library.address, &lines).start();
    for pin in 0..20 {
        assert_eq!(
            try_in(&edge, "127.0.0.2", "29001000000017", &format!("{pin:04}")).status,
            401
        );
    }
    let line = edge.wait_for_log("login_refused");
    assert!(line.contains("enforcement=\"report\""), "{line}");
}
