//! Imports of lists as they stand on real machines, and of texts that nobody would write.

#![allow(clippy::unwrap_used, clippy::panic)]

mod caddy;
mod nginx;
mod properties;
mod traefik;

use rempart_import::{Fate, Import, TenantDraft};

/// Where the samples are, as the tests read them.
const SITES: &str = include_str!("samples/sites.conf");
const DYNAMIC_TOML: &str = include_str!("samples/dynamic.toml");
const DYNAMIC_YAML: &str = include_str!("samples/dynamic.yml");
const CADDY: &str = include_str!("samples/caddy.json");

/// The draft of a tenant.
fn draft<'a>(import: &'a Import, id: &str) -> &'a TenantDraft {
    let mut drafts = import.drafts.iter();
    let names: Vec<_> = import.drafts.iter().map(|draft| draft.id.as_str()).collect();
    drafts
        .find(|draft| draft.id.as_str() == id)
        .unwrap_or_else(|| panic!("{id} is not in {names:?}"))
}

fn hosts(draft: &TenantDraft) -> Vec<String> {
    draft.hosts.iter().map(ToString::to_string).collect()
}

/// Why something was left on a line; fails when nothing was.
fn left(import: &Import, line: usize) -> String {
    let on_line = import.left().filter(|entry| entry.place.line == line);
    let whys: Vec<_> = on_line
        .filter_map(|entry| match &entry.fate {
            Fate::Left { why, .. } => Some(why.as_str()),
            _ => None,
        })
        .collect();
    assert!(
        !whys.is_empty(),
        "nothing is left on line {line}: {:#?}",
        import.entries
    );
    whys.join("; ")
}

/// The lines on which something was left.
fn left_lines(import: &Import) -> Vec<usize> {
    let mut lines: Vec<_> = import.left().map(|entry| entry.place.line).collect();
    lines.dedup();
    lines
}

/// The line of a text that has these words in it.
fn line_of(text: &str, words: &str) -> usize {
    let mut lines = text.lines().enumerate().filter(|(_, line)| line.contains(words));
    let (line, _) = lines.next().unwrap_or_else(|| panic!("no line has {words:?}"));
    assert!(lines.next().is_none(), "several lines have {words:?}");
    line + 1
}
