//! How fast the line moves, as measured, and what that says about somebody in it.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::{TICK, Tick};

/// About how long somebody waits. Four out of five are let in between `from` and `to` while the site goes on as it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Seldom sooner.
    pub from: Duration,
    /// Seldom later.
    pub to: Duration,
    /// The middle: as it is at the pace of the time just past that is about as long.
    pub likely: Duration,
}

/// What has happened in the last hour, in steps of ten seconds, while somebody was waiting. 24 bytes a step, and none
/// without a line.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    began: Option<Tick>,
    steps: VecDeque<Step>,
    /// The sums of the windows, as of the last time that somebody looked.
    sums: [Step; WINDOWS.len()],
}

#[derive(Clone, Copy, Debug, Default)]
struct Step {
    number: Tick,
    /// Of a sum of several.
    length: Tick,
    /// Places that became free: so fast the line moves, also when a place is kept for somebody who does not come.
    freed: u32,
    /// People who left the line.
    left: u32,
    /// Ticks that all who were waiting have waited together.
    waited: u64,
}

impl Flow {
    /// There is a line, and the room is open.
    pub(crate) fn begin(&mut self, now: Tick) {
        self.began.get_or_insert(now);
    }

    /// There is none: what was measured says nothing about the next one.
    pub(crate) fn end(&mut self) {
        if self.began.is_some() {
            *self = Self::default();
        }
    }

    pub(crate) fn freed(&mut self, now: Tick, places: usize) {
        if let Some(step) = self.step(now) {
            step.freed += u32::try_from(places).unwrap_or(u32::MAX);
        }
    }

    pub(crate) fn left(&mut self, now: Tick, people: usize) {
        if let Some(step) = self.step(now) {
            step.left += u32::try_from(people).unwrap_or(u32::MAX);
        }
    }

    pub(crate) fn waited(&mut self, now: Tick, people: usize, ticks: Tick) {
        if let Some(step) = self.step(now) {
            step.waited += people as u64 * u64::from(ticks);
        }
    }

    /// Adds up what was seen. Once a second is enough, and each estimate is then a few operations.
    pub(crate) fn add_up(&mut self, now: Tick) {
        if let Some(began) = self.began {
            self.sums = WINDOWS.map(|window| self.seen(now, window.min(now.saturating_sub(began))));
        }
    }

    /// How long somebody waits who has so many ahead, where places that become free let them in. `pace` is a known bound: so
    /// many ticks from one to the next. None when too little was seen: fewer than ten people let in, or less than a minute.
    pub(crate) fn measured(&self, ahead: usize, pace: Option<f64>) -> Option<Estimate> {
        self.began?;
        let told = self
            .sums
            .iter()
            .filter(|sum| sum.length >= SHORTEST && sum.freed >= FEWEST);
        let waits: Vec<_> = told
            .map(|sum| {
                let (length, freed) = (f64::from(sum.length), f64::from(sum.freed));
                let wait = sum.wait(ahead, (length / freed).max(pace.unwrap_or_default()));
                (length, wait, 1.0 + (2.0 / freed.sqrt()).max(LEAST_DOUBT))
            })
            .collect();
        // The shortest that is at least half as long as what it foretells: far ahead one sees only what is large.
        let fitting = waits.iter().find(|(length, wait, _)| *length * 2.0 >= *wait);
        let likely = fitting.or(waits.last())?.1;
        let from = waits
            .iter()
            .map(|(_, wait, doubt)| wait / doubt)
            .fold(f64::MAX, f64::min);
        let to = waits.iter().map(|(_, wait, doubt)| wait * doubt).fold(0.0, f64::max);
        Some(Estimate::of([from, to, likely]))
    }

    /// How long somebody waits who has so many ahead, where it is a written pace alone that they wait for.
    pub(crate) fn written(&self, ahead: usize, pace: f64) -> Estimate {
        let likely = self.sums[0].wait(ahead, pace);
        Estimate::of([likely / (1.0 + LEAST_DOUBT), likely * (1.0 + LEAST_DOUBT), likely])
    }

    pub(crate) fn bytes(&self) -> usize {
        self.steps.capacity() * size_of::<Step>()
    }

