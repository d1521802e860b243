//! The account that is kept of every directive, so that none is dropped in silence.

use crate::entry::{Entry, Fate, Place, printable};

/// A directive's number in the account.
pub(crate) type Item = usize;

#[derive(Debug, Default)]
pub(crate) struct Account {
    lines: Vec<Line>,
}

impl Account {
    /// Enters a directive. Whoever has read it answers for it later.
    pub(crate) fn enter(&mut self, place: Place, last_line: usize, text: &str) -> Item {
        self.lines.push(Line {
            place,
            last_line,
            text: shortened(text),
            state: State::Open(Vec::new()),
        });
        self.lines.len() - 1
    }

    /// It has come into a draft.
    pub(crate) fn carried(&mut self, item: Item) {
        self.add(item, Fate::Carried);
    }

    /// The edge does it anyway.
    pub(crate) fn understood(&mut self, item: Item, why: impl Into<String>) {
        self.add(item, Fate::Understood { why: why.into() });
    }

    /// It goes nowhere.
    pub(crate) fn left(&mut self, item: Item, why: impl Into<String>) {
        let (why, instead) = (why.into(), None);
        self.add(item, Fate::Left { why, instead });
    }

    /// It goes nowhere; somebody can write or do something else.
    pub(crate) fn left_but(&mut self, item: Item, why: impl Into<String>, instead: impl Into<String>) {
        let (why, instead) = (why.into(), Some(instead.into()));
        self.add(item, Fate::Left { why, instead });
    }

    /// It is within a block that is answered for as a whole.
    pub(crate) fn cover(&mut self, item: Item) {
        self.lines[item].state = State::Covered;
    }

    /// Whether nobody has answered for it yet.
    pub(crate) fn is_open(&self, item: Item) -> bool {
        matches!(&self.lines[item].state, State::Open(fates) if fates.is_empty())
    }

    /// Answers for settings of a block that becomes no tenant, without those that other blocks have too.
    pub(crate) fn discard(&mut self, items: &[Item], others: &[Item]) {
        for item in items.iter().filter(|item| !others.contains(item)) {
            self.understood(*item, "this block becomes no tenant");
        }
    }

    /// Where it is, for a comment: `sites.conf:12`.
    pub(crate) fn place(&self, item: Item) -> String {
        let Place { file, line, .. } = &self.lines[item].place;
        format!("{file}:{line}")
    }

    /// What is written there.
    pub(crate) fn text(&self, item: Item) -> &str {
        &self.lines[item].text
    }

    /// Every entry in the order of the input. What nobody has answered for is left.
    pub(crate) fn close(self, unknown: &str) -> Vec<Entry> {
        let mut entries: Vec<Entry> = self.lines.into_iter().flat_map(|line| line.close(unknown)).collect();
        // A file that is included twice says everything twice.
        let mut seen = std::collections::HashSet::new();
        entries.retain(|entry| seen.insert((entry.place.clone(), format!("{:?}", entry.fate))));
        entries
    }

    fn add(&mut self, item: Item, fate: Fate) {
        match &mut self.lines[item].state {
            State::Open(fates) if !fates.contains(&fate) => fates.push(fate),
            State::Open(_) => {}
            state @ State::Covered => *state = State::Open(vec![fate]),
        }
    }
}

#[derive(Debug)]
struct Line {
    place: Place,
    last_line: usize,
    text: String,
    state: State,
}

#[derive(Debug)]
enum State {
    Open(Vec<Fate>),
    Covered,
}

impl Line {
    /// What is left for any reason is not carried, and what is carried by one tenant need not be understood.
    fn close(self, unknown: &str) -> Vec<Entry> {
        let State::Open(mut fates) = self.state else {
            return Vec::new();
        };
        if fates.is_empty() {
            let (why, instead) = (unknown.to_owned(), None);
            fates.push(Fate::Left { why, instead });
        }
        let is_left = |fate: &Fate| matches!(fate, Fate::Left { .. });
        if fates.iter().any(is_left) {
            fates.retain(is_left);
        } else {
            let carried = fates.iter().position(|fate| *fate == Fate::Carried);
            fates = vec![fates.swap_remove(carried.unwrap_or(0))];
        }
        let entry = |fate| Entry {
            place: self.place.clone(),
            last_line: self.last_line,
            text: self.text.clone(),
            fate,
        };
        fates.into_iter().map(entry).collect()
    }
}

/// As much of a directive as a person needs to recognise it.
fn shortened(text: &str) -> String {
    const MOST: usize = 100;
    let text = without_user(&printable(text));
    match text.char_indices().nth(MOST) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// A text without the user and the password of the addresses in it.
fn without_user(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let end = after.find(['/', ' ', '"']).unwrap_or(after.len());
        rest = match after[..end].rfind('@') {
            Some(at) => {
                shown.push('…');
                &after[at..]
            }
            None => after,
        };
    }
    shown + rest
}

/// Whether a name is one of a thing that is not shown: a password, a token.
pub(crate) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    if name == "server_tokens" || name.starts_with('$') {
        return false;
    }
    let words = [
        "password",
        "passwd",
        "secret",
        "token",
        "authorization",
        "api_key",
        "apikey",
        "api-key",
    ];
    words.iter().any(|word| name.contains(word)) || name == "users"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> (Account, Item) {
        let mut account = Account::default();
        let place = Place {
            file: "a.conf".into(),
            line: 3,
            column: 1,
        };
        let item = account.enter(place, 3, "gzip on");
        (account, item)
    }

    #[test]
    fn what_nobody_answers_for_is_left() {
        let (account, _) = account();
        let entries = account.close("nobody knows it");
        assert_eq!(
            entries[0].to_string(),
            "a.conf:3: not carried over: gzip on: nobody knows it"
        );
    }

    #[test]
    fn what_is_left_for_one_tenant_is_not_called_carried() {
        let (mut account, item) = account();
        account.carried(item);
        account.left_but(item, "no", "write it there");
        account.understood(item, "yes");
        let entries = account.close("");
        assert_eq!(entries.len(), 1);
        assert!(entries[0].to_string().ends_with("gzip on: no; write it there"));
    }

    #[test]
    fn what_is_covered_has_no_entry_of_its_own() {
        let (mut account, item) = account();
        account.cover(item);
        assert_eq!(account.close(""), []);
    }

    #[test]
    fn a_long_or_hostile_directive_is_shown_short_and_plain() {
        let text = shortened(&"ä\u{1b}[2J\n".repeat(100));
        assert_eq!(text.chars().count(), 101);
        assert!(!text.contains(['\u{1b}', '\n']) && text.ends_with('…'));
    }

    #[test]
    fn the_password_of_an_address_is_not_shown() {
        let text = "proxy_pass http://me:hunter2@app/x; a https://b/@c http://d";
        assert_eq!(without_user(text), "proxy_pass http://…@app/x; a https://b/@c http://d");
    }

    #[test]
    fn a_password_is_known_by_its_name() {
        assert!(is_secret("Proxy-Authorization") && is_secret("clientSecret") && is_secret("users"));
        assert!(!is_secret("server_name") && !is_secret("server_tokens") && !is_secret("$http_x_token"));
    }
}
