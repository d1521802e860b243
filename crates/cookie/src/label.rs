//! What is sealed with a value.

use std::borrow::Cow;
use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rempart_guard::SessionId;

/// When and for what a value was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    /// Seconds since 1970.
    pub(crate) sealed: u64,
    pub(crate) began: u64,
    pub(crate) id: SessionId,
    /// `None`: with the browser.
    pub(crate) ends: Option<u64>,
    /// Whether the cookie has a `Domain`: the host that it is bound to.
    pub(crate) has_domain: bool,
    /// `None`: not known.
    pub(crate) path: Option<Cow<'static, [u8]>>,
}

impl Label {
    pub(crate) fn kept_path(&self) -> &[u8] {
        let path = self.path.as_deref().unwrap_or_default();
        if path.len() > LONGEST_PATH { b"" } else { path }
    }

    pub(crate) fn write(&self, path: &[u8], plain: &mut Vec<u8>) {
        for time in [self.sealed, self.began] {
            plain.extend_from_slice(&time.to_be_bytes()[3..]);
        }
        plain.extend_from_slice(&self.id.0);
        plain.extend_from_slice(&self.ends.unwrap_or_default().to_be_bytes()[3..]);
        let length = u8::try_from(path.len()).unwrap_or_default();
        plain.push(length | if self.has_domain { DOMAIN } else { 0 });
        plain.extend_from_slice(path);
    }

    /// The label, and where the value stands behind it.
    pub(crate) fn read(plain: &[u8]) -> Option<(Self, Range<usize>)> {
        let (head, rest) = plain.split_at_checked(LABEL)?;
        let time = |at: usize| {
            let mut time = [0; 8];
            time[8 - TIME..].copy_from_slice(&head[at..at + TIME]);
            u64::from_be_bytes(time)
        };
        let mut id = [0; 16];
        id.copy_from_slice(&head[2 * TIME..2 * TIME + 16]);
        let flags = head[LABEL - 1];
        let length = usize::from(flags & !DOMAIN);
        let path = rest.get(..length)?;
        let label = Self {
            sealed: time(0),
            began: time(TIME),
            id: SessionId(id),
            ends: Some(time(2 * TIME + 16)).filter(|ends| *ends != 0),
            has_domain: flags & DOMAIN != 0,
            path: match path {
                b"" => None,
                b"/" => Some(Cow::Borrowed(b"/")),
                path => Some(Cow::Owned(path.to_vec())),
            },
        };
        Some((label, LABEL + length..plain.len()))
    }
}

/// Seconds since 1970.
pub(crate) fn seconds(moment: SystemTime) -> u64 {
    moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The moment of so many seconds since 1970.
pub(crate) fn moment(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Bytes of a time: enough for 34,000 years.
const TIME: usize = 5;
/// Bytes before the path.
pub(crate) const LABEL: usize = 3 * TIME + 16 + 1;
/// The bit of the length of the path that says whether there is a `Domain`.
const DOMAIN: u8 = 0x80;
/// A longer path is not kept.
pub(crate) const LONGEST_PATH: usize = 0x7f;
