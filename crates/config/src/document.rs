//! A text of keys and values that knows where each of them stands.

use std::ops::Range;

use figment::value::{Dict, Tag, Value};
use rempart_guard::Problem;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Diagnostic, Place};
use crate::excerpt::{Excerpt, Position};
use crate::syntax;

/// A file that was read, or the environment.
#[derive(Debug)]
pub(crate) struct Document {
    name: String,
    text: String,
    form: Form,
    values: Dict,
    root: Node,
}

/// What the text of a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A file: a place in it is a line and a column.
    File,
    /// Names of environment variables, one a line: a place in it is a name. Their values are not kept here, so that none
    /// is ever printed.
    Variables,
}

/// Where one key and its value stand.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) key: Range<usize>,
    pub(crate) value: Range<usize>,
    pub(crate) children: Vec<(String, Node)>,
}

/// Which part of an entry a diagnostic points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Key,
    Value,
}

impl Document {
    /// Reads TOML. With diagnostics, the document has its text and no values.
    pub(crate) fn parse(name: String, text: String) -> (Self, Vec<Diagnostic>) {
        let (table, errors) = DeTable::parse_recoverable(&text);
        let mut faults = syntax::faults(&text, &table, errors);
        let (values, children) = read_table(table.into_inner(), &mut faults);
        let mut document = Self {
            name,
            text,
            form: Form::File,
            values,
            root: Node {
                children,
                ..Node::default()
            },
        };
        faults.truncate(MOST_FAULTS);
        if !faults.is_empty() {
            document.values = Dict::new();
            document.root = Node::default();
        }
        let diagnostics = faults
            .into_iter()
            .map(|(span, problem)| document.diagnostic(&span, problem))
            .collect();
        (document, diagnostics)
    }

    /// A document whose values were read elsewhere.
    pub(crate) fn variables(text: String, values: Dict, root: Node) -> Self {
        Self {
            name: "environment".into(),
            text,
            form: Form::Variables,
            values,
            root,
        }
    }

    /// The name under which it is shown.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a file.
    pub(crate) const fn form(&self) -> Form {
        self.form
    }

    /// What it was read from.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// All values, or those of one table.
    pub(crate) fn values(&self, table: &[String]) -> Dict {
        let mut values = &self.values;
        for part in table {
            match values.get(part) {
                Some(Value::Dict(_, inner)) => values = inner,
                _ => return Dict::new(),
            }
        }
        values.clone()
    }

    /// How many parts of the key the document has, and the last node on the way.
    pub(crate) fn find<'a>(&self, key: impl IntoIterator<Item = &'a String>) -> (usize, &Node) {
        let (mut depth, mut node) = (0, &self.root);
        for part in key {
            match node.children.iter().find(|(name, _)| name == part) {
                Some((_, child)) => (depth, node) = (depth + 1, child),
                None => break,
            }
        }
        (depth, node)
    }

    /// The place of a node and what it looks like. The root is the file itself.
    pub(crate) fn diagnostic_at(&self, node: &Node, part: Part, problem: Problem) -> Diagnostic {
        if self.form == Form::File && std::ptr::eq(node, &self.root) {
            return Diagnostic::new(self.beginning(), None, problem);
        }
        let span = match part {
            Part::Key => &node.key,
            Part::Value => &node.value,
        };
        self.diagnostic(span, problem)
    }

    /// The place of a node.
    pub(crate) fn place_at(&self, node: &Node) -> Place {
        self.place(&node.value).0
    }

    fn diagnostic(&self, span: &Range<usize>, problem: Problem) -> Diagnostic {
        let (place, excerpt) = self.place(span);
        Diagnostic::new(place, excerpt, problem)
    }

    fn place(&self, span: &Range<usize>) -> (Place, Option<Excerpt>) {
        if self.form == Form::Variables {
            let name = self.text.get(span.clone()).unwrap_or_default();
            return (Place::of_file(format!("${name}")), None);
        }
        let position = Position::of(&self.text, span.start);
        let place = Place {
            file: self.name.clone(),
            line: Some(position.line),
            column: Some(position.column),
        };
        (place, Some(Excerpt::new(&self.text, span, &position)))
    }

    fn beginning(&self) -> Place {
        Place {
            file: self.name.clone(),
            line: Some(1),
            column: Some(1),
        }
    }
}

/// What is wrong, and where in the text.
pub(crate) type Fault = (Range<usize>, Problem);

/// More than a person mends at once; each is looked for in the whole text.
const MOST_FAULTS: usize = 100;

/// Depth is bounded by the parser, at 80.
fn read_table(table: DeTable<'_>, faults: &mut Vec<Fault>) -> (Dict, Vec<(String, Node)>) {
    let mut values = Dict::new();
    let mut children = Vec::with_capacity(table.len());
    for (key, value) in table {
        let span = key.span();
        let key = key.into_inner().into_owned();
        let (value, node) = read_value(value, span, faults);
        values.insert(key.clone(), value);
        children.push((key, node));
    }
    (values, children)
}

/// Reads one value; `key` is where its key stands, or the value itself in a list.
pub(crate) fn read_value(value: Spanned<DeValue<'_>>, key: Range<usize>, faults: &mut Vec<Fault>) -> (Value, Node) {
    let span = value.span();
    let mut children = Vec::new();
    let value = match value.into_inner() {
        DeValue::String(text) => text.into_owned().into(),
        DeValue::Boolean(yes) => yes.into(),
        DeValue::Datetime(time) => time.to_string().into(),
        DeValue::Float(number) => number.as_str().parse::<f64>().unwrap_or(f64::NAN).into(),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => number.into(),
            Err(_) => {
                let message = format!("{number} is too large a number");
                faults.push((span.clone(), Problem::new(EMPTY, "number_too_large", message)));
                0.into()
            }
        },
        DeValue::Array(items) => {
            let mut values = Vec::with_capacity(items.len());
            for (index, item) in items.into_iter().enumerate() {
                let (value, node) = read_value(item.clone(), item.span(), faults);
                values.push(value);
                children.push((index.to_string(), node));
            }
            Value::Array(Tag::Default, values)
        }
        DeValue::Table(table) => {
            let (values, nodes) = read_table(table, faults);
            children = nodes;
            Value::Dict(Tag::Default, values)
        }
    };
    let node = Node {
        key,
        value: span,
        children,
    };
    (value, node)
}

/// The key of a problem that has none.
pub(crate) const EMPTY: [&str; 0] = [];
