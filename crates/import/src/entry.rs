//! What an import gives.

use std::fmt;

use crate::TenantDraft;

/// The drafts, and what became of every directive.
#[derive(Clone, Debug, Default)]
pub struct Import {
    /// One for each site that was found, in the order of the input. Their names and their hosts are unique.
    pub drafts: Vec<TenantDraft>,
    /// Every directive of the input in its order; one that was left for several reasons is there once for each.
    pub entries: Vec<Entry>,
}

impl Import {
    /// What was not carried over.
    pub fn left(&self) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(|entry| matches!(entry.fate, Fate::Left { .. }))
    }
}

/// A directive, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it begins.
    pub place: Place,
    /// The line on which it ends. What is within a block that has one answer has no entry of its own.
    pub last_line: usize,
    /// What is written there, shortened, without secrets and control characters.
    pub text: String,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is in a draft.
    Carried,
    /// It needs no place in a draft.
    Understood {
        /// Because of this.
        why: String,
    },
    /// It is in no draft.
    Left {
        /// Because of this.
        why: String,
        /// What to write or do instead, when that can be said.
        instead: Option<String>,
    },
}

impl fmt::Display for Entry {
    /// One line: `sites.conf:12: not carried over: …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, text, .. } = self;
        let (file, line) = (&place.file, place.line);
        match &self.fate {
            Fate::Carried => write!(f, "{file}:{line}: carried over: {text}"),
            Fate::Understood { why } => write!(f, "{file}:{line}: not needed: {text}: {why}"),
            Fate::Left { why, instead } => {
                write!(f, "{file}:{line}: not carried over: {text}: {why}")?;
                instead.as_ref().map_or(Ok(()), |instead| write!(f, "; {instead}"))
            }
        }
    }
}

/// A place in the input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A text that could not be read at all, so that nothing was drafted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: error: {message}{}", .help.as_ref().map(|help| format!("\n  = help: {help}")).unwrap_or_default())]
pub struct ImportError {
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

impl ImportError {
    pub(crate) fn new(file: &str, (line, column): (usize, usize), message: impl Into<String>) -> Self {
        let place = Place {
            file: printable(file),
            line,
            column,
        };
        Self {
            place,
            message: printable(&message.into()),
            help: None,
        }
    }

    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }

    /// A text that is larger than anybody's list of hosts.
    pub(crate) fn bound_text(text: &str, file: &str) -> Result<(), Self> {
        if text.len() > LARGEST_TEXT {
            return Err(Self::new(file, (1, 1), "the text has more than 16 MiB").help("import it in parts"));
        }
        match text.find('\0') {
            None => Ok(()),
            Some(at) => {
                let error = Self::new(file, position(text, at), "a NUL byte: this is not a text file");
                Err(error.help("save the file as UTF-8"))
            }
        }
    }
}

pub(crate) const LARGEST_TEXT: usize = 16 * 1024 * 1024;
pub(crate) const DEEPEST: usize = 64;
pub(crate) const MOST_ITEMS: usize = 500_000;

/// The line and the column of a byte offset, both from 1.
pub(crate) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

/// Text of the input as a terminal or a comment may have it: on one line, without control characters.
pub(crate) fn printable(text: &str) -> String {
    let blank = |c: char| c.is_whitespace() || matches!(c, '\u{2028}' | '\u{2029}');
    let harmless = |c: char| match c {
        c if blank(c) => ' ',
        c if c.is_control() => '\u{fffd}',
        // Marks that turn the direction of a line can make it read as another.
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c => c,
    };
    text.chars().map(harmless).collect()
}
