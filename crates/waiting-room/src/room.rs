//! The room: who is inside, who waits, who is next. It knows no HTTP and no clock.

use std::collections::HashMap;

use crate::clock::{Moment, TICK, Tick};
use crate::flow::{Estimate, Flow};
use crate::line::{Line, Waiting};
use crate::networks::{NOBODY, Networks};
use crate::policy::Terms;
use crate::ticket::Ticket;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// They have a place, under this arrival.
    Inside(Moment),
    /// There are free places, and this request takes none: a picture, or one too many of its network.
    Uncounted,
    Waits(Standing),
    /// There is no place, and this request takes no ticket.
    NoPlace,
    /// The line is full.
    Full,
    /// The network has as many tickets as one may have.
    Crowded,
}

/// Somebody in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) arrival: Moment,
    /// How many stand before them. Not known before the lots are drawn.
    pub(crate) ahead: Option<usize>,
    /// How many wait in all.
    pub(crate) waiting: usize,
    pub(crate) estimate: Option<Estimate>,
}

/// Somebody inside, or called: 16 bytes beside the arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) network: u64,
    pub(crate) seen: Tick,
    pub(crate) held: Held,
}

/// Why a place is somebody's, which says how long without a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// It is their turn, and they have not asked since.
    Called,
    /// They walked in, and their ticket has not come back yet.
    Unshown,
    /// They are inside.
    Inside,
}

#[derive(Debug)]
pub(crate) struct Room {
    began: Moment,
    last: Moment,
    last_arrival: Moment,
    /// The opening by which the line is ordered, and whether lots are drawn.
    order: (Option<Moment>, bool),
    pub(crate) line: Line,
    pub(crate) places: HashMap<Moment, Place>,
    pub(crate) networks: Networks,
    flow: Flow,
    /// When the next admission would be due at the written rate, in microseconds.
    due: Moment,
    swept: Tick,
    /// Ticks in which nobody at all asked, while there was a line: they count against nobody in it.
    silent: Tick,
    /// Whether people of an earlier life of the room have come back, so that more may follow who stand before them.
    is_recovering: bool,
}

impl Room {
    pub(crate) fn new(now: Moment) -> Self {
        Self {
            began: now,
            last: now,
            last_arrival: now,
            order: (None, true),
            line: Line::default(),
            places: HashMap::new(),
            networks: Networks::default(),
            flow: Flow::default(),
            due: 0,
            swept: 0,
            silent: 0,
            is_recovering: false,
        }
    }

    /// Decides about a request that shows this ticket. `takes` says whether it may take a place or a ticket, if it has none.
    pub(crate) fn ask(
        &mut self,
        terms: &Terms,
        now: Moment,
        shown: Option<Ticket>,
        network: u64,
        takes: bool,
    ) -> Entry {
        self.advance(terms, now);
        let shown = shown.and_then(|ticket| self.known(terms, ticket).or_else(|| self.comes_back(terms, ticket)));
        shown.unwrap_or_else(|| self.comes_new(terms, network, takes))
    }

    /// A request that waits for nothing shows this ticket: they are still there.
    pub(crate) fn touch(&mut self, terms: &Terms, now: Moment, ticket: Ticket) {
        self.advance(terms, now);
        self.known(terms, ticket);
    }

    /// Counts a whole network as one person who would have a place, if there is one: nobody is given a ticket.
    pub(crate) fn watch(&mut self, terms: &Terms, now: Moment, network: u64) -> bool {
        self.advance(terms, now);
        let place = Place {
            network: NOBODY,
            seen: self.tick(),
            held: Held::Inside,
        };
        if let Some(known) = self.places.get_mut(&network) {
            *known = place;
            return true;
        }
        let has_place = self.lets_in(terms) && self.has_place(terms);
        if has_place {
            self.take_place(terms, network, place);
        }
        has_place
    }

    /// Lets go who is gone, draws lots when it is time, and calls who is next.
    pub(crate) fn advance(&mut self, terms: &Terms, now: Moment) {
        let silence = now.saturating_sub(self.last) / TICK;
        self.last = self.last.max(now);
        if !self.line.is_empty() {
            let beyond = silence.saturating_sub(u64::from(SILENCE));
            self.silent = self.silent.saturating_add(Tick::try_from(beyond).unwrap_or(Tick::MAX));
        }
        let order = (terms.opens, self.is_open(terms));
        if order != self.order {
            self.order = order;
            let drawn = self.order;
            self.line.order_by(|arrival| key(terms, drawn, arrival));
        }
        if self.tick() >= self.swept.saturating_add(SWEEP) {
            self.sweep(terms);
        }
        self.call(terms);
    }

