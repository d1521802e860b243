//! Where a session is used: coarse enough that a person who moves about is one person.

use std::fmt;
use std::net::IpAddr;

use http::HeaderMap;
use http::header::USER_AGENT;
use rempart_guard::ClientAddr;

use crate::policy::Bind;

/// Where a session was seen. Networks of both kinds are kept, because a client with both uses now one and now the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The first 16 bits of an IPv4 address.
    v4: Option<u16>,
    /// The first 32 bits of an IPv6 address.
    v6: Option<u32>,
    browser: Option<Browser>,
}

impl Place {
    /// What of it a session is expected to stay with.
    pub(crate) fn of(client: Option<ClientAddr>, headers: &HeaderMap, bind: Bind) -> Self {
        let mut place = Self::default();
        match client.filter(|_| bind.network).map(ClientAddr::ip) {
            Some(IpAddr::V4(address)) => place.v4 = Some((address.to_bits() >> 16) as u16),
            Some(IpAddr::V6(address)) => place.v6 = Some((address.to_bits() >> 96) as u32),
            None => {}
        }
        if bind.browser {
            place.browser = Some(Browser::of(headers));
        }
        place
    }

    /// Notes another place, and says what is different in it from what was known.
    pub(crate) fn moves_to(&mut self, new: Self) -> Option<Moved> {
        let old = *self;
        self.v4 = new.v4.or(old.v4);
        self.v6 = new.v6.or(old.v6);
        self.browser = new.browser.or(old.browser);
        let network = is_other(old.v4, new.v4) || is_other(old.v6, new.v6);
        let browser = is_other(old.browser, new.browser);
        (network || browser).then_some(Moved { old, new })
    }

    fn network(self) -> Option<String> {
        let v4 = self.v4.map(|bits| format!("{}.{}.0.0/16", bits >> 8, bits & 0xff));
        v4.or_else(|| self.v6.map(|bits| format!("{:x}:{:x}::/32", bits >> 16, bits & 0xffff)))
    }
}

/// A session that is somewhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    old: Place,
    new: Place,
}

impl fmt::Display for Moved {
    /// `from 203.0.0.0/16 to 198.51.0.0/16, from Firefox to another browser`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_kind = Place {
            v4: self.old.v4.filter(|_| self.new.v4.is_some()),
            v6: self.old.v6.filter(|_| self.new.v6.is_some()),
            browser: None,
        };
        let networks = of_kind
            .network()
            .zip(self.new.network())
            .filter(|(old, new)| old != new);
        if let Some((old, new)) = &networks {
            write!(f, "from {old} to {new}")?;
        }
        match self.old.browser.zip(self.new.browser) {
            Some((old, new)) if old != new => {
                let comma = if networks.is_some() { ", " } else { "" };
                write!(f, "{comma}from {old} to {new}")
            }
            _ => Ok(()),
        }
    }
}

/// The family of a browser: what does not change when it is updated. The most special first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Browser {
    Edge,
    Opera,
    Samsung,
    Firefox,
    Chrome,
    Safari,
    Other,
}

impl Browser {
    /// Each names those it descends from too: the most special decides.
    fn of(headers: &HeaderMap) -> Self {
        let agent = headers.get(USER_AGENT).map_or(&b""[..], |agent| agent.as_bytes());
        let products = agent
            .split(|byte| *byte == b' ')
            .filter_map(|word| word.split(|byte| *byte == b'/').next());
        let known = products.map(|product| match product {
            b"Edg" | b"EdgA" | b"EdgiOS" => Self::Edge,
            b"OPR" | b"OPT" => Self::Opera,
            b"SamsungBrowser" => Self::Samsung,
            b"Firefox" | b"FxiOS" => Self::Firefox,
            b"Chrome" | b"CriOS" => Self::Chrome,
            b"Safari" => Self::Safari,
            _ => Self::Other,
        });
        known.min().unwrap_or(Self::Other)
    }
}

impl fmt::Display for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Edge => "Edge",
            Self::Opera => "Opera",
            Self::Samsung => "Samsung Internet",
            Self::Firefox => "Firefox",
            Self::Chrome => "Chrome",
            Self::Safari => "Safari",
            Self::Other => "another program",
        })
    }
}

fn is_other<T: PartialEq>(old: Option<T>, new: Option<T>) -> bool {
    old.zip(new).is_some_and(|(old, new)| old != new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Bind = Bind {
        network: true,
        browser: true,
    };

    fn place(client: &str, agent: &str) -> Place {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, agent.parse().unwrap());
        Place::of(Some(ClientAddr::new(client.parse().unwrap())), &headers, BOTH)
    }

    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    const CHROME: &str =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36";

    #[test]
    fn an_update_and_a_neighbouring_address_are_no_move() {
        let mut known = place("203.0.113.9", FIREFOX);
        assert_eq!(known.moves_to(place("203.0.7.1", &FIREFOX.replace("140", "141"))), None);
    }

    #[test]
    fn another_network_and_another_browser_are_told_once() {
        let mut known = place("203.0.113.9", FIREFOX);
        let moved = known.moves_to(place("198.51.100.7", "curl/8.5")).unwrap();
        assert_eq!(
            moved.to_string(),
            "from 203.0.0.0/16 to 198.51.0.0/16, from Firefox to another program"
        );
        assert_eq!(known.moves_to(place("198.51.100.8", "curl/8.6")), None);
        let moved = known.moves_to(place("198.51.100.8", CHROME)).unwrap();
        assert_eq!(moved.to_string(), "from another program to Chrome");
    }

    #[test]
    fn a_client_with_both_kinds_of_address_does_not_move_between_them() {
        let mut known = place("203.0.113.9", FIREFOX);
        assert_eq!(known.moves_to(place("2001:db8:1::7", FIREFOX)), None);
        assert_eq!(known.moves_to(place("203.0.113.9", FIREFOX)), None);
        let moved = known.moves_to(place("2001:db9::1", FIREFOX)).unwrap();
        assert_eq!(moved.to_string(), "from 2001:db8::/32 to 2001:db9::/32");
    }

    #[test]
    fn what_a_session_is_not_bound_to_is_not_looked_at() {
        let headers = HeaderMap::new();
        let bind = Bind {
            network: false,
            browser: false,
        };
        let client = Some(ClientAddr::new("203.0.113.9".parse().unwrap()));
        assert_eq!(Place::of(client, &headers, bind), Place::default());
    }
}
