use std::fmt;

/// What a route is for, and so what it takes to protect it: an extension of every request whose route a tenant's map knows.
///
/// The order is that of strictness. A request that several classes of a map take has the strictest of them: what creates
/// an administrator is guarded as that, also when it is a page among the public ones.
///
/// ```
/// use rempart_guard::RouteClass;
///
/// assert!(RouteClass::Public < RouteClass::Record && RouteClass::Admin < RouteClass::Destructive);
/// assert_eq!(RouteClass::Record.to_string(), "record");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RouteClass {
    /// Holds nobody's data: the catalogue, pictures, the opening hours.
    Public,
    /// Where somebody proves who they are: the login, a new password.
    Auth,
    /// Shows or takes the data of one person, or of a few.
    Record,
    /// Hands out the data of many at once.
    Export,
    /// The application's own administration.
    Admin,
    /// Creates an account or raises what one may do.
    Privilege,
    /// Deletes what cannot be had back.
    Destructive,
}

impl RouteClass {
    /// All of them, the strictest last.
    pub const ALL: [Self; 7] = [
        Self::Public,
        Self::Auth,
        Self::Record,
        Self::Export,
        Self::Admin,
        Self::Privilege,
        Self::Destructive,
    ];

    /// The word in a tenant's file, a metric's label and a log line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Auth => "auth",
            Self::Record => "record",
            Self::Export => "export",
            Self::Admin => "admin",
            Self::Privilege => "privilege",
            Self::Destructive => "destructive",
        }
    }
}

impl fmt::Display for RouteClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
