use http::StatusCode;
use rempart_guard::{Refusal, Rejection};

use crate::{HostError, TenantId};

/// Why a request reaches no tenant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TenantRefusal {
    /// Neither `Host` nor `:authority`.
    #[error("the request names no host")]
    Missing,
    /// More than one `Host` (RFC 9112 section 3.2).
    #[error("the request has more than one Host")]
    Repeated,
    /// A `Host` that is no host.
    #[error("Host {0:?}: {1}")]
    Invalid(String, HostError),
    /// The request line's authority and `Host` name different hosts.
    #[error("the request line names {0:?} and Host {1:?}")]
    Disagrees(String, String),
    /// A host that no tenant has.
    #[error("no tenant has the host {0:?}")]
    Unknown(String),
    /// Over HTTP/2, a host of another tenant than the connection's.
    #[error("Host {0:?} is of {1}, on an HTTP/2 connection of {2}")]
    Misdirected(String, TenantId, TenantId),
    /// Over HTTP/1.1, a host of another tenant than the connection's.
    #[error("Host {0:?} is of {1}, on a connection of {2}")]
    Foreign(String, TenantId, TenantId),
}

impl Refusal for TenantRefusal {
    fn rejection(&self) -> Rejection {
        let (status, code) = match self {
            Self::Missing => (StatusCode::BAD_REQUEST, "host_missing"),
            Self::Repeated => (StatusCode::BAD_REQUEST, "host_repeated"),
            Self::Invalid(..) => (StatusCode::BAD_REQUEST, "host_invalid"),
            Self::Disagrees(..) => (StatusCode::BAD_REQUEST, "host_disagrees"),
            Self::Unknown(_) => (StatusCode::NOT_FOUND, "host_unknown"),
            // 421 tells a browser to open a connection of its own, which a coalesced one deserves. Over HTTP/1.1
            // nothing coalesces: whoever asks there for another tenant's host does it on purpose.
            Self::Misdirected(..) => (StatusCode::MISDIRECTED_REQUEST, "host_misdirected"),
            Self::Foreign(..) => (StatusCode::FORBIDDEN, "host_foreign"),
        };
        Rejection::new(status, code)
    }
}
