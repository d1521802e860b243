use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use rempart_guard::{ClientNetwork, Refusal, Rejection};

use crate::{Part, Per, QuotaRate, RateLimitFields};

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub enum RateLimitRefusal {
    /// Nobody has said who the client is. Status 500: a layer that was forgotten lets nobody pass.
    #[error("no Downstream in the request's extensions: put a DownstreamLayer (or the edge) before the rate limit")]
    NoDownstream,
    /// A quota counts bytes, and nobody has said that they are counted. Status 500.
    #[error(
        "no SentBytesAreCounted in the request's extensions: put a SentBytesLayer (or the edge) before the rate limit"
    )]
    NoSentBytes,
    /// A quota is used up. Status 429 (RFC 6585 section 4) with `Retry-After`.
    #[error(transparent)]
    UsedUp(#[from] Box<QuotaUsedUp>),
}

impl Refusal for RateLimitRefusal {
    fn rejection(&self) -> Rejection {
        match self {
            Self::NoDownstream => Rejection::wiring("wiring_no_downstream"),
            Self::NoSentBytes => Rejection::wiring("wiring_no_sent_bytes"),
            Self::UsedUp(used_up) => used_up.rejection(),
        }
    }
}

/// Which quota is used up, for whom, and for how long. Of several, the one that takes the longest to recover.
#[derive(Debug)]
pub struct QuotaUsedUp {
    pub(crate) quota: Arc<str>,
    pub(crate) rate: QuotaRate,
    pub(crate) per: Per,
    pub(crate) client: ClientNetwork,
    pub(crate) counted: Counted,
    pub(crate) wait: Duration,
    pub(crate) fields: Option<RateLimitFields>,
}

impl QuotaUsedUp {
    /// The name of the quota.
    #[must_use]
    pub fn quota(&self) -> &str {
        &self.quota
    }

    /// Who shares its count.
    #[must_use]
    pub const fn per(&self) -> &Per {
        &self.per
    }

    /// How long until this request would pass, if nobody else asks meanwhile.
    #[must_use]
    pub const fn wait(&self) -> Duration {
        self.wait
    }

    fn rejection(&self) -> Rejection {
        let rejection = Rejection::new(StatusCode::TOO_MANY_REQUESTS, "quota_used_up").retry_after(self.wait);
        let fields = self.fields.clone().into_iter().flat_map(RateLimitFields::headers);
        fields.fold(rejection, |rejection, (name, value)| rejection.header(name, value))
    }
}

impl fmt::Display for QuotaUsedUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            quota,
            rate,
            per,
            client,
            counted,
            wait,
            ..
        } = self;
        write!(f, "quota {quota} ({rate}) used up by ")?;
        match counted {
            Counted::Alone if per.parts() == [Part::Client] => write!(f, "{client}")?,
            // Which one it is may be a secret, such as the number of a session or the key of an interface.
            Counted::Alone => write!(f, "one {per}, asked by {client}")?,
            Counted::Together => write!(f, "all clients, {client} among them")?,
            Counted::Crowded => write!(f, "clients for whom there was no room, {client} among them")?,
        }
        write!(f, "; one more in {:.1} s", wait.as_secs_f64())
    }
}

impl std::error::Error for QuotaUsedUp {}

/// With whom a client was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// By itself, in its own place.
    Alone,
    /// With all clients of the tenant, as the quota says.
    Together,
    /// With others for whom the table had no room.
    Crowded,
}
