use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use rempart_guard::Problem;
use serde::{Serialize, Serializer};

use crate::excerpt::Excerpt;
use crate::presets::SHIPPED;

/// One problem of the configuration: where it is, which key, what is wrong, and what would be right.
///
/// `Display` is for people and shows the source line; `Serialize` is for programs: `file`, `line`, `column`, `tenant`,
/// `key`, `severity`, `code`, `message`, `help`, `related`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Where it is.
    #[serde(flatten)]
    pub place: Place,
    /// The tenant that cannot be built because of it; `None` for the vendor's file and for what several tenants share.
    pub tenant: Option<String>,
    /// The key, from the top of the file.
    pub key: Key,
    /// Whether it keeps a tenant from being served as its file says.
    pub severity: Severity,
    /// A stable code: `unknown_key`, `upstream_scheme`, …
    pub code: &'static str,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What would be right, when that can be said.
    pub help: Option<String>,
    /// Other places that have to do with it.
    pub related: Vec<Related>,
    #[serde(skip)]
    pub(crate) excerpt: Option<Excerpt>,
}

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// What is written cannot be used.
    Error,
    /// What is written is used, and somebody should look at it.
    Warning,
}

impl Severity {
    /// The word before the code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A place in a file, or an environment variable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file, relative to the configuration's directory; a variable is `$NAME`.
    pub file: String,
    /// The line, from 1. Absent when the problem is the file itself.
    pub line: Option<usize>,
    /// The column, from 1, in characters.
    pub column: Option<usize>,
}

/// Another place that a problem has to do with, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Related {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// Why it is named.
    pub message: String,
}

/// The way to a key from the top of a file: `rate_limit.quotas.login.rate`, `hosts[0]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(pub Vec<String>);

impl Diagnostic {
    /// A problem of a whole file or directory.
    pub(crate) fn of_file(file: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        let place = Place::of_file(file);
        Self::new(place, None, Problem::new(Vec::<String>::new(), code, message))
    }

    /// A problem at a place, with what that place looks like.
    pub(crate) fn new(place: Place, excerpt: Option<Excerpt>, problem: Problem) -> Self {
        let Problem {
            key,
            code,
            message,
            help,
        } = problem;
        Self {
            place,
            tenant: None,
            key: Key(key),
            severity: Severity::Error,
            code,
            message,
            help,
            related: Vec::new(),
            excerpt,
        }
    }

    /// The same, with a suggestion.
    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }

    /// The same as a warning.
    #[must_use]
    pub fn warning(self) -> Self {
        Self {
            severity: Severity::Warning,
            ..self
        }
    }

    /// Names another place.
    pub(crate) fn related(mut self, place: Place, message: impl Into<String>) -> Self {
        let message = message.into();
        self.related.push(Related { place, message });
        self
    }

    /// What makes two diagnostics the same to a person, in the order in which they are shown.
    fn order(&self) -> (&Place, &Key, &'static str, &str) {
        (&self.place, &self.key, self.code, &self.message)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}[{}]: ", self.place, self.severity.as_str(), self.code)?;
        if !self.key.0.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        writeln!(f, "{}", printable(&self.message))?;
        let mut gutter = String::from(" ");
        if let Some(excerpt) = &self.excerpt {
            excerpt.fmt(f)?;
            gutter = excerpt.gutter();
        }
        for Related { place, message } in &self.related {
            writeln!(f, "{gutter} = note: {place}: {}", printable(message))?;
        }
        match &self.help {
            Some(help) => writeln!(f, "{gutter} = help: {}", printable(help)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}

impl Place {
    /// The file as a whole.
    pub(crate) fn of_file(file: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: None,
            column: None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", printable(&self.file))?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ":{line}:{column}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        for (index, part) in self.0.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            if part.is_empty() || !part.bytes().all(bare) {
                write!(f, "{dot}{part:?}")?;
            } else if index > 0 && part.bytes().all(|byte| byte.is_ascii_digit()) {
                write!(f, "[{part}]")?;
            } else {
                write!(f, "{dot}{part}")?;
            }
        }
        Ok(())
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// All problems of a configuration, sorted by file and line, each once.
///
/// `Display` shows them all for a person and closes with their number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// The diagnostics, in the order of their places.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// Whether something cannot be used; warnings are no errors.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|one| one.severity == Severity::Error)
    }

    /// The same, with the files named from where a person stands: `directory` as it was given, then the file in it.
    #[must_use]
    pub fn under(mut self, directory: &Path) -> Self {
        let name = |place: &mut Place| {
            if !place.file.starts_with(['$', SHIPPED]) {
                place.file = printable(&directory.join(&place.file).to_string_lossy());
            }
        };
        for diagnostic in &mut self.0 {
            name(&mut diagnostic.place);
            diagnostic
                .related
                .iter_mut()
                .for_each(|related| name(&mut related.place));
        }
        self
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    /// Sorts, and shows once what several tenants have from one place, such as a mistake in `[defaults]`.
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(diagnostics: I) -> Self {
        let mut all: Vec<Diagnostic> = diagnostics.into_iter().collect();
        all.sort_by(|one, other| one.order().cmp(&other.order()));
        all.dedup_by(|later, earlier| {
            let same = later.order() == earlier.order();
            if same && later.tenant != earlier.tenant {
                earlier.tenant = None;
            }
            same
        });
        Self(all)
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for diagnostic in &self.0 {
            writeln!(f, "{diagnostic}")?;
        }
        let named: BTreeSet<&str> = self.0.iter().map(|one| one.place.file.as_str()).collect();
        let (variables, files): (Vec<&str>, Vec<&str>) = named.iter().partition(|name| name.starts_with('$'));
        let errors = self.0.iter().filter(|one| one.severity == Severity::Error).count();
        match (errors, self.0.len() - errors) {
            (0, warnings) if warnings > 0 => write!(f, "{} in ", count(warnings, "warning"))?,
            (errors, 0) => write!(f, "{} in ", count(errors, "problem"))?,
            (errors, warnings) => write!(f, "{} and {} in ", count(errors, "problem"), count(warnings, "warning"))?,
        }
        match (files.len(), variables.len()) {
            (files, 0) => write!(f, "{}", count(files, "file")),
            (0, variables) => write!(f, "{}", count(variables, "variable")),
            (files, variables) => write!(f, "{} and {}", count(files, "file"), count(variables, "variable")),
        }
    }
}

impl std::error::Error for Diagnostics {}

fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// Text from a file or a file's name, as a terminal may see it: no control characters.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}
