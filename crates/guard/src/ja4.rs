use std::fmt;
use std::str::FromStr;

/// What a client's program offers when it begins a TLS handshake, as JA4 writes it down: `t13d1516h2_8daaf6152771_02713d6af862`.
/// An extension of requests that came straight from the client.
///
/// The method is FoxIO's (*JA4: TLS client fingerprinting*, 2023, BSD 3-clause), and so the text means the same here as in the
/// logs of others. It is the same for everybody who has that program, and who wants to offers what another program does: a sign
/// and no proof.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ja4([u8; Self::LENGTH]);

/// Why a text is no JA4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Ja4Error {
    /// It is too short or too long.
    #[error("a JA4 has 36 characters, and this has {0}")]
    Length(usize),
    /// The character at this place, counted from 0, cannot stand there.
    #[error("a JA4 looks like `t13d1516h2_8daaf6152771_02713d6af862`, and the character at place {} does not fit", .0 + 1)]
    Character(usize),
}

impl Ja4 {
    /// How long each is, in characters.
    pub const LENGTH: usize = 36;

    /// The text, all of it ASCII.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl TryFrom<[u8; Self::LENGTH]> for Ja4 {
    type Error = Ja4Error;

    fn try_from(text: [u8; Self::LENGTH]) -> Result<Self, Ja4Error> {
        match (0..Self::LENGTH).find(|at| !fits(*at, &text)) {
            Some(at) => Err(Ja4Error::Character(at)),
            None => Ok(Self(text)),
        }
    }
}

impl FromStr for Ja4 {
    type Err = Ja4Error;

    fn from_str(text: &str) -> Result<Self, Ja4Error> {
        let text = text.as_bytes();
        let text: [u8; Self::LENGTH] = text.try_into().map_err(|_| Ja4Error::Length(text.len()))?;
        Self::try_from(text)
    }
}

impl AsRef<str> for Ja4 {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Ja4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Ja4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ja4({self})")
    }
}

/// Transport, version, server name, how many suites, how many extensions, protocol; then two hashes.
fn fits(at: usize, text: &[u8; Ja4::LENGTH]) -> bool {
    let byte = text[at];
    match at {
        0 => b"tqd".contains(&byte),
        1 => b"01ds".contains(&byte),
        3 => b"di".contains(&byte),
        2 | 4..=7 => byte.is_ascii_digit(),
        8 | 9 => byte.is_ascii_alphanumeric(),
        10 | 23 => byte == b'_',
        _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHROME: &str = "t13d1516h2_8daaf6152771_02713d6af862";

    #[test]
    fn what_is_read_is_what_is_written() {
        for text in [
            CHROME,
            "q13i0310h3_55b375c5d22e_cd85d2d88918",
            "ts2i000000_000000000000_000000000000",
        ] {
            let ja4: Ja4 = text.parse().unwrap();
            assert_eq!((ja4.as_str(), ja4.to_string().as_str()), (text, text));
            assert_eq!(format!("{ja4:?}"), format!("Ja4({text})"));
        }
    }

    #[test]
    fn what_is_too_short_or_too_long_is_refused() {
        for text in ["", &CHROME[1..], &format!("{CHROME}0"), "ä"] {
            assert_eq!(text.parse::<Ja4>(), Err(Ja4Error::Length(text.len())));
        }
    }

    #[test]
    fn a_character_that_cannot_stand_where_it_does_is_refused() {
        for at in 0..Ja4::LENGTH {
            for wrong in [b'-', b'\n', 0, 0xc3] {
                let mut text: [u8; Ja4::LENGTH] = CHROME.as_bytes().try_into().unwrap();
                text[at] = wrong;
                assert_eq!(Ja4::try_from(text), Err(Ja4Error::Character(at)));
            }
        }
        // Capitals would be another key for the same program.
        let capitals = CHROME.replace('a', "A");
        assert_eq!(capitals.parse::<Ja4>(), Err(Ja4Error::Character(13)));
        assert_eq!(
            capitals
                .parse::<Ja4>()
                .unwrap_err()
                .to_string()
                .matches("place 14")
                .count(),
            1
        );
    }
}
