//! A cookie's name as a tenant's file writes it: one name, or, with a `*` at its end, all that begin alike.
//!
//! Some applications end a name in what only they know: WordPress in a hash of its address, classic ASP in letters drawn at
//! each start.

/// One name, or all that begin alike. It comes checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamePattern(String);

impl NamePattern {
    pub(crate) const fn new(written: String) -> Self {
        Self(written)
    }

    /// As it is written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is more than one name.
    pub(crate) fn is_open(&self) -> bool {
        stem(&self.0).is_some()
    }

    /// What all its names begin with, or its only name.
    pub(crate) fn beginning(&self) -> &str {
        stem(&self.0).unwrap_or(&self.0)
    }

    /// Whether this is one of its names. What is no name of a cookie is none of an open pattern either.
    pub(crate) fn takes(&self, name: &[u8]) -> bool {
        match stem(&self.0) {
            None => name == self.0.as_bytes(),
            Some(stem) => name.starts_with(stem.as_bytes()) && is_name(name),
        }
    }
}

/// What stands before the `*` of an open pattern.
pub(crate) fn stem(written: &str) -> Option<&str> {
    written.strip_suffix('*')
}

/// Whether all names of the other are names of the one.
pub(crate) fn covers(one: &str, other: &str) -> bool {
    match stem(one) {
        None => one == other,
        Some(beginning) => stem(other).unwrap_or(other).starts_with(beginning),
    }
}

/// Whether a name is a token (RFC 6265 section 4.1.1, RFC 9110 section 5.6.2) of a length that anybody writes.
pub(crate) fn is_name(name: &[u8]) -> bool {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    (1..=LONGEST_NAME).contains(&name.len()) && name.iter().all(is_token)
}

/// Bytes of a name.
const LONGEST_NAME: usize = 256;

/// An open pattern begins with at least so much, or it would take nearly every cookie there is.
pub(crate) const SHORTEST_STEM: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_takes_its_names_and_no_others() {
        let takes = |pattern: &str, name: &str| NamePattern::new(pattern.to_owned()).takes(name.as_bytes());
        assert!(takes("PHPSESSID", "PHPSESSID"));
        assert!(!takes("PHPSESSID", "PHPSESSID2") && !takes("PHPSESSID", "phpsessid"));
        assert!(takes("wordpress_*", "wordpress_0a1b") && takes("wordpress_*", "wordpress_"));
        assert!(!takes("wordpress_*", "wordpress") && !takes("wordpress_*", "Wordpress_0a1b"));
        assert!(!takes("wordpress_*", "wordpress_a b") && !takes("wordpress_*", "wordpress_[x]"));
        assert!(!takes(
            "wordpress_*",
            &format!("wordpress_{}", "x".repeat(LONGEST_NAME))
        ));
    }

    #[test]
    fn a_wider_pattern_covers_a_narrower_one() {
        assert!(covers("a", "a") && !covers("a", "b"));
        assert!(covers("wp-settings-*", "wp-settings-1") && covers("wp-settings-*", "wp-settings-time-*"));
        assert!(!covers("wp-settings-time-*", "wp-settings-*") && !covers("wp-settings-1", "wp-settings-*"));
    }
}
