//! The configuration reference for people: every key of both files with its form, its default, its bounds and what it
//! breaks, written by the types that [`load`](crate::load) reads.
//!
//! `docs/configuration.md` is [`markdown`] in a file, and a test fails when the two part.

mod key;
mod presets;

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde_json::{Map, Value};

use crate::reference::key::Key;
use crate::schema;
use crate::settings::{TenantSettings, VendorSettings};

/// The whole reference: a written introduction, a table of contents, and a section for each section of the files.
#[must_use]
pub fn markdown() -> String {
    let vendor = Chapter::of::<VendorSettings>();
    let tenant = Chapter::of::<TenantSettings>();
    let mut page = String::from(INTRODUCTION);
    page.push_str("\n## Contents\n\n- [How it is read](#how-it-is-read)\n");
    vendor.contents(VENDOR, "the-vendors-file", &mut page);
    tenant.contents(TENANT, "a-tenants-file", &mut page);
    presets::contents(&mut page);
    page.push('\n');
    page.push_str(HOW_IT_IS_READ);
    let _ = write!(
        page,
        "\n## The vendor's file\n\n`{VENDOR}`, one for all. {VENDOR_IS_FOR}\n"
    );
    vendor.sections(&page_of_vendor, &mut page);
    defaults(&vendor, &mut page);
    let _ = write!(
        page,
        "\n## A tenant's file\n\n`{TENANT}`, one for each client. {TENANT_IS_FOR}\n"
    );
    let shared = vendor.defaults();
    tenant.sections(&|path| page_of_tenant(path, &shared), &mut page);
    presets::chapter(&mut page);
    page
}

const INTRODUCTION: &str = include_str!("reference/introduction.md");
const HOW_IT_IS_READ: &str = include_str!("reference/how_it_is_read.md");
const VENDOR: &str = "rempart.toml";
const TENANT: &str = "tenants.d/NAME.toml";
const VENDOR_IS_FOR: &str = "It says what is the same for all clients. Nothing of it is needed but `listen.https`.";
const TENANT_IS_FOR: &str = "\
NAME is the tenant's name: a small letter, then small letters, digits and hyphens, at most 32.
`hosts` and `upstream.url` are needed, and a certificate under `[tls]` unless it comes from the development CA.";

/// One of the two files.
struct Chapter {
    root: Value,
    sections: Vec<Section>,
}

/// A section of a file, or what stands before the first.
struct Section {
    /// `rate_limit`, `quotas`, `NAME`. Empty for the top of the file.
    path: Vec<String>,
    description: String,
    keys: Vec<Key>,
}

impl Chapter {
    fn of<T: JsonSchema>() -> Self {
        let root = schema::documented::<T>();
        let mut sections = Vec::new();
        collect(&root, &root, Vec::new(), &mut sections);
        sections.retain(|section| !section.keys.is_empty());
        Self { root, sections }
    }

    /// What `[defaults]` may hold, as far as this file has it.
    fn defaults(&self) -> Vec<String> {
        let defaults = self.root["properties"].get(DEFAULTS);
        let defaults = defaults.map(|defaults| resolved(&self.root, defaults));
        let held = defaults
            .as_ref()
            .and_then(|defaults| defaults["properties"].as_object());
        held.map(|held| held.keys().cloned().collect()).unwrap_or_default()
    }

    fn contents(&self, file: &str, anchor: &str, page: &mut String) {
        let _ = writeln!(page, "- [`{file}`](#{anchor})");
        for section in &self.sections {
            let names: Vec<_> = section.keys.iter().map(|key| format!("`{}`", key.name)).collect();
            let title = section.title();
            let _ = writeln!(page, "  - [{title}](#{}): {}", anchor_of(&title), names.join(", "));
        }
        if !self.defaults().is_empty() {
            let _ = writeln!(page, "  - [`[defaults]`](#defaults)");
        }
    }

    /// All sections, each with what `variable` says of its environment variables.
    fn sections(&self, variables: &dyn Fn(&[String]) -> String, page: &mut String) {
        for section in &self.sections {
            let _ = write!(page, "\n### {}\n\n{}\n", section.title(), section.description);
            for key in &section.keys {
                key.write(&section.path, page);
            }
            let _ = write!(page, "\n{}\n", variables(&section.path));
        }
    }
}

impl Section {
    fn title(&self) -> String {
        match self.path.join(".") {
            path if path.is_empty() => "At the top of the file".to_owned(),
            path => format!("`[{path}]`"),
        }
    }
}

/// The key whose sections are those of tenants, which have a chapter of their own.
const DEFAULTS: &str = "defaults";

