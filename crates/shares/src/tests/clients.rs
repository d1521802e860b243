use http::StatusCode;
use rempart_guard::Refusal;

use super::*;

#[tokio::test(start_paused = true)]
async fn one_client_does_not_hold_all_that_its_tenant_has() {
    let shares = shares(64);
    let [library] = tenants(&shares, ["library"], "max_in_flight_per_client = 4");
    let _held: Vec<_> = (0..4)
        .map(|_| now(library.request(Priority::FIRST, client(1))))
        .collect();
    let Admission::Refused(refusal) = library.request(Priority::FIRST, client(1)) else {
        panic!()
    };
    let rejection = refusal.rejection();
    assert_eq!(
        (rejection.status(), rejection.code()),
        (StatusCode::TOO_MANY_REQUESTS, "client_share_used_up")
    );
    assert_eq!(
        refusal.to_string(),
        "10.0.0.1/32 holds 4 requests, as many as one client may"
    );
    drop(now(library.request(Priority::FIRST, client(2))));
    assert_eq!(usage(&library).client_refused, 1);
    // What a neighbour's visitor at the same address holds is not looked at.
    let [city] = tenants(&shares, ["city"], "max_in_flight_per_client = 4");
    drop(now(city.request(Priority::FIRST, client(1))));
}

#[tokio::test(start_paused = true)]
async fn one_client_does_not_fill_the_line() {
    let shares = shares(16);
    let [library] = tenants(&shares, ["library"], "max_in_flight_per_client = 3");
    let held = fill(&library);
    let waits: Vec<_> = (0..3)
        .map(|_| later(library.request(Priority::FIRST, client(1))))
        .collect();
    assert!(matches!(
        library.request(Priority::FIRST, client(1)),
        Admission::Refused(_)
    ));
    drop(waits);
    let _waits = later(library.request(Priority::FIRST, client(1)));
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn connections_and_handshakes_of_a_client_are_counted_by_themselves() {
    let shares = shares(64);
    let toml = "max_connections_per_client = 2\nmax_handshakes_per_client = 1";
    let [library] = tenants(&shares, ["library"], toml);
    let connections = [(); 2].map(|()| now(library.connection(client(1))));
    assert!(matches!(library.connection(client(1)), Admission::Refused(_)));
    let mut handshake = now(library.handshake(client(1)));
    handshake.give_back();
    assert!(
        matches!(library.handshake(client(1)), Admission::Refused(_)),
        "it is computed, but not over"
    );
    drop((connections, handshake));
    drop((now(library.connection(client(1))), now(library.handshake(client(1)))));
    assert_at_rest(&shares);
}

#[test]
fn connections_that_are_nobodys_are_limited_for_each_client() {
    let shares = Shares::new(&capacity("strangers = 16\nstrangers_per_client = 3"), WORKERS);
    let strangers: Vec<_> = (0..3).map(|_| shares.stranger(client(1)).unwrap()).collect();
    assert_eq!(shares.stranger(client(1)).unwrap_err().code(), "client_share_used_up");
    drop((shares.stranger(client(2)).unwrap(), strangers));
    drop(shares.stranger(client(1)).unwrap());
}

#[test]
fn of_too_many_that_are_nobodys_the_oldest_gives_way_and_not_the_one_who_comes() {
    let shares = Shares::new(&capacity("strangers = 16"), WORKERS);
    let mut strangers: Vec<_> = (0..16).map(|number| shares.stranger(client(number)).unwrap()).collect();
    assert!(strangers.iter_mut().all(|one| given_way(one).is_none()));
    let _newest = shares.stranger(client(99)).unwrap();
    assert_eq!(given_way(&mut strangers[0]).unwrap().code(), "strangers_used_up");
    assert!(given_way(&mut strangers[0]).is_some(), "and has from then on");
    assert!(strangers[1..].iter_mut().all(|one| given_way(one).is_none()));
    // Who has said whose he is makes room, and so nobody gives way to the next.
    drop(strangers.remove(7));
    let _newer = shares.stranger(client(99)).unwrap();
    assert!(strangers[1..].iter_mut().all(|one| given_way(one).is_none()));
    shares.resize(&capacity("strangers = 16\nstrangers_per_client = 2"));
    assert_eq!(shares.stranger(client(99)).unwrap_err().code(), "client_share_used_up");
}

fn given_way(stranger: &mut StrangerPermit) -> Option<ShareRefusal> {
    match pin!(unconstrained(stranger.gives_way())).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(refusal) => Some(refusal),
        Poll::Pending => None,
    }
}
