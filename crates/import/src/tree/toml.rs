use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Bound, Lines, Node, Value};
use crate::entry::ImportError;

/// Reads TOML.
pub(crate) fn read(text: &str, file: &str) -> Result<Node, ImportError> {
    let lines = Lines::new(text);
    let table = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        ImportError::new(file, lines.position(offset), error.message())
    })?;
    let mut reader = Reader {
        lines,
        bound: Bound::new(file),
    };
    let entries = reader.table(table.into_inner(), 0)?;
    Ok(Node::new(Value::Table(entries), (1, 1)))
}

struct Reader<'a> {
    lines: Lines<'a>,
    bound: Bound<'a>,
}

impl Reader<'_> {
    fn table(&mut self, table: DeTable<'_>, depth: usize) -> Result<Vec<(String, Node)>, ImportError> {
        let mut entries = Vec::new();
        for (key, value) in table {
            let place = self.lines.position(key.span().start);
            entries.push((key.into_inner().into_owned(), self.value(value, place, depth + 1)?));
        }
        entries.sort_by_key(|(_, node)| (node.line, node.column));
        Ok(entries)
    }

    fn value(&mut self, value: Spanned<DeValue<'_>>, place: (usize, usize), depth: usize) -> Result<Node, ImportError> {
        self.bound.check(depth, place)?;
        let value = match value.into_inner() {
            DeValue::String(text) => Value::Text(text.into_owned()),
            DeValue::Integer(number) => Value::Plain(number.to_string()),
            DeValue::Float(number) => Value::Plain(number.to_string()),
            DeValue::Boolean(boolean) => Value::Plain(boolean.to_string()),
            DeValue::Datetime(time) => Value::Plain(time.to_string()),
            DeValue::Array(items) => {
                let items = items.into_iter().map(|item| {
                    let place = self.lines.position(item.span().start);
                    self.value(item, place, depth + 1)
                });
                Value::List(items.collect::<Result<_, _>>()?)
            }
            DeValue::Table(table) => Value::Table(self.table(table, depth)?),
        };
        Ok(Node::new(value, place))
    }
}
