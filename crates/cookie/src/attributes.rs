//! What a `Set-Cookie` line says beside name and value, as browsers read it.

use cookie::{Cookie, ParseError, SameSite};

use crate::date;

/// What a line says about the attributes that this control decides.
#[derive(Default)]
pub(crate) struct Asked<'a> {
    pub(crate) domain: Option<String>,
    pub(crate) http_only: bool,
    pub(crate) same_site: Option<SameSite>,
    pub(crate) partitioned: bool,
    /// The last one counts.
    pub(crate) path: Option<&'a [u8]>,
    /// Seconds from now on; 0 deletes. `None`: with the browser.
    pub(crate) lifetime: Option<u64>,
    pub(crate) has_max_age: bool,
}

impl<'a> Asked<'a> {
    /// `now` in seconds since 1970.
    pub(crate) fn of(line: &'a [u8], now: u64) -> Result<Self, ParseError> {
        let mut asked = Self::flags_of(line)?;
        let (mut max_age, mut expires) = (None, None);
        for attribute in line.split(|byte| *byte == b';').skip(1) {
            let (name, value) = split_pair(attribute).unwrap_or((attribute.trim_ascii(), b""));
            match name.len() {
                4 if name.eq_ignore_ascii_case(b"path") => asked.path = Some(value),
                7 if name.eq_ignore_ascii_case(b"max-age") => max_age = date::max_age(value).or(max_age),
                7 if name.eq_ignore_ascii_case(b"expires") => expires = date::expires(value).or(expires),
                11 if name.eq_ignore_ascii_case(b"partitioned") => asked.partitioned = true,
                _ => {}
            }
        }
        asked.has_max_age = max_age.is_some();
        asked.lifetime = max_age.or(expires.map(|ends| ends.saturating_sub(now)));
        Ok(asked)
    }

    /// As the `cookie` crate reads them. It is not asked about a line without any of these attributes, which is how old
    /// software writes nearly all of its lines.
    fn flags_of(line: &[u8]) -> Result<Self, ParseError> {
        let mut parts = line.split(|byte| *byte == b';');
        let is_named = parts
            .next()
            .and_then(split_pair)
            .is_some_and(|(name, _)| !name.is_empty());
        if is_named && parts.all(|attribute| is_carried(attribute.trim_ascii()) || attribute.trim_ascii().is_empty()) {
            return Ok(Self::default());
        }
        // Latin-1 values are legal. What they decode to does not matter: only attributes are read from here.
        let cookie = Cookie::parse(String::from_utf8_lossy(line))?;
        Ok(Self {
            domain: cookie.domain().map(ToOwned::to_owned),
            http_only: cookie.http_only() == Some(true),
            same_site: cookie.same_site(),
            ..Self::default()
        })
    }
}

/// The attributes that are always decided here, ready to be appended: written once, by the `cookie` crate.
#[derive(Debug)]
pub(crate) struct Tails([[String; 3]; 2]);

impl Tails {
    pub(crate) fn new() -> Self {
        Self([false, true].map(|http_only| SAME_SITES.map(|same_site| write_tail(http_only, same_site))))
    }

    pub(crate) fn of(&self, http_only: bool, same_site: SameSite) -> &str {
        &self.0[usize::from(http_only)][strictness(same_site)]
    }
}

pub(crate) const fn strictness(same_site: SameSite) -> usize {
    match same_site {
        SameSite::None => 0,
        SameSite::Lax => 1,
        SameSite::Strict => 2,
    }
}

pub(crate) const fn stricter(one: SameSite, other: SameSite) -> SameSite {
    if strictness(one) > strictness(other) {
        one
    } else {
        other
    }
}

/// What stands before and behind the first `=`, without spaces around them.
pub(crate) fn split_pair(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    Some((pair[..equals].trim_ascii(), pair[equals + 1..].trim_ascii()))
}

/// The name of an attribute.
pub(crate) fn attribute_name(attribute: &[u8]) -> &[u8] {
    attribute
        .split(|byte| *byte == b'=')
        .next()
        .unwrap_or_default()
        .trim_ascii()
}

/// Whether an attribute is not always decided here. Every copy of one that is goes, whichever of them a browser would
/// believe.
pub(crate) fn is_carried(attribute: &[u8]) -> bool {
    let name = attribute_name(attribute);
    let ours: &[u8] = match name.len() {
        0 => return false,
        6 if name[0].eq_ignore_ascii_case(&b'd') => b"domain",
        6 => b"secure",
        8 if name[0].eq_ignore_ascii_case(&b'h') => b"httponly",
        8 => b"samesite",
        _ => return true,
    };
    !name.eq_ignore_ascii_case(ours)
}

fn write_tail(http_only: bool, same_site: SameSite) -> String {
    let bare = Cookie::new("name", "").to_string();
    let full = Cookie::build(("name", ""))
        .secure(true)
        .http_only(http_only)
        .same_site(same_site)
        .build()
        .to_string();
    full[bare.len()..].to_owned()
}

const SAME_SITES: [SameSite; 3] = [SameSite::None, SameSite::Lax, SameSite::Strict];
