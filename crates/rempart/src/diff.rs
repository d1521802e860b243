//! `rempart diff`.

use std::path::Path;
use std::process::ExitCode;

use rempart_config::{Config, Diagnostic, Diagnostics, Differences};
use serde::Serialize;

use crate::cli::{Diff, Format};

/// Says what changes in behaviour; status 0 when nothing does, 1 when something does, 2 when it cannot be told of all.
pub(crate) fn diff(arguments: &Diff) -> ExitCode {
    let environment: Vec<_> = std::env::vars().collect();
    let [old, new] =
        [&arguments.old, &arguments.new].map(|directory| rempart_config::read(directory, environment.clone()));
    let differences = match (&old, &new) {
        (Ok(old), Ok(new)) => Some(Differences::between(old, new)),
        _ => None,
    };
    let wrong = [(old, &arguments.old), (new, &arguments.new)].map(|(side, directory)| wrong(side, directory));
    let problems: Diagnostics = wrong
        .into_iter()
        .flatten()
        .filter(|one| concerns(one, arguments))
        .collect();
    let differences = match (differences, &arguments.tenant) {
        (Some(all), Some(tenant)) => match all.of_tenant(tenant) {
            None => return no_tenant(tenant),
            of_tenant => of_tenant,
        },
        (all, _) => all,
    };
    match arguments.format {
        Format::Human => human(differences.as_ref(), &problems),
        Format::Json => json(differences.as_ref(), &problems),
    }
    match differences {
        Some(differences) if problems.is_empty() => ExitCode::from(u8::from(!differences.is_empty())),
        _ => ExitCode::from(2),
    }
}

/// What is wrong on one side, its files named from where the person stands.
fn wrong(side: Result<Config, Diagnostics>, directory: &Path) -> Diagnostics {
    let wrong = match side {
        Ok(config) => config.wrong,
        Err(wrong) => wrong,
    };
    wrong.under(directory)
}

/// Whether a problem keeps from telling what was asked.
fn concerns(problem: &Diagnostic, arguments: &Diff) -> bool {
    let asked = arguments.tenant.as_ref();
    problem.tenant.is_none() || asked.is_none() || problem.tenant.as_ref() == asked
}

#[expect(clippy::print_stderr, reason = "the answer to a question on the command line")]
fn no_tenant(tenant: &str) -> ExitCode {
    eprintln!("error: neither configuration has a tenant `{}`", tenant.escape_debug());
    ExitCode::from(2)
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the answer to a question on the command line"
)]
fn human(differences: Option<&Differences>, problems: &Diagnostics) {
    if !problems.is_empty() {
        eprintln!("{problems}");
    }
    if let Some(differences) = differences {
        println!("{differences}");
    }
}

#[expect(clippy::print_stdout, reason = "the answer to a question on the command line")]
fn json(differences: Option<&Differences>, problems: &Diagnostics) {
    let answer = Answer { differences, problems };
    println!(
        "{}",
        serde_json::to_string_pretty(&answer).expect("differences are text and lists")
    );
}

/// Without the differences when a whole side cannot be read.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    differences: Option<&'a Differences>,
    problems: &'a Diagnostics,
}
