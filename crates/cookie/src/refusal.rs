use http::header::SET_COOKIE;
use http::{HeaderValue, StatusCode};
use rempart_guard::{Refusal, Rejection};

/// Why a request is refused for its cookies: 403 in each case.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CookieRefusal {
    /// The session was sealed by another tenant: `cookie_foreign_tenant`.
    #[error("the session cookie `{name}` was sealed by another tenant")]
    ForeignTenant {
        /// The cookie.
        name: String,
        /// What deletes it in the browser, when that deletes nothing else.
        deletion: Option<HeaderValue>,
    },
    /// Two different sessions under one name: `cookie_ambiguous`.
    #[error("the session cookie `{name}` was sent twice, with two values that both open")]
    Ambiguous {
        /// The cookie.
        name: String,
    },
}

impl Refusal for CookieRefusal {
    fn rejection(&self) -> Rejection {
        match self {
            Self::ForeignTenant { deletion: None, .. } => {
                Rejection::new(StatusCode::FORBIDDEN, "cookie_foreign_tenant")
            }
            Self::ForeignTenant {
                deletion: Some(deletion),
                ..
            } => Rejection::new(StatusCode::FORBIDDEN, "cookie_foreign_tenant").header(SET_COOKIE, deletion.clone()),
            Self::Ambiguous { .. } => Rejection::new(StatusCode::FORBIDDEN, "cookie_ambiguous"),
        }
    }
}
