//! TOML, YAML and JSON as one kind of tree in which every value knows its place.

mod json;
mod toml;
mod yaml;

use crate::account::{Account, Item, is_secret};
use crate::entry::{DEEPEST, ImportError, MOST_ITEMS, Place};

pub(crate) use self::json::read as json;
pub(crate) use self::toml::read as toml;
pub(crate) use self::yaml::read as yaml;

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) line: usize,
    pub(crate) column: usize,
    /// Its number in the account, once it has been entered.
    pub(crate) item: Item,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    /// A number, a boolean, a date, nothing: as it is written.
    Plain(String),
    List(Vec<Node>),
    Table(Vec<(String, Node)>),
}

impl Node {
    pub(crate) const fn new(value: Value, (line, column): (usize, usize)) -> Self {
        Self {
            value,
            line,
            column,
            item: 0,
        }
    }

    /// The entry of a table.
    pub(crate) fn at(&self, key: &str) -> Option<&Self> {
        self.entries()
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, node)| node)
    }

    /// The entry at the end of a way through tables.
    pub(crate) fn path(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, key| node.at(key))
    }

    /// The entries of a table; none when it is something else.
    pub(crate) fn entries(&self) -> &[(String, Self)] {
        match &self.value {
            Value::Table(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none when it is something else.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// A text, a number or a boolean as it is written.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Plain(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn is_true(&self) -> bool {
        self.text() == Some("true")
    }

    /// Every value below it, and itself.
    pub(crate) fn all(&self) -> Vec<Item> {
        let mut items = vec![self.item];
        for (_, node) in self.entries() {
            items.extend(node.all());
        }
        for node in self.items() {
            items.extend(node.all());
        }
        items
    }

    /// Enters it and all below it in the account. A table or a list that has something in it is answered for by what it
    /// has in it.
    pub(crate) fn enter(&mut self, account: &mut Account, file: &str, path: &str) {
        let place = Place {
            file: file.to_owned(),
            line: self.line,
            column: self.column,
        };
        self.item = account.enter(place, self.line, &self.shown(path));
        let mut is_leaf = true;
        match &mut self.value {
            Value::Text(_) | Value::Plain(_) => {}
            Value::Table(entries) => {
                for (key, node) in entries {
                    is_leaf = false;
                    let dot = if path.is_empty() { "" } else { "." };
                    node.enter(account, file, &format!("{path}{dot}{key}"));
                }
            }
            Value::List(items) => {
                for (index, node) in items.iter_mut().enumerate() {
                    is_leaf = false;
                    node.enter(account, file, &format!("{path}[{index}]"));
                }
            }
        }
        if !is_leaf {
            account.cover(self.item);
        }
    }

    fn shown(&self, path: &str) -> String {
        let text = match &self.value {
            Value::Text(_) | Value::Plain(_) if is_secret(path) || path.split(['.', '[']).any(is_secret) => {
                "…".to_owned()
            }
            Value::Text(text) => format!("{text:?}"),
            Value::Plain(text) => text.clone(),
            Value::List(_) => "[…]".to_owned(),
            Value::Table(_) => "{…}".to_owned(),
        };
        format!("{} = {text}", shortened(path))
    }
}

/// The end of a long path says more than its beginning.
fn shortened(path: &str) -> String {
    const MOST: usize = 60;
    match path.char_indices().rev().nth(MOST) {
        None => path.to_owned(),
        Some((begin, _)) => format!("…{}", &path[begin..]),
    }
}

/// Answers for values as a whole.
impl Account {
    /// Everything below is in a draft, or needs to be in none.
    pub(crate) fn understood_all(&mut self, node: &Node, why: &str) {
        self.cover_all(node);
        self.understood(node.item, why);
    }

    /// Nothing below is in a draft.
    pub(crate) fn left_all(&mut self, node: &Node, why: impl Into<String>, instead: &str) {
        self.cover_all(node);
        match instead {
            "" => self.left(node.item, why),
            instead => self.left_but(node.item, why, instead),
        }
    }

    /// Everything below is answered for elsewhere.
    pub(crate) fn cover_all(&mut self, node: &Node) {
        for item in node.all() {
            self.cover(item);
        }
    }
}

/// Counts what is read, and refuses too much of it.
pub(crate) struct Bound<'a> {
    file: &'a str,
    count: usize,
}

