//! Levels and presets: where they stand among the layers, and that all of them hold together.

use std::collections::BTreeMap;

use figment::value::Value;
use rempart_guard::Enforcement;

use super::site::{LIBRARY, Site, VENDOR, expect};
use crate::document::Document;
use crate::{Differences, Level, Preset, TenantConfig};

const FILE: &str = "tenants.d/library.toml";

/// A site whose tenant begins with these lines, and whose vendor's file ends with those.
fn site(top: &str, defaults: &str) -> Site {
    Site::new()
        .file(FILE, format!("{top}{LIBRARY}"))
        .file("rempart.toml", format!("{VENDOR}{defaults}"))
}

#[track_caller]
fn library(site: &Site) -> TenantConfig {
    let config = site.load().unwrap_or_else(|wrong| panic!("{wrong}"));
    TenantConfig::clone(&config.tenants[0])
}

/// The rate of a quota; `-` when there is none.
fn rate(tenant: &TenantConfig, name: &str) -> String {
    let quotas = tenant.rate_limit.quotas();
    let quota = quotas.iter().find(|quota| quota.name() == name);
    quota.map_or_else(|| "-".to_owned(), |quota| quota.rate().to_string())
}

/// Every key that a text sets, with its value.
fn keys(text: &str) -> BTreeMap<String, Value> {
    fn collect(path: &str, value: &Value, all: &mut BTreeMap<String, Value>) {
        match value {
            Value::Dict(_, values) => values
                .iter()
                .for_each(|(key, value)| collect(&format!("{path}.{key}"), value, all)),
            value => drop(all.insert(path.to_owned(), value.clone())),
        }
    }
    let (document, wrong) = Document::parse("preset".into(), text.into());
    assert!(wrong.is_empty(), "{wrong:?}");
    let mut all = BTreeMap::new();
    for (key, value) in document.values(&[]) {
        collect(&key, &value, &mut all);
    }
    all
}

#[test]
fn every_level_goes_with_every_preset_and_has_nothing_to_warn_of() {
    for level in Level::ALL {
        for preset in Preset::ALL {
            for personal_data in ["", "personal_data = true\n"] {
                let lines = format!(
                    "level = \"{}\"\npreset = \"{}\"\n{personal_data}",
                    level.as_str(),
                    preset.as_str()
                );
                for site in [site(&lines, ""), site("", &format!("[defaults]\n{lines}"))] {
                    let config = site.load().unwrap_or_else(|wrong| panic!("{lines}{wrong}"));
                    let lints = config.lints("2026-11-22".parse().unwrap());
                    assert!(lints.is_empty(), "{lines}{lints}");
                }
            }
        }
    }
}

#[test]
fn balanced_is_what_is_built_in() {
    let [without, with] = ["", "level = \"balanced\"\n"].map(|top| library(&site(top, "")));
    let file = without.file.clone();
    assert_eq!(without, TenantConfig { file, ..with });
}

#[test]
fn the_levels_set_the_same_keys_so_that_one_leaves_nothing_of_another() {
    let [legacy, balanced, strict] = Level::ALL.map(|level| keys(level.text()).into_keys().collect::<Vec<_>>());
    assert_eq!(legacy, balanced);
    assert_eq!(strict, balanced);
}

#[test]
fn a_level_is_stricter_than_the_one_before_and_loosens_nothing() {
    let levels = Level::ALL.map(|level| site(&format!("level = \"{}\"\n", level.as_str()), ""));
    for pair in levels.windows(2) {
        let [lax, strict] = [&pair[0], &pair[1]].map(|site| site.load().unwrap());
        let said = Differences::between(&lax, &strict).to_string();
        assert!(said.contains("tightens") && !said.contains("loosens"), "{said}");
    }
}

