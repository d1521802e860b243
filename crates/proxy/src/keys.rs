//! The vendor's root secrets, read from the files that its part of the configuration names.

use std::path::Path;

use rempart_config::KeyFiles;
use rempart_guard::Problem;
use rempart_tenant::{KeyId, KeyRing, KeyRingError};

/// Reads all of them. `root.key` is made when it is the current one and is not there.
///
/// # Errors
///
/// What is wrong with each file, at the key that names it.
pub(crate) fn ring(keys: &KeyFiles, state: &Path) -> Result<KeyRing, Vec<Problem>> {
    read(keys, |id| {
        let path = KeyFiles::path(state, id);
        match id.is_root() && keys.current == *id {
            true => KeyRing::open_or_create(&path).map(Some),
            false => KeyRing::open_named(id.clone(), &path).map(Some),
        }
    })
    .map(|ring| ring.expect("every file was read"))
}

/// What [`ring`] would find wrong, without making anything.
pub(crate) fn check(keys: &KeyFiles, state: &Path) -> Vec<Problem> {
    let read = read(keys, |id| {
        let path = KeyFiles::path(state, id);
        match id.is_root() && keys.current == *id && !path.exists() {
            true => Ok(None),
            false => KeyRing::open_named(id.clone(), &path).map(Some),
        }
    });
    read.err().unwrap_or_default()
}

fn read(
    keys: &KeyFiles,
    open: impl Fn(&KeyId) -> Result<Option<KeyRing>, KeyRingError>,
) -> Result<Option<KeyRing>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut take = |id: &KeyId, key: &[&str]| match open(id) {
        Ok(ring) => ring,
        Err(error) => {
            problems.push(problem(key, id, &error));
            None
        }
    };
    let mut ring = take(&keys.current, &["keys", "current"]);
    for previous in &keys.previous {
        let one = take(&previous.id, &["keys", "previous", previous.id.as_str()]);
        ring = ring
            .zip(one)
            .map(|(ring, one)| ring.with_previous(&one, previous.until.end()));
    }
    if problems.is_empty() { Ok(ring) } else { Err(problems) }
}

fn problem(key: &[&str], id: &KeyId, error: &KeyRingError) -> Problem {
    let (code, help) = match error {
        KeyRingError::TooShort { .. } => (
            "key_file_short",
            "a key is 32 random bytes; make a new one with `rempart keys new`",
        ),
        KeyRingError::Exposed { .. } => (
            "key_file_exposed",
            "chmod 600 it; if others may have read it, make a new one",
        ),
        _ => (
            "key_file_unreadable",
            "make it with `rempart keys new`, or take the name out of [keys]",
        ),
    };
    let message = match error {
        KeyRingError::TooShort { .. } => format!("the key {id}: {error}"),
        _ => error.to_string(),
    };
    Problem::new(key.iter().copied(), code, message).help(help)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use rempart_config::PreviousKey;

    use super::*;

    fn files(current: &str, previous: &[&str]) -> KeyFiles {
        let until = "2099-12-31".parse().unwrap();
        let previous = previous.iter().map(|id| PreviousKey {
            id: id.parse().unwrap(),
            until,
        });
        KeyFiles {
            current: current.parse().unwrap(),
            previous: previous.collect(),
        }
    }

    fn codes(keys: &KeyFiles, state: &Path) -> Vec<String> {
        let problems = ring(keys, state).unwrap_err();
        let said = problems
            .iter()
            .map(|problem| format!("{} {}", problem.key.join("."), problem.code));
        said.collect()
    }

    #[test]
    fn without_any_file_there_is_the_root_that_was_always_there() {
        let state = tempfile::tempdir().unwrap();
        assert!(check(&files("root", &[]), state.path()).is_empty());
        assert!(
            !state.path().join("root.key").exists(),
            "whoever only checks makes nothing"
        );
        let made = ring(&files("root", &[]), state.path()).unwrap();
        assert_eq!(made, ring(&files("root", &[]), state.path()).unwrap());
        assert!(state.path().join("root.key").exists());
    }

    #[test]
    fn a_file_that_is_missing_short_or_exposed_is_named_by_its_key() {
        let state = tempfile::tempdir().unwrap();
        let keys = state.path().join("keys");
        fs::create_dir(&keys).unwrap();
        KeyRing::create(&keys.join("good.key")).unwrap();
        let write = |name: &str, bytes: &[u8], mode: u32| {
            fs::write(keys.join(name), bytes).unwrap();
            fs::set_permissions(keys.join(name), fs::Permissions::from_mode(mode)).unwrap();
        };
        write("short.key", &[7; 31], 0o600);
        write("open.key", &[7; 32], 0o644);
        for (current, previous, said) in [
            ("none", &[][..], &["keys.current key_file_unreadable"][..]),
            ("short", &[], &["keys.current key_file_short"]),
            (
                "good",
                &["open", "root"],
                &[
                    "keys.previous.open key_file_exposed",
                    "keys.previous.root key_file_unreadable",
                ],
            ),
        ] {
            assert_eq!(codes(&files(current, previous), state.path()), said);
            assert_eq!(check(&files(current, previous), state.path()).len(), said.len());
        }
        let ids = ring(&files("good", &[]), state.path()).unwrap();
        assert_eq!(ids.ids().map(ToString::to_string).collect::<Vec<_>>(), ["good"]);
    }
}
