//! One child's file on the waiting list, and how 86,000 of them are invented.

use serde::Serialize;

use crate::date::Date;
use crate::daycare::{CENTRES, HOMONYM_FILE, MINISTER_FILE, MINISTER_NAME};
use crate::names;
use crate::seed::Seed;

/// One child's file. Dates are ISO 8601.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct File {
    pub(super) id: u32,
    pub(super) child_first_name: String,
    pub(super) child_last_name: String,
    pub(super) birth_date: String,
    pub(super) parent1: String,
    /// Empty for one family in eight.
    pub(super) parent2: String,
    pub(super) phone: String,
    pub(super) email: String,
    pub(super) address: String,
    pub(super) city: String,
    pub(super) postal_code: String,
    pub(super) registered_on: String,
    pub(super) status: String,
    /// The centre the parents want, from 1 to [`CENTRES`].
    pub(super) centre: u32,
}

impl File {
    /// The names of the fields, in their order: the CSV's head and the table's columns.
    pub(super) const COLUMNS: [&str; 14] = [
        "id",
        "child_first_name",
        "child_last_name",
        "birth_date",
        "parent1",
        "parent2",
        "phone",
        "email",
        "address",
        "city",
        "postal_code",
        "registered_on",
        "status",
        "centre",
    ];

    /// The file of that number, the same on every machine.
    pub(super) fn invent(id: u32) -> Self {
        let seed = &mut Seed::of(SEED, id);
        let (first1, last1) = names::person(seed);
        let (first2, last2) = names::person(seed);
        let alone = seed.chance(12);
        let child_last = if alone || seed.chance(55) { last1 } else { last2 };
        let birth = Date::new_year(2021).plus(days(seed, 6 * 365));
        let registered = birth.plus(days(seed, 700) - 200).min(Date::new_year(2026).plus(303));
        let mut file = Self {
            id,
            child_first_name: names::first_name(seed, child_last).to_owned(),
            child_last_name: child_last.to_owned(),
            birth_date: birth.to_string(),
            parent1: format!("{first1} {last1}"),
            parent2: if alone {
                String::new()
            } else {
                format!("{first2} {last2}")
            },
            phone: names::phone(seed),
            email: names::email(seed, first1, last1, id),
            address: names::address(seed),
            city: names::town(seed).to_owned(),
            postal_code: names::postal_code(seed),
            registered_on: registered.to_string(),
            status: seed.pick(STATUS).to_owned(),
            centre: 1 + seed.below(CENTRES),
        };
        if id == MINISTER_FILE || id == HOMONYM_FILE {
            file.name_after_the_minister();
        }
        file
    }

    /// Number and centre as text, so that every column can be borrowed.
    pub(super) fn numbers(&self) -> (String, String) {
        (self.id.to_string(), self.centre.to_string())
    }

    /// All fields in the order of [`COLUMNS`](Self::COLUMNS), as text; `numbers` are [its own](Self::numbers).
    pub(super) fn fields<'a>(&'a self, numbers: &'a (String, String)) -> [&'a str; 14] {
        [
            &numbers.0,
            &self.child_first_name,
            &self.child_last_name,
            &self.birth_date,
            &self.parent1,
            &self.parent2,
            &self.phone,
            &self.email,
            &self.address,
            &self.city,
            &self.postal_code,
            &self.registered_on,
            &self.status,
            &numbers.1,
        ]
    }

    fn name_after_the_minister(&mut self) {
        self.parent1 = MINISTER_NAME.to_owned();
        self.child_last_name = "Larivée-Désormeaux".to_owned();
        self.email = format!("mathilde.larivee-desormeaux{}@example.org", self.id);
        self.status = "En attente".to_owned();
    }
}

/// What a daycare centre is called.
pub(super) fn centre_name(centre: u32) -> String {
    let at = centre.saturating_sub(1) as usize;
    let (kind, place) = (KINDS[at % KINDS.len()], PLACES[(at / KINDS.len()) % PLACES.len()]);
    format!("CPE {kind} {place}")
}

fn days(seed: &mut Seed, end: u32) -> i32 {
    i32::try_from(seed.below(end)).unwrap_or(0)
}

const SEED: u64 = 0x000D_A7CA_2E21;

const STATUS: &[&str] = &[
    "En attente",
    "En attente",
    "En attente",
    "En attente",
    "En attente",
    "En attente",
    "Place offerte",
    "Admis",
    "Admis",
    "Retiré",
];

const KINDS: [&str; 24] = [
    "Les Coccinelles",
    "La Ribambelle",
    "Les Petits Pas",
    "L’Arc-en-ciel",
    "Les Lutins",
    "La Farandole",
    "Les Mésanges",
    "Le Jardin",
    "Les Oursons",
    "La Marelle",
    "Les Bout-de-chou",
    "La Luciole",
    "Les Moussaillons",
    "La Pirouette",
    "Les Étoiles",
    "Le Cerf-volant",
    "Les Écureuils",
    "La Trottinette",
    "Les Bleuets",
    "La Grenouille",
    "Les Bécassines",
    "Le Petit Train",
    "Les Galopins",
    "La Cabriole",
];

const PLACES: [&str; 10] = [
    "du Moulin",
    "de la Gare",
    "des Érables",
    "du Parc",
    "de la Rive",
    "du Vieux-Quai",
    "des Collines",
    "de l’École",
    "du Lac",
    "du Faubourg",
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::daycare::{FILES, PARENT_1017};
    use crate::seed::fnv;
    use crate::text::csv_line;

    fn line(id: u32) -> String {
        let file = File::invent(id);
        let numbers = file.numbers();
        csv_line(file.fields(&numbers))
    }

    #[test]
    fn the_list_is_what_it_was() {
        assert_eq!(format!("{:016x}", fnv(line(1).as_bytes())), "dff790535f57de13");
        assert_eq!(format!("{:016x}", fnv(line(FILES).as_bytes())), "05c46370e24e6541");
        let whole: String = (1..=FILES).map(line).collect();
        assert_eq!(format!("{:016x}", fnv(whole.as_bytes())), "deee09acc122b359");
    }

    #[test]
    fn only_two_files_carry_the_ministers_name() {
        let named = (1..=FILES).filter(|id| File::invent(*id).parent1 == MINISTER_NAME);
        assert_eq!(named.collect::<Vec<_>>(), [MINISTER_FILE, HOMONYM_FILE]);
        assert_ne!(File::invent(MINISTER_FILE).address, File::invent(HOMONYM_FILE).address);
    }

    #[test]
    fn no_file_could_be_a_real_familys() {
        for id in (1..=FILES).step_by(7) {
            let file = File::invent(id);
            assert!(file.phone.contains("-555-01"), "{}", file.phone);
            assert!(file.email.contains("@example."), "{}", file.email);
            assert!((1..=CENTRES).contains(&file.centre));
            assert!(file.registered_on.as_str() < "2026-11-02", "{}", file.registered_on);
        }
    }

    #[test]
    fn the_documented_parent_is_on_the_list() {
        assert_eq!(
            (PARENT_1017.0, PARENT_1017.1),
            ("1017", File::invent(1_017).birth_date.as_str())
        );
    }

    #[test]
    fn every_centre_has_a_name_of_its_own() {
        let names: HashSet<String> = (1..=CENTRES).map(centre_name).collect();
        assert_eq!(names.len(), CENTRES as usize);
    }
}
