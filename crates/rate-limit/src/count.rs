use std::cmp::Ordering;
use std::fmt;

use http::StatusCode;

/// What of a request is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Count {
    /// Every request that passes, before it does.
    #[default]
    Requests,
    /// Answers that say that it failed: 400 to 599.
    Failures,
    /// Answers that say that there is nothing: 404 and 410.
    NotFound,
    /// Answers with one of these statuses, sorted.
    Statuses(Vec<u16>),
    /// The bytes of answers' bodies, as they leave.
    Bytes,
}

impl Count {
    /// The words of a tenant's file; a list of statuses is none.
    pub(crate) const WORDS: [&str; 4] = ["requests", "failures", "not_found", "bytes"];

    pub(crate) fn read(word: &str) -> Option<Self> {
        match word {
            "requests" => Some(Self::Requests),
            "failures" => Some(Self::Failures),
            "not_found" => Some(Self::NotFound),
            "bytes" => Some(Self::Bytes),
            _ => None,
        }
    }

    /// Whether it is known before the request goes on.
    #[must_use]
    pub const fn is_before(&self) -> bool {
        matches!(self, Self::Requests)
    }

    /// Whether an answer with this status is counted, where statuses are.
    #[must_use]
    pub fn takes(&self, status: StatusCode) -> bool {
        match self {
            Self::Requests | Self::Bytes => false,
            Self::Failures => status.is_client_error() || status.is_server_error(),
            Self::NotFound => matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE),
            Self::Statuses(statuses) => statuses.binary_search(&status.as_u16()).is_ok(),
        }
    }

    /// Whether a request that may change something and that nobody waits for an answer to is counted. Whoever hangs up before
    /// a wrong password is answered has tried it; a path that nobody reads the answer of has not been found.
    pub(crate) const fn takes_abandoned(&self) -> bool {
        matches!(self, Self::Failures | Self::Statuses(_))
    }

    /// Which of two counts more, when one counts all that the other does.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        if self == other {
            return Some(Ordering::Equal);
        }
        if self.covers(other) {
            return Some(Ordering::Greater);
        }
        other.covers(self).then_some(Ordering::Less)
    }

    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bytes, _) | (_, Self::Bytes) | (_, Self::Requests) => self == other,
            (Self::Requests, _) => true,
            _ => (100..600).all(|status| {
                let status = StatusCode::from_u16(status).expect("three digits are a status");
                self.takes(status) || !other.takes(status)
            }),
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requests => f.write_str("requests"),
            Self::Failures => f.write_str("failures"),
            Self::NotFound => f.write_str("answers that there is nothing"),
            Self::Bytes => f.write_str("bytes"),
            Self::Statuses(statuses) => {
                f.write_str("answers with ")?;
                for (index, status) in statuses.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(f, "{separator}{status}")?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_and_counts_what_it_says() {
        assert!(Count::WORDS.iter().all(|word| Count::read(word).is_some()));
        assert_eq!(Count::read("errors"), None);
        let counted = |count: &Count| {
            let counted =
                [200, 302, 401, 404, 410, 500].map(|status| count.takes(StatusCode::from_u16(status).unwrap()));
            counted.map(u8::from)
        };
        assert_eq!(counted(&Count::Failures), [0, 0, 1, 1, 1, 1]);
        assert_eq!(counted(&Count::NotFound), [0, 0, 0, 1, 1, 0]);
        assert_eq!(counted(&Count::Statuses(vec![302, 401])), [0, 1, 1, 0, 0, 0]);
        assert_eq!(counted(&Count::Requests), [0; 6], "they are counted before");
        assert_eq!(counted(&Count::Bytes), [0; 6], "they are counted after");
    }

    #[test]
    fn what_counts_all_that_another_does_counts_more() {
        use Ordering::{Equal, Greater, Less};
        let statuses = |statuses: &[u16]| Count::Statuses(statuses.to_vec());
        for (one, other, expected) in [
            (Count::Requests, Count::Failures, Some(Greater)),
            (Count::NotFound, Count::Failures, Some(Less)),
            (statuses(&[404, 410]), Count::NotFound, Some(Greater)),
            (statuses(&[401, 403]), Count::Failures, Some(Less)),
            (statuses(&[302, 401]), Count::Failures, None),
            (Count::Bytes, Count::Requests, None),
            (Count::Bytes, Count::Bytes, Some(Equal)),
        ] {
            assert_eq!(one.compare(&other), expected, "{one} and {other}");
        }
    }
}
