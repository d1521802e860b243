use std::time::Duration;

use http::StatusCode;
use rempart_guard::{Refusal, Rejection};
use tokio::time::advance;

use super::*;

#[tokio::test(start_paused = true)]
async fn what_is_guaranteed_is_there_while_a_neighbour_has_borrowed_everything() {
    let shares = shares(30);
    let [library, city, daycare] = tenants(&shares, ["library", "city", "daycare"], "");
    let flood = fill(&library);
    assert_eq!(flood.len(), 30, "idle capacity is lent");
    assert_eq!(usage(&library).borrowed(), 20);
    let calm: Vec<_> = (0..10).flat_map(|_| [now(ask(&city)), now(ask(&daycare))]).collect();
    let _waits = [later(ask(&city)), later(ask(&daycare)), later(ask(&library))];
    assert_eq!(
        shares.total(Kind::Requests).in_use,
        50,
        "the capacity, and the guarantees that were unused"
    );
    drop((flood, calm));
}

#[tokio::test(start_paused = true)]
async fn what_was_lent_is_not_lent_anew_while_others_want_it() {
    let shares = shares(20);
    let [library, city] = tenants(&shares, ["library", "city"], "");
    let mut flood = fill(&library);
    let mut waits = later(ask(&library));
    let _calm: Vec<_> = (0..10).map(|_| now(ask(&city))).collect();
    flood.truncate(11);
    assert!(turn(&mut waits).is_none(), "21 are in use where 20 may be lent");
    flood.truncate(9);
    assert!(turn(&mut waits).unwrap().is_ok(), "it is below its guarantee again");
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_above_its_guarantee_does_not_pass_by_those_who_wait() {
    let shares = shares(20);
    let [library, city] = tenants(&shares, ["library", "city"], "guaranteed = 2");
    let mut held = fill(&library);
    let _city = [now(ask(&city)), now(ask(&city))];
    let mut first = later(ask(&city));
    held.truncate(17);
    let mut newcomer = later(ask(&library));
    let mut kept = Vec::new();
    assert!(served(&mut first, &mut kept), "city has 2 in use, and library 17");
    assert!(!served(&mut newcomer, &mut kept));
}

#[tokio::test(start_paused = true)]
async fn lent_capacity_goes_by_weight() {
    let shares = shares(80);
    let [light] = tenants(&shares, ["light"], "weight = 1");
    let [heavy] = tenants(&shares, ["heavy"], "weight = 3");
    let _idle = shares.tenant("idle", policy("weight = 4"));
    let mut held = fill(&light);
    let mut waiting = Vec::new();
    for round in 0..2_000 {
        // Both always have some who wait, and whatever ends is anybody's.
        for share in [&light, &heavy] {
            match ask(share) {
                Admission::Now(permit) => held.push(permit),
                Admission::Later(turn) => waiting.push(turn),
                _ => {}
            }
        }
        drop(held.swap_remove(round * 7_919 % held.len()));
        waiting.retain_mut(|waiting| match turn(waiting) {
            Some(permit) => {
                held.push(permit.unwrap());
                false
            }
            None => true,
        });
    }
    let (light, heavy) = (usage(&light).in_use, usage(&heavy).in_use);
    assert!(
        (19..=21).contains(&light) && (59..=61).contains(&heavy),
        "{light} and {heavy}"
    );
}

#[tokio::test(start_paused = true)]
async fn of_equals_the_one_whose_application_was_kept_busier_goes_last() {
    let shares = shares(20);
    let [slow, quick, idle] = tenants(&shares, ["a-slow", "quick", "idle"], "guaranteed = 4");
    let held = [fill_to(&slow, 6), fill_to(&quick, 6), fill_to(&idle, 8)];
    // Ten seconds of five requests at once.
    advance(Duration::from_secs(1)).await;
    (0..5).for_each(|_| slow.upstream_time(Duration::from_secs(10)));
    let mut waits = [later(ask(&slow)), later(ask(&quick))];
    let [.., mut idle] = held;
    let mut kept = Vec::new();
    idle.pop();
    assert!(served(&mut waits[1], &mut kept) && !served(&mut waits[0], &mut kept));
    idle.pop();
    assert!(served(&mut waits[0], &mut kept));
    assert_eq!(slow.usage().upstream_time, Duration::from_secs(50));
}

fn fill_to(share: &TenantShare, count: usize) -> Vec<Permit> {
    (0..count).map(|_| now(ask(share))).collect()
}

#[tokio::test(start_paused = true)]
async fn of_equals_the_one_who_was_served_the_longest_ago_goes_first() {
    let shares = shares(16);
    let [library, city, busy] = tenants(&shares, ["library", "city", "busy"], "guaranteed = 1");
    let _ones = [now(ask(&library)), now(ask(&city))];
    let mut held = fill(&busy);
    let mut kept = Vec::new();
    for share in [&city, &library] {
        let mut waits = later(ask(share));
        held.pop();
        assert!(served(&mut waits, &mut kept));
    }
    // Both hold two, and the city was served before the library.
    let mut waits = [later(ask(&library)), later(ask(&city))];
    held.pop();
    assert!(served(&mut waits[1], &mut kept) && !served(&mut waits[0], &mut kept));
}

#[tokio::test(start_paused = true)]
async fn the_login_goes_before_the_search_and_equals_in_the_order_in_which_they_came() {
    let shares = shares(16);
    let [library] = tenants(&shares, ["library"], "");
    let mut held = fill(&library);
    let [login, search] = [Priority::new(1), Priority::new(6)];
    let order = [(search, 2), (login, 0), (search, 3), (login, 1)];
    let mut waits: Vec<_> = (0..)
        .zip(order)
        .map(|(number, (priority, place))| (place, later(library.request(priority, client(number)))))
        .collect();
    waits.sort_by_key(|(place, _)| *place);
    for served in 0..4 {
        held.pop();
        let come: Vec<_> = waits.iter_mut().map(|(_, waiting)| turn(waiting)).collect();
        assert!(come[0].is_some() && come[1..].iter().all(Option::is_none), "{served}");
        held.extend(come.into_iter().flatten().flatten());
        drop(waits.remove(0));
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_he_may() {
    let shares = shares(16);
    let [library] = tenants(&shares, ["library"], "max_wait = \"1500ms\"");
    let held = fill(&library);
    let began = tokio::time::Instant::now();
    let refusal = later(ask(&library)).await.unwrap_err();
    assert_eq!(began.elapsed(), Duration::from_millis(1_500));
    let rejection: Rejection = refusal.rejection();
    assert_eq!(
        (rejection.status(), rejection.code()),
        (StatusCode::SERVICE_UNAVAILABLE, "share_wait_too_long")
    );
    let answer = rejection.answer::<http_body_util::Full<bytes::Bytes>>(&http::HeaderMap::new(), None);
    assert_eq!(answer.headers()["retry-after"], "2");
    assert_eq!(usage(&library).waited_too_long, 1);
    assert!(
        refusal
            .to_string()
            .contains("library has 16 requests in use where 16 are guaranteed"),
        "{refusal}"
    );
    drop(held);
    assert_at_rest(&shares);
}

#[tokio::test(start_paused = true)]
async fn no_more_wait_than_may_but_for_the_more_urgent() {
    let shares = shares(16);
    let [library] = tenants(&shares, ["library"], "max_waiting = 2");
    let _held = fill(&library);
    let [mut first, mut last] = [later(ask(&library)), later(ask(&library))];
    let Admission::Refused(refusal) = ask(&library) else {
        panic!()
    };
    assert_eq!(refusal.code(), "share_used_up");
    let mut login = later(library.request(Priority::new(1), client(7)));
    let displaced = turn(&mut last).unwrap().unwrap_err();
    assert_eq!(displaced.code(), "share_used_up");
    assert!(turn(&mut first).is_none() && turn(&mut login).is_none());
    // And one when it was filled.
    assert_eq!((usage(&library).waiting, usage(&library).refused), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn one_tenant_does_not_fill_the_room_for_waiting() {
    let shares = shares(16);
    let [library, city] = tenants(&shares, ["library", "city"], "max_waiting = 1000");
    let _held = [fill_to(&city, 8), fill(&library)];
    let mut waits: Vec<_> = (0..16).map(|_| later(ask(&library))).collect();
    assert!(
        matches!(ask(&library), Admission::Refused(_)),
        "as many wait as the capacity is"
    );
    waits.extend((0..8).map(|_| later(ask(&city))));
    assert!(matches!(ask(&city), Admission::Refused(_)));
}

#[tokio::test(start_paused = true)]
async fn without_a_wait_one_is_refused_at_once() {
    let shares = shares(16);
    let [library] = tenants(&shares, ["library"], "max_wait = \"0s\"");
    let _held = fill(&library);
    assert!(matches!(ask(&library), Admission::Refused(_)));
    let [library] = tenants(&shares, ["library"], "max_waiting = 0");
    assert!(matches!(ask(&library), Admission::Refused(_)));
}

#[tokio::test(start_paused = true)]
async fn who_goes_away_while_he_waits_leaves_nothing_behind() {
    let shares = shares(16);
    let [library] = tenants(&shares, ["library"], "");
    let mut held = fill(&library);
    let [gone, mut next] = [later(ask(&library)), later(ask(&library))];
    drop(gone);
    held.pop();
    let mut kept = Vec::new();
    assert!(served(&mut next, &mut kept), "his turn goes to the next");
    // And who goes away in the moment in which his turn came, but before he has heard of it.
    let waits = later(ask(&library));
    held.pop();
    drop(waits);
    drop((held, kept));
    assert_at_rest(&shares);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_flood_waits_behind_its_own() {
    let shares = shares(16);
    let [library, city] = tenants(&shares, ["library", "city"], "");
    let own: Vec<_> = (0..2).map(|number| now(library.handshake(client(number)))).collect();
    let flood: Vec<_> = (2..60).map(|number| later(library.handshake(client(number)))).collect();
    let began = tokio::time::Instant::now();
    let mut permit = city.handshake_turn(client(99)).await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
    // It is computed, and goes on; what it took is another's.
    permit.give_back();
    assert_eq!(city.usage().of_kind(Kind::Handshakes).in_use, 0);
    assert_eq!(city.usage().clients, 1);
    drop((own, flood, permit));
    assert_at_rest(&shares);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_tenants_have_one_each_while_one_of_them_holds_all_there_is() {
    let shares = shares(2_048);
    let tenants: Vec<_> = (0..10_000)
        .map(|number| shares.tenant(format!("t{number}"), policy("")))
        .collect();
    let flood = fill(&tenants[0]);
    assert_eq!(flood.len(), 2_048);
    let mut others: Vec<_> = tenants[1..].iter().map(|tenant| now(ask(tenant))).collect();
    let mut waits: Vec<_> = tenants[1..].iter().map(|tenant| later(ask(tenant))).collect();
    assert_eq!(shares.total(Kind::Requests).in_use, 2_048 + 9_999);
    assert_eq!(shares.total(Kind::Requests).waiting, 9_999);
    // Each that ends lets another of the same tenant begin.
    others.clear();
    assert!(
        waits
            .iter_mut()
            .all(|waiting| turn(waiting).is_some_and(|decided| decided.is_ok()))
    );
    drop((flood, waits));
    assert_at_rest(&shares);
}

#[tokio::test(start_paused = true)]
async fn requests_go_on_between_handshakes_however_many_there_are() {
    let shares = shares(16);
    let [library] = tenants(&shares, ["library"], "");
    let computed = std::rc::Rc::new(std::cell::Cell::new(0));
    let tasks = tokio::task::LocalSet::new();
    for number in 0..200 {
        let (share, computed) = (library.clone(), std::rc::Rc::clone(&computed));
        tasks.spawn_local(async move {
            let permit = share.handshake_turn(client(number)).await.unwrap();
            computed.set(computed.get() + 1);
            drop(permit);
        });
    }
    let most = tasks.run_until(async {
        let (mut most, mut before) = (0, 0);
        while computed.get() < 200 {
            tokio::task::yield_now().await;
            most = most.max(computed.get() - before);
            before = computed.get();
        }
        most
    });
    // Two for each of the two workers that the capacity is meant for.
    let most = most.await;
    assert!(most <= 8, "{most} were computed while a request waited for its round");
    assert_at_rest(&shares);
}
