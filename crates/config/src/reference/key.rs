use std::fmt::Write as _;

use serde_json::Value;

use super::{text, toml};
use crate::schema::words;

/// One key, as it is documented.
pub(super) struct Key {
    pub(super) name: String,
    /// Its form, its default and its bounds.
    facts: Vec<String>,
    description: String,
    /// The words that it can be, when the description does not say them, with what each means.
    words: Vec<(String, String)>,
}

impl Key {
    /// A key of what its property says, and what the property's type says.
    pub(super) fn new(name: &str, property: &Value, resolved: &Value, needed: bool) -> Self {
        let description = match text(property, "description") {
            own if own.is_empty() => text(resolved, "description"),
            own => own,
        };
        let mut facts = vec![form(resolved)];
        facts.push(match resolved.get("default") {
            Some(default) => format!("default `{}`", toml(default)),
            None if needed => "needed".to_owned(),
            None => "no default".to_owned(),
        });
        facts.extend(bounds(resolved));
        let known = resolved.as_object().and_then(words).unwrap_or_default();
        let said = |word: &str| description.contains(&format!("`{word}`"));
        let words = match known.iter().all(|word| said(word.word)) {
            true => Vec::new(),
            false => known
                .iter()
                .map(|word| (word.word.to_owned(), word.meaning.replace('\n', " ")))
                .collect(),
        };
        Self {
            name: name.to_owned(),
            facts,
            description,
            words,
        }
    }

    /// Writes the key of a section at `path`.
    pub(super) fn write(&self, path: &[String], page: &mut String) {
        let whole: Vec<_> = path.iter().map(String::as_str).chain([&*self.name]).collect();
        let _ = write!(page, "\n#### `{}`\n\n", whole.join("."));
        let _ = write!(page, "*{}*\n\n{}\n", self.facts.join(" · "), self.description);
        if !self.words.is_empty() {
            page.push('\n');
        }
        for (word, meaning) in &self.words {
            let _ = writeln!(page, "- `{word}`: {meaning}");
        }
    }
}

/// What a value looks like, in a few words.
fn form(schema: &Value) -> String {
    if let Some(form) = schema["x-form"].as_str() {
        return form.to_owned();
    }
    let words: Vec<_> = match (&schema["enum"], schema.as_object().and_then(words)) {
        (Value::Array(words), _) => words.iter().map(toml).collect(),
        (_, Some(words)) => words.iter().map(|word| format!("{:?}", word.word)).collect(),
        _ => Vec::new(),
    };
    if !words.is_empty() {
        let words: Vec<_> = words.into_iter().map(|word| format!("`{word}`")).collect();
        return words.join(" or ");
    }
    if let Some([one, list]) = schema["anyOf"].as_array().map(Vec::as_slice)
        && list["items"] == *one
    {
        return format!("{}, or a list of them", form(one));
    }
    match schema["type"].as_str() {
        Some("string") => "text".to_owned(),
        Some("integer") => "whole number".to_owned(),
        Some("boolean") => "`true` or `false`".to_owned(),
        Some("array") => format!("list, each a {}", form(&schema["items"])),
        Some("object") => "sections by name".to_owned(),
        _ => "value".to_owned(),
    }
}

fn bounds(schema: &Value) -> Option<String> {
    let number = |key: &str| schema[key].as_u64().map(|number| number.to_string());
    let time = |key: &str| schema[key].as_str().map(str::to_owned);
    let least = number("minimum").or_else(|| time("x-least"));
    let most = number("maximum").or_else(|| time("x-most"));
    match (least, most, number("maxItems").or_else(|| number("maxProperties"))) {
        (Some(least), Some(most), _) => Some(format!("from `{least}` to `{most}`")),
        (Some(least), None, _) => Some(format!("at least `{least}`")),
        (None, Some(most), _) => Some(format!("at most `{most}`")),
        (None, None, Some(most)) => Some(format!("at most {most}")),
        (None, None, None) => None,
    }
}
