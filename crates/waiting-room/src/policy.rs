use std::sync::Arc;
use std::time::Duration;

use http::request;
use rempart_counts::Rate;
use rempart_guard::{Day, Enforcement, RoutePath, RoutePattern};
use time::OffsetDateTime;

use crate::clock::{Moment, Tick, moment, ticks};
use crate::ticket::TicketKeys;

/// The waiting room of one tenant as it is kept. Made of [`WaitingRoomSettings`](crate::WaitingRoomSettings).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingRoomPolicy {
    pub(crate) enforcement: Enforcement,
    pub(crate) report_until: Option<Day>,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) routes: Vec<RoutePattern>,
    pub(crate) except: Vec<RoutePattern>,
    pub(crate) active: Option<u32>,
    pub(crate) admit: Option<Rate>,
    pub(crate) session: Duration,
    pub(crate) keep_place: Duration,
    pub(crate) opens: Option<OffsetDateTime>,
    pub(crate) max_waiting: u32,
    pub(crate) max_per_client: u32,
}

impl WaitingRoomPolicy {
    /// Whether people wait, whether it is only told how many would, or nothing.
    ///
    /// [`Off`](Enforcement::Off) also when neither `active`, `admit` nor `opens` is set: then there is nothing to wait for.
    #[must_use]
    pub const fn enforcement(&self) -> Enforcement {
        if self.active.is_none() && self.admit.is_none() && self.opens.is_none() {
            return Enforcement::Off;
        }
        self.enforcement
    }

    /// The last day on which the control is meant to be in `report`, when somebody has said one.
    #[must_use]
    pub const fn report_until(&self) -> Option<Day> {
        self.report_until
    }

    /// The routes before which people wait. None means every route.
    #[must_use]
    pub fn routes(&self) -> &[RoutePattern] {
        &self.routes
    }

    /// The routes before which nobody waits, whatever `routes` says.
    #[must_use]
    pub fn except(&self) -> &[RoutePattern] {
        &self.except
    }

    /// Whether somebody without a place waits before this request. One that can be read as a route of the room waits; one is
    /// an exception only when it is one however it is read.
    pub(crate) fn applies(&self, head: &request::Parts) -> bool {
        let path = RoutePath::from(&head.uri);
        let takes = |route: &RoutePattern| route.matches(&head.method, &path);
        if !self.routes.is_empty() && !self.routes.iter().any(takes) {
            return false;
        }
        let is_except = |reading| {
            let mut except = self.except.iter();
            except.any(|route| route.matches_reading(&head.method, reading))
        };
        !path.readings().all(is_except)
    }
}

/// A policy in the units of the room, with the secret that draws lots.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) active: usize,
    pub(crate) admit: Option<Admissions>,
    pub(crate) session: Tick,
    pub(crate) keep_place: Tick,
    pub(crate) opens: Option<Moment>,
    pub(crate) max_waiting: usize,
    pub(crate) max_per_client: u32,
    pub(crate) keys: TicketKeys,
}

/// How often somebody is let in, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admissions {
    /// From one to the next.
    pub(crate) interval: u64,
    /// How far ahead of that one may be: all but one of a burst.
    pub(crate) ahead: u64,
}

impl Terms {
    pub(crate) fn new(policy: &WaitingRoomPolicy, keys: TicketKeys) -> Self {
        let admissions = |rate: Rate| {
            let interval = u64::try_from(rate.interval().as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX);
            Admissions {
                interval,
                ahead: interval.saturating_mul(u64::from(rate.burst()) - 1),
            }
        };
        Self {
            active: policy.active.unwrap_or(MOST_INSIDE) as usize,
            admit: policy.admit.map(admissions),
            session: ticks(policy.session),
            keep_place: ticks(policy.keep_place),
            opens: policy.opens.map(|opens| moment(opens.into())),
            max_waiting: policy.max_waiting as usize,
            max_per_client: policy.max_per_client,
            keys,
        }
    }

    /// How long a ticket is believed in that nobody has shown yet: three times as long as it takes to be shown.
    pub(crate) fn unshown(&self) -> Tick {
        self.keep_place.min(600)
    }
}

/// How many people can be inside where no `active` bounds them: then memory does.
pub(crate) const MOST_INSIDE: u32 = 200_000;
