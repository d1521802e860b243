//! Who waits, who is next, and who gains nothing.

use proptest::prelude::*;

use super::*;

#[test]
fn while_there_are_places_nobody_waits_and_the_next_one_does() {
    let site = Site::new("active = 2");
    site.fill(2);
    let mut third = Person::new(1);
    assert_eq!(site.ask(&mut third).ahead(), 0);
    assert_eq!(site.room.occupancy().inside, 2);
}

#[test]
fn a_place_is_given_on_when_its_holder_was_idle_and_only_then() {
    let site = Site::new("active = 1\nsession = \"15m\"\nkeep_place = \"20m\"");
    let site = match policy_fails("keep_place = \"2h\"") {
        true => site,
        false => panic!("the bound of keep_place"),
    };
    let mut inside = site.fill(1);
    let mut next = Person::new(1);
    for _ in 0..60 {
        site.wait(20);
        assert!(!site.ask(&mut next).passes());
        assert!(site.ask(&mut inside[0]).passes());
    }
    for _ in 0..45 {
        site.wait(20);
        assert!(!site.ask(&mut next).passes(), "their form takes long");
    }
    site.wait(20);
    assert!(site.ask(&mut next).passes());
    assert!(!site.ask(&mut inside[0]).passes(), "they are new");
}

fn policy_fails(toml: &str) -> bool {
    WaitingRoomPolicy::try_from(toml::from_str::<WaitingRoomSettings>(toml).unwrap()).is_err()
}

#[test]
fn who_does_not_come_when_called_loses_the_place_to_the_next() {
    let site = Site::new("active = 1\nsession = \"1m\"");
    site.fill(1);
    let (mut gone, mut stays) = (Person::new(1), Person::new(2));
    site.ask(&mut gone);
    site.ask(&mut stays);
    // Both were seen again, so that both have two minutes.
    site.ask(&mut gone);
    for _ in 0..5 {
        site.wait(20);
        assert_eq!(
            site.ask(&mut stays).ahead().min(1),
            usize::from(site.room.occupancy().waiting > 1)
        );
    }
    site.wait(21);
    assert!(site.ask(&mut stays).passes(), "two minutes after they were seen last");
    assert!(!site.ask(&mut gone).passes());
}

#[test]
fn reloading_neither_gains_nor_loses_a_place() {
    let site = Site::new("active = 1");
    site.fill(1);
    let mut people: Vec<_> = (1..=10).map(Person::new).collect();
    for (ahead, one) in people.iter_mut().enumerate() {
        assert_eq!(site.ask(one).ahead(), ahead);
    }
    for _ in 0..100 {
        assert_eq!(site.ask(&mut people[7]).ahead(), 7);
    }
    assert_eq!(site.room.occupancy().waiting, 10);
}

#[test]
fn a_copied_ticket_is_one_place() {
    let site = Site::new("active = 2\nsession = \"1m\"");
    site.fill(2);
    let mut one = Person::new(1);
    site.ask(&mut one);
    let mut copies: Vec<_> = (0..50)
        .map(|number| Person {
            address: 100 + number,
            ..one.clone()
        })
        .collect();
    let mut next = Person::new(2);
    assert_eq!(site.ask(&mut next).ahead(), 1);
    assert!(copies.iter_mut().all(|copy| site.ask(copy).ahead() == 0));
    for _ in 0..4 {
        site.wait(20);
        copies.iter_mut().for_each(|copy| drop(site.ask(copy)));
        site.ask(&mut next);
    }
    assert!(copies.iter_mut().all(|copy| site.ask(copy).passes()));
    assert!(site.ask(&mut next).passes(), "they took one place together");
    assert_eq!(site.room.occupancy().inside, 2);
    let mut last = Person::new(3);
    assert!(!site.ask(&mut last).passes());
}

