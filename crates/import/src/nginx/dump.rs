//! What `nginx -T` prints: every file of a configuration, one after the other, each after a comment with its path. So
//! includes can be followed without opening a file.

use std::collections::BTreeMap;

use super::directive::{Directive, parse};
use crate::entry::{DEEPEST, ImportError, MOST_ITEMS};

/// Reads a text: one file, or what `nginx -T` printed, with its includes followed.
pub(crate) fn read(text: &str, file: &str) -> Result<Vec<Directive>, ImportError> {
    let parts = parts(text);
    let Some((main, _)) = parts.first() else {
        return parse(text, file);
    };
    let mut files = BTreeMap::new();
    for (path, part) in &parts {
        // A file that is included twice is printed once.
        files.insert((*path).to_owned(), parse(part, path)?);
    }
    let tree = files.get(*main).cloned().unwrap_or_default();
    let directory = main.rsplit_once('/').map_or("", |(directory, _)| directory);
    let mut dump = Dump {
        files: &files,
        directory,
        count: 0,
    };
    dump.expand(tree, 0)
}

/// The files of a dump with their texts, in its order; none when this is no dump.
fn parts(text: &str) -> Vec<(&str, &str)> {
    const MARK: &str = "# configuration file ";
    let mut begins = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let path = line
            .trim_end()
            .strip_prefix(MARK)
            .and_then(|rest| rest.strip_suffix(':'));
        if let Some(path) = path.filter(|path| path.starts_with('/')) {
            begins.push((path, offset, offset + line.len()));
        }
        offset += line.len();
    }
    let ends = begins.iter().skip(1).map(|(_, begin, _)| *begin).chain([text.len()]);
    begins
        .iter()
        .zip(ends)
        .map(|((path, _, begin), end)| (*path, &text[*begin..end]))
        .collect()
}

struct Dump<'a> {
    files: &'a BTreeMap<String, Vec<Directive>>,
    directory: &'a str,
    count: usize,
}

impl Dump<'_> {
    /// Puts what is included in the place of each `include` that can be followed; the others stay.
    fn expand(&mut self, tree: Vec<Directive>, depth: usize) -> Result<Vec<Directive>, ImportError> {
        let mut expanded = Vec::new();
        for mut directive in tree {
            self.count += 1;
            if depth >= DEEPEST || self.count > MOST_ITEMS {
                let place = (directive.place.line, directive.place.column);
                return Err(ImportError::new(
                    &directive.place.file,
                    place,
                    "files that include each other without end",
                ));
            }
            if let Some(block) = directive.block.take() {
                directive.block = Some(self.expand(block, depth + 1)?);
            }
            let found = self.included(&directive);
            if found.is_empty() {
                expanded.push(directive);
            }
            for included in found {
                expanded.extend(self.expand(included, depth + 1)?);
            }
        }
        Ok(expanded)
    }

    fn included(&self, directive: &Directive) -> Vec<Vec<Directive>> {
        if directive.name != "include" || directive.words.len() != 1 {
            return Vec::new();
        }
        let pattern = match directive.word(0) {
            absolute if absolute.starts_with('/') => absolute.to_owned(),
            relative => format!("{}/{relative}", self.directory),
        };
        let matching = self.files.iter().filter(|(path, _)| matches(&pattern, path));
        matching.map(|(_, tree)| tree.clone()).collect()
    }
}

/// Whether a path is meant by a pattern, in which `*` stands for anything but a slash.
fn matches(pattern: &str, path: &str) -> bool {
    let (mut patterns, mut paths) = (pattern.split('/'), path.split('/'));
    loop {
        match (patterns.next(), paths.next()) {
            (None, None) => return true,
            (Some(pattern), Some(name)) if matches_name(pattern, name) => {}
            _ => return false,
        }
    }
}

fn matches_name(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(first) else {
        return false;
    };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        let Some((_, after)) = name.split_once(piece) else {
            return false;
        };
        name = after;
    }
    name.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = "\
nginx: the configuration file /etc/nginx/nginx.conf syntax is ok;
# configuration file /etc/nginx/nginx.conf:
http {
    include sites-enabled/*;
    include /nowhere/else.conf;
}
# configuration file /etc/nginx/sites-enabled/museum.conf:
server {
    include snippets/tls.conf;
}
# configuration file /etc/nginx/snippets/tls.conf:
ssl_protocols TLSv1.3;
";

    #[test]
    fn includes_are_followed_within_a_dump() {
        let tree = read(DUMP, "all.conf").unwrap();
        let http = &tree[0];
        let names: Vec<_> = http.inside().iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["server", "include"]);
        let inner = &http.inside()[0].inside()[0];
        assert_eq!(inner.name, "ssl_protocols");
        assert_eq!(inner.place.to_string(), "/etc/nginx/snippets/tls.conf:1:1");
    }

    #[test]
    fn files_that_include_each_other_are_refused() {
        let dump = "# configuration file /a/x:\ninclude y;\n# configuration file /a/y:\ninclude x; include x;\n";
        let error = read(dump, "all").unwrap_err();
        assert!(error.to_string().contains("without end"), "{error}");
    }

    #[test]
    fn one_file_is_read_as_it_is() {
        let tree = read("include *.conf;", "a.conf").unwrap();
        assert_eq!(tree[0].name, "include");
    }

    #[test]
    fn a_star_stands_for_anything_but_a_slash() {
        assert!(matches("/a/*.conf", "/a/b.conf") && matches("/a/*", "/a/b") && matches("/*/b*d", "/a/bcd"));
        assert!(!matches("/a/*.conf", "/a/b/c.conf") && !matches("/a/*.conf", "/a/b.bak") && !matches("/a/b", "/a/bc"));
    }
}