    /// People inside and called.
    pub(crate) fn inside(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        let places = self.places.capacity() * (size_of::<(Moment, Place)>() + 1) * 8 / 7;
        size_of::<Self>() + places + self.line.bytes() + self.networks.bytes() + self.flow.bytes()
    }

    /// The moment of the last request.
    pub(crate) const fn last(&self) -> Moment {
        self.last
    }

    fn tick(&self) -> Tick {
        Tick::try_from((self.last - self.began) / TICK).unwrap_or(Tick::MAX)
    }

    /// The line's time: without the silence.
    fn line_tick(&self) -> Tick {
        self.tick().saturating_sub(self.silent)
    }

    /// Takes over what an earlier life has kept. Who is in it is in nobody's count.
    pub(crate) fn take_over(&mut self, terms: &Terms, line: Vec<Waiting>, places: Vec<(Moment, Place)>) {
        self.order = (terms.opens, self.is_open(terms));
        for one in line {
            let key = key(terms, self.order, one.arrival);
            self.line.insert(Waiting { key, ..one });
            self.last_arrival = self.last_arrival.max(one.arrival);
        }
        for (arrival, place) in places {
            self.places.insert(arrival, place);
            self.last_arrival = self.last_arrival.max(arrival);
        }
    }

    fn is_open(&self, terms: &Terms) -> bool {
        terms.opens.is_none_or(|opens| self.last >= opens)
    }

    /// Whether somebody is let in now, if there is a place.
    fn lets_in(&self, terms: &Terms) -> bool {
        self.is_open(terms) && !(self.is_recovering && self.tick() < SETTLED)
    }

    fn has_place(&self, terms: &Terms) -> bool {
        let is_due = terms
            .admit
            .is_none_or(|admit| self.due <= self.last.saturating_add(admit.ahead));
        is_due && self.places.len() < terms.active
    }

    fn take_place(&mut self, terms: &Terms, arrival: Moment, place: Place) {
        if let Some(admit) = terms.admit {
            self.due = self.due.max(self.last).saturating_add(admit.interval);
        }
        self.places.insert(arrival, place);
    }

    /// The next in the line, in their order, as far as there are places.
    fn call(&mut self, terms: &Terms) {
        if !self.lets_in(terms) {
            return;
        }
        let (now, line_now) = (self.tick(), self.line_tick());
        while let Some(first) = self.line.front().copied()
            && self.has_place(terms)
        {
            self.line.pop();
            if is_gone(&first, terms, line_now) {
                self.networks.take(first.network);
                self.flow.left(now, 1);
                continue;
            }
            let place = Place {
                network: first.network,
                seen: now.saturating_sub(line_now.saturating_sub(first.seen)),
                held: Held::Called,
            };
            self.take_place(terms, first.arrival, place);
        }
        match self.line.is_empty() {
            true => self.flow.end(),
            false => self.flow.begin(now),
        }
    }

    fn sweep(&mut self, terms: &Terms) {
        let (now, line_now) = (self.tick(), self.line_tick());
        let since = now - self.swept;
        self.swept = now;
        let (before, networks) = (self.places.len(), &mut self.networks);
        self.places.retain(|_, place| {
            let stays = !place.is_over(terms, now);
            if !stays {
                networks.take(place.network);
            }
            stays
        });
        self.flow.freed(now, before - self.places.len());
        let (before, networks) = (self.line.len(), &mut self.networks);
        self.flow.waited(now, before, since);
        self.line.retain(|one| {
            let stays = !is_gone(one, terms, line_now);
            if !stays {
                networks.take(one.network);
            }
            stays
        });
        self.flow.left(now, before - self.line.len());
        self.flow.add_up(now);
    }

    /// Somebody who is inside or in the line.
    fn known(&mut self, terms: &Terms, ticket: Ticket) -> Option<Entry> {
        let now = self.tick();
        if let Some(place) = self.places.get_mut(&ticket.arrival) {
            if !place.is_over(terms, now) && self.order.1 {
                place.seen = now;
                place.held = Held::Inside;
                return Some(Entry::Inside(ticket.arrival));
            }
            // Over, or the opening was put off: then they wait as all others do.
            let place = self.places.remove(&ticket.arrival)?;
            self.networks.take(place.network);
            self.flow.freed(now, 1);
            return (!self.order.1).then(|| self.queue(terms, ticket.arrival, place.network, true));
        }
        let position = self.line.position(key(terms, self.order, ticket.arrival))?;
        let line_now = self.line_tick();
        let one = self.line.at(position);
        if is_gone(one, terms, line_now) {
            let gone = self.line.remove(position)?;
            self.networks.take(gone.network);
            self.flow.left(now, 1);
            return None;
        }
        (one.seen, one.is_shown) = (line_now, true);
        Some(self.standing(terms, ticket.arrival, position))
    }

