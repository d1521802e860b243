//! What an editor is told of the files, so that a typing error is underlined while it is typed: JSON Schema, draft
//! 2020-12 (json-schema.org), made of the same types that [`load`](crate::load) reads.
//!
//! An editor takes it from a line at the top of a file, as Taplo and its extensions "Even Better TOML" do:
//!
//! ```toml
//! #:schema ./tenant.schema.json
//! ```
//!
//! # What it refuses
//!
//! Unknown keys, wrong types, words that are not in a list, whole numbers out of bounds, and rates, durations, routes,
//! hosts and addresses that do not look like one.
//!
//! # What it cannot stop
//!
//! What needs more than one file or more than one key: a host that two tenants have, a certificate without its key, a key
//! that no layer sets. So nothing is `required`: another layer may have it. Bounds of durations are told as `x-least` and
//! `x-most`, which no validator enforces. In one thing the schema is stricter than `load`: words and names of headers from
//! a list are written in small letters.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

use crate::settings::{TenantSettings, VendorSettings};

/// The schema of `rempart.toml`.
#[must_use]
pub fn vendor() -> Value {
    inlined::<VendorSettings>("Rempart: the vendor's file, rempart.toml")
}

/// The schema of `tenants.d/NAME.toml`.
#[must_use]
pub fn tenant() -> Value {
    inlined::<TenantSettings>("Rempart: a tenant's file, tenants.d/NAME.toml")
}

/// Everything in its place and no `$ref`: editors look no further than the property for its description and its default.
fn inlined<T: JsonSchema>(title: &str) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    RecursiveTransform(in_files).transform(&mut schema);
    RecursiveTransform(for_editors).transform(&mut schema);
    let mut schema = std::mem::take(schema.ensure_object());
    let head = ["$schema", "title", "description"].map(|key| (key.to_owned(), schema.shift_remove(key)));
    let head = head.into_iter().filter_map(|(key, value)| Some((key, value?)));
    Value::Object(head.chain(schema).collect())
}

/// The same with the types apart, each with its own documentation.
pub(crate) fn documented<T: JsonSchema>() -> Value {
    let mut schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>();
    RecursiveTransform(in_files).transform(&mut schema);
    schema.into()
}

/// What holds for Rust and serde and not for the files: there is no null in TOML, and no `u32`.
fn in_files(schema: &mut Schema) {
    let Some(schema) = schema.as_object_mut() else { return };
    for key in ["anyOf", "type", "enum"] {
        without_null(schema, key);
    }
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    schema.remove("format");
    schema.remove("writeOnly");
}

/// Takes the null out of a list of alternatives; the only one that is left is none.
fn without_null(schema: &mut Map<String, Value>, key: &str) {
    let Some(Value::Array(alternatives)) = schema.get_mut(key) else {
        return;
    };
    let null = |one: &Value| one.is_null() || one == "null" || one.get("type").is_some_and(|kind| kind == "null");
    alternatives.retain(|one| !null(one));
    match (key, alternatives.as_slice()) {
        ("type", [one]) => schema["type"] = one.clone(),
        ("anyOf", [Value::Object(one)]) => {
            let one = one.clone();
            schema.remove("anyOf");
            one.into_iter().for_each(|(key, value)| {
                schema.entry(key).or_insert(value);
            });
        }
        _ => {}
    }
}

fn for_editors(schema: &mut Schema) {
    let Some(schema) = schema.as_object_mut() else { return };
    schema.remove("required");
    if schema.contains_key("properties") {
        // Each key says its own.
        schema.remove("default");
    }
    if let Some(words) = words(schema) {
        let (known, meanings): (Vec<Value>, Vec<Value>) = words
            .iter()
            .map(|word| (word.word.into(), word.meaning.replace('\n', " ").into()))
            .unzip();
        schema.remove("oneOf");
        schema.insert("type".to_owned(), "string".into());
        schema.insert("enum".to_owned(), known.into());
        schema.insert("enumDescriptions".to_owned(), meanings.into());
    }
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = unwrapped(text);
    }
}

/// One of a list of words.
pub(crate) struct Word<'a> {
    pub(crate) word: &'a str,
    pub(crate) meaning: &'a str,
}

/// The words of an enum whose variants are documented one by one or all together.
pub(crate) fn words(schema: &Map<String, Value>) -> Option<Vec<Word<'_>>> {
    let mut words = Vec::new();
    for one in schema.get("oneOf")?.as_array()? {
        let meaning = one.get("description").and_then(Value::as_str).unwrap_or_default();
        match (one.get("const"), one.get("enum")) {
            (Some(word), _) => words.push(Word {
                word: word.as_str()?,
                meaning,
            }),
            (None, Some(Value::Array(several))) => {
                let several = several.iter().filter_map(Value::as_str);
                words.extend(several.map(|word| Word { word, meaning }));
            }
            _ => return None,
        }
    }
    Some(words)
}

/// Paragraphs without the line breaks of the source. What stands in fences and lists stays as it is.
fn unwrapped(text: &str) -> String {
    let (mut unwrapped, mut fenced, mut prose) = (String::with_capacity(text.len()), false, false);
    for line in text.lines() {
        let fence = line.starts_with("```");
        fenced ^= fence;
        let plain = !fenced && !fence && !line.is_empty() && !line.starts_with("- ");
        if !unwrapped.is_empty() {
            unwrapped.push(if plain && prose { ' ' } else { '\n' });
        }
        unwrapped.push_str(line);
        prose = plain;
    }
    unwrapped
}
