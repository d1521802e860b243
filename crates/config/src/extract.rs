//! Values into settings, with every key that does not fit named, and not only the first.

use std::collections::{BTreeMap, BTreeSet};

use figment::error::{Actual, Kind};
use figment::value::{Dict, Value};
use rempart_guard::Problem;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::diagnostic::Diagnostic;
use crate::document::Part;
use crate::layers::Layers;
use crate::words::suggestion;

/// What was read, and which keys had to be left out to read it.
pub(crate) struct Extract<T> {
    pub(crate) settings: T,
    left_out: BTreeSet<Vec<String>>,
}

impl<T: Serialize + DeserializeOwned + Default> Extract<T> {
    /// Reads the layers over the built-in defaults.
    pub(crate) fn read(layers: &Layers, hints: &[Hint], diagnostics: &mut Vec<Diagnostic>) -> Self {
        let built_in = Value::serialize(T::default()).ok().and_then(Value::into_dict);
        Self::read_over(built_in.unwrap_or_default(), layers, hints, diagnostics)
    }

    /// Reads the layers over `built_in`.
    ///
    /// serde stops at the first thing that does not fit. So that a person sees them all, that key is left out and the
    /// rest is read again.
    pub(crate) fn read_over(
        built_in: Dict,
        layers: &Layers,
        hints: &[Hint],
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut rest = Remainder::new(layers.merged(built_in));
        for _ in 0..MOST_MISFITS {
            let error = match T::deserialize(&rest.value) {
                Ok(settings) => {
                    return Self {
                        settings,
                        left_out: rest.left_out,
                    };
                }
                Err(error) => error,
            };
            let misfit = Misfit::new(error, &rest);
            if !rest.follows_from_what_was_left_out(&misfit.key) {
                let problem = misfit.problem(hints);
                let is_secret = problem.key.last().is_some_and(|name| holds_a_secret(name));
                let mut diagnostic = layers.diagnostic(problem, misfit.part);
                // Its line would show it.
                diagnostic.excerpt = diagnostic.excerpt.filter(|_| !is_secret);
                diagnostics.push(diagnostic);
            }
            if !rest.leave_out(&misfit.leave_out) {
                break;
            }
        }
        Self {
            settings: T::default(),
            left_out: BTreeSet::from([Vec::new()]),
        }
    }
}

impl<T> Extract<T> {
    /// Whether a problem at this key is only there because the key, or one beside or above it, was left out.
    pub(crate) fn doubts(&self, key: &[String]) -> bool {
        self.left_out
            .iter()
            .any(|left_out| key.starts_with(left_out) || left_out.starts_with(key))
    }
}

/// A word for a mistake that is made often: a key where it is unknown, and the help.
pub(crate) type Hint = (&'static str, &'static str);

/// Whether somebody who writes this key, which may well be none of ours, probably writes a secret behind it.
fn holds_a_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let words = ["password", "passwd", "secret", "token"];
    !key.ends_with("_file") && words.iter().any(|word| key.contains(word))
}

/// A file with more is not one that a person mends line by line.
const MOST_MISFITS: usize = 100;

/// The values that are still to be read. Indices of lists are those of the file, whatever was left out before them.
struct Remainder {
    value: Value,
    left_out: BTreeSet<Vec<String>>,
    gaps: BTreeMap<Vec<String>, BTreeSet<usize>>,
}

impl Remainder {
    fn new(value: Value) -> Self {
        Self {
            value,
            left_out: BTreeSet::new(),
            gaps: BTreeMap::new(),
        }
    }

    /// The key in the file of a key in what remains.
    fn original(&self, key: &[String]) -> Vec<String> {
        let mut original: Vec<String> = Vec::with_capacity(key.len());
        for part in key {
            let part = match (self.gaps.get(&original), part.parse::<usize>()) {
                (Some(gaps), Ok(mut index)) => {
                    gaps.iter().for_each(|gap| index += usize::from(*gap <= index));
                    index.to_string()
                }
                _ => part.clone(),
            };
            original.push(part);
        }
        original
    }

    /// A key is missing because it was there and did not fit.
    fn follows_from_what_was_left_out(&self, key: &[String]) -> bool {
        self.left_out.contains(key)
    }

