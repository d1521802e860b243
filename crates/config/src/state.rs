//! Where a running edge can be found, by the files that it was started with.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use figment::value::Value;
use toml::de::{DeTable, DeValue};

use crate::environment;
use crate::files::{LARGEST_FILE, VENDOR_FILE};
use crate::settings::StateSettings;

/// The state directory that the vendor's file in `directory` names, or `environment` (such as [`std::env::vars`]) over it.
///
/// For whoever looks for an edge that runs: what is wrong with the file otherwise, even its syntax below that key, is no
/// reason not to find it. A file that says nothing, or is not there, means the default.
#[must_use]
pub fn state_directory(directory: &Path, environment: impl IntoIterator<Item = (String, String)>) -> PathBuf {
    let written = of_environment(environment).or_else(|| of_file(&directory.join(VENDOR_FILE)));
    directory.join(written.unwrap_or_else(|| StateSettings::default().directory))
}

fn of_environment(variables: impl IntoIterator<Item = (String, String)>) -> Option<PathBuf> {
    let values = environment::read(variables, &mut Vec::new()).values(&["state".to_owned()]);
    match values.get("directory") {
        Some(Value::String(_, text)) => Some(text.into()),
        _ => None,
    }
}

fn of_file(path: &Path) -> Option<PathBuf> {
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(LARGEST_FILE).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let (table, _) = DeTable::parse_recoverable(&text);
    let DeValue::Table(state) = table.get_ref().get("state")?.get_ref() else {
        return None;
    };
    match state.get("directory")?.get_ref() {
        DeValue::String(text) => Some(PathBuf::from(&**text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, environment: &[(&str, &str)]) -> PathBuf {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(VENDOR_FILE), text).unwrap();
        let environment = environment
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        let found = state_directory(directory.path(), environment);
        found.strip_prefix(directory.path()).unwrap_or(&found).to_owned()
    }

    #[test]
    fn it_is_found_in_a_file_that_is_wrong_in_other_places() {
        for wrong in [
            "",
            "\nnonsense = 1\n[listen]\nhttps = 7\n",
            "\n[listen]\nhttps = \n",
            "\n[listen\nhttps = [\"127.0.0.1:1\"",
            "\nunknown = 1\nunknown = 2\n",
        ] {
            let text = format!("[state]\ndirectory = \"/var/lib/rempart\"\n{wrong}");
            assert_eq!(found(&text, &[]), Path::new("/var/lib/rempart"), "{text}");
        }
        let above = "= nonsense\n[state]\ndirectory = \"elsewhere\"\n";
        assert_eq!(found(above, &[]), Path::new("elsewhere"));
    }

    #[test]
    fn a_file_that_says_nothing_means_the_default() {
        for text in [
            "",
            "[listen]\n",
            "[state]\ndirectory = 7\n",
            "state = 1\n",
            "\u{0}\u{0}",
        ] {
            assert_eq!(found(text, &[]), Path::new("state"), "{text:?}");
        }
        let nowhere = state_directory(Path::new("/nonexistent"), []);
        assert_eq!(nowhere, Path::new("/nonexistent/state"));
    }

    #[test]
    fn the_environment_is_over_the_file() {
        let variable = [("REMPART__STATE__DIRECTORY", "/run/edge")];
        assert_eq!(found("[state]\ndirectory = \"x\"\n", &variable), Path::new("/run/edge"));
        assert_eq!(
            found("", &[("REMPART_STATE_DIRECTORY", "/run/edge")]),
            Path::new("state")
        );
    }
}
