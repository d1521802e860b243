use std::fmt;

/// One thing that is wrong with settings as they are written: which key, a stable code, what, and what to do.
///
/// A middleware finds problems when it turns its `Settings` into a `Policy`; it knows the key but not the file. Whoever
/// read the file joins the key with its line and column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The way to the key, from the top of the settings: `["quotas", "login", "rate"]`.
    pub key: Vec<String>,
    /// A stable code: `rate_ambiguous`, `cookie_name_invalid`, …
    pub code: &'static str,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What would be right, when that can be said.
    pub help: Option<String>,
}

impl Problem {
    /// A problem at `key` (dotted parts, each its own item).
    pub fn new<K: Into<String>>(
        key: impl IntoIterator<Item = K>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            key: key.into_iter().map(Into::into).collect(),
            code,
            message: message.into(),
            help: None,
        }
    }

    /// Says what would be right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same problem, seen from one level further out.
    #[must_use]
    pub fn under(mut self, section: &str) -> Self {
        self.key.insert(0, section.to_owned());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} [{}]", self.key.join("."), self.message, self.code)
    }
}

impl std::error::Error for Problem {}

/// All problems of one section: settings are read to the end before they are refused, so that a person mends a file once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// No problems so far.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Notes a problem.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Notes the problem of a failed result and gives the value of a good one.
    pub fn take<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.push(problem)).ok()
    }

    /// Gives `value` when nothing was noted.
    ///
    /// # Errors
    ///
    /// The problems, when there are any.
    pub fn none_or<T>(self, value: impl FnOnce() -> Option<T>) -> Result<T, Self> {
        if self.0.is_empty() {
            value().ok_or(self)
        } else {
            Err(self)
        }
    }

    /// Whether nothing was noted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The problems, in the order in which they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Extend<Problem> for Problems {
    fn extend<T: IntoIterator<Item = Problem>>(&mut self, problems: T) {
        self.0.extend(problems);
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
