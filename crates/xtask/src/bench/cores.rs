//! Which core runs what.

use std::collections::BTreeSet;
use std::{fmt, fs, io};

/// A core for the proxy under test, alone, and others for the upstream and the load generator.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cores {
    /// The proxy's, all to itself.
    pub(crate) proxy: u32,
    /// The upstream's.
    pub(crate) upstream: u32,
    /// The load generator's: the upstream's too when there are only two.
    pub(crate) load: u32,
}

impl Cores {
    /// Takes the first core we may run on for the proxy, and for the rest cores that are not its
    /// sibling in the same physical core, if there are any.
    ///
    /// # Errors
    ///
    /// When we may run on one core only: load and proxy would measure each other.
    pub(crate) fn choose() -> io::Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let allowed = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
            .map(parse_list)
            .unwrap_or_default();
        let siblings = allowed.first().map_or_else(BTreeSet::new, siblings);
        Self::among(&allowed, &siblings).ok_or_else(|| io::Error::other("at least two processor cores are needed"))
    }

    fn among(allowed: &BTreeSet<u32>, siblings: &BTreeSet<u32>) -> Option<Self> {
        let proxy = *allowed.first()?;
        let apart = allowed.iter().filter(|core| !siblings.contains(core));
        let sharing = allowed.iter().filter(|core| siblings.contains(core));
        let mut rest = apart.chain(sharing).filter(|core| **core != proxy);
        let upstream = *rest.next()?;
        let load = rest.next().filter(|core| !siblings.contains(core)).unwrap_or(&upstream);
        Some(Self {
            proxy,
            upstream,
            load: *load,
        })
    }
}

impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { proxy, upstream, load } = self;
        write!(f, "proxy on core {proxy}, upstream on {upstream}, load on {load}")
    }
}

fn siblings(core: &u32) -> BTreeSet<u32> {
    let path = format!("/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
    fs::read_to_string(path).map_or_else(|_| BTreeSet::from([*core]), |list| parse_list(&list))
}

/// Reads the kernel's list format: `0-3,8`.
fn parse_list(list: &str) -> BTreeSet<u32> {
    list.trim()
        .split(',')
        .filter_map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            Some(first.parse::<u32>().ok()?..=last.parse().ok()?)
        })
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cores(allowed: &str, siblings: &str) -> Option<(u32, u32, u32)> {
        Cores::among(&parse_list(allowed), &parse_list(siblings)).map(|cores| (cores.proxy, cores.upstream, cores.load))
    }

    #[test]
    fn with_two_cores_upstream_and_load_share_the_second() {
        assert_eq!(cores("0-1", "0"), Some((0, 1, 1)));
        assert_eq!(cores("0-1", "0-1"), Some((0, 1, 1)));
    }

    #[test]
    fn the_proxys_sibling_is_left_idle_where_there_are_others() {
        assert_eq!(cores("0-3", "0,1"), Some((0, 2, 3)));
        assert_eq!(cores("0-2", "0,1"), Some((0, 2, 2)));
        assert_eq!(cores("4,6-8", "4"), Some((4, 6, 7)));
    }

    #[test]
    fn one_core_is_refused() {
        assert_eq!(cores("0", "0"), None);
    }
}
