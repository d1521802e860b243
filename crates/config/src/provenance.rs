//! Who set what: every value that is in effect, with the layer, file and line that it comes from, and what it went over.

use std::fmt::{self, Write as _};

use figment::value::{Dict, Value};
use serde::Serialize;

use crate::diagnostic::{Key, Place};
use crate::extract::Extract;
use crate::ground::Ground;
use crate::layers::Layers;
use crate::schema;
use crate::settings::{TenantSettings, VendorSettings};
use crate::source::Source;
use crate::tenant_file::TenantFile;

/// One key, its value, and where that comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The key: `rate_limit.quotas.login.rate`.
    pub key: Key,
    /// The value as TOML; `None` when nobody sets it and nothing is built in. What could be a secret is taken out.
    pub value: Option<String>,
    /// Who set it.
    pub origin: Origin,
    /// Who set it too, and was overruled, the strongest first.
    pub over: Vec<(Origin, String)>,
    /// What the key means; empty when that is not said.
    pub meaning: String,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "layer")]
pub enum Origin {
    /// Nobody has set it.
    BuiltIn,
    /// A preset or a level: the place is a line of its text.
    Preset(Place),
    /// `[defaults]` of the vendor's file.
    Defaults(Place),
    /// The file itself.
    File(Place),
    /// A variable.
    Environment(Place),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built in"),
            Self::Preset(place) | Self::File(place) | Self::Environment(place) => place.fmt(f),
            Self::Defaults(place) => write!(f, "{place} [defaults]"),
        }
    }
}

impl TenantFile {
    /// What is in effect for the tenant, in the order of the reference; `None` when the file cannot be read. Of a file that
    /// is wrong, what is right in it.
    #[must_use]
    pub fn settings(&self) -> Option<Vec<Setting>> {
        let layers = self.layers()?;
        let settings = Extract::<TenantSettings>::read(&layers, &[], &mut Vec::new()).settings;
        Some(all(&settings, &layers, &schema::tenant()))
    }
}

impl Source {
    /// What is in effect in the vendor's own part; `None` when nothing was read yet.
    #[must_use]
    pub fn vendor_settings(&self) -> Option<Vec<Setting>> {
        self.ground().and_then(|ground| ground.vendor_settings())
    }
}

impl Ground {
    pub(crate) fn vendor_settings(&self) -> Option<Vec<Setting>> {
        let layers = self.vendor_layers()?;
        let settings = Extract::<VendorSettings>::read(&layers, &[], &mut Vec::new()).settings;
        Some(all(&settings, &layers, &schema::vendor()))
    }
}

/// The settings as a file that says all of them, with comments where the values come from when `origins` are wanted.
#[must_use]
pub fn as_toml(settings: &[Setting], origins: bool) -> String {
    let mut text = String::new();
    let mut section: &[String] = &[];
    let width = settings
        .iter()
        .filter_map(|one| Some(line(one)?.len()))
        .filter(|width| *width <= WIDEST)
        .max();
    for setting in settings {
        let Some(line) = line(setting) else { continue };
        let (_, above) = setting.key.0.split_last().unwrap_or((&EMPTY, &[]));
        if above != section {
            let names: Vec<String> = above.iter().map(|part| bare(part)).collect();
            let gap = if text.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{gap}[{}]", names.join("."));
            section = above;
        }
        let _ = match origins {
            true => writeln!(
                text,
                "{line:width$}  # {}",
                setting.origin,
                width = width.unwrap_or_default()
            ),
            false => writeln!(text, "{line}"),
        };
    }
    text
}

static EMPTY: String = String::new();

/// Comments begin at most here.
const WIDEST: usize = 60;

fn line(setting: &Setting) -> Option<String> {
    Some(format!("{} = {}", bare(setting.key.0.last()?), setting.value.as_ref()?))
}

fn all(settings: &impl Serialize, layers: &Layers, schema: &serde_json::Value) -> Vec<Setting> {
    let values = Value::serialize(settings)
        .ok()
        .and_then(Value::into_dict)
        .unwrap_or_default();
    let mut leaves = Vec::new();
    gather(&values, &mut Vec::new(), &mut leaves);
    let mut settings: Vec<Setting> = leaves
        .into_iter()
        .map(|(key, value)| setting(key, value, layers, schema))
        .collect();
    settings.sort_by_cached_key(|setting| order(&setting.key.0, schema));
    settings
}

