//! What a flood cannot do.

use std::time::{Duration, UNIX_EPOCH};

use rempart_guard::{EdgeSession, SessionId};

use super::site::number;
use crate::ended::{Ended, Why};
use crate::moment::Moment;
use crate::place::Place;
use crate::policy::Role;
use crate::table::{DEAD, LIVE, Limits, SHARDS, Shown, Table};
use crate::writer::Renewal;

const LIMITS: Limits = Limits {
    idle: 1_800_000,
    absolute: 43_200_000,
    is_enforced: true,
};
const BEGIN: Moment = 1_795_340_000_000;

fn session(sealed: Moment) -> EdgeSession {
    let time = UNIX_EPOCH + Duration::from_millis(sealed);
    EdgeSession {
        cookie: "sid".into(),
        id: number(),
        sealed: time,
        began: time,
    }
}

fn show(table: &Table, session: &EdgeSession, now: Moment) -> Result<(), Ended> {
    let shown = Shown {
        session,
        role: Role::Session,
        with: session.id,
        place: Place::default(),
    };
    table.judge(shown, LIMITS, now).map(drop)
}

fn live(table: &Table, now: Moment) -> usize {
    let mut number = 0;
    table.each_live(LIMITS, now, |_, _| number += 1);
    number
}

#[test]
fn a_flood_moves_nobody_out_and_gets_no_more_than_its_seals_say() {
    let table = Table::new(BEGIN - 10 * LIMITS.absolute);
    let patron = session(BEGIN);
    show(&table, &patron, BEGIN).unwrap();
    let flood: Vec<_> = (0..SHARDS * LIVE + 20_000).map(|_| session(BEGIN)).collect();
    for one in &flood {
        show(&table, one, BEGIN).unwrap();
    }
    let most = SHARDS * LIVE;
    assert!(live(&table, BEGIN) <= most && live(&table, BEGIN) > most * 9 / 10);
    // The patron is at work, and known by being seen, not by the seal.
    let later = BEGIN + LIMITS.idle - 1_000;
    show(&table, &patron, later).unwrap();
    show(&table, &patron, later + LIMITS.idle - 1_000).unwrap();
    // The flood stopped: nobody of it has a lease of more than the limit after the seal, in the table or not.
    let ended = flood
        .iter()
        .filter(|one| show(&table, one, BEGIN + LIMITS.idle + 1).is_err());
    assert_eq!(ended.count(), flood.len());
}

#[test]
fn a_session_without_a_place_lives_by_its_seal() {
    let table = full();
    let one = stranger(&table);
    show(&table, &one, BEGIN + LIMITS.idle - 1).unwrap();
    assert!(
        matches!(show(&table, &one, BEGIN + LIMITS.idle + 1), Err(Ended::Idle(_))),
        "as if it had not been seen"
    );
    let renewed = EdgeSession {
        sealed: UNIX_EPOCH + Duration::from_millis(BEGIN + LIMITS.idle),
        ..one
    };
    show(&table, &renewed, BEGIN + LIMITS.idle + 1).unwrap();
}

#[test]
fn places_of_those_who_have_ended_are_given_to_others() {
    let table = full();
    let one = stranger(&table);
    assert!(!is_listed(&table, one.id));
    let later = session(BEGIN + LIMITS.idle + 1);
    show(&table, &later, BEGIN + LIMITS.idle + 1).unwrap();
    assert!(is_listed(&table, later.id));
}

#[test]
fn one_that_has_logged_in_takes_the_place_of_a_stranger() {
    let table = full();
    let id = number();
    let new = Renewal {
        id,
        began: BEGIN,
        role: Role::Session,
        with: id,
        account: Some("17".into()),
        place: Place::default(),
    };
    table.writer().enter(new, LIMITS, BEGIN);
    assert!(is_listed(&table, id));
    assert!(live(&table, BEGIN) <= SHARDS * LIVE);
}

#[test]
fn what_was_ended_never_comes_back_however_many_are_ended() {
    let table = Table::new(BEGIN - 10 * LIMITS.absolute);
    let ended: Vec<_> = (0..SHARDS * DEAD * 2).map(|_| session(BEGIN)).collect();
    for (at, one) in ended.iter().enumerate() {
        let now = BEGIN + at as Moment;
        show(&table, one, now).unwrap_or_default();
        table.writer().end(one.id, Why::LoggedOut, LIMITS, now);
    }
    let mut kept = 0;
    table.each_dead(|_, _| kept += 1);
    assert!(kept <= SHARDS * DEAD, "{kept}");
    let now = BEGIN + ended.len() as Moment;
    let back = ended.iter().filter(|one| show(&table, one, now).is_ok());
    assert_eq!(back.count(), 0);
}

#[test]
fn a_place_outlives_the_floor_and_a_new_session_too() {
    let table = Table::new(BEGIN - 10 * LIMITS.absolute);
    let patron = session(BEGIN);
    show(&table, &patron, BEGIN).unwrap();
    table.raise(Some(BEGIN + 60_000));
    show(&table, &patron, BEGIN + 61_000).unwrap();
    show(&table, &session(BEGIN + 60_001), BEGIN + 61_000).unwrap();
    assert!(show(&table, &session(BEGIN + 60_000), BEGIN + 61_000).is_err());
}

proptest::proptest! {
    /// Whatever is done in whatever order, a session that was ended stays ended, and one is never let in later than its
    /// newest seal and its last request allow.
    #[test]
    fn nobody_is_let_in_who_should_not_be(steps in proptest::collection::vec((0_u8..6, 0_usize..4, 0_u64..900_000), 1..60)) {
        let table = Table::new(BEGIN - 10 * LIMITS.absolute);
        let mut now = BEGIN;
        let mut all: Vec<_> = (0..4).map(|_| (session(now), false, now)).collect();
        for (step, index, wait) in steps {
            now += wait;
            let (one, ended, last) = &mut all[index];
            match step {
                0..=2 => {
                    let began = crate::moment::moment(one.began);
                    let due = *ended || now > *last + LIMITS.idle || now > began + LIMITS.absolute;
                    proptest::prop_assert_eq!(show(&table, one, now).is_err(), due);
                    if due { *ended = true } else { *last = now }
                }
                3 => {
                    table.writer().end_with(one.id, Why::Killed, LIMITS, now);
                    *ended = true;
                }
                4 => {
                    table.writer().kill_all(LIMITS, now);
                    all.iter_mut().for_each(|(_, ended, _)| *ended = true);
                }
                _ => {
                    let sealed = now + 1_000;
                    *one = session(sealed);
                    (*ended, *last) = (false, sealed);
                    now = sealed;
                }
            }
        }
    }
}

/// Every place taken by somebody who was seen at the beginning.
fn full() -> Table {
    let table = Table::new(BEGIN - 10 * LIMITS.absolute);
    for _ in 0..SHARDS * LIVE * 5 / 4 {
        show(&table, &session(BEGIN), BEGIN).unwrap();
    }
    assert_eq!(live(&table, BEGIN), SHARDS * LIVE);
    table
}

fn stranger(table: &Table) -> EdgeSession {
    let one = session(BEGIN);
    show(table, &one, BEGIN).unwrap();
    assert!(!is_listed(table, one.id));
    one
}

fn is_listed(table: &Table, id: SessionId) -> bool {
    table.shard(id).live.contains_key(&id)
}
