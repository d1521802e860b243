//! The schema against the reader: what one of them says of a file, the other says too.

use std::fs;
use std::path::Path;

use jsonschema::Validator;
use proptest::prelude::*;
use rempart_guard::RoutePattern;
use rempart_rate_limit::Rate;
use rempart_tenant::HostPattern;
use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::site::{LIBRARY, Site, VENDOR};
use crate::forms::{ListenAddress, Network};
use crate::schema;

const OF_VENDOR: &str = "rempart.toml";
const OF_LIBRARY: &str = "tenants.d/library.toml";

#[test]
fn the_schemas_are_schemas_of_their_draft() {
    for schema in [schema::vendor(), schema::tenant()] {
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert!(schema.get("$id").is_none() && schema.get("$defs").is_none());
        jsonschema::meta::validate(&schema).unwrap();
    }
}

#[test]
fn the_example_files_are_as_the_schema_wants_them() {
    let directory = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/vendor"));
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    accepts(&validator(OF_VENDOR), &read(&directory.join(OF_VENDOR)));
    let tenants = fs::read_dir(directory.join("tenants.d")).unwrap();
    let tenants: Vec<_> = tenants.map(|entry| entry.unwrap().path()).collect();
    let tenants: Vec<_> = tenants
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    assert!(tenants.len() >= 3);
    for path in tenants {
        accepts(&validator(OF_LIBRARY), &read(path));
    }
}

#[test]
fn what_is_wrong_in_a_file_is_wrong_to_the_schema_and_to_the_reader() {
    for line in [
        "rate_limits.enforcement = \"enforce\"",
        "upstream.ur = \"http://127.0.0.1:1\"",
        "upstream.connect_timeout = 30",
        "upstream.connect_timeout = \"30\"",
        "upstream.connect_timeout = \"30 weeks\"",
        "upstream.url = \"ftp://127.0.0.1\"",
        "upstream.url = \"http://127.0.0.1/app\"",
        "upstream.max_connections = 0",
        "upstream.max_connections = \"9\"",
        "hosts = [\"https://library.localhost\"]",
        "hosts = \"*\"",
        "tls.key = \"-----BEGIN\"",
        "rate_limit.quotas.login.rate = \"10\"",
        "rate_limit.quotas.login.rate = 10",
        "rate_limit.quotas.client.per = \"ip\"",
        "rate_limit.quotas.client.routes = [\"login\"]",
        "rate_limit.quotas.Login = { rate = \"1/s\" }",
        "rate_limit.ipv4_prefix = 33",
        "rate_limit.headers = \"yes\"",
        "rate_limit.enforcement = \"on\"",
        "cookies.same_site = \"Lax\"",
        "cookies.session = \"PHPSESSID\"",
        "cookies.session = [\"a=b\"]",
        "cookies.session = [\"a\", \"a\"]",
        "headers.referrer_policy = \"unsafe-url\"",
        "headers.frame_ancestors = [\"*\"]",
        "headers.dangerous_leave = [\"x-mine\"]",
        "headers.remove = [\"x y\"]",
        "headers.hsts.max_age = 31536000",
    ] {
        assert_wrong(
            OF_LIBRARY,
            "hosts = [\"library.localhost\"]\nupstream.url = \"http://127.0.0.1:9101\"",
            line,
        );
    }
    for line in [
        "listen.https = 443",
        "listen.http = \"localhost:80\"",
        "listen.workers = 1025",
        "client.trusted_proxies = [\"everybody\"]",
        "development.certificates = 1",
        "shutdown.drain = 30",
        "upstream.url = \"http://127.0.0.1:9101\"",
        "defaults.hosts = [\"library.example\"]",
        "defaults.cookies.same_site = \"any\"",
    ] {
        assert_wrong(
            OF_VENDOR,
            "listen.https = \"127.0.0.1:8443\"\ndevelopment.certificates = true",
            line,
        );
    }
}

/// One wrong line, after a sound file's lines without the one that sets the same key.
#[track_caller]
fn assert_wrong(file: &str, sound: &str, line: &str) {
    let key = |line: &str| line.split(" = ").next().unwrap().to_owned();
    let wrong = key(line);
    let kept = sound.lines().filter(|sound| key(sound) != wrong).chain([line]);
    let text: String = kept.map(|line| format!("{line}\n")).collect();
    let value: Value = toml::from_str(&text).unwrap();
    assert!(!validator(file).is_valid(&value), "the schema accepts\n{text}");
    let said = Site::new().file(file, &text).says();
    // A problem of `[defaults]` is told with the key that a tenant's file would have.
    let named = wrong.trim_start_matches("defaults.");
    let named = if named.starts_with("rate_limits") {
        "rate_limits"
    } else {
        named
    };
    assert!(said.contains(named), "{named} is not named:\n{said}\n{text}");
}

