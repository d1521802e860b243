use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use rempart_guard::{Problem, Problems, UnitError, duration, duration_schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::{Address, AddressError};
use crate::policy::{Place, RedisPolicy};

/// The Redis or Valkey that several nodes share, so that a limit is one limit however many nodes there are.
///
/// ```toml
/// [state.redis]
/// url = "rediss://redis.example.org:6380"
/// user = "rempart"
/// password_file = "/etc/rempart/redis.password"
/// ca_file = "/etc/rempart/redis-ca.pem"   # when the system's own authorities do not know it
/// nodes = 3
/// ```
///
/// With Sentinel `sentinels` and `master` stand in the place of `url`, with Redis Cluster `cluster`:
///
/// ```toml
/// [state.redis]
/// sentinels = ["redis://10.0.0.1:26379", "redis://10.0.0.2:26379", "redis://10.0.0.3:26379"]
/// master = "mymaster"
/// password_file = "/etc/rempart/redis.password"
/// nodes = 3
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RedisSettings {
    /// Where it is: `"redis://host:6379"`, `"rediss://host:6380/1"` with TLS and the number of a database, or
    /// `"unix:///run/redis/redis.sock"`. Never with a password: that is in a file of its own.
    #[schemars(extend("x-form" = "URL"))]
    pub url: Option<String>,
    /// Some nodes of a Redis Cluster, in the place of `url`; the others are found from there. At most 64.
    #[schemars(length(max = MOST_ADDRESSES), extend("x-form" = "list of URLs"))]
    pub cluster: Vec<String>,
    /// The Sentinels that know where the master is, in the place of `url`. With `rediss://` the master is spoken to in TLS too.
    /// At most 64.
    #[schemars(length(max = MOST_ADDRESSES), extend("x-form" = "list of URLs"))]
    pub sentinels: Vec<String>,
    /// The name of the master that the Sentinels watch.
    pub master: Option<String>,
    /// The user of the access control list. Without it, the user `default`.
    pub user: Option<String>,
    /// The file that holds the user's password and nothing else, but perhaps a line's end. It is read anew for each
    /// connection, so that it may be changed without a restart.
    #[schemars(extend("x-form" = "path"))]
    pub password_file: Option<PathBuf>,
    /// The user for the Sentinels themselves, which have an access control list of their own.
    pub sentinel_user: Option<String>,
    /// The file that holds the password for the Sentinels themselves.
    #[schemars(extend("x-form" = "path"))]
    pub sentinel_password_file: Option<PathBuf>,
    /// The certificates of the authorities that sign the server's certificate, in PEM. Without it, those of the system.
    #[schemars(extend("x-form" = "path"))]
    pub ca_file: Option<PathBuf>,
    /// How many edge nodes share it, this one included: from 1 to 1024. While it is away each node admits its share, the limit
    /// divided by this. Too small a number admits too much then: with 1, which says that this node is alone, each of three
    /// nodes admits the whole limit.
    #[schemars(range(min = 1, max = MOST_NODES))]
    pub nodes: u32,
    /// How long a request waits for it, at most. When there is no answer within this time, it is taken to be away: nobody
    /// waits for it any more until it answers again.
    #[schemars(schema_with = "duration_schema", extend("x-least" = "2ms", "x-most" = "2s", "examples" = ["50ms", "200ms"], "default" = "50ms"))]
    pub timeout: String,
    /// What every key begins with: 1 to 32 of `a-z`, `0-9`, `_` and `-`. Two edges that share nothing but the server need two.
    #[schemars(regex(pattern = r"^[a-z0-9_-]{1,32}$"))]
    pub prefix: String,
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self {
            url: None,
            cluster: Vec::new(),
            sentinels: Vec::new(),
            master: None,
            user: None,
            password_file: None,
            sentinel_user: None,
            sentinel_password_file: None,
            ca_file: None,
            nodes: 1,
            timeout: "50ms".to_owned(),
            prefix: "rempart".to_owned(),
        }
    }
}

impl RedisSettings {
    /// One server, and all else as by default: what `redis = "rediss://…"` means.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: Some(url.into()),
            ..Self::default()
        }
    }

    fn place(&self, problems: &mut Problems) -> Option<Place> {
        let ways = [self.url.is_some(), !self.cluster.is_empty(), !self.sentinels.is_empty()];
        if ways.into_iter().filter(|way| *way).count() != 1 {
            let message = "exactly one of `url`, `cluster` and `sentinels` says where it is";
            let problem = Problem::new(["url"], "redis_place", message);
            problems.push(problem.help("write `url = \"rediss://host:6380\"`, or leave the others out"));
            return None;
        }
        if let Some(url) = &self.url {
            return read(vec!["url".to_owned()], url, problems).map(Place::One);
        }
        match self.sentinels.is_empty() {
            true => several("cluster", &self.cluster, problems).map(Place::Cluster),
            false => self.sentinels(problems),
        }
    }

    fn sentinels(&self, problems: &mut Problems) -> Option<Place> {
        let sentinels = several("sentinels", &self.sentinels, problems);
        let Some(master) = self.master.clone().filter(|master| !master.is_empty()) else {
            let message = "the Sentinels watch masters by name, and which one is meant is not said";
            let problem = Problem::new(["master"], "redis_master_missing", message);
            problems.push(
                problem.help("write the name after `sentinel monitor` in their configuration: `master = \"mymaster\"`"),
            );
            return None;
        };
        Some(Place::Sentinel {
            sentinels: sentinels?,
            master,
        })
    }

    /// Keys that would do nothing, which is not what was meant.
    fn in_vain(&self, problems: &mut Problems) {
        let is_sentinel = !self.sentinels.is_empty();
        let vain = [
            ("master", self.master.is_some() && !is_sentinel, "sentinels"),
            (
                "sentinel_user",
                self.sentinel_user.is_some() && !is_sentinel,
                "sentinels",
            ),
            (
                "sentinel_password_file",
                self.sentinel_password_file.is_some() && !is_sentinel,
                "sentinels",
            ),
            (
                "sentinel_user",
                self.sentinel_user.is_some() && self.sentinel_password_file.is_none(),
                "sentinel_password_file",
            ),
            (
                "user",
                self.user.is_some() && self.password_file.is_none(),
                "password_file",
            ),
        ];
        for (key, _, needs) in vain.into_iter().filter(|(_, is_vain, _)| *is_vain) {
            let message = format!("`{key}` means nothing without `{needs}`");
            problems.push(Problem::new([key], "redis_in_vain", message));
        }
    }
}

