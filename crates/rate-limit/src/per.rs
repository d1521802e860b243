use std::fmt;

use http::HeaderName;
use rempart_guard::Problem;

/// Who shares a count: all requests that are alike in each of these parts. Without parts all requests of the tenant do.
///
/// ```
/// use rempart_rate_limit::{Part, Per};
///
/// let per = Per::of([Part::Method, Part::Client]);
/// assert_eq!(per.to_string(), "client and method");
/// assert_eq!(Per::tenant().to_string(), "tenant");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Per {
    /// Sorted, each once.
    parts: Vec<Part>,
}

/// One thing by which requests are told apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The client's network: the safe choice, and the default.
    Client,
    /// The account that the application has named for the request's session.
    Account,
    /// The edge's number of the request's session.
    Session,
    /// How the client's program begins a TLS handshake.
    Ja4,
    /// What stands in this header.
    Header(HeaderName),
    /// The method: one of the nine of RFC 9110 and RFC 5789, or any other.
    Method,
    /// What the route is for.
    Class,
}

impl Per {
    /// How many parts one count may have.
    pub const MOST_PARTS: usize = 8;

    /// All requests that are alike in these, of which the first [`MOST_PARTS`](Self::MOST_PARTS) count.
    pub fn of(parts: impl IntoIterator<Item = Part>) -> Self {
        let mut parts: Vec<_> = parts.into_iter().collect();
        parts.sort_by(|one: &Part, other| one.rank().cmp(&other.rank()));
        parts.dedup();
        parts.truncate(Self::MOST_PARTS);
        Self { parts }
    }

    /// Each client network for itself.
    #[must_use]
    pub fn client() -> Self {
        Self::of([Part::Client])
    }

    /// All clients of the tenant together: for what the application behind can bear in all. One client can use it up for
    /// everybody, so it stands beside a quota per client and not instead of it.
    #[must_use]
    pub const fn tenant() -> Self {
        Self { parts: Vec::new() }
    }

    /// The parts, in an order of their own.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether what is counted is the client's own: its network, its session, its account. Only such a count is told to it; of
    /// any other, what is left would tell a stranger how busy the others are.
    #[must_use]
    pub fn is_own(&self) -> bool {
        let owned = |part: &Part| matches!(part, Part::Client | Part::Account | Part::Session);
        self.parts.iter().any(owned)
    }

    /// Whether it is known only once the cookies are opened.
    #[must_use]
    pub fn needs_session(&self) -> bool {
        let needs = |part: &Part| matches!(part, Part::Account | Part::Session);
        self.parts.iter().any(needs)
    }

    /// Whether there are so few different keys that they can be listed: of methods and classes, and nothing else.
    pub(crate) fn has_few(&self) -> bool {
        let listed = |part: &Part| matches!(part, Part::Method | Part::Class);
        self.parts.iter().all(listed)
    }

    /// The part of which a client can have as many as it likes.
    pub(crate) fn invented(&self) -> Option<&Part> {
        let invented = |part: &&Part| matches!(part, Part::Session | Part::Ja4 | Part::Header(_));
        self.parts.iter().find(invented)
    }

    /// Whether everybody who shares a count under `other` shares one under this too.
    pub(crate) fn is_wider_than(&self, other: &Self) -> bool {
        self != other && self.parts.iter().all(|part| other.parts.contains(part))
    }

    /// In a sentence: "for each client".
    pub(crate) fn whose(&self) -> String {
        match self.parts.as_slice() {
            [] => "for all clients together".to_owned(),
            _ => format!("for each {self}"),
        }
    }

    pub(crate) fn read(written: &[String], key: &[&str]) -> Result<Self, Problem> {
        let problem = |code, message: String, help: &str| {
            let key = key.iter().map(|part| (*part).to_owned());
            Problem::new(key, code, message).help(help)
        };
        let mut parts = Vec::new();
        for word in written {
            let part = match word.as_str() {
                "tenant" if written.len() == 1 => continue,
                "tenant" => {
                    let message = "`tenant` is all clients together, and nothing stands beside it".to_owned();
                    return Err(problem("quota_per_tenant_beside", message, HELP_TENANT));
                }
                word => Part::read(word).ok_or_else(|| {
                    let message = format!("`{}` is not who can share a count", word.escape_debug());
                    problem("quota_per_unknown", message, HELP)
                })?,
            };
            if parts.contains(&part) {
                let message = format!("`{}` stands there twice", word.escape_debug());
                return Err(problem("quota_per_twice", message, "write it once, such as \"client\""));
            }
            parts.push(part);
        }
        if parts.len() > Self::MOST_PARTS {
            let message = format!("{} parts are more than {}", parts.len(), Self::MOST_PARTS);
            return Err(problem(
                "quota_per_too_many",
                message,
                "write fewer, such as \"client\"",
            ));
        }
        if written.is_empty() {
            let message = "an empty list says nothing about who shares a count".to_owned();
            return Err(problem("quota_per_unknown", message, HELP));
        }
        Ok(Self::of(parts))
    }
}

