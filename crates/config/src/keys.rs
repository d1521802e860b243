//! Which files the root secrets of all tenants' keys are in.

use std::path::{Path, PathBuf};

use rempart_guard::{Change, Day, Problem};
use rempart_tenant::KeyId;

use crate::reader::Reader;
use crate::settings::{KeysSettings, MOST_KEYS, VendorSettings};

/// The root secrets by name: the one that seals, and those that only open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFiles {
    /// The one that seals.
    pub current: KeyId,
    /// Those that only open, by name.
    pub previous: Vec<PreviousKey>,
}

/// A root secret that only opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviousKey {
    /// Its name.
    pub id: KeyId,
    /// The last day on which it opens.
    pub until: Day,
}

impl KeyFiles {
    /// Where the secret of a name is, in a state directory.
    #[must_use]
    pub fn path(state: &Path, id: &KeyId) -> PathBuf {
        match id.is_root() {
            true => state.join("root.key"),
            false => state.join("keys").join(format!("{id}.key")),
        }
    }

    pub(crate) fn read(settings: &KeysSettings, reader: &mut Reader<'_, VendorSettings>) -> Self {
        let current = reader.take(name(&settings.current, ["keys", "current"]));
        if settings.previous.len() > MOST_KEYS {
            let message = format!("{} previous keys are more than {MOST_KEYS}", settings.previous.len());
            reader.problem(Problem::new(["keys", "previous"], "keys_too_many", message));
        }
        let mut previous = Vec::new();
        for (written, until) in &settings.previous {
            let key = ["keys", "previous", written];
            if *written == settings.current {
                let message = "this is the current key, which has no end";
                let problem = Problem::new(key, "key_current_and_previous", message);
                reader
                    .problem(problem.help("make another one with `rempart keys new`, and name that one as `current`"));
            }
            let id = reader.take(name(written, key));
            let until = reader.take(day(until, key));
            previous.extend(id.zip(until).map(|(id, until)| PreviousKey { id, until }));
        }
        Self {
            current: current.unwrap_or_else(KeyId::root),
            previous,
        }
    }

    /// What is sealed, and opens, with other keys.
    pub(crate) fn changes_to(&self, new: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.current != new.current {
            let text = format!(
                "cookies are sealed with the key {} instead of {}",
                new.current, self.current
            );
            changes.push(Change::other(text));
        }
        let opens = |keys: &Self, id: &KeyId| keys.current == *id || keys.previous.iter().any(|key| key.id == *id);
        let old_ids = [&self.current]
            .into_iter()
            .chain(self.previous.iter().map(|key| &key.id));
        changes.extend(old_ids.filter(|id| !opens(new, id)).map(|id| {
            Change::tightens(format!(
                "what the key {id} has sealed opens no more: whoever still has it is logged out"
            ))
        }));
        for PreviousKey { id, until } in &new.previous {
            let before = self.previous.iter().find(|key| key.id == *id).map(|key| key.until);
            if before == Some(*until) {
                continue;
            }
            let text = format!("what the key {id} has sealed opens until {until}");
            changes.push(match opens(self, id) {
                true => Change::other(text),
                false => Change::loosens(text),
            });
        }
        changes
    }
}

impl Default for KeyFiles {
    fn default() -> Self {
        Self {
            current: KeyId::root(),
            previous: Vec::new(),
        }
    }
}

fn name<const N: usize>(text: &str, key: [&str; N]) -> Result<KeyId, Problem> {
    text.parse::<KeyId>().map_err(|error| {
        let problem = Problem::new(key, "key_name", format!("`{}`: {error}", text.escape_debug()));
        problem.help("write the name of the file without `.key`, such as \"2026-11\", and no path")
    })
}

fn day<const N: usize>(text: &str, key: [&str; N]) -> Result<Day, Problem> {
    text.parse::<Day>().map_err(|error| {
        let problem = Problem::new(key, "date_invalid", format!("`{}`: {error}", text.escape_debug()));
        problem.help("write year, month and day, such as \"2026-12-31\", without a time")
    })
}
