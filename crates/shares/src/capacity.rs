use std::num::NonZeroUsize;

use rempart_guard::{Change, Effect, Problem, Problems};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Kind;

/// How much the machine can bear in all, whichever tenant it is for. What is left out goes by the number of threads that
/// serve.
///
/// ```toml
/// [capacity]
/// requests = 4096
/// connections = 32768
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CapacitySettings {
    /// Requests in flight, from a request's head to the end of its answer: from 16 to 1048576, and 1024 for each thread by
    /// default. Tenants are guaranteed parts of it, and are lent what others do not use. Because what is guaranteed is given
    /// at once, also when all is lent, there may be up to twice as many for a time: see `[shares]`.
    #[schemars(range(min = REQUESTS.0, max = REQUESTS.1))]
    pub requests: Option<u32>,
    /// Connections whose tenant is known, idle ones as well: from 16 to 4194304, and 8192 for each thread by default. Each
    /// takes a file descriptor and some 30 KiB.
    #[schemars(range(min = CONNECTIONS.0, max = CONNECTIONS.1))]
    pub connections: Option<u32>,
    /// Handshakes that are computed in one round of a thread's work, all threads together: from 1 to 4096, and 1 for each
    /// thread by default. Each takes about a tenth of a millisecond, during which the thread's requests wait. It is not a
    /// rate: a thread with nothing else to do goes round thousands of times a second.
    #[schemars(range(min = HANDSHAKES.0, max = HANDSHAKES.1))]
    pub handshakes: Option<u32>,
    /// Connections that have not said yet whose they are, and those that are only redirected to HTTPS: from 16 to 1048576,
    /// and 1024 for each thread by default. When one more comes, the oldest of them is closed.
    #[schemars(range(min = STRANGERS.0, max = STRANGERS.1))]
    pub strangers: Option<u32>,
    /// How many of these may be of one client, an IPv4 address or the /64 of an IPv6 address: from 1 to 1048576, and 256 by
    /// default.
    #[schemars(range(min = PER_CLIENT.0, max = PER_CLIENT.1))]
    pub strangers_per_client: Option<u32>,
}

/// How much there is in all, as it is enforced. Made of [`CapacitySettings`]; what they leave out goes by the number of
/// threads, which is known when the edge starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CapacityPolicy {
    of: [Option<u32>; Kind::ALL.len()],
    strangers: Option<u32>,
    strangers_per_client: Option<u32>,
}

impl CapacityPolicy {
    /// How much there is of a kind for an edge of so many threads.
    #[must_use]
    pub fn of(&self, kind: Kind, workers: NonZeroUsize) -> u32 {
        let (each, bounds) = match kind {
            Kind::Requests => (1_024, REQUESTS),
            Kind::Connections => (8_192, CONNECTIONS),
            Kind::Handshakes => (1, HANDSHAKES),
        };
        self.of[kind.index()].unwrap_or_else(|| for_each(workers, each, bounds))
    }

    /// What will be different under `new`.
    #[must_use]
    pub fn changes_to(&self, new: &Self) -> Vec<Change> {
        let kinds = Kind::ALL.map(|kind| (kind.as_str(), self.of[kind.index()], new.of[kind.index()]));
        let strangers = [
            (
                "connections that have not said whose they are",
                self.strangers,
                new.strangers,
            ),
            (
                "such connections of one client",
                self.strangers_per_client,
                new.strangers_per_client,
            ),
        ];
        let changed = kinds.into_iter().chain(strangers).filter(|(_, old, new)| old != new);
        changed.map(|(what, old, new)| changed_room(what, old, new)).collect()
    }

    pub(crate) fn strangers(&self, workers: NonZeroUsize) -> u32 {
        self.strangers.unwrap_or_else(|| for_each(workers, 1_024, STRANGERS))
    }

    pub(crate) fn strangers_per_client(&self) -> u32 {
        self.strangers_per_client.unwrap_or(256)
    }
}

impl TryFrom<CapacitySettings> for CapacityPolicy {
    type Error = Problems;

