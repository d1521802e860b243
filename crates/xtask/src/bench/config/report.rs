//! What is printed: medians of the rounds, and ratios of them.

use std::fmt::Write as _;
use std::time::Duration;

use super::fleet::Fleet;
use super::sample::{Cost, Sample};

/// A line for each thing that was measured.
pub(crate) fn table(fleet: &Fleet, edge: &[Sample], nginx: &[Sample]) -> String {
    let mut text = format!(
        "{} tenants, medians of {} rounds\n{:58}{:>14}{:>14}{:>10}\n",
        fleet.tenants,
        edge.len(),
        "",
        "edge",
        "nginx",
        "÷ nginx"
    );
    for Line { what, of, shown } in &LINES {
        let (ours, theirs) = (median(edge, *of), median(nginx, *of));
        let ratio = ours.zip(theirs).filter(|(_, theirs)| *theirs > 0.0);
        let ratio = ratio.map_or_else(String::new, |(ours, theirs)| format!("{:.2}", ours / theirs));
        let show = |value: Option<f64>| value.map_or_else(String::new, shown);
        // Writing to a String cannot fail.
        writeln!(text, "{what:58}{:>14}{:>14}{ratio:>10}", show(ours), show(theirs)).ok();
    }
    for (name, samples) in [("edge", edge), ("nginx", nginx)] {
        for failed in samples.iter().flat_map(|sample| &sample.failed).take(5) {
            writeln!(text, "failed at {name}: {failed}").ok();
        }
    }
    text
}

/// The aims, each with what was measured.
pub(crate) fn aims(edge: &[Sample]) -> String {
    let failed: usize = edge.iter().map(|sample| sample.failed.len()).sum();
    let mut text = String::from("Aims\n");
    let aims: [(&str, Value, Show, f64); 4] = [
        ("start", |sample| Some(seconds(sample.start.wall)), in_seconds, 3.0),
        (
            "start again",
            |sample| Some(seconds(sample.start_again?.wall)),
            in_seconds,
            3.0,
        ),
        (
            "one tenant's change",
            |sample| Some(seconds(sample.one_named.unwrap_or(sample.one).wall)),
            in_milliseconds,
            0.05,
        ),
        (
            "memory of an idle tenant",
            |sample| Some(sample.idle),
            in_kibibytes,
            64.0,
        ),
    ];
    for (what, of, shown, under) in aims {
        let Some(value) = median(edge, of) else { continue };
        let verdict = if value < under { "pass" } else { "MISS" };
        writeln!(text, "  {verdict}  {what} < {}: {}", shown(under), shown(value)).ok();
    }
    let verdict = if failed == 0 { "pass" } else { "MISS" };
    writeln!(text, "  {verdict}  no failed request: {failed}").ok();
    text
}

/// Whether every request of every round was answered.
pub(crate) fn has_no_failure(edge: &[Sample]) -> bool {
    edge.iter().all(|sample| sample.failed.is_empty())
}

type Value = fn(&Sample) -> Option<f64>;
type Show = fn(f64) -> String;

struct Line {
    what: &'static str,
    of: Value,
    shown: Show,
}

const LINES: [Line; 17] = [
    line(
        "start, until the last tenant answers",
        |sample| Some(seconds(sample.start.wall)),
        in_seconds,
    ),
    line("  processor time", |sample| Some(seconds(sample.start.cpu)), in_seconds),
    line(
        "start with last good files there",
        |sample| wall(sample.start_again),
        in_seconds,
    ),
    line("  processor time", |sample| cpu(sample.start_again), in_seconds),
    line(
        "after a first start, until last good files are kept",
        |sample| sample.kept.map(seconds),
        in_seconds,
    ),
    line(
        "memory for each tenant that nobody has asked yet",
        |sample| Some(sample.idle),
        in_kibibytes,
    ),
    line(
        "  and when each was asked once",
        |sample| Some(sample.asked),
        in_kibibytes,
    ),
    line(
        "one tenant's change by signal, until it is seen",
        |sample| wall(Some(sample.one)),
        in_milliseconds,
    ),
    line(
        "  processor time, clients of that time included",
        |sample| cpu(Some(sample.one)),
        in_milliseconds,
    ),
    line(
        "one tenant's change by name, until it is seen",
        |sample| wall(sample.one_named),
        in_milliseconds,
    ),
    line(
        "  processor time, clients of that time included",
        |sample| cpu(sample.one_named),
        in_milliseconds,
    ),
    line(
        "everybody's change, until the last one is seen",
        |sample| wall(Some(sample.all)),
        in_milliseconds,
    ),
    line(
        "  processor time, clients of that time included",
        |sample| cpu(Some(sample.all)),
        in_milliseconds,
    ),
    line(
        "  until last good files are kept too",
        |sample| sample.all_done.map(seconds),
        in_milliseconds,
    ),
    line(
        "99 % of requests before any change within",
        |sample| Some(seconds(sample.quiet)),
        in_milliseconds,
    ),
    line(
        "99 % of requests while everybody changes within",
        |sample| Some(seconds(sample.busy)),
        in_milliseconds,
    ),
    line("failed requests", |sample| Some(sample.failed.len() as f64), in_number),
];

const fn line(what: &'static str, of: Value, shown: Show) -> Line {
    Line { what, of, shown }
}

fn wall(cost: Option<Cost>) -> Option<f64> {
    Some(seconds(cost?.wall))
}

fn cpu(cost: Option<Cost>) -> Option<f64> {
    Some(seconds(cost?.cpu))
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

fn in_seconds(value: f64) -> String {
    format!("{value:.2} s")
}

fn in_milliseconds(value: f64) -> String {
    format!("{:.1} ms", value * 1e3)
}

fn in_kibibytes(value: f64) -> String {
    format!("{value:.1} KiB")
}

fn in_number(value: f64) -> String {
    format!("{value:.0}")
}

fn median(samples: &[Sample], of: Value) -> Option<f64> {
    let mut values: Vec<f64> = samples.iter().filter_map(of).collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    Some(f64::midpoint(upper, values[(values.len() - 1) / 2]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(seconds: u64) -> Sample {
        Sample {
            start: Cost {
                wall: Duration::from_secs(seconds),
                cpu: Duration::ZERO,
            },
            idle: 20.0,
            ..Sample::default()
        }
    }

    #[test]
    fn an_aim_is_passed_or_missed_by_the_median() {
        let text = aims(&[started(2), started(1), started(9)]);
        assert!(text.contains("pass  start < 3.00 s: 2.00 s"), "{text}");
        let text = aims(&[started(2), started(4), started(9)]);
        assert!(text.contains("MISS  start < 3.00 s: 4.00 s"), "{text}");
    }

    #[test]
    fn one_failed_request_is_a_failure() {
        let failed = Sample {
            failed: vec!["status_502".into()],
            ..started(1)
        };
        assert!(has_no_failure(&[started(1)]));
        assert!(!has_no_failure(&[started(1), failed.clone()]));
        assert!(aims(&[failed]).contains("MISS  no failed request: 1"));
    }
}
