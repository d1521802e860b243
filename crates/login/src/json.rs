//! JSON (RFC 8259): every text under one of the names, however deep it stands.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::credentials::Found;

/// Reads a document, and says whether it is one to its end. Names that come twice are read twice, since parsers differ in
/// which of them they take.
pub(crate) fn read(body: &[u8], found: &mut Found<'_>) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let mut document = serde_json::Deserializer::from_slice(body);
    (&mut document).deserialize_any(Walk { found, name: None }).is_ok() && document.end().is_ok()
}

/// Goes through a value that stands under `name`.
struct Walk<'a, 'f> {
    found: &'a mut Found<'f>,
    name: Option<&'a str>,
}

impl Walk<'_, '_> {
    fn text(self, text: &str) {
        if let Some(name) = self.name {
            self.found.take(name.as_bytes(), text.as_bytes());
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.text(text);
        Ok(())
    }

    /// The number of a library card is an account too.
    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.text(&number.to_string());
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.text(&number.to_string());
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.text(&number.to_string());
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            map.next_value_seed(Walk {
                found: self.found,
                name: Some(&name),
            })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        // A list of names is not one account: an application that takes it tries them all, or none.
        while list
            .next_element_seed(Walk {
                found: self.found,
                name: self.name,
            })?
            .is_some()
        {}
        Ok(())
    }
}
