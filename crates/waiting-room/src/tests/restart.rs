//! What a restart costs.

use super::*;

fn full(waiting: u32) -> (Site, Vec<Person>, Vec<Person>) {
    let site = Site::new("active = 3");
    let inside = site.fill(3);
    let mut people: Vec<_> = (1..=waiting).map(Person::new).collect();
    for one in &mut people {
        site.wait(1);
        site.ask(one);
        site.ask(one);
    }
    (site, inside, people)
}

#[test]
fn a_room_that_was_kept_goes_on_where_it_was() {
    let (site, mut inside, mut people) = full(20);
    let kept = site.room.keep();
    let after = site.restarted();
    after.room.restore(&kept).unwrap();
    assert_eq!(after.room.occupancy().inside, 3);
    assert_eq!(after.ask(&mut Person::new(99)).ahead(), 20, "who comes new comes last");
    for (ahead, one) in people.iter_mut().enumerate().rev() {
        assert_eq!(after.ask(one).ahead(), ahead);
    }
    assert!(inside.iter_mut().all(|one| after.ask(one).passes()));
}

#[test]
fn a_room_that_was_not_kept_is_made_again_of_the_tickets() {
    let (site, mut inside, mut people) = full(20);
    let after = site.restarted();
    // The last in the line asks first.
    for one in people.iter_mut().rev() {
        assert!(!after.ask(one).passes(), "nobody is let in before all have asked again");
    }
    assert!(
        inside.iter_mut().all(|one| after.ask(one).passes()),
        "who was inside is"
    );
    after.wait(46);
    assert_eq!(after.ask(&mut Person::new(99)).ahead(), 20);
    for (ahead, one) in people.iter_mut().enumerate() {
        assert_eq!(after.ask(one).ahead(), ahead, "in the order of before");
    }
    assert_eq!(after.room.occupancy().inside, 3);
}

#[test]
fn a_restart_without_a_line_is_not_noticed() {
    let site = Site::new("active = 3");
    let mut inside = site.fill(2);
    site.wait(1);
    let after = site.restarted();
    assert!(after.ask(&mut Person::new(99)).passes());
    assert!(inside.iter_mut().all(|one| after.ask(one).passes()));
    assert_eq!(after.room.occupancy().inside, 3);
}

#[test]
fn a_ticket_from_before_a_restart_that_was_over_is_over() {
    let (site, _, mut people) = full(5);
    site.wait(121);
    let after = site.restarted();
    after.fill(3);
    assert_eq!(after.ask(&mut Person::new(99)).ahead(), 0);
    assert_eq!(after.ask(&mut people[0]).ahead(), 1, "they come new");
}

#[test]
fn lots_are_the_same_after_a_restart() {
    let opens = "active = 1\nopens = \"2027-03-01T08:00:00-05:00\"";
    let site = Site::at(EIGHT - 60_000_000, opens);
    let mut people: Vec<_> = (1..=30).map(Person::new).collect();
    for one in &mut people {
        site.wait(1);
        site.ask(one);
        site.ask(one);
    }
    site.set(EIGHT);
    let order = |site: &Site, people: &mut [Person]| {
        let outcomes: Vec<_> = people.iter_mut().map(|one| site.ask(one)).collect();
        let ahead = |outcome: &Outcome| if outcome.passes() { None } else { Some(outcome.ahead()) };
        outcomes.iter().map(ahead).collect::<Vec<_>>()
    };
    let before = order(&site, &mut people);
    let after = site.restarted();
    order(&after, &mut people);
    after.wait(46);
    assert_eq!(order(&after, &mut people), before);
}

#[test]
fn what_is_no_room_that_was_kept_is_refused_and_one_of_yesterday_is_empty() {
    let (site, ..) = full(5);
    let kept = site.room.keep();
    for broken in [&b""[..], b"x", &kept[..kept.len() - 1], &[&kept[..], b"x"].concat()] {
        assert!(site.restarted().room.restore(broken).is_err());
    }
    let after = site.restarted();
    after.wait(86_400);
    after.room.restore(&kept).unwrap();
    assert_eq!(after.room.occupancy().waiting, 0);
    assert!(
        !kept.windows(4).any(|bytes| bytes == 0x0b00_0001_u32.to_be_bytes()),
        "no address is kept"
    );
}