impl<'a> Bound<'a> {
    pub(crate) const fn new(file: &'a str) -> Self {
        Self { file, count: 0 }
    }

    pub(crate) fn check(&mut self, depth: usize, place: (usize, usize)) -> Result<(), ImportError> {
        self.count += 1;
        if depth > DEEPEST {
            return Err(ImportError::new(
                self.file,
                place,
                format!("values are nested more than {DEEPEST} deep"),
            ));
        }
        if self.count > MOST_ITEMS {
            return Err(ImportError::new(
                self.file,
                place,
                format!("more than {MOST_ITEMS} values"),
            ));
        }
        Ok(())
    }
}

/// Where each line begins, to say where a byte is.
pub(crate) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let newlines = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(at, _)| at + 1);
        let starts = std::iter::once(0).chain(newlines).collect();
        Self { text, starts }
    }

    pub(crate) fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts[line - 1];
        let before = self.text.get(start..offset).unwrap_or_default();
        // A file on one line (as programs print JSON) is not counted through for each of its values.
        let column = if before.len() > 10_000 {
            before.len()
        } else {
            before.chars().count()
        };
        (line, column + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same tree in three notations.
    const TOML: &str = "a = 1\n[b]\nc = [true, \"x\"]\n";
    const YAML: &str = "a: 1\nb:\n  c: [true, x]\n";
    const JSON: &str = "{\"a\": 1,\n\"b\": {\n \"c\": [true, \"x\"]}}\n";

    #[test]
    fn three_notations_make_one_tree_with_lines() {
        for tree in [toml(TOML, "f"), yaml(YAML, "f"), json(JSON, "f")] {
            let tree = tree.unwrap();
            assert_eq!(
                (tree.at("a").unwrap().text(), tree.at("a").unwrap().line),
                (Some("1"), 1)
            );
            let list = tree.path(&["b", "c"]).unwrap();
            assert_eq!((list.items().len(), list.line), (2, 3));
            assert!(list.items()[0].is_true());
            assert_eq!(list.items()[1].text(), Some("x"));
        }
    }

    #[test]
    fn what_does_not_parse_is_refused_with_its_place() {
        let said = |tree: Result<Node, ImportError>| tree.unwrap_err().to_string();
        assert!(
            said(toml("a = 1\nb = \n", "f.toml")).starts_with("f.toml:2:"),
            "{}",
            said(toml("a = 1\nb = \n", "f.toml"))
        );
        assert!(
            said(yaml("a: 1\nb: [\n", "f.yml")).starts_with("f.yml:"),
            "{}",
            said(yaml("a: 1\nb: [\n", "f.yml"))
        );
        assert!(
            said(json("{\"a\": 1,\n}", "f.json")).starts_with("f.json:2:"),
            "{}",
            said(json("{\"a\": 1,\n}", "f.json"))
        );
        assert!(said(yaml("a: &x 1\nb: *x\n", "f")).contains("anchor"));
        assert!(said(yaml("a: 1\na: 2\n", "f")).contains("twice"));
        assert!(said(json("{\"a\":1,\"a\":2}", "f")).contains("twice"));
    }

    #[test]
    fn nesting_without_end_is_refused_and_not_a_crash() {
        let deep = "[".repeat(100_000);
        for said in [json(&deep, "f"), yaml(&deep, "f"), toml(&format!("a = {deep}"), "f")] {
            said.unwrap_err();
        }
        let closed = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert!(json(&closed, "f").unwrap_err().to_string().contains("64 deep"));
        assert!(yaml(&closed, "f").unwrap_err().to_string().contains("64 deep"));
        let indented: String = (0..200).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
        assert!(yaml(&indented, "f").unwrap_err().to_string().contains("64 deep"));
    }

    #[test]
    fn a_place_is_a_line_and_a_column_in_characters() {
        let lines = Lines::new("é\nab");
        assert_eq!(
            [0, 2, 3, 4].map(|at| lines.position(at)),
            [(1, 1), (1, 2), (2, 1), (2, 2)]
        );
    }
}
