use super::*;
use crate::Keys;

const LIVE: u64 = 1_000;

fn table(keys: u32) -> (Table, Keys) {
    (Table::with_room(Room::For(keys)), Keys::random())
}

fn key(keys: &Keys, number: u64) -> Key {
    keys.key(&[&number.to_le_bytes()])
}

fn spot(table: &Table, key: Key, now: u64) -> Spot {
    table.find(&table.lock_for(key), key, now)
}

/// Counts how many new keys would find no place.
fn turned_away(table: &Table, keys: &Keys, numbers: std::ops::Range<u64>) -> usize {
    let spots = numbers.map(|number| spot(table, key(keys, number), 0));
    spots.filter(|spot| *spot == Spot::Crowd).count()
}

/// Charges so many new keys that stay live, and counts those that found no place.
fn charge(table: &Table, keys: &Keys, numbers: std::ops::Range<u64>) -> usize {
    let mut crowd = 0;
    for key in numbers.map(|number| key(keys, number)) {
        let mut sets = table.lock_for(key);
        let spot = table.find(&sets, key, 0);
        crowd += usize::from(spot == Spot::Crowd);
        sets.charge(spot, key, LIVE);
    }
    crowd
}

#[test]
fn a_table_takes_sixteen_bytes_a_key_whoever_comes() {
    let (table, keys) = table(65_536);
    charge(&table, &keys, 0..1_000_000);
    assert_eq!((table.places(), table.bytes()), (65_536, 1_048_576));
    charge(&table, &keys, 1_000_000..2_000_000);
    assert_eq!((table.places(), table.bytes()), (65_536, 1_048_576));
}

#[test]
fn a_table_that_nobody_comes_to_takes_nothing() {
    let (empty, keys) = table(65_536);
    assert_eq!(turned_away(&empty, &keys, 0..1_000), 0);
    assert_eq!((empty.places(), empty.bytes()), (65_536, 0));
    charge(&empty, &keys, 0..1);
    assert_eq!(empty.bytes(), 4_096);
    let (odd, keys) = table(128 * 33);
    charge(&odd, &keys, 0..1_000_000);
    assert_eq!(
        (odd.places(), odd.bytes()),
        (128 * 34, 128 * 34 * 16),
        "two pages of seventeen sets"
    );
}

#[test]
fn a_table_three_quarters_full_turns_away_less_than_one_in_a_thousand() {
    let (table, keys) = table(65_536);
    let turned_away = charge(&table, &keys, 0..49_152);
    assert!(turned_away < 49, "{turned_away} of 49152");
}

#[test]
fn a_table_two_thirds_full_turns_away_less_than_one_in_ten_thousand() {
    let (table, keys) = table(65_536);
    let turned_away = charge(&table, &keys, 0..43_690);
    assert!(turned_away <= 4, "{turned_away} of 43690");
}

#[test]
fn a_shard_that_is_empty_is_one_cache_line() {
    assert_eq!(size_of::<Shard>(), 64);
}

#[test]
fn a_live_key_is_never_moved_out() {
    let (table, keys) = table(1_024);
    charge(&table, &keys, 0..500);
    let has_place = |number: &u64| matches!(spot(&table, key(&keys, *number), 0), Spot::Known(..));
    let held: Vec<_> = (0..500_u64).filter(has_place).collect();
    assert!(held.len() > 450);
    charge(&table, &keys, 1_000..100_000);
    assert!(held.iter().all(has_place));
    let tat = |key: Key| {
        let spot = spot(&table, key, 0);
        table.lock_for(key).tat(spot)
    };
    assert!(held.iter().all(|number| tat(key(&keys, *number)) == LIVE));
}

#[test]
fn a_place_whose_bucket_is_full_again_is_given_to_the_next() {
    let (table, keys) = table(128);
    charge(&table, &keys, 0..10_000);
    assert!(turned_away(&table, &keys, 20_000..20_100) > 90, "full of live keys");
    let later = (20_000..20_100_u64).filter(|number| spot(&table, key(&keys, *number), LIVE) == Spot::Crowd);
    assert_eq!(later.count(), 0);
}

#[test]
fn a_place_that_is_not_charged_is_not_taken() {
    let (table, keys) = table(128);
    assert_eq!(turned_away(&table, &keys, 0..10_000), 0);
}

#[test]
fn a_table_for_one_is_one_bucket() {
    let (table, keys) = (Table::with_room(Room::One), Keys::random());
    charge(&table, &keys, 0..1);
    let other = key(&keys, 2);
    assert_eq!(spot(&table, other, 0), Spot::One);
    assert_eq!(table.lock_for(other).tat(Spot::One), LIVE);
    assert_eq!(table.bytes(), 0);
}

#[test]
fn when_the_store_was_heard_is_no_part_of_what_a_key_is_known_by() {
    let (table, keys) = table(128);
    let known = key(&keys, 1);
    let mut sets = table.lock_for(known);
    let free = table.find(&sets, known, 0);
    sets.hear(free, known, LIVE, 0xabcd);
    let spot = table.find(&sets, known, 0);
    assert!(matches!(spot, Spot::Known(..)));
    sets.charge(spot, known, 2 * LIVE);
    assert_eq!((sets.heard(spot), sets.tat(spot)), (0xabcd, 2 * LIVE));
}

#[test]
fn a_place_of_the_largest_table_fits_into_one_number() {
    let pages = Layout::with_room_for(u32::MAX).pages as usize;
    for place in [(0, 0, 0), (1, 2, 3), (pages - 1, PAGE as usize - 1, WAYS - 1)] {
        let at = Way::new(place.0, place.1, place.2);
        assert_eq!((at.page(), at.set(), at.way()), place);
    }
}
