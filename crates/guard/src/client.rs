//! Who the client is, when anybody can write a header that says so.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::HeaderMap;
use http::header::HeaderName;
use ipnet::IpNet;

/// The header that proxies of every make append the peer's address to. De facto standard; RFC 7239 calls it
/// `X-Forwarded-For` in its section 7.4.
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of whoever sent the request, as far as it can be believed.
///
/// IPv4 addresses mapped into IPv6 (`::ffff:192.0.2.1`, RFC 4291 section 2.5.5.2) are unfolded, so that a dual-stack
/// listener counts a client once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientAddr(IpAddr);

impl ClientAddr {
    /// Takes an address as it is, unfolding a mapped IPv4 address.
    #[must_use]
    pub fn new(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }

    /// The address.
    #[must_use]
    pub const fn ip(self) -> IpAddr {
        self.0
    }

    /// The network that counts as one client: the first `v4` bits of an IPv4 address, the first `v6` of an IPv6 address.
    ///
    /// A subscriber holds a whole /64 in IPv6 and may use a new address of it for every request, which is why a limit
    /// per IPv6 address is no limit (RFC 6177). Bits beyond the address' width count as the whole width.
    #[must_use]
    pub fn network(self, v4: u8, v6: u8) -> ClientNetwork {
        match self.0 {
            IpAddr::V4(address) => {
                let prefix = v4.min(32);
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                ClientNetwork {
                    address: IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask)),
                    prefix,
                }
            }
            IpAddr::V6(address) => {
                let prefix = v6.min(128);
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                ClientNetwork {
                    address: IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask)),
                    prefix,
                }
            }
        }
    }
}

impl fmt::Display for ClientAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A client's network: what is counted when clients are counted, and all of a client that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientNetwork {
    address: IpAddr,
    prefix: u8,
}

impl ClientNetwork {
    /// The first address of the network.
    #[must_use]
    pub const fn address(self) -> IpAddr {
        self.address
    }

    /// The length of the prefix in bits.
    #[must_use]
    pub const fn prefix(self) -> u8 {
        self.prefix
    }
}

impl fmt::Display for ClientNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// The networks whose word about the client is believed: the vendor's own load balancers, and nobody else.
///
/// `X-Forwarded-For` is read from right to left: each trusted proxy appended the address it saw, so the first address
/// from the right that is not itself a trusted proxy is the client. Whatever stands left of it was written by the
/// client and means nothing. From an untrusted peer the header is not read at all.
///
/// ```
/// use http::HeaderMap;
/// use rempart_guard::TrustedProxies;
///
/// let proxies = TrustedProxies::new(["10.0.0.0/8".parse().unwrap()]);
/// let mut headers = HeaderMap::new();
/// headers.insert("x-forwarded-for", "6.6.6.6, 203.0.113.9, 10.0.0.2".parse().unwrap());
///
/// let seen = |peer: &str| proxies.client(peer.parse().unwrap(), &headers).to_string();
/// assert_eq!(seen("10.0.0.1"), "203.0.113.9");
/// assert_eq!(seen("198.51.100.7"), "198.51.100.7", "a stranger's header is not read");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Trusts exactly these networks.
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self(networks.into_iter().collect())
    }

    /// Trusts nobody: the peer is the client.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// The networks.
    #[must_use]
    pub fn networks(&self) -> &[IpNet] {
        &self.0
    }

    /// Whether this peer's `X-Forwarded-*` headers are believed.
    #[must_use]
    pub fn trusts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.0.iter().any(|network| network.contains(&peer))
    }

    /// The client's address, given the peer of the connection and the headers it sent.
    ///
    /// An entry that is no address ends the walk: the proxy that handed it on is then the best that is known, so that
    /// garbage never makes a client of the attacker's choice. Ports and brackets (`[2001:db8::1]:443`) are accepted.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddr {
        let mut believed = ClientAddr::new(peer);
        if self.0.is_empty() || !self.trusts(peer) {
            return believed;
        }
        let lines = headers.get_all(X_FORWARDED_FOR);
        // `ValueIter` is double-ended: the last header line was added last, and its last entry is the nearest hop.
        for entry in lines
            .iter()
            .rev()
            .flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','))
        {
            let Some(address) = parse_entry(entry) else {
                return believed;
            };
            believed = ClientAddr::new(address);
            if !self.trusts(address) {
                return believed;
            }
        }
        believed
    }
}

/// Reads one entry of `X-Forwarded-For`: an address, perhaps with a port or in brackets.
fn parse_entry(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim();
    if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let is_port = |port: &str| port.parse::<u16>().is_ok();
        return address
            .parse()
            .ok()
            .filter(|_| port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    text.parse().ok().or_else(|| {
        text.parse::<std::net::SocketAddrV4>()
            .ok()
            .map(|address| IpAddr::V4(*address.ip()))
    })
}
