//! A configuration's directory that a test writes.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::{Config, Diagnostics, load};

/// A sound vendor's file.
pub(super) const VENDOR: &str = "[listen]\nhttps = \"127.0.0.1:8443\"\n[development]\ncertificates = true\n";
/// A sound tenant's file, of ten lines.
pub(super) const LIBRARY: &str = "hosts = [\"library.localhost\"]\n[upstream]\nurl = \"http://127.0.0.1:9101\"\n";

pub(super) struct Site {
    directory: TempDir,
    environment: Vec<(String, String)>,
}

impl Site {
    /// A directory with a sound vendor's file and a sound tenant, `library`.
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("tenants.d")).unwrap();
        let environment = Vec::new();
        let site = Self { directory, environment };
        site.file("rempart.toml", VENDOR)
            .file("tenants.d/library.toml", LIBRARY)
    }

    /// Writes a file, in place of what was there.
    pub(super) fn file(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        fs::write(self.path().join(name), text).unwrap();
        self
    }

    /// Adds lines to a file.
    pub(super) fn more(self, name: &str, text: &str) -> Self {
        let all = fs::read_to_string(self.path().join(name)).unwrap() + text;
        self.file(name, all)
    }

    pub(super) fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(super) fn load(&self) -> Result<Config, Diagnostics> {
        load(self.path(), self.environment.clone())
    }

    /// What a person sees; empty when all is well.
    pub(super) fn says(&self) -> String {
        self.load()
            .err()
            .map(|diagnostics| diagnostics.to_string())
            .unwrap_or_default()
    }
}

/// Whether a site says exactly this.
#[track_caller]
pub(super) fn expect(site: &Site, expected: &str) {
    let said = site.says();
    assert!(said == expected, "said:\n{said}\n\nexpected:\n{expected}");
}
