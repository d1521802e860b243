//! A town's logins for some hours, with people who mistype and with those who guess: how many people are refused, and how
//! many guesses are let through. Fixed seeds, and a clock that is moved.

mod world;

use std::fmt::Write as _;

use world::*;

impl World {
    /// 600 pupils behind one address, from eight to nine on the first morning: nobody is known, and most come at the bell.
    fn school(&mut self) {
        for pupil in 0..600 {
            let late = if self.chance.happens(700) {
                self.chance.below(10 * MINUTE)
            } else {
                self.chance.below(HOUR)
            };
            let keeps_cookies = self.chance.happens(500);
            let days = (0..self.days).map(|day| day * DAY + late).collect();
            self.person("school", format!("pupil{pupil}"), vec![SCHOOL], days, keeps_cookies);
        }
    }

    /// 5,000 behind one address over a day, who come twice.
    fn office(&mut self) {
        for worker in 0..5_000 {
            let morning = self.chance.below(3 * HOUR);
            let later = 4 * HOUR + self.chance.below(6 * HOUR);
            let keeps_cookies = self.chance.happens(700);
            let days = (0..self.days)
                .flat_map(|day| [day * DAY + morning, day * DAY + later])
                .collect();
            self.person("office", format!("worker{worker}"), vec![OFFICE], days, keeps_cookies);
        }
    }

    /// 2,000 parents on telephones, who change between forty addresses of a carrier and come three times.
    fn parents(&mut self) {
        for parent in 0..2_000 {
            let addresses = (0..3).map(|_| CARRIER + self.chance.below(40) as u32).collect();
            let parts: Vec<u64> = (0..3)
                .map(|part| part * 4 * HOUR + self.chance.below(4 * HOUR))
                .collect();
            let logins = (0..self.days)
                .flat_map(|day| parts.iter().map(move |part| day * DAY + part))
                .collect();
            let keeps_cookies = self.chance.happens(800);
            self.person("parents", format!("parent{parent}"), addresses, logins, keeps_cookies);
        }
    }

    fn people(&mut self) {
        self.school();
        self.office();
        self.parents();
    }
}

fn pair(account: String, password: String, is_right: bool) -> Pair {
    Pair {
        account,
        password,
        is_right,
    }
}

/// A list of words, none of which is right: whoever tries so many has as many chances.
fn words(account: &'static str) -> impl Iterator<Item = Pair> {
    (0..20_000).map(move |number| pair(account.into(), format!("word{number}"), false))
}

/// Stolen elsewhere: one in a hundred is right here too.
fn stolen() -> impl Iterator<Item = Pair> {
    (0..10_000).map(|number| {
        pair(
            format!("stolen{number}"),
            format!("password of {number}"),
            number % 100 == 7,
        )
    })
}

/// Three passwords, each with 500 accounts, of which ten have one of them.
fn sprayed() -> impl Iterator<Item = Pair> {
    let of = |password: u64| {
        move |clerk: u64| {
            pair(
                format!("clerk{clerk}"),
                format!("Summer202{password}!"),
                clerk % 50 == 7 && clerk % 3 == password,
            )
        }
    };
    (0..3).flat_map(move |password| (0..500).map(of(password)))
}

/// Every pupil's account with ten words.
fn pupils() -> impl Iterator<Item = Pair> {
    (0..6_000).map(|number| pair(format!("pupil{}", number % 600), format!("word{number}"), false))
}

