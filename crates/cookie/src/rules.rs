//! What single cookies get that others do not: by name, or by how their names begin.

use std::collections::BTreeMap;

use cookie::SameSite;
use rempart_guard::{Problem, Problems, duration, duration_schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pattern::NamePattern;
use crate::prefix::{Prefix, is_http_only};
use crate::settings::{read_same_site, wrong_with};

/// What the cookies of one name, or of all that begin alike, get. What is not written is as for every other cookie, or as a
/// rule for more of them says.
///
/// ```toml
/// [cookies.rules.basket]
/// prefix = "host"
/// max_age = "7d"
///
/// [cookies.rules."wp-settings-*"]
/// script_readable = true
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CookieRuleSettings {
    /// Whether other sites' links and forms carry the cookie: `strict`, `lax` or `none`, as `same_site` of all cookies. An
    /// application's stricter word is kept.
    #[schemars(extend("enum" = ["strict", "lax", "none"]))]
    pub same_site: Option<String>,
    /// Whether the application's scripts read the cookie: `true` lets it leave without `HttpOnly`, `false` with it, whatever
    /// a rule for more cookies or `script_readable` says. A session cannot be readable.
    pub script_readable: Option<bool>,
    /// Whether the cookie is kept apart for each site that has this one in a frame (`Partitioned`). For a cookie with
    /// `same_site = "none"`: others are not sent into frames anyhow.
    pub partitioned: Option<bool>,
    /// The `Path` that the cookie leaves with, whatever the application writes: `"/"`, or `"/app"` for an application below
    /// it. It keeps nothing from scripts of the same host.
    #[schemars(regex(pattern = "^/[!-:<-~]{0,126}$"), extend("x-form" = "path"))]
    pub path: Option<String>,
    /// How long browsers keep the cookie at most, from `"1s"` to `"400d"`, in whole seconds.
    #[schemars(schema_with = "duration_schema", extend("x-least" = "1s", "x-most" = "400d"))]
    pub max_age: Option<String>,
    /// What the cookie is called outside: `host` puts `__Host-` before its name, `secure` puts `__Secure-`, `none` nothing.
    /// The application sees its own name. Scripts that read or write the cookie see the other one.
    #[schemars(extend("enum" = Prefix::WORDS.map(|(word, _)| word)))]
    pub prefix: Option<String>,
    /// Whether the cookie is dropped, both ways: browsers do not get it, and the application does not see one.
    pub drop: Option<bool>,
}

/// The rules, the most particular first.
#[derive(Debug, Default)]
pub(crate) struct Rules(Vec<Rule>);

#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) pattern: NamePattern,
    pub(crate) says: Says,
}

/// What a rule says, and what several say together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Says {
    pub(crate) same_site: Option<SameSite>,
    pub(crate) script_readable: Option<bool>,
    pub(crate) partitioned: Option<bool>,
    pub(crate) path: Option<String>,
    pub(crate) max_age: Option<u64>,
    pub(crate) prefix: Option<Prefix>,
    pub(crate) drop: Option<bool>,
}

impl Rules {
    /// Reads them, and notes all that is wrong.
    pub(crate) fn read(settings: BTreeMap<String, CookieRuleSettings>, problems: &mut Problems) -> Self {
        if settings.len() > MOST_RULES {
            let message = format!("{} rules are more than {MOST_RULES}", settings.len());
            problems.push(Problem::new(["rules"], "cookie_rules_too_many", message));
        }
        let mut rules: Vec<Rule> = Vec::with_capacity(settings.len());
        for (name, rule) in settings {
            problems.extend(
                wrong_with(&name).map(|(code, message, help)| Problem::new(["rules", &name], code, message).help(help)),
            );
            let mut wrong = Problems::new();
            let says = rule.read(&name, &mut wrong);
            problems.extend(wrong.into_iter().map(|problem| problem.under(&name).under("rules")));
            rules.push(Rule {
                pattern: NamePattern::new(name),
                says,
            });
        }
        rules.sort_by_key(|rule| std::cmp::Reverse((!rule.pattern.is_open(), rule.pattern.beginning().len())));
        Self(rules)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rules for cookies of this name, the most particular first.
    pub(crate) fn of(&self, name: &[u8]) -> impl Iterator<Item = &Says> {
        let of_name = move |rule: &&Rule| rule.pattern.takes(name);
        self.0.iter().filter(of_name).map(|rule| &rule.says)
    }

    /// What the most particular rule says that says it at all.
    pub(crate) fn first<'a, T: 'a>(&'a self, name: &[u8], said: impl Fn(&'a Says) -> Option<T>) -> Option<T> {
        self.of(name).find_map(said)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }
}

