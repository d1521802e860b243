//! A moment of an edge, event by event: who asks when, and how long each answer takes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use tokio::time::advance;

use super::*;

/// One tenant's visitors: a request every so many microseconds, each answered in so many.
struct Visitors {
    share: TenantShare,
    every: u64,
    takes: u64,
    waiting: Vec<(u64, Waiting)>,
    answered: u64,
    at_once: u64,
    refused: u64,
    longest: u64,
}

impl Visitors {
    const fn new(share: TenantShare, every: u64, takes: u64) -> Self {
        Self {
            share,
            every,
            takes,
            waiting: Vec::new(),
            answered: 0,
            at_once: 0,
            refused: 0,
            longest: 0,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Asks,
    Ends(usize),
}

/// Runs for so many microseconds.
async fn run(tenants: &mut [Visitors], until: u64) {
    let mut events: BinaryHeap<_> = (0..tenants.len()).map(|who| Reverse((0, who, Event::Asks))).collect();
    let (mut permits, mut clock): (Vec<Option<Permit>>, u64) = (Vec::new(), 0);
    while let Some(Reverse((time, who, event))) = events.pop() {
        if time > until {
            break;
        }
        advance(Duration::from_micros(time - clock)).await;
        clock = time;
        match event {
            Event::Ends(permit) => drop(permits[permit].take()),
            Event::Asks => {
                let tenant = &mut tenants[who];
                events.push(Reverse((time + tenant.every, who, Event::Asks)));
                match ask(&tenant.share) {
                    Admission::Now(permit) => {
                        tenant.at_once += 1;
                        events.push(Reverse((time + tenant.takes, who, Event::Ends(permits.len()))));
                        permits.push(Some(permit));
                    }
                    Admission::Later(waiting) => tenant.waiting.push((time, waiting)),
                    _ => tenant.refused += 1,
                }
            }
        }
        for (who, tenant) in tenants.iter_mut().enumerate() {
            let Visitors { waiting, takes, .. } = tenant;
            let mut come = Vec::new();
            waiting.retain_mut(|(since, waiting)| {
                turn(waiting).is_none_or(|decided| {
                    come.push((*since, decided));
                    false
                })
            });
            for (since, decided) in come {
                tenant.longest = tenant.longest.max(time - since);
                match decided {
                    Err(_) => tenant.refused += 1,
                    Ok(permit) => {
                        tenant.answered += 1;
                        events.push(Reverse((time + *takes, who, Event::Ends(permits.len()))));
                        permits.push(Some(permit));
                    }
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_twenty_times_its_share_makes_nobody_else_wait() {
    let shares = shares(60);
    // 20 are guaranteed to each. Answers of 10 ms: 2,000 a second fill that.
    let [library, city, daycare] = tenants(
        &shares,
        ["library", "city", "daycare"],
        "max_waiting = 50\nmax_wait = \"100ms\"",
    );
    let mut tenants = [
        Visitors::new(library, 25, 10_000),
        Visitors::new(city, 700, 10_000),
        Visitors::new(daycare, 1_100, 15_000),
    ];
    run(&mut tenants, 250_000).await;
    let [flood, calm @ ..] = &tenants;
    for calm in calm {
        assert_eq!((calm.refused, calm.answered, calm.longest), (0, 0, 0));
        assert!(calm.at_once > 220, "{}", calm.at_once);
    }
    let served = flood.at_once + flood.answered;
    // The calm ones use 14 each: the flood has its own 20 and what they leave of the rest.
    assert!((700..=900).contains(&served), "{served}");
    assert!(
        flood.longest <= 100_000 && flood.refused > 8_000,
        "{} {}",
        flood.longest,
        flood.refused
    );
    drop(tenants);
    assert_at_rest(&shares);
}

#[tokio::test(start_paused = true)]
async fn slow_answers_hold_no_more_than_their_tenant_may() {
    let shares = shares(60);
    let [library, city] = tenants(&shares, ["library", "city"], "max_waiting = 5\nmax_wait = \"10ms\"");
    // Answers that are read for ever, ten thousand of them.
    let mut tenants = [
        Visitors::new(library, 100, 10_000_000),
        Visitors::new(city, 700, 10_000),
    ];
    run(&mut tenants, 1_000_000).await;
    assert!(tenants[0].at_once <= 60, "{}", tenants[0].at_once);
    assert_eq!((tenants[1].refused, tenants[1].longest), (0, 0));
}
