//! What a cookie is called outside: the name that the application writes, behind a prefix that browsers hold to its promise
//! (draft-ietf-httpbis-rfc6265bis-22 section 4.1.3).

/// A promise in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prefix {
    /// `__Host-`: `Secure`, `Path=/`, no `Domain`. Nobody but the host itself can have set it.
    Host,
    /// `__Secure-`: `Secure`.
    Secure,
    /// The application's own name.
    None,
}

impl Prefix {
    /// All that `prefix` can be.
    pub(crate) const WORDS: [(&str, Self); 3] = [("host", Self::Host), ("secure", Self::Secure), ("none", Self::None)];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "__Host-",
            Self::Secure => "__Secure-",
            Self::None => "",
        }
    }

    /// The prefix that a name outside has exactly as we write it, and the name behind it.
    pub(crate) fn split(name: &[u8]) -> (Self, &[u8]) {
        for prefix in [Self::Host, Self::Secure] {
            if let Some(rest) = name.strip_prefix(prefix.as_str().as_bytes()) {
                return (prefix, rest);
            }
        }
        (Self::None, name)
    }

    /// This prefix for a cookie of that name; none for one whose application has written one itself.
    pub(crate) fn of(self, name: &[u8]) -> Self {
        if is_prefixed(name) { Self::None } else { self }
    }
}

/// `__Host-`, in whatever case: browsers compare prefixes so, and refuse a cookie that does not keep its promise.
pub(crate) fn is_host_only(name: &[u8]) -> bool {
    begins(name, b"__Host-")
}

/// `__Http-` and `__Host-Http-`: scripts can neither read nor write the cookie.
pub(crate) fn is_http_only(name: &[u8]) -> bool {
    begins(name, b"__Http-") || begins(name, b"__Host-Http-")
}

fn is_prefixed(name: &[u8]) -> bool {
    is_host_only(name) || begins(name, b"__Secure-") || begins(name, b"__Http-")
}

fn begins(name: &[u8], prefix: &[u8]) -> bool {
    name.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}