impl TryFrom<RedisSettings> for RedisPolicy {
    type Error = Problems;

    fn try_from(settings: RedisSettings) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let place = settings.place(&mut problems);
        settings.in_vain(&mut problems);
        if let (Some(place), Some(_)) = (&place, &settings.ca_file)
            && !place.is_tls()
        {
            let message = "a `ca_file` means nothing to a connection without TLS";
            problems.push(Problem::new(["ca_file"], "redis_in_vain", message).help("write `rediss://` for TLS"));
        }
        let nodes = problems.take(nodes(settings.nodes));
        let timeout = problems.take(timeout(&settings.timeout));
        let prefix = problems.take(prefix(settings.prefix));
        problems.none_or(|| {
            Some(Self {
                place: place?,
                user: settings.user,
                password_file: settings.password_file,
                sentinel_user: settings.sentinel_user,
                sentinel_password_file: settings.sentinel_password_file,
                ca_file: settings.ca_file,
                nodes: nodes?,
                timeout: timeout?,
                prefix: prefix?.into(),
            })
        })
    }
}

/// The most nodes that share a store.
const MOST_NODES: u32 = 1_024;

/// The most addresses of one list.
const MOST_ADDRESSES: usize = 64;

const TIMEOUT: (Duration, Duration) = (Duration::from_millis(2), Duration::from_secs(2));

fn several(list: &str, urls: &[String], problems: &mut Problems) -> Option<Vec<Address>> {
    if urls.len() > MOST_ADDRESSES {
        let message = format!("{} addresses are more than {MOST_ADDRESSES}", urls.len());
        problems.push(Problem::new([list], "redis_too_many", message));
        return None;
    }
    let addresses: Vec<_> = urls
        .iter()
        .enumerate()
        .map(|(index, url)| several_one(list, index, url, problems))
        .collect();
    let addresses: Vec<_> = addresses.into_iter().collect::<Option<_>>()?;
    let is_tls = |address: &Address| address.is_tls();
    if addresses.iter().any(is_tls) != addresses.iter().all(is_tls) {
        let message = "some are spoken to with TLS and some without";
        problems.push(Problem::new([list], "redis_url_mixed", message).help("write `rediss://` for all of them"));
        return None;
    }
    Some(addresses)
}

fn several_one(list: &str, index: usize, url: &str, problems: &mut Problems) -> Option<Address> {
    let key = vec![list.to_owned(), index.to_string()];
    let address = read(key.clone(), url, problems)?;
    if !address.is_plain_host() {
        let message = "neither a socket's path nor the number of a database can stand here";
        problems.push(Problem::new(key, "redis_url_invalid", message).help("write `rediss://host:port`"));
        return None;
    }
    Some(address)
}

/// What is wrong is said without the URL: there may be a password in it.
fn read(key: Vec<String>, url: &str, problems: &mut Problems) -> Option<Address> {
    problems.take(
        url.parse()
            .map_err(|error: AddressError| Problem::new(key, error.code(), error.to_string()).help(error.help())),
    )
}

fn nodes(nodes: u32) -> Result<NonZeroU32, Problem> {
    let within = NonZeroU32::new(nodes).filter(|nodes| nodes.get() <= MOST_NODES);
    within.ok_or_else(|| {
        let message = format!("{nodes} nodes are not between 1 and {MOST_NODES}");
        Problem::new(["nodes"], "number_out_of_range", message).help("write how many edge nodes use this store")
    })
}

fn timeout(text: &str) -> Result<Duration, Problem> {
    let problem = |code, message: String| Problem::new(["timeout"], code, message).help("write such as \"50ms\"");
    let read = duration(text).map_err(|error| {
        let code = match error {
            UnitError::NoUnit => "duration_ambiguous",
            _ => "duration_invalid",
        };
        problem(code, format!("{text:?}: {error}"))
    })?;
    match read {
        read if read < TIMEOUT.0 => Err(problem("number_out_of_range", format!("{text:?} is less than 2ms"))),
        read if read > TIMEOUT.1 => Err(problem("number_out_of_range", format!("{text:?} is more than 2s"))),
        read => Ok(read),
    }
}

fn prefix(prefix: String) -> Result<String, Problem> {
    let is_harmless = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    if (1..=32).contains(&prefix.len()) && prefix.bytes().all(is_harmless) {
        return Ok(prefix);
    }
    let message = format!("{prefix:?} is not 1 to 32 of a-z, 0-9, _ and -");
    Err(Problem::new(["prefix"], "redis_prefix_invalid", message).help("write such as \"rempart\""))
}

#[cfg(test)]
mod tests;
