//! `rempart check`.

use std::process::ExitCode;

use rempart_config::Diagnostics;

use crate::cli::{Check, Format};

/// Says everything that is wrong; status 0 when nothing is, 1 when something is.
pub(crate) fn check(arguments: &Check) -> ExitCode {
    let checked = rempart_config::load(&arguments.config, std::env::vars()).and_then(|config| {
        rempart_proxy::check(&config)?;
        Ok(config.tenants.len())
    });
    let checked = checked.map_err(|diagnostics| diagnostics.under(&arguments.config));
    match arguments.format {
        Format::Human => human(&checked),
        Format::Json => json(&checked),
    }
    if checked.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the answer to a question on the command line"
)]
fn human(checked: &Result<usize, Diagnostics>) {
    match checked {
        Ok(1) => println!("ok: 1 tenant"),
        Ok(tenants) => println!("ok: {tenants} tenants"),
        Err(diagnostics) => eprintln!("{diagnostics}"),
    }
}

#[expect(clippy::print_stdout, reason = "the answer to a question on the command line")]
fn json(checked: &Result<usize, Diagnostics>) {
    let found: Vec<_> = checked.as_ref().err().into_iter().flat_map(Diagnostics::iter).collect();
    println!(
        "{}",
        serde_json::to_string_pretty(&found).expect("diagnostics are text and numbers")
    );
}
