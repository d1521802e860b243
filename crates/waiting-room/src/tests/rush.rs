//! The first morning of registration: five thousand people in ten minutes at a site with three hundred places.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::*;

const PLACES: usize = 300;
const PEOPLE: u32 = 5_000;
/// How many tickets one address may have.
const PER_CLIENT: usize = 20;

#[test]
fn nobody_overtakes_nobody_is_too_many_and_the_estimate_is_honest() {
    let mut rush = Rush::new(2_027);
    rush.run();

    assert_eq!(rush.most_inside, PLACES, "it was full, and never more than that");
    assert!(rush.served > PEOPLE * 7 / 10, "{} were served", rush.served);
    let cheater = &rush.many_tickets;
    assert!(
        cheater.tickets.len() <= PER_CLIENT,
        "of 2,000: {}",
        cheater.tickets.len()
    );
    assert!(rush.foretold.len() > 10_000);
    let (median, covered) = rush.judge();
    println!(
        "estimates: {}, median error {median:.3}, within the range {covered:.3}",
        rush.foretold.len()
    );
    assert!(median <= 0.25, "median error {median}");
    assert!(covered >= 0.8, "within the range {covered}");
}

/// Everybody, and what they do next.
struct Rush {
    site: Site,
    random: u64,
    agenda: BinaryHeap<Reverse<(u64, u32)>>,
    people: Vec<Visitor>,
    many_tickets: Cheater,
    /// The last arrival that was let in of those who waited.
    furthest: usize,
    arrivals: usize,
    most_inside: usize,
    served: u32,
    /// What was foretold, and what it was, in seconds.
    foretold: Vec<(Estimate, f64)>,
}

struct Visitor {
    person: Person,
    /// Their number among all who came.
    arrival: Option<usize>,
    /// When they go home, if they still wait.
    gives_up: Option<u64>,
    reloads_every_second: bool,
    /// Until when they use the site, once they are inside.
    leaves: Option<u64>,
    /// What they were told, and when.
    told: Vec<(u64, Estimate)>,
}

/// Somebody at one address who asks for two thousand tickets and shows them all in turn.
#[derive(Default)]
struct Cheater {
    tickets: Vec<Person>,
}

/// The people of the agenda who are no visitors.
const CHEATER: u32 = u32::MAX;
const FORGETFUL: u32 = u32::MAX - 1;
const COPIER: u32 = u32::MAX - 2;
const SECOND: u64 = 1_000_000;

impl Rush {
    fn new(seed: u64) -> Self {
        let toml = format!("active = {PLACES}\nsession = \"1m\"\nkeep_place = \"2m\"\nmax_per_client = {PER_CLIENT}");
        let mut rush = Self {
            site: Site::new(&toml),
            random: seed,
            agenda: BinaryHeap::new(),
            people: Vec::new(),
            many_tickets: Cheater::default(),
            furthest: 0,
            arrivals: 0,
            most_inside: 0,
            served: 0,
            foretold: Vec::new(),
        };
        for number in 0..PEOPLE {
            let comes = EIGHT + rush.below(600 * SECOND);
            let leaves_early = rush.below(5) == 0;
            let gives_up = leaves_early.then(|| comes + rush.below(1_200 * SECOND));
            let reloads_every_second = rush.below(100) == 0;
            rush.people.push(Visitor {
                person: Person::new(0x0a00_0000 + number),
                arrival: None,
                gives_up,
                reloads_every_second,
                leaves: None,
                told: Vec::new(),
            });
            rush.agenda.push(Reverse((comes, number)));
        }
        for (after, who) in [(100, CHEATER), (120, FORGETFUL), (150, COPIER)] {
            rush.agenda.push(Reverse((EIGHT + after * SECOND, who)));
        }
        rush
    }

    fn run(&mut self) {
        while let Some(Reverse((now, who))) = self.agenda.pop() {
            self.site.set(now);
            let next = match who {
                CHEATER => self.takes_many_tickets(now),
                FORGETFUL => self.forgets_cookies(now),
                COPIER => self.copies_tickets(now),
                number => self.visits(now, number as usize),
            };
            if let Some(next) = next {
                self.agenda.push(Reverse((next, who)));
            }
            self.most_inside = self.most_inside.max(self.site.room.occupancy().inside);
        }
    }

