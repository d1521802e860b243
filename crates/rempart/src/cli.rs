//! What can be asked of the program, in the words of its `--help`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use rempart_config::Preset;
use rempart_tenant::{HostPattern, KeyId, TenantId};

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
    /// Errors keep a tenant from being served as its file says. Warnings are about what is right and looks wrong, above all
    /// between two tenants: hosts that a neighbour's cookies reach, one application for two, a switch that loosens, a control
    /// that was to be enforced by now, a certificate near its end.
    ///
    /// Exit status: 0 when nothing is wrong, 1 when something is (with --strict, a warning too), 2 for a wrong command line.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Check),
    /// Print the configuration that is in effect, every layer put together.
    ///
    /// What could be a secret is taken out. Exit status: 0, 1 when a file is wrong (the others are printed all the same), 2
    /// for a tenant that does not exist or a wrong command line.
    #[command(after_help = SHOW_EXAMPLES)]
    Show(Show),
    /// Say what a key means, what it is, who set it, and what that went over.
    ///
    /// Exit status: 0, 1 when the vendor's part of the configuration is wrong, 2 when there is no such key.
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(Explain),
    /// Say what changes in behaviour from one configuration to another.
    ///
    /// Comments, order and defaults that are written out change nothing. What the files of a configuration name, such as
    /// certificates, is not looked at.
    ///
    /// Exit status: 0 when nothing changes, 1 when something does, 2 when it cannot be told of all tenants, because
    /// something is wrong in one of the configurations or on the command line.
    #[command(after_help = DIFF_EXAMPLES)]
    Diff(Diff),
    /// Have a running edge read its configuration again, and wait until it is served.
    ///
    /// Only tenants whose files changed are built anew; no connection is closed but those of a tenant that is gone. A file
    /// that is wrong is quarantined: its tenant is served as its last good file said, and the others move on.
    ///
    /// Exit status: 0 when everything is right, 1 when it is done but something is wrong, or when nothing was done because
    /// the vendor's part is wrong, 2 when no edge could be asked, or for a wrong command line.
    #[command(after_help = RELOAD_EXAMPLES)]
    Reload(Reload),
    /// The tenants of a configuration.
    #[command(subcommand)]
    Tenant(Tenant),
    /// The secrets that sessions are sealed with.
    #[command(subcommand)]
    Keys(Keys),
    /// Who is logged in at a tenant of a running edge, and how to end it.
    #[command(subcommand)]
    Session(Session),
    /// Draft tenants' files from what nginx, Traefik or Caddy serve today.
    ///
    /// The drafts are printed, or written with --out. What was not carried over is said on standard error, line by line, with
    /// the reason and what to write instead.
    ///
    /// Exit status: 0 when everything was carried over, 1 when something was not or no site was found, 2 when the file cannot
    /// be read, a file would be overwritten or cannot be written, or for a wrong command line.
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(Import),
    /// Print what the files of a configuration may hold: JSON Schema for editors, or the reference for people.
    #[command(after_help = SCHEMA_EXAMPLES)]
    Schema(Schema),
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

    /// Only this tenant, and what is wrong in the vendor's file.
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: Option<String>,

    /// Let a warning be a failure too.
    #[arg(long)]
    pub(crate) strict: bool,

    /// How to say it: lines with the source and a caret for people, or one JSON array for programs.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// `rempart show`.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The directory that holds `rempart.toml` and `tenants.d/`.
    #[arg(long, short, value_name = "DIR", default_value = "/etc/rempart")]
    pub(crate) config: PathBuf,

    /// Only this tenant, and not the vendor's own part.
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: Option<String>,

    /// Say beside each value which layer, file and line set it.
    #[arg(long)]
    pub(crate) origin: bool,

    /// How to say it: TOML for people, or JSON (which always has the origins) for programs.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// `rempart explain`.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The key, after the tenant's name: `daycare.rate_limit.login`; parts between may be left out. Without a tenant it is
    /// the vendor's: `listen.https`.
    #[arg(value_name = "KEY")]
    pub(crate) key: String,

    /// The directory that holds `rempart.toml` and `tenants.d/`.
    #[arg(long, short, value_name = "DIR", default_value = "/etc/rempart")]
    pub(crate) config: PathBuf,

    /// How to say it: for people, or as JSON for programs.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// `rempart diff`.
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The directory of the old configuration, with `rempart.toml` and `tenants.d/`.
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,

    /// The directory of the new one.
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,

    /// Only what changes for this tenant.
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: Option<String>,

    /// How to say it: a line for each change, or one JSON object for programs.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Human,
    Json,
}