    fn try_from(settings: CapacitySettings) -> Result<Self, Problems> {
        let CapacitySettings {
            requests,
            connections,
            handshakes,
            strangers,
            strangers_per_client,
        } = settings;
        let mut problems = Problems::new();
        for (key, written, (least, most)) in [
            ("requests", requests, REQUESTS),
            ("connections", connections, CONNECTIONS),
            ("handshakes", handshakes, HANDSHAKES),
            ("strangers", strangers, STRANGERS),
            ("strangers_per_client", strangers_per_client, PER_CLIENT),
        ] {
            if let Some(value) = written.filter(|value| !(least..=most).contains(value)) {
                let message = format!("{value} is not from {least} to {most}");
                let help = format!("write a number from {least} to {most}, or leave it out");
                problems.push(Problem::new([key], "out_of_range", message).help(help));
            }
        }
        problems.none_or(|| {
            Some(Self {
                of: [requests, connections, handshakes],
                strangers,
                strangers_per_client,
            })
        })
    }
}

fn for_each(workers: NonZeroUsize, each: u32, (least, most): (u32, u32)) -> u32 {
    let workers = u32::try_from(workers.get()).unwrap_or(u32::MAX);
    workers.saturating_mul(each).clamp(least, most)
}

fn changed_room(what: &str, old: Option<u32>, new: Option<u32>) -> Change {
    match (old, new) {
        (Some(old), Some(new)) => {
            let text = format!("there is room for {new} {what} of all tenants instead of {old}");
            Change::new(Effect::of([old.cmp(&new)]), text)
        }
        (_, Some(new)) => Change::other(format!("there is room for {new} {what} of all tenants")),
        (_, None) => Change::other(format!("the room for {what} of all tenants is the default again")),
    }
}

/// The least and the most.
const REQUESTS: (u32, u32) = (16, 1 << 20);
const CONNECTIONS: (u32, u32) = (16, 1 << 22);
const HANDSHAKES: (u32, u32) = (1, 4_096);
const STRANGERS: (u32, u32) = (16, 1 << 20);
const PER_CLIENT: (u32, u32) = (1, 1 << 20);

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

    fn read(toml: &str) -> Result<CapacityPolicy, Problems> {
        toml::from_str::<CapacitySettings>(toml).unwrap().try_into()
    }

    #[test]
    fn what_is_left_out_goes_by_the_threads() {
        let policy = read("connections = 100").unwrap();
        assert_eq!(Kind::ALL.map(|kind| policy.of(kind, TWO)), [2_048, 100, 2]);
        let many = NonZeroUsize::new(1 << 30).unwrap();
        assert_eq!(policy.of(Kind::Requests, many), REQUESTS.1);
        assert_eq!((policy.strangers(TWO), policy.strangers_per_client()), (2_048, 256));
    }

    #[test]
    fn a_number_out_of_its_range_is_refused_with_its_key() {
        let problems =
            read("requests = 1\nconnections = 5000000\nhandshakes = 0\nstrangers = 3\nstrangers_per_client = 0");
        let problems: Vec<_> = problems.unwrap_err().into_iter().map(|one| one.key.join(".")).collect();
        assert_eq!(
            problems,
            [
                "requests",
                "connections",
                "handshakes",
                "strangers",
                "strangers_per_client"
            ]
        );
        assert!(toml::from_str::<CapacitySettings>("request = 100").is_err());
    }

    #[test]
    fn more_and_less_room_are_told() {
        let old = read("requests = 100\nhandshakes = 4\nstrangers = 20").unwrap();
        let new = read("requests = 200\nhandshakes = 2\nconnections = 50").unwrap();
        let changes: Vec<_> = old.changes_to(&new).iter().map(ToString::to_string).collect();
        assert_eq!(
            changes,
            [
                "loosens: there is room for 200 requests of all tenants instead of 100",
                "changes: there is room for 50 connections of all tenants",
                "tightens: there is room for 2 handshakes of all tenants instead of 4",
                "changes: the room for connections that have not said whose they are of all tenants is the default again",
            ]
        );
        assert!(old.changes_to(&old).is_empty());
    }
}
