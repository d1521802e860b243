//! `rempart explain`.

use std::process::ExitCode;

use rempart_config::{Diagnostics, Origin, Reading, Scope, Setting, Source};

use crate::cli::{Explain, Format};
use crate::show;

/// Says what a key is, who set it and what it went over; status 0, 1 when the vendor's part is wrong, 2 when there is no
/// such key.
pub(crate) fn explain(arguments: &Explain) -> ExitCode {
    let mut source = Source::new(&arguments.config, std::env::vars());
    let reading = match source.read(&Scope::All) {
        Ok(reading) => reading,
        Err(wrong) => return refused(&wrong.under(&arguments.config)),
    };
    let (whose, key) = match find(&arguments.key, &source, &reading) {
        Ok(found) => found,
        Err(status) => return status,
    };
    let (prefix, settings) = whose;
    let found: Vec<&Setting> = settings.iter().filter(|setting| meant(&key, &setting.key.0)).collect();
    if found.is_empty() {
        return no_key(&arguments.key, &key, &settings);
    }
    match arguments.format {
        Format::Human => human(&prefix, &found),
        Format::Json => json(&found),
    }
    ExitCode::SUCCESS
}

/// Whose key it is: what stands before it, and all settings that it can be.
type Whose = (String, Vec<Setting>);

/// `daycare.rate_limit.login` is the daycare's, `listen.https` the vendor's.
fn find(asked: &str, source: &Source, reading: &Reading) -> Result<(Whose, Vec<String>), ExitCode> {
    let parts = parts(asked);
    let Some((first, rest)) = parts.split_first() else {
        return Err(show::no_tenant("", reading));
    };
    if let Some(file) = reading.files.iter().find(|file| file.id().as_str() == first) {
        let settings = file.settings().unwrap_or_default();
        return Ok(((format!("{first}."), settings), rest.to_vec()));
    }
    let vendor = source.vendor_settings().unwrap_or_default();
    match vendor.iter().any(|setting| setting.key.0.first() == Some(first)) {
        true => Ok(((String::new(), vendor), parts)),
        false => Err(show::no_tenant(first, reading)),
    }
}

/// The parts of a key, with quotes around one that has a dot in it.
fn parts(key: &str) -> Vec<String> {
    let (mut parts, mut part, mut quoted) = (Vec::new(), String::new(), false);
    for letter in key.chars() {
        match letter {
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(std::mem::take(&mut part)),
            letter => part.push(letter),
        }
    }
    parts.push(part);
    parts
}

/// Whether a key is what was asked for, or stands below it. Parts between may be left out: `rate_limit.login` is
/// `rate_limit.quotas.login.rate`, and what stands beside it.
fn meant(asked: &[String], key: &[String]) -> bool {
    let mut key = key.iter();
    asked.iter().all(|part| key.any(|known| known == part))
}

#[expect(clippy::print_stdout, reason = "the answer to a question on the command line")]
fn human(prefix: &str, settings: &[&Setting]) {
    for (index, setting) in settings.iter().enumerate() {
        if index > 0 {
            println!();
        }
        let value = setting.value.as_deref().unwrap_or("(not set)");
        println!("{prefix}{} = {value}", setting.key);
        match (&setting.value, &setting.origin) {
            (None, Origin::BuiltIn) => {}
            (_, origin) => println!("  set by  {origin}"),
        }
        for (origin, value) in &setting.over {
            println!("  over    {origin}: {value}");
        }
        for line in textwrap::wrap(&setting.meaning, WIDTH) {
            println!("  {line}");
        }
    }
}

/// Columns of text, as in `--help`.
const WIDTH: usize = 98;

#[expect(clippy::print_stdout, reason = "the answer to a question on the command line")]
fn json(settings: &[&Setting]) {
    println!(
        "{}",
        serde_json::to_string_pretty(settings).expect("settings are text and numbers")
    );
}

#[expect(clippy::print_stderr, reason = "the answer to a question on the command line")]
fn no_key(asked: &str, key: &[String], settings: &[Setting]) -> ExitCode {
    let known = settings
        .iter()
        .flat_map(|setting| setting.key.0.iter().map(String::as_str));
    let known: Vec<&str> = known.collect();
    let strange = key.iter().find(|part| !known.contains(&part.as_str()));
    let help = strange.and_then(|part| rempart_config::suggestion(part, known));
    let help = help.map_or_else(String::new, |help| format!("; {help}"));
    eprintln!("error: there is no key `{}`{help}", asked.escape_debug());
    ExitCode::from(2)
}

#[expect(clippy::print_stderr, reason = "the answer to a question on the command line")]
fn refused(wrong: &Diagnostics) -> ExitCode {
    eprintln!("{wrong}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_meant(asked: &str, key: &str) -> bool {
        meant(&parts(asked), &parts(key))
    }

    #[test]
    fn parts_between_may_be_left_out_and_nothing_else() {
        for asked in [
            "",
            "rate_limit",
            "rate_limit.login",
            "rate_limit.quotas.login.rate",
            "login",
        ] {
            let asked = if asked.is_empty() { Vec::new() } else { parts(asked) };
            assert!(meant(&asked, &parts("rate_limit.quotas.login.rate")), "{asked:?}");
        }
        assert!(!is_meant("login.rate_limit", "rate_limit.quotas.login.rate"));
        assert!(!is_meant("rate_limit.search", "rate_limit.quotas.login.rate"));
        assert!(is_meant("quotas.\"a.b\"", "rate_limit.quotas.\"a.b\".rate"));
    }
}