impl CookieRuleSettings {
    fn read(self, name: &str, problems: &mut Problems) -> Says {
        let prefix = self.prefix.map(|word| read_prefix(&word, "prefix"));
        let prefix = prefix.and_then(|read| problems.take(read));
        let max_age = self.max_age.map(|text| read_max_age(&text, "max_age"));
        let path = self.path.map(read_path).and_then(|read| problems.take(read));
        if prefix == Some(Prefix::Host) && path.as_ref().is_some_and(|path| path != "/") {
            let message = "`__Host-` promises `Path=/`, and browsers refuse the cookie with another path";
            let problem = Problem::new(["path"], "cookie_prefix_conflict", message);
            problems.push(problem.help("write `prefix = \"secure\"` with the path, or leave the path out"));
        }
        if self.script_readable == Some(true) && is_http_only(name.as_bytes()) {
            let message = format!("`{name}` says by its prefix that scripts cannot read it");
            problems.push(Problem::new(["script_readable"], "cookie_prefix_conflict", message));
        }
        let same_site = self.same_site.map(|word| read_same_site(&word));
        Says {
            same_site: same_site.and_then(|read| problems.take(read)),
            script_readable: self.script_readable,
            partitioned: self.partitioned,
            path,
            max_age: max_age.and_then(|read| problems.take(read)),
            prefix,
            drop: self.drop,
        }
    }
}

pub(crate) fn read_prefix(word: &str, key: &str) -> Result<Prefix, Problem> {
    let known = Prefix::WORDS.into_iter().find(|(known, _)| *known == word);
    known.map(|(_, prefix)| prefix).ok_or_else(|| {
        let message = format!("`{}` is no prefix", word.escape_debug());
        Problem::new([key], "cookie_prefix_unknown", message).help("one of \"host\", \"secure\" and \"none\"")
    })
}

/// Whole seconds.
pub(crate) fn read_max_age(text: &str, key: &str) -> Result<u64, Problem> {
    let wrong = |message: String| {
        Problem::new([key], "cookie_max_age_invalid", message).help("write a duration from \"1s\" to \"400d\"")
    };
    let age = duration(text).map_err(|error| wrong(format!("`{}`: {error}", text.escape_debug())))?;
    match (age.as_secs(), age.subsec_nanos()) {
        (seconds @ 1..=LONGEST_AGE, 0) => Ok(seconds),
        (seconds, _) if seconds >= LONGEST_AGE => Err(wrong(format!("`{text}` is longer than browsers keep a cookie"))),
        _ => Err(wrong(format!("`{text}` is not one or more whole seconds"))),
    }
}

fn read_path(path: String) -> Result<String, Problem> {
    let is_of_path = |byte: u8| byte.is_ascii_graphic() && byte != b';';
    if path.starts_with('/') && path.len() <= 127 && path.bytes().all(is_of_path) {
        return Ok(path);
    }
    let message = format!("`{}` is no path of a cookie", path.escape_debug());
    let help = "write a path from the `/` on, without spaces and `;`, of at most 127 characters";
    Err(Problem::new(["path"], "cookie_path_invalid", message).help(help))
}

/// The most that browsers keep a cookie (draft-ietf-httpbis-rfc6265bis-22 section 5.5): 400 days.
pub(crate) const LONGEST_AGE: u64 = 400 * 86_400;
/// How many rules one tenant may have.
pub(crate) const MOST_RULES: usize = 64;