    fn visits(&mut self, now: u64, number: usize) -> Option<u64> {
        let stays = 30 + self.below(180);
        let visitor = &mut self.people[number];
        if let Some(leaves) = visitor.leaves {
            let inside = now < leaves;
            assert!(
                !inside || self.site.ask(&mut visitor.person).passes(),
                "nobody inside is sent out"
            );
            return inside.then(|| now + 20 * SECOND);
        }
        if visitor.gives_up.is_some_and(|gives_up| now > gives_up) {
            return None;
        }
        let outcome = self.site.ask(&mut visitor.person);
        let arrival = *visitor.arrival.get_or_insert_with(|| {
            self.arrivals += 1;
            self.arrivals
        });
        let Outcome::Waits(waits) = outcome else {
            self.furthest = self.furthest.max(arrival);
            self.served += 1;
            let waited = |then: u64| (now - then) as f64 / 1e6;
            let told = visitor.told.drain(..).map(|(then, estimate)| (estimate, waited(then)));
            self.foretold.extend(told.filter(|(_, waited)| *waited >= 60.0));
            visitor.leaves = Some(now + stays * SECOND);
            return Some(now + 20 * SECOND);
        };
        assert!(
            arrival > self.furthest,
            "{arrival} waits after {} was let in",
            self.furthest
        );
        if let Some(estimate) = waits.estimate()
            && !visitor.reloads_every_second
        {
            visitor.told.push((now, estimate));
        }
        let again = if visitor.reloads_every_second {
            1
        } else {
            waits.again().as_secs()
        };
        Some(now + again * SECOND)
    }

    /// Two thousand tickets, of which it gets twenty, in their order, and each its turn as anybody else's.
    fn takes_many_tickets(&mut self, now: u64) -> Option<u64> {
        if self.many_tickets.tickets.is_empty() {
            for _ in 0..2_000 {
                let mut one = Person::new(0xc0a8_0001);
                self.site.ask(&mut one);
                if one.cookie.is_some() {
                    self.many_tickets.tickets.push(one);
                }
            }
        }
        let inside = self
            .many_tickets
            .tickets
            .iter_mut()
            .filter_map(|one| self.site.ask(one).passes().then_some(()));
        assert!(inside.count() <= PER_CLIENT);
        (now < EIGHT + 3_600 * SECOND).then_some(now + 20 * SECOND)
    }

    /// Somebody who hopes for a better number each time.
    fn forgets_cookies(&mut self, now: u64) -> Option<u64> {
        let mut nobody = Person::new(0xc0a8_0002);
        match self.site.ask(&mut nobody) {
            Outcome::Passes => assert_eq!(self.site.room.occupancy().waiting, 0, "past the line"),
            Outcome::Waits(waits) => match waits.ahead() {
                Some(ahead) => assert_eq!(ahead + 1, self.site.room.occupancy().waiting, "always the last"),
                None => assert_eq!(waits.why, Why::Crowded),
            },
        }
        (now < EIGHT + 3_600 * SECOND).then_some(now + SECOND)
    }

    /// Ten browsers with the ticket of one visitor have one place and one number.
    fn copies_tickets(&mut self, now: u64) -> Option<u64> {
        let one = self
            .people
            .iter()
            .find(|one| one.gives_up.is_none() && one.leaves.is_none() && one.arrival.is_some());
        let Some(one) = one.map(|one| one.person.clone()) else {
            return (now < EIGHT + 600 * SECOND).then_some(now + 20 * SECOND);
        };
        let before = self.site.room.occupancy();
        let mut seen = Vec::new();
        for address in 0..10 {
            let mut copy = Person {
                address: 0xc0a8_0100 + address,
                ..one.clone()
            };
            seen.push(match self.site.ask(&mut copy) {
                Outcome::Passes => None,
                Outcome::Waits(waits) => waits.ahead(),
            });
        }
        assert!(seen.iter().all(|ahead| *ahead == seen[0]), "{seen:?}");
        let after = self.site.room.occupancy();
        assert_eq!((before.inside, before.waiting), (after.inside, after.waiting));
        (now < EIGHT + 3_600 * SECOND).then_some(now + 20 * SECOND)
    }

    /// The median of how far the middle was from the truth, and how often the truth was in the range.
    fn judge(&self) -> (f64, f64) {
        let error = |(estimate, waited): &(Estimate, f64)| (estimate.likely.as_secs_f64() - waited).abs() / waited;
        let mut errors: Vec<f64> = self.foretold.iter().map(error).collect();
        errors.sort_by(f64::total_cmp);
        let covers = |(estimate, waited): &&(Estimate, f64)| {
            (estimate.from.as_secs_f64()..=estimate.to.as_secs_f64()).contains(waited)
        };
        let covered = self.foretold.iter().filter(covers).count();
        (errors[errors.len() / 2], covered as f64 / errors.len() as f64)
    }

    /// A number below this one: SplitMix64, so that every run is the same.
    fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
