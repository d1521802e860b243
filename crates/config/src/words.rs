//! Values in the form in which a person writes them, with a word for each when it is something else.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use rempart_guard::{Problem, UnitError, duration, duration_schema};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// A duration as it is written: a whole number with `ms`, `s`, `m`, `h` or `d`, such as `"30s"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Written(pub String);

impl Written {
    /// The duration, when it is one and within bounds.
    pub(crate) fn within<const N: usize>(
        &self,
        least: Duration,
        most: Duration,
        key: [&str; N],
    ) -> Result<Duration, Problem> {
        const UNITS: &str = "a duration is a whole number with ms, s, m, h or d, such as \"500ms\" or \"30s\"";
        let text = &self.0;
        let problem = |code, message: String| Problem::new(key, code, message);
        let read = duration(text).map_err(|error| {
            let code = match error {
                UnitError::NoUnit => "duration_ambiguous",
                _ => "duration_invalid",
            };
            problem(code, format!("{text:?}: {error}")).help(UNITS)
        })?;
        if (least..=most).contains(&read) {
            return Ok(read);
        }
        let bounds = format!("{text:?} is not from {least:?} to {most:?}");
        Err(problem("duration_out_of_range", bounds))
    }
}

impl From<&str> for Written {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;
        impl Visitor<'_> for Word {
            type Value = Written;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration in quotes with its unit, such as \"30s\"")
            }
            fn visit_str<E>(self, text: &str) -> Result<Written, E> {
                Ok(Written(text.to_owned()))
            }
        }
        deserializer.deserialize_str(Word)
    }
}

impl JsonSchema for Written {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        duration_schema(generator)
    }
}

/// One text or a list of texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct OneOrMore(pub Vec<String>);

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = OneOrMore;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text in quotes, or a list of such texts")
            }
            fn visit_str<E>(self, text: &str) -> Result<OneOrMore, E> {
                Ok(OneOrMore(vec![text.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<OneOrMore, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = items.next_element()? {
                    texts.push(text);
                }
                Ok(OneOrMore(texts))
            }
        }
        deserializer.deserialize_any(Words)
    }
}

/// Says which of the known words was probably meant: ``did you mean `upstream`?``
pub fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let plain = |text: &str| text.to_ascii_lowercase().replace('-', "_");
    // A megabyte of letters is not a slip of the fingers.
    if word.len() > 64 {
        return None;
    }
    let word = plain(word);
    let far = known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(&word, &plain(known)), known));
    let (distance, nearest) = far.min_by_key(|(distance, _)| *distance)?;
    let near = distance <= nearest.len().max(3) / 3;
    near.then(|| format!("did you mean `{nearest}`?"))
}
