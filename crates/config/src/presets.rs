//! What is known of applications by name: how far to harden, and what a family of applications needs.
//!
//! A preset is a tenant's file like any other, shipped with the program; [`Level::text`] and [`Preset::text`] show it. It
//! stands just below the layer that names it: a preset of the tenant's file goes over the vendor's defaults and under
//! everything else in the file, one of `[defaults]` under the other defaults, and only for tenants that name none. Where a
//! level and a preset are named in one place, the preset goes over the level: it knows what the level would break.

use std::sync::{Arc, OnceLock};

use figment::value::Value;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::Document;

/// How far to harden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// For an application that nobody will mend: what can be hardened without its noticing.
    Legacy,
    /// What holds without a level: breaks no application that is served over HTTPS under its own host.
    Balanced,
    /// For an application that holds data of persons and was tried under it.
    Strict,
}

/// What kind of application it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// PHP with its own sessions.
    Php,
    /// ASP.NET, Framework and Core.
    Aspnet,
    /// Tomcat, Jetty, WildFly and what runs in them.
    JavaServlet,
    /// WordPress.
    Wordpress,
    /// Django.
    Django,
    /// Files, without sessions.
    Static,
}

impl Level {
    /// All of them, the laxest first.
    pub const ALL: [Self; 3] = [Self::Legacy, Self::Balanced, Self::Strict];

    /// The word in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Balanced => "balanced",
            Self::Strict => "strict",
        }
    }

    /// What it sets.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Legacy => include_str!("presets/legacy.toml"),
            Self::Balanced => include_str!("presets/balanced.toml"),
            Self::Strict => include_str!("presets/strict.toml"),
        }
    }

    fn document(self) -> &'static Arc<Document> {
        static READ: [OnceLock<Arc<Document>>; 3] = [const { OnceLock::new() }; 3];
        READ[self as usize].get_or_init(|| shipped("level", self.as_str(), self.text()))
    }
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Php,
        Self::Aspnet,
        Self::JavaServlet,
        Self::Wordpress,
        Self::Django,
        Self::Static,
    ];

    /// The word in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Php => "php",
            Self::Aspnet => "aspnet",
            Self::JavaServlet => "java-servlet",
            Self::Wordpress => "wordpress",
            Self::Django => "django",
            Self::Static => "static",
        }
    }

    /// What it sets.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Php => include_str!("presets/php.toml"),
            Self::Aspnet => include_str!("presets/aspnet.toml"),
            Self::JavaServlet => include_str!("presets/java-servlet.toml"),
            Self::Wordpress => include_str!("presets/wordpress.toml"),
            Self::Django => include_str!("presets/django.toml"),
            Self::Static => include_str!("presets/static.toml"),
        }
    }

    fn document(self) -> &'static Arc<Document> {
        static READ: [OnceLock<Arc<Document>>; 6] = [const { OnceLock::new() }; 6];
        READ[self as usize].get_or_init(|| shipped("preset", self.as_str(), self.text()))
    }
}

/// The name of a document that is in no directory begins like this.
pub(crate) const SHIPPED: char = '<';

fn shipped(kind: &str, name: &str, text: &str) -> Arc<Document> {
    let (document, wrong) = Document::parse(format!("{SHIPPED}{kind} {name}>"), text.to_owned());
    assert!(
        wrong.is_empty(),
        "the {kind} {name} is shipped without mistakes: {wrong:?}"
    );
    Arc::new(document)
}

/// The key that names a document with this name.
pub(crate) fn kind_of(name: &str) -> &str {
    let words = name.strip_prefix(SHIPPED).unwrap_or_default();
    words.split(' ').next().unwrap_or_default()
}

/// The level and the preset that a table names, the weaker first. A word that is unknown is told with the other keys of the
/// table.
pub(crate) fn named_in(document: &Document, table: &[String]) -> [Option<&'static Arc<Document>>; 2] {
    let values = document.values(table);
    let word = |key| match values.get(key) {
        Some(Value::String(_, word)) => Some(word.as_str()),
        _ => None,
    };
    let level = word("level").and_then(|word| Level::ALL.into_iter().find(|level| level.as_str() == word));
    let preset = word("preset").and_then(|word| Preset::ALL.into_iter().find(|preset| preset.as_str() == word));
    [level.map(Level::document), preset.map(Preset::document)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_one_that_serde_writes_and_every_text_is_read() {
        for level in Level::ALL {
            assert_eq!(serde_json::to_value(level).unwrap(), level.as_str());
            assert!(level.text().starts_with("# "));
            level.document();
        }
        for preset in Preset::ALL {
            assert_eq!(serde_json::to_value(preset).unwrap(), preset.as_str());
            assert!(preset.text().starts_with("# "));
            preset.document();
        }
    }
}
