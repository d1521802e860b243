//! What can be asked of the program, in the words of its `--help`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A hardened edge for several client sites of one vendor.
///
/// Rempart stands in front of applications that nobody may change. It ends TLS for all of them on one port, finds the
/// tenant of each request, and runs that tenant's own stack: rate limits, cookies that stay at home, headers.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// How much to log: error, warn, info, debug, trace, or a filter such as `info,rempart_proxy=debug`.
    #[arg(
        long,
        global = true,
        env = "REMPART_LOG",
        default_value = "info",
        value_name = "FILTER"
    )]
    pub(crate) log: String,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the tenants of a configuration directory.
    #[command(after_help = RUN_EXAMPLES)]
    Run(Run),
    /// Read a configuration and say everything that is wrong with it.
    ///
    /// Exit status: 0 when nothing is wrong, 1 when something is, 2 for a wrong command line.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Check),
    /// Start three example sites and the edge before them, and show what it does.
    #[cfg(feature = "demo")]
    #[command(after_help = DEMO_EXAMPLES)]
    Demo(Demo),
    /// One example site; ends when its standard input does.
    #[cfg(feature = "demo")]
    #[command(hide = true)]
    DemoSite(DemoSite),
}

/// `rempart run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The directory that holds `rempart.toml` and `tenants.d/`.
    #[arg(long, short, value_name = "DIR", default_value = "/etc/rempart")]
    pub(crate) config: PathBuf,
}

/// `rempart check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The directory that holds `rempart.toml` and `tenants.d/`.
    #[arg(long, short, value_name = "DIR", default_value = "/etc/rempart")]
    pub(crate) config: PathBuf,

    /// How to say it: lines with the source and a caret for people, or one JSON array for programs.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Human,
    Json,
}

/// `rempart demo`.
#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where the demo keeps its configuration, its development CA and the sites' data. Made when missing.
    #[arg(long, value_name = "DIR", default_value = "rempart-demo")]
    pub(crate) directory: PathBuf,

    /// Where the edge answers HTTPS.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    pub(crate) https: SocketAddr,

    /// Where the edge redirects plain HTTP.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) http: SocketAddr,

    /// The ports of the library, the city and the daycare site, bare, on 127.0.0.1.
    #[arg(
        long,
        value_name = "PORTS",
        num_args = 1..=3,
        value_delimiter = ',',
        default_value = "9101,9102,9103"
    )]
    pub(crate) site_ports: Vec<u16>,
}

/// `rempart demo-site`.
#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub(crate) struct DemoSite {
    /// `library`, `city` or `daycare`.
    pub(crate) name: String,
    #[arg(long)]
    pub(crate) listen: SocketAddr,
    #[arg(long)]
    pub(crate) data: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  rempart demo                            three sites and the edge before them, on this machine
  rempart check --config /etc/rempart     is everything right?
  rempart run --config /etc/rempart       serve; SIGTERM or Ctrl-C ends it after the drain";

const RUN_EXAMPLES: &str = "\
Examples:
  rempart run --config examples/vendor
  rempart --log debug run --config /etc/rempart
  REMPART__LISTEN__HTTPS=127.0.0.1:9443 rempart run --config examples/vendor

SIGTERM and SIGINT stop accepting and let what has begun end, within [shutdown] drain; a second one ends at once.
A configuration that is wrong is refused whole, before anything is listened on: see `rempart check`.";

const CHECK_EXAMPLES: &str = "\
Examples:
  rempart check --config examples/vendor
  rempart check --config /etc/rempart --format json";

#[cfg(feature = "demo")]
const DEMO_EXAMPLES: &str = "\
Examples:
  rempart demo
  rempart demo --https 127.0.0.1:9443 --http 127.0.0.1:9080 --site-ports 9201,9202,9203

The files that the demo runs with are in DIR/vendor: change them, and start it again.";
