//! `rempart check`.

use std::process::ExitCode;
use std::time::SystemTime;

use rempart_config::{Config, Diagnostic, Diagnostics, VENDOR_FILE};
use rempart_guard::Day;

use crate::cli::{Check, Format};

/// Says everything that is wrong, and what somebody should look at; status 0 when nothing is wrong, 1 when something is (with
/// `--strict`, a warning too), 2 for a tenant that does not exist.
pub(crate) fn check(arguments: &Check) -> ExitCode {
    let checked = Checked::read(arguments);
    if let Some(tenant) = arguments.tenant.as_ref().filter(|tenant| !checked.has(tenant)) {
        return no_tenant(tenant, arguments);
    }
    match arguments.format {
        Format::Human => human(&checked),
        Format::Json => json(&checked.found),
    }
    if checked.found.has_errors() || (arguments.strict && !checked.found.is_empty()) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// What was read, and what was found.
struct Checked {
    /// Every tenant that has a file; `None` when the vendor's part is wrong, and nobody can say.
    tenants: Option<Vec<String>>,
    found: Diagnostics,
    /// How many tenants were asked about.
    asked: usize,
}

impl Checked {
    fn read(arguments: &Check) -> Self {
        let (tenants, found) = match rempart_config::read(&arguments.config, std::env::vars()) {
            Ok(config) => (Some(names(&config)), everything(&config)),
            Err(found) => (None, found),
        };
        let asked = arguments.tenant.as_ref();
        let concerns = |one: &Diagnostic| match asked {
            None => true,
            // What is wrong in the vendor's file is wrong for everybody.
            Some(asked) => {
                one.tenant.as_ref() == Some(asked) || (one.tenant.is_none() && one.place.file == VENDOR_FILE)
            }
        };
        let found: Diagnostics = found.into_iter().filter(concerns).collect();
        Self {
            asked: asked.map_or_else(|| tenants.as_ref().map_or(0, Vec::len), |_| 1),
            tenants,
            found: found.under(&arguments.config),
        }
    }

    fn has(&self, tenant: &str) -> bool {
        let tenants = self.tenants.as_ref();
        tenants.is_none_or(|tenants| tenants.iter().any(|known| known == tenant))
    }
}

fn names(config: &Config) -> Vec<String> {
    config.files().iter().map(|file| file.id().to_string()).collect()
}

/// Problems and warnings, in one list.
pub(crate) fn everything(config: &Config) -> Diagnostics {
    let now = SystemTime::now();
    let found = config.wrong.iter().cloned();
    let found = found.chain(rempart_proxy::check(config, now));
    found.chain(config.lints(Day::of(now))).collect()
}

#[expect(clippy::print_stderr, reason = "the answer to a question on the command line")]
fn no_tenant(tenant: &str, arguments: &Check) -> ExitCode {
    let directory = arguments.config.display();
    eprintln!("error: there is no tenant `{}` in {directory}", tenant.escape_debug());
    ExitCode::from(2)
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the answer to a question on the command line"
)]
fn human(checked: &Checked) {
    if !checked.found.is_empty() {
        eprintln!("{}", checked.found);
    }
    if !checked.found.has_errors() {
        match checked.asked {
            1 => println!("ok: 1 tenant"),
            tenants => println!("ok: {tenants} tenants"),
        }
    }
}

#[expect(clippy::print_stdout, reason = "the answer to a question on the command line")]
fn json(found: &Diagnostics) {
    let found: Vec<&Diagnostic> = found.iter().collect();
    println!(
        "{}",
        serde_json::to_string_pretty(&found).expect("diagnostics are text and numbers")
    );
}
