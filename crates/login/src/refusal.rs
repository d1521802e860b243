use std::fmt;
use std::time::Duration;

use http::StatusCode;
use rempart_guard::{ClientNetwork, Refusal, Rejection};

/// Why a login is refused.
#[derive(Debug, thiserror::Error)]
pub enum LoginRefusal {
    /// Nobody has said who the client is. Status 500: a layer that was forgotten lets nobody pass.
    #[error("no Downstream in the request's extensions: put a DownstreamLayer (or the edge) before the login guard")]
    NoDownstream,
    /// A limit is used up. Status 429 (RFC 6585 section 4) with `Retry-After`, and one of the codes `login_refused`,
    /// `login_stuffing` and `login_spraying`.
    #[error(transparent)]
    UsedUp(#[from] Box<LoginsUsedUp>),
    /// The request names two accounts or two passwords, or is written so that two servers would find two in it. Status 400.
    #[error("it cannot be known which account or password the application would read in this request")]
    Ambiguous,
    /// The body is longer than 64 KiB. Status 413.
    #[error("the body of a login is longer than 64 KiB")]
    TooLarge,
    /// The body has not come within 30 seconds. Status 408.
    #[error("the body of a login did not come within 30 seconds")]
    Stalled,
    /// The body broke off. Status 400.
    #[error("the body of a login broke off")]
    Broken,
}

impl Refusal for LoginRefusal {
    fn rejection(&self) -> Rejection {
        match self {
            Self::NoDownstream => Rejection::wiring("wiring_no_downstream"),
            Self::UsedUp(used_up) => used_up.rejection(),
            Self::Ambiguous => Rejection::new(StatusCode::BAD_REQUEST, "login_ambiguous"),
            Self::TooLarge => Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, "login_too_large"),
            Self::Stalled => Rejection::new(StatusCode::REQUEST_TIMEOUT, "login_stalled"),
            Self::Broken => Rejection::new(StatusCode::BAD_REQUEST, "login_broken"),
        }
    }
}

/// Which limit is used up, and for how long.
#[derive(Clone, Debug)]
pub struct LoginsUsedUp {
    pub(crate) what: What,
    pub(crate) is_stuffing: bool,
    pub(crate) account: Option<String>,
    pub(crate) network: ClientNetwork,
    pub(crate) wait: Duration,
}

impl LoginsUsedUp {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self.what {
            What::Password => "login_spraying",
            What::Network if self.is_stuffing => "login_stuffing",
            _ => "login_refused",
        }
    }

    /// The name of the limit, in the word of the tenant's file.
    #[must_use]
    pub const fn limit(&self) -> &'static str {
        self.what.as_str()
    }

    /// How long until another try would pass, if nobody else tries meanwhile.
    #[must_use]
    pub const fn wait(&self) -> Duration {
        self.wait
    }

    fn rejection(&self) -> Rejection {
        Rejection::new(StatusCode::TOO_MANY_REQUESTS, self.code()).retry_after(self.wait)
    }
}

impl fmt::Display for LoginsUsedUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (limit, network, wait) = (self.limit(), self.network, self.wait.as_secs_f64());
        write!(f, "{limit} used up by ")?;
        match &self.account {
            Some(account) => write!(f, "account #{account} from {network}")?,
            None => write!(f, "{network}")?,
        }
        write!(f, "; one more in {wait:.1} s")
    }
}

impl std::error::Error for LoginsUsedUp {}

/// Which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Of one account in one place.
    Pair,
    /// Of one account, from everywhere where it is not known.
    Account,
    /// Of one network.
    Network,
    /// Of one session.
    Session,
    /// Of one password.
    Password,
    /// Of codes.
    Code,
    /// Of requests for a new password.
    Reset,
    /// Of logins whose second half never came.
    Unfinished,
    /// Of logins that are under way at once.
    InFlight,
    /// Of logins that wait.
    Waiting,
}

impl What {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pair => "account_network",
            Self::Account => "account",
            Self::Network => "network",
            Self::Session => "session",
            Self::Password => "password",
            Self::Code => "code",
            Self::Reset => "reset",
            Self::Unfinished => "logins without a code",
            Self::InFlight => "logins at once",
            Self::Waiting => "max_waiting",
        }
    }

    /// Whether strangers share it, so that somebody else may have used it up.
    pub(crate) const fn is_shared(self) -> bool {
        matches!(self, Self::Account | Self::Network | Self::Password)
    }
}
