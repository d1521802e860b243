//! Forms in which a value may be written in a tenant's file.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Count, Part};

/// Who shares a count, as it is written: one word, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum PerSettings {
    /// One word.
    One(String),
    /// All of them together.
    All(Vec<String>),
}

/// What is counted, as it is written: a word, or a list of statuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum CountSettings {
    /// A word.
    Word(String),
    /// Statuses of answers.
    Statuses(Vec<u16>),
}

impl PerSettings {
    pub(crate) fn words(&self) -> &[String] {
        match self {
            Self::One(word) => std::slice::from_ref(word),
            Self::All(words) => words,
        }
    }
}

impl Default for PerSettings {
    fn default() -> Self {
        "client".into()
    }
}

impl From<&str> for PerSettings {
    fn from(word: &str) -> Self {
        Self::One(word.to_owned())
    }
}

impl<const N: usize> From<[&str; N]> for PerSettings {
    fn from(words: [&str; N]) -> Self {
        Self::All(words.map(str::to_owned).to_vec())
    }
}

impl Default for CountSettings {
    fn default() -> Self {
        "requests".into()
    }
}

impl From<&str> for CountSettings {
    fn from(word: &str) -> Self {
        Self::Word(word.to_owned())
    }
}

impl<'de> Deserialize<'de> for PerSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = PerSettings;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text in quotes, or a list of such texts")
            }

            fn visit_str<E>(self, word: &str) -> Result<PerSettings, E> {
                Ok(word.into())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<PerSettings, A::Error> {
                all(items).map(PerSettings::All)
            }
        }
        deserializer.deserialize_any(Words)
    }
}

impl<'de> Deserialize<'de> for CountSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrStatuses;
        impl<'de> Visitor<'de> for WordOrStatuses {
            type Value = CountSettings;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text in quotes, or a list of statuses")
            }

            fn visit_str<E>(self, word: &str) -> Result<CountSettings, E> {
                Ok(word.into())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<CountSettings, A::Error> {
                all(items).map(CountSettings::Statuses)
            }
        }
        deserializer.deserialize_any(WordOrStatuses)
    }
}

fn all<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(mut items: A) -> Result<Vec<T>, A::Error> {
    let mut all = Vec::new();
    while let Some(one) = items.next_element()? {
        all.push(one);
    }
    Ok(all)
}

impl JsonSchema for PerSettings {
    fn schema_name() -> Cow<'static, str> {
        "Per".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words = Part::WORDS.join("|");
        let one = json_schema!({
            "type": "string",
            "pattern": format!(r"^({words}|header:\s*[A-Za-z0-9!#$%&'*+.^_`|~-]+\s*)$"),
            "examples": ["client", "tenant"],
            "x-form": "text",
        });
        json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}

impl JsonSchema for CountSettings {
    fn schema_name() -> Cow<'static, str> {
        "Count".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string", "enum": Count::WORDS },
                { "type": "array", "items": { "type": "integer", "minimum": 100, "maximum": 599 }, "minItems": 1 },
            ],
            "x-form": "a word, or a list of statuses",
        })
    }
}