    /// Takes a key out; `false` when it is not there, or is all there is.
    fn leave_out(&mut self, key: &[String]) -> bool {
        let Some((last, above)) = key.split_last() else {
            return false;
        };
        let original = self.original(key);
        let removed = match descend(&mut self.value, above) {
            Some(Value::Dict(_, values)) => values.remove(last).is_some(),
            Some(Value::Array(_, values)) => match last.parse::<usize>() {
                Ok(index) if index < values.len() => {
                    values.remove(index);
                    let at = original.last().and_then(|at| at.parse().ok()).unwrap_or(index);
                    self.gaps
                        .entry(original[..above.len()].to_vec())
                        .or_default()
                        .insert(at);
                    true
                }
                _ => false,
            },
            _ => false,
        };
        self.left_out.insert(original);
        removed
    }
}

fn descend<'a>(value: &'a mut Value, key: &[String]) -> Option<&'a mut Value> {
    let mut value = value;
    for part in key {
        value = match value {
            Value::Dict(_, values) => values.get_mut(part)?,
            Value::Array(_, values) => values.get_mut(part.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(value)
}

/// One thing that does not fit.
struct Misfit {
    /// The key in the file.
    key: Vec<String>,
    /// The key, in what remains, without which the rest can be read.
    leave_out: Vec<String>,
    part: Part,
    kind: Kind,
}

impl Misfit {
    fn new(error: figment::Error, rest: &Remainder) -> Self {
        let figment::Error { path, kind, .. } = error;
        let mut key = rest.original(&path);
        // What lacks a key goes as a whole: nobody can say what should stand there.
        if let Kind::MissingField(field) = &kind {
            key.push(field.to_string());
        }
        let part = match kind {
            Kind::UnknownField(..) => Part::Key,
            _ => Part::Value,
        };
        Self {
            key,
            leave_out: path,
            part,
            kind,
        }
    }

    fn problem(&self, hints: &[Hint]) -> Problem {
        let problem = |code, message: String| Problem::new(self.key.clone(), code, message);
        match &self.kind {
            Kind::UnknownField(word, known) => problem("unknown_key", "there is no such key".into()).help(
                hint(word, known, hints)
                    .or_else(|| suggestion(word, known.iter().copied()))
                    .unwrap_or_else(|| format!("known here: {}", list(known))),
            ),
            Kind::UnknownVariant(word, known) => problem("unknown_word", format!("{word:?} is not known here")).help(
                suggestion(word, known.iter().copied()).unwrap_or_else(|| format!("known here: {}", list(known))),
            ),
            Kind::MissingField(_) => problem("missing_key", "this key is needed here".into()),
            Kind::InvalidType(found, expected) => {
                let found = format!("expected {}, found {}", wanted(expected), described(found));
                match expected.as_str() {
                    "a string" => problem("wrong_type", found)
                        .help("a rate, a time or a size is text with its unit: \"10/m\", \"30s\", \"1MiB\""),
                    _ => problem("wrong_type", found),
                }
            }
            Kind::InvalidValue(found, expected) => problem(
                "invalid_value",
                format!("expected {}, found {}", wanted(expected), described(found)),
            ),
            Kind::InvalidLength(length, expected) => problem(
                "invalid_value",
                format!("expected {}, found {length} of them", wanted(expected)),
            ),
            Kind::Message(message) => problem("invalid_value", message.clone()),
            other => problem("invalid_value", other.to_string()),
        }
    }
}

fn hint(word: &str, known: &[&str], hints: &[Hint]) -> Option<String> {
    let hint = hints.iter().find(|(key, _)| *key == word && !known.contains(key));
    hint.map(|(_, help)| (*help).to_owned())
}

fn list(known: &[&str]) -> String {
    known
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// serde's words for what was expected, in those of a person who writes a file.
fn wanted(expected: &str) -> &str {
    match expected {
        "a string" | "string" | "path string" => "text in quotes",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "a section",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number from 0 on",
        _ if expected.starts_with("struct ") => "a section",
        _ => expected,
    }
}

fn described(found: &Actual) -> String {
    match found {
        Actual::Bool(yes) => format!("`{yes}`"),
        Actual::Signed(number) => format!("the bare number {number}"),
        Actual::Unsigned(number) => format!("the bare number {number}"),
        Actual::Float(number) => format!("the bare number {number}"),
        Actual::Str(text) => format!("the text {text:?}"),
        Actual::Seq => "a list".into(),
        Actual::Map => "a section".into(),
        other => other.to_string(),
    }
}
