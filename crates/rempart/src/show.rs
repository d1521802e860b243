//! `rempart show`.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use rempart_config::{Diagnostics, Reading, Scope, Setting, Source, TenantFile, VENDOR_FILE, as_toml};
use serde::Serialize;

use crate::cli::{Format, Show};

/// Prints what is in effect; status 0, 1 when a file is wrong, 2 for a tenant that does not exist.
pub(crate) fn show(arguments: &Show) -> ExitCode {
    let mut source = Source::new(&arguments.config, std::env::vars());
    let reading = match source.read(&Scope::All) {
        Ok(reading) => reading,
        Err(wrong) => return refused(&wrong.under(&arguments.config)),
    };
    let asked = |file: &&Arc<TenantFile>| {
        arguments
            .tenant
            .as_ref()
            .is_none_or(|asked| *asked == file.id().as_str())
    };
    let files: Vec<&Arc<TenantFile>> = reading.files.iter().filter(asked).collect();
    if let (Some(tenant), true) = (&arguments.tenant, files.is_empty()) {
        return no_tenant(tenant, &reading);
    }
    let vendor = source.vendor_settings().filter(|_| arguments.tenant.is_none());
    let parts = vendor.map(|settings| Part {
        file: VENDOR_FILE.to_owned(),
        tenant: None,
        wrong: Diagnostics::default(),
        settings,
    });
    let parts: Vec<Part> = parts
        .into_iter()
        .chain(files.into_iter().map(|file| Part::of(file)))
        .collect();
    match arguments.format {
        Format::Human => human(&parts, arguments.origin),
        Format::Json => json(&parts),
    }
    let wrong: Diagnostics = parts.iter().flat_map(|part| part.wrong.iter()).cloned().collect();
    match wrong.is_empty() {
        true => ExitCode::SUCCESS,
        false => refused(&wrong.under(&arguments.config)),
    }
}

/// One file, and what it comes to.
#[derive(Serialize)]
struct Part {
    file: String,
    tenant: Option<String>,
    settings: Vec<Setting>,
    wrong: Diagnostics,
}

impl Part {
    fn of(file: &TenantFile) -> Self {
        Self {
            file: file.name().to_owned(),
            tenant: Some(file.id().to_string()),
            settings: file.settings().unwrap_or_default(),
            wrong: file.tenant().err().cloned().unwrap_or_default(),
        }
    }
}

#[expect(clippy::print_stdout, reason = "the answer to a question on the command line")]
fn human(parts: &[Part], origins: bool) {
    let mut text = String::new();
    for (index, part) in parts.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        let _ = writeln!(text, "{gap}# {}", part.file);
        if !part.wrong.is_empty() {
            text.push_str("# This file is wrong. The tenant is not served like this, and what is wrong is left out.\n");
        }
        text.push_str(&as_toml(&part.settings, origins));
    }
    print!("{text}");
}

#[expect(clippy::print_stdout, reason = "the answer to a question on the command line")]
fn json(parts: &[Part]) {
    println!(
        "{}",
        serde_json::to_string_pretty(parts).expect("settings are text and numbers")
    );
}

#[expect(clippy::print_stderr, reason = "the answer to a question on the command line")]
fn refused(wrong: &Diagnostics) -> ExitCode {
    eprintln!("{wrong}");
    ExitCode::FAILURE
}

#[expect(clippy::print_stderr, reason = "the answer to a question on the command line")]
pub(crate) fn no_tenant(tenant: &str, reading: &Reading) -> ExitCode {
    let known = reading.files.iter().map(|file| file.id().as_str());
    let help = rempart_config::suggestion(tenant, known).map_or_else(String::new, |help| format!("; {help}"));
    eprintln!("error: there is no tenant `{}`{help}", tenant.escape_debug());
    ExitCode::from(2)
}
