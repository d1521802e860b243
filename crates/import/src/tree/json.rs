use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{Bound, Lines, Node, Value};
use crate::entry::ImportError;

/// Reads JSON.
pub(crate) fn read(text: &str, file: &str) -> Result<Node, ImportError> {
    let wrong = |error: serde_json::Error| {
        let message = error.to_string();
        // The place is said before the message, once.
        let message = message
            .rsplit_once(" at line ")
            .map_or(message.as_str(), |(message, _)| message);
        ImportError::new(file, (error.line().max(1), error.column().max(1)), message)
    };
    let raw: &RawValue = serde_json::from_str(text).map_err(wrong)?;
    let mut reader = Reader {
        text,
        file,
        lines: Lines::new(text),
        bound: Bound::new(file),
    };
    reader.value(raw, 0)
}

struct Reader<'a> {
    text: &'a str,
    file: &'a str,
    lines: Lines<'a>,
    bound: Bound<'a>,
}

impl<'a> Reader<'a> {
    /// Each value is a slice of the text, and its place is where that slice begins.
    fn value(&mut self, raw: &'a RawValue, depth: usize) -> Result<Node, ImportError> {
        let code = raw.get();
        let offset = code.as_ptr().addr().saturating_sub(self.text.as_ptr().addr());
        let place = self.lines.position(offset);
        self.bound.check(depth, place)?;
        let wrong = |error: serde_json::Error| ImportError::new(self.file, place, error.to_string());
        let value = match code.as_bytes().first() {
            Some(b'"') => Value::Text(serde_json::from_str(code).map_err(wrong)?),
            Some(b'[') => {
                let items: Vec<&'a RawValue> = serde_json::from_str(code).map_err(wrong)?;
                let items = items.into_iter().map(|item| self.value(item, depth + 1));
                Value::List(items.collect::<Result<_, _>>()?)
            }
            Some(b'{') => {
                let Entries(entries) = serde_json::from_str(code).map_err(wrong)?;
                Value::Table(self.table(entries, place, depth)?)
            }
            _ => Value::Plain(code.to_owned()),
        };
        Ok(Node::new(value, place))
    }

    fn table(
        &mut self,
        entries: Vec<(String, &'a RawValue)>,
        place: (usize, usize),
        depth: usize,
    ) -> Result<Vec<(String, Node)>, ImportError> {
        let mut known = std::collections::HashSet::new();
        let mut nodes = Vec::new();
        for (key, raw) in entries {
            if !known.insert(key.clone()) {
                return Err(ImportError::new(
                    self.file,
                    place,
                    format!("`{key}` is there twice in the object that begins here"),
                ));
            }
            nodes.push((key, self.value(raw, depth + 1)?));
        }
        Ok(nodes)
    }
}

/// The entries of an object in their order, a repeated one as often as it is there.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Entries<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, &'de RawValue>()? {
                    entries.push((key, value));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Object)
    }
}
