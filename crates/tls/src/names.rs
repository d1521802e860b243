/// Whether a host can never be a public name: reserved by RFC 2606, RFC 6761, RFC 6762, RFC 8375 or ICANN's resolution on
/// `.internal`.
///
/// ```
/// use rempart_tls::is_reserved;
///
/// assert!(is_reserved("library.localhost"));
/// assert!(!is_reserved("library.example.org"));
/// ```
#[must_use]
pub fn is_reserved(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    RESERVED.iter().any(|reserved| {
        host.strip_suffix(reserved)
            .is_some_and(|below| below.is_empty() || below.ends_with('.'))
    })
}

/// What the development CA may sign for, and below.
pub(crate) const RESERVED: [&str; 7] = [
    "localhost",
    "test",
    "example",
    "invalid",
    "internal",
    "home.arpa",
    "local",
];
