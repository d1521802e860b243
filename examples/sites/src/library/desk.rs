//! The lending desk: patrons, what they borrowed, what they wait for.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::date::Date;
use crate::library::{DEMO_PIN, PATRONS, TITLES};
use crate::names;
use crate::seed::Seed;

/// A registered patron. Name and PIN are invented; the PIN is kept in clear.
pub(super) struct Patron {
    pub(super) number: u32,
    pub(super) card: String,
    pub(super) pin: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) phone: String,
    pub(super) address: String,
}

/// A title at somebody's home.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Loan {
    pub(super) id: u32,
    #[serde(skip)]
    pub(super) patron: u32,
    pub(super) title: u32,
    #[serde(serialize_with = "iso")]
    pub(super) due: Date,
    pub(super) renewals: u32,
}

/// A title somebody waits for.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Hold {
    pub(super) id: u32,
    #[serde(skip)]
    pub(super) patron: u32,
    pub(super) title: u32,
    #[serde(serialize_with = "iso")]
    pub(super) placed: Date,
}

/// Why the desk says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Not there, or somebody else's.
    Unknown,
    /// Renewed [`MOST_RENEWALS`] times already.
    RenewedEnough,
    /// [`MOST_HOLDS`] holds already, or this title already.
    HeldEnough,
}

/// The desk, open for the day.
pub(super) struct Desk {
    pub(super) patrons: Vec<Patron>,
    slips: Mutex<Slips>,
}

impl Desk {
    /// Today's loans and holds: the same titles for the same patrons, due in the coming weeks.
    pub(super) fn open() -> Self {
        let mut slips = Slips {
            loans: Vec::new(),
            holds: Vec::new(),
            last: 0,
        };
        let today = Date::today();
        for patron in 1..=PATRONS {
            slips.fill(patron, today);
        }
        Self {
            patrons: (1..=PATRONS).map(Patron::invent).collect(),
            slips: Mutex::new(slips),
        }
    }