#[test]
fn a_forged_a_foreign_and_an_expired_ticket_are_those_of_somebody_who_comes_new() {
    let site = Site::new("active = 1");
    site.fill(1);
    let mut first = Person::new(1);
    site.ask(&mut first);
    let foreign = {
        let other = WaitingRoom::with_clock(policy("active = 1"), TicketKeys::new(&[8; 32]), "city", || time(EIGHT));
        let mut head = Person::new(9).request("/");
        let line = other.check(&mut head, &mut Findings::default()).unwrap().unwrap();
        cookie_of(&line)
    };
    let forged = first.cookie.clone().unwrap().replace("AA", "BB");
    for (number, cookie) in (2..).zip([foreign, forged + "x", "__Host-waiting-room=".to_owned()]) {
        let mut person = Person {
            address: number,
            cookie: Some(cookie),
        };
        assert_eq!(site.ask(&mut person).ahead() as u32, number - 1, "at the end");
    }
    // Four minutes later the first has lost the place, and their ticket with it.
    for _ in 0..12 {
        site.wait(20);
        site.ask(&mut Person::new(77));
    }
    let before = site.room.occupancy().waiting;
    assert_eq!(site.ask(&mut first).ahead(), before);
}

#[test]
fn one_network_has_no_more_tickets_than_it_may_and_none_of_the_others_is_worse_off() {
    let site = Site::new("active = 1\nmax_per_client = 20");
    site.fill(1);
    let mut cheater = Vec::new();
    for _ in 0..2_000 {
        let mut one = Person::new(666);
        if site.ask(&mut one).why() != Why::Crowded {
            cheater.push(one);
        }
    }
    assert_eq!(cheater.len(), 20);
    assert_eq!(site.ask(&mut Person::new(1)).ahead(), 20);
    // Who never shows a ticket again is gone after a minute.
    for _ in 0..4 {
        site.wait(21);
        site.ask(&mut cheater[0]);
    }
    assert_eq!(site.room.occupancy().waiting, 1);
}

#[test]
fn a_program_without_cookies_cannot_fill_the_room_and_does_not_wait_while_there_are_places() {
    let site = Site::new("active = 30\nmax_per_client = 20");
    for _ in 0..1_000 {
        assert!(site.ask(&mut Person::new(666)).passes());
    }
    assert_eq!(site.room.occupancy().inside, 20);
    assert!(site.ask(&mut Person::new(1)).passes());
    site.wait(121);
    assert_eq!(
        site.room.occupancy().inside,
        0,
        "a ticket that nobody shows keeps its place for `keep_place`"
    );
}

#[test]
fn a_flood_of_tickets_moves_nobody_out_and_takes_no_more_memory_than_was_said() {
    let site = Site::new("active = 1\nmax_waiting = 20000");
    site.fill(1);
    let mut first = Person::new(1);
    site.ask(&mut first);
    site.ask(&mut first);
    for number in 0..100_000 {
        let outcome = site.ask(&mut Person::new(0x2000_0000 + number));
        assert_eq!(outcome.why() == Why::Full, number >= 19_999);
    }
    assert_eq!(site.ask(&mut first).ahead(), 0);
    let occupancy = site.room.occupancy();
    assert_eq!(occupancy.waiting, 20_000);
    assert!(occupancy.bytes < 20_000 * 100, "{occupancy:?}");
    for _ in 0..4 {
        site.wait(20);
        site.ask(&mut first);
    }
    assert_eq!(site.room.occupancy().waiting, 1, "who never came back has left");
}

#[test]
fn people_inside_take_no_more_memory_than_was_said() {
    let site = Site::new("active = 20000");
    for number in 0..20_000 {
        assert!(site.ask(&mut Person::new(0x2000_0000 + number)).passes());
    }
    let occupancy = site.room.occupancy();
    assert!(occupancy.bytes < 20_000 * 100, "{occupancy:?}");
}

