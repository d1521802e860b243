//! Who is guaranteed how much of a capacity.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};

/// A capacity divided among those who have a claim on it.
///
/// What was claimed by a number is given first, and cut in proportion where that is more than there is. The rest is divided
/// by weight. Whoever has a claim has one at least. So nobody's claim takes from another's more than its own part of the
/// whole, and one tenant more or less costs the same, however many there are.
pub(crate) struct Division {
    claims: Mutex<Claims>,
    /// What a weight of one is given, and what of one that was claimed by a number: in parts of [`ONE`].
    per_weight: AtomicU64,
    per_explicit: AtomicU64,
}

/// What one tenant claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) weight: u32,
    /// Zero when it goes by weight.
    pub(crate) explicit: u32,
}

impl Claim {
    pub(crate) const NONE: Self = Self { weight: 0, explicit: 0 };
}

impl Division {
    pub(crate) fn new(capacity: u32) -> Self {
        let division = Self {
            claims: Mutex::new(Claims {
                capacity,
                weights: 0,
                explicit: 0,
            }),
            per_weight: AtomicU64::new(0),
            per_explicit: AtomicU64::new(ONE),
        };
        division.change(|_| ());
        division
    }

    pub(crate) fn capacity(&self) -> u32 {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner).capacity
    }

    /// Another capacity; gives the old one.
    pub(crate) fn resize(&self, capacity: u32) -> u32 {
        self.change(|claims| std::mem::replace(&mut claims.capacity, capacity))
    }

    /// Puts one claim in the place of another.
    pub(crate) fn replace(&self, old: Claim, new: Claim) {
        self.change(|claims| {
            let (weights, explicit) = claims.of(new);
            let (less_weights, less_explicit) = claims.of(old);
            claims.weights = claims.weights + weights - less_weights;
            claims.explicit = claims.explicit + explicit - less_explicit;
        });
    }

    /// What is guaranteed for a claim.
    pub(crate) fn guaranteed(&self, claim: Claim) -> u32 {
        let part = match claim {
            Claim::NONE => return 0,
            Claim { weight, explicit: 0 } => u64::from(weight) * self.per_weight.load(SeqCst),
            Claim { explicit, .. } => u64::from(explicit) * self.per_explicit.load(SeqCst),
        };
        u32::try_from(part / ONE).unwrap_or(u32::MAX).max(1)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Claims) -> T) -> T {
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&mut claims);
        let capacity = u64::from(claims.capacity);
        let given = claims.explicit.min(capacity);
        let per = |part: u64, claimed: u64| (part * ONE).checked_div(claimed).unwrap_or(part * ONE);
        self.per_weight.store(per(capacity - given, claims.weights), SeqCst);
        let per_explicit = if claims.explicit > capacity {
            per(given, claims.explicit)
        } else {
            ONE
        };
        self.per_explicit.store(per_explicit, SeqCst);
        changed
    }
}

struct Claims {
    capacity: u32,
    weights: u64,
    explicit: u64,
}

impl Claims {
    fn of(&self, claim: Claim) -> (u64, u64) {
        match claim.explicit {
            0 => (claim.weight.into(), 0),
            explicit => (0, explicit.into()),
        }
    }
}

/// Parts that one is counted in.
const ONE: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn weight(weight: u32) -> Claim {
        Claim { weight, explicit: 0 }
    }

    const fn explicit(explicit: u32) -> Claim {
        Claim { weight: 1, explicit }
    }

    fn divided(capacity: u32, claims: &[Claim]) -> Vec<u32> {
        let division = Division::new(capacity);
        claims.iter().for_each(|claim| division.replace(Claim::NONE, *claim));
        claims.iter().map(|claim| division.guaranteed(*claim)).collect()
    }

    #[test]
    fn a_capacity_is_divided_by_weight_after_what_is_claimed_by_a_number() {
        assert_eq!(divided(100, &[weight(1), weight(3)]), [25, 75]);
        assert_eq!(divided(100, &[explicit(40), weight(1), weight(2)]), [40, 20, 40]);
        assert_eq!(divided(100, &[explicit(150), explicit(50), weight(9)]), [75, 25, 1]);
    }

    #[test]
    fn everybody_has_one() {
        assert!(
            divided(64, &vec![weight(1); 10_000])
                .iter()
                .all(|guaranteed| *guaranteed == 1)
        );
    }

    #[test]
    fn who_leaves_leaves_his_part_to_the_others() {
        let division = Division::new(90);
        (0..3).for_each(|_| division.replace(Claim::NONE, weight(1)));
        assert_eq!(division.guaranteed(weight(1)), 30);
        division.replace(weight(1), Claim::NONE);
        assert_eq!(division.guaranteed(weight(1)), 45);
        assert_eq!(division.resize(180), 90);
        assert_eq!(division.guaranteed(weight(1)), 90);
        assert_eq!(division.guaranteed(Claim::NONE), 0);
    }

    proptest! {
        #[test]
        fn no_more_is_promised_than_there_is_but_the_one_that_everybody_has(
            capacity in 1_u32..100_000,
            claims in prop::collection::vec((1_u32..=100, prop::option::weighted(0.3, 1_u32..20_000)), 1..200),
        ) {
            let claims: Vec<_> = claims.iter().map(|(weight, explicit)| Claim { weight: *weight, explicit: explicit.unwrap_or(0) }).collect();
            let promised: u64 = divided(capacity, &claims).iter().map(|one| u64::from(*one)).sum();
            prop_assert!(promised <= u64::from(capacity) + claims.len() as u64);
        }
    }
}