    fn step(&mut self, now: Tick) -> Option<&mut Step> {
        self.began?;
        let number = now / STEP;
        if self.steps.back().is_none_or(|step| step.number != number) {
            if self.steps.len() == STEPS {
                self.steps.pop_front();
            }
            self.steps.push_back(Step {
                number,
                ..Step::default()
            });
        }
        self.steps.back_mut()
    }

    /// All that happened in the last so many ticks.
    fn seen(&self, now: Tick, length: Tick) -> Step {
        let first = now.saturating_sub(length) / STEP;
        let recent = self.steps.iter().rev().take_while(|step| step.number >= first);
        recent.fold(Step::default(), |sum, step| Step {
            number: first,
            length,
            freed: sum.freed + step.freed,
            left: sum.left + step.left,
            waited: sum.waited + step.waited,
        })
    }
}

impl Step {
    /// With `a` ahead, of whom each leaves at the rate `l`, and one let in every `pace`: da/dt = −1/pace − l·a.
    fn wait(&self, ahead: usize, pace: f64) -> f64 {
        let ahead = ahead as f64 + 1.0;
        let leaves = f64::from(self.left) / (self.waited as f64).max(1.0);
        match leaves * ahead * pace {
            few if few < 1e-3 => ahead * pace,
            many => many.ln_1p() / leaves,
        }
    }
}

impl Estimate {
    fn of(ticks: [f64; 3]) -> Self {
        let duration = |ticks: f64| Duration::from_secs_f64((ticks * TICK as f64 / 1e6).clamp(0.0, 1e8));
        let [from, to, likely] = ticks.map(duration);
        Self { from, to, likely }
    }
}

/// In ticks, as all of these.
const STEP: Tick = 100;
const STEPS: usize = 361;
/// Five minutes, a quarter of an hour, an hour.
const WINDOWS: [Tick; 3] = [3_000, 9_000, 36_000];
const SHORTEST: Tick = 600;
const FEWEST: u32 = 10;
/// No pace is steadier than that.
const LEAST_DOUBT: f64 = 0.1;

#[cfg(test)]
mod tests {
    use super::*;

    /// So many places freed each second for so many seconds, while this many wait.
    fn flow(seconds: Tick, freed: usize, waiting: usize) -> Flow {
        let mut flow = Flow::default();
        flow.begin(0);
        for second in 1..=seconds {
            flow.freed(second * 10, freed);
            flow.waited(second * 10, waiting, 10);
        }
        flow.add_up(seconds * 10);
        flow
    }

    #[test]
    fn nothing_is_said_before_something_was_seen() {
        assert_eq!(Flow::default().measured(10, None), None);
        assert_eq!(flow(50, 1, 1).measured(10, None), None, "less than a minute");
        assert_eq!(flow(600, 0, 1).measured(10, None), None, "nobody was let in");
        assert!(flow(600, 1, 1).measured(10, None).is_some());
    }

    #[test]
    fn a_steady_line_is_foretold() {
        let estimate = flow(600, 1, 500).measured(299, None).unwrap();
        let minutes = estimate.likely.as_secs_f64() / 60.0;
        assert!((4.7..5.3).contains(&minutes), "{estimate:?}");
        assert!(estimate.from < estimate.likely && estimate.likely < estimate.to);
    }

    #[test]
    fn who_leaves_makes_it_shorter() {
        let mut flow = flow(600, 1, 500);
        let before = flow.measured(299, None).unwrap().likely;
        flow.left(6_000, 100);
        flow.add_up(6_000);
        assert!(flow.measured(299, None).unwrap().likely < before);
    }

    #[test]
    fn a_rate_that_is_written_is_known_at_once_and_bounds_what_is_measured() {
        assert_eq!(Flow::default().written(99, 3.0).likely.as_secs(), 30);
        let measured = flow(600, 1, 500).measured(99, Some(20.0)).unwrap();
        assert!((190..=210).contains(&measured.likely.as_secs()), "{measured:?}");
    }

    #[test]
    fn it_takes_no_more_than_an_hours_steps() {
        let mut flow = flow(100_000, 1, 1);
        assert!(flow.bytes() <= 512 * size_of::<Step>());
        flow.end();
        assert_eq!(flow.bytes(), 0);
    }
}
