use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use rempart_guard::{Problem, TrustedProxies};
use rempart_redis::{RedisPolicy, RedisSettings};
use rempart_shares::CapacityPolicy;

use crate::diagnostic::Diagnostic;
use crate::files::TENANTS_DIRECTORY;
use crate::keys::KeyFiles;
use crate::layers::Layers;
use crate::reader::Reader;
use crate::settings::{ListenSettings, VendorSettings};
use crate::upstream::within;

/// Where the edge listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listen {
    /// The addresses for HTTPS; at least one.
    pub https: Vec<SocketAddr>,
    /// The addresses for plain HTTP, which is redirected.
    pub http: Vec<SocketAddr>,
    /// How many threads serve requests; `None` is one for each core.
    pub workers: Option<NonZeroUsize>,
}

/// The vendor's own part of a configuration, with every value ready to be enforced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VendorConfig {
    /// Where the edge listens.
    pub listen: Listen,
    /// Whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: TrustedProxies,
    /// The state directory. It may not exist yet.
    pub state: PathBuf,
    /// The files of the root secrets, which are not looked at here.
    pub keys: KeyFiles,
    /// Whether tenants without a certificate get one from the development CA.
    pub development_certificates: bool,
    /// How long requests may take to finish once the edge is asked to stop.
    pub drain: Duration,
    /// Whether the edge reloads by itself when a file of the configuration changes.
    pub watch: bool,
    /// Where programs that watch the edge may ask it.
    pub metrics: Option<SocketAddr>,
    /// How much all tenants have together.
    pub capacity: CapacityPolicy,
    /// What the edge shares with other edges.
    pub redis: Option<RedisPolicy>,
}

impl VendorConfig {
    /// Reads it. Where something is wrong, the diagnostics say so and a stand-in takes its place.
    pub(crate) fn read(directory: &Path, layers: &Layers) -> (Self, Vec<Diagnostic>) {
        let mut reader = Reader::<VendorSettings>::new(layers, HINTS);
        let settings = reader.settings();
        let listen = Listen::read(&settings.listen, &mut reader);
        let taken: Vec<_> = listen.https.iter().chain(&listen.http).copied().collect();
        let metrics = settings.metrics.listen.as_deref();
        let metrics = metrics.map(|text| address(text, ["metrics", "listen"].map(str::to_owned), &taken));
        let proxies = settings.client.trusted_proxies.0.iter().enumerate();
        let proxies: Vec<IpNet> = proxies
            .filter_map(|(index, text)| reader.take(network(text, index)))
            .collect();
        let state = state(directory, &settings.state.directory);
        let keys = KeyFiles::read(&settings.keys, &mut reader);
        let drain = settings
            .shutdown
            .drain
            .within(Duration::ZERO, Duration::from_secs(3_600), ["shutdown", "drain"]);
        let capacity = reader.section("capacity", settings.capacity);
        let redis = settings
            .state
            .redis
            .and_then(|redis| read_redis(directory, redis, &mut reader));
        let vendor = Self {
            listen,
            trusted_proxies: TrustedProxies::new(proxies),
            state: reader.take(state).unwrap_or_default(),
            keys,
            development_certificates: settings.development.certificates,
            drain: reader.take(drain).unwrap_or_default(),
            watch: settings.reload.watch,
            metrics: metrics.and_then(|metrics| reader.take(metrics)),
            capacity: capacity.unwrap_or_default(),
            redis,
        };
        (vendor, reader.finish())
    }
}

/// Keys of a tenant's file that people look for in the vendor's.
const HINTS: &[crate::extract::Hint] = &[
    ("tenants", "each tenant has a file of its own in tenants.d"),
    ("hosts", "the hosts of a tenant stand in its file in tenants.d"),
    ("upstream", "what holds for all tenants stands in [defaults.upstream]"),
    (
        "rate_limit",
        "what holds for all tenants stands in [defaults.rate_limit]",
    ),
    ("cookies", "what holds for all tenants stands in [defaults.cookies]"),
    ("headers", "what holds for all tenants stands in [defaults.headers]"),
    ("tls", "the certificate of a tenant stands in its file in tenants.d"),
];

