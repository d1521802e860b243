use rempart_guard::{Problem, Problems};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::diagnostic::Diagnostic;
use crate::document::Part;
use crate::extract::{Extract, Hint};
use crate::layers::Layers;

/// Turns the settings of some layers into policies, and every problem on the way into a diagnostic.
pub(crate) struct Reader<'a, T> {
    layers: &'a Layers,
    extract: Extract<T>,
    diagnostics: Vec<Diagnostic>,
}

impl<'a, T: Serialize + DeserializeOwned + Default + Clone> Reader<'a, T> {
    /// Reads the settings.
    pub(crate) fn new(layers: &'a Layers, hints: &[Hint]) -> Self {
        let mut diagnostics = Vec::new();
        let extract = Extract::read(layers, hints, &mut diagnostics);
        Self {
            layers,
            extract,
            diagnostics,
        }
    }

    /// The settings, as far as they could be read.
    pub(crate) fn settings(&self) -> T {
        self.extract.settings.clone()
    }
}

impl<T> Reader<'_, T> {
    /// Notes a problem of a value, unless it only follows from one that was noted.
    pub(crate) fn problem(&mut self, problem: Problem) {
        if self.diagnostics.len() < MOST_PROBLEMS && !self.extract.doubts(&problem.key) {
            self.diagnostics.push(self.layers.diagnostic(problem, Part::Value));
        }
    }

    /// Notes a problem of a value that must not be shown.
    pub(crate) fn secret_problem(&mut self, problem: Problem) {
        let noted = self.diagnostics.len();
        self.problem(problem);
        self.diagnostics[noted..].iter_mut().for_each(|one| one.excerpt = None);
    }

    /// Notes that a key is missing which belongs into the own file.
    pub(crate) fn missing(&mut self, problem: Problem) {
        if !self.extract.doubts(&problem.key) {
            self.diagnostics.push(self.layers.missing(problem));
        }
    }

    /// The value of a good result; notes the problem of a bad one.
    pub(crate) fn take<V>(&mut self, result: Result<V, Problem>) -> Option<V> {
        result.map_err(|problem| self.problem(problem)).ok()
    }

    /// The policy of a section.
    pub(crate) fn section<S, P: TryFrom<S, Error = Problems>>(&mut self, name: &str, settings: S) -> Option<P> {
        match P::try_from(settings) {
            Ok(policy) => Some(policy),
            Err(problems) => self.checked(name, Err(problems), ()).and(None),
        }
    }

    /// The settings of a section that was found good; notes the problems of a bad one.
    pub(crate) fn checked<S>(&mut self, name: &str, result: Result<(), Problems>, settings: S) -> Option<S> {
        let Err(problems) = result else {
            return Some(settings);
        };
        if problems.is_empty() {
            let message = "this section cannot be used as it is";
            self.problem(Problem::new([name], "section_invalid", message));
        }
        for problem in problems {
            self.problem(problem.under(name));
        }
        None
    }

    /// What was noted. The reader is done.
    pub(crate) fn finish(self) -> Vec<Diagnostic> {
        self.diagnostics
    }
}

/// More than a person mends at once; each is looked for in the whole text. What is wrong beside them is wrong still, and
/// told when they are mended.
const MOST_PROBLEMS: usize = 200;
