//! nginx's directives as a tree, each with its place.

use super::lexer::{Kind, Lexer, Token};
use crate::account::{Account, Item, is_secret};
use crate::entry::{DEEPEST, ImportError, MOST_ITEMS, Place};

/// A directive: a name, words, and what is in its braces.
#[derive(Clone, Debug)]
pub(crate) struct Directive {
    pub(crate) name: String,
    pub(crate) words: Vec<String>,
    pub(crate) block: Option<Vec<Self>>,
    pub(crate) place: Place,
    pub(crate) last_line: usize,
    /// Its number in the account, once it has been entered.
    pub(crate) item: Item,
}

impl Directive {
    /// The word at `index`, or nothing.
    pub(crate) fn word(&self, index: usize) -> &str {
        self.words.get(index).map_or("", String::as_str)
    }

    /// What is in its braces; nothing when it has none.
    pub(crate) fn inside(&self) -> &[Self] {
        self.block.as_deref().unwrap_or_default()
    }

    /// Every directive below it.
    pub(crate) fn below(&self, items: &mut Vec<Item>) {
        for inner in self.inside() {
            items.push(inner.item);
            inner.below(items);
        }
    }

    /// Enters it and all below it in the account.
    pub(crate) fn enter(&mut self, account: &mut Account) {
        let text = self.text();
        self.item = account.enter(self.place.clone(), self.last_line, &text);
        for inner in self.block.iter_mut().flatten() {
            inner.enter(account);
        }
    }

    /// What is written there, without what may be a secret.
    fn text(&self) -> String {
        let mut text = self.name.clone();
        let mut secret = is_secret(&self.name);
        for word in &self.words {
            text.push(' ');
            match word {
                _ if secret => text.push('…'),
                word if word.is_empty() || word.contains([' ', ';', '{', '}']) => text.push_str(&format!("\"{word}\"")),
                word => text.push_str(word),
            }
            secret |= is_secret(word);
        }
        if self.block.is_some() {
            text.push_str(" { … }");
        }
        text
    }
}

/// Reads a text.
pub(crate) fn parse(text: &str, file: &str) -> Result<Vec<Directive>, ImportError> {
    let mut parser = Parser {
        lexer: Lexer::new(text),
        file,
        count: 0,
    };
    let mut open: Vec<Directive> = Vec::new();
    let mut here: Vec<Directive> = Vec::new();
    loop {
        match parser.next()? {
            Step::Line(directive) => here.push(directive),
            Step::Open(directive) if open.len() + 1 >= DEEPEST => {
                let message = format!("blocks are nested more than {DEEPEST} deep");
                return Err(parser.error((directive.place.line, directive.place.column), message));
            }
            Step::Open(mut directive) => {
                directive.block = Some(std::mem::take(&mut here));
                open.push(directive);
            }
            Step::Close(line, column) => {
                let Some(mut directive) = open.pop() else {
                    return Err(parser.error((line, column), "a `}` that closes nothing"));
                };
                directive.last_line = line;
                let inside = here;
                here = directive.block.replace(inside).unwrap_or_default();
                here.push(directive);
            }
            Step::End => match open.pop() {
                None => return Ok(here),
                Some(unclosed) => {
                    let (last, _) = parser.lexer.here();
                    let message = format!("line {last} is the last one, and this block is not closed");
                    let place = (unclosed.place.line, unclosed.place.column);
                    return Err(parser.error(place, message).help("write the missing `}`"));
                }
            },
        }
    }
}

enum Step {
    Line(Directive),
    /// A directive whose `{` has been read.
    Open(Directive),
    Close(usize, usize),
    End,
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    file: &'a str,
    count: usize,
}