#[test]
fn a_key_may_stand_in_another_layer() {
    let vendor = format!("{VENDOR}[defaults.rate_limit.quotas.login]\nrate = \"10/m\"\n");
    let library = format!("{LIBRARY}[rate_limit.quotas.login]\nroutes = [\"POST /login\"]\n");
    accepts(&validator(OF_VENDOR), &vendor);
    accepts(&validator(OF_LIBRARY), &library);
    let site = Site::new().file(OF_VENDOR, &vendor).file(OF_LIBRARY, &library);
    assert_eq!(site.says(), "");
}

/// Every key of both files, whoever added it: at its bounds and one beyond, each of its words and none of them, each of its
/// examples, and something of another type.
#[test]
fn the_bounds_and_the_words_of_the_schema_are_those_of_the_reader() {
    let mut probed = 0;
    for (file, prefix) in [(OF_VENDOR, "REMPART__"), (OF_LIBRARY, "REMPART__TENANTS__LIBRARY__")] {
        for (path, key) in keys_of(file) {
            for (value, sound, of_schema) in probes(&key) {
                probe(file, prefix, &path, &value, sound, of_schema);
                probed += 1;
            }
        }
    }
    assert!(probed > 100, "the schema was misread: {probed}");
}

fn probe(file: &str, prefix: &str, path: &[String], value: &Value, sound: bool, of_schema: bool) {
    let name = path.join("__").to_uppercase();
    let site = Site::new().more(OF_LIBRARY, SAMPLE);
    let said = site
        .variable(&format!("{prefix}{name}"), &crate::reference::toml(value))
        .says();
    let key = path.join(".");
    let refused = [":", "[", "."].iter().any(|end| said.contains(&format!("{key}{end}")));
    assert_eq!(refused, !sound, "{file}: {key} = {value}: {said}");
    let written = path
        .iter()
        .rev()
        .fold(value.clone(), |value, part| json!({ part: value }));
    let accepted = validator(file).is_valid(&written);
    assert_eq!(accepted, sound || !of_schema, "the schema, of {file}: {key} = {value}");
}

const SAMPLE: &str =
    "[tls]\ncertificate = \"a.pem\"\nkey_file = \"a.key\"\n[rate_limit.quotas.sample]\nrate = \"1/s\"\n";

/// The keys of a file that are no sections, each with its schema. A name that the writer chooses is `sample`.
fn keys_of(file: &str) -> Vec<(Vec<String>, Value)> {
    let mut keys = Vec::new();
    collect(&schema_of(file), &mut Vec::new(), &mut keys);
    keys
}

fn collect(schema: &Value, path: &mut Vec<String>, keys: &mut Vec<(Vec<String>, Value)>) {
    let named = schema.get("additionalProperties").filter(|named| named.is_object());
    let named = named.map(|named| ("sample".to_owned(), named.clone()));
    let properties = schema
        .get("properties")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    if named.is_none() && properties.is_empty() {
        keys.push((path.clone(), schema.clone()));
    }
    for (name, below) in properties
        .into_iter()
        .chain(named)
        .filter(|(name, _)| name != "defaults")
    {
        path.push(name);
        collect(&below, path, keys);
        path.pop();
    }
}

/// Values for a key: whether the reader takes each, and whether the schema can tell.
fn probes(key: &Value) -> Vec<(Value, bool, bool)> {
    let texts = |key: &Value, part: &str| key[part].as_array().cloned().unwrap_or_default();
    let mut probes: Vec<_> = texts(key, "enum").into_iter().map(|word| (word, true, true)).collect();
    if !probes.is_empty() {
        probes.push((json!("no-such-word"), false, true));
    }
    probes.extend(texts(key, "examples").into_iter().map(|example| (example, true, true)));
    for (bound, beyond) in [("minimum", -1), ("maximum", 1)] {
        if let Some(bound) = key[bound].as_i64() {
            probes.extend([(json!(bound), true, true), (json!(bound + beyond), false, true)]);
        }
    }
    for (bound, shorter) in [("x-least", true), ("x-most", false)] {
        if let Some(bound) = key[bound].as_str() {
            probes.push((json!(bound), true, false));
            probes.extend(beyond(bound, shorter).map(|beyond| (json!(beyond), false, false)));
        }
    }
    let alternatives = key["anyOf"].as_array().cloned().unwrap_or_default();
    for example in alternatives.iter().flat_map(|one| texts(one, "examples")) {
        probes.extend([(example.clone(), true, true), (json!([example]), true, true)]);
    }
    probes.push((json!({ "no": "section" }), false, true));
    probes
}

