//! Real files with something broken in them: whatever it is, the loader says so or loads, and never panics.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::site::{LIBRARY, Site, VENDOR};
use crate::fuzzing;
use crate::{Diagnostics, Level, Preset, Scope, Source};

/// One thing that happens to a file.
#[derive(Clone, Debug)]
enum Mishap {
    Cut(usize),
    Remove(usize, usize),
    Insert(usize, &'static [u8]),
    Byte(usize, u8),
    Repeat(usize, usize),
    Swap(usize, usize),
}

const SCRAPS: [&[u8]; 22] = [
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\r",
    b"\r\n",
    b"\n",
    b"\"",
    b"'''",
    b"[",
    b"]]",
    b"{",
    b"=",
    b".",
    b"#",
    b" = 1\n",
    b"[[upstream]]\n",
    b"99999999999999999999",
    b"-0x1",
    b"\xc3\xa9\xf0\x9f\x98\x80",
    b"[[[[[[[[[[[[[[[[[[[[",
    b"___figment_value_id = 1\n",
    b"\x1b[2J",
];

fn mishap() -> impl Strategy<Value = Mishap> {
    let at = 0..4_000_usize;
    prop_oneof![
        at.clone().prop_map(Mishap::Cut),
        (at.clone(), 1..80_usize).prop_map(|(at, length)| Mishap::Remove(at, length)),
        (at.clone(), prop::sample::select(&SCRAPS[..])).prop_map(|(at, scrap)| Mishap::Insert(at, scrap)),
        (at.clone(), any::<u8>()).prop_map(|(at, byte)| Mishap::Byte(at, byte)),
        (at.clone(), 1..200_usize).prop_map(|(at, length)| Mishap::Repeat(at, length)),
        (at.clone(), at).prop_map(|(one, other)| Mishap::Swap(one, other)),
    ]
}

impl Mishap {
    fn happen(&self, text: &mut Vec<u8>) {
        let place = |at: usize| at % (text.len() + 1);
        match *self {
            Self::Cut(at) => text.truncate(place(at)),
            Self::Remove(at, length) => {
                let start = place(at);
                text.drain(start..(start + length).min(text.len()));
            }
            Self::Insert(at, scrap) => {
                let start = place(at);
                text.splice(start..start, scrap.iter().copied());
            }
            Self::Byte(at, byte) if !text.is_empty() => {
                let at = at % text.len();
                text[at] = byte;
            }
            Self::Repeat(at, length) => {
                let start = place(at);
                let again = text[start..(start + length).min(text.len())].to_vec();
                text.splice(start..start, again);
            }
            Self::Swap(one, other) => {
                let mut lines: Vec<Vec<u8>> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
                let count = lines.len();
                lines.swap(one % count, other % count);
                *text = lines.join(&b'\n');
            }
            Self::Byte(..) => {}
        }
    }
}

fn example(name: &str) -> Vec<u8> {
    fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../examples/vendor")
            .join(name),
    )
    .unwrap()
}

/// What every diagnostic is, whatever it is about.
fn check(diagnostics: &Diagnostics, site: &Site) -> Result<(), TestCaseError> {
    prop_assert!(!diagnostics.is_empty());
    for one in diagnostics.iter() {
        prop_assert!(!one.code.is_empty() && !one.message.is_empty());
        let said = one.to_string();
        prop_assert!(said.chars().all(|c| c == '\n' || !c.is_control()), "{said:?}");
        let (Some(line), Some(column)) = (one.place.line, one.place.column) else {
            continue;
        };
        let text = fs::read(site.path().join(&one.place.file)).unwrap();
        let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        prop_assert!(line <= lines.len(), "{said}");
        prop_assert!(column <= lines[line - 1].len() + 1, "{said}");
    }
    serde_json::to_string(diagnostics)
        .map_err(|error| TestCaseError::fail(error.to_string()))
        .map(|_| ())
}