    pub(super) fn patron(&self, number: u32) -> Option<&Patron> {
        self.patrons.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    pub(super) fn loans(&self, patron: u32) -> Vec<Loan> {
        self.slips()
            .loans
            .iter()
            .filter(|loan| loan.patron == patron)
            .cloned()
            .collect()
    }

    pub(super) fn holds(&self, patron: u32) -> Vec<Hold> {
        self.slips()
            .holds
            .iter()
            .filter(|hold| hold.patron == patron)
            .cloned()
            .collect()
    }

    /// How many copies of a title are out.
    pub(super) fn lent(&self, title: u32) -> usize {
        self.slips().loans.iter().filter(|loan| loan.title == title).count()
    }

    /// Three more weeks from today, twice at most.
    pub(super) fn renew(&self, patron: u32, loan: u32) -> Result<Loan, Refused> {
        let mut slips = self.slips();
        let mut loans = slips.loans.iter_mut();
        let loan = loans
            .find(|l| l.id == loan && l.patron == patron)
            .ok_or(Refused::Unknown)?;
        if loan.renewals >= MOST_RENEWALS {
            return Err(Refused::RenewedEnough);
        }
        loan.renewals += 1;
        loan.due = Date::today().plus(LOAN_DAYS);
        Ok(loan.clone())
    }

    pub(super) fn hold(&self, patron: u32, title: u32) -> Result<Hold, Refused> {
        if title == 0 || title > TITLES {
            return Err(Refused::Unknown);
        }
        let mut slips = self.slips();
        let mine = slips.holds.iter().filter(|hold| hold.patron == patron);
        let (held, twice) = mine.fold((0, false), |(n, twice), hold| (n + 1, twice || hold.title == title));
        if twice || held >= MOST_HOLDS {
            return Err(Refused::HeldEnough);
        }
        let id = slips.number();
        let hold = Hold {
            id,
            patron,
            title,
            placed: Date::today(),
        };
        slips.holds.push(hold.clone());
        Ok(hold)
    }

    pub(super) fn cancel(&self, patron: u32, hold: u32) -> Result<(), Refused> {
        let mut slips = self.slips();
        let place = slips.holds.iter().position(|h| h.id == hold && h.patron == patron);
        slips.holds.remove(place.ok_or(Refused::Unknown)?);
        Ok(())
    }

    fn slips(&self) -> MutexGuard<'_, Slips> {
        self.slips.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Patron {
    fn invent(number: u32) -> Self {
        let seed = &mut Seed::of(SEED, number);
        let (first, last) = names::person(seed);
        let pin = format!("{:04}", seed.below(10_000));
        Self {
            number,
            card: format!("29001{number:09}"),
            pin: if number == DEMO_PATRON {
                DEMO_PIN.to_owned()
            } else {
                pin
            },
            name: format!("{first} {last}"),
            email: names::email(seed, first, last, number),
            phone: names::phone(seed),
            address: format!("{}, {}", names::address(seed), names::town(seed)),
        }
    }
}

struct Slips {
    loans: Vec<Loan>,
    holds: Vec<Hold>,
    last: u32,
}

impl Slips {
    fn fill(&mut self, patron: u32, today: Date) {
        let seed = &mut Seed::of(SEED ^ 1, patron);
        let loans = if patron == DEMO_PATRON { 4 } else { seed.below(5) };
        for _ in 0..loans {
            let due = today.plus(i32::try_from(seed.below(24)).unwrap_or(0) - 3);
            let (id, title, renewals) = (self.number(), 1 + seed.below(TITLES), seed.below(MOST_RENEWALS));
            self.loans.push(Loan {
                id,
                patron,
                title,
                due,
                renewals,
            });
        }
        if seed.chance(30) || patron == DEMO_PATRON {
            let placed = today.plus(-i32::try_from(seed.below(30)).unwrap_or(0));
            let (id, title) = (self.number(), 1 + seed.below(TITLES));
            self.holds.push(Hold {
                id,
                patron,
                title,
                placed,
            });
        }
    }

    fn number(&mut self) -> u32 {
        self.last += 1;
        self.last
    }
}

fn iso<S: serde::Serializer>(date: &Date, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(date)
}

const SEED: u64 = 0x0CA2_D017;
const DEMO_PATRON: u32 = 17;
const LOAN_DAYS: i32 = 21;
/// How often a loan can be renewed.
pub(super) const MOST_RENEWALS: u32 = 2;
/// How many titles one patron can wait for.
pub(super) const MOST_HOLDS: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loan_is_renewed_twice_at_most() {
        let desk = Desk::open();
        let loan = desk.loans(DEMO_PATRON)[0].clone();
        for _ in loan.renewals..MOST_RENEWALS {
            assert!(desk.renew(DEMO_PATRON, loan.id).unwrap().due > Date::today());
        }
        assert_eq!(desk.renew(DEMO_PATRON, loan.id).unwrap_err(), Refused::RenewedEnough);
    }

    #[test]
    fn nobody_renews_or_cancels_what_is_somebody_elses() {
        let desk = Desk::open();
        let (loan, hold) = (desk.loans(DEMO_PATRON)[0].id, desk.holds(DEMO_PATRON)[0].id);
        assert_eq!(desk.renew(18, loan).unwrap_err(), Refused::Unknown);
        assert_eq!(desk.cancel(18, hold).unwrap_err(), Refused::Unknown);
        assert_eq!(desk.holds(DEMO_PATRON).len(), 1);
    }

    #[test]
    fn holds_are_bounded_and_not_doubled() {
        let desk = Desk::open();
        let first = desk.holds(DEMO_PATRON)[0].title;
        assert_eq!(desk.hold(DEMO_PATRON, first).unwrap_err(), Refused::HeldEnough);
        assert_eq!(desk.hold(DEMO_PATRON, TITLES + 1).unwrap_err(), Refused::Unknown);
        let placed = (1..=TITLES)
            .filter(|title| desk.hold(DEMO_PATRON, *title).is_ok())
            .count();
        assert_eq!(placed + 1, MOST_HOLDS as usize);
    }
}
