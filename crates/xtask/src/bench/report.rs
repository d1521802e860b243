//! What is printed: medians, ratios of the same round, and their spread.

use std::fmt::Write;

use super::cases::Case;
use super::rounds::{Measured, Sample};
use super::targets::Kind;

/// One case as a table: processor time per operation, its ratio to the others, requests a second.
pub(crate) fn table(measured: &Measured) -> String {
    let rounds = measured.samples.first().map_or(0, |(_, all)| all.len());
    let mut text = format!(
        "{}: {rounds} rounds of {} operations\n{:10}{:>12}{:>20}{:>20}{:>20}{:>12}{:>10}{:>10}\n",
        measured.case,
        measured.requests,
        "",
        "CPU per op",
        "÷ floor",
        "÷ nginx",
        "÷ edge-off",
        "ops/s",
        "÷ floor",
        "÷ nginx",
    );
    for (kind, samples) in &measured.samples {
        // Writing to a String cannot fail.
        writeln!(
            text,
            "{kind:10}{:>12}{:>20}{:>20}{:>20}{:>12}{:>10}{:>10}",
            shown(median(each(samples, cpu)), |cpu| format!("{cpu:.2} µs")),
            with_spread(Ratio::between(measured, *kind, Kind::Floor, cpu)),
            with_spread(Ratio::between(measured, *kind, Kind::Nginx, cpu)),
            with_spread(Ratio::between(measured, *kind, Kind::EdgeOff, cpu)),
            shown(median(each(samples, rate)), |rate| format!("{rate:.0}")),
            alone(Ratio::between(measured, *kind, Kind::Floor, rate)),
            alone(Ratio::between(measured, *kind, Kind::Nginx, rate)),
        )
        .ok();
    }
    text
}

/// The aims in processor time, each with what was measured.
pub(crate) fn aims(measured: &[Measured]) -> String {
    let mut text = String::from("Aims, in processor time per operation\n");
    if !measured
        .iter()
        .any(|measured| AIMS.iter().any(|aim| aim.ratio(measured).is_some()))
    {
        text.push_str("  not measured: they need the edge and what it is compared with\n");
    }
    for measured in measured {
        for aim in &AIMS {
            let Some(ratio) = aim.ratio(measured) else {
                continue;
            };
            let verdict = if ratio.median <= aim.at_most { "pass" } else { "MISS" };
            let (what, over) = (aim.what, aim.over);
            writeln!(
                text,
                "  {verdict}  {what} ≤ {:.2} × {over}: {:.3} [{:.3}–{:.3}]  {}",
                aim.at_most, ratio.median, ratio.least, ratio.most, measured.case,
            )
            .ok();
        }
    }
    text
}

struct Aim {
    what: Kind,
    over: Kind,
    at_most: f64,
    only_http_1: bool,
}

impl Aim {
    fn ratio(&self, measured: &Measured) -> Option<Ratio> {
        if self.only_http_1 && Case::is_http_2(measured.case) {
            return None;
        }
        Ratio::between(measured, self.what, self.over, cpu)
    }
}

const AIMS: [Aim; 3] = [
    Aim {
        what: Kind::EdgeOff,
        over: Kind::Floor,
        at_most: 1.10,
        only_http_1: false,
    },
    Aim {
        what: Kind::EdgeOn,
        over: Kind::EdgeOff,
        at_most: 1.15,
        only_http_1: false,
    },
    Aim {
        what: Kind::EdgeOn,
        over: Kind::Nginx,
        at_most: 1.00,
        only_http_1: true,
    },
];

/// Ratios of two targets in the same round: what slows a whole round down cancels out.
#[derive(Debug, PartialEq)]
struct Ratio {
    median: f64,
    least: f64,
    most: f64,
}

impl Ratio {
    fn between(measured: &Measured, what: Kind, over: Kind, of: fn(&Sample) -> f64) -> Option<Self> {
        if what == over {
            return None;
        }
        let pairs = measured.of(what)?.iter().zip(measured.of(over)?);
        let ratios = pairs.filter_map(|(what, over)| Some(of(what.as_ref()?) / of(over.as_ref()?)));
        Self::of(ratios.collect())
    }

    fn of(ratios: Vec<f64>) -> Option<Self> {
        Some(Self {
            least: ratios.iter().copied().reduce(f64::min)?,
            most: ratios.iter().copied().reduce(f64::max)?,
            median: median(ratios)?,
        })
    }
}

fn cpu(sample: &Sample) -> f64 {
    sample.cpu
}

fn rate(sample: &Sample) -> f64 {
    sample.rate
}

fn each(samples: &[Option<Sample>], of: fn(&Sample) -> f64) -> Vec<f64> {
    samples.iter().flatten().map(of).collect()
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

fn with_spread(ratio: Option<Ratio>) -> String {
    ratio.map_or_else(String::new, |ratio| {
        format!("{:.2} [{:.2}–{:.2}]", ratio.median, ratio.least, ratio.most)
    })
}

fn alone(ratio: Option<Ratio>) -> String {
    ratio.map_or_else(String::new, |ratio| format!("{:.2}", ratio.median))
}

fn shown(value: Option<f64>, show: fn(f64) -> String) -> String {
    value.map_or_else(|| "VOID".to_owned(), show)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(off: &[Option<f64>], floor: &[Option<f64>]) -> Measured {
        let samples = |cpus: &[Option<f64>]| {
            let sample = |cpu: &Option<f64>| cpu.map(|cpu| Sample { cpu, rate: 1.0 });
            cpus.iter().map(sample).collect()
        };
        Measured {
            case: Case::Http1Small,
            requests: 10,
            samples: vec![(Kind::EdgeOff, samples(off)), (Kind::Floor, samples(floor))],
        }
    }

    #[test]
    fn ratios_are_of_the_same_round_and_void_rounds_are_left_out() {
        let measured = measured(
            &[Some(11.0), Some(24.0), None, Some(5.0)],
            &[Some(10.0), Some(20.0), Some(1.0), Some(5.0)],
        );
        let expected = Ratio {
            median: 1.1,
            least: 1.0,
            most: 1.2,
        };
        let ratio = Ratio::between(&measured, Kind::EdgeOff, Kind::Floor, cpu);
        assert_eq!(ratio, Some(expected));
    }

    #[test]
    fn an_aim_is_passed_or_missed_by_the_median() {
        let passed = aims(&[measured(&[Some(10.9)], &[Some(10.0)])]);
        assert!(passed.contains("pass  edge-off"), "{passed}");
        let missed = aims(&[measured(&[Some(11.1)], &[Some(10.0)])]);
        assert!(missed.contains("MISS  edge-off"), "{missed}");
    }

    #[test]
    fn a_target_without_a_valid_round_is_shown_as_void() {
        let measured = measured(&[None], &[Some(10.0)]);
        assert!(table(&measured).contains("VOID"));
        assert!(!measured.is_complete());
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }
}