/// `rempart reload`.
#[derive(Debug, Args)]
pub(crate) struct Reload {
    #[command(flatten)]
    pub(crate) edge: Asked,

    /// Only this tenant's file, beside the vendor's; may be given more than once.
    #[arg(long = "tenant", value_name = "NAME")]
    pub(crate) tenants: Vec<String>,

    /// Say what would change in behaviour, and change nothing.
    #[arg(long)]
    pub(crate) plan: bool,

    /// How to say it: lines for people, or one JSON object for programs.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// `rempart tenant`.
#[derive(Debug, Subcommand)]
pub(crate) enum Tenant {
    /// List the tenants of a running edge: which state each is in, since when, and what is wrong with its file.
    ///
    /// `current`: served as its file says. `last_good`: its file is wrong, and it is served as the last good one said.
    /// `absent`: its file is wrong, and there was none before.
    ///
    /// Exit status: 0, or 2 when no edge could be asked, or for a wrong command line.
    #[command(after_help = TENANT_LIST_EXAMPLES)]
    List(TenantList),
    /// Write the file of a new tenant, with a comment on each line, and check it.
    ///
    /// Exit status: 0 when it passes, 1 when it was written and does not pass yet, 2 when nothing was written: the tenant has
    /// a file already, the directory is not there, or the command line is wrong.
    #[command(after_help = TENANT_NEW_EXAMPLES)]
    New(TenantNew),
}

/// `rempart session`.
#[derive(Debug, Subcommand)]
pub(crate) enum Session {
    /// List the sessions of a tenant that are known: number, account, when each began and was last used.
    ///
    /// A session is known once it was used since the edge was started, and an account once the application has named it (see
    /// `account_header` under `[sessions]`).
    ///
    /// Exit status: 0, or 2 when no edge could be asked, for a tenant that is not served, or for a wrong command line.
    #[command(after_help = SESSION_LIST_EXAMPLES)]
    List(SessionList),
    /// End sessions of a tenant: each one's next request comes without it. No other tenant is touched.
    ///
    /// It takes effect at once on all connections, and outlives a restart. An answer that is under way goes on.
    ///
    /// Exit status: 0 when they have ended, 2 when nothing was done or it would not outlive a restart.
    #[command(after_help = SESSION_KILL_EXAMPLES)]
    Kill(SessionKill),
}

/// `rempart session list`.
#[derive(Debug, Args)]
pub(crate) struct SessionList {
    #[command(flatten)]
    pub(crate) edge: Asked,

    /// The tenant.
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: String,

    /// Only sessions of this account.
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,

    /// How to say it: a line for each session, or one JSON array for programs.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// `rempart session kill`.
#[derive(Debug, Args)]
#[group(id = "which", required = true, multiple = false, args = ["all", "account", "id"])]
pub(crate) struct SessionKill {
    #[command(flatten)]
    pub(crate) edge: Asked,

    /// The tenant.
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: String,

    /// Every session of the tenant.
    #[arg(long)]
    pub(crate) all: bool,

    /// Every session of this account, as the application names it.
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,

    /// The session whose number begins so, as `rempart session list` shows it; at least six digits.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) id: Option<String>,

