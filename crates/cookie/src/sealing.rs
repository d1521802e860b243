use std::fmt;
use std::time::SystemTime;

use rempart_guard::SessionId;
use rempart_tenant::PurposeKeys;

use crate::host::HostName;
use crate::label::{Label, seconds};
use crate::pattern::is_name;
use crate::seal::{Opened, Sealer};

/// A tenant's seal by itself, for values that are no cookies of a request: what a link in a mail or a hidden field carries
/// and nobody may read or change.
///
/// A value is bound to the tenant, a name and a host as a cookie's is, and opens under previous keys of the ring too. Take a
/// purpose of its own, so that nothing sealed here passes for a cookie.
///
/// ```
/// use rempart_cookie::Seal;
/// use rempart_tenant::KeyRing;
///
/// let keys = |tenant: &str| KeyRing::from_secret(&[7; 32]).unwrap().tenant(&tenant.parse().unwrap()).derive_all("links");
/// let library = Seal::new(&keys("library"));
/// let mut text = Vec::new();
/// library.seal("reset", "library.example", b"patron 17", &mut text).unwrap();
///
/// let mut value = Vec::new();
/// assert!(library.open("reset", "library.example", &text, &mut value));
/// assert_eq!(value, b"patron 17");
/// for (seal, name, host) in [
///     (&library, "other", "library.example"),
///     (&library, "reset", "other.example"),
///     (&Seal::new(&keys("city")), "reset", "library.example"),
/// ] {
///     assert!(!seal.open(name, host, &text, &mut Vec::new()));
/// }
/// ```
pub struct Seal(Sealer);

/// Why nothing was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// A name that no cookie could have.
    #[error("a sealed value needs a name of 1 to 256 letters, digits and the likes of `-`, `_` and `.`")]
    Name,
    /// The system gave no random bytes.
    #[error("the system's source of randomness failed")]
    Random,
}

impl Seal {
    /// With these keys.
    #[must_use]
    pub fn new(keys: &PurposeKeys) -> Self {
        Self(Sealer::new(keys, SystemTime::now()))
    }

    /// Appends the sealed value to `text`: letters, digits, `-` and `_`.
    ///
    /// # Errors
    ///
    /// A name that is none; a system without randomness.
    pub fn seal(&self, name: &str, host: &str, value: &[u8], text: &mut Vec<u8>) -> Result<(), SealError> {
        if !is_name(name.as_bytes()) {
            return Err(SealError::Name);
        }
        let now = SystemTime::now();
        let label = Label {
            sealed: seconds(now),
            began: seconds(now),
            id: SessionId([0; 16]),
            ends: None,
            has_domain: false,
            path: None,
        };
        let host = HostName::of(host);
        let sealed = self.0.seal((name.as_bytes(), host.as_str()), &label, value, now, text);
        sealed.map_err(|_| SealError::Random)
    }

    /// Appends the value to `value` when `text` opens for this name and host; else says no and appends nothing.
    #[must_use]
    pub fn open(&self, name: &str, host: &str, text: &[u8], value: &mut Vec<u8>) -> bool {
        if !is_name(name.as_bytes()) {
            return false;
        }
        let host = HostName::of(host);
        let opened = self
            .0
            .open((name.as_bytes(), &[host.as_str()]), text, SystemTime::now(), value);
        matches!(opened, Opened::Own(_))
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(..)")
    }
}
