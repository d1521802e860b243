//! The additional data of a sealed value (RFC 5116 section 2.1): what it is bound to.

/// Parts, each with its length before it, so that no two lists of parts give the same bytes.
pub(crate) enum Binding {
    Short([u8; SHORT], usize),
    Long(Vec<u8>),
}

impl Binding {
    /// Of parts that come checked, none of them longer than a name of a cookie can be.
    pub(crate) fn new(parts: &[&[u8]]) -> Self {
        let length: usize = parts.iter().map(|part| part.len() + 2).sum();
        if length > SHORT {
            return Self::Long(parts.iter().flat_map(|part| [&prefix(part), *part].concat()).collect());
        }
        let (mut bytes, mut end) = ([0; SHORT], 0);
        for part in parts {
            for piece in [&prefix(part), *part] {
                bytes[end..end + piece.len()].copy_from_slice(piece);
                end += piece.len();
            }
        }
        Self::Short(bytes, end)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Short(bytes, end) => &bytes[..*end],
            Self::Long(bytes) => bytes,
        }
    }
}

fn prefix(part: &[u8]) -> [u8; 2] {
    u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes()
}

/// Longer ones are rare, and cost an allocation.
const SHORT: usize = 160;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_two_lists_of_parts_give_the_same_bytes(
            one in prop::collection::vec("[ab]{0,3}|[a]{0,200}", 0..4),
            other in prop::collection::vec("[ab]{0,3}|[a]{0,200}", 0..4),
        ) {
            let bytes = |parts: &[String]| {
                let parts: Vec<_> = parts.iter().map(String::as_bytes).collect();
                Binding::new(&parts).as_bytes().to_vec()
            };
            prop_assert_eq!(bytes(&one) == bytes(&other), one == other);
        }
    }
}