#[test]
fn a_level_stands_just_below_the_layer_that_names_it() {
    let same_site = |site: Site| library(&site).cookies.same_site;
    let strict = "level = \"strict\"\n";
    let lax = "[defaults.cookies]\nsame_site = \"none\"\n";
    assert_eq!(same_site(site(strict, "")), "strict");
    assert_eq!(
        same_site(site(strict, lax)),
        "strict",
        "over the defaults when the file names it"
    );
    assert_eq!(
        same_site(site("", &format!("[defaults]\n{strict}{lax}"))),
        "none",
        "under the other defaults when they name it"
    );
    let own = "[cookies]\nsame_site = \"lax\"\n";
    assert_eq!(
        same_site(site(strict, "").more(FILE, own)),
        "lax",
        "the file goes over its level"
    );
    let variable = "REMPART__TENANTS__LIBRARY__COOKIES__SAME_SITE";
    assert_eq!(
        same_site(site(strict, "").more(FILE, own).variable(variable, "none")),
        "none"
    );
    let level = "REMPART__TENANTS__LIBRARY__LEVEL";
    assert_eq!(
        same_site(site("", "").more(FILE, own).variable(level, "strict")),
        "strict",
        "a level of the environment goes over the file"
    );
    let defaults = "REMPART__DEFAULTS__LEVEL";
    assert_eq!(same_site(site("", "").variable(defaults, "strict")), "strict");
    assert_eq!(
        same_site(site("", "").more(FILE, own).variable(defaults, "strict")),
        "lax"
    );
}

#[test]
fn a_preset_goes_over_the_level_beside_it() {
    let framed = |site: Site| format!("{:?}", library(&site).headers);
    let [strict, both] =
        ["level = \"strict\"\n", "level = \"strict\"\npreset = \"wordpress\"\n"].map(|top| site(top, ""));
    assert!(framed(strict).contains("frame-ancestors 'none'"));
    assert!(
        framed(both).contains("frame-ancestors 'self'"),
        "the customizer is a frame"
    );
    let defaults = "[defaults]\npreset = \"wordpress\"\n";
    assert!(
        framed(site("level = \"strict\"\n", defaults)).contains("frame-ancestors 'none'"),
        "a level of the file goes over a preset of the defaults"
    );
}

#[test]
fn a_tenant_that_names_a_preset_has_nothing_of_the_defaults_preset() {
    let defaults = "[defaults]\npreset = \"wordpress\"\n[defaults.rate_limit.quotas.search]\nrate = \"3/s\"\n";
    let inherited = library(&site("", defaults));
    assert_eq!(
        (rate(&inherited, "xmlrpc"), rate(&inherited, "search")),
        ("20/m".into(), "3/s".into())
    );
    let own = library(&site("preset = \"php\"\n", defaults));
    assert_eq!((rate(&own, "xmlrpc"), rate(&own, "search")), ("-".into(), "3/s".into()));
    assert!(own.cookies.session.contains(&"PHPSESSID".to_owned()));
    assert!(!own.cookies.session.contains(&"wordpress_*".to_owned()));
    let chosen = library(&site("preset = \"php\"\n", defaults).variable("REMPART__TENANTS__LIBRARY__PRESET", "django"));
    assert_eq!(chosen.cookies.session, ["sessionid"]);
}

#[test]
fn sections_of_a_preset_are_merged_and_its_lists_are_replaced() {
    let own = "[rate_limit.quotas.login]\nrate = \"3/m\"\n[cookies]\nsession = [\"MYSESSION\"]\n";
    let tenant = library(&site("preset = \"php\"\n", "").more(FILE, own));
    assert_eq!(rate(&tenant, "login"), "3/m");
    let quotas = tenant.rate_limit.quotas();
    let login = quotas.iter().find(|quota| quota.name() == "login").unwrap();
    assert!(login.routes().len() > 5, "the routes are still the preset's");
    assert_eq!(tenant.cookies.session, ["MYSESSION"]);
    assert_eq!(tenant.cookies.script_readable, ["XSRF-TOKEN"]);
}

#[test]
fn under_legacy_a_route_that_nobody_has_named_is_only_told() {
    let enforcement = |lines: &str| library(&site(lines, "")).routes.enforcement();
    assert_eq!(enforcement("personal_data = true\n"), Enforcement::Enforce);
    assert_eq!(
        enforcement("personal_data = true\nlevel = \"legacy\"\n"),
        Enforcement::Report
    );
    assert_eq!(
        enforcement("personal_data = true\nlevel = \"strict\"\n"),
        Enforcement::Enforce
    );
}