impl Listen {
    fn read(settings: &ListenSettings, reader: &mut Reader<'_, VendorSettings>) -> Self {
        if settings.https.0.is_empty() {
            let problem = Problem::new(
                ["listen", "https"],
                "missing_key",
                "the edge has no address to listen on",
            );
            reader.missing(problem.help("write `https = \"0.0.0.0:443\"` under [listen]"));
        }
        let mut taken: Vec<SocketAddr> = Vec::new();
        let mut addresses = |texts: &[String], name: &str| {
            let mut addresses = Vec::new();
            for (index, text) in texts.iter().enumerate() {
                let key = ["listen".to_owned(), name.to_owned(), index.to_string()];
                addresses.extend(reader.take(address(text, key, &taken)));
                taken.extend(addresses.last());
            }
            addresses
        };
        let https = addresses(&settings.https.0, "https");
        let http = addresses(&settings.http.0, "http");
        let workers = settings
            .workers
            .map(|workers| within(workers, 1_024, ["listen", "workers"]));
        Self {
            https,
            http,
            workers: workers.and_then(|workers| reader.take(workers)),
        }
    }
}

fn address<const N: usize>(text: &str, key: [String; N], taken: &[SocketAddr]) -> Result<SocketAddr, Problem> {
    let Ok(address) = text.parse::<SocketAddr>() else {
        let message = format!("{text:?} is not an IP address and a port");
        let help = "such as \"0.0.0.0:443\" for all of IPv4 or \"[::]:443\" for all of IPv6";
        return Err(Problem::new(key, "address_invalid", message).help(help));
    };
    match taken.iter().find(|taken| overlap(**taken, address)) {
        None => Ok(address),
        Some(other) => {
            let message = format!("the edge listens on {other} already");
            Err(Problem::new(key, "listen_twice", message).help("give each listener a port of its own"))
        }
    }
}

/// Whether a connection to one address could be one to the other. Port 0 is a port that nobody else has.
pub(crate) fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let any = |address: IpAddr| address.is_unspecified();
    let (a, b) = (one.ip().to_canonical(), other.ip().to_canonical());
    one.port() == other.port() && one.port() != 0 && (a == b || (a.is_ipv4() == b.is_ipv4() && (any(a) || any(b))))
}

fn network(text: &str, index: usize) -> Result<IpNet, Problem> {
    let index = index.to_string();
    let problem = |code, message| Problem::new(["client", "trusted_proxies", &index], code, message);
    let network = text
        .parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let Ok(network) = network else {
        let message = format!("{text:?} is not a network");
        return Err(problem("network_invalid", message).help("such as \"10.0.0.0/8\" or \"2001:db8::/32\""));
    };
    if network.prefix_len() == 0 {
        let help = "name the networks of your own proxies";
        let message = "this believes everybody, and lets every client choose its address".to_owned();
        return Err(problem("network_everybody", message).help(help));
    }
    if matches!(network, IpNet::V6(v6) if v6.network().to_ipv4_mapped().is_some()) {
        let message = format!("{text:?} is an IPv4 network in the form of IPv6, and would never match");
        return Err(problem("network_mapped", message).help("write it as IPv4, such as \"10.0.0.0/8\""));
    }
    match network.trunc() {
        trunc if trunc == network => Ok(network),
        trunc => {
            let message = format!("{text:?} is an address within a network");
            Err(problem("network_host_bits", message)
                .help(format!("write \"{trunc}\" for the network, or one address")))
        }
    }
}

/// The state directory, which must not be where the configuration is: a file that the edge writes there would be read as a
/// tenant's, or look like a change of the configuration.
fn state(directory: &Path, written: &Path) -> Result<PathBuf, Problem> {
    let state = directory.join(written);
    let (plain, of_tenants) = (plain(&state), plain(&directory.join(TENANTS_DIRECTORY)));
    if plain.starts_with(&of_tenants) || of_tenants.parent() == Some(plain.as_path()) {
        let message = "the state directory is a directory of the configuration";
        let problem = Problem::new(["state", "directory"], "state_in_configuration", message);
        return Err(problem.help("give it one of its own, such as \"state\" or \"/var/lib/rempart\""));
    }
    Ok(state)
}

/// A URL may hold a password although it must not: what is wrong with one is told without it.
fn read_redis(
    directory: &Path,
    settings: RedisSettings,
    reader: &mut Reader<'_, VendorSettings>,
) -> Option<RedisPolicy> {
    match RedisPolicy::try_from(settings) {
        Ok(policy) => Some(policy.relative_to(directory)),
        Err(problems) => {
            for problem in problems {
                reader.secret_problem(problem.under("redis").under("state"));
            }
            None
        }
    }
}

/// A path without `.` and `..`, as far as that can be told from the path alone.
fn plain(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    plain
}
