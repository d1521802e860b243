//! How much of a capacity is free, without a counter that every core writes for every request.

use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

/// What is free of one capacity. A credit is taken before something begins and given back when it has ended.
///
/// Given-back credits stay in the giver's cell, up to a few, where the next of the same worker finds them: in the steady
/// state a worker touches its own cache line and nobody else's. What is not in a cell is in the common account, which may
/// be in debt: whoever is guaranteed its share takes a credit that is not there, and the next ones given back pay for it.
///
/// No credit is ever on the way between two places, so that whoever looks through all of them and finds none can rely on
/// the next giver's finding *him*.
pub(crate) struct Credits {
    common: Line,
    cells: Box<[Line]>,
    keep: AtomicI64,
}

impl Credits {
    pub(crate) fn new(capacity: u32, workers: usize) -> Self {
        let credits = Self {
            common: Line(AtomicI64::new(capacity.into())),
            cells: (0..workers.max(1)).map(|_| Line::default()).collect(),
            keep: AtomicI64::new(0),
        };
        credits.keep.store(credits.kept_of(capacity), SeqCst);
        credits
    }

    /// Takes a credit if one is free anywhere, nearest first.
    pub(crate) fn take(&self, worker: usize) -> bool {
        let own = worker % self.cells.len();
        self.cells[own].take()
            || self.common.take()
            || self
                .cells
                .iter()
                .enumerate()
                .any(|(cell, line)| cell != own && line.take())
    }

    /// Takes a credit, on debt if none is free.
    pub(crate) fn take_anyway(&self, worker: usize) {
        if !self.take(worker) {
            self.common.0.fetch_sub(1, SeqCst);
        }
    }

    /// Gives a credit back: to all when they are `wanted` or a debt is open, and else to the worker's own cell.
    pub(crate) fn give(&self, worker: usize, wanted: bool) {
        let cell = &self.cells[worker % self.cells.len()];
        let keeps = !wanted && cell.0.load(SeqCst) < self.keep.load(SeqCst) && self.common.0.load(SeqCst) >= 0;
        let line = if keeps { cell } else { &self.common };
        line.0.fetch_add(1, SeqCst);
    }

    /// Another capacity. A smaller one than is in use is a debt.
    pub(crate) fn resize(&self, old: u32, new: u32) {
        self.keep.store(self.kept_of(new), SeqCst);
        self.common.0.fetch_add(i64::from(new) - i64::from(old), SeqCst);
    }

    /// What is free, less what is owed. Exact when nobody takes or gives meanwhile.
    pub(crate) fn free(&self) -> i64 {
        let cells: i64 = self.cells.iter().map(|line| line.0.load(SeqCst)).sum();
        self.common.0.load(SeqCst) + cells
    }

    /// How many a cell keeps: never so many that the cells together hold more than an eighth of the capacity.
    fn kept_of(&self, capacity: u32) -> i64 {
        (i64::from(capacity) / (8 * self.cells.len() as i64)).min(MOST_KEPT)
    }
}

const MOST_KEPT: i64 = 32;

/// A counter on a cache line of its own.
#[repr(align(64))]
#[derive(Default)]
struct Line(AtomicI64);

impl Line {
    fn take(&self) -> bool {
        let mut free = self.0.load(SeqCst);
        while free > 0 {
            match self.0.compare_exchange_weak(free, free - 1, SeqCst, SeqCst) {
                Ok(_) => return true,
                Err(now) => free = now,
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_can_be_taken_than_there_is_wherever_it_lies() {
        let credits = Credits::new(100, 4);
        assert!((0..100).all(|worker| credits.take(worker)));
        assert!(!credits.take(0));
        (0..100).for_each(|worker| credits.give(worker, false));
        assert!(
            (0..100).all(|_| credits.take(3)),
            "what lies in the others' cells is found"
        );
        assert!(!credits.take(3));
    }

    #[test]
    fn a_debt_is_paid_before_anything_is_free() {
        let credits = Credits::new(2, 2);
        (0..5).for_each(|_| credits.take_anyway(0));
        assert_eq!(credits.free(), -3);
        (0..3).for_each(|_| credits.give(1, false));
        assert!(!credits.take(1));
        credits.give(1, false);
        assert!(credits.take(0));
    }

    #[test]
    fn a_capacity_that_shrinks_below_what_is_in_use_is_a_debt() {
        let credits = Credits::new(8, 2);
        assert!((0..8).all(|_| credits.take(0)));
        credits.resize(8, 3);
        (0..5).for_each(|_| credits.give(0, false));
        assert!(!credits.take(0));
        credits.resize(3, 4);
        assert!(credits.take(0));
    }

    #[test]
    fn threads_never_take_more_than_there_is_and_nothing_gets_lost() {
        let (credits, in_use) = (Credits::new(3, 4), AtomicI64::new(0));
        std::thread::scope(|scope| {
            for worker in 0..4 {
                let (credits, in_use) = (&credits, &in_use);
                scope.spawn(move || {
                    for _ in 0..20_000 {
                        if credits.take(worker) {
                            assert!(in_use.fetch_add(1, SeqCst) < 3);
                            in_use.fetch_sub(1, SeqCst);
                            credits.give(worker, false);
                        }
                    }
                });
            }
        });
        assert_eq!(credits.free(), 3);
    }
}
