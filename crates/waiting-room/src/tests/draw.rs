//! Before the opening, and the lots.

use super::*;

const OPENS: &str = "active = 1000\nopens = \"2027-03-01T08:00:00-05:00\"\nsession = \"1m\"";

#[test]
fn nobody_is_let_in_before_the_opening() {
    let site = Site::at(EIGHT - 60_000_000, OPENS);
    let mut person = Person::new(1);
    for _ in 0..60 {
        let Outcome::Waits(waits) = site.ask(&mut person) else {
            panic!("they wait")
        };
        assert!(matches!(waits.why, Why::Early(_)));
        assert_eq!((waits.ahead(), waits.estimate()), (None, None));
        site.wait(1);
    }
    assert!(site.ask(&mut person).passes(), "at eight");
}

#[test]
fn a_page_asks_again_at_the_opening_and_not_just_before_it() {
    let site = Site::at(EIGHT - 7_500_000, OPENS);
    let Outcome::Waits(waits) = site.ask(&mut Person::new(1)) else {
        panic!("they wait")
    };
    assert_eq!(waits.again(), Duration::from_secs(8));
}

/// A thousand people before the opening, one each second, and ten after it. Ten are let in at once.
fn drawn(key: u8) -> (Site, Vec<Person>) {
    let now = EIGHT - 500_000_000;
    let mut site = Site::at(
        now,
        "active = 10\nopens = \"2027-03-01T08:00:00-05:00\"\nkeep_place = \"1h\"",
    );
    site.room = site.room.with_keys(TicketKeys::new(&[key; 32]));
    let mut people: Vec<_> = (0..500).map(|number| Person::new(0x0a00_0000 + number)).collect();
    for one in &mut people {
        site.ask(one);
        site.ask(one);
        site.wait(1);
    }
    (site, people)
}

#[test]
fn who_came_early_is_drawn_by_lot_and_who_came_late_stands_behind() {
    let (site, mut people) = drawn(1);
    let mut late = Person::new(7);
    assert_eq!(site.ask(&mut late).ahead(), 490);
    let aheads: Vec<_> = people.iter_mut().map(|one| site.ask(one)).collect();
    let inside: Vec<_> = aheads.iter().map(Outcome::passes).collect();
    assert_eq!(inside.iter().filter(|inside| **inside).count(), 10);
    let mut order: Vec<_> = aheads.iter().filter(|one| !one.passes()).map(Outcome::ahead).collect();
    assert_ne!(order, (0..490).collect::<Vec<_>>(), "not by arrival");
    order.sort_unstable();
    assert_eq!(order, (0..490).collect::<Vec<_>>(), "and everybody has one place");
    // And it is kept: the lot is drawn once.
    let again: Vec<_> = people.iter_mut().map(|one| site.ask(one)).collect();
    assert!(
        aheads
            .iter()
            .zip(&again)
            .all(|(one, other)| one.passes() == other.passes())
    );
}

#[test]
fn the_first_to_come_are_not_the_first_to_be_let_in() {
    let mut first_half = 0;
    for key in 1..=20 {
        let (site, mut people) = drawn(key);
        let inside = people.iter_mut().map(|one| site.ask(one).passes());
        first_half += inside.take(250).filter(|inside| *inside).count();
    }
    // 200 lots, half of them for the first half: six standard deviations are 42.
    assert!((58..=142).contains(&first_half), "{first_half} of 200");
}

#[test]
fn an_opening_that_is_put_off_makes_everybody_wait_for_it() {
    let mut site = Site::new("active = 5");
    let mut inside = site.fill(1);
    site.room = site
        .room
        .with_policy(policy("active = 5\nopens = \"2027-03-01T08:10:00-05:00\""));
    assert!(matches!(site.ask(&mut inside[0]).why(), Why::Early(_)));
    site.wait(600);
    assert!(site.ask(&mut inside[0]).passes());
}