/// Reads a site again and again: with its own files, with others, and with its own.
fn read_and_read_again(files: &[(&str, &[u8])]) -> Result<(), TestCaseError> {
    let mut site = Site::new();
    let mut source = Source::new(site.path(), []);
    let before = source.read(&Scope::All).unwrap();
    for (name, text) in files {
        site = site.file(name, text);
    }
    match source.read(&Scope::All) {
        Ok(reading) => reading
            .files
            .iter()
            .filter_map(|file| file.tenant().err())
            .try_for_each(|wrong| check(wrong, &site))?,
        Err(wrong) => check(&wrong, &site)?,
    }
    let sound = [("rempart.toml", VENDOR), ("tenants.d/library.toml", LIBRARY)];
    let site = sound.into_iter().fold(site, |site, (name, text)| site.file(name, text));
    let after = source.read(&scope_of("library")).unwrap();
    let library = |reading: &crate::Reading| {
        reading
            .files
            .iter()
            .find(|file| file.id().as_str() == "library")
            .cloned()
    };
    let (before, after) = (library(&before).unwrap(), library(&after).unwrap());
    prop_assert_eq!(before.tenant(), after.tenant());
    drop(site);
    Ok(())
}

fn scope_of(tenant: &str) -> Scope {
    Scope::Tenants([tenant.parse().unwrap()].into())
}

/// Every file that is shipped: the examples' tenants, and the presets as tenants' files.
fn shipped() -> Vec<Vec<u8>> {
    let examples = ["library", "city", "daycare"].map(|name| example(&format!("tenants.d/{name}.toml")));
    let levels = Level::ALL.map(|level| level.text().as_bytes().to_vec());
    let presets = Preset::ALL.map(|preset| preset.text().as_bytes().to_vec());
    examples.into_iter().chain(levels).chain(presets).collect()
}

fn input(texts: &[&[u8]]) -> Vec<u8> {
    texts.join(fuzzing::BETWEEN.as_bytes())
}

#[test]
fn what_is_shipped_makes_nothing_panic_in_any_place() {
    let (vendor, library) = (example("rempart.toml"), example("tenants.d/library.toml"));
    for one in shipped() {
        fuzzing::take(&input(&[
            &vendor,
            &one,
            &library,
            &one,
            b"TENANTS__CITY__UPSTREAM__URL=http://127.0.0.1:1",
        ]));
        fuzzing::take(&input(&[&one, &vendor, &one, &library]));
    }
}

#[test]
fn a_file_that_ends_anywhere_makes_nothing_panic() {
    let (vendor, tenant) = (example("rempart.toml"), example("tenants.d/daycare.toml"));
    for end in 0..tenant.len() {
        fuzzing::take_file(&tenant[..end]);
    }
    for end in (0..vendor.len()).step_by(7) {
        fuzzing::take(&vendor[..end]);
    }
}

