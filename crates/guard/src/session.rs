use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// A session of the application's as the edge knows it: by a number of the edge's own, which the application never sees and
/// which changes when somebody logs in.
///
/// Whoever opens a request's session cookies puts [`EdgeSessions`] into its extensions; whoever stands between that and the
/// application reads them, and answers with [`SessionOrders`] in the response's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeSession {
    /// The cookie's name as the application writes it.
    pub cookie: Arc<str>,
    /// The edge's number of the session.
    pub id: SessionId,
    /// When the cookie was sealed that was shown.
    pub sealed: SystemTime,
    /// When the session began: the first time that a cookie with this number was sealed.
    pub began: SystemTime,
}

/// The sessions that a request has shown and that opened, in no order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EdgeSessions(pub Vec<EdgeSession>);

/// Whose session a request shows, in the name that the application has given: an extension of requests, when it is known.
///
/// Never a name of the client's choice: whoever watches over sessions learned it from an answer of the application to a
/// request with the same session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Account(pub Arc<str>);

/// 128 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub [u8; 16]);

impl fmt::Display for SessionId {
    /// 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

/// What is to happen to session cookies on their way out: the last word of whoever watches over sessions, in a response's
/// extensions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionOrders(pub Vec<SessionOrder>);

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionOrder {
    /// Seal the cookie of this name anew, with the value that the application sets or else that the request showed, and with
    /// this number and beginning.
    Renew(EdgeSession),
    /// Delete the cookie of this name in the browser.
    End(Arc<str>),
    /// Set no cookie of this name, whatever there is to put right: the request came with a number that has just been replaced,
    /// and the browser has, or will have, a newer cookie.
    Leave(Arc<str>),
}