/// A duration that is a millisecond too short or too long.
fn beyond(bound: &str, shorter: bool) -> Option<String> {
    let bound = rempart_guard::duration(bound).unwrap().as_millis();
    let beyond = if shorter { bound.checked_sub(1) } else { Some(bound + 1) };
    beyond.map(|beyond| format!("{beyond}ms"))
}

#[test]
fn every_section_is_closed_and_every_key_is_described() {
    for file in [OF_VENDOR, OF_LIBRARY] {
        described(file, &schema_of(file));
    }
}

fn described(name: &str, schema: &Value) {
    let description = schema["description"].as_str().unwrap_or_default();
    assert!(!description.is_empty(), "{name} is not described");
    assert!(!description.contains("[`"), "{name} links to code: {description}");
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    assert_eq!(schema["additionalProperties"], false, "{name} is open");
    for (name, property) in properties {
        described(name, property);
        let named = property.get("additionalProperties").filter(|named| named.is_object());
        named.into_iter().for_each(|named| described(name, named));
    }
}

#[test]
fn a_default_of_the_schema_is_that_of_the_settings() {
    let settings = serde_json::to_value(crate::TenantSettings::default()).unwrap();
    for (path, key) in keys_of(OF_LIBRARY) {
        let pointer = format!("/{}", path.join("/"));
        let built_in = settings.pointer(&pointer).filter(|value| !value.is_null());
        let sample = path.iter().any(|part| part == "sample");
        // A section that is not there by default has defaults of its own.
        let above = settings.pointer(&format!("/{}", path[..path.len() - 1].join("/")));
        let is_absent = path.len() > 1 && above.is_none_or(Value::is_null);
        assert!(
            sample || is_absent || key.get("default") == built_in,
            "{pointer}: {key}"
        );
    }
}

proptest! {
    #[test]
    fn a_pattern_refuses_nothing_that_the_reader_takes(text in prop_oneof![
        "[ 0]{0,2}[0-9]{1,3}[ ]?[/ ]?[0-9]{0,2}(ms|s|m|h|d|w|KiB|B)?( burst [0-9]{1,2})?[ ]?",
        "([A-Z-]{1,4} {1,2})?(/([a-z{}*]{0,3}|\\{id\\}|é)){0,4}[/*]{0,2}",
        "(\\*\\.)?[a-zA-Z0-9_-]{1,4}(\\.[a-zA-Z0-9_-]{1,3}){0,3}\\.?",
        "\\[?[0-9a-f:]{0,12}\\]?(/[0-9]{1,3}|:[0-9]{1,6})?",
        "[0-9]{1,3}(\\.[0-9]{1,3}){3}(/[0-9]{1,2}|:[0-9]{1,5})?",
        ".{0,12}",
    ]) {
        let generator = &mut SchemaGenerator::default();
        let judged = [
            (Rate::json_schema(generator), text.parse::<Rate>().is_ok()),
            (crate::Written::json_schema(generator), rempart_guard::duration(&text).is_ok()),
            (rempart_guard::size_schema(generator), rempart_guard::size(&text).is_ok()),
            (RoutePattern::json_schema(generator), text.parse::<RoutePattern>().is_ok()),
            (HostPattern::json_schema(generator), text.parse::<HostPattern>().is_ok()),
            (ListenAddress::json_schema(generator), text.parse::<std::net::SocketAddr>().is_ok()),
            (Network::json_schema(generator), text.parse::<ipnet::IpNet>().is_ok()),
            (Network::json_schema(generator), text.parse::<std::net::IpAddr>().is_ok()),
        ];
        for (schema, taken) in judged {
            prop_assert!(!taken || matches(&schema, &text), "{text:?} {schema:?}");
        }
    }
}

fn matches(schema: &Schema, text: &str) -> bool {
    jsonschema::is_valid(schema.as_value(), &json!(text))
}

fn schema_of(file: &str) -> Value {
    match file {
        OF_VENDOR => schema::vendor(),
        _ => schema::tenant(),
    }
}

pub(super) fn validator(file: &str) -> Validator {
    jsonschema::draft202012::new(&schema_of(file)).unwrap()
}

#[track_caller]
pub(super) fn accepts(validator: &Validator, text: &str) {
    let value: Map<String, Value> = toml::from_str(text).unwrap();
    let value = Value::Object(value);
    let wrong: Vec<_> = validator
        .iter_errors(&value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{text}");
}