#[test]
fn a_file_with_the_marks_of_another_system_is_read() {
    for (text, is_right) in [
        (format!("\u{feff}{LIBRARY}"), true),
        (LIBRARY.replace('\n', "\r\n"), true),
        (format!("\u{feff}{}", LIBRARY.replace('\n', "\r\n")), true),
        (LIBRARY.replace('\n', "\r"), false),
        (format!("{LIBRARY}\u{feff}"), false),
        (format!("{LIBRARY}\u{2028}"), false),
        (format!("{LIBRARY}\u{1a}"), false),
    ] {
        assert_eq!(
            Site::new().file("tenants.d/library.toml", &text).load().is_ok(),
            is_right,
            "{text:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_mutated_file_makes_the_loader_panic(
        vendor in prop::collection::vec(mishap(), 0..3),
        tenant in prop::collection::vec(mishap(), 0..6),
        name in prop::sample::select(&["library", "city", "daycare"][..]),
    ) {
        let (mut vendor_text, mut tenant_text) = (example("rempart.toml"), example(&format!("tenants.d/{name}.toml")));
        vendor.iter().for_each(|mishap| mishap.happen(&mut vendor_text));
        tenant.iter().for_each(|mishap| mishap.happen(&mut tenant_text));
        let tenants_file = format!("tenants.d/{name}.toml");
        read_and_read_again(&[("rempart.toml", &vendor_text), (&tenants_file, &tenant_text)])?;
    }

    #[test]
    fn no_text_makes_the_loader_panic(text in "(\\PC|[\\[\\]{}=.\"'\n\t#]|[a-z_]{1,8}){0,60}", key in "[A-Za-z_]{0,20}", value in "\\PC{0,30}") {
        let site = Site::new().file("tenants.d/library.toml", &text).variable(&format!("REMPART__{key}"), &value);
        if let Err(diagnostics) = site.load() {
            check(&diagnostics, &site)?;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn no_mutated_text_makes_anything_panic(
        vendor in prop::collection::vec(mishap(), 0..2),
        mishaps in prop::collection::vec(mishap(), 1..5),
        tenant in prop::sample::select(shipped()),
        other in prop::sample::select(shipped()),
    ) {
        let (mut vendor_text, mut text) = (example("rempart.toml"), tenant);
        vendor.iter().for_each(|mishap| mishap.happen(&mut vendor_text));
        mishaps.iter().for_each(|mishap| mishap.happen(&mut text));
        fuzzing::take(&input(&[&vendor_text, &text, &other, &other]));
    }
}

/// As deep as a file can be written, in every way of writing it.
#[test]
fn no_depth_makes_the_loader_panic() {
    let deep = |opening: &str, middle: &str, closing: &str| {
        let room = 100_000;
        let times = room / (opening.len() + closing.len());
        opening.repeat(times) + middle + &closing.repeat(times)
    };
    for text in [
        "a = ".to_owned() + &deep("[", "1", "]"),
        "a = ".to_owned() + &deep("[", "", ""),
        "a = ".to_owned() + &deep("{a=", "1", "}"),
        "a = ".to_owned() + &deep("{a=", "", ""),
        "a = ".to_owned() + &deep("[{a=", "1", "}]"),
        "a = ".to_owned() + &deep("{a.b=[", "1", "]}"),
        deep("a.", "a = 1", ""),
        deep("[", "a", "]"),
        "[".to_owned() + &deep("a.", "a", "") + "]\nb = 1\n",
        "[[".to_owned() + &deep("a.", "a", "") + "]]\nb = 1\n",
        deep("[a]\n", "", ""),
        deep("[[a]]\n", "", ""),
        deep("[[a.a]]\n[a.a.a]\n", "", ""),
        deep("a = [\n", "", ""),
        deep("hosts.0.", "a = 1", ""),
        "upstream.".to_owned() + &deep("url.", "a = 1", ""),
        "rate_limit.quotas.".to_owned() + &deep("x.", "a = 1", ""),
    ] {
        for name in ["tenants.d/library.toml", "rempart.toml"] {
            let site = Site::new().file(name, &text);
            check(&site.load().unwrap_err(), &site).unwrap();
        }
    }
}

/// One client's file must not keep everybody's reload from its end: what is read of a list takes no more than its length.
/// Whoever compares each with each is noticed here by not coming to an end.
#[test]
fn no_list_as_long_as_a_file_takes_for_ever() {
    let list = |item: fn(usize) -> String| {
        (0..40_000)
            .map(|index| format!("{:?}", item(index)))
            .collect::<Vec<_>>()
            .join(",")
    };
    let (names, same, wrong) = (
        list(|index| format!("s{index}")),
        list(|_| "s".into()),
        list(|index| format!("s {index}")),
    );
    for key in [
        "[cookies]\nsession",
        "[cookies]\nsession_in_url",
        "[cookies]\nscript_readable",
        "[sessions]\nbeside",
        "[headers]\nframe_ancestors",
        "[headers]\nremove",
        "[headers]\ndangerous_leave",
        "[routes]\nrecord",
        "[rate_limit.quotas.client]\nroutes",
    ] {
        for items in [&names, &same, &wrong] {
            fuzzing::take_file(format!("{LIBRARY}{key} = [{items}]\n").as_bytes());
        }
    }
    for items in [&names, &same, &wrong] {
        fuzzing::take_file(format!("hosts = [{items}]\n").as_bytes());
    }
}