impl Parser<'_> {
    fn next(&mut self) -> Result<Step, ImportError> {
        let Some(first) = self.token()? else {
            return Ok(Step::End);
        };
        let place = (first.line, first.column);
        let name = match first.kind {
            Kind::Word(name) => name,
            Kind::Close => return Ok(Step::Close(first.line, first.column)),
            Kind::Semicolon => return Err(self.error(place, "a `;` with nothing before it")),
            Kind::Open => return Err(self.error(place, "a `{` with nothing before it")),
        };
        let mut directive = self.directive(name, place)?;
        loop {
            let Some(token) = self.token()? else {
                let error = self.error(place, format!("`{}` is not ended", directive.name));
                return Err(error.help("write the missing `;`"));
            };
            directive.last_line = token.line;
            match token.kind {
                Kind::Word(word) => directive.words.push(word),
                Kind::Semicolon => return Ok(Step::Line(directive)),
                Kind::Open if directive.name.ends_with("_by_lua_block") => {
                    self.lexer
                        .foreign()
                        .map_err(|(place, message)| self.error(place, message))?;
                    (directive.last_line, _) = self.lexer.here();
                    directive.block = Some(Vec::new());
                    return Ok(Step::Line(directive));
                }
                Kind::Open => return Ok(Step::Open(directive)),
                Kind::Close => {
                    let error = self.error(
                        (token.line, token.column),
                        format!("a `}}` in the middle of `{}`", directive.name),
                    );
                    return Err(error.help("write the missing `;` before it"));
                }
            }
        }
    }

    fn directive(&mut self, name: String, (line, column): (usize, usize)) -> Result<Directive, ImportError> {
        self.count += 1;
        if self.count > MOST_ITEMS {
            return Err(self.error((line, column), format!("more than {MOST_ITEMS} directives")));
        }
        let place = Place {
            file: self.file.to_owned(),
            line,
            column,
        };
        Ok(Directive {
            name,
            words: Vec::new(),
            block: None,
            place,
            last_line: line,
            item: 0,
        })
    }

    fn token(&mut self) -> Result<Option<Token>, ImportError> {
        self.lexer.next().map_err(|(place, message)| self.error(place, message))
    }

    fn error(&self, place: (usize, usize), message: impl Into<String>) -> ImportError {
        ImportError::new(self.file, place, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        parse(text, "a.conf").unwrap_err().to_string()
    }

    #[test]
    fn a_tree_has_the_lines_of_its_blocks() {
        let tree = parse("http {\n  server {\n    listen 80;\n  }\n  gzip on;\n}\n", "a.conf").unwrap();
        let http = &tree[0];
        assert_eq!((http.place.line, http.last_line, http.inside().len()), (1, 6, 2));
        let server = &http.inside()[0];
        assert_eq!(
            (server.name.as_str(), server.place.line, server.last_line),
            ("server", 2, 4)
        );
        assert_eq!(server.inside()[0].words, ["80"]);
    }

    #[test]
    fn what_is_no_tree_is_refused_with_its_place() {
        assert!(refused("server {\n  listen 80\n}").starts_with("a.conf:3:1: error: a `}` in the middle of `listen`"));
        assert!(refused("a;\n}").starts_with("a.conf:2:1: error: a `}` that closes nothing"));
        assert!(refused("a {\nb {\n}\n").starts_with("a.conf:1:1: error: line 4"));
        assert!(refused("a b").contains("`a` is not ended"));
        assert!(refused(";").contains("nothing before it"));
        assert!(refused("a { { } }").contains("a.conf:1:5"));
        assert!(refused("a 'b").starts_with("a.conf:1:3:"));
    }

    #[test]
    fn a_hundred_thousand_braces_are_refused_and_not_a_crash() {
        assert!(refused(&"a {".repeat(100_000)).contains("64 deep"));
    }

    #[test]
    fn a_block_of_lua_is_one_directive() {
        let tree = parse(
            "location / { content_by_lua_block {\n ngx.say('}')\n } }\nlisten 80;",
            "a",
        )
        .unwrap();
        assert_eq!(tree.len(), 2);
        assert_eq!(tree[0].inside()[0].last_line, 3);
    }

    #[test]
    fn a_secret_is_not_repeated() {
        let tree = parse("proxy_set_header Authorization \"Basic aHVudGVyMg==\";", "a").unwrap();
        assert_eq!(tree[0].text(), "proxy_set_header Authorization …");
    }
}
