//! What is printed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::clients::{Flood, Request};
use super::rounds::{Flooding, Measured};
use super::servers::Kind;

/// The most that a neighbour's 99th percentile may grow.
const AIM: f64 = 1.2;

/// A table for each flood, a line for each server.
pub(crate) fn tables(all: &[Measured], floods: &[Flood], servers: &[Kind]) -> String {
    let mut out = String::new();
    for flood in floods {
        let _ = write!(out, "\n{}\n{HEAD}\n", flood.name());
        for server in servers {
            out.push_str(&Line::of(all, *server, *flood).to_string());
        }
    }
    out
}

/// Every request, a line each.
pub(crate) fn requests(all: &[Measured]) -> String {
    let mut out = String::new();
    for measured in all {
        let floods = measured
            .floods
            .iter()
            .map(|one| (one.flood.name(), one.began, &one.requests));
        for (flood, began, requests) in floods.chain([("quiet", 0, &measured.quiet)]) {
            for request in requests {
                let _ = writeln!(out, "{} {flood} {}", measured.server, request.line(began));
            }
        }
    }
    out
}

/// Whether the aims are met, and why requests were lost.
pub(crate) fn aims(all: &[Measured], floods: &[Flood]) -> String {
    let lines: Vec<_> = floods
        .iter()
        .map(|flood| (flood, Line::of(all, Kind::Rempart, *flood)))
        .collect();
    let lost: usize = lines.iter().map(|(_, line)| line.lost).sum();
    let late: Vec<_> = lines
        .iter()
        .filter(|(_, line)| line.all.ratio() > AIM)
        .map(|(flood, line)| format!("{} {:.2}", flood.name(), line.all.ratio()))
        .collect();
    let mut out = format!(
        "\naim: no neighbour's request lost: {}\n",
        met(lost == 0, &format!("{lost} lost"))
    );
    let _ = writeln!(
        out,
        "aim: their p99 at most {AIM} times the quiet one: {}",
        met(late.is_empty(), &late.join(", "))
    );
    for (server, why) in reasons(all) {
        let _ = writeln!(out, "lost at {server}: {why}");
    }
    out
}

fn met(is_met: bool, otherwise: &str) -> String {
    if is_met {
        "met".to_owned()
    } else {
        format!("MISSED: {otherwise}")
    }
}

fn reasons(all: &[Measured]) -> Vec<(Kind, String)> {
    let mut reasons = Vec::new();
    for server in Kind::ALL {
        let mut counts = BTreeMap::<(&str, &str), usize>::new();
        let floodings = all
            .iter()
            .filter(|measured| measured.server == server)
            .flat_map(|measured| &measured.floods);
        for (flooding, why) in floodings.flat_map(|one| one.lost.iter().map(move |why| (one, why))) {
            *counts.entry((flooding.flood.name(), why)).or_default() += 1;
        }
        let counts: Vec<_> = counts
            .iter()
            .map(|((flood, why), count)| format!("{count} by {flood}: {why}"))
            .collect();
        if !counts.is_empty() {
            reasons.push((server, counts.join("; ")));
        }
    }
    reasons
}

/// One server and one flood: medians over the rounds.
struct Line {
    server: Kind,
    all: Pair,
    kept: Pair,
    new: Pair,
    lost: usize,
    asked: f64,
    admitted: f64,
    tried: f64,
    connected: f64,
    busy: f64,
}

/// A 99th percentile in microseconds, quiet and flooded.
struct Pair {
    quiet: f64,
    flooded: f64,
    ratios: Vec<f64>,
}