#[test]
fn an_unknown_word_is_told_with_the_one_that_is_meant() {
    expect(
        &site(
            "level = \"strikt\"\npreset = \"wordpres\"\n",
            "[defaults]\npreset = \"drupal\"\n",
        ),
        r#"rempart.toml:6:10: error[unknown_word]: defaults.preset: "drupal" is not known here
  |
6 | preset = "drupal"
  |          ^^^^^^^^
  = help: known here: `php`, `aspnet`, `java-servlet`, `wordpress`, `django`, `static`

tenants.d/library.toml:1:9: error[unknown_word]: level: "strikt" is not known here
  |
1 | level = "strikt"
  |         ^^^^^^^^
  = help: did you mean `strict`?

tenants.d/library.toml:2:10: error[unknown_word]: preset: "wordpres" is not known here
  |
2 | preset = "wordpres"
  |          ^^^^^^^^^^
  = help: did you mean `wordpress`?

3 problems in 2 files"#,
    );
}

#[test]
fn a_key_that_does_not_go_with_a_preset_is_told_where_it_was_written() {
    let own = "[cookies]\nscript_readable = [\"wordpress_logged_in_x\"]\n";
    expect(
        &site("preset = \"wordpress\"\n", "").more(FILE, own),
        r#"tenants.d/library.toml:6:19: error[cookie_session_readable]: cookies.script_readable: `wordpress_logged_in_x` is a session: scripts must not read it, and could not, for it leaves sealed
  |
6 | script_readable = ["wordpress_logged_in_x"]
  |                   ^^^^^^^^^^^^^^^^^^^^^^^^^

1 problem in 1 file"#,
    );
}

#[test]
fn a_value_of_a_preset_that_does_not_go_with_the_file_is_shown_with_who_named_the_preset() {
    let own = "[cookies]\nsession = [\"XSRF-TOKEN\"]\n";
    let line = Preset::Php
        .text()
        .lines()
        .position(|line| line.starts_with("script_readable"))
        .unwrap()
        + 1;
    let said = site("preset = \"php\"\n", "").more(FILE, own).says();
    assert!(
        said.starts_with(&format!(
            "<preset php>:{line}:19: error[cookie_session_readable]: cookies.script_readable: `XSRF-TOKEN`"
        )) && said.contains(" = note: tenants.d/library.toml:1:10: it is named here\n")
            && said.contains(" = help: write `cookies.script_readable` into tenants.d/library.toml to go over it\n"),
        "{said}"
    );
    let defaults = "[defaults]\nlevel = \"strict\"\npreset = \"php\"\n[defaults.cookies]\nsession = [\"XSRF-TOKEN\"]\n";
    let said = site("", defaults).says();
    assert!(
        said.contains(" = note: rempart.toml:7:10: it is named here\n")
            && said.contains("write `defaults.cookies.script_readable` into rempart.toml"),
        "{said}"
    );
}

#[test]
fn what_is_written_beside_a_level_and_lacks_something_is_shown_where_it_is_written() {
    let own = "[headers.hsts]\npreload = true\ninclude_subdomains = true\n";
    let said = site("level = \"legacy\"\n", "").more(FILE, own).says();
    assert!(
        said.starts_with("tenants.d/library.toml:6:11: error[hsts_preload_incomplete]"),
        "{said}"
    );
}

#[test]
fn a_comment_beside_a_preset_changes_nothing() {
    let [old, new] = ["preset = \"php\"\n", "# since 2019\npreset = \"php\" # or so\n"].map(|top| site(top, ""));
    let [old, new] = [&old, &new].map(|site| site.load().unwrap());
    let differences = Differences::between(&old, &new);
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn every_preset_seals_a_session_but_the_one_without() {
    for preset in Preset::ALL {
        let tenant = library(&site(&format!("preset = \"{}\"\n", preset.as_str()), ""));
        assert_eq!(
            tenant.cookies.session.is_empty(),
            preset == Preset::Static,
            "{preset:?}"
        );
        assert_eq!(rate(&tenant, "login") == "-", preset == Preset::Static, "{preset:?}");
    }
}

#[test]
fn a_preset_says_what_it_is_for_what_it_breaks_on_and_what_stays_open() {
    let levels = Level::ALL.map(|level| (level.as_str(), level.text()));
    let presets = Preset::ALL.map(|preset| (preset.as_str(), preset.text()));
    for (name, text) in levels.into_iter().chain(presets) {
        assert!(text.starts_with(&format!("# {name}: ")), "{name}");
        assert!(
            text.contains("\n# Breaks on: ") && text.contains("\n# Stays open: "),
            "{name}"
        );
        assert!(text.lines().all(|line| line.chars().count() <= 128), "{name}");
    }
}