    /// How to say it: for people, or one JSON object for programs.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// `rempart keys`.
#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make a new key, and say what to write so that it is used.
    ///
    /// The file is made in the state directory, for the edge's account alone. Nothing uses it before `[keys]` names it.
    ///
    /// Exit status: 0, or 2 when nothing was made: there is one of that name, the directory cannot be written, or the command
    /// line is wrong.
    #[command(after_help = KEYS_NEW_EXAMPLES)]
    New(KeysNew),
}

/// `rempart keys new`.
#[derive(Debug, Args)]
pub(crate) struct KeysNew {
    /// The key's name, such as the month: 1 to 32 letters, digits, `.`, `_` and `-`.
    #[arg(value_name = "NAME")]
    pub(crate) name: KeyId,

    /// The directory that holds `rempart.toml` and `tenants.d/`.
    #[arg(long, short, value_name = "DIR", default_value = "/etc/rempart")]
    pub(crate) config: PathBuf,
}

/// `rempart tenant new`.
#[derive(Debug, Args)]
pub(crate) struct TenantNew {
    /// The tenant's name, which is that of its file: 1 to 32 of a-z, 0-9 and `-`, beginning with a letter.
    #[arg(value_name = "NAME")]
    pub(crate) name: TenantId,

    /// A host under which it is reached, such as `museum.example` or `*.museum.example`; may be given more than once.
    #[arg(long = "host", value_name = "HOST", required = true)]
    pub(crate) hosts: Vec<HostPattern>,

    /// Where its application is: http, a host and a port, such as `http://127.0.0.1:9101`.
    #[arg(long, value_name = "URL")]
    pub(crate) upstream: String,

    /// The family of the application: php, aspnet, java-servlet, wordpress, django or static.
    #[arg(long, value_name = "FAMILY", value_parser = preset)]
    pub(crate) preset: Option<Preset>,

    /// Its certificate chain, PEM; a relative path is taken from the configuration's directory.
    #[arg(long, value_name = "FILE", requires = "key_file")]
    pub(crate) certificate: Option<String>,

    /// The certificate's private key, PEM.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub(crate) key_file: Option<String>,

    /// The directory that holds `rempart.toml` and `tenants.d/`.
    #[arg(long, short, value_name = "DIR", default_value = "/etc/rempart")]
    pub(crate) config: PathBuf,
}

fn preset(word: &str) -> Result<Preset, String> {
    let found = Preset::ALL.into_iter().find(|preset| preset.as_str() == word);
    found.ok_or_else(|| format!("one of {}", Preset::ALL.map(Preset::as_str).join(", ")))
}

/// `rempart import`.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Whose configuration it is.
    #[arg(value_enum, value_name = "PROGRAM")]
    pub(crate) from: Origin,

    /// The file, or `-` for standard input. Of nginx best the output of `nginx -T`, which has every included file in it; of
    /// Traefik the file of its file provider, TOML or YAML; of Caddy the output of `caddy adapt --pretty`.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Write DIR/NAME.toml for each tenant instead of printing them.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// Overwrite files that are there already.
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Origin {
    Nginx,
    Traefik,
    Caddy,
}

/// `rempart tenant list`.
#[derive(Debug, Args)]
pub(crate) struct TenantList {
    #[command(flatten)]
    pub(crate) edge: Asked,

    /// How to say it: a line for each tenant, or one JSON array for programs.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// Which running edge is asked.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// The directory that the edge was started with: the administration socket is in the state directory that its
    /// `rempart.toml` names.
    #[arg(long, short, value_name = "DIR", default_value = "/etc/rempart")]
    pub(crate) config: PathBuf,

