//! What each client network holds, so that one address does not hold all that its tenant has.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use rempart_guard::ClientNetwork;

use crate::Kind;

/// What client networks hold, by network. A network that holds nothing has no place in it, so that its size is bounded by
/// what is in use and waits: a flood from ever new networks fills it no further than the tenant's own share goes.
pub(crate) struct Networks {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
}

/// A network, as a number that nobody outside can choose: two that come to the same are as likely as a guessed key, and
/// would be counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NetworkKey(u64);

type Shard = HashMap<NetworkKey, Held, BuildHasherDefault<Hashed>>;
type Held = [u32; Kind::ALL.len()];

impl Networks {
    pub(crate) fn new(shards: usize) -> Self {
        Self {
            shards: (0..shards.max(1)).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Counts one more for a network, unless it holds `most`. The key is for giving it back.
    pub(crate) fn take(&self, kind: Kind, network: ClientNetwork, most: u32) -> Result<NetworkKey, NetworkFull> {
        let key = self.key(network);
        if most == 0 {
            return Err(NetworkFull);
        }
        self.with(key, |networks| {
            let held = &mut networks.entry(key).or_default()[kind.index()];
            if *held >= most {
                return Err(NetworkFull);
            }
            *held += 1;
            Ok(key)
        })
    }

    /// Counts one less.
    pub(crate) fn give(&self, kind: Kind, key: NetworkKey) {
        self.with(key, |networks| {
            let Some(held) = networks.get_mut(&key) else {
                return;
            };
            held[kind.index()] = held[kind.index()].saturating_sub(1);
            if *held == Held::default() {
                networks.remove(&key);
                // After a flood. Room for a few stays, so that nothing is allocated for each request.
                if networks.capacity() > ROOMY && networks.len() * 8 < networks.capacity() {
                    networks.shrink_to(networks.len() * 2);
                }
            }
        });
    }

    /// How many networks hold something.
    pub(crate) fn len(&self) -> usize {
        let len = |shard: &Mutex<Shard>| shard.lock().unwrap_or_else(PoisonError::into_inner).len();
        self.shards.iter().map(len).sum()
    }

    /// Hashed once, for the shard, the place in it, and for giving it back.
    fn key(&self, network: ClientNetwork) -> NetworkKey {
        let address = match network.address() {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits(),
        };
        NetworkKey(self.hasher.hash_one((address, network.prefix())))
    }

    fn with<T>(&self, key: NetworkKey, count: impl FnOnce(&mut Shard) -> T) -> T {
        // The table goes by the highest bits and the lowest.
        let shard = (key.0 >> 32) as usize % self.shards.len();
        let mut networks = self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);
        count(&mut networks)
    }
}

/// Takes a number that is a hash already as its own.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, _: &[u8]) {
        unreachable!("a key is one number")
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A network holds as much as it may.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NetworkFull;

const ROOMY: usize = 1_024;

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use rempart_guard::ClientAddr;

    use super::*;

    fn network(number: u32) -> ClientNetwork {
        ClientAddr::new(IpAddr::V4(Ipv4Addr::from_bits(number))).network(32, 64)
    }

    #[test]
    fn a_network_holds_so_much_of_each_kind_and_no_more() {
        let networks = Networks::new(2);
        assert!((0..3).all(|_| networks.take(Kind::Requests, network(1), 3).is_ok()));
        assert_eq!(networks.take(Kind::Requests, network(1), 3), Err(NetworkFull));
        assert_eq!(networks.take(Kind::Connections, network(1), 3).err(), None);
        assert_eq!(networks.take(Kind::Requests, network(2), 3).err(), None);
        networks.give(Kind::Requests, networks.key(network(1)));
        assert_eq!(networks.take(Kind::Requests, network(1), 3).err(), None);
    }

    #[test]
    fn a_refused_network_that_holds_nothing_has_no_place() {
        let networks = Networks::new(1);
        assert_eq!(networks.take(Kind::Requests, network(1), 0), Err(NetworkFull));
        assert_eq!(networks.len(), 0);
    }

    #[test]
    fn after_a_flood_of_networks_nothing_is_left_of_them() {
        let networks = Networks::new(2);
        let flood = (0..50_000).map(|number| networks.take(Kind::Handshakes, network(number), 1).unwrap());
        let flood: Vec<_> = flood.collect();
        assert_eq!(networks.len(), 50_000);
        flood.into_iter().for_each(|key| networks.give(Kind::Handshakes, key));
        assert_eq!(networks.len(), 0);
        let capacity = |shard: &Mutex<Shard>| shard.lock().unwrap().capacity();
        assert!(networks.shards.iter().map(capacity).sum::<usize>() <= 4 * ROOMY);
    }

    #[test]
    fn prefixes_and_families_are_apart() {
        let networks = Networks::new(1);
        let address = |text: &str| ClientAddr::new(text.parse().unwrap());
        let wide = networks.key(address("10.0.0.0").network(24, 64));
        assert_ne!(wide, networks.key(address("10.0.0.0").network(32, 64)));
        assert_ne!(wide, networks.key(address("::a00:0").network(32, 64)));
    }
}
