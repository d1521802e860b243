//! One name for all the ways in which somebody can write an account.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// The name under which an account is counted; `None` when nothing is left of it.
///
/// Databases compare names generously: to the default collations of MySQL and SQL Server `admin`, `ADMIN `, `ａｄｍｉｎ` and
/// `ádmin` are one account, and who could write one in a hundred ways had a hundred times as many guesses. So all that any
/// of them ignores is taken away: compatibility forms (Unicode Standard Annex 15, NFKD), accents, case, white space, and
/// what cannot be seen. Two people whose names differ in accents only share a count of failures, and nothing else.
///
/// Names that are equal in their first 256 characters are one.
pub(crate) fn normalise(written: &[u8]) -> Option<String> {
    let text = text(written);
    let visible = |letter: &char| !letter.is_whitespace() && !letter.is_control() && !is_invisible(*letter);
    let letters = text
        .nfkd()
        .filter(|letter| !is_combining_mark(*letter))
        .filter(visible)
        .flat_map(char::to_lowercase);
    // Once more: `İ` in lower case has an accent that it did not have before.
    let mut name = String::new();
    for letter in letters.filter(|letter| !is_combining_mark(*letter)).take(LONGEST) {
        match letter {
            'ß' => name.push_str("ss"),
            'ı' => name.push('i'),
            letter => name.push(letter),
        }
    }
    (!name.is_empty()).then_some(name)
}

/// In characters. The longest address of electronic mail has 254 (RFC 5321 section 4.5.3.1.3).
const LONGEST: usize = 256;

/// As UTF-8, and else as the Latin-1 of old pages, so that two names do not become one for their bad bytes.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// Format characters that change nothing to see: the soft hyphen, joiners, marks of direction, variation selectors.
const fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(written: &str) -> Option<String> {
        normalise(written.as_bytes())
    }

    #[test]
    fn an_account_has_one_name_however_it_is_written() {
        for written in [
            "admin",
            " Admin ",
            "ADMIN",
            "ａｄｍｉｎ",
            "ádmin",
            "a\u{301}dmin",
            "ad\u{200b}min",
            "admin\0",
            "adm\u{131}n",
        ] {
            assert_eq!(name(written).as_deref(), Some("admin"), "{written:?}");
        }
        assert_eq!(name("Straße"), name("STRASSE"));
        assert_eq!(normalise(b"Ren\xe9"), name("rene"), "Latin-1");
        assert_ne!(name("marie@example.org"), name("marie@example.com"));
    }

    #[test]
    fn nothing_is_no_account() {
        for written in ["", "  ", "\u{200b}", "\u{301}"] {
            assert_eq!(name(written), None, "{written:?}");
        }
    }

    #[test]
    fn a_name_is_bounded() {
        assert_eq!(name(&"x".repeat(60_000)).unwrap().len(), 256);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_a_name_is_its_own_name(bytes in prop::collection::vec(any::<u8>(), 0..64), text in ".{0,20}") {
            let _ = normalise(&bytes);
            if let Some(once) = name(&text) {
                prop_assert_eq!(name(&once), Some(once.clone()));
            }
        }
    }
}
