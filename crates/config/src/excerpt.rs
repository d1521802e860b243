//! The line of a file that a diagnostic is about, with a caret under it.

use std::fmt;
use std::ops::Range;

use crate::diagnostic::printable;

/// One line, cut to what fits a terminal, and the part of it that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Excerpt {
    line: usize,
    text: String,
    indent: usize,
    width: usize,
}

impl Excerpt {
    /// The line that `span` begins on. The span may go on over more lines; the carets do not.
    pub(crate) fn new(text: &str, span: &Range<usize>, position: &Position) -> Self {
        let line_text = text[position.start..].lines().next().unwrap_or_default();
        let meant = text.get(span.clone()).and_then(|meant| meant.lines().next());
        let width = meant.unwrap_or_default().trim_end().chars().count().max(1);
        let before = position.column - 1;
        // A line of ten megabytes is shown from a little before the place.
        let skipped = before.saturating_sub(COLUMNS / 2);
        let shown: String = line_text.chars().skip(skipped).take(COLUMNS).collect();
        let room = shown.chars().count().saturating_sub(before - skipped).max(1);
        Self {
            line: position.line,
            text: printable(&shown.replace('\t', " ")),
            indent: before - skipped,
            width: width.min(room),
        }
    }
}

impl Excerpt {
    /// As much room as the line's number takes.
    pub(crate) fn gutter(&self) -> String {
        " ".repeat(self.line.to_string().len())
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gutter = self.gutter();
        let line = format!("{} | {}", self.line, self.text);
        writeln!(f, "{gutter} |\n{}", line.trim_end())?;
        writeln!(f, "{gutter} | {}{}", " ".repeat(self.indent), "^".repeat(self.width))
    }
}

/// Where an offset is: the line and column from 1, and the offset at which the line starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) start: usize,
}

impl Position {
    /// Finds `offset` in `text`. A byte order mark at the beginning is no column.
    pub(crate) fn of(text: &str, offset: usize) -> Self {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &text[..offset];
        let mark = if text.starts_with('\u{feff}') {
            '\u{feff}'.len_utf8()
        } else {
            0
        };
        let start = before.rfind('\n').map_or(mark.min(offset), |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: text[start..offset].chars().count() + 1,
            start,
        }
    }
}

/// How many characters of a line are shown.
const COLUMNS: usize = 160;
