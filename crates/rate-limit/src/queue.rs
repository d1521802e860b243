use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use smallvec::SmallVec;

/// The requests that wait for one quota: so many at most.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue(Arc<AtomicU32>);

/// A place in a queue, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn(Arc<AtomicU32>);

/// The places of one request. More than two quotas that delay are few.
pub(crate) type Turns = SmallVec<[Turn; 2]>;

impl Queue {
    /// A place, when there are fewer than so many taken.
    pub(crate) fn enter(&self, most: u32) -> Option<Turn> {
        let one_more = |waiting: u32| (waiting < most).then_some(waiting + 1);
        let entered = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more);
        entered.ok().map(|_| Turn(Arc::clone(&self.0)))
    }

    /// How many have a place now.
    pub(crate) fn len(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_has_so_many_places_and_gives_them_again() {
        let queue = Queue::default();
        let (first, second) = (queue.enter(2), queue.enter(2));
        assert!(first.is_some() && second.is_some() && queue.enter(2).is_none());
        drop(first);
        assert_eq!(queue.len(), 1);
        assert!(queue.enter(2).is_some());
    }
}