#[test]
fn admissions_by_the_minute_are_spread_and_in_order() {
    let site = Site::new("admit = \"60/m burst 1\"");
    let mut people: Vec<_> = (1..=30).map(Person::new).collect();
    let entered: Vec<_> = people
        .iter_mut()
        .filter(|one| site.check(&mut one.request("/")).outcome.passes())
        .count_ones();
    assert_eq!(entered, [0]);
    let mut people: Vec<_> = (101..=130).map(Person::new).collect();
    people.iter_mut().for_each(|one| drop(site.ask(one)));
    let waits = site.ask(&mut people[9]);
    let Outcome::Waits(waits) = waits else {
        panic!("they wait")
    };
    assert!(waits.estimate().is_some(), "the rate is written, so it is known");
    for _ in 0..70 {
        site.wait(1);
        let passed: Vec<_> = people.iter_mut().map(|one| site.ask(one).passes()).collect();
        let inside = passed.iter().filter(|passed| **passed).count();
        assert!(passed[..inside].iter().all(|passed| *passed), "in order: {passed:?}");
    }
    assert!(people.iter_mut().all(|one| site.ask(one).passes()));
}

/// The numbers of those who are there.
trait CountOnes {
    fn count_ones(self) -> Vec<u32>;
}

impl<'a, I: Iterator<Item = &'a mut Person>> CountOnes for I {
    fn count_ones(self) -> Vec<u32> {
        self.map(|person| person.address - 1).collect()
    }
}

#[test]
fn silence_that_was_nobodys_choice_costs_nobody_their_place() {
    let site = Site::new("active = 1\nsession = \"12h\"");
    site.fill(1);
    let (mut one, mut two) = (Person::new(1), Person::new(2));
    for _ in 0..2 {
        site.ask(&mut one);
        site.ask(&mut two);
    }
    site.wait(3_600);
    assert_eq!(site.ask(&mut two).ahead(), 1, "nobody at all could ask for an hour");
    assert_eq!(site.ask(&mut one).ahead(), 0);
}

#[test]
fn a_new_policy_moves_nobody() {
    let mut site = Site::new("active = 2");
    let mut inside = site.fill(2);
    let mut people: Vec<_> = (1..=3).map(Person::new).collect();
    people.iter_mut().for_each(|one| drop(site.ask(one)));
    site.room = site.room.with_policy(policy("active = 1\nmax_waiting = 1"));
    assert!(
        inside.iter_mut().all(|one| site.ask(one).passes()),
        "nobody is sent out"
    );
    assert_eq!(site.ask(&mut people[2]).ahead(), 2, "and nobody away");
    assert_eq!(site.ask(&mut Person::new(9)).why(), Why::Full);
    site.room = site.room.with_policy(policy("active = 4"));
    assert!(site.ask(&mut people[0]).passes() && site.ask(&mut people[1]).passes());
    assert_eq!(site.ask(&mut people[2]).ahead(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_people_do_the_bounds_hold_and_every_count_is_of_somebody(
        steps in prop::collection::vec((0..12_u32, 0..40_u64, 0..10_u8), 1..200),
    ) {
        let site = Site::new("active = 3\nsession = \"1m\"\nkeep_place = \"1m\"\nmax_waiting = 6\nmax_per_client = 2");
        let mut people: Vec<_> = (0..12).map(|number| Person::new(number / 3)).collect();
        for (who, wait, what) in steps {
            site.wait(wait);
            let person = &mut people[who as usize];
            match what {
                0 => person.cookie = None,
                1 => drop(site.check(&mut person.request("/static/a.css"))),
                _ => drop(site.ask(person)),
            }
            let room = site.room.lock();
            prop_assert!(room.inside() <= 3 && room.line.len() <= 6);
            prop_assert_eq!(room.networks.sum(), room.inside() + room.line.len());
            prop_assert!(room.line.iter().is_sorted_by_key(|one| one.key));
            prop_assert!((0..4).all(|network| room.networks.count(network) <= 2));
            prop_assert!(room.line.iter().all(|one| !room.places.contains_key(&one.arrival)));
        }
    }
}
