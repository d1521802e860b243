//! `rempart tenant list`.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::{answered, client, print_json, refused};
use crate::cli::{Format, TenantList};

/// Prints a line for each tenant, and below it what is wrong with its file.
pub(crate) fn list(arguments: &TenantList) -> ExitCode {
    let reply = client(&arguments.edge).tenants();
    let mut body = match answered(&arguments.edge, reply, &[200]) {
        Ok(body) => body,
        Err(status) => return status,
    };
    match arguments.format {
        Format::Human => human(body),
        Format::Json => {
            print_json(body["tenants"].take());
            ExitCode::SUCCESS
        }
    }
}

#[expect(clippy::print_stdout, reason = "the answer to a question on the command line")]
fn human(body: Value) -> ExitCode {
    match serde_json::from_value::<Answer>(body) {
        Ok(answer) => {
            print!("{}", table(&answer.tenants, SystemTime::now()));
            ExitCode::SUCCESS
        }
        Err(_) => refused(&Value::Null),
    }
}

/// What is read of the edge's answer; a newer edge may say more.
#[derive(Deserialize)]
struct Answer {
    tenants: Vec<Row>,
}

#[derive(Default, Deserialize)]
struct Row {
    tenant: String,
    state: String,
    /// In seconds since 1970.
    since: Option<u64>,
    hosts: Vec<String>,
    upstream: Option<String>,
    problems: Vec<String>,
}

fn table(rows: &[Row], now: SystemTime) -> String {
    let cells: Vec<[String; 5]> = rows.iter().map(|row| row.cells(now)).collect();
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..4).map(width).collect();
    let mut table = String::new();
    for (row, cells) in rows.iter().zip(&cells) {
        let padded = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}  "));
        let _ = writeln!(table, "{}{}", padded.collect::<String>(), cells[4]);
        for problem in &row.problems {
            let _ = writeln!(table, "    {problem}");
        }
    }
    table
}

impl Row {
    /// Name, state, since when, hosts, application.
    fn cells(&self, now: SystemTime) -> [String; 5] {
        let since = self.since.map(|since| Since { since, now }.said());
        let (shown, more) = self.hosts.split_at(self.hosts.len().min(MOST_HOSTS));
        let mut hosts = shown.join(", ");
        if !more.is_empty() {
            let _ = write!(hosts, " and {} more", more.len());
        }
        let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
        [
            self.tenant.clone(),
            self.state.clone(),
            or_dash(since.unwrap_or_default()),
            or_dash(hosts),
            or_dash(self.upstream.clone().unwrap_or_default()),
        ]
    }
}

/// More do not fit into a line.
const MOST_HOSTS: usize = 3;

struct Since {
    since: u64,
    now: SystemTime,
}

impl Since {
    /// `since 2026-11-22T09:30:00Z (3 h)`
    fn said(&self) -> String {
        let Ok(at) = OffsetDateTime::from_unix_timestamp(self.since.try_into().unwrap_or(i64::MAX)) else {
            return String::new();
        };
        let (date, time) = (at.date(), at.time());
        let month = u8::from(date.month());
        let (hour, minute, second) = time.as_hms();
        let moment = format!(
            "{:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z",
            date.year(),
            date.day()
        );
        let age = self.now.duration_since(UNIX_EPOCH + Duration::from_secs(self.since));
        format!("since {moment} ({})", age_of(age.unwrap_or_default()))
    }
}

pub(super) fn age_of(age: Duration) -> String {
    match age.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..7_200 => format!("{} min", seconds / 60),
        seconds @ ..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_a_line_and_what_is_wrong_stands_below_it() {
        let rows = [
            Row {
                tenant: "city".into(),
                state: "last_good".into(),
                since: Some(1_795_340_000),
                hosts: vec!["city.example".into(), "www.city.example".into()],
                upstream: Some("10.0.0.7:80".into()),
                problems: vec!["tenants.d/city.toml:3:5: error[unknown_key]: x".into()],
            },
            Row {
                tenant: "library".into(),
                state: "current".into(),
                hosts: (0..5).map(|number| format!("{number}.example")).collect(),
                upstream: Some("10.0.0.8:80".into()),
                ..Row::default()
            },
            Row {
                tenant: "museum".into(),
                state: "absent".into(),
                since: Some(1_795_340_000),
                ..Row::default()
            },
        ];
        let now = UNIX_EPOCH + Duration::from_secs(1_795_340_000 + 3 * 3_600 + 5);
        assert_eq!(
            table(&rows, now),
            "\
city     last_good  since 2026-11-22T09:33:20Z (3 h)  city.example, www.city.example              10.0.0.7:80
    tenants.d/city.toml:3:5: error[unknown_key]: x
library  current    -                                 0.example, 1.example, 2.example and 2 more  10.0.0.8:80
museum   absent     since 2026-11-22T09:33:20Z (3 h)  -                                           -
"
        );
    }

    #[test]
    fn an_age_is_said_in_one_unit() {
        let said = |seconds| age_of(Duration::from_secs(seconds));
        assert_eq!([0, 119, 120, 7_199].map(said), ["0 s", "119 s", "2 min", "119 min"]);
        assert_eq!([7_200, 172_799, 172_800].map(said), ["2 h", "47 h", "2 days"]);
    }
}
