//! What editors are told of texts that `serde` takes as they are: their form, and examples.
//!
//! A pattern here refuses nothing that the reader of the text would take; bounds that a pattern cannot say are the
//! reader's alone.

use std::borrow::Cow;
use std::marker::PhantomData;

use rempart_guard::Day;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// One text of a form, or a list of them.
pub(crate) struct OneOrMoreOf<T>(PhantomData<T>);

/// A URL, or a section.
pub(crate) struct UrlOr<T>(PhantomData<T>);

/// An IP address and a port to listen on.
pub(crate) struct ListenAddress;

/// An IP network, or one address.
pub(crate) struct Network;

/// The last day of something that has a name.
pub(crate) struct LastDay;

impl JsonSchema for LastDay {
    fn schema_name() -> Cow<'static, str> {
        "LastDay".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Day::json_schema(generator);
        schema.insert(
            "description".to_owned(),
            "The last day (UTC) on which it opens what it has sealed.".into(),
        );
        schema
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMoreOf<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMore{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}

impl<T: JsonSchema> JsonSchema for UrlOr<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("UrlOr{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let section = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [{ "type": "string", "x-form": "URL" }, section] })
    }
}

impl JsonSchema for ListenAddress {
    fn schema_name() -> Cow<'static, str> {
        "ListenAddress".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^([0-9]{1,3}(\.[0-9]{1,3}){3}|\[[0-9A-Fa-f:.]+(%[0-9]+)?\]):[0-9]+$",
            "examples": ["0.0.0.0:443", "[::]:443"],
            "x-form": "address",
        })
    }
}

impl JsonSchema for Network {
    fn schema_name() -> Cow<'static, str> {
        "Network".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)(/[0-9]+)?$",
            "examples": ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"],
            "x-form": "network",
        })
    }
}
