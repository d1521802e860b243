//! A browser that has logged in before: a signed cookie that says as whom.
//!
//! ```text
//! base64url, no padding (RFC 4648 section 5)
//! ├─ 1 byte       version
//! ├─ 16 bytes     number of the browser, random
//! ├─ 5 bytes      when it was signed, in seconds since 1970
//! ├─ 8 bytes each the accounts, the latest first, at most eight: HMAC-SHA-256 of the name, cut
//! └─ 16 bytes     signature: HMAC-SHA-256 of all before it, cut (RFC 2104 section 5)
//! ```

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::{constant_time, hmac, rand};
use base64_simd::URL_SAFE_NO_PAD;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

/// What signs the cookies and keys the counts: bytes that only this tenant has, on all its nodes.
#[derive(Clone)]
pub struct LoginKeys {
    /// The current one first.
    signing: Vec<hmac::Key>,
    counting: [u8; 16],
}

impl LoginKeys {
    /// Of a secret of at least 32 random bytes, and of those that it has replaced, whose cookies are still good.
    pub fn new<'a>(current: &'a [u8], previous: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let of = |secret: &[u8], purpose: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), purpose);
        let signing = std::iter::once(current).chain(previous);
        let signing = signing.map(|secret| hmac::Key::new(hmac::HMAC_SHA256, of(secret, b"login device 1").as_ref()));
        let mut counting = [0; 16];
        counting.copy_from_slice(&of(current, b"login counts 1").as_ref()[..16]);
        Self {
            signing: signing.collect(),
            counting,
        }
    }

    /// Random ones: every browser is new after a restart.
    ///
    /// # Panics
    ///
    /// When the system has no random bytes to give, which happens at the start of a machine and at no other time.
    #[must_use]
    pub fn random() -> Self {
        let mut secret = [0; 32];
        rand::fill(&mut secret).expect("the system has random bytes");
        Self::new(&secret, [])
    }

    pub(crate) const fn counting(&self) -> [u8; 16] {
        self.counting
    }

    /// An account's name as it stands in cookies, with the current secret.
    pub(crate) fn tag(&self, account: &str) -> Tag {
        self.tag_under(0, account)
    }

    fn tag_under(&self, key: usize, account: &str) -> Tag {
        let mut tag = Tag::default();
        let name = [b"account\0", account.as_bytes()].concat();
        tag.copy_from_slice(&hmac::sign(&self.signing[key], &name).as_ref()[..TAG]);
        tag
    }
}

impl std::fmt::Debug for LoginKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LoginKeys")
    }
}

/// An account's name, as a keyed hash.
pub(crate) type Tag = [u8; TAG];

/// A browser, as its cookie says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) number: [u8; NUMBER],
    accounts: Vec<Tag>,
    signed: u64,
    key: usize,
}

impl Device {
    /// The browser of a request, when it shows a cookie that was signed here less than half a year ago. Of several cookies
    /// of the name the first that is good.
    pub(crate) fn of(keys: &LoginKeys, cookie: &str, headers: &HeaderMap, now: SystemTime) -> Option<Self> {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        let values = pairs.filter(|(name, _)| *name == cookie).map(|(_, value)| value);
        values.take(4).find_map(|value| Self::open(keys, value, seconds(now)))
    }

    /// A new one.
    pub(crate) fn new() -> Option<Self> {
        let mut number = [0; NUMBER];
        rand::fill(&mut number).ok()?;
        Some(Self {
            number,
            accounts: Vec::new(),
            signed: 0,
            key: 0,
        })
    }

    /// Whether somebody has logged in with it as this account.
    pub(crate) fn knows(&self, keys: &LoginKeys, account: &str) -> bool {
        self.accounts.contains(&keys.tag_under(self.key, account))
    }

    /// As whom somebody has logged in last.
    pub(crate) fn latest(&self) -> Option<Tag> {
        self.accounts.first().copied().filter(|_| self.key == 0)
    }

    /// The value of `Set-Cookie` after a login with this account; `None` when the browser has as good a one.
    pub(crate) fn logged_in(
        mut self,
        keys: &LoginKeys,
        cookie: &str,
        tag: Tag,
        now: SystemTime,
    ) -> Option<HeaderValue> {
        let now = seconds(now);
        if self.latest() == Some(tag) && now.saturating_sub(self.signed) < RENEWED.as_secs() {
            return None;
        }
        // Tags under another key mean nothing under this one.
        self.accounts.retain(|other| self.key == 0 && *other != tag);
        self.accounts.insert(0, tag);
        self.accounts.truncate(ACCOUNTS);
        self.signed = now;
        let text = URL_SAFE_NO_PAD.encode_to_string(self.signed_bytes(keys));
        let age = LASTS.as_secs();
        let line = format!("{cookie}={text}; Path=/; Max-Age={age}; Secure; HttpOnly; SameSite=Lax");
        HeaderValue::try_from(line).ok()
    }

