//! The last layer: variables whose names are keys.
//!
//! `REMPART__LISTEN__HTTPS=0.0.0.0:443` is the key `listen.https` of the vendor's file, and
//! `REMPART__TENANTS__CITY_HALL__UPSTREAM__URL=http://10.0.0.7` the key `upstream.url` of the tenant `city-hall`: two
//! underscores for a dot, capitals for small letters, and one underscore for the hyphen in a tenant's name. A value is
//! read as TOML; what is not TOML is text, so that quotes can be left out.

use std::collections::BTreeMap;
use std::ops::Range;

use figment::value::{Dict, Tag, Value};
use rempart_guard::Problem;
use toml::de::DeValue;

use crate::diagnostic::Diagnostic;
use crate::document::{Document, EMPTY, Node, read_value};

/// What every variable begins with. A variable with one underscore, such as `REMPART_LOG`, is not meant.
pub(crate) const PREFIX: &str = "REMPART__";

/// Reads the variables that are meant; the others are not looked at.
pub(crate) fn read(
    variables: impl IntoIterator<Item = (String, String)>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Document {
    let ours = variables.into_iter().filter(|(name, _)| name.starts_with(PREFIX));
    let ours: BTreeMap<String, String> = ours.collect();
    let mut text = String::new();
    let (mut values, mut root) = (Dict::new(), Node::default());
    for (name, value) in ours {
        let span = text.len()..text.len() + name.len();
        text.push_str(&name);
        text.push('\n');
        let set = key(&name).and_then(|key| set(&key, &span, &value, &mut values, &mut root));
        if let Err(message) = set {
            let file = format!("${name}");
            let help = "a variable is REMPART__SECTION__KEY, or REMPART__TENANTS__NAME__SECTION__KEY for one tenant";
            diagnostics.push(Diagnostic::of_file(file, "environment_key", message).help(help));
        }
    }
    Document::variables(text, values, root)
}

fn key(name: &str) -> Result<Vec<String>, &'static str> {
    let mut parts: Vec<String> = name[PREFIX.len()..].split("__").map(str::to_ascii_lowercase).collect();
    if parts.iter().any(String::is_empty) || parts.len() > MOST_PARTS {
        return Err("this is no key");
    }
    if parts[0] == "tenants" {
        match parts.get_mut(1) {
            Some(tenant) => *tenant = tenant.replace('_', "-"),
            None => return Err("this names no tenant"),
        }
    }
    Ok(parts)
}

/// Far more than any key has.
const MOST_PARTS: usize = 16;

fn set(
    key: &[String],
    span: &Range<usize>,
    text: &str,
    values: &mut Dict,
    node: &mut Node,
) -> Result<(), &'static str> {
    let [part, rest @ ..] = key else { return Ok(()) };
    let at = node.children.iter().position(|(name, _)| name == part);
    let at = at.unwrap_or(node.children.len());
    if at == node.children.len() {
        node.children.push((part.clone(), Node::default()));
    }
    let child = &mut node.children[at].1;
    if rest.is_empty() {
        let (value, read) = read_text(text, span);
        *child = read;
        return match values.insert(part.clone(), value) {
            None => Ok(()),
            Some(_) => Err("another variable sets this key too"),
        };
    }
    (child.key, child.value) = (span.clone(), span.clone());
    let inner = values
        .entry(part.clone())
        .or_insert_with(|| Value::Dict(Tag::Default, Dict::new()));
    match inner {
        Value::Dict(_, inner) => set(rest, span, text, inner, child),
        _ => Err("another variable sets a key above this one"),
    }
}

/// Reads a value, and says of all of it that it stands at `span`.
fn read_text(text: &str, span: &Range<usize>) -> (Value, Node) {
    let mut faults = Vec::new();
    let read = DeValue::parse(text.trim())
        .ok()
        .map(|value| read_value(value, span.clone(), &mut faults));
    let (value, mut node) = match read {
        Some(read) if faults.is_empty() => read,
        _ => (Value::from(text), Node::default()),
    };
    stands_at(&mut node, span);
    (value, node)
}

fn stands_at(node: &mut Node, span: &Range<usize>) {
    (node.key, node.value) = (span.clone(), span.clone());
    for (_, child) in &mut node.children {
        stands_at(child, span);
    }
}

/// Names the variables that are for tenants which do not exist.
pub(crate) fn strangers(environment: &Document, known: &[&str], diagnostics: &mut Vec<Diagnostic>) {
    let tenants = environment.values(&["tenants".to_owned()]);
    for tenant in tenants.keys().filter(|tenant| !known.contains(&tenant.as_str())) {
        let (_, node) = environment.find(&["tenants".to_owned(), tenant.clone()]);
        let message = format!("there is no tenant {tenant:?}");
        let problem = Problem::new(EMPTY, "tenant_unknown", message);
        let help = crate::words::suggestion(tenant, known.iter().copied());
        let problem = match help {
            Some(help) => problem.help(help),
            None => problem.help("a tenant is a file in tenants.d"),
        };
        diagnostics.push(environment.diagnostic_at(node, crate::document::Part::Key, problem));
    }
}
