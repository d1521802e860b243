use std::time::{Duration, Instant};

use crate::support::{Browser, Stub, edge};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const ROOM: &str = "[waiting_room]\nname = \"Camp Soleil\"\nactive = 1\nsession = \"1m\"\n";

#[test]
fn the_second_waits_on_a_page_and_the_third_behind_them() {
    let camp = Stub::fixed(OK);
    let edge = edge().tenant("camp", camp.address, ROOM).start();
    let [first, second, third] = [0; 3].map(|_| Browser::new(&edge));
    assert_eq!(first.get("camp", "/").status, 200);
    let html = ["-H", "Accept: text/html", "-H", "Accept-Language: fr"];
    let waits = second.curl("camp", "/", &html);
    assert_eq!(waits.status, 503);
    assert!(
        waits.body.contains("Camp Soleil")
            && waits.body.contains("lang=fr")
            && waits.body.contains("Vous êtes la prochaine personne"),
        "{}",
        waits.body
    );
    assert!(
        waits.header("retry-after").is_some() && waits.header("refresh").is_some(),
        "{waits:?}"
    );
    assert!(
        waits
            .header("cache-control")
            .is_some_and(|value| value.contains("no-store"))
    );
    assert_eq!(third.curl("camp", "/", &html).status, 503);
    for _ in 0..3 {
        assert_eq!(first.get("camp", "/form").status, 200, "who is inside stays inside");
        assert_eq!(second.curl("camp", "/", &html).status, 503);
    }
    let json = second.curl("camp", "/", &["-H", "Accept: application/json"]);
    assert_eq!(json.status, 503);
    assert!(json.body.contains("waiting_room"), "{json:?}");
    let heads = camp.heads();
    assert_eq!(heads.len(), 4, "nobody who waits reaches the application");
    assert!(
        heads.iter().all(|head| !head.contains("waiting")),
        "nor does the ticket: {heads:?}"
    );
}

#[test]
fn a_place_in_the_line_and_one_inside_outlive_a_restart() {
    let camp = Stub::fixed(OK);
    let running = edge().tenant("camp", camp.address, ROOM).start();
    let jars = [Browser::new(&running), Browser::new(&running)];
    assert_eq!(jars[0].get("camp", "/").status, 200);
    assert_eq!(jars[1].get("camp", "/").status, 503);
    let cookies: Vec<Vec<String>> = jars
        .iter()
        .map(|jar| {
            let all = jar.cookies().into_iter();
            all.map(|cookie| format!("{}={}", cookie[5], cookie[6])).collect()
        })
        .collect();
    drop(jars);
    let edge = running.restart();
    let ask = |cookies: &[String]| edge.curl("camp", "/", &["-b", &cookies.join("; ")]).status;
    assert_eq!(edge.get("camp", "/").status, 503, "somebody new stands behind both");
    assert_eq!(ask(&cookies[1]), 503);
    assert_eq!(ask(&cookies[0]), 200, "who was inside is inside");
}

#[test]
fn a_forged_ticket_opens_nothing() {
    let camp = Stub::fixed(OK);
    let edge = edge().tenant("camp", camp.address, ROOM).start();
    let first = Browser::new(&edge);
    assert_eq!(first.get("camp", "/").status, 200);
    let ticket = first.cookies().pop().unwrap();
    let mut forged = ticket[6].clone().into_bytes();
    forged[10] = if forged[10] == b'A' { b'B' } else { b'A' };
    let forged = format!("{}={}", ticket[5], String::from_utf8(forged).unwrap());
    assert_eq!(edge.curl("camp", "/", &["-b", &forged]).status, 503);
}

#[test]
fn nobody_is_let_in_before_it_opens() {
    let camp = Stub::fixed(OK);
    let edge = edge()
        .tenant(
            "camp",
            camp.address,
            "[waiting_room]\nactive = 10\nopens = \"2099-03-01T08:00:00-05:00\"\n",
        )
        .start();
    let begun = Instant::now();
    assert_eq!(edge.get("camp", "/").status, 503);
    assert_eq!(
        edge.get("camp", "/static/logo.png").status,
        200,
        "pictures of the page are no registration"
    );
    assert!(begun.elapsed() < Duration::from_secs(10));
}
