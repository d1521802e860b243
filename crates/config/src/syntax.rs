//! What the TOML parser says, without what follows from its first word: one bracket forgotten is one problem.

use std::collections::BTreeSet;
use std::ops::Range;

use rempart_guard::Problem;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use crate::document::{EMPTY, Fault};
use crate::excerpt::Position;

/// The syntax errors of a text, at most one for each value and one for each line.
pub(crate) fn faults(text: &str, table: &Spanned<DeTable<'_>>, mut errors: Vec<Error>) -> Vec<Fault> {
    if let Some(at) = text.find('\0') {
        let problem = Problem::new(EMPTY, "syntax", "a NUL byte: this is not a text file");
        let help = "save the file as UTF-8 text; a file in UTF-16 is full of NUL bytes";
        return vec![(at..at + 1, problem.help(help))];
    }
    let (mut values, mut lines) = (BTreeSet::new(), BTreeSet::new());
    let newlines: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let mut faults = Vec::new();
    // A quote that is not closed in a list is told after the list that goes on because of it.
    errors.sort_by_key(|error| error.span().map(|span| span.start));
    for error in errors.into_iter().take(MOST_ERRORS) {
        let span = error.span().unwrap_or(0..0);
        let value = around(table.get_ref(), span.start);
        let line = newlines.partition_point(|at| *at < span.start) + 1;
        let first_of_value = value.as_ref().is_none_or(|(value, _)| values.insert(value.start));
        if lines.insert(line) && first_of_value {
            faults.push((span, problem(text, line, error.message(), value)));
        }
    }
    faults
}

/// A text that is no TOML at all has an error for each word. What follows from what would be told after so many, nobody
/// reads.
const MOST_ERRORS: usize = 1_000;

fn problem(text: &str, line: usize, message: &str, value: Option<(Range<usize>, &'static str)>) -> Problem {
    let problem = Problem::new(EMPTY, "syntax", message);
    let opened = value.map(|(span, kind)| (Position::of(text, span.start).line, kind));
    match opened {
        Some((opened, "array")) if opened < line || message.starts_with("missing comma") => {
            let help = format!("the list that begins on line {opened} lacks a comma or its closing `]`");
            problem.help(help)
        }
        _ if message.starts_with("string values must be quoted") => {
            problem.help("text is written in quotes: \"30s\", \"10/s\", \"library.example\"")
        }
        _ if message == "duplicate key" => problem.help("a key and a [section] stand once in a file; keep one of them"),
        _ => problem,
    }
}

/// The innermost entry of a table (not a table with a header) whose value `offset` is in, and its type.
fn around(table: &DeTable<'_>, offset: usize) -> Option<(Range<usize>, &'static str)> {
    table.values().find_map(|value| {
        let inner = match value.get_ref() {
            DeValue::Table(table) => around(table, offset),
            DeValue::Array(items) => items.iter().find_map(|item| around(item.get_ref().as_table()?, offset)),
            _ => None,
        };
        let span = value.span();
        let here = (span.start..=span.end).contains(&offset);
        inner.or_else(|| here.then(|| (span, value.get_ref().type_str())))
    })
}
