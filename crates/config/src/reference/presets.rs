//! The chapter on levels and presets: their own texts, as they are shipped.

use std::fmt::Write as _;

use super::anchor_of;
use crate::{Level, Preset};

/// The lines of the table of contents.
pub(super) fn contents(page: &mut String) {
    let _ = writeln!(page, "- [Levels and presets](#{})", anchor_of(TITLE));
    for (title, text) in all() {
        let _ = writeln!(page, "  - [{title}](#{}): {}", anchor_of(&title), purpose(text));
    }
}

/// The chapter.
pub(super) fn chapter(page: &mut String) {
    let _ = write!(page, "\n## {TITLE}\n\n{ABOUT}\n");
    for (title, text) in all() {
        let _ = write!(page, "\n### {title}\n\n```toml\n{text}```\n");
    }
}

const TITLE: &str = "Levels and presets";

const ABOUT: &str = "\
Two words at the top of a tenant's file, or in `[defaults]`, that stand for a page of settings. A **level** says how far to
harden; a **preset** knows what kind of application it is, with its cookies, its logins and its odd addresses. Here is each as
it is shipped: what it is for, what it sets, what it breaks on, and what stays open. Where it stands among the layers is said
[above](#how-it-is-read); everything that is written in the file itself goes over it.

```toml
hosts = [\"museum.example\"]
level = \"balanced\"
preset = \"wordpress\"
```";

fn all() -> impl Iterator<Item = (String, &'static str)> {
    let levels = Level::ALL.map(|level| (format!("`level = \"{}\"`", level.as_str()), level.text()));
    let presets = Preset::ALL.map(|preset| (format!("`preset = \"{}\"`", preset.as_str()), preset.text()));
    levels.into_iter().chain(presets)
}

/// What the first sentence of a text says it is for.
fn purpose(text: &str) -> String {
    let comment = text.lines().map_while(|line| line.strip_prefix("# "));
    let comment = comment.collect::<Vec<_>>().join(" ");
    let said = comment.split_once(": ").map_or("", |(_, said)| said);
    said.split_once(". ")
        .map_or(said, |(first, _)| first)
        .trim_end_matches('.')
        .to_owned()
}