    /// The administration socket itself, `control.sock`, for an edge whose state directory is not in `rempart.toml`.
    #[arg(long, env = "REMPART_SOCKET", value_name = "PATH")]
    pub(crate) socket: Option<PathBuf>,
}

/// `rempart schema`.
#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// What to print.
    #[arg(value_enum, default_value_t = Subject::Tenant)]
    pub(crate) subject: Subject,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Subject {
    /// JSON Schema of `tenants.d/NAME.toml`
    Tenant,
    /// JSON Schema of `rempart.toml`
    Vendor,
    /// Every key of both files, as Markdown
    Reference,
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

const SHOW_EXAMPLES: &str = "\
Examples:
  rempart show --config examples/vendor --tenant daycare
  rempart show --config /etc/rempart --origin";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  rempart explain --config examples/vendor daycare.rate_limit.export
  rempart explain --config /etc/rempart listen.https";

const CHECK_EXAMPLES: &str = "\
Examples:
  rempart check --config examples/vendor
  rempart check --config /etc/rempart --strict --tenant daycare
  rempart check --config /etc/rempart --format json";

const DIFF_EXAMPLES: &str = "\
Examples:
  rempart diff /etc/rempart /home/me/rempart
  rempart diff --tenant daycare /etc/rempart /home/me/rempart
  rempart diff --format json old new | jq -r '.tenants[].changes[]? | select(.effect == \"loosens\").text'

  daycare: tightens: quota `login`: falls from 10/m to 5/m for each client; its counts begin anew
  city, library: nothing

Variables of the environment that override keys (REMPART__…) hold for both.";

const RELOAD_EXAMPLES: &str = "\
Examples:
  rempart reload --plan                     what would change?
  rempart reload
  rempart reload --tenant library --tenant city
  rempart reload --format json | jq -r .outcome

  changed: library; added: museum; 198 unchanged; took 12 ms

SIGHUP does the same without an answer; what comes of it is in the log.";

const TENANT_LIST_EXAMPLES: &str = "\
Examples:
  rempart tenant list
  rempart tenant list --format json | jq -r '.[] | select(.state != \"current\").tenant'";

const SESSION_LIST_EXAMPLES: &str = "\
Examples:
  rempart session list --tenant library
  rempart session list --tenant library --account 29001000000017
  rempart session list --tenant library --format json | jq length";

const SESSION_KILL_EXAMPLES: &str = "\
Examples:
  rempart session kill --tenant library --all
  rempart session kill --tenant library --account 29001000000017
  rempart session kill --tenant library --id 3f9a01c2";

const TENANT_NEW_EXAMPLES: &str = "\
Examples:
  rempart tenant new museum --host museum.example --host www.museum.example \\
      --upstream http://127.0.0.1:9104 --preset php \\
      --certificate /etc/letsencrypt/live/museum.example/fullchain.pem \\
      --key-file /etc/letsencrypt/live/museum.example/privkey.pem
  rempart tenant new museum --config examples/vendor --host museum.localhost --upstream http://127.0.0.1:9104";

const KEYS_NEW_EXAMPLES: &str = "\
Examples:
  rempart keys new 2026-11
  rempart keys new 2026-11 --config examples/vendor

  made /var/lib/rempart/keys/2026-11.key";

const IMPORT_EXAMPLES: &str = "\
Examples:
  nginx -T 2>/dev/null | rempart import nginx -
  rempart import nginx /etc/nginx/sites-enabled/museum.conf --out /etc/rempart/tenants.d
  rempart import traefik dynamic.yml --out drafts 2> left.txt
  caddy adapt --config Caddyfile --pretty > caddy.json; rempart import caddy caddy.json

  sites.conf:17: not carried over: gzip on: the edge does not compress; let the application do it";

const SCHEMA_EXAMPLES: &str = "\
Examples:
  rempart schema tenant > /etc/rempart/tenants.d/tenant.schema.json
  rempart schema vendor > /etc/rempart/rempart.schema.json
  rempart schema reference | less

Editors with Taplo or \"Even Better TOML\" complete and check a file whose first line names its schema:

  #:schema ./tenant.schema.json

VS Code can be told once for all files, in its settings:

  \"evenBetterToml.schema.associations\": {
    \".*/tenants\\\\.d/.*\\\\.toml$\": \"file:///etc/rempart/tenants.d/tenant.schema.json\"
  }

The schema knows one file at a time; `rempart check` knows them all.";

#[cfg(feature = "demo")]
const DEMO_EXAMPLES: &str = "\
Examples:
  rempart demo
  rempart demo --https 127.0.0.1:9443 --http 127.0.0.1:9080 --site-ports 9201,9202,9203

The files that the demo runs with are in DIR/vendor: change them, and `rempart reload --config DIR/vendor`.";
