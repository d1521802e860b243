use std::collections::HashSet;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::{Bound, Node, Value};
use crate::entry::ImportError;

/// Reads YAML: one document, with text as keys. Anchors are refused, because what refers to one is in two places at once.
pub(crate) fn read(text: &str, file: &str) -> Result<Node, ImportError> {
    let mut reader = Reader {
        file,
        bound: Bound::new(file),
        open: Vec::new(),
        document: None,
    };
    // The parser does not know a byte order mark in front of some documents.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let place = (error.marker().line().max(1), error.marker().col() + 1);
            ImportError::new(file, place, error.info())
        })?;
        reader.event(event, place(span))?;
    }
    reader
        .document
        .ok_or_else(|| ImportError::new(file, (1, 1), "there is nothing in this file"))
}

fn place(span: Span) -> (usize, usize) {
    (span.start.line().max(1), span.start.col() + 1)
}

struct Reader<'a> {
    file: &'a str,
    bound: Bound<'a>,
    open: Vec<Open>,
    document: Option<Node>,
}

/// A list or a table that is not closed yet.
struct Open {
    place: (usize, usize),
    kind: Kind,
}

enum Kind {
    List(Vec<Node>),
    /// The entries, the key whose value is to come with its place, and all keys.
    Table(Vec<(String, Node)>, Option<(String, (usize, usize))>, HashSet<String>),
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, place: (usize, usize)) -> Result<(), ImportError> {
        let anchored = match &event {
            Event::Alias(_) => true,
            Event::Scalar(_, _, anchor, _) | Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                *anchor != 0
            }
            _ => false,
        };
        if anchored {
            let error = ImportError::new(self.file, place, "an anchor or what refers to one");
            return Err(error.help("write out what it stands for"));
        }
        match event {
            Event::Scalar(text, style, ..) => {
                let text = text.into_owned();
                let value = if style == ScalarStyle::Plain && is_plain(&text) {
                    Value::Plain(text)
                } else {
                    Value::Text(text)
                };
                self.close(Node::new(value, place))
            }
            Event::SequenceStart(..) => self.open(Kind::List(Vec::new()), place),
            Event::MappingStart(..) => self.open(Kind::Table(Vec::new(), None, HashSet::new()), place),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else {
                    return Err(ImportError::new(self.file, place, "an end of nothing"));
                };
                let value = match open.kind {
                    Kind::List(items) => Value::List(items),
                    Kind::Table(entries, ..) => Value::Table(entries),
                };
                self.close(Node::new(value, open.place))
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, kind: Kind, place: (usize, usize)) -> Result<(), ImportError> {
        self.bound.check(self.open.len(), place)?;
        self.open.push(Open { place, kind });
        Ok(())
    }

    /// Puts a whole value where it belongs.
    fn close(&mut self, mut node: Node) -> Result<(), ImportError> {
        let place = (node.line, node.column);
        self.bound.check(self.open.len(), place)?;
        let wrong = |message: &str| Err(ImportError::new(self.file, place, message));
        match self.open.last_mut().map(|open| &mut open.kind) {
            None if self.document.is_some() => return wrong("a second document in one file"),
            None => self.document = Some(node),
            Some(Kind::List(items)) => items.push(node),
            Some(Kind::Table(_, key @ None, known)) => {
                let Some(name) = node.text().map(str::to_owned) else {
                    return wrong("a key that is no text");
                };
                if !known.insert(name.clone()) {
                    return wrong(&format!("`{name}` is there twice"));
                }
                *key = Some((name, place));
            }
            Some(Kind::Table(entries, key, _)) => {
                if let Some((name, place)) = key.take() {
                    // A value is where its key is: what a person looks for is the key.
                    (node.line, node.column) = place;
                    entries.push((name, node));
                }
            }
        }
        Ok(())
    }
}

/// Whether a word without quotes is a number or a boolean (YAML 1.2 section 10.3.2).
fn is_plain(word: &str) -> bool {
    matches!(word, "true" | "false" | "null" | "~" | "") || word.parse::<f64>().is_ok()
}
