//! Rounds: every target in turn, the same work each time.

use std::io;
use std::thread;
use std::time::Duration;

use super::cases::Case;
use super::load::Load;
use super::targets::{HOSTS, Kind, Target};
use super::{Bench, Options};

/// One target's turn in one round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Processor time of the whole process tree per operation, in microseconds.
    pub(crate) cpu: f64,
    /// Operations completed in a second.
    pub(crate) rate: f64,
}

/// All rounds of one case.
pub(crate) struct Measured {
    pub(crate) case: Case,
    /// Operations in each round.
    pub(crate) requests: u64,
    /// By target, its rounds; `None` is a void one.
    pub(crate) samples: Vec<(Kind, Vec<Option<Sample>>)>,
}

impl Measured {
    /// A target's rounds, if it took part.
    pub(crate) fn of(&self, kind: Kind) -> Option<&[Option<Sample>]> {
        let (_, samples) = self.samples.iter().find(|(its, _)| *its == kind)?;
        Some(samples)
    }

    /// Whether every target has at least one round that counts.
    pub(crate) fn is_complete(&self) -> bool {
        self.samples
            .iter()
            .all(|(_, rounds)| rounds.iter().any(Option::is_some))
    }
}

/// Measures one case. A round with a failed request is void, and says so.
///
/// # Errors
///
/// When a target has ended.
pub(crate) fn run(case: Case, options: &Options, bench: &Bench) -> io::Result<Measured> {
    println!("\nmeasuring {case} …");
    let requests = case.requests(options.quick);
    let turns = bench.targets.len();
    let mut samples: Vec<_> = bench.targets.iter().map(|target| (target.kind, Vec::new())).collect();
    warm_up(case, requests, bench);
    for round in 0..options.rounds() as usize {
        let (_, host) = HOSTS[round % HOSTS.len()];
        // Nobody always goes first, nor always after the same neighbour's heat.
        for turn in 0..turns {
            let index = (turn + round) % turns;
            let load = load(case, host, requests, bench);
            let sample = take_turn(&load, &bench.targets[index], round)?;
            samples[index].1.push(sample);
        }
    }
    Ok(Measured {
        case,
        requests,
        samples,
    })
}

fn load<'a>(case: Case, host: &'static str, requests: u64, bench: &'a Bench) -> Load<'a> {
    Load {
        case,
        host,
        requests,
        site: &bench.site,
        handshakes: &bench.handshakes,
        core: bench.cores.load,
    }
}

/// Fills pools and caches. Its failures do not count: the rounds will show them.
fn warm_up(case: Case, requests: u64, bench: &Bench) {
    for (_, host) in HOSTS {
        for target in &bench.targets {
            load(case, host, requests / 20, bench).run(target).ok();
        }
    }
}

fn take_turn(load: &Load<'_>, target: &Target, round: usize) -> io::Result<Option<Sample>> {
    let before = target.running.cpu()?;
    let outcome = load.run(target);
    // What closing the last connections costs belongs to the round.
    thread::sleep(Duration::from_millis(20));
    let used = target.running.cpu()?.saturating_sub(before);
    match outcome {
        Ok(rate) => Ok(Some(Sample {
            cpu: used.as_secs_f64() * 1e6 / load.requests as f64,
            rate,
        })),
        Err(error) => {
            let (kind, round) = (target.kind, round + 1);
            eprintln!("\n!!! VOID: {}, {kind}, round {round}: {error}", load.case);
            Ok(None)
        }
    }
}
