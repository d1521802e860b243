use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use rempart_guard::{ClientNetwork, NoDownstream, Refusal, Rejection};

use crate::Kind;

/// Why a request is refused, or a connection closed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ShareRefusal {
    /// Nobody has said who the client is. Status 500: a layer that was forgotten lets nobody pass.
    #[error(transparent)]
    NoDownstream(#[from] NoDownstream),
    /// There is no turn. Status 503 with `Retry-After`.
    #[error(transparent)]
    NoTurn(Box<NoTurn>),
    /// One client network holds as much of its tenant's share as one may. Status 429 with `Retry-After`.
    #[error("{network} holds {most} {kind}, as many as one client may")]
    Client {
        /// The network.
        network: ClientNetwork,
        /// What of.
        kind: Kind,
        /// How many it holds.
        most: u32,
    },
    /// As many connections as may be have not said yet whose they are, and of these it is the oldest. There is nobody to
    /// answer: the connection is closed.
    #[error("it has not said whose it is, and {0} newer ones have not yet either")]
    Strangers(u32),
}

/// A tenant is above its share and nothing was returned in time.
#[derive(Clone, Debug)]
pub struct NoTurn {
    pub(crate) tenant: Arc<str>,
    pub(crate) of: Of,
    pub(crate) in_use: u32,
    pub(crate) share: u32,
    pub(crate) too_long: bool,
    pub(crate) wait: Duration,
}

/// What there was no turn of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Edge(Kind),
    Upstream,
}

impl ShareRefusal {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoDownstream(_) => "wiring_no_downstream",
            Self::NoTurn(no_turn) => no_turn.code(),
            Self::Client { .. } => "client_share_used_up",
            Self::Strangers(_) => "strangers_used_up",
        }
    }
}

impl Refusal for ShareRefusal {
    fn rejection(&self) -> Rejection {
        match self {
            Self::NoDownstream(refusal) => refusal.rejection(),
            Self::NoTurn(no_turn) => {
                Rejection::new(StatusCode::SERVICE_UNAVAILABLE, no_turn.code()).retry_after(no_turn.wait)
            }
            Self::Client { .. } => Rejection::new(StatusCode::TOO_MANY_REQUESTS, self.code()).retry_after(CLIENT_RETRY),
            Self::Strangers(_) => {
                Rejection::new(StatusCode::SERVICE_UNAVAILABLE, self.code()).retry_after(CLIENT_RETRY)
            }
        }
    }
}

impl NoTurn {
    const fn code(&self) -> &'static str {
        match (self.of, self.too_long) {
            (Of::Edge(_), false) => "share_used_up",
            (Of::Edge(_), true) => "share_wait_too_long",
            (Of::Upstream, false) => "upstream_share_used_up",
            (Of::Upstream, true) => "upstream_wait_too_long",
        }
    }
}

impl fmt::Display for NoTurn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            tenant, in_use, share, ..
        } = self;
        match self.of {
            Of::Edge(kind) => write!(f, "{tenant} has {in_use} {kind} in use where {share} are guaranteed")?,
            Of::Upstream => write!(
                f,
                "{tenant}'s application has {in_use} requests where {share} do it good"
            )?,
        }
        f.write_str(if self.too_long {
            ", and none was returned in time"
        } else {
            ", and as many wait as may"
        })
    }
}

impl std::error::Error for NoTurn {}

/// A client that stops at its own limit need not wait for anybody but itself.
const CLIENT_RETRY: Duration = Duration::from_secs(1);
