//! Who waits, in their order.

use std::collections::VecDeque;

use crate::clock::{Moment, Tick};

/// One person in the line: 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Their place in the order: the arrival, or a lot.
    pub(crate) key: u64,
    pub(crate) arrival: Moment,
    /// Whose count they are in.
    pub(crate) network: u64,
    pub(crate) seen: Tick,
    /// Whether their ticket has come back: that of a program without cookies never does.
    pub(crate) is_shown: bool,
}

/// People in the order of their keys. Nobody moves but forwards, as others go.
#[derive(Debug, Default)]
pub(crate) struct Line(VecDeque<Waiting>);

impl Line {
    /// Whoever comes now stands at the end; only who comes back after a restart stands further ahead.
    pub(crate) fn insert(&mut self, one: Waiting) -> usize {
        let at = match self.0.back() {
            Some(last) if last.key >= one.key => self.0.partition_point(|other| other.key < one.key),
            _ => self.0.len(),
        };
        self.0.insert(at, one);
        at
    }

    /// How many stand ahead of this key, if it is there.
    pub(crate) fn position(&self, key: u64) -> Option<usize> {
        self.0.binary_search_by_key(&key, |one| one.key).ok()
    }

    pub(crate) fn at(&mut self, position: usize) -> &mut Waiting {
        &mut self.0[position]
    }

    pub(crate) fn remove(&mut self, position: usize) -> Option<Waiting> {
        self.0.remove(position)
    }

    pub(crate) fn front(&self) -> Option<&Waiting> {
        self.0.front()
    }

    pub(crate) fn pop(&mut self) -> Option<Waiting> {
        self.0.pop_front()
    }

    /// Lets those go of whom it is said.
    pub(crate) fn retain(&mut self, stays: impl FnMut(&Waiting) -> bool) {
        self.0.retain(stays);
        if self.0.is_empty() {
            self.0 = VecDeque::new();
        }
    }

    /// Gives everybody a new key and puts them into its order.
    pub(crate) fn order_by(&mut self, key: impl Fn(Moment) -> u64) {
        self.0.iter_mut().for_each(|one| one.key = key(one.arrival));
        self.0
            .make_contiguous()
            .sort_unstable_by_key(|one| (one.key, one.arrival));
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.0.iter()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<Waiting>()
    }
}
