//! Rules of routers: `Host(…) || Host(…)`, perhaps with paths.

/// A rule that can be said with hosts and routes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) hosts: Vec<String>,
    /// `None` is every path.
    pub(crate) routes: Option<Vec<String>>,
}

/// Reads a rule, or says what of it cannot be said with hosts and routes.
pub(crate) fn read(text: &str) -> Result<Rule, String> {
    let mut reader = Reader { rest: text, depth: 0 };
    let meaning = reader.either()?;
    reader.skip();
    if !reader.rest.is_empty() {
        return Err(format!("`{}` is not understood", shown(reader.rest)));
    }
    Ok(Rule {
        hosts: meaning.hosts.unwrap_or_default(),
        routes: meaning.routes,
    })
}

/// What a part of a rule asks for; `None` asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Meaning {
    hosts: Option<Vec<String>>,
    routes: Option<Vec<String>>,
}

impl Meaning {
    fn or(self, other: Self) -> Result<Self, String> {
        let both = |mut one: Vec<String>, other: Vec<String>| {
            one.extend(other);
            one
        };
        match (self, other) {
            (one, other) if one == other => Ok(one),
            (
                Self {
                    hosts: Some(one),
                    routes: None,
                },
                Self {
                    hosts: Some(other),
                    routes: None,
                },
            ) => Ok(Self {
                hosts: Some(both(one, other)),
                routes: None,
            }),
            (one, other) if one.hosts == other.hosts => match (one.routes, other.routes) {
                (Some(routes), Some(others)) => Ok(Self {
                    hosts: one.hosts,
                    routes: Some(both(routes, others)),
                }),
                _ => Err("a `||` of unlike things".into()),
            },
            _ => Err("a `||` of unlike things".into()),
        }
    }

    fn and(self, other: Self) -> Result<Self, String> {
        let either = |one: Option<Vec<String>>, other: Option<Vec<String>>| match (one, other) {
            (Some(_), Some(_)) => Err("a `&&` of two things of one kind".to_owned()),
            (one, other) => Ok(one.or(other)),
        };
        Ok(Self {
            hosts: either(self.hosts, other.hosts)?,
            routes: either(self.routes, other.routes)?,
        })
    }
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn either(&mut self) -> Result<Meaning, String> {
        let mut meaning = self.both()?;
        while self.takes("||") {
            meaning = meaning.or(self.both()?)?;
        }
        Ok(meaning)
    }

    fn both(&mut self) -> Result<Meaning, String> {
        let mut meaning = self.one()?;
        while self.takes("&&") {
            meaning = meaning.and(self.one()?)?;
        }
        Ok(meaning)
    }

    fn one(&mut self) -> Result<Meaning, String> {
        const DEEPEST: usize = 32;
        if self.takes("!") {
            return Err("it says what something is not".into());
        }
        if !self.takes("(") {
            return self.call();
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("its parentheses are nested too deep".into());
        }
        let meaning = self.either()?;
        self.depth -= 1;
        if self.takes(")") {
            Ok(meaning)
        } else {
            Err("a `)` is missing".into())
        }
    }

    fn call(&mut self) -> Result<Meaning, String> {
        self.skip();
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        if name.is_empty() || !self.takes("(") {
            return Err(format!("`{}` is not understood", shown(rest)));
        }
        let mut words = vec![self.word()?];
        while self.takes(",") {
            words.push(self.word()?);
        }
        if !self.takes(")") {
            return Err("a `)` is missing".into());
        }
        meaning(name, words)
    }

    fn word(&mut self) -> Result<String, String> {
        self.skip();
        let quote = self.rest.chars().next().filter(|c| matches!(c, '`' | '"' | '\''));
        let quote = quote.ok_or("a word without quotes")?;
        let (word, rest) = self.rest[1..].split_once(quote).ok_or("a quote that is not closed")?;
        self.rest = rest;
        Ok(word.to_owned())
    }

    fn takes(&mut self, mark: &str) -> bool {
        self.skip();
        match self.rest.strip_prefix(mark) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

fn meaning(name: &str, words: Vec<String>) -> Result<Meaning, String> {
    let routes = |routes: Option<Vec<String>>| Ok(Meaning { hosts: None, routes });
    match name {
        "Host" => Ok(Meaning {
            hosts: Some(words),
            routes: None,
        }),
        "PathPrefix" if words == ["/"] => routes(None),
        "Path" => routes(Some(words.iter().map(|path| plain(path)).collect::<Result<_, _>>()?)),
        "PathPrefix" => {
            let open = |path: &String| Ok(format!("{}/*", plain(path)?.trim_end_matches('/')));
            routes(Some(words.iter().map(open).collect::<Result<_, String>>()?))
        }
        _ => Err(format!("`{name}` is neither a host nor a path")),
    }
}

/// A path that a route can name.
fn plain(path: &str) -> Result<String, String> {
    if path.starts_with('/') && !path.contains(['*', '{', '}', '?', '#', ' ']) {
        Ok(path.to_owned())
    } else {
        Err(format!("`{path}` is no path that a route can name"))
    }
}

fn shown(rest: &str) -> String {
    rest.chars().take(20).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> (Vec<String>, Option<Vec<String>>) {
        let rule = read(text).unwrap();
        (rule.hosts, rule.routes)
    }

    #[test]
    fn hosts_and_paths_are_read() {
        let strings = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(rule("Host(`a.example`)"), (strings(&["a.example"]), None));
        assert_eq!(rule("Host(`a`, `b`) || Host(\"c\")").0, ["a", "b", "c"]);
        assert_eq!(
            rule("(Host(`a`) || Host(`b`)) && PathPrefix(`/api`)"),
            (strings(&["a", "b"]), Some(strings(&["/api/*"])))
        );
        assert_eq!(
            rule("Host(`a`) && (Path(`/x`) || PathPrefix(`/y/`))").1,
            Some(strings(&["/x", "/y/*"]))
        );
        assert_eq!(rule("Host(`a`)&&PathPrefix(`/`)"), (strings(&["a"]), None));
    }

    #[test]
    fn what_is_more_than_hosts_and_paths_is_refused() {
        for (text, why) in [
            ("HostRegexp(`.*`)", "neither a host nor a path"),
            ("Host(`a`) && Method(`POST`)", "neither"),
            ("!Host(`a`)", "not"),
            ("Host(`a`) || PathPrefix(`/x`)", "unlike"),
            ("Host(`a`) && Host(`b`)", "one kind"),
            ("Host(`a`", "`)` is missing"),
            ("Host(a)", "without quotes"),
            ("Host(`a", "not closed"),
            ("Host(`a`) x", "not understood"),
            ("", "not understood"),
            ("Host(`a`) && Path(`/{id}`)", "no path"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        assert!(read(&"(".repeat(100_000)).is_err());
    }
}
