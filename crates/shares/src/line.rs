//! Who waits, in the order of their turns.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

use crate::Priority;

/// Those of one tenant who wait: by priority, and first come first served among equals.
#[derive(Default)]
pub(crate) struct Line {
    turns: BTreeMap<Ticket, oneshot::Sender<Outcome>>,
}

/// A place in a line. The number is unique within whatever has lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket {
    pub(crate) priority: Priority,
    pub(crate) number: u64,
}

/// What becomes of somebody who waits, other than that he leaves by himself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is his turn, and counted as his.
    Granted,
    /// The line was full and somebody more urgent came.
    Displaced,
}

impl Line {
    pub(crate) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Takes a place. In a line of `most` the last gives way to somebody more urgent, and is returned; without anybody
    /// less urgent there is no place.
    pub(crate) fn join(&mut self, ticket: Ticket, most: u32) -> Result<Joined, LineFull> {
        let full = self.turns.len() >= most as usize;
        let displaced = match self.turns.last_key_value() {
            Some((last, _)) if full && ticket.priority < last.priority => self.turns.pop_last(),
            _ if full => return Err(LineFull),
            _ => None,
        };
        let (sender, outcome) = oneshot::channel();
        self.turns.insert(ticket, sender);
        Ok(Joined {
            outcome,
            displaced: displaced.map(|(_, sender)| sender),
        })
    }

    /// Gives up a place. False when the place is no more, because an outcome is there or on its way.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> bool {
        self.turns.remove(&ticket).is_some()
    }

    /// Whose turn it is.
    pub(crate) fn next(&mut self) -> Option<oneshot::Sender<Outcome>> {
        self.turns.pop_first().map(|(_, sender)| sender)
    }
}

pub(crate) struct Joined {
    pub(crate) outcome: oneshot::Receiver<Outcome>,
    pub(crate) displaced: Option<oneshot::Sender<Outcome>>,
}

/// As many wait as may.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LineFull;

#[cfg(test)]
mod tests {
    use super::*;

    const fn ticket(priority: u8, number: u64) -> Ticket {
        let priority = Priority::new(priority);
        Ticket { priority, number }
    }

    #[test]
    fn the_urgent_go_first_and_equals_in_the_order_in_which_they_came() {
        let mut line = Line::default();
        let mut waiting: Vec<_> = [ticket(2, 0), ticket(1, 1), ticket(2, 2), ticket(1, 3)]
            .map(|ticket| (ticket.number, line.join(ticket, 4).ok().unwrap().outcome))
            .into();
        let mut served = Vec::new();
        while let Some(turn) = line.next() {
            turn.send(Outcome::Granted).unwrap();
            let whose = waiting.iter_mut().position(|(_, outcome)| outcome.try_recv().is_ok());
            served.push(waiting.remove(whose.unwrap()).0);
        }
        assert_eq!(served, [1, 3, 0, 2]);
    }

    #[test]
    fn a_full_line_takes_nobody_but_somebody_more_urgent_in_place_of_the_last() {
        let mut line = Line::default();
        let mut first = line.join(ticket(2, 0), 2).ok().unwrap().outcome;
        let mut last = line.join(ticket(2, 1), 2).ok().unwrap().outcome;
        assert_eq!(line.join(ticket(2, 2), 2).err(), Some(LineFull));
        let urgent = line.join(ticket(0, 3), 2).ok().unwrap();
        urgent.displaced.unwrap().send(Outcome::Displaced).unwrap();
        assert_eq!(last.try_recv(), Ok(Outcome::Displaced));
        assert!(first.try_recv().is_err());
        assert!(!line.leave(ticket(2, 1)) && line.leave(ticket(2, 0)));
    }
}
