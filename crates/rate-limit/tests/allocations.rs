//! How often memory is asked for on the passing path: for the value of `RateLimit`, and else not at all.

#![allow(clippy::unwrap_used)]

use http::{Request, Response, request};
use rempart_guard::{
    ClientAddr, Downstream, EdgeSession, EdgeSessions, Findings, RequestIds, SessionId, Verdict, WaitingGuard,
};
use rempart_rate_limit::{RateLimit, RateLimitPolicy, RateLimitSettings};

const FIVE: &str = "
    [quotas.client]
    rate = \"1000/s\"
    [quotas.session]
    rate = \"1000/s\"
    per = \"session\"
    [quotas.both]
    rate = \"1000/s\"
    per = [\"client\", \"method\"]
    [quotas.all]
    rate = \"1000/s\"
    per = \"tenant\"
    [quotas.slow]
    rate = \"1000/s\"
    when_used_up = \"delay\"
    [costs.search]
    cost = 5
    routes = [\"/search\"]
";

fn head() -> request::Parts {
    let (mut head, ()) = Request::get("/search?q=x").body(()).unwrap().into_parts();
    head.extensions.insert(Downstream {
        client: ClientAddr::new([203, 0, 113, 9].into()),
        request: RequestIds::new().next_id(),
    });
    let now = std::time::SystemTime::now();
    head.extensions.insert(EdgeSessions(vec![EdgeSession {
        cookie: "sid".into(),
        id: SessionId([7; 16]),
        sealed: now,
        began: now,
    }]));
    head
}

/// Allocations of the second of two requests, and of its answer.
fn allocations(toml: &str) -> u64 {
    let settings: RateLimitSettings = toml::from_str(toml).unwrap();
    let limit = RateLimit::new(RateLimitPolicy::try_from(settings).unwrap());
    let (mut head, mut answer) = (head(), Response::new(()).into_parts().0);
    answer.headers.reserve(8);
    let mut ask = || {
        let mut findings = Findings::default();
        let Verdict::Now(passed) = limit.check(&mut head, &mut findings) else {
            panic!("it waits")
        };
        limit.amend(passed.unwrap(), &mut answer, &mut findings);
    };
    ask();
    allocation_counter::measure(ask).count_total
}

#[test]
fn five_quotas_of_a_request_that_passes_ask_for_no_memory() {
    assert_eq!(allocations(&format!("headers = false\n{FIVE}")), 0);
}

#[test]
fn what_a_client_is_told_is_one_allocation() {
    // Beside the one for the value, the second line of each field in the map of headers, which a server's answer has not.
    assert!(allocations(FIVE) <= 3, "{}", allocations(FIVE));
}

#[test]
fn what_is_counted_with_the_answer_is_one_more() {
    let quota = "[quotas.fails]\nrate = \"9/s\"\ncount = \"failures\"";
    assert_eq!(allocations(&format!("headers = false\n{quota}")), 1);
}
