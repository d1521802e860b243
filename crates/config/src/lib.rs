//! Stops a typing error from becoming a hole: reads a vendor's configuration, and says of everything that is wrong in it
//! where it is and what would be right.
//!
//! ```text
//! rempart.toml            the vendor's: listeners, state, defaults for all tenants
//! tenants.d/daycare.toml  one tenant, one file
//! ```
//!
//! [`load`] gives a [`Config`] in which every value is parsed into the type that enforces it, or [`Diagnostics`]: all
//! problems of all files at once, each with its file, line, column and key.
//!
//! ```text
//! tenants.d/daycare.toml:12:8: error[rate_ambiguous]: rate_limit.quotas.login.rate: `10`: …
//!    |
//! 12 | rate = "10"
//!    |        ^^^^
//!    = help: write …
//! ```
//!
//! ```
//! use std::path::Path;
//!
//! // A program that is allowed to read its own environment passes `std::env::vars()`.
//! let diagnostics = rempart_config::load(Path::new("no/such/directory"), []).unwrap_err();
//! let said = diagnostics.to_string();
//! assert!(said.starts_with("rempart.toml: error[file_unreadable]: this file cannot be read"), "{said}");
//! assert!(said.ends_with("2 problems in 2 files"), "{said}");
//! ```
//!
//! # One file, one tenant
//!
//! [`read`] leaves out the tenants whose files are wrong and gives the rest; only what is wrong with the vendor's part, its
//! `[defaults]` included, is wrong for everybody. Whoever reads again and again has a [`Source`], which reads what changed
//! and gives the same objects for what did not, and [`settle`], which decides who is served as which version of a file:
//! a [`Candidate`] in, a [`Standing`] out. [`LastGood`] keeps what was right for a start when it is not.
//!
//! The same layers answer what is in effect and who set it ([`Setting`]), what changes in behaviour from one configuration to
//! another ([`Differences`]), what somebody should look at although it is right ([`Config::lints`]), and what may stand in the
//! files at all ([`schema`], [`mod@reference`]).
//!
//! # Layers
//!
//! A tenant's values come from five layers, the weakest first: what is built in, `[defaults]` of `rempart.toml`, a
//! [`Level`] and a [`Preset`] that the tenant's file names, the file itself, and the environment. What `[defaults]` names
//! stands below `[defaults]`: a preset is always just below the layer that names it. Sections are merged key by key, lists
//! are replaced. A problem is shown in the layer that set the value.
//!
//! A variable's name is a key with two underscores for each dot, in capitals: `REMPART__LISTEN__HTTPS=0.0.0.0:443`,
//! `REMPART__DEFAULTS__UPSTREAM__CONNECT_TIMEOUT=5s`, and for one tenant `REMPART__TENANTS__LIBRARY__UPSTREAM__URL`, with
//! one underscore for the hyphen in a tenant's name. A value is read as TOML; what is not TOML is text. Variables that begin
//! with a single underscore (`REMPART_LOG`) are not read.
//!
//! # What it refuses
//!
//! Unknown keys, numbers without a unit, two tenants with one host, a certificate without its key, a wildcard or a real host
//! on a development certificate, a listener twice, an upstream that is the edge itself, a proxy list that believes
//! everybody, files that are no text. There are no templates, no includes and no raw snippets.
//!
//! # What it cannot stop
//!
//! A certificate that does not match its key, an upstream that is not there: those who open them find out, and report it
//! with [`Config::diagnose`] at the key's line.
//!
//! # Bounds
//!
//! A file has at most 1 MiB and nests at most 80 deep; of each tenant at most 100 keys that do not fit are named.

mod config;
mod diagnostic;
mod diff;
mod document;
mod environment;
mod excerpt;
mod extract;
mod files;
mod forms;
#[cfg(any(test, fuzzing))]
mod fuzzing;
mod ground;
mod keys;
mod last_good;
mod layers;
mod lints;
mod neighbours;
mod presets;
mod provenance;
mod reader;
pub mod reference;
pub mod schema;
mod settings;
mod settle;
mod source;
mod stamp;
mod state;
mod syntax;
mod tenant;
mod tenant_file;
mod upstream;
mod vendor;
mod words;

#[cfg(test)]
mod tests;

pub use config::{Config, load, read};
pub use diagnostic::{Diagnostic, Diagnostics, Key, Place, Related, Severity};
pub use diff::{DifferenceKind, Differences, Side, TenantDifference};
pub use files::{LARGEST_FILE, TENANTS_DIRECTORY, VENDOR_FILE};
#[cfg(fuzzing)]
pub use fuzzing::take;
pub use keys::{KeyFiles, PreviousKey};
pub use last_good::{Kept, KeptCertificate, LastGood, LastGoodError};
pub use presets::{Level, Preset};
pub use provenance::{Origin, Setting, as_toml};
pub use settings::{
    ClientSettings, DevelopmentSettings, KeysSettings, ListenSettings, MetricsSettings, ReloadSettings, Sections,
    ShutdownSettings, StateSettings, TenantSettings, UpstreamSettings, VendorSettings,
};
pub use settle::{Candidate, Standing, TenantState, settle};
pub use source::{Reading, Scope, Source};
pub use stamp::Stamp;
pub use state::state_directory;
pub use tenant::{TenantConfig, TlsSource};
pub use tenant_file::TenantFile;
pub use upstream::UpstreamPolicy;
pub use vendor::{Listen, VendorConfig};
pub use words::{OneOrMore, Written, suggestion};
