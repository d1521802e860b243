//! Who shares a count, and that nobody gets another by leaving something out or making something up.

use http::{HeaderValue, Method};
use rempart_guard::{Account, Ja4, RouteClass};

use super::*;

/// Beside each quota, so that what a client invents is allowed, and never used up.
const CLIENT: &str = "[quotas.client]\nrate = \"1000/s\"\n";

fn site(per: &str) -> Site {
    Site::new(&format!("{CLIENT}[quotas.a]\nrate = \"5/h\"\nper = {per}"))
}

fn account(name: &str) -> impl Fn(&mut Request<()>) {
    let name: Arc<str> = name.into();
    move |request| {
        request.extensions_mut().insert(Account(Arc::clone(&name)));
    }
}

fn program(text: &str) -> impl Fn(&mut Request<()>) {
    let ja4: Ja4 = text.parse().unwrap();
    move |request| {
        request.extensions_mut().insert(ja4);
    }
}

fn class(class: RouteClass) -> impl Fn(&mut Request<()>) {
    move |request| {
        request.extensions_mut().insert(class);
    }
}

fn key(value: &'static str) -> impl Fn(&mut Request<()>) {
    move |request| {
        request
            .headers_mut()
            .append("x-api-key", HeaderValue::from_static(value));
    }
}

const FIREFOX: &str = "t13d1516h2_8daaf6152771_02713d6af862";
const CURL: &str = "t13d4907h2_0d8feac7bc37_7395dae3b2f3";

#[test]
fn a_session_is_counted_wherever_it_comes_from() {
    let site = site("\"session\"");
    assert_eq!(site.pass(9, || with(HOME, "/", session(1))), 5);
    assert_eq!(
        site.pass(9, || with(AWAY, "/", session(1))),
        0,
        "the same from elsewhere"
    );
    assert_eq!(
        site.pass(9, || with(HOME, "/", session(2))),
        5,
        "another behind the same address"
    );
}

#[test]
fn without_a_session_or_an_account_the_network_is_counted() {
    for per in ["\"session\"", "\"account\"", "\"ja4\"", "\"header:x-api-key\""] {
        let site = site(per);
        assert_eq!(site.passes(HOME, "/", 9), 5, "{per}: never no limit");
        assert_eq!(site.passes(AWAY, "/", 9), 5, "{per}: and not all strangers together");
    }
}

#[test]
fn an_account_is_counted_over_all_its_sessions() {
    let site = site("\"account\"");
    let of = |number: u8, name: &'static str| {
        with(HOME, "/", |request| {
            session(number)(request);
            account(name)(request);
        })
    };
    assert_eq!(site.pass(3, || of(1, "17")) + site.pass(9, || of(2, "17")), 5);
    assert_eq!(site.pass(9, || of(3, "18")), 5);
}

#[test]
fn an_account_of_any_name_is_no_network() {
    let site = site("\"account\"");
    assert_eq!(site.passes("0.0.0.0", "/", 9), 5);
    let zeros = "\0".repeat(17);
    assert_eq!(site.pass(9, || with(HOME, "/", account(&zeros))), 5);
}

#[test]
fn a_program_is_counted_whoever_has_it() {
    let site = site("\"ja4\"");
    assert_eq!(site.pass(3, || with(HOME, "/", program(CURL))), 3);
    assert_eq!(site.pass(9, || with(AWAY, "/", program(CURL))), 2);
    assert_eq!(site.pass(9, || with(HOME, "/", program(FIREFOX))), 5);
}

#[test]
fn a_header_is_counted_by_what_stands_in_it() {
    let site = site("\"header:X-Api-Key\"");
    assert_eq!(site.pass(9, || with(HOME, "/", key("one"))), 5);
    assert_eq!(site.pass(9, || with(AWAY, "/", key("one"))), 0);
    assert_eq!(site.pass(9, || with(HOME, "/", key("other"))), 5);
}

#[test]
fn a_header_that_is_empty_or_there_twice_says_nothing() {
    let site = site("\"header:X-Api-Key\"");
    let twice = |number: u32| {
        with(HOME, "/", |request| {
            key("one")(request);
            request.headers_mut().append("x-api-key", number.into());
        })
    };
    assert_eq!((0..9).filter(|number| site.check(twice(*number)).is_ok()).count(), 5);
    assert_eq!(site.pass(9, || with(HOME, "/", key(""))), 0, "and both are the network");
}

#[test]
fn a_client_that_invents_a_header_for_each_request_is_refused_by_its_network() {
    let site = Site::new(
        "[quotas.client]\nrate = \"20/h\"\n[quotas.api]\nrate = \"5/h\"\nper = [\"client\", \"header:x-api-key\"]",
    );
    let invented = |number: u32| {
        with(HOME, "/", |request| {
            request.headers_mut().insert("x-api-key", number.into());
        })
    };
    assert_eq!(
        (0..1_000)
            .filter(|number| site.check(invented(*number)).is_ok())
            .count(),
        20
    );
}

