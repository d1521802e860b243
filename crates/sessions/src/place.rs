//! Where a session is used: coarse enough that a person who moves about is one person.

use std::fmt;
use std::net::IpAddr;

use http::header::USER_AGENT;
use http::{HeaderMap, request};
use rempart_guard::{ClientAddr, TlsFingerprint};

use crate::policy::Bind;

/// Where a session was seen. Networks of both kinds are kept, because a client with both uses now one and now the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The first 16 bits of an IPv4 address.
    v4: Option<u16>,
    /// The first 32 bits of an IPv6 address.
    v6: Option<u32>,
    browser: Option<Browser>,
    tls: Option<TlsFingerprint>,
}

impl Place {
    /// What of it a session is expected to stay with.
    pub(crate) fn of(client: Option<ClientAddr>, head: &request::Parts, bind: Bind) -> Self {
        let mut place = Self::default();
        match client.filter(|_| bind.network).map(ClientAddr::ip) {
            Some(IpAddr::V4(address)) => place.v4 = Some((address.to_bits() >> 16) as u16),
            Some(IpAddr::V6(address)) => place.v6 = Some((address.to_bits() >> 96) as u32),
            None => {}
        }
        if bind.browser {
            place.browser = Some(Browser::of(&head.headers));
        }
        if bind.tls {
            place.tls = head.extensions.get().copied();
        }
        place
    }

    /// Notes another place, and says what is different in it from what was known.
    pub(crate) fn moves_to(&mut self, new: Self) -> Option<Moved> {
        let old = *self;
        self.v4 = new.v4.or(old.v4);
        self.v6 = new.v6.or(old.v6);
        self.browser = new.browser.or(old.browser);
        self.tls = new.tls.or(old.tls);
        let network = changed(old.v4, new.v4).is_some() || changed(old.v6, new.v6).is_some();
        let program = changed(old.browser, new.browser).is_some() || changed(old.tls, new.tls).is_some();
        (network || program).then_some(Moved { old, new })
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
    /// `from 203.0.0.0/16 to 198.51.0.0/16, from Firefox to another program`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_kind = Place {
            v4: self.old.v4.filter(|_| self.new.v4.is_some()),
            v6: self.old.v6.filter(|_| self.new.v6.is_some()),
            ..Place::default()
        };
        let networks = of_kind
            .network()
            .zip(self.new.network())
            .filter(|(old, new)| old != new);
        let browsers = changed(self.old.browser, self.new.browser).map(|(old, new)| (old.to_string(), new.to_string()));
        let tls = changed(self.old.tls, self.new.tls);
        let tls = tls.map(|(old, new)| (format!("the TLS handshake {old}"), new.to_string()));
        let mut comma = "";
        for (old, new) in [networks, browsers, tls].into_iter().flatten() {
            write!(f, "{comma}from {old} to {new}")?;
            comma = ", ";
        }
        Ok(())
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

fn changed<T: PartialEq>(old: Option<T>, new: Option<T>) -> Option<(T, T)> {
    old.zip(new).filter(|(old, new)| old != new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Bind = Bind {
        network: true,
        browser: true,
        tls: true,
    };

    fn head(agent: &str) -> request::Parts {
        let request = http::Request::get("/").header(USER_AGENT, agent).body(());
        request.unwrap().into_parts().0
    }

    fn place(client: &str, agent: &str) -> Place {
        Place::of(Some(ClientAddr::new(client.parse().unwrap())), &head(agent), ALL)
    }

    /// With one browser in one network.
    fn shaking_hands(tls: Option<u64>) -> Place {
        let mut head = head(FIREFOX);
        tls.map(TlsFingerprint::new)
            .and_then(|fingerprint| head.extensions.insert(fingerprint));
        Place::of(Some(ClientAddr::new([203, 0, 113, 9].into())), &head, ALL)
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
    fn another_program_under_the_same_browsers_name_is_told() {
        let mut known = shaking_hands(Some(0x1ab));
        assert_eq!(known.moves_to(shaking_hands(Some(0x1ab))), None);
        let moved = known.moves_to(shaking_hands(Some(0x2cd))).unwrap();
        let said = "from the TLS handshake 00000000000001ab to 00000000000002cd";
        assert_eq!(moved.to_string(), said);
        assert_eq!(known.moves_to(shaking_hands(Some(0x2cd))), None);
    }

    #[test]
    fn a_handshake_that_nobody_saw_is_no_move_and_forgets_nothing() {
        let mut known = shaking_hands(None);
        for tls in [Some(7), None, Some(7)] {
            assert_eq!(known.moves_to(shaking_hands(tls)), None);
        }
        assert!(known.moves_to(shaking_hands(Some(8))).is_some());
    }

    #[test]
    fn what_a_session_is_not_bound_to_is_not_looked_at() {
        let mut head = head(FIREFOX);
        head.extensions.insert(TlsFingerprint::new(7));
        let bind = Bind {
            network: false,
            browser: false,
            tls: false,
        };
        let client = Some(ClientAddr::new("203.0.113.9".parse().unwrap()));
        assert_eq!(Place::of(client, &head, bind), Place::default());
    }
}