impl Default for Per {
    fn default() -> Self {
        Self::client()
    }
}

impl fmt::Display for Per {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.parts.iter().enumerate() {
            let separator = if index == 0 { "" } else { " and " };
            write!(f, "{separator}{part}")?;
        }
        match self.parts.as_slice() {
            [] => f.write_str("tenant"),
            _ => Ok(()),
        }
    }
}

impl Part {
    /// The words of a tenant's file, with `tenant`, which is none of these; `header:NAME` is not a word.
    pub(crate) const WORDS: [&str; 7] = ["client", "tenant", "session", "account", "method", "class", "ja4"];

    fn rank(&self) -> (u8, &str) {
        match self {
            Self::Client => (0, ""),
            Self::Account => (1, ""),
            Self::Session => (2, ""),
            Self::Ja4 => (3, ""),
            Self::Header(name) => (4, name.as_str()),
            Self::Method => (5, ""),
            Self::Class => (6, ""),
        }
    }

    fn read(word: &str) -> Option<Self> {
        Some(match word {
            "client" => Self::Client,
            "account" => Self::Account,
            "session" => Self::Session,
            "ja4" => Self::Ja4,
            "method" => Self::Method,
            "class" => Self::Class,
            _ => {
                let name = word.strip_prefix("header:")?.trim();
                Self::Header(HeaderName::from_bytes(name.as_bytes()).ok()?)
            }
        })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client => f.write_str("client"),
            Self::Account => f.write_str("account"),
            Self::Session => f.write_str("session"),
            Self::Ja4 => f.write_str("ja4"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Method => f.write_str("method"),
            Self::Class => f.write_str("class"),
        }
    }
}

const HELP: &str = "write \"client\", \"tenant\", \"session\", \"account\", \"method\", \"class\", \"ja4\" or \
                    \"header:X-Api-Key\", or a list such as [\"client\", \"method\"]";
const HELP_TENANT: &str = "write per = \"tenant\", or the list without it";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Per, &'static str> {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        Per::read(&words, &["per"]).map_err(|problem| problem.code)
    }

    #[test]
    fn a_key_is_one_word_or_several_in_any_order() {
        assert_eq!(read(&["client"]), Ok(Per::client()));
        assert_eq!(read(&["tenant"]), Ok(Per::tenant()));
        assert_eq!(read(&["method", "client"]), read(&["client", "method"]));
        assert_eq!(read(&["header:X-Api-Key"]), read(&["header: x-api-key"]));
        for word in Part::WORDS {
            assert_eq!(read(&[word]).map(|per| per.to_string()), Ok(word.to_owned()));
        }
    }

    #[test]
    fn a_key_that_means_nothing_is_refused() {
        for (words, code) in [
            (&["ip"] as &[_], "quota_per_unknown"),
            (&[], "quota_per_unknown"),
            (&["header:"], "quota_per_unknown"),
            (&["header:a b"], "quota_per_unknown"),
            (&["client", "tenant"], "quota_per_tenant_beside"),
            (&["client", "client"], "quota_per_twice"),
            (&["header:A", "header:a"], "quota_per_twice"),
        ] {
            assert_eq!(read(words), Err(code), "{words:?}");
        }
    }

    #[test]
    fn fewer_parts_are_shared_by_more() {
        let per = |words: &[&str]| read(words).unwrap();
        assert!(Per::tenant().is_wider_than(&Per::client()));
        assert!(Per::client().is_wider_than(&per(&["client", "method"])));
        assert!(!Per::client().is_wider_than(&Per::client()));
        assert!(!Per::client().is_wider_than(&per(&["session"])));
    }
}