impl Line {
    fn of(all: &[Measured], server: Kind, flood: Flood) -> Self {
        let rounds: Vec<(&Measured, &Flooding)> = all
            .iter()
            .filter(|measured| measured.server == server)
            .filter_map(|measured| Some((measured, measured.floods.iter().find(|one| one.flood == flood)?)))
            .collect();
        let middle = |value: &dyn Fn(&Flooding) -> f64| median(rounds.iter().map(|(_, one)| value(one)).collect());
        Self {
            server,
            all: Pair::of(&rounds, |_| true),
            kept: Pair::of(&rounds, |request| request.kept),
            new: Pair::of(&rounds, |request| !request.kept),
            lost: rounds.iter().map(|(_, one)| one.lost.len()).sum(),
            asked: middle(&|one| one.flooded.asked),
            admitted: middle(&|one| one.flooded.admitted),
            tried: middle(&|one| one.flooded.tried),
            connected: middle(&|one| one.flooded.connected),
            busy: middle(&|one| one.busy),
        }
    }
}

impl Pair {
    fn of(rounds: &[(&Measured, &Flooding)], of: impl Fn(&Request) -> bool) -> Self {
        let pairs: Vec<_> = rounds
            .iter()
            .map(|(measured, one)| (p99(&measured.quiet, &of), p99(&one.requests, &of)))
            .collect();
        Self {
            quiet: median(pairs.iter().map(|(quiet, _)| *quiet).collect()),
            flooded: median(pairs.iter().map(|(_, flooded)| *flooded).collect()),
            ratios: pairs.iter().map(|(quiet, flooded)| flooded / quiet.max(1.0)).collect(),
        }
    }

    fn ratio(&self) -> f64 {
        median(self.ratios.clone())
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:<23}", self.server)?;
        for Pair { quiet, flooded, .. } in [&self.all, &self.kept, &self.new] {
            write!(f, " |{:>7.2} {:>8.2}", quiet / 1_000.0, flooded / 1_000.0)?;
        }
        for pair in [&self.all, &self.kept, &self.new] {
            write!(f, " |{:>6.2}", pair.ratio())?;
        }
        writeln!(
            f,
            " |{:>5} |{:>6.0} {:>6.0} |{:>5.0} {:>5.0} |{:>4.0} %",
            self.lost,
            self.asked,
            self.admitted,
            self.tried,
            self.connected,
            self.busy * 100.0
        )
    }
}

const HEAD: &str = "                         p99 of all, ms    | kept connections  | new connections  | ratio of all, kept, new | lost | asked, admitted | tried, connected | core";

