//! Real files with something broken in them: whatever it is, the loader says so or loads, and never panics.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::site::Site;
use crate::Diagnostics;

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

proptest! {
    #[test]
    fn no_mutated_file_makes_the_loader_panic(
        vendor in prop::collection::vec(mishap(), 0..3),
        tenant in prop::collection::vec(mishap(), 0..6),
        name in prop::sample::select(&["library", "city", "daycare"][..]),
    ) {
        let (mut vendor_text, mut tenant_text) = (example("rempart.toml"), example(&format!("tenants.d/{name}.toml")));
        vendor.iter().for_each(|mishap| mishap.happen(&mut vendor_text));
        tenant.iter().for_each(|mishap| mishap.happen(&mut tenant_text));
        let site = Site::new().file("rempart.toml", vendor_text).file(&format!("tenants.d/{name}.toml"), tenant_text);
        if let Err(diagnostics) = site.load() {
            check(&diagnostics, &site)?;
        }
    }

    #[test]
    fn no_text_makes_the_loader_panic(text in "(\\PC|[\\[\\]{}=.\"'\n\t#]|[a-z_]{1,8}){0,60}", key in "[A-Za-z_]{0,20}", value in "\\PC{0,30}") {
        let site = Site::new().file("tenants.d/library.toml", &text).variable(&format!("REMPART__{key}"), &value);
        if let Err(diagnostics) = site.load() {
            check(&diagnostics, &site)?;
        }
    }
}
