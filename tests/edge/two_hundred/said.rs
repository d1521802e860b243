//! What a reload says, to whoever asked for it and to the log.

use serde_json::Value;

use super::town::Town;

/// What a reload said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) added: Vec<String>,
    pub(super) changed: Vec<String>,
    pub(super) removed: Vec<String>,
    pub(super) unchanged: usize,
    /// File, line, code.
    pub(super) wrong: Vec<(String, Option<usize>, String)>,
}

impl Said {
    /// Out of what the command prints.
    pub(super) fn of(said: &Value, town: &Town) -> Self {
        let names = |key: &str| {
            let all = said[key].as_array().into_iter().flatten();
            all.map(|name| name.as_str().unwrap().to_owned()).collect()
        };
        let wrong = said["wrong"].as_array().unwrap().iter().map(|one| {
            let (file, line) = (one["file"].as_str().unwrap(), one["line"].as_u64());
            assert_eq!(line.is_some(), one["column"].is_u64());
            assert!(one["message"].as_str().is_some_and(|message| !message.is_empty()));
            (
                within(file, town),
                line.map(|line| line as usize),
                one["code"].as_str().unwrap().to_owned(),
            )
        });
        Self {
            added: names("added"),
            changed: names("changed"),
            removed: names("removed"),
            unchanged: said["unchanged"].as_u64().unwrap_or_default() as usize,
            wrong: sorted(wrong.collect()),
        }
    }

    /// Out of lines such as `… ERROR rempart::reload: DIR/tenants.d/city.toml:3:1: message tenant="city" code="syntax" …`
    /// and `… INFO rempart::reload: reloaded: changed: city; 199 unchanged why=…`.
    pub(super) fn logged(log: &str, town: &Town) -> Self {
        let mut said = Self::default();
        for line in log.lines() {
            let Some((_, message)) = line.split_once(" rempart::reload: ") else {
                continue;
            };
            if let Some(outcome) = message.strip_prefix("reloaded: ") {
                said.read_outcome(outcome.split(" why=").next().unwrap());
            } else if let Some((_, code)) = message.split_once(" code=\"") {
                let place = message.split(": ").next().unwrap();
                let mut parts = place.rsplitn(3, ':').collect::<Vec<_>>();
                parts.reverse();
                let (file, line) = match parts[..] {
                    [file, line, _column] => (file, Some(line.parse().unwrap())),
                    _ => (place, None),
                };
                said.wrong
                    .push((within(file, town), line, code.split('"').next().unwrap().to_owned()));
            }
        }
        said.wrong = sorted(said.wrong);
        said
    }

    fn read_outcome(&mut self, outcome: &str) {
        for part in outcome.split("; ") {
            let names = |names: &str| names.split(", ").map(str::to_owned).collect();
            match part.split_once(": ") {
                Some(("added", all)) => self.added = names(all),
                Some(("changed", all)) => self.changed = names(all),
                Some(("removed", all)) => self.removed = names(all),
                _ => self.unchanged = part.split(' ').next().unwrap().parse().unwrap(),
            }
        }
    }
}

/// A file as it is named from the configuration's directory.
fn within(file: &str, town: &Town) -> String {
    let directory = format!("{}/", town.directory.display());
    file.strip_prefix(&directory).unwrap_or(file).to_owned()
}

fn sorted<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    all.sort();
    all
}