    /// Somebody of an earlier life of this room, whose ticket says that they were there shortly before it ended.
    fn comes_back(&mut self, terms: &Terms, ticket: Ticket) -> Option<Entry> {
        let kept = if ticket.is_inside {
            terms.session
        } else {
            terms.keep_place
        };
        let is_earlier = ticket.seen <= self.began && ticket.arrival <= self.began;
        if !is_earlier || (self.last - ticket.seen) / TICK > u64::from(kept) {
            return None;
        }
        if ticket.is_inside && self.order.1 && self.places.len() < terms.active {
            let place = Place {
                network: NOBODY,
                seen: self.tick(),
                held: Held::Inside,
            };
            self.places.insert(ticket.arrival, place);
            return Some(Entry::Inside(ticket.arrival));
        }
        if self.line.len() >= terms.max_waiting {
            return Some(Entry::Full);
        }
        self.is_recovering |= self.order.1;
        Some(self.queue(terms, ticket.arrival, NOBODY, true))
    }

    fn comes_new(&mut self, terms: &Terms, network: u64, takes: bool) -> Entry {
        let is_crowded = self.networks.count(network) >= terms.max_per_client;
        if self.lets_in(terms) && self.line.is_empty() && self.has_place(terms) {
            if is_crowded || !takes {
                return Entry::Uncounted;
            }
            let arrival = self.arrival();
            let place = Place {
                network,
                seen: self.tick(),
                held: Held::Unshown,
            };
            self.networks.add(network);
            self.take_place(terms, arrival, place);
            return Entry::Inside(arrival);
        }
        match (takes, is_crowded, self.line.len() >= terms.max_waiting) {
            (false, ..) => Entry::NoPlace,
            (_, true, _) => Entry::Crowded,
            (_, _, true) => Entry::Full,
            _ => {
                let arrival = self.arrival();
                self.queue(terms, arrival, network, false)
            }
        }
    }

    fn queue(&mut self, terms: &Terms, arrival: Moment, network: u64, is_shown: bool) -> Entry {
        self.networks.add(network);
        let position = self.line.insert(Waiting {
            key: key(terms, self.order, arrival),
            arrival,
            network,
            seen: self.line_tick(),
            is_shown,
        });
        if self.lets_in(terms) {
            self.flow.begin(self.tick());
        }
        self.standing(terms, arrival, position)
    }

    fn standing(&self, terms: &Terms, arrival: Moment, position: usize) -> Entry {
        let pace = terms.admit.map(|admit| admit.interval as f64 / TICK as f64);
        // While there are places it is the written rate alone that people wait for.
        let estimate = || match (self.places.len() >= terms.active, pace) {
            (false, Some(pace)) => Some(self.flow.written(position, pace)),
            (_, pace) => self.flow.measured(position, pace),
        };
        Entry::Waits(Standing {
            arrival,
            ahead: self.order.1.then_some(position),
            waiting: self.line.len(),
            estimate: self.order.1.then(estimate).flatten(),
        })
    }

    /// A moment that nobody else has come in.
    fn arrival(&mut self) -> Moment {
        self.last_arrival = self.last.max(self.last_arrival + 1);
        self.last_arrival
    }
}

impl Place {
    fn is_over(&self, terms: &Terms, now: Tick) -> bool {
        let kept = match self.held {
            Held::Inside => terms.session,
            Held::Called | Held::Unshown => terms.keep_place,
        };
        now.saturating_sub(self.seen) > kept
    }
}

fn is_gone(one: &Waiting, terms: &Terms, line_now: Tick) -> bool {
    let kept = if one.is_shown {
        terms.keep_place
    } else {
        terms.unshown()
    };
    line_now.saturating_sub(one.seen) > kept
}

/// Where an arrival stands: who came before the opening by lot once these are drawn, and before whoever came after it.
fn key(terms: &Terms, (opens, is_drawn): (Option<Moment>, bool), arrival: Moment) -> u64 {
    match opens.filter(|opens| arrival < *opens) {
        Some(opens) if is_drawn => terms.keys.lot(arrival, opens),
        Some(_) => arrival,
        None => LATE | arrival,
    }
}

/// The key of everybody who came after the opening.
const LATE: u64 = 1 << 63;

/// In ticks, as all of these: how often it is looked who is gone.
const SWEEP: Tick = 10;
/// How long a line can be silent by chance: even a line of one asks every 20 seconds, or after 40 where a form was refused.
const SILENCE: Tick = 450;
/// When all who waited before a restart have asked again.
const SETTLED: Tick = 450;
