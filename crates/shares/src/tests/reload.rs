use super::*;

#[tokio::test(start_paused = true)]
async fn what_is_in_use_under_the_old_policy_still_counts() {
    let shares = shares(16);
    let [library, city] = tenants(&shares, ["library", "city"], "");
    let held = fill(&library);
    let mut waits = later(ask(&library));
    let newer = library.with_policy(policy("weight = 3"));
    assert_eq!((usage(&newer).in_use, usage(&newer).waiting), (16, 1));
    assert_eq!(usage(&newer).guaranteed, 8, "nothing is given before it is claimed");
    let city_holds: Vec<_> = (0..8).map(|_| now(ask(&city))).collect();
    newer.claim();
    assert_eq!((usage(&newer).guaranteed, usage(&city).guaranteed), (12, 4));
    assert!(turn(&mut waits).is_none());
    drop((held, city_holds));
    assert!(turn(&mut waits).is_some());
    drop(waits);
    assert_at_rest(&shares);
}

#[tokio::test(start_paused = true)]
async fn a_larger_guarantee_serves_those_who_wait_at_once() {
    let shares = shares(16);
    let [library, city] = tenants(&shares, ["library", "city"], "");
    let _lent = fill(&library);
    let _own: Vec<_> = (0..8).map(|_| now(ask(&city))).collect();
    let mut waits: Vec<_> = (0..6).map(|_| later(ask(&city))).collect();
    city.with_policy(policy("guaranteed = 12")).claim();
    let come: Vec<_> = waits.iter_mut().filter_map(turn).collect();
    assert_eq!(come.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_larger_capacity_serves_those_who_wait_at_once_and_a_smaller_one_takes_nothing_away() {
    let shares = shares(16);
    let [library, _idle] = tenants(&shares, ["library", "idle"], "");
    let mut held = fill(&library);
    let mut waits: Vec<_> = (0..6).map(|_| later(ask(&library))).collect();
    shares.resize(&capacity("requests = 20"));
    held.extend(waits.iter_mut().filter_map(turn).flatten());
    assert_eq!(held.len(), 20);
    shares.resize(&capacity("requests = 16"));
    assert_eq!(usage(&library).in_use, 20);
    held.truncate(16);
    assert!(waits.iter_mut().skip(4).all(|waiting| turn(waiting).is_none()));
    held.truncate(15);
    assert!(turn(&mut waits[4]).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_is_gone_leaves_its_part_to_the_others() {
    let shares = shares(16);
    let [library, city] = tenants(&shares, ["library", "city"], "");
    assert_eq!(usage(&library).guaranteed, 8);
    let last = now(ask(&city));
    drop(city);
    assert_eq!(usage(&library).guaranteed, 8, "a request of it is still in flight");
    drop(last);
    assert_eq!((usage(&library).guaranteed, shares.usage().len()), (16, 1));
    let city = shares.tenant("city", policy("weight = 3"));
    assert_eq!(usage(&city).guaranteed, 12);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_comes_back_finds_what_it_still_has_in_use() {
    let shares = shares(16);
    let [city] = tenants(&shares, ["city"], "");
    let held = now(ask(&city));
    drop(city);
    assert_eq!(usage(&shares.tenant("city", policy(""))).in_use, 1);
    drop(held);
    assert_at_rest(&shares);
}

#[tokio::test(start_paused = true)]
async fn what_is_only_reported_is_counted_and_told_and_lets_pass() {
    let shares = shares(16);
    let [library] = tenants(
        &shares,
        ["library"],
        "enforcement = \"report\"\nmax_in_flight_per_client = 1",
    );
    let held = fill(&library);
    assert_eq!(held.len(), 16);
    let Admission::Reported(permit, refusal) = ask(&library) else {
        panic!()
    };
    assert_eq!((refusal.code(), usage(&library).in_use), ("share_used_up", 17));
    let one = library.request(Priority::FIRST, client(1)).decided().await.unwrap();
    let Admission::Reported(other, refusal) = library.request(Priority::FIRST, client(1)) else {
        panic!()
    };
    assert_eq!(refusal.code(), "client_share_used_up");
    drop((held, permit, one, other));
    assert_at_rest(&shares);
}

#[tokio::test(start_paused = true)]
async fn who_is_off_is_not_there() {
    let shares = shares(16);
    let [library, city] = tenants(&shares, ["library", "city"], "");
    library.with_policy(policy("enforcement = \"off\"")).claim();
    assert_eq!(usage(&city).guaranteed, 16);
    let off = library.with_policy(policy("enforcement = \"off\""));
    let _held: Vec<_> = (0..100).map(|_| now(ask(&off))).collect();
    assert_at_rest(&shares);
}