    fn signed_bytes(&self, keys: &LoginKeys) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.number);
        bytes.extend_from_slice(&self.signed.to_be_bytes()[8 - TIME..]);
        bytes.extend(self.accounts.iter().flatten());
        let signature = hmac::sign(&keys.signing[0], &bytes);
        bytes.extend_from_slice(&signature.as_ref()[..SIGNATURE]);
        bytes
    }

    fn open(keys: &LoginKeys, value: &str, now: u64) -> Option<Self> {
        const LEAST: usize = 1 + NUMBER + TIME + SIGNATURE;
        const MOST: usize = LEAST + TAG * ACCOUNTS;
        if value.len() > MOST.div_ceil(3) * 4 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode_to_vec(value).ok()?;
        let fits =
            (LEAST..=MOST).contains(&bytes.len()) && (bytes.len() - LEAST).is_multiple_of(TAG) && bytes[0] == VERSION;
        if !fits {
            return None;
        }
        let (said, signature) = bytes.split_at(bytes.len() - SIGNATURE);
        let signed_by = |key: &hmac::Key| {
            constant_time::verify_slices_are_equal(&hmac::sign(key, said).as_ref()[..SIGNATURE], signature).is_ok()
        };
        let key = keys.signing.iter().position(signed_by)?;
        let (number, rest) = said[1..].split_at(NUMBER);
        let (time, accounts) = rest.split_at(TIME);
        let signed = time.iter().fold(0, |time, byte| time << 8 | u64::from(*byte));
        let accounts = accounts.chunks_exact(TAG).filter_map(|tag| tag.try_into().ok());
        (now.saturating_sub(signed) < LASTS.as_secs()).then(|| Self {
            number: number.try_into().unwrap_or_default(),
            accounts: accounts.collect(),
            signed,
            key,
        })
    }
}

const VERSION: u8 = 1;
const NUMBER: usize = 16;
const TIME: usize = 5;
const TAG: usize = 8;
const SIGNATURE: usize = 16;
/// A family's computer.
const ACCOUNTS: usize = 8;
const LASTS: Duration = Duration::from_secs(180 * 86_400);
/// A cookie younger than this is left alone.
const RENEWED: Duration = Duration::from_secs(7 * 86_400);

fn seconds(moment: SystemTime) -> u64 {
    moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAME: &str = "__Host-device";

    fn at(day: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_800_000_000 + day * 86_400)
    }

    /// The cookie that a browser sends after `Set-Cookie`.
    fn shown(set: &HeaderValue) -> HeaderMap {
        let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
        HeaderMap::from_iter([(COOKIE, format!("a=b; {pair}").parse().unwrap())])
    }

    fn login(keys: &LoginKeys, account: &str) -> HeaderMap {
        shown(
            &Device::new()
                .unwrap()
                .logged_in(keys, NAME, keys.tag(account), at(0))
                .unwrap(),
        )
    }

    #[test]
    fn a_browser_is_known_by_those_who_logged_in_with_it_and_by_nobody_else() {
        let keys = LoginKeys::random();
        let device = Device::of(&keys, NAME, &login(&keys, "marie"), at(1)).unwrap();
        assert!(device.knows(&keys, "marie") && !device.knows(&keys, "pierre"));
        assert_eq!(device.latest(), Some(keys.tag("marie")));
        let both = shown(&device.logged_in(&keys, NAME, keys.tag("pierre"), at(1)).unwrap());
        let both = Device::of(&keys, NAME, &both, at(2)).unwrap();
        assert!(both.knows(&keys, "marie") && both.knows(&keys, "pierre"));
        assert_eq!(both.latest(), Some(keys.tag("pierre")));
    }

    #[test]
    fn a_cookie_that_was_changed_or_is_old_or_anothers_is_none() {
        let (keys, others) = (LoginKeys::random(), LoginKeys::random());
        let cookie = login(&keys, "marie");
        assert!(Device::of(&keys, NAME, &cookie, at(179)).is_some());
        assert!(Device::of(&keys, NAME, &cookie, at(180)).is_none());
        assert!(Device::of(&others, NAME, &cookie, at(1)).is_none());
        assert!(Device::of(&keys, "other", &cookie, at(1)).is_none());
        let text = cookie[COOKIE].to_str().unwrap().to_owned();
        for index in text.find("device=").unwrap() + 7..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            let changed = HeaderMap::from_iter([(COOKIE, HeaderValue::from_bytes(&changed).unwrap())]);
            assert!(Device::of(&keys, NAME, &changed, at(1)).is_none(), "{index}");
        }
    }

    #[test]
    fn a_secret_that_was_replaced_still_tells_whose_browser_it_is() {
        let old = LoginKeys::new(&[1; 32], []);
        let new = LoginKeys::new(&[2; 32], [[1; 32].as_slice()]);
        let device = Device::of(&new, NAME, &login(&old, "marie"), at(1)).unwrap();
        assert!(device.knows(&new, "marie"));
        let renewed = shown(&device.logged_in(&new, NAME, new.tag("marie"), at(1)).unwrap());
        assert!(
            Device::of(&old, NAME, &renewed, at(2)).is_none(),
            "signed with the new one"
        );
    }

    #[test]
    fn a_cookie_is_set_once_a_week_and_has_room_for_eight() {
        let keys = LoginKeys::random();
        let device = Device::of(&keys, NAME, &login(&keys, "marie"), at(6)).unwrap();
        assert_eq!(device.clone().logged_in(&keys, NAME, keys.tag("marie"), at(6)), None);
        let mut device = Device::of(
            &keys,
            NAME,
            &shown(&device.logged_in(&keys, NAME, keys.tag("marie"), at(8)).unwrap()),
            at(8),
        )
        .unwrap();
        for child in 0..8 {
            let set = device
                .logged_in(&keys, NAME, keys.tag(&format!("child{child}")), at(8))
                .unwrap();
            device = Device::of(&keys, NAME, &shown(&set), at(8)).unwrap();
        }
        assert!(device.knows(&keys, "child0") && device.knows(&keys, "child7") && !device.knows(&keys, "marie"));
    }

    proptest! {
        #[test]
        fn no_cookie_makes_it_panic(value in "[A-Za-z0-9_-]{0,200}") {
            prop_assert_eq!(Device::open(&LoginKeys::new(&[1; 32], []), &value, 0), None);
        }
    }
}