fn p99(requests: &[Request], of: impl Fn(&Request) -> bool) -> f64 {
    let mut times: Vec<u64> = requests
        .iter()
        .filter(|request| of(request))
        .map(|request| request.took)
        .collect();
    times.sort_unstable();
    let at = (times.len() * 99).div_ceil(100).saturating_sub(1);
    times.get(at).map_or(0.0, |took| *took as f64)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::clients::Flooded;
    use super::*;

    fn request(took: u64, kept: bool) -> Request {
        Request {
            due: 5_000,
            took,
            kept,
            lost: None,
        }
    }

    /// A hundred requests of which the last two take so long.
    fn requests(slow: u64) -> Vec<Request> {
        let took = (0..100).map(|number| if number < 98 { 1_000 } else { slow });
        took.map(|took| request(took, true)).collect()
    }

    /// A round in which the quiet p99 is a millisecond.
    fn measured(server: Kind, flooded: u64, lost: &[&str]) -> Measured {
        Measured {
            server,
            quiet: requests(1_000),
            floods: vec![Flooding {
                flood: Flood::H1,
                began: 3_000,
                requests: requests(flooded),
                lost: lost.iter().map(|why| (*why).to_owned()).collect(),
                flooded: Flooded::default(),
                busy: 0.25,
            }],
        }
    }

    #[test]
    fn of_a_hundred_requests_the_p99_is_the_second_longest() {
        let all: Vec<_> = (1..=100).rev().map(|took| request(took, took % 2 == 0)).collect();
        assert_eq!(p99(&all, |_| true), 99.0);
        assert_eq!(p99(&all, |request| request.kept), 100.0);
        assert_eq!(p99(&all[..1], |_| true), 100.0);
        assert_eq!(p99(&[], |_| true), 0.0);
    }

    #[test]
    fn the_median_is_one_of_the_rounds_and_not_a_number_between_them() {
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![9.0, 1.0]), 9.0, "of two the worse");
        assert_eq!(median(Vec::new()), 0.0);
    }

    #[test]
    fn a_ratio_is_of_one_round_and_the_median_is_of_the_ratios() {
        let mut all: Vec<_> = [1_100, 9_000, 1_150]
            .map(|slow| measured(Kind::Rempart, slow, &[]))
            .into();
        all[2].quiet = requests(2_300);
        let line = Line::of(&all, Kind::Rempart, Flood::H1);
        assert_eq!(line.all.ratios, [1.1, 9.0, 0.5]);
        assert_eq!((line.all.quiet, line.all.flooded), (1_000.0, 1_150.0));
        assert_eq!(line.all.ratio(), 1.1);
        assert_eq!(line.busy, 0.25);
    }

    #[test]
    fn a_lost_request_and_a_slow_neighbour_miss_the_aims() {
        let calm = aims(&[measured(Kind::Rempart, 1_200, &[])], &[Flood::H1]);
        assert_eq!(
            calm,
            "\naim: no neighbour's request lost: met\naim: their p99 at most 1.2 times the quiet one: met\n"
        );
        let bad = aims(
            &[measured(Kind::Rempart, 1_300, &["reset", "reset", "gone"])],
            &[Flood::H1],
        );
        let expected = [
            "",
            "aim: no neighbour's request lost: MISSED: 3 lost",
            "aim: their p99 at most 1.2 times the quiet one: MISSED: h1 1.30",
            "lost at rempart: 1 by h1: gone; 2 by h1: reset",
        ];
        assert_eq!(bad.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_another_server_loses_is_told_and_misses_no_aim() {
        let all = [
            measured(Kind::Rempart, 1_000, &[]),
            measured(Kind::Nginx, 50_000, &["status 503, 9 bytes"]),
        ];
        let told = aims(&all, &[Flood::H1]);
        assert!(!told.contains("MISSED"), "{told}");
        assert!(
            told.ends_with("lost at nginx: 1 by h1: status 503, 9 bytes\n"),
            "{told}"
        );
    }

    #[test]
    fn a_table_has_a_line_for_each_server_under_its_head() {
        let all = [
            measured(Kind::Rempart, 1_500, &["gone"]),
            measured(Kind::Haproxy, 1_000, &[]),
        ];
        let table = tables(&all, &[Flood::H1], &[Kind::Rempart, Kind::Haproxy]);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines[..3], ["", "h1", HEAD]);
        let cells: Vec<_> = lines[3].split('|').map(str::trim).collect();
        assert_eq!((cells[0], cells[1]), ("rempart", "1.00     1.50"));
        assert_eq!(
            (cells[4], cells[7]),
            ("1.50", "1"),
            "the ratio and what was lost: {cells:?}"
        );
        assert!(lines[4].starts_with("haproxy ") && lines.len() == 5);
        let columns = |line: &str| line.match_indices('|').map(|(at, _)| at).collect::<Vec<_>>();
        assert_eq!(columns(lines[3]), columns(lines[4]));
    }

    #[test]
    fn each_request_is_a_line_with_its_server_and_what_went_on() {
        let mut one = measured(Kind::Rempart, 1_000, &[]);
        one.quiet.truncate(1);
        one.floods[0].requests = vec![Request {
            lost: Some("gone".to_owned()),
            ..request(2_500, false)
        }];
        let lines = super::requests(&[one]);
        assert_eq!(
            lines.lines().collect::<Vec<_>>(),
            ["rempart h1 2.000 2.500 new gone", "rempart quiet 5.000 1.000 kept ok"]
        );
    }
}