/// Every key that is no section, with its value. A section without keys has none.
fn gather<'a>(values: &'a Dict, above: &mut Vec<String>, leaves: &mut Vec<(Vec<String>, &'a Value)>) {
    for (name, value) in values {
        above.push(name.clone());
        match value {
            Value::Dict(_, inner) => gather(inner, above, leaves),
            value => leaves.push((above.clone(), value)),
        }
        above.pop();
    }
}

fn setting(key: Vec<String>, value: &Value, layers: &Layers, schema: &serde_json::Value) -> Setting {
    let mut set = layers.setters(&key).into_iter();
    let origin = set.next().map_or(Origin::BuiltIn, |(origin, _)| origin);
    Setting {
        value: toml(value),
        origin,
        over: set
            .filter_map(|(origin, value)| Some((origin, toml(&value)?)))
            .collect(),
        meaning: meaning(&key, schema),
        key: Key(key),
    }
}

/// The schema of a key, by way of those above it.
fn describe<'a>(key: &[String], schema: &'a serde_json::Value) -> Option<&'a serde_json::Value> {
    key.iter().try_fold(schema, |schema, part| {
        let named = schema.get("properties").and_then(|known| known.get(part));
        named
            .or_else(|| schema.get("patternProperties")?.as_object()?.values().next())
            .or_else(|| schema.get("additionalProperties").filter(|more| more.is_object()))
    })
}

fn meaning(key: &[String], schema: &serde_json::Value) -> String {
    let described = describe(key, schema).and_then(|schema| schema.get("description")?.as_str());
    described.unwrap_or_default().to_owned()
}

/// The place of each part of a key among its kin in the schema, so that what belongs together is shown together; keys that
/// a person has named go by their names. A section comes after the keys beside it, as TOML wants it.
fn order(key: &[String], schema: &serde_json::Value) -> Vec<(bool, usize, String)> {
    let place = |depth: usize| {
        let properties = describe(&key[..depth], schema)?.get("properties")?.as_object()?;
        properties.keys().position(|known| *known == key[depth])
    };
    (0..key.len())
        .map(|depth| {
            (
                depth + 1 < key.len(),
                place(depth).unwrap_or(usize::MAX),
                key[depth].clone(),
            )
        })
        .collect()
}

/// A value as TOML; `None` for one that is not there.
fn toml(value: &Value) -> Option<String> {
    Some(match value {
        Value::String(_, text) => quoted(&redacted(text)),
        Value::Char(_, letter) => quoted(&letter.to_string()),
        Value::Bool(_, yes) => yes.to_string(),
        Value::Num(_, number) => number
            .to_i128()
            .map(|number| number.to_string())
            .or_else(|| number.to_u128().map(|number| number.to_string()))
            .or_else(|| number.to_f64().map(|number| format!("{number:?}")))?,
        Value::Array(_, items) => format!("[{}]", items.iter().filter_map(toml).collect::<Vec<_>>().join(", ")),
        Value::Dict(_, values) => {
            let entries = values
                .iter()
                .filter_map(|(key, value)| Some(format!("{} = {}", bare(key), toml(value)?)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Empty(..) => return None,
    })
}

/// Text in quotes, as TOML and JSON both write it; TOML has one more character that must not stand there as it is.
fn quoted(text: &str) -> String {
    let json = serde_json::to_string(text).unwrap_or_default();
    json.replace('\u{7f}', "\\u007F")
}

fn bare(key: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    match !key.is_empty() && key.bytes().all(is_bare) {
        true => key.to_owned(),
        false => quoted(key),
    }
}

/// Secrets stand in files of their own and never here; the one place where people write them all the same is an address,
/// which is refused then, and must not be shown to say so.
fn redacted(text: &str) -> String {
    match text
        .split_once("://")
        .map(|(scheme, rest)| (scheme, rest.rsplit_once('@')))
    {
        Some((scheme, Some((_, host)))) => format!("{scheme}://[redacted]@{host}"),
        _ => text.to_owned(),
    }
}

impl Layers {
    /// Every layer that sets the key, the strongest first, with what it sets it to.
    fn setters(&self, key: &[String]) -> Vec<(Origin, Value)> {
        let set = self.of_key(key).map(|(layer, own, place, value)| {
            let origin = match () {
                () if layer.is_shipped() => Origin::Preset(place),
                () if layer.is_environment() => Origin::Environment(place),
                () if own => Origin::File(place),
                () => Origin::Defaults(place),
            };
            (origin, value)
        });
        let mut set: Vec<_> = set.collect();
        set.reverse();
        set
    }
}
