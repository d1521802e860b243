//! `POST /v1/reload` and `GET /v1/plan`.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use rempart_config::{Diagnostics, Differences};
use rempart_proxy::{Control, Plan, Reloaded};
use serde::Serialize;

use crate::administration::Administration;
use crate::asked::Asked;
use crate::refusal::{Answer, Refusal, json};

/// Reads the files again, and answers when what they say is served.
pub(crate) fn reload(administration: &Administration, asked: Asked) -> Result<Answer, Refusal> {
    let scope = asked.scope(administration.control())?;
    let directory = directory(administration.control());
    let mut reloaded = administration
        .reload(&scope)
        .map_err(|wrong| Refusal::Configuration(wrong.under(&directory)))?;
    reloaded.wrong = reloaded.wrong.under(&directory);
    Ok(json(&Done::of(&reloaded.wrong, Said(&reloaded).to_string(), &reloaded)))
}

/// What a reload would change.
pub(crate) fn plan(administration: &Administration, asked: Asked) -> Result<Answer, Refusal> {
    let control = administration.control();
    let directory = directory(control);
    let plan = control
        .plan(&asked.scope(control)?)
        .map_err(|wrong| Refusal::Configuration(wrong.under(&directory)))?;
    let planned = Planned {
        differences: differences(&plan),
        wrong: plan.wrong.under(&directory),
    };
    Ok(json(&Done::of(
        &planned.wrong,
        planned.differences.to_string(),
        &planned,
    )))
}

/// Where the files are, as anybody can open them from anywhere.
pub(crate) fn directory(control: &Control) -> PathBuf {
    let directory = control.directory();
    std::path::absolute(&directory).unwrap_or(directory)
}

fn differences(plan: &Plan) -> Differences {
    let (running, tenants) = &plan.running;
    let (planned, new) = &plan.planned;
    let tenants = Differences::of_tenants(tenants.iter().map(|one| &**one), new.iter().map(|one| &**one));
    Differences {
        vendor: running.changes_to(planned),
        ..tenants
    }
}

/// What was done or would be: as data, and for a person.
#[derive(Serialize)]
struct Done<'a, T> {
    /// `clean` when nothing is wrong, `partial` when something is.
    outcome: &'static str,
    #[serde(flatten)]
    data: &'a T,
    /// A few lines for a person: what changed.
    summary: String,
    /// What is wrong, with the lines of the files, as `rempart check` prints it.
    problems: Option<String>,
}

impl<'a, T> Done<'a, T> {
    fn of(wrong: &Diagnostics, summary: String, data: &'a T) -> Self {
        Self {
            outcome: if wrong.is_empty() { "clean" } else { "partial" },
            data,
            summary,
            problems: (!wrong.is_empty()).then(|| wrong.to_string()),
        }
    }
}

#[derive(Serialize)]
struct Planned {
    differences: Differences,
    wrong: Diagnostics,
}

/// `changed: library; added: museum; 197 unchanged; quarantined: city; took 12 ms`, and a line for each key that must wait.
struct Said<'a>(&'a Reloaded);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; ", self.0)?;
        let quarantined: BTreeSet<&str> = self.0.wrong.iter().filter_map(|one| one.tenant.as_deref()).collect();
        if !quarantined.is_empty() {
            let shown: Vec<_> = quarantined.iter().copied().take(MOST_NAMES).collect();
            write!(f, "quarantined: {}", shown.join(", "))?;
            match quarantined.len() - shown.len() {
                0 => write!(f, "; ")?,
                more => write!(f, " and {more} more; ")?,
            }
        }
        write!(f, "took {}", Took(self.0.took))?;
        for key in &self.0.at_next_start {
            write!(
                f,
                "\n{key} in rempart.toml was changed, and takes effect at the next start"
            )?;
        }
        Ok(())
    }
}

/// More names than this do not fit into a line.
const MOST_NAMES: usize = 10;

struct Took(Duration);

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            long if long >= Duration::from_secs(10) => write!(f, "{:.1} s", long.as_secs_f64()),
            short => write!(f, "{} ms", short.as_millis().max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_said_in_a_line() {
        let reloaded = Reloaded {
            changed: vec!["library".parse().unwrap()],
            added: vec!["museum".parse().unwrap()],
            unchanged: 198,
            took: Duration::from_micros(12_400),
            ..Reloaded::default()
        };
        assert_eq!(
            Said(&reloaded).to_string(),
            "changed: library; added: museum; 198 unchanged; took 12 ms"
        );
        let later = Reloaded {
            at_next_start: vec!["listen"],
            took: Duration::from_millis(61_230),
            ..Reloaded::default()
        };
        assert_eq!(
            Said(&later).to_string(),
            "0 unchanged; took 61.2 s\nlisten in rempart.toml was changed, and takes effect at the next start"
        );
    }
}