/// Notes a section and those below it, in the order of the file.
fn collect(root: &Value, section: &Value, path: Vec<String>, sections: &mut Vec<Section>) {
    let Some(properties) = section["properties"].as_object() else {
        return;
    };
    let needed = |name: &str| {
        section["required"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one == name))
    };
    let at = sections.len();
    let top = path.is_empty();
    sections.push(Section {
        path: path.clone(),
        description: if top {
            TOP.to_owned()
        } else {
            text(section, "description")
        },
        keys: Vec::new(),
    });
    for (name, property) in properties.iter().filter(|(name, _)| !(top && *name == DEFAULTS)) {
        let resolved = resolved(root, property);
        let below = [path.clone(), vec![name.clone()]].concat();
        if resolved.get("properties").is_some() {
            collect(root, &resolved, below, sections);
            continue;
        }
        sections[at]
            .keys
            .push(Key::new(name, property, &resolved, needed(name)));
        if let Some(named) = resolved.get("additionalProperties").filter(|named| named.is_object()) {
            let named = self::resolved(root, named);
            collect(root, &named, [below, vec![NAME.to_owned()]].concat(), sections);
        }
    }
}

const TOP: &str = "These stand before the first `[section]`.";

/// What stands for a name that the writer of the file chooses.
const NAME: &str = "NAME";

/// What a `$ref` refers to, with what stands beside the `$ref`. A type's own documentation goes before the field's when
/// the type is a section, because it has the example.
fn resolved(root: &Value, schema: &Value) -> Value {
    let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|target| target.strip_prefix("#/$defs/"))
    else {
        return schema.clone();
    };
    let mut found = root["$defs"][name].as_object().cloned().unwrap_or_default();
    let is_section = found.contains_key("properties");
    let beside = schema.as_object().into_iter().flatten();
    for (key, value) in beside.filter(|(key, _)| *key != "$ref" && !(is_section && *key == "description")) {
        found.insert(key.clone(), value.clone());
    }
    Value::Object(found)
}

fn text(schema: &Value, key: &str) -> String {
    schema[key].as_str().unwrap_or_default().to_owned()
}

/// The anchor that GitHub and GitLab make of a heading.
pub(crate) fn anchor_of(title: &str) -> String {
    let kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
    title
        .to_lowercase()
        .chars()
        .filter(kept)
        .map(|letter| if letter == ' ' { '-' } else { letter })
        .collect()
}

fn defaults(vendor: &Chapter, page: &mut String) {
    let held = vendor.defaults();
    let names: Vec<_> = held.iter().map(|name| format!("`{name}`")).collect();
    let _ = write!(
        page,
        "\n### `[defaults]`\n\n{}\n\nIt may hold: {}.\n",
        DEFAULTS_ARE,
        names.join(", ")
    );
}

const DEFAULTS_ARE: &str = "\
What holds for every tenant whose own file does not say otherwise. It holds sections and keys of a tenant's file, under the
same names; they are described there. What belongs to one tenant alone, such as its hosts, cannot stand here.

```toml
[defaults.rate_limit.quotas.client]
rate = \"50/s burst 200\"

[defaults.headers.hsts]
max_age = \"365d\"
```";

fn page_of_vendor(path: &[String]) -> String {
    format!("As a variable of the environment: `{}`.", variable("", path))
}

fn page_of_tenant(path: &[String], shared: &[String]) -> String {
    let own = variable("TENANTS__TENANT__", path);
    let all = variable("DEFAULTS__", path);
    match path.first() {
        Some(section) if shared.contains(section) => {
            format!("As a variable of the environment: `{own}`, and for all tenants `{all}`.")
        }
        _ => format!("As a variable of the environment: `{own}`."),
    }
}

fn variable(whose: &str, path: &[String]) -> String {
    let path: String = path.iter().map(|part| part.to_uppercase() + "__").collect();
    format!("REMPART__{whose}{path}KEY")
}

/// A JSON value as it is written in the files, on one line.
pub(crate) fn toml(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Value::Object(table) => inline_table(table),
        scalar => scalar.to_string(),
    }
}

fn inline_table(table: &Map<String, Value>) -> String {
    let is_said = |value: &Value| !(value.is_null() || value.as_array().is_some_and(Vec::is_empty));
    let pairs = table.iter().filter(|(_, value)| is_said(value));
    let pairs: Vec<_> = pairs.map(|(key, value)| format!("{key} = {}", toml(value))).collect();
    match pairs.is_empty() {
        true => "{}".to_owned(),
        false => format!("{{ {} }}", pairs.join(", ")),
    }
}
