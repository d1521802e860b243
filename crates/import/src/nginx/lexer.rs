//! nginx's words: what stands between blanks, `;` and braces, with quotes and backslashes.

use std::iter::Peekable;
use std::str::Chars;

/// A word or a mark, and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Word(String),
    Semicolon,
    Open,
    Close,
}

/// What is wrong with a text, and where.
pub(crate) type Fault = ((usize, usize), String);

/// Reads words one after the other. The rules are those of nginx's own reader: `#` and quotes mean something at the
/// beginning of a word only, `{` ends a word unless a `$` is before it, `}` is a mark at the beginning of a word only.
pub(crate) struct Lexer<'a> {
    rest: Peekable<Chars<'a>>,
    line: usize,
    column: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self {
            rest: text.chars().peekable(),
            line: 1,
            column: 1,
        }
    }

    pub(crate) fn next(&mut self) -> Result<Option<Token>, Fault> {
        self.skip();
        let (line, column) = self.here();
        let Some(first) = self.rest.peek().copied() else {
            return Ok(None);
        };
        let kind = match first {
            ';' => self.mark(Kind::Semicolon),
            '{' => self.mark(Kind::Open),
            '}' => self.mark(Kind::Close),
            '"' | '\'' => Kind::Word(self.quoted(first)?),
            _ => Kind::Word(self.bare()?),
        };
        Ok(Some(Token { kind, line, column }))
    }

    pub(crate) const fn here(&self) -> (usize, usize) {
        (self.line, self.column)
    }

    /// Skips a block of another language after its `{`, up to and with its `}`. Braces in Lua's strings and comments do
    /// not count.
    pub(crate) fn foreign(&mut self) -> Result<(), Fault> {
        let begin = self.here();
        let mut depth = 1_usize;
        while let Some(c) = self.take() {
            match c {
                '{' => depth += 1,
                '}' if depth == 1 => return Ok(()),
                '}' => depth -= 1,
                '"' | '\'' => self.lua_string(c),
                '-' if self.rest.peek() == Some(&'-') => self.lua_comment(),
                '[' if self.rest.peek() == Some(&'[') => self.lua_long(),
                _ => {}
            }
        }
        Err((begin, "the block that begins here is not closed".into()))
    }

    fn lua_string(&mut self, quote: char) {
        while let Some(c) = self.take() {
            match c {
                '\\' => drop(self.take()),
                '\n' => return,
                c if c == quote => return,
                _ => {}
            }
        }
    }

    fn lua_comment(&mut self) {
        self.take();
        if self.rest.peek() == Some(&'[') {
            self.take();
            if self.rest.peek() == Some(&'[') {
                return self.lua_long();
            }
        }
        while self.rest.peek().is_some_and(|c| *c != '\n') {
            self.take();
        }
    }

    fn lua_long(&mut self) {
        self.take();
        while let Some(c) = self.take() {
            if c == ']' && self.rest.peek() == Some(&']') {
                self.take();
                return;
            }
        }
    }

    fn mark(&mut self, kind: Kind) -> Kind {
        self.take();
        kind
    }

    /// Blanks and comments.
    fn skip(&mut self) {
        while let Some(c) = self.rest.peek() {
            match c {
                c if is_blank(*c) => drop(self.take()),
                '#' => {
                    while self.rest.peek().is_some_and(|c| *c != '\n') {
                        self.take();
                    }
                }
                _ => return,
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, Fault> {
        let begin = self.here();
        self.take();
        let mut word = String::new();
        loop {
            match self.take() {
                None => return Err((begin, format!("the {quote} that begins here is not closed"))),
                Some('\\') => self.escaped(&mut word),
                Some(c) if c == quote => break,
                Some(c) => word.push(c),
            }
        }
        match self.rest.peek().copied() {
            None | Some(';' | '{' | ')') => Ok(word),
            Some(c) if is_blank(c) => Ok(word),
            Some(c) => Err((self.here(), format!("`{c}` right after a closing quote"))),
        }
    }

    fn bare(&mut self) -> Result<String, Fault> {
        let begin = self.here();
        let mut word = String::new();
        while let Some(c) = self.rest.peek().copied() {
            match c {
                c if is_blank(c) => break,
                ';' => break,
                '{' if !word.ends_with('$') => break,
                '\\' => {
                    self.take();
                    self.escaped(&mut word);
                }
                c => {
                    word.push(c);
                    self.take();
                }
            }
        }
        if word.is_empty() {
            return Err((begin, "a word of nothing".into()));
        }
        Ok(word)
    }

    /// After a backslash: quotes and backslashes stand for themselves, `t`, `r` and `n` for a blank, and before anything else
    /// the backslash stays, for a regular expression.
    fn escaped(&mut self, word: &mut String) {
        match self.take() {
            Some(c @ ('"' | '\'' | '\\')) => word.push(c),
            Some('t') => word.push('\t'),
            Some('r') => word.push('\r'),
            Some('n') => word.push('\n'),
            Some(c) => word.extend(['\\', c]),
            None => word.push('\\'),
        }
    }

    fn take(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        if c == '\n' {
            (self.line, self.column) = (self.line + 1, 1);
        } else {
            self.column += 1;
        }
        Some(c)
    }
}

const fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut lexer = Lexer::new(text);
        let mut words = Vec::new();
        while let Some(token) = lexer.next().unwrap() {
            words.push(match token.kind {
                Kind::Word(word) => word,
                Kind::Semicolon => ";".into(),
                Kind::Open => "{".into(),
                Kind::Close => "}".into(),
            });
        }
        words
    }

    fn fault(text: &str) -> Fault {
        let mut lexer = Lexer::new(text);
        loop {
            match lexer.next() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{text:?} is right"),
                Err(fault) => return fault,
            }
        }
    }

    #[test]
    fn words_are_what_nginx_takes_for_words() {
        assert_eq!(words("listen 80;"), ["listen", "80", ";"]);
        assert_eq!(words("a{b c;}"), ["a", "{", "b", "c", ";", "}"]);
        assert_eq!(words("a \"b; {c}\" 'd\\'e';"), ["a", "b; {c}", "d'e", ";"]);
        assert_eq!(
            words("rewrite ^/(\\d+)$ /x?a=\\$1#b;"),
            ["rewrite", "^/(\\d+)$", "/x?a=\\$1#b", ";"]
        );
        assert_eq!(words("set $a ${b}c;"), ["set", "$a", "${b}c", ";"]);
        assert_eq!(
            words("location ~ \"^/a{2}$\" {}"),
            ["location", "~", "^/a{2}$", "{", "}"]
        );
        assert_eq!(words("a # b; {\nc"), ["a", "c"]);
        assert_eq!(words("\u{feff}a\r\n\tb"), ["a", "b"]);
    }

    #[test]
    fn where_a_word_begins_is_known() {
        let mut lexer = Lexer::new("é b\n  \"c\"");
        let mut places = Vec::new();
        while let Some(token) = lexer.next().unwrap() {
            places.push((token.line, token.column));
        }
        assert_eq!(places, [(1, 1), (1, 3), (2, 3)]);
    }

    #[test]
    fn a_quote_that_is_not_closed_is_refused_where_it_begins() {
        assert_eq!(fault("a;\n b 'c;\n").0, (2, 4));
        assert!(fault("\"a\"b").1.contains("`b` right after"));
    }

    #[test]
    fn a_block_of_lua_is_skipped_with_its_own_braces() {
        let mut lexer = Lexer::new("local a = { '}' } -- }\n--[[ } ]] b = [[ } ]] c = \"\\\"}\" } next");
        lexer.foreign().unwrap();
        assert_eq!(lexer.next().unwrap().unwrap().kind, Kind::Word("next".into()));
        assert!(Lexer::new("{ } ").foreign().is_err());
    }
}
