use std::fmt;

/// What is shared between tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Requests in flight: from a request's head to the end of its answer's body.
    Requests,
    /// Connections whose tenant is known.
    Connections,
    /// Handshakes that are being computed.
    Handshakes,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Requests, Self::Connections, Self::Handshakes];

    /// The word in a metric's label and in a log line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Connections => "connections",
            Self::Handshakes => "handshakes",
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How urgent a request is among those of its tenant. It never goes before another tenant's because of it.
///
/// ```
/// use rempart_shares::Priority;
///
/// assert!(Priority::FIRST < Priority::new(1), "the smaller goes first");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Priority(u8);

impl Priority {
    /// Before all others.
    pub const FIRST: Self = Self(0);

    /// Behind all with a smaller number.
    #[must_use]
    pub const fn new(number: u8) -> Self {
        Self(number)
    }
}