type Attack = fn(&mut World, &'static str, u64);

const ATTACKS: [(&str, Attack); 6] = [
    ("one account, one address", |world, name, hours| {
        world.guessers(name, at(0, 1), (hours, AS_A_SCRIPT), words("pupil1"));
    }),
    ("one account, 300 addresses", |world, name, hours| {
        world.guessers(name, at(1_000, 300), (hours, AS_A_BROWSER), words("worker1"));
    }),
    ("spraying 500 accounts, one address", |world, name, hours| {
        world.guessers(name, at(2_000, 1), (hours, AS_A_SCRIPT), sprayed());
    }),
    ("spraying 500 accounts, 50 addresses", |world, name, hours| {
        world.guessers(name, at(3_000, 50), (hours, AS_A_BROWSER), sprayed());
    }),
    ("stuffing 10,000 pairs, 20 addresses", |world, name, hours| {
        world.guessers(name, at(4_000, 20), (hours, AS_A_BROWSER), stolen());
    }),
    ("a pupil guesses at 600 others", |world, name, hours| {
        world.guessers(name, SCHOOL..SCHOOL + 1, (hours, AS_A_BROWSER), pupils());
    }),
];

fn at(from: u32, count: u32) -> std::ops::Range<u32> {
    ELSEWHERE + from..ELSEWHERE + from + count
}

const PEOPLE: [&str; 3] = ["school", "office", "parents"];

fn people_table(title: &str, world: &World) -> String {
    let mut table = format!("| {title} | logins | mistyped | refused | delayed |\n|---|---|---|---|---|\n");
    for group in PEOPLE {
        let tally = world.tally(group);
        let wrong = tally.let_through - tally.succeeded;
        let _ = writeln!(
            table,
            "| {group} | {} | {wrong} | {} | {} |",
            tally.succeeded + tally.refused + tally.gave_up,
            tally.refused,
            tally.delayed
        );
    }
    table
}

#[tokio::test]
async fn nobody_is_refused_who_only_mistypes() {
    let mut world = World::new(1);
    world.people();
    world.run().await;
    println!("{}", people_table("nobody guesses", &world));
    for group in PEOPLE {
        let tally = world.tally(group);
        assert_eq!(tally.refused, 0, "{group}");
        assert!(
            tally.delayed * 5_000 <= tally.tries.max(5_000),
            "{group}: {} of {}",
            tally.delayed,
            tally.tries
        );
    }
}

#[tokio::test]
async fn those_who_guess_get_little() {
    const HOURS: u64 = 3;
    let mut table =
        "| who guesses | let through in the first hour | in each later hour | right |\n|---|---|---|---|\n".to_owned();
    let mut measured = Vec::new();
    for (name, attack) in ATTACKS {
        let mut world = World::new(2);
        attack(&mut world, name, HOURS);
        world.run().await;
        let tally = world.tally(name);
        let later = (tally.let_through - tally.first_hour) / (HOURS - 1);
        let _ = writeln!(
            table,
            "| {name} | {} | {later} | {} |",
            tally.first_hour, tally.succeeded
        );
        measured.push((tally.first_hour, later));
    }
    println!("{table}");
    let bounds = [(30, 20), (60, 30), (60, 31), (150, 80), (320, 140), (60, 31)];
    for (((name, _), (first, later)), (most_first, most_later)) in ATTACKS.iter().zip(measured).zip(bounds) {
        assert!(
            first <= most_first && later <= most_later,
            "{name}: {first} and then {later} an hour"
        );
    }
}

/// On the second day: those who have logged in before are known by their browser or by their network.
async fn attacked_by(attacks: &[(&'static str, Attack)]) -> World {
    let mut world = World::new(3);
    (world.days, world.attacked) = (2, DAY);
    world.people();
    for (name, attack) in attacks {
        attack(&mut world, name, 3);
    }
    world.run().await;
    world
}

#[tokio::test]
async fn nobody_is_refused_because_others_guess_elsewhere() {
    let world = attacked_by(&ATTACKS[..5]).await;
    println!("{}", people_table("the second day, all guess at once", &world));
    let refused: u64 = PEOPLE.iter().map(|group| world.tally(group).refused).sum();
    assert_eq!(refused, 0);
}

/// Who guesses from the same network at accounts that it knows can be told from their owners by the browser only: one in two
/// pupils keeps no cookie.
#[tokio::test]
async fn a_pupil_who_guesses_is_bounded_and_harms_those_without_a_cookie_at_most() {
    let world = attacked_by(&ATTACKS[5..]).await;
    println!("{}", people_table("the second day, a pupil guesses", &world));
    let (guesses, school) = (world.tally(ATTACKS[5].0).let_through, world.tally("school"));
    println!("{guesses} guesses in three hours");
    assert!(guesses <= 600 * 5, "{guesses}");
    assert!(school.refused <= 60, "{}", school.refused);
    assert_eq!(world.tally("office").refused + world.tally("parents").refused, 0);
}