#[test]
fn a_list_is_a_count_of_each_combination() {
    let site = site("[\"client\", \"method\"]");
    assert_eq!(site.passes(HOME, "GET /", 9), 5);
    assert_eq!(site.passes(HOME, "POST /", 9), 5);
    assert_eq!(site.passes(AWAY, "GET /", 9), 5);
}

#[test]
fn methods_that_nobody_knows_are_one() {
    let site = site("\"method\"");
    let invented = |number: usize| {
        with(HOME, "/", |request| {
            *request.method_mut() = Method::from_bytes(format!("FOO{number}").as_bytes()).unwrap();
        })
    };
    assert_eq!((0..9).filter(|number| site.check(invented(*number)).is_ok()).count(), 5);
}

#[test]
fn routes_are_counted_by_their_class() {
    let site = Site::new("[quotas.a]\nrate = \"5/h\"\nclasses = [\"auth\", \"privilege\"]\nroutes = [\"/x\"]");
    assert_eq!(site.passes(HOME, "/", 9), 9, "no class of these");
    assert_eq!(site.pass(9, || with(HOME, "/", class(RouteClass::Public))), 9);
    assert_eq!(site.pass(2, || with(HOME, "/", class(RouteClass::Auth))), 2);
    assert_eq!(site.pass(2, || with(HOME, "/", class(RouteClass::Privilege))), 2);
    assert_eq!(site.passes(HOME, "/x", 9), 1, "routes besides");
}

#[test]
fn a_class_is_counted_for_itself() {
    let site = site("[\"client\", \"class\"]");
    assert_eq!(site.pass(9, || with(HOME, "/", class(RouteClass::Auth))), 5);
    assert_eq!(site.pass(9, || with(HOME, "/", class(RouteClass::Record))), 5);
    assert_eq!(site.passes(HOME, "/", 9), 5, "those without one together");
}

#[test]
fn only_what_is_the_clients_own_is_told() {
    for (per, is_told) in [
        ("\"session\"", true),
        ("[\"client\", \"method\"]", true),
        ("\"account\"", true),
        ("\"tenant\"", false),
        ("\"method\"", false),
        ("\"ja4\"", false),
        ("\"header:x-api-key\"", false),
    ] {
        let told = site(per).ask(HOME, "/").unwrap();
        assert_eq!(told.contains("\"a\";r=4"), is_told, "{per}: {told}");
    }
}

#[test]
fn a_refusal_names_no_secret() {
    let site = site("\"header:x-api-key\"");
    site.pass(5, || with(HOME, "/", key("secret")));
    let refusal = site.check(with(HOME, "/", key("secret"))).unwrap_err().to_string();
    assert_eq!(
        refusal,
        "quota a (5/h) used up by one header:x-api-key, asked by 203.0.113.9/32; one more in 720.0 s"
    );
}

#[test]
fn a_search_costs_as_much_as_five() {
    let costs = "[costs.search]\ncost = 5\nroutes = [\"GET /search\"]\n[costs.all]\ncost = 2\nroutes = [\"/search/*\"]\n\
                 [costs.export]\ncost = 7\nclasses = [\"export\"]\n";
    let site = Site::new(&format!("{costs}[quotas.a]\nrate = \"12/h\""));
    assert_eq!(site.ask(HOME, "/search").unwrap(), r#""a";r=7;t=300"#);
    assert_eq!(
        site.ask(HOME, "//SEARCH;x=1").unwrap(),
        r#""a";r=2;t=300"#,
        "however it is written, the most"
    );
    let refusal = site.check(request(HOME, "/search")).unwrap_err();
    let RateLimitRefusal::UsedUp(used_up) = refusal else {
        panic!()
    };
    assert_eq!(
        used_up.wait(),
        Duration::from_secs(900),
        "until there are five, not one"
    );
    assert_eq!(site.ask(HOME, "POST /search").unwrap(), r#""a";r=0;t=300"#);
    assert!(site.ask(HOME, "/").is_err());
    assert_eq!(site.pass(1, || with(AWAY, "/", class(RouteClass::Export))), 1);
    assert_eq!(site.ask(AWAY, "/").unwrap(), r#""a";r=4;t=300"#);
}

#[test]
fn what_costs_more_than_the_burst_passes_when_it_is_full_and_is_waited_for() {
    let site = Site::new("[costs.a]\ncost = 10\nroutes = [\"/a\"]\n[quotas.a]\nrate = \"1/s burst 4\"");
    assert_eq!(site.passes(HOME, "/a", 3), 1);
    site.wait(6_000);
    assert_eq!(site.passes(HOME, "/", 3), 0, "all ten are paid first");
    site.wait(1_000);
    assert_eq!(site.passes(HOME, "/", 3), 1);
}

#[test]
fn left_of_a_proxy_that_is_trusted_nobody_is_believed() {
    // Who the client is comes from `Downstream` alone; no header is looked at here.
    let site = site("\"client\"");
    let forged = |number: u8| {
        with(HOME, "/", |request| {
            let forged = format!("198.51.100.{number}, 203.0.113.9");
            request.headers_mut().insert("x-forwarded-for", forged.parse().unwrap());
        })
    };
    assert_eq!((0..9).filter(|number| site.check(forged(*number)).is_ok()).count(), 5);
}
