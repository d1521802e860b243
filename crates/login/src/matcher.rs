//! Finds a text in a body that comes in pieces, and keeps none of them.

/// Looks for one text. The state between two pieces is one number (Knuth, Morris and Pratt, *Fast pattern matching in
/// strings*, 1977), so a text across a border is found as well as any other.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    wanted: Vec<u8>,
    /// For each length that has matched, how much of it still does when the next byte does not.
    fallback: Vec<usize>,
    matched: usize,
}

impl Matcher {
    /// Looks for these bytes. No bytes are found nowhere.
    pub(crate) fn new(wanted: impl Into<Vec<u8>>) -> Self {
        let wanted = wanted.into();
        let mut fallback = vec![0; wanted.len()];
        let mut length = 0;
        for at in 1..wanted.len() {
            while length > 0 && wanted[at] != wanted[length] {
                length = fallback[length - 1];
            }
            length += usize::from(wanted[at] == wanted[length]);
            fallback[at] = length;
        }
        Self {
            wanted,
            fallback,
            matched: 0,
        }
    }

    /// Reads on. Whether the text has been found, in this piece or before.
    pub(crate) fn read(&mut self, piece: &[u8]) -> bool {
        for byte in piece {
            if self.is_found() {
                break;
            }
            self.step(*byte);
        }
        self.is_found()
    }

    pub(crate) const fn is_found(&self) -> bool {
        !self.wanted.is_empty() && self.matched == self.wanted.len()
    }

    fn step(&mut self, byte: u8) {
        while self.matched > 0 && self.wanted[self.matched] != byte {
            self.matched = self.fallback[self.matched - 1];
        }
        self.matched += usize::from(self.wanted.get(self.matched) == Some(&byte));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_found_across_every_border() {
        let page = "<p class=err>Mot de passe invalide</p>".as_bytes();
        for border in 0..=page.len() {
            let mut matcher = Matcher::new("Mot de passe invalide");
            let (first, second) = page.split_at(border);
            matcher.read(first);
            assert!(matcher.read(second), "{border}");
        }
        let mut one_by_one = Matcher::new("passe");
        assert!(page.iter().fold(false, |_, byte| one_by_one.read(&[*byte])));
    }

    #[test]
    fn what_is_not_there_is_not_found_and_nothing_is_nowhere() {
        assert!(!Matcher::new("invalide").read(b"invalid invalit"));
        assert!(!Matcher::new("").read(b"anything"));
    }

    proptest! {
        #[test]
        fn it_finds_what_a_search_in_the_whole_finds(text in "[ab]{0,40}", wanted in "[ab]{1,6}", border in 0usize..40) {
            let (first, second) = text.as_bytes().split_at(border.min(text.len()));
            let mut matcher = Matcher::new(wanted.clone());
            matcher.read(first);
            prop_assert_eq!(matcher.read(second), text.contains(&wanted));
        }
    }
}
